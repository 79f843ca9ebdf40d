"""``make up`` and ``make down``, as a user gives them, in a state folder of the test's own."""

from __future__ import annotations

import json
import os
import re
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread
from typing import Any
from urllib.parse import urlsplit

import psutil
import pytest
import yaml

from deployments import services
from deployments.apply import PREFECT_YAML, declared_deployments
from deployments.processes import Service
from deployments.services import LocalPrefect
from etl.errors import ConfigError
from etl.settings import PROJECT_DIR, Settings
from tests.deployments.commands import run_command as _run

CLEAR_ALL = """
from deployments.apply import clear_undeclared
from deployments.services import ensure_server

ensure_server()
print(clear_undeclared({}))
"""


@pytest.fixture
def state(tmp_path: Path) -> Iterator[Path]:
    folder = tmp_path / "state"
    yield folder
    _run(folder, "-m", "deployments", "down")


def test_a_run_at_the_terminal_tells_an_error_once_and_that_nothing_was_released(state: Path) -> None:
    refused = _run(state, "-m", "deployments.run", "load-tables", 'tables=["shop.ordres"]', fails=True)
    assert "Traceback" not in refused.stderr
    assert refused.stderr.count("declares no table 'shop.ordres'; did you mean 'shop.orders'?") == 1
    assert "released" not in refused.stdout
    done = _run(state, "-m", "deployments.run", "replay-quarantine", "everything=true").stdout
    assert done.endswith("Nothing was released.\n")


@pytest.mark.slow
def test_up_deploys_everything_and_down_leaves_nothing(state: Path) -> None:
    drop = _drop_folder(state)
    said = _run(state, "-m", "deployments", "up").stdout
    home = LocalPrefect(state.resolve() / "prefect")
    programs = [home.server.running(), home.worker.running(), home.watcher.running()]
    assert all(programs), said
    assert all(name in said for name in declared_deployments())

    _a_file_that_arrives_starts_the_flow_that_waits_for_it(home, drop)

    inspected = _run(state, "-m", "prefect", "deployment", "inspect", "daily-sales/daily-sales").stdout
    assert "0 2 * * *" in inspected, "the prefect command finds the server through its profile"
    assert "1 undeclared cleared" in _run(state, "-c", CLEAR_ALL).stdout
    assert _ask(home, "automations/filter", {}) == []
    again = _run(state, "-m", "deployments", "up").stdout
    assert "daily-sales/daily-sales: 1 schedule" in again, "a second time brings it back"
    assert [home.server.running(), home.worker.running(), home.watcher.running()] == programs, (
        "a second time starts nothing"
    )

    url = home.api_url
    assert url is not None
    with urllib.request.urlopen(url.removesuffix("/api")) as page:
        assert page.status == 200, "the UI is there"

    stopped = _run(state, "-m", "deployments", "down").stdout
    assert stopped == "Stopped: watcher, worker, server, embedded PostgreSQL.\n"
    assert not [
        p for p in psutil.process_iter(["cmdline"]) if str(state) in " ".join(p.info["cmdline"] or ())
    ]
    assert _run(state, "-m", "deployments", "down").stdout == "Nothing was running.\n"


def test_a_named_server_that_is_down_is_said_so_and_nothing_is_started(tmp_path: Path) -> None:
    named = LocalPrefect(tmp_path / "prefect", named_url="http://127.0.0.1:9/api")
    with pytest.raises(
        ConfigError, match=r"PREFECT_API_URL names does not answer at http://127\.0\.0\.1:9/api"
    ):
        named.ensure_server()
    assert not (tmp_path / "prefect").exists()


