"""The release: everything that one run makes visible, in one transaction (law R2).

histories -> dimensions -> facts -> replicas -> row accounting -> watermarks -> verdicts -> run record
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import replace

from etl.catalog import Catalog, Dimension, EventSource
from etl.catalog.feeding import merged_facts, namings, replicas, repointed_facts, touched_dimensions
from etl.errors import ReleaseRefused
from etl.handles import Release, Run, StagedTable, TableOutcome, TablePlan, Verdict
from etl.settings import Settings
from etl.warehouse import audit, dimensions, facts, quarantine, staging
from etl.warehouse.database import Session
from etl.warehouse.dimensions import Events, MergeScope
from etl.warehouse.replicas import Adoption, merge_replica
from etl.warehouse.step_log import keep_steps
from etl.windows import instant_of, precedes


def publish(
    session: Session,
    catalog: Catalog,
    settings: Settings,
    run: Run,
    staged: list[StagedTable],
    verdicts: list[Verdict],
) -> Release:
    """Merge the staged tables and record the run; the caller commits.

    Raises:
        ReleaseRefused: A guard, the row accounting or a watermark did not agree; the caller rolls back.
    """
    started = time.monotonic()
    take_turn(session)
    released = audit.released_outcomes(session, run)
    if released is not None:
        return released
    scope = merge_scope(session, catalog, settings, run)
    by_table = {s.table: s for s in staged}
    outcomes = _Outcomes()
    merged = _merge_dimensions(scope, by_table, outcomes)
    _merge_facts(scope, by_table, outcomes, merged)
    adoptions = _merge_replicas(scope, by_table, outcomes)
    for dimension in merged:
        outcomes.put(dimensions.finish_merge(scope, dimension, outcomes.rows[dimension.relation]))
    _account(outcomes, staged, verdicts)
    score = audit.overall_score(verdicts)
    rows = tuple(outcomes.rows.values())
    _move_watermarks(session, run, staged)
    for table in staged:
        _keep_files(session, run, table)
    quarantine.keep_held_back(session, catalog, run, staged)
    for table in staged:
        quarantine.settle_entries(session, catalog, run, table)
    for adoption in adoptions:
        adoption.finish()
    keep_steps(session, run)
    audit.keep_verdicts(session, run, verdicts)
    audit.keep_outcomes(session, run, rows)
    audit.finish_run(session, run, "succeeded", score)
    return Release(run.run_id, rows, score, time.monotonic() - started)


def merge_scope(session: Session, catalog: Catalog, settings: Settings, run: Run) -> MergeScope:
    """Where the merges of a run work; all that it records has one time."""
    recorded_at = session.single(f"select {session.database.now}")
    zone = settings.business_time_zone
    return MergeScope(session, catalog, run.staging_schema, run.run_id, zone, recorded_at)


def take_turn(session: Session) -> None:
    """Releases of different pipelines share dimensions: they come one after the other (law R5)."""
    session.hold("storehouse:release")


class _Outcomes:
    """Outcomes of one release by table, in the order in which they came."""

    def __init__(self) -> None:
        self.rows: dict[str, TableOutcome] = {}
        self._mark = time.monotonic()

    def put(self, outcome: TableOutcome) -> None:
        """Keep an outcome, adding the time since the one before to its seconds."""
        now = time.monotonic()
        before = self.rows.get(outcome.name)
        seconds = (before.seconds if before else 0.0) + now - self._mark
        self.rows[outcome.name] = replace(outcome, seconds=round(seconds, 3))
        self._mark = now

    def add_once(self, outcome: TableOutcome) -> None:
        """Keep the outcome of a source table.

        Raises:
            ReleaseRefused: It has one already: its rows would count twice.
        """
        if outcome.name in self.rows:
            raise ReleaseRefused(
                f"{outcome.name} feeds more than one target, so its rows would be counted twice (law R3).",
                "Declare each source table as the events of one dimension or the rows of one fact.",
            )
        self.put(outcome)


def _merge_dimensions(
    scope: MergeScope, staged: Mapping[str, StagedTable], outcomes: _Outcomes
) -> list[Dimension]:
    """Merge the dimensions that the staged tables feed, or that lead to one; the others stay unread."""
    touched = touched_dimensions(scope.catalog, staged)
    for dimension in touched:
        dimensions.open_merge(scope, dimension)
        for source in dimension.events:
            if source.table in staged:
                events = events_of(scope.catalog, source, plan_of(staged[source.table]))
                outcomes.add_once(dimensions.append_events(scope, dimension, events))
    inferred = {d.name: _infer(scope, d, staged) for d in touched}
    for dimension in touched:
        repointed = dimensions.repoint_snowflakes(scope, dimension, touched)
        dimensions.derive_versions(scope, dimension, touched)
        applied = dimensions.apply_versions(scope, dimension)
        outcomes.put(replace(applied, inferred=inferred[dimension.name], repointed=repointed))
    return touched


def _infer(scope: MergeScope, dimension: Dimension, staged: Mapping[str, StagedTable]) -> int:
    """Members that staged facts, or members of other dimensions, name before their source does (law S17)."""
    return sum(
        dimensions.infer_members(scope, dimension, scope.catalog.tables[table].relation, key)
        for table, key in namings(scope.catalog, dimension, staged)
    )


def _merge_facts(
    scope: MergeScope, staged: Mapping[str, StagedTable], outcomes: _Outcomes, merged: list[Dimension]
) -> None:
    """Re-point every fact that uses a touched dimension, and merge those whose rows are staged."""
    with_rows = merged_facts(scope.catalog, staged)
    for fact in scope.catalog.facts.values():
        if fact not in with_rows and fact not in repointed_facts(scope.catalog, staged):
            continue
        outcome = TableOutcome(fact.relation, "fact")
        repointed = facts.repoint_fact(scope, fact, merged)
        if fact in with_rows:
            outcome = facts.merge_fact(scope, fact, staged)
        outcomes.put(replace(outcome, repointed=repointed))
        if fact in with_rows:
            for source in facts.source_outcomes(scope, fact, staged):
                outcomes.add_once(source)


def _merge_replicas(
    scope: MergeScope, staged: Mapping[str, StagedTable], outcomes: _Outcomes
) -> list[Adoption]:
    """Merge the staged tables that are copied; those that become the copy themselves are returned."""
    adoptions = []
    for table in replicas(scope.catalog, staged):
        read = staged[table.qualified_name]
        if adoption := scope.session.database.adoption(scope, table, read):
            adoptions.append(adoption)
            copied, source = adoption.count()
        else:
            copied, source = merge_replica(scope, table, read, plan_of(read))
        outcomes.put(copied)
        outcomes.add_once(source)
    return adoptions


def _account(outcomes: _Outcomes, staged: list[StagedTable], verdicts: list[Verdict]) -> None:
    """Hold extracted rows against what became of them (law R3)."""
    judged = {v.table: v.quarantined_count for v in verdicts}
    for table in staged:
        outcome = outcomes.rows.get(table.table) or TableOutcome(table.table, "source")
        full = replace(
            outcome,
            extracted=table.extracted_count,
            rejected=table.rejected_count,
            dropped=outcome.dropped + table.dropped_count,
            quarantined=table.quarantined_count + judged.get(table.table, 0),
            seconds=round(outcome.seconds + table.seconds, 3),
        )
        outcomes.rows[table.table] = full
        merged = full.inserted + full.updated + full.unchanged
        accounted = merged + full.rejected + full.quarantined + full.dropped
        if accounted != full.extracted:
            raise ReleaseRefused(
                f"{table.table}: {full.extracted} rows were extracted, but {accounted} are accounted for:"
                f" {merged} merged, {full.rejected} rejected, {full.quarantined} quarantined,"
                f" {full.dropped} dropped (law R3).",
                "Nothing was published. A table must feed a dimension, a fact or a replica of the catalog;"
                " otherwise report it.",
            )


def _move_watermarks(session: Session, run: Run, staged: list[StagedTable]) -> None:
    """Forward only, and only from where this run found them (laws X6, X7)."""
    known = audit.watermarks(session)
    for table in staged:
        plan, before = plan_of(table), known.get(table.table)
        high = plan.window.high
        if high is None or not plan.moves_watermark or (before is not None and not precedes(before, high)):
            continue
        if before != plan.watermark:
            raise ReleaseRefused(
                f"The watermark of {table.table} is {before},"
                f" but this run started from {plan.watermark} (law X6).",
                "Another run released in between; nothing was published; run again.",
            )
        audit.move_watermark(session, run, table.table, high, before)


def _keep_files(session: Session, run: Run, staged: StagedTable) -> None:
    """Enter the files of the plan into the ledger, loaded or quarantined, each exactly once (law X11)."""
    files = plan_of(staged).files
    parts = staging.file_parts(session, staged.schema, staged.relation)
    if {file.path for file in files} != set(parts):
        raise ReleaseRefused(
            f"{staged.table}: {len(files)} files were to be read,"
            f" but {len(parts)} arrived in staging (law X11).",
            "Nothing was published; run again.",
        )
    audit.keep_files(session, run, staged.table, [(file, *parts[file.path]) for file in files])


def plan_of(staged: StagedTable) -> TablePlan:
    """The plan that a staged table was read by."""
    if staged.plan is None:
        raise ReleaseRefused(
            f"{staged.table} was staged without a plan.", "Stage it through Warehouse.settle."
        )
    return staged.plan


def events_of(catalog: Catalog, source: EventSource, plan: TablePlan) -> Events:
    """Staged rows of a table as events that are effective when the plan's snapshot was taken."""
    table = catalog.tables[source.table]
    as_of = instant_of(plan.as_of, catalog.sources[table.source].time_zone)
    return Events(source, table, as_of, plan.compares_keys, plan.absent, plan.replays == "kept")
