"""Where tasks run: in threads of the flow's process, or on a Dask cluster, as ``ETL_TASK_RUNNER`` says."""

from __future__ import annotations

from typing import Any, cast

from prefect import unmapped
from prefect.futures import PrefectFuture
from prefect.task_runners import TaskRunner, ThreadPoolTaskRunner

from etl.errors import ConfigError
from etl.settings import Settings, get_settings

Runner = TaskRunner[PrefectFuture[Any]]


class ThreadTaskRunner(ThreadPoolTaskRunner[Any]):
    """Threads of the flow's process."""

    def submit(self, task: Any, parameters: dict[str, Any], *others: Any, **named: Any) -> Any:
        """Start a task, which waits for the results to come among its parameters.

        Of a bare future it would ask the Prefect server how far that is, once for each piece of a table.
        """
        waiting = {
            name: unmapped(value) if isinstance(value, PrefectFuture) else value
            for name, value in parameters.items()
        }
        return super().submit(task, waiting, *others, **named)


def task_runner() -> Runner:
    """``ETL_TASK_WORKERS`` threads: what tasks do is C code and SQL, which run in parallel; or a cluster.

    Raises:
        ConfigError: A cluster is asked for and the package for it is missing.
    """
    settings = get_settings()
    # The futures of both are some; the type is invariant.
    if settings.task_runner == "dask":
        return cast("Runner", _cluster_runner(settings))
    return cast("Runner", ThreadTaskRunner(max_workers=settings.task_workers))


def _cluster_runner(settings: Settings) -> Any:
    try:
        from tasks.cluster import ClusterTaskRunner
    except ModuleNotFoundError as missing:
        raise ConfigError(
            f"ETL_TASK_RUNNER=dask needs the package prefect-dask; {missing.name} is not installed.",
            "Run .venv/bin/pip install -c constraints.txt prefect-dask, or set ETL_TASK_RUNNER=threads.",
        ) from None
    return ClusterTaskRunner(address=settings.dask_address)
