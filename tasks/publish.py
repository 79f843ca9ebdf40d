"""Tasks that make a run visible."""

from __future__ import annotations

from datetime import date

from prefect import get_run_logger, task

from etl.handles import Release, Run, StagedTable, TableOutcome, Verdict
from etl.transforms.calendar import calendar
from tasks import resources
from tasks.policy import RETRIED

YEARS_BACK, YEARS_AHEAD = 10, 5


@task(**RETRIED)
def refresh_calendar(year: int) -> int:
    """Bring the calendar around a year into ``dim_date``: ten years back, five ahead (law F7)."""
    settings = resources.settings()
    first, last = date(year - YEARS_BACK, 1, 1), date(year + YEARS_AHEAD, 12, 31)
    days = calendar(first, last, settings.fiscal_year_start_month, settings.holiday_country)
    return resources.warehouse().load_calendar(days)


@task(**RETRIED)
def publish_release(run: Run, staged: list[StagedTable], verdicts: list[Verdict]) -> Release:
    """Merge everything staged in one transaction; when its reply is lost, the next try finds it done (R6)."""
    release = resources.warehouse().publish(run, staged, verdicts)
    for outcome in release.outcomes:
        if outcome.role != "source":
            get_run_logger().info(
                "%s: %s inserted, %s updated, %s expired",
                outcome.name,
                outcome.inserted,
                outcome.updated,
                outcome.expired,
            )
    return release


@task(**RETRIED)
def refresh_marts(run: Run) -> list[TableOutcome]:
    """Rebuild the marts from facts and dimensions (law F8)."""
    return resources.warehouse().refresh_marts(run)
