"""Where tasks run: threads of the flow's process; what they do is C code and SQL, which run in parallel."""

from __future__ import annotations

from prefect.task_runners import ThreadPoolTaskRunner

from etl.settings import get_settings


def task_runner() -> ThreadPoolTaskRunner[object]:
    """A pool of ``ETL_TASK_WORKERS`` threads."""
    return ThreadPoolTaskRunner(max_workers=get_settings().task_workers)
