"""The same shop in MySQL and in PostgreSQL gives the same warehouse, row for row."""

from __future__ import annotations

from pathlib import Path

from demo.plan import ShopPlan
from demo.shop import Shop
from tests.conftest import fresh_postgresql
from tests.flows.world import SCALE, FlowWorld

DAYS = 3


def test_mysql_and_postgresql_shops_give_the_same_warehouse(
    world: FlowWorld, mysql_database: str, postgres_server: str, tmp_path: Path
) -> None:
    shop = Shop(ShopPlan(scale=SCALE, days=7))
    shop.create(mysql_database)
    for warehouse_url in fresh_postgresql(postgres_server):
        twin = FlowWorld(warehouse_url, mysql_database, tmp_path / "twin", world.prefect_api, shop)
        for day in range(1, DAYS + 1):
            for each in (world, twin):
                each.play(day)
                each.run(day)
        left, right = world.content(), twin.content()
        for name, rows in left.items():
            assert rows == right[name], name
        assert len(left["fact_sales"]) > 1_000
