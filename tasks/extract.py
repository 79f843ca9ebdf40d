"""Tasks that read a source and land what it answered."""

from __future__ import annotations

from prefect import get_run_logger, task

from etl.handles import Extract, LandedFile, Run, Snapshot, TablePlan
from etl.landing import land
from tasks import resources
from tasks.policy import RETRIED


@task(task_run_name="extract {extract.table} {extract.part}", **RETRIED)
def extract_table(extract: Extract, snapshot: Snapshot, run: Run) -> LandedFile:
    """Read one piece of a table from the run's snapshot into a landed file."""
    source = resources.source(snapshot.source)
    reader = source.read(resources.table(extract.table), extract, snapshot)
    landed = land(reader, extract, resources.landing_folder(run))
    get_run_logger().info(
        "%s %s %s: %s rows landed", extract.table, extract.part, extract.window, landed.row_count
    )
    return landed


@task(task_run_name="extract {plan.table} missed", **RETRIED)
def extract_missed(plan: TablePlan, snapshot: Snapshot, run: Run) -> LandedFile:
    """Read the rows that changed behind the window, found by comparing keys and cursors (law X1)."""
    keys = resources.warehouse().find_missed(plan, run)
    extract = Extract(plan.table, plan.window, part="missed")
    reader = resources.source(snapshot.source).read_keys(resources.table(plan.table), keys, snapshot)
    landed = land(reader, extract, resources.landing_folder(run))
    get_run_logger().info("%s: %s rows had changed behind the window", plan.table, landed.row_count)
    return landed
