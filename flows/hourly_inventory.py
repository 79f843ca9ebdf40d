"""Stock counts that the stores drop into a folder: from files of four forms to stock and days of cover."""

from __future__ import annotations

from prefect import flow

from etl.handles import Release
from etl.planning import Request
from flows.steps import load
from tasks.resources import tables_of
from tasks.runner import task_runner
from tasks.runs import name_run

PIPELINE = "hourly-inventory"
TIMEOUT_SECONDS = 3600


@flow(
    name=PIPELINE,
    flow_run_name=name_run,
    task_runner=task_runner(),
    timeout_seconds=TIMEOUT_SECONDS,
    persist_result=False,
)
def hourly_inventory(full_refresh: bool = False) -> Release:
    """Bring the counts of files that were not loaded yet, and report on stock and days of cover.

    A file that came late or was mended is found by its content, so that no hour is lost when a run was.

    Args:
        full_refresh: Read files again that are loaded already; what did not change is still not written.
    """
    return load(PIPELINE, tables_of("drop"), Request(full_refresh=full_refresh))
