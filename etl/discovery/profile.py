"""A look at the rows of a table, bounded: counts, ranges, forms and small sets of values.

At most three statements a table, over all of its rows or, where it is large, over some of them.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from typing import Any

from etl.discovery.found import FoundColumn, FoundTable, Inspector
from etl.profiles import FORMS, MAX_SET

# A table of ten columns is looked at whole up to two million rows.
SAMPLED_VALUES = 20_000_000
_HEAD_ROWS = 2_000
_LONGEST_VALUE = 40
_PLAIN_TEXTS = ("text", "varchar", "bpchar", "char", "mediumtext", "longtext", "tinytext", "citext")
_TIMES = ("date", "timestamp", "timestamptz")


@dataclass(frozen=True, slots=True)
class ColumnProfile:
    """What was seen of one column.

    Attributes:
        given: Rows in which it is not NULL.
        low: Least value of a number, or the first day of days and instants; None for others.
        high: Greatest value, or last day.
        is_day: The column holds days, not instants.
        form: What all values look like, a key of ``FORMS``.
        values: All values there are, each in several rows, where there are few.
        is_unfit: Holds a value that the column's type in the catalog cannot hold (infinity, NaN, 24:00).
    """

    given: int
    low: float | date | None = None
    high: float | date | None = None
    is_day: bool = False
    form: str | None = None
    values: tuple[str, ...] = ()
    is_unfit: bool = False


@dataclass(frozen=True, slots=True)
class TableProfile:
    """What was seen of one table.

    Attributes:
        rows: Rows that were looked at.
        is_whole: These were all.
        columns: By their names at the source.
    """

    rows: int
    is_whole: bool
    columns: dict[str, ColumnProfile] = field(default_factory=dict)


def profile(
    inspector: Inspector, table: FoundTable, may_show: Iterable[str], least_rows: int
) -> TableProfile:
    """Look at a table.

    Args:
        inspector: A session with its database.
        table: The table.
        may_show: Columns whose values may be shown where they are few.
        least_rows: Values are shown that stand in at least so many rows.

    Raises:
        SourceError: The table cannot be read, as a view over a table that is gone.
    """
    limit = max(SAMPLED_VALUES // len(table.columns), _HEAD_ROWS)
    questions = [q for name, column in table.columns.items() for q in _questions(inspector, name, column)]
    sample = inspector.sampled(table, table.columns, limit)
    doing = f"{table.full_name}: profiling"
    asked = ", ".join(["count(*)", *questions])
    ((rows, *answers),) = inspector.rows(f"select {asked} from {sample}", doing)
    found = iter(answers)
    columns = {
        name: _profiled(inspector, column, [next(found) for _ in _questions(inspector, name, column)])
        for name, column in table.columns.items()
    }
    sets = _small_sets(inspector, table, [name for name in may_show if columns[name].given], limit)
    for name, counts in sets.items():
        if len(counts) <= MAX_SET and min(counts.values()) >= least_rows:
            columns[name] = replace(columns[name], values=tuple(sorted(counts)))
    is_whole = rows < limit and (table.estimated_rows or 0) <= limit
    return TableProfile(rows, is_whole, columns)


def can_show(column: FoundColumn) -> bool:
    """Whether a column holds plain texts, whose values can be told."""
    return column.source.family == "text" and column.source.kind in _PLAIN_TEXTS


def _questions(inspector: Inspector, name: str, column: FoundColumn) -> list[str]:
    """What is asked of one column, as aggregates."""
    quoted, source = inspector.dialect.quote(name), column.source
    asked = [f"count({quoted})"]
    if measured := _measured(inspector, quoted, column):
        asked += [f"min({measured})", f"max({measured})"]
    elif can_show(column):
        match = "regexp" if inspector.dialect.is_mysql else "~"
        forms = (inspector.dialect.literal(form) for form in FORMS.values())
        asked += [f"sum(case when {quoted} {match} {form} then 1 else 0 end)" for form in forms]
    if unfit := _unfit(inspector, quoted, source.family, source.kind):
        asked.append(f"max(case when {unfit} then 1 else 0 end)")
    return asked


def _measured(inspector: Inspector, quoted: str, column: FoundColumn) -> str | None:
    """An expression with an order that says something; what is no day has none."""
    source = column.source
    if source.family in ("integer", "decimal", "float"):
        return {"bit": f"{quoted} + 0", "money": f"{quoted}::numeric"}.get(source.kind, quoted)
    if source.family in _TIMES:
        end = "" if inspector.dialect.is_mysql else f" and {quoted} < '10000-01-01'"
        return f"case when {quoted} >= '0001-01-01'{end} then {quoted} end"
    return None


def _unfit(inspector: Inspector, quoted: str, family: str, kind: str) -> str | None:
    """Condition of a value for which the catalog has no other type than text."""
    if family == "json" and kind == "json":
        # jsonb of the warehouse holds no NUL.
        as_text = f"cast({quoted} as char)" if inspector.dialect.is_mysql else f"{quoted}::text"
        nul = inspector.dialect.literal("\\u0000")
        return f"position({nul} in {as_text}) > 0"
    if inspector.dialect.is_mysql:
        return None
    if family in _TIMES:
        return f"{quoted} < '0001-01-01' or {quoted} >= '10000-01-01'"
    return {"decimal": f"{quoted} = 'NaN'", "time": f"{quoted} = '24:00'"}.get(
        family if kind != "money" else ""
    )


def _profiled(inspector: Inspector, column: FoundColumn, answers: list[Any]) -> ColumnProfile:
    given, rest = int(answers[0]), answers[1:]
    low = high = form = None
    if _measured(inspector, column.source.name, column):
        low, high, rest = _end(rest[0]), _end(rest[1]), rest[2:]
    elif can_show(column):
        matching, rest = rest[: len(FORMS)], rest[len(FORMS) :]
        form = next((f for f, n in zip(FORMS, matching, strict=True) if given and int(n) == given), None)
    is_unfit = bool(rest and rest[0])
    return ColumnProfile(given, low, high, column.source.family == "date", form, (), is_unfit)


def _end(value: Any) -> float | date | None:
    """The end of a range; none where it is not finite."""
    if isinstance(value, date):
        return value.date() if isinstance(value, datetime) else value
    number = None if value is None else float(value)
    return number if number is not None and math.isfinite(number) else None


def _small_sets(
    inspector: Inspector, table: FoundTable, names: list[str], limit: int
) -> dict[str, dict[str, int]]:
    """Value -> rows, of columns that have few values; one more than ``MAX_SET`` of those that have more."""
    few = _with_few_values(inspector, table, names)
    if not few:
        return {}
    texts = {name: _comparable(inspector, name) for name in few}
    sample = inspector.sampled(table, few, limit)
    statements = [
        f"(select {at} as place, {text} as value, count(*) as times from {sample}"
        f" where {inspector.dialect.quote(name)} is not null group by 2 order by 3 limit {MAX_SET + 1})"
        for at, (name, text) in enumerate(texts.items())
    ]
    counts: dict[str, dict[str, int]] = {}
    doing = f"{table.full_name}: counting values"
    for at, value, times in inspector.rows(" union all ".join(statements), doing):
        counts.setdefault(few[at], {})[value] = int(times)
    return counts


def _with_few_values(inspector: Inspector, table: FoundTable, names: list[str]) -> list[str]:
    """Columns that have few and short values in the first rows."""
    if not names:
        return []
    head = inspector.sampled(table, names, _HEAD_ROWS)
    quoted = list(map(inspector.dialect.quote, names))
    asked = [q for n in quoted for q in (f"count(distinct {n})", f"max(char_length({n}))")]
    (answers,) = inspector.rows(f"select {', '.join(asked)} from {head}", f"{table.full_name}: profiling")
    return [
        name
        for name, distinct, length in zip(names, answers[::2], answers[1::2], strict=True)
        if 0 < distinct <= MAX_SET and length <= _LONGEST_VALUE
    ]


def _comparable(inspector: Inspector, name: str) -> str:
    """The text, told apart to the letter."""
    quoted = inspector.dialect.quote(name)
    is_mysql = inspector.dialect.is_mysql
    return f"convert({quoted} using utf8mb4) collate utf8mb4_bin" if is_mysql else f"{quoted}::text"
