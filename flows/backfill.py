"""Days that lie behind, read again one by one and side by side, with the watermarks left alone (law X7)."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor, as_completed
from contextvars import copy_context
from datetime import date
from hashlib import sha256
from typing import Annotated

from prefect import flow
from pydantic import Field

from etl.errors import QualityGateClosed, StorehouseError
from etl.handles import Release, Verdict
from etl.planning import Request
from flows.parameters import Tables
from flows.steps import check_tables, stage_tables
from tasks.publish import publish_release, refresh_marts
from tasks.report import RunReport, open_report
from tasks.runner import task_runner
from tasks.runs import days_left, open_run, select_tables_of_days

PIPELINE = "backfill"
NAME_CHARACTERS = 60


@flow(
    name=PIPELINE,
    flow_run_name="backfill {first_date} to {last_date}",
    task_runner=task_runner(),
    persist_result=False,
)
def backfill(
    tables: Tables,
    first_date: date,
    last_date: date,
    parallel: Annotated[int, Field(ge=1, le=8)] = 2,
    name: str = "",
) -> list[date]:
    """Bring days that lie behind, each in a release of its own; watermarks stay where they are.

    Started again with the same tables and dates, it goes on where it ended: days that succeeded are
    left out. A day that fails does not stop the others; the flow fails at the end and names it.

    Args:
        tables: Names in the catalog, such as shop.orders; tables that only make sense together come
            together. Tables that are read whole, without times of change, tell nothing of a day.
        first_date: The first business date to bring.
        last_date: The last one; it must be over at the source.
        parallel: Days at a time.
        name: Under which it is resumed; empty for one made of tables and dates. With a new name every
            day is read again.

    Returns:
        The dates that this run released.
    """
    selected = select_tables_of_days(tables)
    pipeline = f"{PIPELINE} {name or name_of(selected, first_date, last_date)}"
    with open_report(pipeline) as report, open_run(pipeline, (), Request()) as run:
        report.run, report.speaks_of_now = run, False
        days = days_left(pipeline, first_date, last_date)
        failures = _run_days(report, selected, days, parallel)
        report.marts = refresh_marts(run)
        if failures:
            raise _incomplete(failures, len(days))
        return days


@flow(
    name="backfill-day",
    flow_run_name="backfill {business_date}",
    task_runner=task_runner(),
    persist_result=False,
)
def backfill_day(pipeline: str, tables: list[str], business_date: date) -> tuple[Release, list[Verdict]]:
    """Read, judge and publish one day."""
    request = Request(business_date, is_backfill=True)
    with open_run(pipeline, tables, request) as run:
        staged, verdicts = check_tables(run, stage_tables(run, request))
        return publish_release(run, staged, verdicts), verdicts


def name_of(tables: list[str], first_date: date, last_date: date) -> str:
    """Name of a backfill that was given none; the same for the same tables and dates."""
    named = ", ".join(sorted(tables))
    if len(named) > NAME_CHARACTERS:
        named = f"{len(tables)} tables {sha256(named.encode()).hexdigest()[:8]}"
    return f"{named} {first_date} to {last_date}"


def _run_days(report: RunReport, tables: list[str], days: list[date], parallel: int) -> dict[date, Exception]:
    """Run the days, so many at a time, tell the report of each, and return those that failed."""
    failures: dict[date, Exception] = {}
    releases: list[Release] = []
    pool = ThreadPoolExecutor(parallel, thread_name_prefix="day")
    # Each thread sees the flow run as its parent.
    running = {
        pool.submit(copy_context().run, backfill_day, report.pipeline, tables, day): day for day in days
    }
    try:
        for future in as_completed(running):
            try:
                release, verdicts = future.result()
            except Exception as error:  # told at the end; the other days go on
                failures[running[future]] = error
                verdicts = list(error.verdicts) if isinstance(error, QualityGateClosed) else []
            else:
                releases.append(release)
            report.verdicts += verdicts
    finally:
        # Cancelled: days that have not begun never do, the others end or die with the process.
        pool.shutdown(wait=False, cancel_futures=True)
    report.did = f"{len(releases)} of {len(days)} days were released."
    if releases:
        report.release = Release.together(releases)
    return failures


def _incomplete(failures: dict[date, Exception], count: int) -> StorehouseError:
    reasons = "\n".join(
        f"  {day}: {type(error).__name__}: {error}".replace("\n", "\n    ")
        for day, error in sorted(failures.items())
    )
    return StorehouseError(
        f"{len(failures)} of {count} days failed:\n{reasons}",
        "Mend what they name and start the backfill again; days that succeeded are left out.",
    )
