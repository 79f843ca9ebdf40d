"""``make up`` and ``make down``, as a user gives them, in a state folder of the test's own."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
import yaml

from deployments.apply import PREFECT_YAML, declared_deployments
from deployments.processes import Service
from deployments.services import LocalPrefect
from etl.errors import ConfigError
from etl.settings import PROJECT_DIR

CLEAR_ALL = """
from deployments.apply import clear_schedules
from deployments.services import ensure_server

ensure_server()
print(clear_schedules({}))
"""


@pytest.fixture
def state(tmp_path: Path) -> Iterator[Path]:
    folder = tmp_path / "state"
    yield folder
    _run(folder, "-m", "deployments", "down")


@pytest.mark.slow
def test_up_deploys_everything_and_down_leaves_nothing(state: Path) -> None:
    said = _run(state, "-m", "deployments", "up").stdout
    home = LocalPrefect(state.resolve() / "prefect")
    programs = [home.server.running(), home.worker.running()]
    assert all(programs), said
    assert all(name in said for name in declared_deployments())

    inspected = _run(state, "-m", "prefect", "deployment", "inspect", "daily-sales/daily-sales").stdout
    assert "0 2 * * *" in inspected, "the prefect command finds the server through its profile"
    assert "1 undeclared cleared" in _run(state, "-c", CLEAR_ALL).stdout
    assert "0 schedules" not in _run(state, "-m", "deployments", "up").stdout, "a second time brings it back"
    assert [home.server.running(), home.worker.running()] == programs, "a second time starts nothing"

    url = home.api_url
    assert url is not None
    with urllib.request.urlopen(url.removesuffix("/api")) as page:
        assert page.status == 200, "the UI is there"

    stopped = _run(state, "-m", "deployments", "down").stdout
    assert stopped == "Stopped: worker, server, embedded PostgreSQL.\n"
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


def test_every_schedule_has_a_name_to_know_it_by() -> None:
    entries = yaml.safe_load(PREFECT_YAML.read_text(encoding="utf-8"))["deployments"]
    slugs = [schedule["slug"] for entry in entries for schedule in entry.get("schedules") or ()]
    assert all(re.fullmatch(r"[a-z-]+", slug) for slug in slugs)


def _run(state: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """A Python command in the project's folder, whose only settings are those of the state folder."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("ETL_", "PREFECT_"))}
    own = {
        "ETL_STATE_DIR": str(state),
        "PREFECT_PROFILES_PATH": str(state / "prefect" / "profiles.toml"),
        "COLUMNS": "200",
    }
    command = [sys.executable, *arguments]
    done = subprocess.run(
        command,
        cwd=PROJECT_DIR,
        env={**kept, **own},
        capture_output=True,
        text=True,
        check=False,
        timeout=240,
    )
    assert done.returncode == 0, f"{' '.join(arguments)}: {done.stdout}{done.stderr}"
    return done
