"""The local Prefect: a server on this machine, a work pool and its worker, all below ``.storehouse/prefect``.

A server named in PREFECT_API_URL is used instead, and never started or stopped here. This module
does not import Prefect, which reads its settings when it is imported: it only leaves them ready.
"""

from __future__ import annotations

import fcntl
import os
import socket
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import urlsplit

from deployments.processes import Service
from etl.errors import ConfigError
from etl.settings import Settings, get_settings

WORK_POOL = "storehouse"
HOST = "127.0.0.1"
USUAL_PORT = 4200
START_SECONDS = 180
# One at a time, as is usual, the states of tasks cost the server about half of its work for a small run.
_STATES_TOGETHER = {
    "PREFECT_SERVER_SERVICES_TASK_RUN_RECORDER_READ_BATCH_SIZE": "50",
    "PREFECT_SERVER_SERVICES_TASK_RUN_RECORDER_BATCH_SIZE": "50",
    # Seconds until they are seen in the UI.
    "PREFECT_SERVER_SERVICES_TASK_RUN_RECORDER_FLUSH_INTERVAL": "1",
}


def ensure_server() -> str:
    """The API address of a server that answers: the one that is named, or a local one, started if need be.

    Leaves PREFECT_API_URL and PREFECT_HOME in the environment of this process and of those it
    starts; call it before the first import of Prefect.

    Raises:
        ConfigError: The named server does not answer, or the local one ended by itself.
    """
    return local_prefect().ensure_server()


def local_prefect() -> LocalPrefect:
    """The Prefect of this project's state folder."""
    settings = get_settings()
    return LocalPrefect(settings.state_dir.resolve() / "prefect", settings.prefect_api_url)


def analytics_service(settings: Settings) -> Service:
    """The web analytics of the demo's shop; the demo starts it, and it ends with everything else."""
    return Service("analytics", settings.state_dir.resolve() / "demo")


