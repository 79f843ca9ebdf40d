"""A warehouse with customers, products and stores in versions, a calendar, and orders to release."""

from __future__ import annotations

from datetime import date

from etl.catalog_files import load_catalog
from etl.embedded import EmbeddedServer
from etl.settings import PROJECT_DIR
from etl.transforms.calendar import calendar
from tests.bench.warehouses import BenchWarehouse, Staged
from tests.bench.world import SQL_DIR

LINES_PER_ORDER = 3
# Three lines of an order: the same product mix for every scale, and amounts that do not divide evenly.
_ORDERS = """
select
    n, (n::bigint * 7919) % {customers} + 1, case when n % 3 = 0 then n % {stores} + 1 end,
    timestamptz '2024-06-01 00:00Z' + (n::bigint * 104729) % 47000000 * interval '1 second',
    (array['paid', 'paid', 'paid', 'shipped', 'cancelled'])[n % 5 + 1], (n % 4)::numeric(12, 2),
    1.07 + n % 50 + {version}, 4.99, 100.00, timestamptz '2025-12-01 00:00Z' + {version} * interval '1 day',
    '2025-12-01 00:00:00'
from generate_series(1, {orders}) as n where n % {every} = 0
"""
_LINES = """
select
    n * 3 + l, n, l, (n * 31 + l * 17) % {products} + 1, n % 4 + 1, 3.33 + n % 90 + l, (n % 7) * 0.10,
    timestamptz '2025-12-01 00:00Z' + {version} * interval '1 day', '2025-12-01 00:00:00'
from generate_series(1, {orders}) as n cross join generate_series(1, 3) as l where n % {every} = 0
"""


class SalesWarehouse(BenchWarehouse):
    """The project's own catalog with so many order lines to come."""

    def __init__(self, server: EmbeddedServer, database: str, lines: int) -> None:
        server.create_database(database)
        super().__init__(server.url(database), load_catalog(PROJECT_DIR / "catalog"))
        orders = lines // LINES_PER_ORDER
        self.sizes = {
            "orders": orders,
            "customers": max(orders // 10, 100),
            "products": 10_000,
            "stores": 100,
        }
        self.warehouse.load_calendar(calendar(date(2023, 1, 1), date(2026, 12, 31), 1, "US"))
        self.execute(*(SQL_DIR / "members.sql").read_text("utf-8").format(**self.sizes).split(";\n"))
        self.settled_down()

    def orders(self, every: int = 1, version: int = 0) -> list[Staged]:
        """Each so many-th order with its lines; another version has other taxes."""
        names = {**self.sizes, "every": every, "version": version}
        return [
            Staged("shop.orders", query=_ORDERS.format(**names)),
            Staged("shop.order_items", query=_LINES.format(**names)),
        ]
