"""Steps that several flows share; they submit tasks, so they run in a flow and never in a task."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import islice
from queue import SimpleQueue
from typing import Any, TypeVar

from prefect.futures import PrefectFuture, wait

from etl.errors import QualityGateClosed
from etl.handles import (
    Extract,
    LandedFile,
    Release,
    Run,
    Snapshot,
    StagedTable,
    TablePlan,
    Verdict,
)
from etl.planning import Request
from tasks import resources
from tasks.check import check_table, start_importing_the_gate
from tasks.extract import extract_missed, extract_table
from tasks.profile import profile_table
from tasks.progress import Progress, open_progress
from tasks.publish import publish_release, refresh_calendar, refresh_marts
from tasks.report import open_report
from tasks.runs import Reading, open_reading, open_run
from tasks.stage import prepare_file, settle_table, stage_file

ResultT = TypeVar("ResultT")


def load(pipeline: str, tables: Sequence[str], request: Request) -> Release:
    """Bring tables of the catalog into the warehouse: read, judge, publish, and report on it."""
    with open_report(pipeline) as report, open_run(pipeline, tables, request) as run:
        report.run = run
        staged, report.verdicts = check_tables(run, stage_tables(run, request))
        report.release = publish_release(run, staged, report.verdicts)
        report.marts = refresh_marts(run)
        return report.release


def stage_tables(run: Run, request: Request) -> list[StagedTable]:
    """Read each source through one snapshot and bring the run's tables into staging, all in parallel."""
    start_importing_the_gate()
    sources = list(dict.fromkeys(resources.table(name).source for name in run.tables))
    with ExitStack() as opened:
        readings = [opened.enter_context(open_reading(run, name, request)) for name in sources]
        year = max(datetime.fromisoformat(reading.snapshot.taken_at).year for reading in readings)
        calendar = refresh_calendar.submit(year)
        pieces = [piece for reading in readings for piece in _pieces(reading)]
        with open_progress(run, f"Reading {', '.join(sources)}", len(pieces)) as progress:
            _stage(_extract(pieces, run), run, progress)
            missed = [
                extract_missed.submit(plan, reading.snapshot, run)
                for reading in readings
                for plan in reading.plans
                if plan.compares_keys
            ]
            _stage([m for m in missed if m.result().row_count], run, progress)
        calendar.result()
    staged = settle_tables([plan for reading in readings for plan in reading.plans], run)
    # What came, before the gate takes rows away, so that a closed one can be understood by it.
    _results([profile_table.submit(table, run) for table in staged])
    return staged


def settle_tables(plans: Sequence[TablePlan], run: Run) -> list[StagedTable]:
    """Close the staged tables, all in parallel."""
    return _results([settle_table.submit(plan, run) for plan in plans])


def stage_landed(landed: list[PrefectFuture[LandedFile]], run: Run) -> None:
    """Prepare and load pieces that are being landed."""
    with open_progress(run, "Reading again", len(landed)) as progress:
        _stage(landed, run, progress)


def check_tables(run: Run, staged: list[StagedTable]) -> tuple[list[StagedTable], list[Verdict]]:
    """Judge every staged table, parents before their children (law Q2).

    Raises:
        QualityGateClosed: A table did not pass; names table, rules, counts and page (law P5).
    """
    by_name = {table.table: table for table in staged}
    order = resources.catalog().parents_first(list(by_name))
    with open_progress(run, "Checking quality", len(order)) as progress:
        checked = []
        for name in order:
            checked.append(check_table(by_name[name], run))
            progress.advance()
    verdicts = [verdict for _, verdict in checked]
    if not all(verdict.is_open for verdict in verdicts):
        raise _closed(verdicts)
    return [table for table, _ in checked], verdicts


@dataclass(frozen=True, slots=True)
class _Piece:
    """What one task reads, and the table's children, which must be read before it."""

    extract: Extract
    snapshot: Snapshot
    children: tuple[str, ...] = ()


