"""The life of a run: its lock, its record, its snapshot of a source, and what is left when it ends."""

from __future__ import annotations

import subprocess
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import lru_cache
from typing import Literal

from prefect import get_run_logger
from prefect.runtime import flow_run

from etl.arrow_files import free_unused_memory
from etl.catalog import SourceTable
from etl.errors import ConfigError, QualityGateClosed
from etl.handles import Run, Snapshot, TablePlan
from etl.landing import sweep_landing
from etl.planning import KnownTable, Request, plan_tables, tells_days
from etl.settings import PROJECT_DIR
from etl.windows import day_before
from expectations.suites import load_suites
from tasks import resources
from tasks.run_parameters import recorded
from tasks.workers import open_to_workers, setup_of


@dataclass(frozen=True, slots=True)
class Reading:
    """One consistent snapshot of a source and what the run reads from it."""

    snapshot: Snapshot
    plans: list[TablePlan]


@contextmanager
def open_run(pipeline: str, tables: Sequence[str], request: Request) -> Iterator[Run]:
    """Hold the pipeline and its tables for one run and record how it ends (laws R5, R7).

    A run that fails, is cancelled or finds its gate closed publishes nothing and leaves no staging.

    Args:
        tables: Catalog names of the tables to read, of one source or several.

    Raises:
        PipelineBusy: Another run of the pipeline, or one that reads one of the tables, does not end.
        ConfigError: A table is not declared.
    """
    warehouse, settings = resources.warehouse(), resources.settings()
    declared = [resources.table(name) for name in tables]
    run = _new_run(pipeline, tables, request)
    warehouse.migrate()
    with warehouse.lock(run):
        try:
            warehouse.begin_run(run, [*declared, *_looked_into(declared)])
            with open_to_workers(run):
                yield run
        except BaseException as error:
            _record_failure(run, error)
            raise
        warehouse.end_run(run, "succeeded", "", [])
        sweep_landing(settings.landing, settings.keep_landings, warehouse.live_runs())


@contextmanager
def open_reading(run: Run, source_name: str, request: Request) -> Iterator[Reading]:
    """Open a snapshot of a source, hold its columns against the catalog, plan what to read (laws X2, X12)."""
    source, catalog = resources.source(source_name), resources.catalog()
    tables = [t for t in (resources.table(name) for name in run.tables) if t.source == source_name]
    with source.snapshot(tables) as snapshot:
        for note in snapshot.notes:
            get_run_logger().info("%s", note)
        for table in tables:
            if drifts := source.check_columns(table):
                get_run_logger().warning("%s: %s", table.qualified_name, "; ".join(drifts))
                resources.warehouse().keep_drifts(run, table.qualified_name, drifts)
        watermarks = resources.warehouse().watermarks()
        names = [table.qualified_name for table in tables]
        loaded = resources.warehouse().loaded_files(names)
        with_rows = resources.warehouse().tables_with_rows(names)
        compared = resources.warehouse().compared_at(names)
        known = {
            table.qualified_name: KnownTable(
                watermarks.get(table.qualified_name),
                source.cursor_zone(table),
                source.absent_columns(table),
                loaded.get(table.qualified_name, set()),
                table.qualified_name in with_rows,
                compared.get(table.qualified_name),
            )
            for table in tables
        }
        plans = plan_tables(catalog, resources.settings(), snapshot, known, request)
        zones = {name: table.cursor_zone for name, table in known.items()}
        resources.warehouse().keep_windows(run, plans, zones)
        yield Reading(snapshot, plans)
    free_unused_memory()


def select_tables(names: Sequence[str]) -> list[str]:
    """The named tables with those that must come with them, which the log tells.

    Raises:
        ConfigError: A name is not declared; says which one may be meant.
    """
    named = {resources.table(name).qualified_name for name in names}
    selected = resources.catalog().loaded_together(named)
    if added := [name for name in selected if name not in named]:
        get_run_logger().info("With them come %s, without which they would not be whole.", ", ".join(added))
    return selected


