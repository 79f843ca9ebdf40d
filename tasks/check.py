"""The task that judges a staged table."""

from __future__ import annotations

from dataclasses import replace
from threading import Thread
from types import ModuleType

from prefect import get_run_logger, task

from etl.handles import Reach, Run, StagedTable, Verdict
from etl.planning import reach_of
from etl.windows import instant_of
from expectations.asked import Terms
from tasks import resources
from tasks.policy import RETRIED


def start_importing_the_gate() -> None:
    """Import the gate in a thread, while the process waits for servers: 4 s and 260 MB, once.

    Should it fail, the task that judges imports it again and says so.
    """
    Thread(target=_import_gate, name="import of the gate").start()


@task(task_run_name="check {staged.table}", **RETRIED)
def check_table(staged: StagedTable, run: Run) -> tuple[StagedTable, Verdict]:
    """Judge a staged table by its suite and move the rows to blame into quarantine (law Q2)."""
    from expectations.gate import judge  # costs 4 s and 260 MB once: see start_importing_the_gate

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


def _import_gate() -> ModuleType:
    from expectations import gate

    return gate
