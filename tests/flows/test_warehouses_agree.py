"""The same shop gives the same warehouse in MySQL as in PostgreSQL, value for value."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from etl.catalog_files import load_catalog
from etl.settings import PROJECT_DIR, Settings
from etl.warehouse import open_database
from etl.warehouse.marts import read_marts
from tests.conftest import fresh_mysql_warehouse
from tests.flows.world import CONTENT, FlowWorld

DAYS = 3


def test_a_warehouse_in_mysql_holds_the_same_values(
    world: FlowWorld, mysql_server: str, tmp_path: Path
) -> None:
    """Dimensions, facts, marts, quarantine and watermarks after some days of the real flow."""
    for warehouse_url in fresh_mysql_warehouse(mysql_server):
        twin = FlowWorld(warehouse_url, world.shop_url, tmp_path / "twin", world.prefect_api, world.shop)
        for day in range(1, DAYS + 1):
            world.play(day)
            for each in (world, twin):
                each.run(day)
        for name, statement in CONTENT.items():
            left, right = (_sorted(each.query(statement)) for each in (world, twin))
            assert left == right, name
        for relation in _relations():
            left, right = (published(each, relation) for each in (world, twin))
            assert left == right, relation
        assert len(published(twin, "warehouse.fact_sales")) > 1_000


def published(world: FlowWorld, relation: str) -> list[Any]:
    """Rows of a relation without what each warehouse numbers by itself."""
    with open_database(world.warehouse_url, Settings(_env_file=None)).own_session() as session:
        rows = session.rows(f"select * from {relation}")
    own = ("_key", "_run_id", "_row_id", "sale_id")
    return _sorted([[(k, v) for k, v in row.items() if not k.endswith(own)] for row in rows])


def _relations() -> list[str]:
    catalog = load_catalog(PROJECT_DIR / "catalog")
    marts = read_marts(PROJECT_DIR / "sql" / "warehouse" / "postgresql" / "marts")
    return [
        *(f"warehouse.{dimension.relation}" for dimension in catalog.dimensions.values()),
        *(f"warehouse.{fact.relation}" for fact in catalog.facts.values()),
        *(f"marts.{mart.name}" for mart in marts),
    ]


def _sorted(rows: Sequence[Sequence[Any]]) -> list[Any]:
    return sorted(([_plain(value) for value in row] for row in rows), key=repr)


def _plain(value: Any) -> Any:
    """What both drivers mean by a value: a boolean may be a number, a document a text."""
    if isinstance(value, bool):
        return int(value)
    if isinstance(value, tuple):
        return [_plain(part) for part in value]
    if isinstance(value, (dict, list)):
        return json.dumps(value, sort_keys=True)
    if isinstance(value, str) and value[:1] in "[{" and value:
        try:
            return json.dumps(json.loads(value), sort_keys=True)
        except ValueError:
            return value
    return value