def select_tables_of_days(names: Sequence[str]) -> list[str]:
    """As :func:`select_tables`, for reading days that lie behind.

    Raises:
        ConfigError: None of the tables can be read by day, or a name is not declared.
    """
    selected = select_tables(names)
    timeless = [name for name in selected if not tells_days(resources.table(name))]
    if len(timeless) == len(selected):
        raise ConfigError(
            f"{', '.join(timeless)}: read whole or by number, so that nothing tells what a day brought.",
            "Load them with load-tables; a backfill is for tables with a time of change as cursor.",
        )
    if timeless:
        get_run_logger().info("%s tell nothing of a day and are left out.", ", ".join(timeless))
    return selected


def days_left(pipeline: str, first_date: date, last_date: date) -> list[date]:
    """Days of a backfill that were not released yet, both ends included.

    Raises:
        ConfigError: The last day lies before the first.
    """
    if last_date < first_date:
        raise ConfigError(
            f"The backfill would end on {last_date} and begin on {first_date}.", "Exchange the two dates."
        )
    days = [first_date + timedelta(days=n) for n in range((last_date - first_date).days + 1)]
    released = resources.warehouse().released_dates(pipeline)
    left = [day for day in days if day not in released]
    get_run_logger().info("%s: %s of %s days are left.", pipeline, len(left), len(days))
    return left


def name_run() -> str:
    """Name of a flow run for people: what runs, and for which day."""
    day = flow_run.parameters.get("business_date")
    return f"{flow_run.flow_name} {day or 'up to now'}"


def day_asked_for(business_date: date | Literal["yesterday"] | None) -> date | None:
    """The business day; ``yesterday`` counts from the time for which the run was scheduled.

    That time is the Prefect server's and stays the same when the run is late or tried again, so that
    neither a worker's clock (law X4) nor a night without a worker changes the day.
    """
    if business_date != "yesterday":
        return business_date
    return day_before(scheduled_time(), resources.settings().business_time_zone)


def scheduled_time() -> datetime:
    """The time for which the flow run was scheduled, by the clock of the Prefect server."""
    scheduled: datetime = flow_run.scheduled_start_time
    return scheduled


def _looked_into(tables: Sequence[SourceTable]) -> list[SourceTable]:
    """Tables that rules of these ones look into; those that are not read stand empty in staging."""
    read = {table.qualified_name for table in tables}
    others = {t.relation: t for name, t in resources.catalog().tables.items() if name not in read}
    suites = load_suites(resources.settings().suites_dir)
    named = [suites[name].looks_into(others) for name in read if name in suites]
    return [table for relation, table in others.items() if relation in set().union(*named)]


def _new_run(pipeline: str, tables: Sequence[str], request: Request) -> Run:
    run_id = uuid.uuid4().hex
    is_shared = resources.settings().task_runner != "threads"
    return Run(
        run_id=run_id,
        pipeline=pipeline,
        business_date=request.business_date,
        full_refresh=request.full_refresh,
        staging_schema=f"staging_{run_id}",
        flow_run_url=flow_run.ui_url,
        code_version=_code_version(),
        tables=tuple(tables),
        is_backfill=request.is_backfill,
        parameters=recorded(flow_run.parameters),
        setup=setup_of(run_id, tables) if is_shared else (),
    )


def _record_failure(run: Run, error: BaseException) -> None:
    """Record how a run failed; that this fails too must not hide the failure itself, nor its verdicts."""
    end_run = resources.warehouse().end_run
    try:
        if isinstance(error, QualityGateClosed):
            end_run(run, "gate_closed", str(error), list(error.verdicts))
        else:
            end_run(run, "failed", _described(error), [])
    except Exception as second:  # whatever it is; a later run finds this one dead and says so (law R7)
        get_run_logger().warning("How the run ended could not be recorded: %s", second)


def _described(error: BaseException) -> str:
    """What is recorded of a failure; a cancellation comes as a signal and not as an error."""
    if isinstance(error, Exception):
        return f"{type(error).__name__}: {error}"
    return "cancelled, or stopped by a signal"


@lru_cache(maxsize=1)
def _code_version() -> str | None:
    try:
        done = subprocess.run(
            ["git", "describe", "--always", "--dirty"],
            cwd=PROJECT_DIR,
            capture_output=True,
            text=True,
            check=True,
        )
    except (OSError, subprocess.CalledProcessError):
        return None
    return done.stdout.strip()
