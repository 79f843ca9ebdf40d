"""A scheduler and workers of Dask, each a process of its own, started as an operator starts them."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from distributed import Client

from etl.settings import PROJECT_DIR

PATIENCE_SECONDS = 120


@dataclass
class DaskCluster:
    """Programs with their logs in a folder; ends with the context that opened it."""

    folder: Path
    environment: Mapping[str, str]
    address: str = ""
    scheduler: subprocess.Popen[bytes] | None = None
    workers: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    @classmethod
    @contextmanager
    def opened(
        cls, folder: Path, environment: Mapping[str, str], workers: tuple[str, ...] = ("one", "two")
    ) -> Iterator[DaskCluster]:
        """A scheduler and its workers, which have come to it."""
        cluster = cls(folder, environment)
        try:
            cluster.start_scheduler()
            for name in workers:
                cluster.start_worker(name)
            with cluster.client() as client:
                client.wait_for_workers(len(workers), timeout=PATIENCE_SECONDS)
            yield cluster
        finally:
            cluster.stop()

    def start_scheduler(self) -> None:
        file = self.folder / "scheduler.json"
        listen = ["--host", "127.0.0.1", "--port", "0", "--no-dashboard", "--scheduler-file", str(file)]
        self.scheduler = self._start("scheduler", *listen)
        deadline = time.monotonic() + PATIENCE_SECONDS
        while not file.exists() or not file.read_text().rstrip().endswith("}"):
            assert self.scheduler.poll() is None, self.log("scheduler")
            assert time.monotonic() < deadline, self.log("scheduler")
            time.sleep(0.05)
        self.address = _address_in(file)

    def start_worker(self, name: str) -> None:
        """One process that does one task at a time; nobody starts it again."""
        options = ["--nthreads", "1", "--no-nanny", "--no-dashboard", "--name", name]
        self.workers[name] = self._start("worker", self.address, *options, log=name)

    def kill_while_it_does(self, task: str) -> str:
        """Kill a worker in the middle of a task of this name; its name.

        It is stopped first, so that the task cannot end before the scheduler has been asked once more.
        """
        deadline = time.monotonic() + PATIENCE_SECONDS
        with self.client() as client:
            while time.monotonic() < deadline:
                for name, key in _executing(client, task):
                    process = self.workers[name]
                    process.send_signal(signal.SIGSTOP)
                    time.sleep(0.2)
                    if key in _held(client, name):
                        process.kill()
                        process.wait()
                        return name
                    process.send_signal(signal.SIGCONT)
                time.sleep(0.005)
        raise AssertionError(f"no worker was ever seen to {task}")

    def wait_until_it_does(self, task: str) -> None:
        """Wait until a worker is inside a task of this name."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        with self.client() as client:
            while not _executing(client, task):
                assert time.monotonic() < deadline, f"no worker was ever seen to {task}"
                time.sleep(0.005)

    def client(self) -> Any:
        """Asks the scheduler; Dask comes without type information for much of it."""
        start: Any = Client
        return start(self.address, set_as_default=False)

    def log(self, name: str) -> str:
        """What a program has said so far."""
        return (self.folder / f"{name}.log").read_text(errors="replace")

    def stop(self) -> None:
        for process in (*self.workers.values(), *filter(None, [self.scheduler])):
            process.kill()
            process.wait()

    def _start(self, program: str, *arguments: str, log: str = "") -> subprocess.Popen[bytes]:
        self.folder.mkdir(parents=True, exist_ok=True)
        with (self.folder / f"{log or program}.log").open("wb") as output:
            return subprocess.Popen(
                [sys.executable, "-m", "dask", program, *arguments],
                cwd=PROJECT_DIR,
                env={**os.environ, **self.environment},
                stdout=output,
                stderr=subprocess.STDOUT,
            )


def _executing(client: Any, task: str) -> list[tuple[str, str]]:
    """Name of each worker that is inside a task of this name, by its own word, and the key of the task."""
    names = _names(client)
    return [
        (names[address], str(key))
        for address, stacks in client.call_stack().items()
        for key in stacks
        if address in names and str(key).startswith(f"{task}-")
    ]


def _held(client: Any, worker: str) -> set[str]:
    """Keys that a worker has not given back yet, by the scheduler's word; a stopped worker says nothing."""
    names = _names(client)
    return {
        str(key)
        for address, keys in client.processing().items()
        for key in keys
        if names.get(address) == worker
    }


def _names(client: Any) -> dict[str, str]:
    return {address: each["name"] for address, each in client.scheduler_info(-1)["workers"].items()}


def _address_in(file: Path) -> str:
    return str(json.loads(file.read_text())["address"])
