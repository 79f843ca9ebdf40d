"""Flows on a Dask cluster whose scheduler and workers are processes: whoever dies, tables are the same."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import fresh_postgresql
from tests.flows.dask_cluster import DaskCluster
from tests.flows.world import FlowWorld

PATIENCE_SECONDS = 240
# So that the larger tables of the small shop come in several parts.
SMALL_PARTS = {"ETL_PARTITION_ROWS": "150"}

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]


@pytest.fixture(scope="module")
def by_threads(
    postgres_server: str, prefect_api: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[FlowWorld]:
    """The first day of a shop, loaded by threads, each table in one piece."""
    for warehouse_url in fresh_postgresql(postgres_server):
        for shop_url in fresh_postgresql(postgres_server):
            folder = tmp_path_factory.mktemp("threads")
            with FlowWorld.opened(warehouse_url, shop_url, folder, prefect_api) as world:
                world.play(1)
                world.run(1)
                yield world


@pytest.fixture
def fresh(by_threads: FlowWorld, postgres_server: str, tmp_path: Path) -> Iterator[FlowWorld]:
    """The same shop before an empty warehouse."""
    for url in fresh_postgresql(postgres_server):
        yield FlowWorld(url, by_threads.shop_url, tmp_path / "state", by_threads.prefect_api, by_threads.shop)


def test_a_cluster_gives_the_same_tables_as_threads(
    by_threads: FlowWorld, fresh: FlowWorld, tmp_path: Path
) -> None:
    with DaskCluster.opened(tmp_path / "dask", fresh.variables()) as cluster:
        run_on(cluster, fresh)
        logs = [cluster.log(name) for name in cluster.workers]
        wait_for_told(fresh, f"shop.order_items {parts_of(logs).pop()} ")
    assert fresh.content() == by_threads.content()
    assert all(re.search(r"shop\.\w+ \d+of\d+ .*rows landed", log) for log in logs), "one worker did all"
    assert len(parts_of(logs)) > 2
    assert not any("check_table" in log or "Task run 'settle" in log for log in logs)


@pytest.mark.parametrize("task", ["extract_table", "prepare_file", "stage_file"])
def test_a_worker_killed_in_the_middle_loses_nothing_and_doubles_nothing(
    task: str, by_threads: FlowWorld, fresh: FlowWorld, tmp_path: Path
) -> None:
    """Law R6."""
    with DaskCluster.opened(tmp_path / "dask", fresh.variables()) as cluster:
        flow = start_on(cluster, fresh)
        killed = cluster.kill_while_it_does(task)
        said, _ = flow.communicate(timeout=PATIENCE_SECONDS)
        left = next(name for name in cluster.workers if name != killed)
        assert flow.returncode == 0, said[-4000:] + cluster.log(left)[-4000:]
    assert fresh.content() == by_threads.content()


def test_a_flow_killed_while_workers_go_on_leaves_nothing_that_the_next_cannot_mend(
    by_threads: FlowWorld, fresh: FlowWorld, tmp_path: Path
) -> None:
    """Laws R6 and R7."""
    with DaskCluster.opened(tmp_path / "dask", fresh.variables()) as cluster:
        flow = start_on(cluster, fresh)
        cluster.wait_until_it_does("stage_file")
        flow.send_signal(signal.SIGKILL)
        flow.wait()
        run_on(cluster, fresh)
    assert fresh.content() == by_threads.content()
    assert fresh.query("select nspname from pg_namespace where nspname like 'staging%'") == []


def test_without_an_address_the_cluster_is_this_machine(by_threads: FlowWorld, fresh: FlowWorld) -> None:
    flow = fresh.start(1, ETL_TASK_RUNNER="dask", ETL_TASK_WORKERS="2", **SMALL_PARTS)
    said, _ = flow.communicate(timeout=PATIENCE_SECONDS)
    assert flow.returncode == 0, said[-4000:]
    assert fresh.content() == by_threads.content()


def test_a_worker_with_other_settings_is_refused_by_name(fresh: FlowWorld, tmp_path: Path) -> None:
    """It would bring rows of another database, or other values, and no error."""
    other = {**fresh.variables(), "ETL_DEFAULT_PHONE_REGION": "DE", "ETL_SHOP_URL": fresh.warehouse_url}
    with DaskCluster.opened(tmp_path / "dask", other, workers=("one",)) as cluster:
        flow = start_on(cluster, fresh)
        said, _ = flow.communicate(timeout=PATIENCE_SECONDS)
    assert flow.returncode != 0
    assert "does not have the same as the flow's process: ETL_DEFAULT_PHONE_REGION, ETL_SHOP_URL." in said
    assert fresh.shop_url not in said
    assert fresh.query("select status from audit.runs") == [("failed",)]
    assert fresh.query("select nspname from pg_namespace where nspname like 'staging%'") == []


def test_an_address_that_nobody_answers_at_is_named(fresh: FlowWorld) -> None:
    unanswered = "tcp://127.0.0.1:9"
    flow = fresh.start(
        1, ETL_TASK_RUNNER="dask", DASK_ADDRESS=unanswered, ETL_CONNECT_TIMEOUT_SECONDS="2", **SMALL_PARTS
    )
    said, _ = flow.communicate(timeout=PATIENCE_SECONDS)
    assert flow.returncode != 0
    assert f"No Dask scheduler answers at {unanswered} within 2 s" in said
    assert "DASK_ADDRESS" in said


def parts_of(logs: list[str]) -> set[str]:
    return set(re.findall(r"shop\.order_items (\d+of\d+) ", "".join(logs)))


def wait_for_told(world: FlowWorld, message: str) -> None:
    """Wait until the Prefect server has a line that a worker wrote; workers send them every other second."""
    started, run = time.monotonic(), world.query("select flow_run_url from audit.runs")[0][0]
    flow_run = str(run).rpartition("/")[2]
    while not any(message in line for line in told(world, flow_run)):
        assert time.monotonic() - started < 60, f"the server was not told {message!r}"
        time.sleep(0.5)


def told(world: FlowWorld, flow_run: str) -> Iterator[str]:
    """The log of a flow run, as the Prefect server has it, page by page."""
    lines, offset = [""], 0
    while lines:
        asked = {"logs": {"flow_run_id": {"any_": [flow_run]}}, "limit": 200, "offset": offset}
        request = urllib.request.Request(
            f"{world.prefect_api}/logs/filter",
            json.dumps(asked).encode(),
            {"Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=10) as answer:
            lines = [line["message"] for line in json.load(answer)]
        offset += len(lines)
        yield from lines


def run_on(cluster: DaskCluster, world: FlowWorld) -> None:
    flow = start_on(cluster, world)
    said, _ = flow.communicate(timeout=PATIENCE_SECONDS)
    assert flow.returncode == 0, said[-4000:]


def start_on(cluster: DaskCluster, world: FlowWorld) -> subprocess.Popen[str]:
    return world.start(1, ETL_TASK_RUNNER="dask", DASK_ADDRESS=cluster.address, **SMALL_PARTS)
