"""Where tasks run: threads of the flow's process; what they do is C code and SQL, which run in parallel."""

from __future__ import annotations

from typing import Any, cast

from prefect.futures import PrefectFuture
from prefect.task_runners import TaskRunner, ThreadPoolTaskRunner

from etl.settings import get_settings


def task_runner() -> TaskRunner[PrefectFuture[Any]]:
    """A pool of ``ETL_TASK_WORKERS`` threads."""
    runner = ThreadPoolTaskRunner[Any](max_workers=get_settings().task_workers)
    return cast("TaskRunner[PrefectFuture[Any]]", runner)  # its futures are some; the type is invariant
