"""Names and values that tools break: what comes back, and what wins, stays the same (laws P1, Q3, F5)."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from etl.catalog import Catalog
from etl.settings import Settings
from tests.systems import BOTH_SYSTEMS
from tests.warehouse.holding import load_judged, replay
from tests.warehouse.world import Batch, World

pytestmark = BOTH_SYSTEMS
COLUMNS = ("t", "s", "q", "a\nb", "a\u2028b", "a\x85b", "c\n-d", "-e", '"f"', "$.g")
LATEST = datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC)
SOURCE = "staging_shop"


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
