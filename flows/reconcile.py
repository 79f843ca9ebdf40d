"""Tables held against their source, range by range: what is missing, extra or changed; and repaired."""

from __future__ import annotations

from prefect import flow

from etl.planning import Request
from etl.warehouse.reconciliation import Reconciliation
from flows.parameters import Tables
from flows.steps import check_tables, stage_tables
from tasks.publish import refresh_marts
from tasks.reconcile import (
    narrow_tables,
    publish_reconciliations,
    reconcile_tables,
    refuse_differences,
    repair_tables,
    select_reconciled,
    shown_incidents,
)
from tasks.report import open_report
from tasks.runner import task_runner
from tasks.runs import open_run

PIPELINE = "reconcile"
TIMEOUT_SECONDS = 12 * 3600


@flow(name=PIPELINE, task_runner=task_runner(), timeout_seconds=TIMEOUT_SECONDS, persist_result=False)
def reconcile(tables: Tables, repair: bool = False) -> list[Reconciliation]:
    """Read tables whole and hold them against the warehouse; a difference fails the run (law X9).

    Rows that changed since the last load, and rows that wait in quarantine, are left out on both sides.

    Args:
        tables: Names in the catalog, such as shop.orders. Tables that only make sense together come together.
        repair: Load the ranges that differ again, through the gate, and hold them against the source once
            more.
    """
    request = Request(whole=True)
    with open_report(PIPELINE) as report:
        # What a repair judges is a part of a table.
        report.speaks_of_now = False
        selected = select_reconciled(tables)
        with open_run(PIPELINE, selected, request) as run:
            report.run = run
            staged = stage_tables(run, request)
            found = reconcile_tables(run, staged)
            report.reconciled = shown_incidents(run, found)
            if repair and any(each.differing for each in found):
                narrowed, report.verdicts = check_tables(run, narrow_tables(run, staged))
                report.release = repair_tables(run, narrowed, report.verdicts)
                report.marts = refresh_marts(run)
                found = reconcile_tables(run, staged)
            report.reconciled = shown_incidents(run, found)
            report.did = publish_reconciliations(run, found)
            refuse_differences(found)
            return found
