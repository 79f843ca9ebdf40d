"""A base suite out of a profile: what is a law of the table is critical, what was only seen is not.

No value of a person is written down: sets hold only values that many rows share, never of columns whose
name speaks of people, and ranges are wider than what was seen, and round.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from typing import Any

from etl.catalog import SourceTable
from etl.discovery.found import FoundTable
from etl.discovery.profile import ColumnProfile, TableProfile
from etl.profiles import FORMS, NUMBERS_THAT_NAME

Rule = dict[str, Any]
LEAST_ROWS_OF_A_VALUE = 5
# With fewer rows, what was seen says little.
LEAST_ROWS = 100
_LEAST_MEMBERS = 20
_PERSONAL = re.compile(
    r"name|mail|phone|mobile|cell|fax|(^|_)tel|address|street|birth|(^|_)dob($|_)|gender|sex|ssn|tax|passport|iban"
    r"|card|account|user|login|contact|person|people|employee|customer|patient|member|author|owner|manager"
    r"|password|secret|token|(^|_)ip($|_)|note|comment|remark"
)
_YEARS_AHEAD = 10


@dataclass(frozen=True, slots=True)
class SeenColumn:
    """What a rule can be drafted from.

    Attributes:
        may_lack: Its source, or its declaration, lets it be NULL.
        is_personal: None of its values may stand in a rule.
        labels: Values of an enumeration at the source.
    """

    profile: ColumnProfile
    may_lack: bool
    is_personal: bool
    labels: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Seen:
    """What was seen of a table.

    Attributes:
        what: The table, for people.
        how: Where it was seen and when, as the beginning of a reason.
        rows: Rows that were looked at.
        all_rows: Rows that there are, or about so many.
        columns: By their names in the catalog.
    """

    what: str
    day: date
    how: str
    rows: int
    all_rows: int
    columns: dict[str, SeenColumn]


def suite_content(table: SourceTable, found: FoundTable, profile: TableProfile, day: date) -> dict[str, Any]:
    """The suite of a table of a source.

    Args:
        table: Its declaration.
        found: The table at the source.
        profile: What was seen of it.
        day: Day of the source's clock on which it was seen.
    """
    rows = profile.rows if profile.is_whole else max(found.estimated_rows or 0, profile.rows)
    columns = {
        name: SeenColumn(profile.columns[original], column.source.nullable, is_personal(name), column.labels)
        for original, column in found.columns.items()
        if (name := _catalog_name(table, original)) is not None
    }
    how = f"Observed in the profile of {day}"
    return drafted_suite(table, Seen(found.full_name, day, how, profile.rows, rows, columns))


def drafted_suite(table: SourceTable, seen: Seen) -> dict[str, Any]:
    """The suite of a table out of what was seen of it, wherever that was."""
    rules = [_row_count(table, seen), *_key_rules(table, seen)]
    for name, column in seen.columns.items():
        if name not in table.key:
            rules += _column_rules(name, column, seen)
    return {
        "table": table.qualified_name,
        "description": f"What holds of {seen.what}, and what was seen of it on {seen.day}.",
        "rules": rules,
    }


def is_personal(name: str) -> bool:
    """Whether a column's name speaks of people, so that none of its values may be shown."""
    return bool(_PERSONAL.search(name))


def _catalog_name(table: SourceTable, original: str) -> str | None:
    """Name in the catalog of a column of the source that is kept as it is."""
    named = (n for n, c in table.columns.items() if (c.source_name or n) == original and not c.path)
    return next(named, None)


def _row_count(table: SourceTable, seen: Seen) -> Rule:
    is_whole = not (table.cursor or table.files or table.parameters)
    is_full = is_whole and seen.all_rows >= _LEAST_MEMBERS
    why = (
        "the table is read whole, and none would mean a fault"
        if is_full
        else "it may well be empty some day"
        if is_whole
        else "a window without changes is normal"
    )
    return _rule(
        "table_has_rows",
        "expect_table_row_count_to_be_between",
        {"min_value": 1 if is_full else 0},
        "critical" if is_full else "info",
        f"{seen.how}: about {_about(seen.all_rows):,} rows; {why}.",
    )


