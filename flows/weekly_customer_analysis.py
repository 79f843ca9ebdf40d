"""The customers of a week: scores by recency, frequency and money, and the segments that they make."""

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

PIPELINE = "weekly-customer-analysis"
TIMEOUT_SECONDS = 3600


@flow(
    name=PIPELINE,
    flow_run_name=name_run,
    task_runner=task_runner(),
    timeout_seconds=TIMEOUT_SECONDS,
    persist_result=False,
)
def weekly_customer_analysis(business_date: date | Literal["yesterday"] = "yesterday") -> Release:
    """Score all customers as of the end of a business date, and report on segments, moves and cohorts.

    Orders up to the end of that date count, so that scoring a date again changes nothing (law R4).

    Args:
        business_date: The last date that counts. "yesterday" is the day before the one for which the run
            was scheduled: on a Monday, the end of the week.
    """
    return load(PIPELINE, tables_of("warehouse"), Request(day_asked_for(business_date)))
