"""Law R6: killed with SIGKILL in each step and run again, the tables are those of an undisturbed run."""

from __future__ import annotations

import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import psycopg2
import pytest

from tests.conftest import fresh_postgresql
from tests.flows.world import FlowWorld
from tests.web_hook import open_hook

# A line of the log that says how far the run has come; it dies right after it.
LOG_MARKS = {
    "extract": "shop.order_items 1of1",
    "prepare": "Task run 'prepare shop.orders 1of1' - Finished",
    "stage": "Task run 'stage shop.order_items 1of1' - Finished",
    "settle": "Task run 'settle shop.orders' - Finished",
    "check": "Task run 'check shop.orders' - Finished",
    "publish": "fact_sales: ",
    "marts": "Task run 'refresh_marts",
    "docs": "Task run 'publish_docs",
    "site": "Task run 'publish_site",
}
# A table that the test holds, so that the run waits inside a transaction, where it is killed.
HELD_TABLES = {
    "within the release, before the facts": "warehouse.fact_sales",
    "within the release, at the watermarks": "audit.watermarks",
    "within the refresh of the marts": "marts.mart_daily_sales",
}
PATIENCE_SECONDS = 120


@pytest.fixture(scope="module")
def undisturbed(
    postgres_server: str, prefect_api: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[dict[str, list[str]]]:
    """What two days give when nothing happens."""
    for warehouse_url in fresh_postgresql(postgres_server):
        for shop_url in fresh_postgresql(postgres_server):
            folder = tmp_path_factory.mktemp("undisturbed")
            with FlowWorld.opened(warehouse_url, shop_url, folder, prefect_api) as world:
                for day in (1, 2):
                    world.play(day)
                    world.run(day)
                yield world.content()


@pytest.fixture(scope="module")
def disturbed(
    postgres_server: str, prefect_api: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[FlowWorld]:
    """A warehouse after its first day; each test takes a copy of it."""
    for warehouse_url in fresh_postgresql(postgres_server):
        for shop_url in fresh_postgresql(postgres_server):
            folder = tmp_path_factory.mktemp("disturbed")
            with FlowWorld.opened(warehouse_url, shop_url, folder, prefect_api) as world:
                world.play(1)
                world.run(1)
                world.play(2)
                yield world


@pytest.mark.parametrize("mark", LOG_MARKS.values(), ids=LOG_MARKS)
def test_a_run_killed_after_a_step_leaves_nothing_that_the_next_cannot_mend(
    mark: str, disturbed: FlowWorld, undisturbed: dict[str, list[str]], postgres_server: str, tmp_path: Path
) -> None:
    for world in _copies(disturbed, postgres_server, tmp_path):
        process = world.start(2)
        read_until(process, mark)
        process.send_signal(signal.SIGKILL)
        process.wait()
        world.run(2)
        assert world.content() == undisturbed
        _nothing_is_left(world)


@pytest.mark.parametrize("table", HELD_TABLES.values(), ids=HELD_TABLES)
def test_a_run_killed_inside_a_transaction_leaves_nothing(
    table: str, disturbed: FlowWorld, undisturbed: dict[str, list[str]], postgres_server: str, tmp_path: Path
) -> None:
    for world in _copies(disturbed, postgres_server, tmp_path):
        with _held(world, table) as wait_for_the_run:
            process = world.start(2, ETL_LOCK_TIMEOUT_SECONDS="120")
            wait_for_the_run(process)
            process.send_signal(signal.SIGKILL)
            process.wait()
        world.run(2)
        assert world.content() == undisturbed
        _nothing_is_left(world)


def test_a_cancelled_run_says_so_and_leaves_nothing_behind(
    disturbed: FlowWorld, undisturbed: dict[str, list[str]], postgres_server: str, tmp_path: Path
) -> None:
    """Prefect cancels a run by SIGTERM."""
    for world in _copies(disturbed, postgres_server, tmp_path):
        with open_hook() as hook:
            process = world.start(2, ETL_NOTIFY_URLS=hook.url)
            read_until(process, LOG_MARKS["settle"])
            process.send_signal(signal.SIGTERM)
            process.communicate(timeout=PATIENCE_SECONDS)
        assert process.returncode != 0
        assert hook.titles == ["daily-sales was cancelled"]
        _nothing_is_left(world)
        newest = "select status, error from audit.runs order by started_at desc limit 1"
        assert world.query(newest) == [("failed", "cancelled, or stopped by a signal")]
        world.run(2)
        assert world.content() == undisturbed


def read_until(process: subprocess.Popen[str], mark: str) -> None:
    """Read the log of a run up to a line that holds the mark."""
    assert process.stdout is not None
    seen = []
    for line in process.stdout:
        seen.append(line)
        if mark in line:
            return
    raise AssertionError(f"the run ended without saying {mark!r}:\n" + "".join(seen[-30:]))


def _copies(world: FlowWorld, server: str, folder: Path) -> Iterator[FlowWorld]:
    """The same warehouse in a database of its own, made from the first as a template."""
    for url in fresh_postgresql(server, template_url=world.warehouse_url):
        yield FlowWorld(url, world.shop_url, folder / "state", world.prefect_api, world.shop)


@contextmanager
def _held(world: FlowWorld, table: str) -> Iterator[Any]:
    """Lock a table against writers, and offer to wait until another session waits for it."""

    def wait_for_the_run(process: subprocess.Popen[str]) -> None:
        deadline = time.monotonic() + PATIENCE_SECONDS
        waiting = "select 1 from pg_locks where not granted and relation = %s::regclass"
        while not world.query(waiting, (table,)):
            assert process.poll() is None, "the run ended before it came to the table"
            assert time.monotonic() < deadline, "the run never came to the table"
            time.sleep(0.1)

    with closing(psycopg2.connect(world.warehouse_url)) as connection, connection.cursor() as cursor:
        cursor.execute(
            f"lock table {table} in access share mode; lock table {table} in share row exclusive mode"
        )
        yield wait_for_the_run
        connection.rollback()


def _nothing_is_left(world: FlowWorld) -> None:
    assert world.query("select nspname from pg_namespace where nspname like 'staging%'") == []
    assert world.query("select count(*) from audit.runs where status = 'running'") == [(0,)]
    assert world.query(
        "select count(*) from pg_locks where locktype = 'advisory'"
        " and database = (select oid from pg_database where datname = current_database())"
    ) == [(0,)]
