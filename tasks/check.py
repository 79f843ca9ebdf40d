"""The task that judges a staged table."""

from __future__ import annotations

from dataclasses import replace
from importlib import import_module
from threading import Thread

from prefect import get_run_logger, task

from etl.handles import Reach, Run, StagedTable, Verdict
from etl.planning import reach_of
from etl.windows import instant_of
from expectations.asked import Terms
from tasks import resources
from tasks.policy import RETRIED


def get_ready_to_judge() -> None:
    """Import the gate in a thread of its own, while the process waits for servers.

    It costs 4 s and 260 MB once, whoever needs it first; should it fail, the task that judges says so.
    """
    Thread(target=import_module, args=("expectations.gate",), name="import of the gate").start()


@task(task_run_name="check {staged.table}", **RETRIED)
def check_table(staged: StagedTable, run: Run) -> tuple[StagedTable, Verdict]:
    """Judge a staged table by its suite and move the rows to blame into quarantine (law Q2)."""
    from expectations.gate import judge  # costs 4 s and 260 MB once: see get_ready_to_judge

    settings, warehouse = resources.settings(), resources.warehouse()
    followed, reach = warehouse.follow_parents(staged), _reach(staged)
    terms = _terms(staged, run, reach)
    judgement = judge(
        followed, warehouse.database, settings.suites_dir, settings.state_dir, run.run_id, terms
    )
    verdict = replace(judgement.verdict, reach=reach)
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


def _reach(staged: StagedTable) -> Reach:
    return reach_of(resources.table(staged.table), staged.plan) if staged.plan else Reach()


def _terms(staged: StagedTable, run: Run, reach: Reach) -> Terms:
    """Declaration, history and the instant of the source's clock for which the run speaks (law X4)."""
    table = resources.table(staged.table)
    zone = resources.catalog().sources[table.source].time_zone
    return Terms(
        declared=table,
        measured=resources.warehouse().measured_before(run, staged.table, reach),
        as_of=instant_of(staged.plan.as_of, zone).isoformat() if staged.plan else None,
    )
