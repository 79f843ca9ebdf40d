"""Any tables of the catalog, by name: read, judged and published like those of the scheduled flows."""

from __future__ import annotations

from datetime import date
from typing import Literal

from prefect import flow

from etl.handles import Release
from etl.planning import Request
from flows.parameters import Tables
from flows.steps import load
from tasks.runner import task_runner
from tasks.runs import day_asked_for, name_run, select_tables

PIPELINE = "load-tables"
TIMEOUT_SECONDS = 12 * 3600


@flow(
    name=PIPELINE,
    flow_run_name=name_run,
    task_runner=task_runner(),
    timeout_seconds=TIMEOUT_SECONDS,
    persist_result=False,
)
def load_tables(
    tables: Tables,
    business_date: date | Literal["yesterday"] | None = None,
    full_refresh: bool = False,
) -> Release:
    """Bring tables of the catalog into the warehouse now, whichever flow brings them otherwise.

    Args:
        tables: Names in the catalog, such as shop.orders. Tables that only make sense together, an order
            and its lines, come together though only one of them is named.
        business_date: The day to bring; it is read whole, with everything since the last run. Empty
            means everything up to now.
        full_refresh: Read the tables again from the beginning; what did not change is still not written.
    """
    return load(PIPELINE, select_tables(tables), Request(day_asked_for(business_date), full_refresh))
