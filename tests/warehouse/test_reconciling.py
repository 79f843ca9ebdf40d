"""Law X9: one tampering is found, in its range, and repaired; rows in and rows out on a real warehouse."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

from etl.catalog_files import load_catalog
from etl.handles import Run, StagedTable, TablePlan
from etl.settings import Settings
from etl.warehouse.reconciliation import Reconciliation
from etl.windows import Window
from tests.warehouse.rows import customer, line, order, price, product
from tests.warehouse.world import Batch, World

@pytest.fixture
def shop(settings: Settings) -> Iterator[World]:
    world = World(settings.warehouse_url.get_secret_value(), settings, load_catalog(settings.catalog_dir))
    yield world
    world.close()


def test_it(shop: World) -> None:
    customers = [customer(i, f"2026-05-{i:02} 10:00") for i in range(1, 20)]
    products = [product(i, f"2026-05-{i:02} 10:00") for i in range(1, 3)]
    prices = [price(i, 1, f"2026-05-{i:02} 10:00", "1.00") for i in range(1, 3)]
    rows = {"shop.customers": customers, "shop.products": products, "shop.product_prices": prices,
      "shop.orders": [order(1, "2026-05-01 10:00")], "shop.order_items": [line(1, 1)]}
    shop.load(Batch(rows))
    run = replace(shop.new_run(), tables=tuple(rows))
    shop.warehouse.begin_run(run, [shop.catalog.tables[n] for n in rows])
    staged = []
    for name in rows:
        plan = TablePlan(name, shop.warehouse.watermarks()[name], Window(), "2026-06-02 00:00:00.000000", False, moves_watermark=False)
        shop._stage(run, name, Batch(rows))
        staged.append(shop.warehouse.settle(plan, run))
    for f in shop.warehouse.reconcile(run, staged):
        print(f, f.ranges)
    n = shop.warehouse.narrow(run, staged)
    print(n)
    print(shop.warehouse.repair(run, n, []))
    for f in shop.warehouse.reconcile(run, staged):
        print(f, f.ranges)
    assert 0
