"""Law Q3 through the real flow: what a too strict suite held back gives the tables of a clean load."""

from __future__ import annotations

import shutil
import signal
import subprocess
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import psycopg2
import pytest
import yaml

from etl.errors import ConfigError
from etl.held_back import Selection
from etl.settings import PROJECT_DIR, Settings
from etl.warehouse import Warehouse, open_warehouse
from flows.replay_quarantine import replay_quarantine
from tasks import resources
from tests.conftest import fresh_postgresql
from tests.flows.world import FlowWorld

DAYS = 2
STRICT = "too_strict"
PATIENCE_SECONDS = 500
REPLAY = f"""
from flows.replay_quarantine import replay_quarantine
replay_quarantine(rules=["{STRICT}"])
"""
OPEN = "select table_name, row_key, rules, payload from audit.quarantine where status = 'open'"


@pytest.fixture(scope="module")
def clean(
    postgres_server: str, prefect_api: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[dict[str, list[str]]]:
    """What the days give behind the suites of the project."""
    for world in _worlds(postgres_server, prefect_api, tmp_path_factory.mktemp("clean")):
        _live(world)
        yield _content(world)


@pytest.fixture(scope="module")
def held(
    postgres_server: str, prefect_api: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[FlowWorld]:
    """The same days behind suites that are too strict; each test takes a copy of the warehouse."""
    folder = tmp_path_factory.mktemp("held")
    for world in _worlds(postgres_server, prefect_api, folder):
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("ETL_SUITES_DIR", str(_strict_suites(folder / "suites", world)))
            _live(world)
        yield world


@pytest.fixture
def world(held: FlowWorld, postgres_server: str, tmp_path: Path) -> Iterator[FlowWorld]:
    """A copy of the warehouse with rows that wait."""
    for url in fresh_postgresql(postgres_server, template_url=held.warehouse_url):
        yield FlowWorld(url, held.shop_url, tmp_path / "state", held.prefect_api, held.shop)


def test_after_the_rule_is_mended_the_tables_are_those_of_a_clean_load(
    world: FlowWorld, clean: dict[str, list[str]]
) -> None:
    """Whole rows, orders with their lines, and lines of loaded orders, which come from the shop again."""
    waiting = dict(world.query(f"select table_name, count(*) from ({OPEN}) as o group by 1"))
    assert set(waiting) == {"shop.customers", "shop.orders", "shop.order_items"}
    before = _content(world)
    release = world.call(replay_quarantine, rules=[STRICT])
    assert _content(world) == clean != before
    replayed = _entries(world, "replayed")
    assert {name for name, _ in replayed} == set(waiting)
    loaded = {o.name: o for o in release.outcomes}
    for name, count in replayed:
        done = loaded[name]
        assert done.extracted >= count
        assert (
            done.extracted == done.inserted + done.updated + done.unchanged + done.quarantined + done.dropped
        )
    assert world.query(
        "select count(*) from audit.quarantine as q inner join audit.runs as r on r.run_id = q.closed_run_id"
        " where q.status = 'replayed' and r.pipeline != 'replay-quarantine'"
    ) == [(0,)]

    assert world.call(replay_quarantine, rules=[STRICT]) is None, "nothing waits for that rule any more"
    world.call(replay_quarantine, everything=True)
    assert _content(world) == clean, "rows that still break a rule stay where they are"


def test_a_part_of_what_waits_and_then_the_rest_give_the_same(
    world: FlowWorld, clean: dict[str, list[str]]
) -> None:
    newest_first = world.query(
        "select run_id from audit.runs where pipeline = 'daily-sales' order by started_at desc"
    )
    world.call(replay_quarantine, runs=[newest_first[0][0][:12]], rules=[STRICT])
    some = world.query(
        f"select row_key ->> 'order_id' from ({OPEN}) as o where table_name = 'shop.orders' limit 3"
    )
    world.call(replay_quarantine, keys=[f"order_id={key}" for (key,) in some])
    world.call(replay_quarantine, tables=["shop.order_items"], rules=[STRICT])
    assert _content(world) != clean
    world.call(replay_quarantine, rules=[STRICT])
    assert _content(world) == clean


@pytest.mark.parametrize("table", ["warehouse.fact_sales", "audit.quarantine"])
def test_a_replay_killed_within_a_release_is_made_good_by_the_next(
    table: str, world: FlowWorld, clean: dict[str, list[str]]
) -> None:
    """Law R6."""
    with _held(world, table) as wait_for:
        process = world.start_code(REPLAY, ETL_LOCK_TIMEOUT_SECONDS="120")
        wait_for(process)
        process.send_signal(signal.SIGKILL)
        process.wait()
    assert world.query("select count(*) from audit.runs where status = 'running'") == [(1,)]
    world.call(replay_quarantine, rules=[STRICT])
    assert _content(world) == clean
    assert world.query("select count(*) from audit.runs where status = 'running'") == [(0,)]


def test_two_replays_at_once_load_each_row_once(world: FlowWorld, clean: dict[str, list[str]]) -> None:
    both = [world.start_code(REPLAY, ETL_LOCK_TIMEOUT_SECONDS="120") for _ in range(2)]
    logs = [process.communicate(timeout=PATIENCE_SECONDS)[0] for process in both]
    assert [process.returncode for process in both] == [0, 0], "\n".join(log[-2_000:] for log in logs)
    assert _content(world) == clean
    ((loaded,),) = world.query(
        "select sum(t.inserted + t.unchanged) from audit.run_tables as t"
        " inner join audit.runs as r using (run_id)"
        " where r.pipeline = 'replay-quarantine' and t.name = 'shop.customers'"
    )
    assert loaded == dict(_entries(world, "replayed"))["shop.customers"]


def test_a_discarded_row_is_not_fetched_again_and_not_held_back_again(
    world: FlowWorld, held: FlowWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Law X1: what somebody settled with a reason is not missed."""
    selection = Selection(tables=("shop.customers",), rules=(STRICT,))
    count = _warehouse(world).discard(selection, "moved by mistake, the shop knows")
    assert count > 0
    monkeypatch.setenv("ETL_SUITES_DIR", str(held.state_dir.parent / "suites"))
    release = world.run(DAYS)
    (customers,) = [o for o in release.outcomes if o.name == "shop.customers"]
    assert customers.quarantined >= count, "the day is read whole again"
    assert dict(_entries(world, "discarded")) == {"shop.customers": count}
    of_customers = (
        f"select count(*) from ({OPEN}) as o where table_name = 'shop.customers' and %s = any(rules)"
    )
    assert world.query(of_customers, (STRICT,)) == [(0,)]
    monkeypatch.delenv("ETL_SUITES_DIR")
    missed = world.run(None)
    (customers,) = [o for o in missed.outcomes if o.name == "shop.customers"]
    assert customers.extracted == 0


def test_what_cannot_be_meant_is_refused(world: FlowWorld) -> None:
    with pytest.raises(ConfigError, match="No filter says which quarantined rows are meant"):
        world.call(replay_quarantine)
    with pytest.raises(ConfigError, match=r"no table 'shop\.ordres'; did you mean 'shop\.orders'"):
        world.call(replay_quarantine, tables=["shop.ordres"])
    with pytest.raises(ConfigError, match=rf"No suite has a rule to_strict.*\n.*rows wait for .*{STRICT}"):
        world.call(replay_quarantine, rules=["to_strict"])


def _worlds(server: str, prefect_api: str, folder: Path) -> Iterator[FlowWorld]:
    for warehouse_url in fresh_postgresql(server):
        for shop_url in fresh_postgresql(server):
            with FlowWorld.opened(warehouse_url, shop_url, folder / "state", prefect_api) as world:
                yield world


def _live(world: FlowWorld) -> None:
    for day in range(1, DAYS + 1):
        world.play(day)
        world.run(day)


def _strict_suites(folder: Path, world: FlowWorld) -> Path:
    """The project's suites with a rule that holds a part of the rows back and never closes the gate."""
    shutil.copytree(PROJECT_DIR / "expectations" / "suites", folder)
    since = world.date_of(DAYS)
    predicates = {
        # Not of new customers: those that orders name would come twice, as inferred members and themselves.
        "shop.customers": f"customer_id % 2 = 0 or updated_at < '{since}' or registration_date >= '{since}'",
        "shop.orders": "order_id % 5 != 0",
        "shop.order_items": "order_item_id % 7 != 0",
    }
    for table, predicate in predicates.items():
        path = folder / f"{table}.yaml"
        suite = yaml.safe_load(path.read_text(encoding="utf-8"))
        columns = [*resources.catalog().tables[table].columns][:2]
        kwargs = {"column_list": columns, "predicate": predicate, "mostly": 0}
        rule = {"name": STRICT, "type": "expect_rows_to_satisfy", "kwargs": kwargs, "severity": "critical"}
        suite["rules"].append({**rule, "reason": "Nobody remembers why."})
        path.write_text(yaml.safe_dump(suite), encoding="utf-8")
    return folder


def _content(world: FlowWorld) -> dict[str, list[str]]:
    """Everything published, and what still waits."""
    return {**world.content(), "quarantine": sorted(map(repr, world.query(OPEN)))}


def _entries(world: FlowWorld, status: str) -> list[tuple[Any, ...]]:
    return world.query(
        "select table_name, count(*) from audit.quarantine where status = %s group by 1 order by 1", (status,)
    )


def _warehouse(world: FlowWorld) -> Warehouse:
    settings = Settings(_env_file=None, state_dir=world.state_dir)
    return open_warehouse(world.warehouse_url, settings, resources.catalog())


@contextmanager
def _held(world: FlowWorld, table: str) -> Iterator[Any]:
    """Lock a table against writers, and offer to wait until another session waits for it."""

    def wait_for(process: subprocess.Popen[str]) -> None:
        waiting = "select 1 from pg_locks where not granted and relation = %s::regclass"
        for _ in range(PATIENCE_SECONDS * 10):
            if world.query(waiting, (table,)):
                return
            try:
                process.wait(0.1)
            except subprocess.TimeoutExpired:
                continue
            assert process.stdout is not None
            raise AssertionError(f"the replay never came to {table}:\n{process.stdout.read()[-2_000:]}")
        raise AssertionError(f"the replay never came to {table}")

    with closing(psycopg2.connect(world.warehouse_url)) as connection, connection.cursor() as cursor:
        cursor.execute(f"lock table {table} in share row exclusive mode")
        yield wait_for
        connection.rollback()