def _key_rules(table: SourceTable, seen: Seen) -> Iterator[Rule]:
    """The grain is settled before; of the key, which may be more, what was always given."""
    for name in dict.fromkeys((*table.key, *table.grain)):
        if name in table.grain or seen.columns[name].profile.given == seen.rows:
            yield _rule(
                f"{name}_is_given",
                "expect_column_values_to_not_be_null",
                {"column": name},
                "critical",
                "The key; law S11 sends rows without one to quarantine before, so none may be left.",
            )
    unique = "One row per key is the grain; law S10 settled duplicates before, so none may be left."
    if len(table.grain) == 1:
        kwargs: dict[str, Any] = {"column": table.grain[0]}
        name, kind = f"{table.grain[0]}_is_unique", "expect_column_values_to_be_unique"
        yield _rule(name, kind, kwargs, "critical", unique)
    elif table.grain:
        kwargs = {"column_list": list(table.grain)}
        yield _rule(
            "key_as_a_whole_is_unique", "expect_compound_columns_to_be_unique", kwargs, "critical", unique
        )


def _column_rules(name: str, column: SeenColumn, seen: Seen) -> Iterator[Rule]:
    profile, rows, how = column.profile, seen.rows, seen.how
    if column.may_lack and rows >= LEAST_ROWS and profile.given == rows:
        kwargs: dict[str, Any] = {"column": name, "mostly": 0.95}
        reason = (
            f"{how}: given in every row, though the source demands it of none; up to 1 in 20 may lack it."
        )
        yield _rule(f"{name}_is_given", "expect_column_values_to_not_be_null", kwargs, "warning", reason)
    if column.labels and all(column.labels):
        kwargs = {"column": name, "value_set": list(column.labels), "mostly": 0.95}
        reason = "The source's own type names these values; others can be there only by its leave."
        yield _rule(f"{name}_is_known", "expect_column_values_to_be_in_set", kwargs, "warning", reason)
    elif profile.values and not column.is_personal and rows >= LEAST_ROWS:
        kwargs = {"column": name, "value_set": list(profile.values), "mostly": 0.95}
        reason = f"{how}: there were no other values; up to 1 in 20 may be new ones."
        yield _rule(f"{name}_is_known", "expect_column_values_to_be_in_set", kwargs, "warning", reason)
    if profile.form and profile.given >= LEAST_ROWS:
        kwargs = {"column": name, "regex": FORMS[profile.form], "mostly": 0.95}
        reason = f"{how}: every value is {profile.form}; up to 1 in 20 may be something else."
        yield _rule(f"{name}_has_its_form", "expect_column_values_to_match_regex", kwargs, "warning", reason)
    shows_ends = profile.given >= LEAST_ROWS and not profile.is_unfit and not column.is_personal
    if shows_ends and (ends := _ends(name, profile)):
        kwargs = {"column": name, **ends, "mostly": 0.99}
        reason = f"{how}: well within these round bounds; up to 1 in 100 may lie outside."
        yield _rule(f"{name}_is_plausible", "expect_column_values_to_be_between", kwargs, "info", reason)


def _ends(name: str, profile: ColumnProfile) -> dict[str, Any] | None:
    """Bounds with as much room on each side as the values take, and round, so that they name no row."""
    low, high = profile.low, profile.high
    if low is None or high is None:
        return None
    if isinstance(low, date) and isinstance(high, date):
        # Time goes on: there is always room ahead.
        span = high.year - low.year + 1
        first, last = max(low.year - span, 1), min(high.year + max(span, _YEARS_AHEAD), 9999)
        end = "" if profile.is_day else "T00:00:00+00:00"
        return {"min_value": f"{first:04}-01-01{end}", "max_value": f"{last:04}-01-01{end}"}
    if isinstance(low, date) or isinstance(high, date) or NUMBERS_THAT_NAME.search(name):
        return None
    room = high - low or max(abs(high), 1.0)
    below, above = _rounded(low - room, up=False), _rounded(high + room, up=True)
    return {
        "min_value": 0 if low >= 0 > below else below,
        "max_value": 0 if high <= 0 < above else above,
    }


def _about(count: int) -> int:
    """The nearest number of two digits and noughts."""
    return int(round(count, 2 - len(str(count))))


def _rounded(value: float, up: bool) -> int | float:
    """Away from what was seen, to two digits."""
    if not value:
        return 0
    step = 10.0 ** (math.floor(math.log10(abs(value))) - 1)
    rounded = (math.ceil if up else math.floor)(value / step) * step
    return int(rounded) if step >= 1 else round(rounded, 12)


def _rule(name: str, kind: str, kwargs: dict[str, Any], severity: str, reason: str) -> Rule:
    weight = {"weight": 2} if severity == "critical" else {}
    return {"name": name, "type": kind, "kwargs": kwargs, "severity": severity, **weight, "reason": reason}
