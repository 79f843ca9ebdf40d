"""Reference rates: from files in the form of the European Central Bank to the rates that convert amounts."""

from __future__ import annotations

from prefect import flow

from etl.handles import Release
from etl.planning import Request
from flows.steps import load
from tasks.resources import tables_of
from tasks.runner import task_runner
from tasks.runs import name_run

PIPELINE = "daily-exchange-rates"
TIMEOUT_SECONDS = 3600


@flow(
    name=PIPELINE,
    flow_run_name=name_run,
    task_runner=task_runner(),
    timeout_seconds=TIMEOUT_SECONDS,
    persist_result=False,
)
def daily_exchange_rates(full_refresh: bool = False) -> Release:
    """Bring the rates of files that were not loaded yet; days without a quotation have none (law F4).

    Args:
        full_refresh: Read files again that are loaded already; what did not change is still not written.
    """
    return load(PIPELINE, tables_of("rates"), Request(full_refresh=full_refresh))
