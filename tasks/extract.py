"""Tasks that read a source and land what it answered."""

from __future__ import annotations

from prefect import get_run_logger, task

from etl.handles import Extract, LandedFile, Run, Snapshot, TablePlan
from etl.landing import land, land_once
from tasks import resources
from tasks.policy import RETRIED
from tasks.workers import join


@task(task_run_name="extract {extract.table} {extract.part}", **RETRIED)
def extract_table(extract: Extract, snapshot: Snapshot, run: Run) -> LandedFile:
    """Read one piece of a table from the run's snapshot into a landed file."""
    join(run)
    source, table = resources.source(snapshot.source), resources.table(extract.table)
    folder = resources.landing_folder(run)
    landed = land_once(lambda: source.read(table, extract, snapshot), extract, folder)
    what = repr(extract.file.path) if extract.file else f"{extract.part} {extract.window}"
    get_run_logger().info("%s %s: %s rows landed", extract.table, what, landed.row_count)
    if landed.fault:
        get_run_logger().warning("%s %s is quarantined: %s", extract.table, what, landed.fault)
    if landed.drifts:
        get_run_logger().warning("%s %s: %s", extract.table, what, "; ".join(landed.drifts))
        resources.warehouse().keep_drifts(run, extract.table, list(landed.drifts))
    return landed


@task(task_run_name="extract {plan.table} missed", **RETRIED)
def extract_missed(plan: TablePlan, snapshot: Snapshot, run: Run) -> LandedFile:
    """Read the rows that changed behind the window, found by comparing keys and cursors (law X1)."""
    join(run)
    keys = resources.warehouse().find_missed(plan, run)
    extract = Extract(plan.table, plan.window, part="missed")
    reader = resources.source(snapshot.source).read_keys(resources.table(plan.table), keys, snapshot)
    landed = land(reader, extract, resources.landing_folder(run))
    get_run_logger().info("%s: %s rows had changed behind the window", plan.table, landed.row_count)
    return landed
