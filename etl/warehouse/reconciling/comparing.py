"""Staged tables held against what the warehouse has of them, in SQL (law X9)."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from etl.catalog import Fact
from etl.handles import Run, StagedTable
from etl.warehouse import facts
from etl.warehouse.database import Session
from etl.warehouse.dimensions import MergeScope, removed_relation
from etl.warehouse.reconciliation import ReconciledRange, Reconciliation, Side
from etl.warehouse.reconciling.images import tells_keys
from etl.warehouse.reconciling.mending import restore
from etl.warehouse.reconciling.subjects import Subject, aside_relation, subjects_of
from etl.windows import instant_of

MAX_EXAMPLES = 10


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
    subjects = subjects_of(scope.session.database.sql, scope.catalog, run, staged)
    for subject in subjects:
        restore(scope.session, subject)
    asides = {name: aside_relation(number) for number, name in enumerate(run.tables, 1)}
    counts = {subject.number: set_aside(scope.session, subject) for subject in subjects}
    by_table = {each.table: each for each in staged}
    made = _make_own_rows(scope, subjects, by_table)
    found = [_compare(scope, subject, asides, counts[subject.number], size) for subject in subjects]
    for relation in made:
        _drop(scope, relation)
    return found


def set_aside(session: Session, subject: Subject) -> dict[str, int]:
    """Take out of staging what the warehouse cannot have, or not yet; says how much of what."""
    sql = session.render_named("reconcile/aside.sql", **subject.names)
    values = {
        "source": subject.table.qualified_name,
        "watermark": subject.plan.watermark,
        "told": list(subject.told),
    }
    steps = (
        ("open", "newer", "held_back", "settled")
        if subject.table.cursor
        else ("open", "held_back", "settled")
    )
    for step in steps:
        session.execute(sql[step], values)
    session.analyze(subject.staging, subject.table.relation)
    newer, held_back, rejected = session.row(sql["count"], values)
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
    names = {"staging": scope.staging, "relation": relation, "like": like, "column": column}
    scope.session.execute(scope.session.render("reconcile/empty.sql", **names))


def _drop(scope: MergeScope, relation: str) -> None:
    scope.session.execute(
        scope.session.render("reconcile/drop.sql", staging=scope.staging, relation=relation)
    )


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

    session: Session
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
            for name, statement in scope.session.render_named(
                f"reconcile/{subject.image.file}.sql", **own
            ).items()
        }
        columns, numbers = _described(scope.session, sides["source"], values, subject.parts)
        names = {
            **subject.names,
            "select_source": sides["source"],
            "select_target": sides["target"],
            "columns": columns,
            "numbers": numbers,
        }
        sql = {
            **scope.session.render_named("reconcile/compare.sql", **names),
            **scope.session.render_named("reconcile/ranges.sql", **names),
        }
        return cls(scope.session, subject, columns, numbers, sql, values)

    def join(self) -> int:
        """Bring both sides together; says how many rows only the warehouse has, and may keep."""
        for name in ("make_source", "make_target"):
            self.session.execute(self.sql[name], self.values)
        for relation in self.subject.names["sides"].values():
            self.session.analyze(self.subject.staging, relation)
        self.session.execute(self.sql["join"], self.values)
        return self.session.count(self.sql["count_kept"], self.values)

    def ranges(self) -> list[ReconciledRange]:
        """The ranges, in order of their keys."""
        self.session.execute(self.sql["make_ranges"], self.values)
        self.session.execute(self.sql["read_ranges"], self.values)
        return [self._range(row) for row in self.session.fetchall()]

    def examples(self) -> tuple[str, ...]:
        """Some of the rows that differ, by their keys."""
        self.session.execute(self.sql["examples"], self.values)
        return tuple(
            f"{row[-1]}: "
            + ", ".join(f"{name} {part}" for name, part in zip(self.subject.parts, row, strict=False))
            for row in self.session.fetchall()
        )

    def changed_columns(self) -> dict[str, int]:
        """Columns in which rows differ, with their number."""
        counts = self.session.row(self.sql["changed_columns"], self.values)
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
    session: Session, select: str, values: Mapping[str, Any], parts: Sequence[str]
) -> tuple[list[str], list[str]]:
    """Columns of a query, and those of them that are numbers and no part of the key."""
    session.execute(f"select * from ({select}) as described limit 0", values)
    numbers = [name for name in session.numeric_columns if name not in parts]
    return session.columns, numbers
