"""The task that profiles a staged table."""

from __future__ import annotations

from prefect import get_run_logger, task

from etl.errors import ConfigError, StorehouseError, TransientError
from etl.handles import Run, StagedTable
from etl.profiles import NOT_PROFILED, ProfileDrift
from tasks import resources
from tasks.policy import RETRIED


@task(task_run_name="profile {staged.table}", **RETRIED)
def profile_table(staged: StagedTable, run: Run) -> int:
    """Keep what the rows look like and tell what moved since the run before; how many ways.

    A profile informs: one that fails is told and recorded, and the load goes on.
    """
    try:
        drifts = resources.warehouse().profile(staged, run)
    except Exception as error:  # whatever it is, rows that can be loaded must not wait for it
        _tell_failure(staged, run, error)
        return 0
    for drift in drifts:
        get_run_logger().warning(
            "%s: %s of %s moved from %s to %s",
            staged.table,
            drift.drift,
            drift.column,
            drift.before,
            drift.after,
        )
    return len(drifts)


def _tell_failure(staged: StagedTable, run: Run, error: Exception) -> None:
    # Messages of others may quote a row (law P2).
    is_safe = isinstance(error, TransientError | ConfigError)
    said = f"{type(error).__name__}: {error.args[0]}" if is_safe else type(error).__name__
    get_run_logger().warning("%s: no profile: %s", staged.table, said)
    failed = ProfileDrift("", NOT_PROFILED, None, said)
    try:
        resources.warehouse().keep_profile_drifts(run, staged.table, [failed])
    except StorehouseError as second:
        get_run_logger().warning("%s: nor could that be recorded: %s", staged.table, type(second).__name__)
