"""Names and values that tools break: what comes back, and what wins, stays the same (laws P1, Q3, F5)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from etl.catalog import Catalog
from etl.settings import Settings
from etl.warehouse.reconciling.comparing import USUAL_SIZE
from tests.systems import BOTH_SYSTEMS
from tests.warehouse.holding import load_judged, replay
from tests.warehouse.reconciling import Reconciling
from tests.warehouse.world import Batch, World

pytestmark = BOTH_SYSTEMS
COLUMNS = ("t", "s", "q", "a\nb", "a\u2028b", "a\x85b", "c\n-d", "-e", '"f"', "$.g")
LATEST = datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC)
SOURCE = "staging_shop"
NAME = f"{SOURCE}.d"


def _table(name: str, number: str = "id", **more: Any) -> dict[str, Any]:
    columns = {number: {"type": "bigint"}, "at": {"type": "timestamp"}}
    columns |= {column: {"type": "text"} for column in COLUMNS if column != number}
    said = {"name": name, "source": SOURCE, "description": name, "table": name, "columns": columns}
    return {**said, "key": [number], "replica": {"guard": {"end_pct": 100}}, **more}


@pytest.fixture
def world(warehouse_database: str, tmp_path: Path) -> Iterator[World]:
    """A copy with a plain key, one with an odd key, one with an instant as key, and one without a key."""
    tables = {
        f"{SOURCE}.plain": _table("plain"),
        f"{SOURCE}.odd": _table("odd", "-e"),
        f"{SOURCE}.timed": _table("timed", key=["at"], deletes="compare"),
        f"{SOURCE}.whole": _table("whole", key=[], replica={"whole_row": True, "guard": {"end_pct": 100}}),
    }
    source = {"name": SOURCE, "description": "a shop", "url_setting": "shop_url"}
    catalog = Catalog.model_validate(
        {"sources": {SOURCE: source}, "tables": tables, "dimensions": {}, "facts": {}}
    )
    settings = Settings(_env_file=None, state_dir=tmp_path, warehouse_url=warehouse_database)
    world = World(warehouse_database, settings, catalog)
    yield world
    world.close()


def row(number: int, key: str = "id") -> dict[str, Any]:
    """A row whose texts tell their columns."""
    texts = {column: f"{column} {number}" for column in COLUMNS}
    return {**texts, key: number, "at": LATEST, "_cursor": None}


def rows_of(world: World, name: str) -> list[dict[str, Any]]:
    """Rows of a copy, without what the warehouse keeps beside them."""
    relation = world.session.identifier("replica", f"{SOURCE}__{name}")
    found = world.session.rows(f"select * from {relation}")
    return [{column: value for column, value in each.items() if column[0] != "_"} for each in found]


@pytest.mark.parametrize(("name", "key"), [("plain", "id"), ("odd", "-e"), ("whole", "id")])
def test_a_row_that_waited_comes_back_as_it_was(world: World, name: str, key: str) -> None:
    table = f"{SOURCE}.{name}"
    told = {column: value for column, value in row(1, key).items() if column != "_cursor"}
    load_judged(world, Batch({table: [row(1, key)]}), {table: "true"})
    assert rows_of(world, name) == []
    replay(world)
    assert rows_of(world, name) == [told]
    assert world.query("select status from audit.quarantine") == [("replayed",)]
    load_judged(world, Batch({table: [row(1, key)]}), {})
    assert rows_of(world, name) == [told]


def test_a_row_that_waits_is_not_gone_when_its_key_is_an_instant(world: World) -> None:
    """Law X8."""
    table = f"{SOURCE}.timed"
    load_judged(world, Batch({table: [row(1)]}), {})
    key = {"at": LATEST, "_cursor": None}
    load_judged(world, Batch({table: [row(2)]}, {table: []}), {table: "true"})
    assert [each["id"] for each in rows_of(world, "timed")] == [1]
    load_judged(world, Batch({table: []}, {table: [key]}), {})
    assert [each["id"] for each in rows_of(world, "timed")] == [1]


@pytest.mark.parametrize(
    ("kind", "value"), [("text", "t"), ("text", None), ("json", None), ("json", "null"), ("json", '{"t": 1}')]
)
@pytest.mark.parametrize("key", [["id"], []])
def test_a_column_that_is_called_like_an_alias_is_not_taken_for_the_row(
    warehouse_database: str, tmp_path: Path, kind: str, value: str | None, key: list[str]
) -> None:
    columns = {"id": {"type": "bigint"}, **{name: {"type": kind} for name in "tsqrkvn"}}
    world = _of_one_table(warehouse_database, tmp_path, key, columns)
    held = {"id": 1, **dict.fromkeys("tsqrkvn", value)}
    for _ in range(2):
        load_judged(world, Batch({NAME: [{**held, "_cursor": None}]}), {NAME: "true"})
    replay(world)
    # as texts, which tell the null of a document from no value
    texts = ", ".join(f"case when {name} is not null then concat({name}, '') end" for name in held)
    copy = world.session.identifier("replica", f"{SOURCE}__d")
    assert world.query(f"select {texts} from {copy}") == [("1", *list(held.values())[1:])]
    assert {status for (status,) in world.query("select status from audit.quarantine")} <= {
        "replayed",
        "superseded",
    }
    world.close()


@pytest.mark.parametrize("number", [5e-324, 1.7976931348623157e308, -1.7976931348623157e308, 1.5])
def test_a_double_that_waited_comes_back_as_it_was(
    warehouse_database: str, tmp_path: Path, number: float
) -> None:
    columns = {"id": {"type": "bigint"}, "d": {"type": "double"}}
    world = _of_one_table(warehouse_database, tmp_path, ["id"], columns)
    load_judged(world, Batch({NAME: [{"id": 1, "d": number, "_cursor": None}]}), {NAME: "true"})
    replay(world)
    assert rows_of(world, "d") == [{"id": 1, "d": number}]
    assert world.query("select status from audit.quarantine") == [("replayed",)]
    world.close()


@pytest.mark.parametrize("at", ["9999-12-31T23:59:59+00:00", "9999-12-31 23:59:59Z"])
def test_a_row_that_was_rejected_is_not_gone_when_its_key_is_an_instant(world: World, at: str) -> None:
    """Laws Q2 and X8; of a rejected row nothing is known but what the source said."""
    table = f"{SOURCE}.timed"
    world.load(Batch({table: [row(1)]}))
    run = replace(world.new_run(), tables=(table,))
    world.warehouse.begin_run(run, [world.catalog.tables[table]])
    staged = world.stage_table(run, table, Batch({table: []}, {table: []}))
    world.execute(
        f"insert into {world.session.identifier(run.staging_schema, '_rejected')}"
        " (table_name, payload, column_name, reason) values (%s, %s, 'id', 'reason')",
        (table, {"at": at, "id": "no number"}),
    )
    world.warehouse.publish(run, [staged], [])
    assert [each["id"] for each in rows_of(world, "timed")] == [1]


def _of_one_table(url: str, folder: Path, key: list[str], columns: dict[str, Any]) -> World:
    replica = {"whole_row": not key, "guard": {"end_pct": 100}}
    source = {"name": SOURCE, "description": "a shop", "url_setting": "shop_url"}
    catalog = Catalog.model_validate(
        {
            "sources": {SOURCE: source},
            "tables": {NAME: _table("d", key=key, columns=columns, replica=replica)},
            "dimensions": {},
            "facts": {},
        }
    )
    return World(url, Settings(_env_file=None, state_dir=folder, warehouse_url=url), catalog)


def test_a_copy_is_put_right_whatever_its_source_is_called(world: World) -> None:
    """Law R4: a schema's name before a dot is not always a schema."""
    table = f"{SOURCE}.timed"
    later = {**row(2), "at": LATEST.replace(year=2026)}
    load_judged(world, Batch({table: [row(1), later]}), {})
    copy = world.session.identifier("replica", f"{SOURCE}__timed")
    world.execute(f"update {copy} set q = 'tampered' where id = 1")
    world.execute(f"delete from {copy} where id = 2")
    reconciling = Reconciling(world, {table: [row(1), later]}, USUAL_SIZE)
    reconciling.repair()
    reconciling.end()
    assert sorted((each["id"], each["q"]) for each in rows_of(world, "timed")) == [(1, "q 1"), (2, "q 2")]


