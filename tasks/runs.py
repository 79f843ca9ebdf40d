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
from zoneinfo import ZoneInfo

from prefect import get_run_logger
from prefect.runtime import flow_run

from etl.errors import QualityGateClosed
from etl.handles import Run, Snapshot, TablePlan
from etl.landing import sweep_landing
from etl.planning import KnownTable, Request, plan_tables
from etl.settings import PROJECT_DIR
from tasks import resources

KEPT_LANDINGS = 14


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
    warehouse = resources.warehouse()
    declared = [resources.table(name) for name in tables]
    warehouse.migrate()
    with warehouse.lock(pipeline, tables, shared=request.is_backfill):
        run = _new_run(pipeline, tables, request)
        warehouse.begin_run(run, declared)
        try:
            yield run
        except QualityGateClosed as closed:
            warehouse.end_run(run, "gate_closed", str(closed), list(closed.verdicts))
            raise
        except BaseException as error:
            warehouse.end_run(run, "failed", _described(error), [])
            raise
        warehouse.drop_staging(run)
        sweep_landing(resources.settings().landing, KEPT_LANDINGS)


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
        loaded = resources.warehouse().loaded_files([t.qualified_name for t in tables])
        known = {
            table.qualified_name: KnownTable(
                watermarks.get(table.qualified_name),
                source.cursor_zone(table),
                source.absent_columns(table),
                loaded.get(table.qualified_name, set()),
            )
            for table in tables
        }
        yield Reading(snapshot, plan_tables(catalog, resources.settings(), snapshot, known, request))


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
    scheduled: datetime = flow_run.scheduled_start_time
    here = scheduled.astimezone(ZoneInfo(resources.settings().business_time_zone))
    return here.date() - timedelta(days=1)


def _new_run(pipeline: str, tables: Sequence[str], request: Request) -> Run:
    run_id = uuid.uuid4().hex
    return Run(
        run_id=run_id,
        pipeline=pipeline,
        business_date=request.business_date,
        full_refresh=request.full_refresh,
        staging_schema=f"staging_{run_id}",
        flow_run_url=flow_run.ui_url,
        code_version=_code_version(),
        tables=tuple(tables),
    )


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
