"""Ranges that differ, loaded again: narrowed to them, staged rows go through the gate and a release (law R2).

A release writes what the staged rows say new. What it would not see, because what it compares with is
intact, is prepared in its transaction: members whose history is right and whose versions are not
(law S19), events that a log tells once, rows that the source no longer has, rows that another one
would excel.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from etl.catalog import Catalog
from etl.handles import StagedTable
from etl.warehouse import dimensions
from etl.warehouse.database import Session
from etl.warehouse.dimensions import MergeScope, affected_relation
from etl.warehouse.guard import Guarded, hold_guard
from etl.warehouse.reconciling.subjects import Subject
from etl.warehouse.release import events_of
from etl.warehouse.replicas import guarded_copy


def narrow(
    session: Session, catalog: Catalog, subjects: Sequence[Subject], staged: Sequence[StagedTable]
) -> list[StagedTable]:
    """Leave of the staged tables that differ the rows of the differing ranges; says what is to be loaded.

    Tables that only make sense together are loaded together: an order with all its lines. Rows without a
    key, and parents of other rows, stay whole, as the merge or the gate holds them against all.
    """
    by_name = {subject.table.qualified_name: subject for subject in subjects}
    differing = [name for name, subject in by_name.items() if _differs(session, subject)]
    loaded = []
    for each in staged:
        if each.table not in catalog.loaded_together(differing):
            continue
        subject = by_name.get(each.table)
        together = [by_name[name] for name in differing if _moves_with(catalog, name, each.table)]
        if subject and together and subject.image.key and _may_be_narrowed(catalog, subject):
            loaded.append(_narrow(session, subject, together, each))
        else:
            loaded.append(_counted(session, each))
    return loaded


def restore(session: Session, subject: Subject) -> None:
    """Bring the whole staged table back after a repair, so that it can be compared again."""
    whole = subject.names["whole"]
    if not session.exists(subject.staging, whole):
        return
    quarantine = session.identifier(subject.staging, "_quarantine")
    # The rows that the gate blamed come back with the others; audit.quarantine knows them by now.
    session.execute(f"delete from {quarantine} where table_name = %s", (subject.table.qualified_name,))
    session.execute(session.render("reconcile/restore.sql", **subject.names))


def mend(scope: MergeScope, subjects: Sequence[Subject]) -> None:
    """Prepare the release of the subjects that differ; in its transaction, before anything is merged."""
    for subject in subjects:
        if subject.image.kind in ("dimension", "events"):
            _mend_members(scope, subject)
        elif subject.image.kind in ("fact", "replica") and subject.image.key:
            _mend_rows(scope, subject)


def _mend_rows(scope: MergeScope, subject: Subject) -> None:
    """Take away what another release would leave; not more than the guard lets go (law S13)."""
    schema, target = subject.image.target.split(".", 1)
    names = {**subject.names, "schema": schema, "target": target}
    sql = scope.session.render_named("reconcile/mend_rows.sql", **names)
    present, ending = scope.session.row(sql["count_ending"])
    hold_guard(_guarded(subject), present, ending)
    scope.session.execute(sql["remove_wrong"])


def _guarded(subject: Subject) -> Guarded:
    fact = subject.image.fact
    if fact is None:
        return guarded_copy(subject.table)
    return Guarded(f"rows of {fact.relation}", f"catalog/facts/{fact.name}.yaml", fact.guard)


def _mend_members(scope: MergeScope, subject: Subject) -> None:
    dimension, event = subject.image.dimension, subject.image.event
    assert dimension is not None and event is not None
    names = {
        **subject.names,
        "affected": affected_relation(dimension),
        "key": dimension.key,
        "entity": dimension.name,
        "dimension": dimension.relation,
        "present": f"_present_{subject.number}",
    }
    sql, values = (
        scope.session.render_named("reconcile/mend_members.sql", **names),
        {"source": subject.table.qualified_name},
    )
    dimensions.open_merge(scope, dimension)
    scope.session.execute(sql["touch_members"], values)
    if subject.image.kind == "events":
        scope.session.execute(sql["forget_events"], values)
        return
    scope.session.execute(sql["keep_present"], values)
    events = events_of(scope.catalog, event, subject.plan)
    dimensions.append_deletes(scope, dimension, events, names["present"])


def _differs(session: Session, subject: Subject) -> bool:
    ranges = session.identifier(subject.staging, subject.ranges)
    return session.single(f"select 1 from {ranges} where differs limit 1") is not None


def _moves_with(catalog: Catalog, name: str, other: str) -> bool:
    """Whether the ranges of one table are ranges of the other: itself, or rows of one fact's first grain."""
    return name == other or any(
        {name, other} <= set(fact.tables) for fact in catalog.facts.values() if not fact.columns
    )


def _may_be_narrowed(catalog: Catalog, subject: Subject) -> bool:
    return subject.image.kind == "own_fact" or not catalog.children_of(subject.table.qualified_name)


def _narrow(
    session: Session, subject: Subject, together: Sequence[Subject], staged: StagedTable
) -> StagedTable:
    table = subject.table
    stored = [name for name, column in table.staged_columns.items() if column.expression is None]
    names = {
        **subject.names,
        "columns": [*stored, "_cursor"],
        "column": next(iter(subject.image.key.values())),
        "there": [other.ranges for other in together],
    }
    sql = session.render_named("reconcile/narrow.sql", **names)
    if not session.exists(subject.staging, names["whole"]):
        for name in ("open", "fill", "swap"):
            session.execute(sql[name])
    return _counted(session, staged)


def _counted(session: Session, staged: StagedTable) -> StagedTable:
    """Only what is staged is accounted for (law R3); what was set aside is no part of the repair."""
    count = session.count(f"select count(*) from {session.identifier(staged.schema, staged.relation)}")
    counted = replace(staged, row_count=count, extracted_count=count, rejected_count=0)
    return replace(counted, dropped_count=0, quarantined_count=0, steps=())