@dataclass(frozen=True, slots=True)
class LocalPrefect:
    """The programs of Prefect that run in the background.

    Attributes:
        home: Prefect's home, with its database, its profile, and the logs and process ids of the programs.
        named_url: Address of a server that somebody else runs.
    """

    home: Path
    named_url: str | None = None

    @property
    def server(self) -> Service:
        """The API and the UI."""
        return Service("server", self.home)

    @property
    def worker(self) -> Service:
        """What takes scheduled runs from the work pool and runs them here."""
        return Service("worker", self.home)

    @property
    def watcher(self) -> Service:
        """What tells the server of files that arrive."""
        return Service("watcher", self.home)

    @property
    def api_url(self) -> str | None:
        """Address of the named server, else of the local one if it runs."""
        if self.is_named:
            return self.named_url
        return self._address.read_text(encoding="utf-8").strip() if self.server.running() else None

    @property
    def is_named(self) -> bool:
        """True when somebody else runs the server; what ``ensure_server`` left behind does not count."""
        ours = self._address.read_text(encoding="utf-8").strip() if self._address.exists() else None
        return self.named_url is not None and self.named_url != ours

    def start_server(self) -> None:
        """Start the local server without waiting for it (4 to 10 s), unless it runs or another is named."""
        if self.is_named:
            return
        self.home.mkdir(parents=True, exist_ok=True)
        with _only_one(self.home / "start.lock"):
            if self.server.running() is None:
                self._launch_server(_free_port())

    def ensure_server(self) -> str:
        """Start the local server if need be and wait until it answers; the address of the API."""
        if self.named_url is not None and not self.is_named:
            # It is ours of before, whose address may be another one when it is started again.
            return replace(self, named_url=None).ensure_server()
        deadline = time.monotonic() + START_SECONDS
        while True:
            self.start_server()
            url = self._answering_url(deadline)
            if self.is_named or self.server.listens_on(int(urlsplit(url).port or 0)):
                break
            # Another project came to listen first at the port that was free when ours was started.
            self._stop_server_without_port(url)
            self._require_time(deadline)
        self._write_profile(url)
        os.environ.update(self.environment(url))  # noqa: TID251 - written for Prefect, not read
        return url

    def start_worker(self, api_url: str) -> None:
        """Start the worker unless it runs; makes the work pool where there is none."""
        if self.worker.running() is None:
            pool = ["--pool", WORK_POOL, "--type", "process", "--name", WORK_POOL]
            self.worker.start(["prefect", "worker", "start", *pool], self.environment(api_url))

    def start_watcher(self, api_url: str) -> None:
        """Start to watch the folders that ``prefect.yaml`` has triggers for, unless somebody does."""
        if self.watcher.running() is None:
            self.watcher.start(["deployments.watch_files"], self.environment(api_url))

    def environment(self, api_url: str) -> dict[str, str]:
        """The variables by which a program finds the server and keeps inside the project's folder."""
        return {
            "PREFECT_HOME": str(self.home),
            "PREFECT_PROFILES_PATH": str(self._profiles),
            "PREFECT_API_URL": api_url,
            "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
        }

    def stop(self) -> list[str]:
        """Stop what runs; the names of what was stopped."""
        stopped = [service.name for service in (self.watcher, self.worker, self.server) if service.stop()]
        if "server" in stopped:
            self._profiles.unlink(missing_ok=True)
            self._address.unlink(missing_ok=True)
        return stopped

    def _answering_url(self, deadline: float) -> str:
        """Wait until somebody answers at the address of the API; the address."""
        while not _answers(url := self.api_url or ""):
            if self.is_named:
                raise ConfigError(
                    f"The Prefect server that PREFECT_API_URL names does not answer at {url}.",
                    "Start it, correct the variable, or unset it to have a server on this machine.",
                )
            self.server.check()
            self._require_time(deadline)
            time.sleep(0.1)
        return url

    def _stop_server_without_port(self, url: str) -> None:
        """Stop ours, whose port another took, unless another command has started it anew meanwhile."""
        with _only_one(self.home / "start.lock"):
            if self.api_url == url and not self.server.listens_on(int(urlsplit(url).port or 0)):
                self.server.stop()

    def _require_time(self, deadline: float) -> None:
        if time.monotonic() > deadline:
            raise ConfigError(
                f"The Prefect server was not ready after {START_SECONDS} s.", f"See {self.server.log}."
            )

    def _launch_server(self, port: int) -> None:
        url = f"http://{HOST}:{port}/api"
        own = {
            "PREFECT_SERVER_API_HOST": HOST,
            "PREFECT_SERVER_API_PORT": str(port),
            "PREFECT_UI_API_URL": url,
            "PREFECT_SERVER_LOGGING_LEVEL": "WARNING",
            **_STATES_TOGETHER,
        }
        # What 'prefect server start' runs in the end; without it, the start is two seconds shorter.
        application = ["--factory", "prefect.server.api.server:create_app"]
        listen = ["--host", HOST, "--port", str(port), "--timeout-keep-alive", "5", "--log-level", "warning"]
        self.server.start(["uvicorn", *application, *listen], {**self.environment(url), **own})
        self._address.write_text(f"{url}\n", encoding="utf-8")

    def _write_profile(self, url: str) -> None:
        """Tell the ``prefect`` command of this folder, by way of ``prefect.toml``, where the server is."""
        self.home.mkdir(parents=True, exist_ok=True)
        profile = f'active = "storehouse"\n\n[profiles.storehouse]\nPREFECT_API_URL = "{url}"\n'
        self._profiles.write_text(profile, encoding="utf-8")

    @property
    def _profiles(self) -> Path:
        return self.home / "profiles.toml"

    @property
    def _address(self) -> Path:
        return self.home / "server.url"


def _answers(api_url: str) -> bool:
    try:
        with urllib.request.urlopen(f"{api_url}/health", timeout=5) as response:
            return bool(response.status == 200)
    except (OSError, ValueError, urllib.error.URLError):
        return False


def _free_port() -> int:
    for port in (USUAL_PORT, 0):
        with socket.socket() as probe:
            try:
                probe.bind((HOST, port))
            except OSError:
                continue
            return int(probe.getsockname()[1])
    raise ConfigError("There is no free port on this machine.", "End programs that listen on ports.")


@contextmanager
def _only_one(lock_path: Path) -> Iterator[None]:
    with lock_path.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
