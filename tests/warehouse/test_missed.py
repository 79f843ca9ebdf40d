"""What a comparison of keys reads again: not what waits, was given up, or was just refused (law X1)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from etl.catalog import Catalog
from etl.handles import Run, TablePlan
from etl.settings import Settings
from etl.windows import Window
from tests.systems import BOTH_SYSTEMS
from tests.warehouse.world import Batch, World

pytestmark = BOTH_SYSTEMS
OWN = 'a "key"; -- 100%'
AS_OF = "2026-06-01 00:00:00.000000"
CURSOR = "2026-05-01 00:00:00.000000"
# Type -> five keys, and how a source may write the last of them.
KEYS: dict[str, tuple[list[Any], Any]] = {
    "bigint": ([1, 2, 3, 4, 5], 5),
    "text": (["a", "A", "é\"'", "", "null"], "null"),
    "decimal(30,6)": ([Decimal(n) / 4 for n in range(1, 6)], "1.250000"),
    "timestamp": ([datetime(2026, 5, day, 10, 0, 0, 500_000, UTC) for day in range(1, 6)], None),
    "boolean": ([True, False], None),
}


@pytest.fixture(params=KEYS)
def world(
    request: pytest.FixtureRequest, warehouse_database: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[World]:
    """A copy of a table whose keys are of one type."""
    columns = {
        OWN: {"type": request.param},
        "place": {"type": "bigint"},
        "note": {"type": "text"},
        "changed_at": {"type": "timestamp"},
    }
    table = {
        "name": "things", "source": "s", "description": "T", "table": "things", "key": [OWN, "place"],
        "columns": columns, "cursor": "changed_at", "deletes": "compare",
        "replica": {"guard": {"end_pct": 100, "change_pct": 100}},
    }  # fmt: skip
    catalog = Catalog.model_validate(
        {
            "sources": {"s": {"name": "s", "description": "S", "url_setting": "shop_url"}},
            "tables": {"s.things": table},
            "dimensions": {},
            "facts": {},
        }
    )
    settings = Settings(
        _env_file=None, state_dir=tmp_path_factory.mktemp("state"), warehouse_url=warehouse_database
    )
    world = World(warehouse_database, settings, catalog)
    yield world
    world.close()


def row(key: Any) -> dict[str, Any]:
    return {OWN: key, "place": 7, "note": "x", "changed_at": CURSOR, "_cursor": CURSOR}


def plan() -> TablePlan:
    return TablePlan("s.things", None, Window(None, AS_OF), AS_OF, True)


def begun(world: World, rows: list[Any], keys: list[Any]) -> Run:
    """A run that has staged rows, and the keys of the source."""
    run = world.new_run()
    world.warehouse.begin_run(run, [world.catalog.tables["s.things"]])
    staged, there = ({"s.things": list(map(row, of))} for of in (rows, keys))
    world.stage(run, "s.things", Batch(staged, there))
    return run


def test_only_rows_that_nobody_saw_are_missed(world: World) -> None:
    column_type = world.catalog.tables["s.things"].columns[OWN].type
    keys, landed = KEYS[column_type]
    loaded, waiting, *others = keys
    run = begun(world, [loaded, waiting], [loaded, waiting])
    staged = world.warehouse.settle(plan(), run)
    name = world.session.identifier
    number = world.session.single(
        f"select _row from {name(run.staging_schema, staged.relation)} where {name(OWN)} = %s", (waiting,)
    )
    assert world.warehouse.quarantine(staged, {"rule": [number]}) == 1
    world.warehouse.publish(run, [replace(staged, row_count=1, quarantined_count=1)], [])
    world.warehouse.end_run(run, "succeeded", "", [])

    run = begun(world, [], keys)
    if landed is not None:
        payload = {OWN: landed, "place": "7", "_cursor": CURSOR}
        world.session.insert(
            name(run.staging_schema, "_rejected"),
            ("table_name", "payload", "column_name", "reason"),
            [("s.things", payload, "note", "is not a note"), ("t.things", {OWN: "x"}, "note", "of another")],
        )
    found = [key[OWN] for key in world.warehouse.find_missed(plan(), run).to_pylist()]
    expected = others if landed is None else others[:-1]
    assert sorted(found) == sorted(expected)

    world.execute("update audit.quarantine set status = 'discarded'")
    found = [key[OWN] for key in world.warehouse.find_missed(plan(), run).to_pylist()]
    assert waiting not in found
    world.execute("update audit.quarantine set closed_run_id = %s", (run.run_id,))
    found = [key[OWN] for key in world.warehouse.find_missed(plan(), run).to_pylist()]
    assert waiting in found
