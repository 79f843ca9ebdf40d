"""Tasks that remove what is older than its retention, and keep the warehouse quick.

How long things are kept is declared in ``etl/settings.py`` (``keep_...``) and nowhere else.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import datetime, timedelta

from prefect import get_run_logger, task
from prefect.artifacts import create_table_artifact

from etl import landing
from etl.handles import Run
from tasks import resources
from tasks.policy import RETRIED
from tasks.progress import artifact_key


@dataclass(frozen=True, slots=True)
class Upkeep:
    """What one part of the maintenance did, one row of its report."""

    what: str
    rule: str
    count: int

    def __str__(self) -> str:
        return f"{self.count} {self.what}"


@task(**RETRIED)
def sweep_staging() -> list[Upkeep]:
    """Drop what killed runs of any pipeline left; a run that goes on holds its lock and is left alone."""
    swept = resources.warehouse().sweep_staging()
    return [Upkeep("staging schemas of dead runs", "none is kept", len(swept))]


@task(**RETRIED)
def sweep_landing() -> list[Upkeep]:
    """Remove the landed files of all but the newest runs."""
    settings = resources.settings()
    removed = landing.sweep_landing(
        settings.landing, settings.keep_landings, resources.warehouse().live_runs()
    )
    return [Upkeep("folders of landed files", f"the newest {settings.keep_landings} runs", len(removed))]


@task(**RETRIED)
def prune_docs() -> list[Upkeep]:
    """Remove old judgements of each suite, and their pages from the Data Docs."""
    from expectations.data_docs import build_docs  # costs 4 s once
    from expectations.result_store import prune_results

    settings = resources.settings()
    removed = prune_results(settings.state_dir, settings.keep_results)
    build_docs(settings.state_dir, settings.suites_dir, settings.report_dir / "quality.html")
    return [
        Upkeep("judgements and their pages", f"the newest {settings.keep_results} of each suite", removed)
    ]


@task(**RETRIED)
def forget_runs(now: datetime) -> list[Upkeep]:
    """Delete audit rows of runs that ended too long ago."""
    days = resources.settings().keep_audit_days
    deleted = resources.warehouse().forget_runs(now - timedelta(days=days))
    return [Upkeep(f"rows of audit.{table}", f"{days} days", count) for table, count in deleted.items()]


@task(**RETRIED)
def analyze_warehouse() -> list[Upkeep]:
    """Make the statistics of changed tables anew."""
    analyzed = resources.warehouse().analyze()
    return [Upkeep("tables analyzed", "changed since the last time", len(analyzed))]


@task(**RETRIED)
def publish_upkeep(run: Run, done: list[Upkeep]) -> str:
    """Show what was done as an artifact and in the log; returns it as a sentence."""
    for each in done:
        get_run_logger().info("%s: %s (%s)", each.what, each.count, each.rule)
    create_table_artifact(
        [asdict(each) for each in done],
        key=artifact_key(run.pipeline, "removed"),
        description="What was removed or renewed; 'rule' says what is kept",
    )
    return f"{'; '.join(map(str, done))}."
