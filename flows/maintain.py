"""Upkeep: old files, results and audit rows go, statistics and calendar are renewed."""

from __future__ import annotations

from prefect import flow

from etl.planning import Request
from tasks.maintenance import (
    Upkeep,
    analyze_warehouse,
    forget_runs,
    prune_docs,
    publish_upkeep,
    sweep_landing,
    sweep_staging,
)
from tasks.publish import refresh_calendar
from tasks.report import open_report
from tasks.runner import task_runner
from tasks.runs import open_run, scheduled_time

PIPELINE = "maintain"
TIMEOUT_SECONDS = 4 * 3600


@flow(name=PIPELINE, task_runner=task_runner(), timeout_seconds=TIMEOUT_SECONDS, persist_result=False)
def maintain() -> list[Upkeep]:
    """Remove what is older than its retention; watermarks, file ledger and open quarantine are kept for ever.

    It may run beside any other flow: what a run that goes on needs is left alone.
    """
    now = scheduled_time()
    with open_report(PIPELINE) as report, open_run(PIPELINE, (), Request()) as run:
        report.run = run
        done = [*sweep_staging(), *sweep_landing(), *forget_runs(now), *prune_docs(), *analyze_warehouse()]
        done.append(
            Upkeep("days new in the calendar", "ten years back, five ahead", refresh_calendar(now.year))
        )
        report.did = publish_upkeep(run, done)
        return done
