"""Staged tables held against what the warehouse has of them, in SQL (law X9)."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from psycopg2.extensions import cursor as Cursor

from etl.catalog import Fact
from etl.handles import Run, StagedTable
from etl.identifiers import quote_postgresql
from etl.warehouse.postgresql import facts
from etl.warehouse.postgresql.dimensions import MergeScope, removed_relation
from etl.warehouse.postgresql.reconciling.images import made_of_the_batch, tells_keys
from etl.warehouse.postgresql.reconciling.mending import restore
from etl.warehouse.postgresql.reconciling.subjects import Subject, aside_relation, subjects_of
from etl.warehouse.postgresql.statements import render_named
from etl.warehouse.reconciliation import ReconciledRange, Reconciliation, Side
from etl.windows import instant_of

MAX_EXAMPLES = 10
_NUMERIC_TYPES = {20, 21, 23, 700, 701, 1700}  # int8, int2, int4, float4, float8, numeric


@dataclass(frozen=True, slots=True)
class RangeSize:
    """How a table is cut: so many rows make a range, until there are as many ranges as may be."""

    rows_per_range: int = 100
    max_ranges: int = 200


USUAL_SIZE = RangeSize()


def compare_tables(
    scope: MergeScope, run: Run, staged: Sequence[StagedTable], size: RangeSize
) -> list[Reconciliation]:
    """Hold each staged table against its image; tables without one, or never loaded, are left out.

    The caller's transaction sees one state of the warehouse, and keeps what is made for a repair.
    """
    subjects = subjects_of(scope.catalog, run, staged)
    # A condition of the catalog names staged tables without their schema.
    scope.cursor.execute("select set_config('search_path', %s, true)", (quote_postgresql(scope.staging),))
    for subject in subjects:
        restore(scope.cursor, subject)
    asides = {name: aside_relation(number) for number, name in enumerate(run.tables, 1)}
    counts = {subject.number: set_aside(scope.cursor, subject) for subject in subjects}
    by_table = {each.table: each for each in staged}
    made = _make_own_rows(scope, subjects, by_table)
    found = [_compare(scope, subject, asides, counts[subject.number], size) for subject in subjects]
    for relation in made:
        scope.cursor.execute(f"drop table {quote_postgresql(scope.staging, relation)}")
    return found


def set_aside(cursor: Cursor, subject: Subject) -> dict[str, int]:
    """Take out of staging what the warehouse cannot have, or not yet; says how much of what."""
    sql = render_named("reconcile/aside.sql", **subject.names)
    values = {
        "source": subject.table.qualified_name,
        "watermark": subject.plan.watermark,
        "told": [name for name in subject.table.columns if name not in made_of_the_batch(subject.table)],
    }
    steps = (
        ("open", "newer", "held_back", "settled")
        if subject.table.cursor
        else ("open", "held_back", "settled")
    )
    for step in steps:
        cursor.execute(sql[step], values)
    cursor.execute(f"analyze {quote_postgresql(subject.staging, subject.table.relation)}")
    newer, held_back, rejected = _row(cursor, sql["count"], values)
    return {"newer": newer, "held_back": held_back + rejected}


def _make_own_rows(
    scope: MergeScope, subjects: Sequence[Subject], staged: Mapping[str, StagedTable]
) -> list[str]:
    """Rows of facts with SQL of their own, made as the merge makes them; names of what was made."""
    made: list[str] = []
    own: dict[str, Fact] = {
        subject.image.fact.name: subject.image.fact
        for subject in subjects
        if subject.image.kind == "own_fact" and subject.image.fact
    }
    for fact in own.values():
        for lookup in fact.lookups.values():
            dimension = scope.catalog.dimensions[lookup.dimension]
            made.append(removed_relation(dimension))
            _make_empty(scope, removed_relation(dimension), dimension.relation, dimension.surrogate)
        made.append(facts.rows_relation(fact))
        _drop(scope, facts.rows_relation(fact))
        facts.make_rows(scope, fact, staged)
    return list(dict.fromkeys(made))


def _make_empty(scope: MergeScope, relation: str, like: str, column: str) -> None:
    _drop(scope, relation)
    scope.cursor.execute(
        f"create unlogged table {quote_postgresql(scope.staging, relation)} as"
        f" select {quote_postgresql(column)} from {quote_postgresql('warehouse', like)} where false"
    )


def _drop(scope: MergeScope, relation: str) -> None:
    scope.cursor.execute(f"drop table if exists {quote_postgresql(scope.staging, relation)}")


def _compare(
    scope: MergeScope, subject: Subject, asides: Mapping[str, str], counts: Mapping[str, int], size: RangeSize
) -> Reconciliation:
    started = time.monotonic()
    names = subject.names
    for made in (*names["sides"].values(), names["joined"], names["ranges"]):
        _drop(scope, made)
    comparison = _Comparison.of(scope, subject, asides, size)
    kept = comparison.join()
    ranges = comparison.ranges()
    shows = tells_keys(subject.table, subject.image)
    source = scope.catalog.sources[subject.table.source]
    return Reconciliation(
        subject.table.qualified_name,
        subject.image.target,
        instant_of(subject.plan.as_of, source.time_zone).isoformat(),
        tuple(ranges),
        kept=kept,
        newer=counts["newer"],
        held_back=counts["held_back"],
        changed_columns=comparison.changed_columns() if any(each.changed for each in ranges) else {},
        examples=comparison.examples() if shows else (),
        tells_keys=shows,
        seconds=round(time.monotonic() - started, 3),
    )


@dataclass(frozen=True, slots=True)
class _Comparison:
    """The statements about one image, filled in, and what they are executed with."""

    cursor: Cursor
    subject: Subject
    columns: list[str]
    numbers: list[str]
    sql: Mapping[str, str]
    values: Mapping[str, Any]

    @classmethod
    def of(
        cls, scope: MergeScope, subject: Subject, asides: Mapping[str, str], size: RangeSize
    ) -> _Comparison:
        values = {
            "source": subject.table.qualified_name,
            "business_time_zone": scope.business_time_zone,
            "rows_per_range": size.rows_per_range,
            "max_ranges": size.max_ranges,
            "limit": MAX_EXAMPLES,
        }
        own = {**subject.names, **subject.image.names, "asides": asides}
        if subject.image.kind == "own_fact" and subject.image.fact:
            own["rows"] = facts.rows_relation(subject.image.fact)
        sides = {
            name: statement.strip().removesuffix(";")
            for name, statement in render_named(f"reconcile/{subject.image.file}.sql", **own).items()
        }
        columns, numbers = _described(scope.cursor, sides["source"], values, subject.parts)
        names = {
            **subject.names,
            "select_source": sides["source"],
            "select_target": sides["target"],
            "columns": columns,
            "numbers": numbers,
        }
        sql = {
            **render_named("reconcile/compare.sql", **names),
            **render_named("reconcile/ranges.sql", **names),
        }
        return cls(scope.cursor, subject, columns, numbers, sql, values)

    def join(self) -> int:
        """Bring both sides together; says how many rows only the warehouse has, and may keep."""
        for name in ("make_source", "make_target"):
            self.cursor.execute(self.sql[name], self.values)
        for relation in self.subject.names["sides"].values():
            self.cursor.execute(f"analyze {quote_postgresql(self.subject.staging, relation)}")
        self.cursor.execute(self.sql["join"], self.values)
        return int(_row(self.cursor, self.sql["count_kept"], self.values)[0])

    def ranges(self) -> list[ReconciledRange]:
        """The ranges, in order of their keys."""
        self.cursor.execute(self.sql["make_ranges"], self.values)
        self.cursor.execute(self.sql["read_ranges"], self.values)
        return [self._range(row) for row in self.cursor.fetchall()]

    def examples(self) -> tuple[str, ...]:
        """Some of the rows that differ, by their keys."""
        self.cursor.execute(self.sql["examples"], self.values)
        return tuple(
            f"{row[-1]}: "
            + ", ".join(f"{name} {part}" for name, part in zip(self.subject.parts, row, strict=False))
            for row in self.cursor.fetchall()
        )

    def changed_columns(self) -> dict[str, int]:
        """Columns in which rows differ, with their number."""
        counts = _row(self.cursor, self.sql["changed_columns"], self.values)
        return {name: count for name, count in zip(self.columns, counts, strict=False) if count}

    def _range(self, row: tuple[Any, ...]) -> ReconciledRange:
        number, low, high, last, sources, targets, source_hash, target_hash, *rest = row
        *sums, missing, extra, changed = rest
        return ReconciledRange(
            number,
            low,
            high,
            last,
            Side(sources, int(source_hash), dict(zip(self.numbers, sums[::2], strict=True))),
            Side(targets, int(target_hash), dict(zip(self.numbers, sums[1::2], strict=True))),
            missing,
            extra,
            changed,
        )


def _described(
    cursor: Cursor, select: str, values: Mapping[str, Any], parts: Sequence[str]
) -> tuple[list[str], list[str]]:
    """Columns of a query, and those of them that are numbers and no part of the key."""
    cursor.execute(f"select * from ({select}) as described limit 0", values)
    described = cursor.description or ()
    columns = [column.name for column in described]
    numbers = [c.name for c in described if c.type_code in _NUMERIC_TYPES and c.name not in parts]
    return columns, numbers


def _row(cursor: Cursor, statement: str, values: Mapping[str, Any]) -> tuple[Any, ...]:
    cursor.execute(statement, values)
    row = cursor.fetchone()
    assert row is not None
    return tuple(row)