class _Healthy(BaseHTTPRequestHandler):
    """Somebody else's server, which is well."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()


@pytest.fixture
def usual_port(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> int:
    """A free port, as the usual one; what a ready server leaves in the environment goes afterwards."""
    for name in LocalPrefect(tmp_path).environment(""):
        monkeypatch.delenv(name, raising=False)
    with socket.socket() as probe:
        probe.bind((services.HOST, 0))
        port: int = probe.getsockname()[1]
    monkeypatch.setattr(services, "USUAL_PORT", port)
    return port


@contextmanager
def _somebody_elses_server(port: int) -> Iterator[None]:
    with HTTPServer((services.HOST, port), _Healthy) as other:
        Thread(target=other.serve_forever, daemon=True).start()
        yield
        other.shutdown()


def _assert_that_ours_is_found(home: LocalPrefect, port: int) -> None:
    later = LocalPrefect(home.home)
    try:
        with _somebody_elses_server(port):
            url = home.ensure_server()
        assert url != f"http://{services.HOST}:{port}/api"
        assert home.server.listens_on(int(urlsplit(url).port or 0))
        assert later.ensure_server() == url
    finally:
        later.stop()


def test_a_server_of_somebody_else_that_was_quicker_is_not_ours(tmp_path: Path, usual_port: int) -> None:
    """Two projects start at once: both found the port free, and the other one came to listen first."""
    home = LocalPrefect(tmp_path / "prefect")
    home.start_server()  # takes seconds until it listens
    _assert_that_ours_is_found(home, usual_port)


def test_a_server_at_the_address_that_ours_had_is_not_ours(tmp_path: Path, usual_port: int) -> None:
    """Ours was killed, and the process still has its address in PREFECT_API_URL."""
    before = f"http://{services.HOST}:{usual_port}/api"
    home = LocalPrefect(tmp_path / "prefect", named_url=before)
    home.home.mkdir()
    (home.home / "server.url").write_text(f"{before}\n", encoding="utf-8")
    _assert_that_ours_is_found(home, usual_port)


def test_a_program_that_ends_by_itself_says_why(tmp_path: Path) -> None:
    service = Service("worker", tmp_path)
    service.start(["no_such_module"], {})
    while service.running():
        time.sleep(0.01)
    with pytest.raises(ConfigError, match="No module named no_such_module"):
        service.check()


def test_a_process_id_that_was_given_to_another_program_is_left_alone(tmp_path: Path) -> None:
    service = Service("worker", tmp_path)
    (tmp_path / "worker.pid").write_text(f"{os.getpid()} 12345.0\n", encoding="utf-8")
    assert service.running() is None
    assert service.stop() is False


def test_nothing_but_a_command_is_understood() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "deployments", "sideways"],
        cwd=PROJECT_DIR,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert "up|down|status" in done.stderr


def test_status_names_the_databases_and_no_account(tmp_path: Path) -> None:
    told = {
        "ETL_STATE_DIR": str(tmp_path),
        "ETL_WAREHOUSE_URL": "mysql://loader:secret@db.example:3306/?ssl_ca=hidden",
        "ETL_SHOP_URL": "mysql://loader:secret@shop:port/",
    }
    done = subprocess.run(
        [sys.executable, "-m", "deployments", "status"],
        cwd=PROJECT_DIR,
        env={**os.environ, **told},
        capture_output=True,
        text=True,
        check=True,
    )
    assert "warehouse   mysql://db.example:3306/, by ETL_WAREHOUSE_URL\n" in done.stdout
    assert "shop        ETL_SHOP_URL holds no URL\n" in done.stdout
    assert not any(word in done.stdout for word in ("loader", "secret", "hidden"))


def test_every_schedule_has_a_name_to_know_it_by() -> None:
    entries = yaml.safe_load(PREFECT_YAML.read_text(encoding="utf-8"))["deployments"]
    slugs = [schedule["slug"] for entry in entries for schedule in entry.get("schedules") or ()]
    assert all(re.fullmatch(r"[a-z-]+", slug) for slug in slugs)


def _drop_folder(state: Path) -> Path:
    """An empty drop folder, whose place stands where the demo leaves it."""
    folder, secrets = state / "drop" / "inventory", state / "secrets"
    for each in (folder, secrets):
        each.mkdir(parents=True)
    (secrets / "drop_url").write_text(str(folder.parent), encoding="utf-8")
    return folder


def _a_file_that_arrives_starts_the_flow_that_waits_for_it(home: LocalPrefect, drop: Path) -> None:
    """Watcher, event, automation and deployment, on the real server."""
    _wait_for(lambda: "Watching drop" in home.watcher.log.read_text(encoding="utf-8"), home)
    time.sleep(2 * Settings().watch_seconds)
    (drop / "2026-03-01T10.csv").write_text("store_id,product_id\n", encoding="utf-8")
    dropped = time.monotonic()
    _wait_for(lambda: _runs_started_by_an_event(home), home)
    assert time.monotonic() - dropped < 20
    time.sleep(2 * Settings().watch_seconds)
    assert len(_runs_started_by_an_event(home)) == 1, "one file, one run"


def _runs_started_by_an_event(home: LocalPrefect) -> list[Any]:
    """Runs of hourly-inventory that no schedule made."""
    runs = _ask(home, "flow_runs/filter", {"deployments": {"name": {"any_": ["hourly-inventory"]}}})
    return [run for run in runs if (run["created_by"] or {}).get("type") == "AUTOMATION"]


def _ask(home: LocalPrefect, what: str, body: dict[str, Any]) -> list[Any]:
    request = urllib.request.Request(
        f"{home.api_url}/{what}", json.dumps(body).encode(), {"Content-Type": "application/json"}
    )
    with urllib.request.urlopen(request) as answer:
        found: list[Any] = json.load(answer)
    return found


def _wait_for(condition: Callable[[], object], home: LocalPrefect) -> None:
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline, home.watcher.log.read_text(encoding="utf-8")
        time.sleep(0.2)
