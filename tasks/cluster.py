"""Tasks on a Dask cluster: that at ``DASK_ADDRESS``, or one of ``ETL_TASK_WORKERS`` processes here.

What reads, prepares and stages a piece of a table goes to the cluster: it can be done again when a worker
dies. What is SQL in the warehouse only waits for it, and is not to be done twice: the flow's process waits.
"""

from __future__ import annotations

from functools import lru_cache
from threading import Lock
from typing import Any

from distributed import LocalCluster
from prefect_dask.client import PrefectDaskClient
from prefect_dask.task_runners import DaskTaskRunner

from etl.errors import ConfigError
from etl.settings import get_settings
from tasks.runner import ThreadTaskRunner

ON_CLUSTER = frozenset({"extract_table", "extract_missed", "extract_again", "prepare_file", "stage_file"})
_STARTING = Lock()


class ClusterTaskRunner(DaskTaskRunner):
    """Sends the tasks of ``ON_CLUSTER`` to a Dask cluster and runs all others in threads of this process.

    None of the former depends on one of the latter. Flows of one process share its local cluster, which
    ends with the process.
    """

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self._threads: ThreadTaskRunner | None = None

    def submit(self, task: Any, *others: Any, **named: Any) -> Any:
        """Start a task where it belongs."""
        submit = super().submit if task.name in ON_CLUSTER else self._here.submit
        return submit(task, *others, **named)

    @property
    def client(self) -> PrefectDaskClient:
        """The connection to the scheduler, made when the first task needs it.

        Raises:
            ConfigError: No scheduler answers at the address.
        """
        if self._client is None:
            self._connect()
        return super().client

    def _connect(self) -> None:
        settings = get_settings()
        self.address = self.address or _local_address(settings.task_workers)
        self.client_kwargs["timeout"] = patience = settings.connect_timeout_seconds
        try:
            client = super().client
        except (OSError, ValueError) as error:
            raise ConfigError(
                f"No Dask scheduler answers at {self.address} within {patience} s: {error}",
                "Start it (dask scheduler), correct DASK_ADDRESS, or unset it to have workers here.",
            ) from None
        if not client.scheduler_info()["workers"]:
            self.logger.warning("The scheduler at %s has no worker yet; tasks wait for one.", self.address)

    @property
    def _here(self) -> ThreadTaskRunner:
        if self._threads is None:
            threads = ThreadTaskRunner(max_workers=get_settings().task_workers)
            self._threads = self._exit_stack.enter_context(threads)
        return self._threads


def _local_address(workers: int) -> str:
    # Days of a backfill begin together, in threads.
    with _STARTING:
        return str(_local_cluster(workers).scheduler_address)


@lru_cache(maxsize=1)
def _local_cluster(workers: int) -> LocalCluster:
    start: Any = LocalCluster  # comes without type information
    cluster: LocalCluster = start(n_workers=workers, threads_per_worker=1, dashboard_address=None)
    return cluster
