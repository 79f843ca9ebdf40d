"""What a run costs before it has moved a row: imports, Prefect, worker, and a run without rows."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import time
import urllib.request
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path

from etl.settings import PROJECT_DIR
from tests.bench.copying import SOURCE, Runs, clear, ours, run_measured
from tests.bench.measuring import measure as measured
from tests.bench.options import Options
from tests.bench.page import Section, spread
from tests.bench.world import BenchWorld, opened_world

_LINES = 3_000
_DEPLOYMENT = "replicate-database/replicate-database"
_FLOWS = ("flows.replicate_database", "flows.daily_sales")
_SHOWN_PACKAGES = 8
_WAIT_SECONDS = 300
_POLL_SECONDS = 0.02
_HEADER = ("what", "seconds", "CPU s")
_TEXT = f"""
A copied database of {_LINES:,} order lines, so that what is measured does not grow with rows. The
deployment is run as `make up` leaves it: server and worker run, `prefect deployment run` asks for a run,
the worker takes it and starts a process. The times below it count from the same beginning. Nothing is
measured that a running server does once.
"""


def measure(options: Options) -> Section:
    """Runs by hand and by the worker, and imports."""
    with opened_world() as world:
        world.run_sql(SOURCE, "copied.sql", {"lines": _LINES, "orders": _LINES // 3})
        rows = [*_by_hand(world, options.rounds), *_by_worker(world, options.rounds)]
    imports = [_import_cost(module) for module in _FLOWS]
    rows += [[f"import of `{module}`", f"{total:.2f}", ""] for module, total, _ in imports]
    notes = [
        f"Of the import of `{module}`, by package: "
        + ", ".join(f"{name} {seconds:.2f} s" for name, seconds in _largest(packages))
        + " (`python -X importtime`, which itself takes time)."
        for module, _, packages in imports
    ]
    command = f"make bench ARGS='startup --rounds {options.rounds}'"
    return Section("Start-up and fixed costs", command, _TEXT, _HEADER, rows, "\n\n".join(notes))


def _by_hand(world: BenchWorld, rounds: int) -> list[list[str]]:
    """The first run, which makes everything, and runs in which nothing has changed."""
    first, empty = Runs(), Runs()
    for _ in range(rounds):
        clear(world)
        url = world.new_database("copied")
        run_measured(world, ours(world, url), "copied", first)
        run_measured(world, ours(world, url), "copied", empty)
    rows = []
    for name, runs in (
        ("first run, in a process of its own", first),
        ("the same when nothing changed", empty),
    ):
        cpu = spread([run.cpu_seconds for run in runs.measured])
        rows += [
            [name, spread(runs.seconds), cpu],
            ["– until the run begins", spread(runs.start_seconds), ""],
            ["– from there to its end", spread(runs.run_seconds), ""],
        ]
    return rows


def _by_worker(world: BenchWorld, rounds: int) -> list[list[str]]:
    """From the command to the first landed row and to the release, by a deployment."""
    clear(world)
    url = world.new_database("copied")
    _, environment = ours(world, url, ETL_SHOP_URL=world.mysql.url + SOURCE)
    deployments = [sys.executable, "-m", "deployments"]
    measured([*deployments, "up"], environment, PROJECT_DIR)
    seen: dict[str, list[float]] = {}
    try:
        for _ in range(rounds):
            for what, seconds in _deployment_run(world, environment).items():
                seen.setdefault(what, []).append(seconds)
    finally:
        measured([*deployments, "down"], environment, PROJECT_DIR)
    return [[what, spread(seconds), ""] for what, seconds in seen.items()]


def _deployment_run(world: BenchWorld, environment: Mapping[str, str]) -> dict[str, float]:
    landing = Path(environment["ETL_STATE_DIR"]) / "landing"
    before = set(landing.rglob("*.arrow"))
    began = time.time()
    asked = [sys.executable, "-m", "prefect", "deployment", "run", _DEPLOYMENT, "--param", f"source={SOURCE}"]
    said = measured([*asked, "--param", "full_refresh=true"], environment, PROJECT_DIR)
    run_id = re.search(r"UUID: ([0-9a-f-]{36})", said.output)
    if run_id is None:
        raise RuntimeError(f"'prefect deployment run' named no flow run:\n{said.output}")
    landed = _first_new(landing, before) - began
    ended = _ended(world.prefect_url, run_id[1])
    recorded = world.query(
        "copied", "select extract(epoch from started_at) from audit.runs order by started_at desc limit 1"
    )
    return {
        "by a worker: `prefect deployment run` returns": said.seconds,
        "– the flow begins": _moment(ended["start_time"]) - began,
        "– the run begins": float(str(recorded[0][0])) - began,
        "– the first rows are landed": landed,
        "– the flow has ended": _moment(ended["end_time"]) - began,
    }


def _first_new(landing: Path, before: set[Path]) -> float:
    deadline = time.time() + _WAIT_SECONDS
    while time.time() < deadline:
        for path in landing.rglob("*.arrow"):
            if path not in before:
                return path.stat().st_mtime
        time.sleep(_POLL_SECONDS)
    raise RuntimeError(f"No file was landed in {landing} within {_WAIT_SECONDS} s.")


def _ended(api_url: str, run_id: str) -> Mapping[str, str]:
    """The flow run, when it has come to its end."""
    deadline = time.time() + _WAIT_SECONDS
    while time.time() < deadline:
        with urllib.request.urlopen(f"{api_url}/flow_runs/{run_id}", timeout=30) as response:
            run: dict[str, str] = json.load(response)
        if run["end_time"]:
            if run["state_type"] != "COMPLETED":
                raise RuntimeError(f"The flow run {run_id} ended as {run['state_name']}.")
            return run
        time.sleep(0.5)
    raise RuntimeError(f"The flow run {run_id} did not end within {_WAIT_SECONDS} s.")


def _moment(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()


def _largest(packages: Mapping[str, float]) -> list[tuple[str, float]]:
    return sorted(packages.items(), key=lambda named: -named[1])[:_SHOWN_PACKAGES]


def _import_cost(module: str) -> tuple[str, float, dict[str, float]]:
    """Seconds of the whole import, and of each package without what it imports itself."""
    done = subprocess.run(
        [sys.executable, "-X", "importtime", "-c", f"import {module}"],
        check=True,
        capture_output=True,
        text=True,
        cwd=PROJECT_DIR,
    )
    packages: dict[str, float] = {}
    for own, name in re.findall(r"^import time:\s+(\d+) \|\s+\d+ \|\s+(\S+)$", done.stderr, re.MULTILINE):
        package = name.partition(".")[0]
        packages[package] = packages.get(package, 0) + int(own) / 1e6
    return module, sum(packages.values()), packages
