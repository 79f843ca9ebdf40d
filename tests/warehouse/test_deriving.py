"""Versions derived from a late start on, and rows that a backfill brings, against the whole history."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from etl.catalog import Catalog
from etl.settings import Settings
from tests.systems import BOTH_SYSTEMS
from tests.warehouse.world import Batch, World

pytestmark = BOTH_SYSTEMS
START = datetime(2026, 1, 1, tzinfo=UTC)


def _table(name: str, key: list[str], columns: list[str]) -> dict[str, Any]:
    texts = {column: {"type": "text"} for column in columns}
    return {
        "name": name,
        "source": "s",
        "description": "x",
        "table": name,
        "key": key,
        "cursor": "at",
        "deletes": "soft",
        "deleted_when": "gone",
        "columns": {"at": {"type": "timestamp"}, "gone": {"type": "boolean"}, **texts},
    }


def _dimension(name: str, key: str, event: dict[str, str], attribute: str, **more: Any) -> dict[str, Any]:
    return {
        "name": name,
        "description": "x",
        "key": {key: "text"},
        "events": [event],
        "attributes": {attribute: {"type": "text", "scd": 2}},
        "guard": {"end_pct": 100, "change_pct": 100},
        **more,
    }


MAKER = {"maker_key": {"dimension": "maker", "attribute": "maker"}}
CATALOG = Catalog.model_validate(
    {
        "sources": {"s": {"name": "s", "description": "x", "url_setting": "shop_url"}},
        "tables": {
            "s.makers": _table("makers", ["name", "at"], ["name", "country"]),
            "s.things": _table("things", ["id", "at"], ["id", "maker"]),
            "s.states": _table("states", ["id"], ["id", "state"]),
        },
        "dimensions": {
            "maker": _dimension("maker", "name", {"table": "s.makers", "effective_at": "at"}, "country"),
            "thing": _dimension(
                "thing", "id", {"table": "s.things", "effective_at": "at"}, "maker", snowflakes=MAKER
            ),
            "stated": _dimension("stated", "id", {"table": "s.states"}, "state"),
        },
        "facts": {},
    }
)


@pytest.fixture
def world(warehouse_database: str, tmp_path: Path) -> Iterator[World]:
    opened = World(
        warehouse_database,
        Settings(_env_file=None, state_dir=tmp_path, warehouse_url=warehouse_database),
        CATALOG,
    )
    yield opened
    opened.close()


def _row(minute: int, gone: bool = False, **values: str) -> dict[str, Any]:
    at = START + timedelta(minutes=minute)
    return {"at": at, "gone": gone, "_cursor": at.isoformat(), **values}


def test_all_versions_of_a_snowflaked_member_lead_to_the_current_version_of_the_other(world: World) -> None:
    """Derived from the last version on, older ones would keep the key that was current then."""
    world.load(
        Batch({"s.makers": [_row(1, name="n", country="a")], "s.things": [_row(1, id="1", maker="n")]})
    )
    world.load(Batch({"s.things": [_row(3, id="1", maker="m")]}))
    world.load(
        Batch({"s.makers": [_row(5, name="n", country="b")], "s.things": [_row(7, id="1", maker="n")]})
    )
    found = world.query(
        "select distinct d.country from warehouse.dim_thing as t"
        " inner join warehouse.dim_maker as d on t.maker_key = d.maker_key where t.maker = 'n'"
    )
    assert found == [("b",)]


@pytest.mark.parametrize("later", ["2026-01-01 00:10:00.000000", "2026-01-01 00:05:00.000000"])
def test_a_delete_that_a_backfill_sees_earlier_ends_the_member_earlier(world: World, later: str) -> None:
    """Only what the history knows until the time of a row says that the row is known (law S1)."""
    minutes = {"2026-01-01 00:10:00.000000": 10, "2026-01-01 00:05:00.000000": 5}
    (earlier,) = minutes.keys() - {later}
    world.load(Batch({"s.states": [_row(0, id="1", state="x")]}, as_of="2026-01-01 00:01:00.000000"))
    for as_of in (later, earlier):
        gone = _row(0, gone=True, id="1", state="x")
        world.load(Batch({"s.states": [gone]}, as_of=as_of, is_backfill=minutes[as_of] < minutes[later]))
    assert world.query("select valid_to from warehouse.dim_stated where id = '1'") == [
        (START + timedelta(minutes=5),)
    ]
