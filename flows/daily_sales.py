"""The shop's sales of a day: from its database to facts, marts and reports, behind the quality gate."""

from __future__ import annotations

from datetime import date
from typing import Literal

from prefect import flow

from etl.handles import Release
from etl.planning import Request
from flows.steps import load
from tasks.resources import tables_of
from tasks.runner import task_runner
from tasks.runs import day_asked_for, name_run

PIPELINE = "daily-sales"
TIMEOUT_SECONDS = 12 * 3600


@flow(
    name=PIPELINE,
    flow_run_name=name_run,
    task_runner=task_runner(),
    timeout_seconds=TIMEOUT_SECONDS,
    persist_result=False,
)
def daily_sales(
    business_date: date | Literal["yesterday"] | None = None, full_refresh: bool = False
) -> Release:
    """Bring the shop's sales, customers, products and stores into the warehouse, and report on them.

    Args:
        business_date: The day to bring; it is read whole, with everything since the last run. "yesterday"
            is the day before the one for which the run was scheduled; empty means everything up to now.
        full_refresh: Read the shop again from the beginning; what did not change is still not written.
    """
    return load(PIPELINE, tables_of("shop"), Request(day_asked_for(business_date), full_refresh))
