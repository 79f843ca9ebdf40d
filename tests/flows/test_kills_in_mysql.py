"""Laws R6, S9 with the warehouse in MySQL: a day killed again and again gives the tables of a quiet one."""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from etl.settings import Settings
from etl.warehouse import open_database
from tests.conftest import fresh_mysql_warehouse, fresh_postgresql
from tests.flows.test_kills import HELD_TABLES, LOG_MARKS, PATIENCE_SECONDS, read_until
from tests.flows.world import FlowWorld

BEFORE_THE_RELEASE = ("extract", "stage", "check")
IN_THE_RELEASE = ("within the release, before the facts", "within the release, at the watermarks")
AFTER_THE_RELEASE = ("marts", "site")


@pytest.fixture
def world(postgres_server: str, mysql_server: str, prefect_api: str, tmp_path: Path) -> Iterator[FlowWorld]:
    """An empty warehouse in MySQL."""
    for warehouse_url in fresh_mysql_warehouse(mysql_server):
        for shop_url in fresh_postgresql(postgres_server):
            with FlowWorld.opened(warehouse_url, shop_url, tmp_path / "state", prefect_api) as world:
                yield world


@pytest.mark.timeout(900)
def test_a_day_killed_at_each_step_and_the_same_day_once_more(
    world: FlowWorld, mysql_server: str, tmp_path: Path
) -> None:
    for quiet_url in fresh_mysql_warehouse(mysql_server):
        quiet = FlowWorld(quiet_url, world.shop_url, tmp_path / "quiet", world.prefect_api, world.shop)
        world.play(1)
        for each in (world, quiet):
            each.run(1)
        world.play(2)
        quiet.run(2)
        content, first_day = quiet.content(), _written(world)

        for step in BEFORE_THE_RELEASE:
            _kill_after(world, step)
        for place in IN_THE_RELEASE:
            _kill_within(world, HELD_TABLES[place])
        assert _written(world) == first_day
        for step in AFTER_THE_RELEASE:
            _kill_after(world, step)
        world.run(2)
        assert world.content() == content
        assert _staging_of(world) == []
        assert world.query("select count(*) from audit.runs where status = 'running'") == [(0,)]

        written = _written(world)
        assert written != first_day
        world.run(2)
        assert _written(world) == written


def _kill_after(world: FlowWorld, step: str) -> None:
    process = world.start(2)
    read_until(process, LOG_MARKS[step])
    process.send_signal(signal.SIGKILL)
    process.wait()


def _kill_within(world: FlowWorld, table: str) -> None:
    with _held(world, table):
        process = world.start(2, ETL_LOCK_TIMEOUT_SECONDS="120")
        deadline = time.monotonic() + PATIENCE_SECONDS
        while not _waits(world, table):
            assert process.poll() is None, "the run ended before it came to the table"
            assert time.monotonic() < deadline, "the run never came to the table"
            time.sleep(0.1)
        process.send_signal(signal.SIGKILL)
        process.wait()


@contextmanager
def _held(world: FlowWorld, table: str) -> Iterator[None]:
    """Lock all rows of a table against writers."""
    with open_database(world.warehouse_url, Settings(_env_file=None)).session() as session:
        session.execute(f"select * from {table} for update")
        session.fetchall()
        yield


def _waits(world: FlowWorld, table: str) -> bool:
    """Whether a statement that writes the table waits for its rows."""
    waiting = (
        "select 1 from information_schema.innodb_trx where trx_state = 'LOCK WAIT' and trx_query like %s"
    )
    return world.query(waiting, (f"%{table.partition('.')[2]}%",)) != []


def _written(world: FlowWorld) -> dict[str, tuple[object, ...]]:
    """What tells whether a row was written: its values, and the run that wrote it last."""
    relations = world.query(
        "select concat(table_schema, '.', table_name) from information_schema.tables"
        " where table_schema in (%s, %s, %s) and table_type = 'BASE TABLE'",
        tuple(f"{_prefix(world)}_{schema}" for schema in ("warehouse", "history", "replica")),
    )
    return {name: world.query(f"checksum table {name}")[0] for (name,) in relations}


def _staging_of(world: FlowWorld) -> list[tuple[object, ...]]:
    begins = f"{_prefix(world)}_staging%"
    return world.query(
        "select schema_name from information_schema.schemata where schema_name like %s", (begins,)
    )


def _prefix(world: FlowWorld) -> str:
    return urlsplit(world.warehouse_url).path.strip("/")
