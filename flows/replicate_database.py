"""A whole database, copied as it is: declared by itself, read full, then what changed, behind the gate."""

from __future__ import annotations

from prefect import flow

from etl.handles import Release
from etl.planning import Request
from flows.steps import check_tables, stage_tables
from tasks.discover import discover_tables, keep_changes
from tasks.publish import publish_release
from tasks.report import open_report
from tasks.runner import task_runner
from tasks.runs import open_run

TIMEOUT_SECONDS = 24 * 3600


@flow(
    name="replicate-database",
    flow_run_name="replicate {source}",
    task_runner=task_runner(),
    timeout_seconds=TIMEOUT_SECONDS,
    persist_result=False,
)
def replicate_database(
    source: str,
    include: list[str] | None = None,
    exclude: list[str] | None = None,
    full_refresh: bool = False,
) -> Release:
    """Copy a MySQL, MariaDB or PostgreSQL database into the schema ``replica`` and keep the copy up to date.

    Tables that are new are declared first, and those that changed are followed as their files say.

    Args:
        source: Name of the source; ETL_<SOURCE>_URL says where it is, and nothing of that stands here.
        include: Patterns of tables or of schema.table to copy, such as sales.*; empty means all.
        exclude: Patterns of tables to leave out.
        full_refresh: Read everything again from the beginning; what did not change is still not written.
    """
    pipeline, request = f"replicate-{source}", Request(full_refresh=full_refresh)
    with open_report(pipeline) as report:
        found = discover_tables(source, include or [], exclude or [])
        with open_run(pipeline, found.tables, request) as run:
            report.run = run
            keep_changes(found, run)
            staged, report.verdicts = check_tables(run, stage_tables(run, request))
            report.release = publish_release(run, staged, report.verdicts)
            return report.release
