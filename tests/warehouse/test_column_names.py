"""Columns of a source may be called as those that the warehouse keeps beside them (law P1)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from etl.catalog import Catalog
from etl.settings import Settings
from tests.systems import BOTH_SYSTEMS
from tests.warehouse.world import Batch, World

pytestmark = BOTH_SYSTEMS
TABLE: dict[str, Any] = {
    "name": "members",
    "source": "s",
    "description": "members",
    "table": "members",
    "key": ["id"],
    "cursor": "effective_at",
    "deletes": "soft",
    "deleted_when": "existence",
    "columns": {
        "id": {"type": "bigint"},
        "effective_at": {"type": "timestamp"},
        "existence": {"type": "boolean"},
        "name": {"type": "text"},
    },
}
VERSIONS = "select name, valid_from from warehouse.dim_member where id = 1 order by valid_from"


@pytest.fixture(params=[True, False], ids=["brings-back", "tells-only"])
def world(
    request: pytest.FixtureRequest, warehouse_database: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[World]:
    """A dimension whose source calls its columns as the history does."""
    events = [{"table": "s.members", "effective_at": "effective_at", "existence": request.param}]
    member = {
        "name": "member",
        "description": "members",
        "key": {"id": "bigint"},
        "events": events,
        "attributes": {"name": {"type": "text", "scd": 2}},
        "guard": {"end_pct": 100, "change_pct": 100},
    }
    catalog = Catalog.model_validate(
        {
            "sources": {"s": {"name": "s", "description": "events", "url_setting": "shop_url"}},
            "tables": {"s.members": TABLE},
            "dimensions": {"member": member},
            "facts": {},
        }
    )
    settings = Settings(
        _env_file=None, state_dir=tmp_path_factory.mktemp("state"), warehouse_url=warehouse_database
    )
    world = World(warehouse_database, settings, catalog)
    yield world
    world.close()


def test_a_state_that_is_told_again_later_is_an_event_of_its_own(world: World) -> None:
    """Laws S1, S8: what comes late and lies between the two splits the version."""
    for day, name in ((2, "B"), (4, "B"), (3, "C")):
        row = {"id": 1, "effective_at": f"2026-05-0{day}", "existence": False, "name": name, "_cursor": None}
        world.load(Batch({"s.members": [row]}))
    told = [(name, f"{start:%Y-%m-%d}") for name, start in world.query(VERSIONS)]
    assert told[:3] == [("B", "2026-05-02"), ("C", "2026-05-03"), ("B", "2026-05-04")]