def test_of_rows_that_differ_far_behind_the_same_one_wins_in_any_order(
    warehouse_database: str, tmp_path: Path
) -> None:
    """Law F5: MySQL sorts by the first 1,024 bytes of a text alone."""
    columns = {"id": {"type": "bigint"}, "at": {"type": "timestamp"}, "note": {"type": "text"}}
    needed = {name: {**column, "nullable": False} for name, column in columns.items()}
    table = {"name": "e", "source": "s", "description": "e", "table": "e", "key": ["id"], "columns": needed}
    fact = {"name": "e", "description": "e", "grain": ["id"], "tables": ["s.e"], "columns": columns}
    catalog = Catalog.model_validate(
        {
            "sources": {"s": {"name": "s", "description": "s", "url_setting": "shop_url"}},
            "tables": {"s.e": table},
            "dimensions": {},
            "facts": {"e": {**fact, "latest_by": "at"}},
        }
    )
    settings = Settings(_env_file=None, state_dir=tmp_path, warehouse_url=warehouse_database)
    world = World(warehouse_database, settings, catalog)
    notes = ["p" * 2_000 + end for end in "AB"]
    for number, order in enumerate((notes, notes[::-1])):
        for note in order:
            world.load(Batch({"s.e": [{"id": number, "at": LATEST, "note": note, "_cursor": None}]}))
    (first,), (second,) = world.query("select note from warehouse.fact_e order by id")
    world.close()
    assert first == second
