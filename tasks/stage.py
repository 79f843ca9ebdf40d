"""Tasks that prepare landed files and load them into staging."""

from __future__ import annotations

from prefect import get_run_logger, task

from etl.handles import LandedFile, PreparedFile, Run, StagedTable, StepCount, TablePlan
from etl.preparing import prepare
from tasks import resources
from tasks.policy import RETRIED
from tasks.workers import join


@task(task_run_name="prepare {landed.extract.table} {landed.extract.part}", **RETRIED)
def prepare_file(landed: LandedFile, run: Run) -> PreparedFile:
    """Clean, derive and type the rows of a landed file; what does not convert is rejected with its reason."""
    join(run)
    settings = resources.settings()
    folder = resources.landing_folder(run)
    prepared = prepare(landed, resources.table(landed.table), folder, settings.default_phone_region)
    if prepared.rejected_count:
        get_run_logger().warning("%s: %s rows rejected", landed.table, prepared.rejected_count)
    _log_steps(landed.table, prepared.steps)
    return prepared


@task(task_run_name="stage {prepared.landed.extract.table} {prepared.landed.extract.part}", **RETRIED)
def stage_file(prepared: PreparedFile, run: Run) -> None:
    """COPY a prepared file into the run's staging table; trying again does not double it."""
    join(run)
    resources.warehouse().stage_part(prepared, run)


@task(task_run_name="settle {plan.table}", **RETRIED)
def settle_table(plan: TablePlan, run: Run) -> StagedTable:
    """Close a staged table once all its parts are in."""
    staged = resources.warehouse().settle(plan, run)
    _log_steps(staged.table, staged.steps)
    get_run_logger().info(
        "%s: %s rows staged, %s dropped, %s held back",
        staged.table,
        staged.row_count,
        staged.dropped_count,
        staged.quarantined_count,
    )
    return staged


def _log_steps(table: str, steps: tuple[StepCount, ...]) -> None:
    for step in steps:
        get_run_logger().info(
            "%s: %s %s: %s values changed, rows %s -> %s, NULLs %s -> %s",
            table,
            step.step,
            ", ".join(step.columns),
            step.changed,
            step.rows_before,
            step.rows_after,
            step.nulls_before,
            step.nulls_after,
        )
