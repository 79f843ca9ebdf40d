"""The task that judges a staged table."""

from __future__ import annotations

from dataclasses import replace

from prefect import get_run_logger, task

from etl.handles import Run, StagedTable, Verdict
from tasks import resources
from tasks.policy import RETRIED


@task(task_run_name="check {staged.table}", **RETRIED)
def check_table(staged: StagedTable, run: Run) -> tuple[StagedTable, Verdict]:
    """Judge a staged table by its suite and move the rows to blame into quarantine (law Q2)."""
    from expectations.gate import judge  # costs 4 s and 260 MB once, paid by the process that judges

    settings, warehouse = resources.settings(), resources.warehouse()
    followed = warehouse.follow_parents(staged)
    judgement = judge(followed, warehouse.url, settings.suites_dir, settings.state_dir, run.run_id)
    verdict = judgement.verdict
    if verdict.is_open:
        verdict = replace(verdict, quarantined_count=warehouse.quarantine(followed, judgement.failed_rows))
    get_run_logger().info(
        "%s: %s, score %.1f %%, %s rows quarantined",
        staged.table,
        "passed" if verdict.is_open else "GATE CLOSED",
        verdict.score_pct,
        verdict.quarantined_count,
    )
    return followed, verdict
