"""Rows that wait in quarantine, loaded after the rule or the data is mended, each exactly once (law Q3)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from prefect import flow

from etl.errors import QualityGateClosed, StorehouseError
from etl.handles import Release, Run, TablePlan
from etl.held_back import ReplayBatch, Selection
from etl.planning import Request
from flows.parameters import Names, OptionalTables
from flows.steps import check_tables, settle_tables, stage_landed
from tasks import resources
from tasks.publish import publish_release, refresh_marts
from tasks.replay import (
    choose_to_read,
    extract_again,
    find_batches,
    find_sources,
    plans_to_read,
    require_rules,
    stage_kept,
    tell_what_is_left,
)
from tasks.report import RunReport, open_report
from tasks.runner import task_runner
from tasks.runs import open_reading, open_run, select_tables

PIPELINE = "replay-quarantine"
TIMEOUT_SECONDS = 12 * 3600
# Stages what one run replays; no plans mean that nothing is left of it.
Stage = Callable[[Run], list[TablePlan]]


@flow(name=PIPELINE, task_runner=task_runner(), timeout_seconds=TIMEOUT_SECONDS, persist_result=False)
def replay_quarantine(  # noqa: PLR0913, PLR0917  # a form with one field for each filter
    tables: OptionalTables = (),
    rules: Names = (),
    runs: Names = (),
    keys: Names = (),
    ids: tuple[int, ...] = (),
    everything: bool = False,
    from_source: bool = False,
) -> Release | None:
    """Load quarantined rows again: those that every filter lets through, with what belongs to them.

    What one run held back is one release with the time of then, the oldest first, so that each row takes
    its place in history. Rows that still break a critical rule stay where they are and keep none back.

    Args:
        tables: Names in the catalog, such as shop.orders.
        rules: Rules that the rows broke, such as quantity_is_positive.
        runs: Ids of the runs that held the rows back, or how they begin.
        keys: Values of a key, such as 4711 or order_id=4711.
        ids: Numbers of entries, as 'make quarantine' lists them.
        everything: All rows that wait; instead of filters.
        from_source: Read the rows again from their database, in their present state: for data that was
            mended there without a new time of change.
    """
    selection = Selection(tables, rules, runs, keys, ids, everything)
    selection.require_meant()
    for name in tables:
        resources.table(name)
    require_rules(rules)
    with open_report(PIPELINE) as report:
        # Its gate speaks of the rows that waited, not of their tables.
        report.speaks_of_now = False
        failures = _replay_all(report, selection, from_source)
        left = sum(tell_what_is_left(selection, from_source).values())
        report.did = f"{left} of the rows asked for still wait." if left else "None of the rows still wait."
        with open_run(PIPELINE, (), Request()) as run:
            report.run = run
            report.marts = refresh_marts(run)
        if failures:
            raise _incomplete(failures)
        return report.release


def _replay_all(report: RunReport, selection: Selection, from_source: bool) -> dict[str, Exception]:
    """Replay what was kept, then what must be read again; returns what failed, as the others go on."""
    failures: dict[str, Exception] = {}
    releases: list[Release] = []

    def attempt(what: str, tables: list[str], stage: Stage) -> None:
        try:
            releases.extend(_released(report, tables, stage))
        except Exception as error:  # told at the end; the other batches go on
            failures[what] = error

    for batch in [] if from_source else find_batches(selection):
        attempt(f"rows of run {batch.original_run}", list(batch.tables), _kept(batch, selection))
    for tables in find_sources(selection, from_source):
        attempt(f"rows read again of {', '.join(tables)}", tables, _read_again(selection, from_source))
    if releases:
        report.release = Release.together(releases)
    return failures


def _released(report: RunReport, tables: list[str], stage: Stage) -> list[Release]:
    with open_run(PIPELINE, select_tables(tables), Request()) as run:
        report.run = run
        plans = stage(run)
        if not plans:
            return []
        try:
            staged, verdicts = check_tables(run, settle_tables(plans, run))
        except QualityGateClosed as closed:
            report.verdicts += closed.verdicts
            raise
        report.verdicts += verdicts
        return [publish_release(run, staged, verdicts)]


def _kept(batch: ReplayBatch, selection: Selection) -> Stage:
    return lambda run: stage_kept(batch, selection, run)


def _read_again(selection: Selection, from_source: bool) -> Stage:
    def stage(run: Run) -> list[TablePlan]:
        if not choose_to_read(selection, from_source, run):
            return []
        (source,) = {resources.table(name).source for name in run.tables}
        with open_reading(run, source, Request()) as opened:
            reading = plans_to_read(opened)
            landed = [extract_again.submit(plan, reading.snapshot, run) for plan in reading.plans]
            stage_landed(landed, run)
        return [replace(plan, files=()) for plan in reading.plans]

    return stage


def _incomplete(failures: dict[str, Exception]) -> StorehouseError:
    reasons = "\n".join(
        f"  {what}: {type(error).__name__}: {error}".replace("\n", "\n    ")
        for what, error in failures.items()
    )
    return StorehouseError(
        f"{len(failures)} parts of the replay failed; their rows still wait:\n{reasons}",
        "Mend what they name and replay again; what was loaded is left out.",
    )