def _pieces(reading: Reading) -> list[_Piece]:
    """Windows, children before their parents, then keys.

    Where readers share no snapshot, lines of an order that moves on meanwhile then lack their order,
    and come whole with the next window.
    """
    catalog, source = resources.catalog(), resources.source(reading.snapshot.source)
    plans = {plan.table: plan for plan in reading.plans}
    pieces = []
    for name in reversed(catalog.parents_first(list(plans))):
        whole = Extract(name, plans[name].window, values=plans[name].values)
        parts = _of_files(whole, plans[name]) or source.plan_extracts(
            resources.table(name), whole, reading.snapshot
        )
        children = tuple(child for child in catalog.children_of(name) if child in plans)
        pieces += [_Piece(part, reading.snapshot, children) for part in parts]
    keys = [_keys_of(plan) for plan in reading.plans if plan.compares_keys]
    return [*pieces, *(_Piece(part, reading.snapshot) for part in keys)]


def _extract(pieces: Sequence[_Piece], run: Run) -> Iterator[PrefectFuture[LandedFile]]:
    """Submit one piece after the other, each when it is asked for."""
    submitted = defaultdict[str, list[PrefectFuture[LandedFile]]](list)
    for piece in pieces:
        children = [future for child in piece.children for future in submitted[child]]
        future = extract_table.submit(
            piece.extract, piece.snapshot, run, wait_for=children, return_state=False
        )
        submitted[piece.extract.table].append(future)
        yield future


def _of_files(whole: Extract, plan: TablePlan) -> tuple[Extract, ...]:
    """One piece for each file, for a table that is read from files."""
    count = len(plan.files)
    return tuple(
        replace(whole, file=file, part=f"{number}of{count}") for number, file in enumerate(plan.files, 1)
    )


def _keys_of(plan: TablePlan) -> Extract:
    return Extract(plan.table, plan.window, kind="keys", part="keys")


def _stage(landing: Iterable[PrefectFuture[LandedFile]], run: Run, progress: Progress) -> None:
    """Prepare and load what is landed; of a chain that breaks, the step that broke is raised.

    A step is submitted when the one before it has ended, and another piece is read then: source and
    warehouse work at the same time, and no thread waits for a piece that another one reads. Threads read
    one piece per worker at a time; a cluster is given all of them.
    """
    settings, coming = resources.settings(), iter(landing)
    next_steps: tuple[Any, ...] = (prepare_file, stage_file)
    submitted: tuple[list[PrefectFuture[Any]], ...] = ([], [], [])
    ended = SimpleQueue[tuple[int, PrefectFuture[Any]]]()

    def follow(step: int, future: PrefectFuture[Any]) -> None:
        submitted[step].append(future)
        future.add_done_callback(lambda done: ended.put((step, done)))

    for future in islice(coming, settings.task_workers if settings.task_runner == "threads" else None):
        follow(0, future)
    count = 0
    while count < sum(map(len, submitted)):
        step, done = ended.get()
        count += 1
        done.wait()
        if step == len(next_steps):
            progress.advance()
        elif done.state.is_completed():
            follow(step + 1, next_steps[step].submit(done, run, return_state=False))
        if step == 0:
            for future in islice(coming, 1):
                follow(0, future)
    for futures in submitted:
        _results(futures)


def _results(futures: list[PrefectFuture[ResultT]]) -> list[ResultT]:
    """All results, once all have ended; the first failure is raised then, when nothing runs any more."""
    wait(list(futures))
    return [future.result() for future in futures]


def _closed(verdicts: list[Verdict]) -> QualityGateClosed:
    lines = []
    for verdict in (v for v in verdicts if not v.is_open):
        for result in verdict.results:
            if not result.checked or (result.severity == "critical" and not result.passed):
                count = (
                    f"{result.unexpected_count} of {result.element_count} rows"
                    if result.checked
                    else "not checked"
                )
                lines.append(
                    f"  {verdict.table}: {result.rule}: {count}; {result.observed}. Page: {verdict.docs_path}"
                )
    return QualityGateClosed(
        "The quality gate is closed; nothing was published:\n" + "\n".join(lines),
        "Open the page, mend the data at the source or the rule in expectations/suites, and run again.",
        tuple(verdicts),
    )
