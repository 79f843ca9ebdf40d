"""Dimensions with more columns of a kind than one join of MySQL holds tables."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from etl.catalog import Catalog
from etl.settings import Settings
from tests.systems import BOTH_SYSTEMS
from tests.warehouse.rows import at, cursor_of
from tests.warehouse.world import Batch, World

pytestmark = BOTH_SYSTEMS

COLUMNS = [f"c{number}" for number in range(40)]
CATALOG = Catalog.model_validate(
    {
        "sources": {"s": {"name": "s", "description": "wide rows", "url_setting": "shop_url"}},
        "tables": {
            "s.machines": {
                "name": "machines",
                "source": "s",
                "description": "machines and their parts",
                "table": "machines",
                "key": ["id"],
                "cursor": "at",
                "columns": {
                    "id": {"type": "bigint"},
                    "at": {"type": "timestamp"},
                    **{column: {"type": "text"} for column in COLUMNS},
                },
            }
        },
        "dimensions": {
            "machine": {
                "name": "machine",
                "description": "every other part keeps its previous value",
                "key": {"id": "bigint"},
                "events": [{"table": "s.machines", "effective_at": "at"}],
                "attributes": {
                    column: {"type": "text", "scd": 2 + number % 2} for number, column in enumerate(COLUMNS)
                },
                "guard": {"end_pct": 100, "change_pct": 100},
            }
        },
        "facts": {},
    }
)


@pytest.fixture
def world(warehouse_database: str, settings: Settings) -> Iterator[World]:
    """A warehouse of that one dimension."""
    world = World(warehouse_database, settings, CATALOG)
    yield world
    world.close()


def test_columns_that_come_apart_each_have_a_history_of_their_own(world: World) -> None:
    """Laws S6, S12: a record carries the columns in whose number its bit is set."""
    for bit in range(6):
        absent = tuple(c for number, c in enumerate(COLUMNS, start=1) if not number & 1 << bit)
        world.load(Batch({"s.machines": [_row(bit, "old")]}, absent={"s.machines": absent}))
    world.load(Batch({"s.machines": [_row(6, "new")]}))
    kept = [name for column in COLUMNS[1::2] for name in (column, f"previous_{column}")]
    statement = (
        f"select c0, c38, {', '.join(kept)} from warehouse.dim_machine where id = 1 order by valid_from"
    )
    told = ("new", "old") * (len(kept) // 2)
    assert world.query(statement) == [("old", "old", *told), ("new", "new", *told)]


def _row(minute: int, value: str) -> dict[str, Any]:
    instant = at(f"2026-05-01 00:0{minute}")
    return {"id": 1, "at": instant, **dict.fromkeys(COLUMNS, value), "_cursor": cursor_of(instant)}
