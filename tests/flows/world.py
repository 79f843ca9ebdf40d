"""The shop of the demo at a small scale, run through the real flow, here or in a process to be killed."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import psycopg2
import pytest
import yaml
from prefect.settings import PREFECT_API_URL, PREFECT_LOGGING_LEVEL, temporary_settings

from demo.plan import ShopPlan
from demo.shop import Shop
from etl.catalog_files import load_catalog
from etl.handles import Release
from etl.settings import PROJECT_DIR, Settings, get_settings
from etl.warehouse import open_database
from etl.warehouse.postgresql.connection import close_idle_connections
from tasks import resources

SCALE = 0.05
RUN_A_DAY = """
import sys
from datetime import date
from flows.daily_sales import daily_sales
daily_sales(date.fromisoformat(sys.argv[1]))
"""

# Every published row by its natural keys: without surrogate keys, run ids and load times.
CONTENT = {
    "dim_customer": """
        select customer_id, valid_from, valid_to, first_name, last_name, full_name, email, is_email_valid,
            phone, phone_e164, birth_date, age_group, gender, address_line1, address_line2, city, state,
            postal_code, country, customer_segment, previous_customer_segment, customer_segment_changed_at,
            registration_date, is_active, is_inferred
        from warehouse.dim_customer where customer_key > 0""",
    "dim_product": """
        select p.product_id, p.valid_from, p.valid_to, p.product_name, p.brand, p.category, p.unit_cost,
            p.list_price, b.brand_name, c.category_name, c.department, p.is_inferred
        from warehouse.dim_product as p
        inner join warehouse.dim_brand as b using (brand_key)
        inner join warehouse.dim_category as c using (category_key)
        where p.product_key > 0""",
    "dim_store": """
        select store_id, valid_from, valid_to, region, manager_name
        from warehouse.dim_store where store_key > 0""",
    "fact_sales": """
        select f.order_id, f.line_number, f.date_key, c.customer_id, c.valid_from, p.product_id, p.valid_from,
            s.store_id, f.store_key < 0, f.ordered_at, f.order_status, f.is_cancelled, f.quantity,
            f.unit_price, f.gross_amount, f.discount_amount, f.net_amount, f.tax_amount,
            f.shipping_amount, f.total_amount, f.cost_amount, f.profit_amount
        from warehouse.fact_sales as f
        inner join warehouse.dim_customer as c using (customer_key)
        inner join warehouse.dim_product as p using (product_key)
        inner join warehouse.dim_store as s using (store_key)""",
    "mart_daily_sales": "select * from marts.mart_daily_sales",
    "mart_customer_analytics": "select * from marts.mart_customer_analytics",
    "quarantine": "select table_name, row_key, rules, payload from audit.quarantine",
    "watermarks": "select table_name, value from audit.watermarks",
}


@dataclass
class FlowWorld:
    """A shop, its warehouse and the folders of a run."""

    warehouse_url: str
    shop_url: str
    state_dir: Path
    prefect_api: str
    shop: Shop

    @classmethod
    @contextmanager
    def opened(
        cls, warehouse_url: str, shop_url: str, state_dir: Path, prefect_api: str
    ) -> Iterator[FlowWorld]:
        """A world with its shop made."""
        shop = Shop(ShopPlan(scale=SCALE, days=7))
        shop.create(shop_url)
        yield cls(warehouse_url, shop_url, state_dir, prefect_api, shop)

    def date_of(self, day: int) -> date:
        """The business date of a day of the shop."""
        return self.shop.plan.date_of(day)

    def play(self, day: int) -> None:
        """Let the shop live through a day."""
        self.shop.play(self.shop_url, day)

    def run(self, day: int | None, **parameters: Any) -> Release:
        """Run the flow in this process."""
        from flows.daily_sales import daily_sales

        with (
            self._environment(),
            temporary_settings({PREFECT_API_URL: self.prefect_api, PREFECT_LOGGING_LEVEL: "ERROR"}),
        ):
            release: Release = daily_sales(business_date=self.date_of(day) if day else None, **parameters)
            return release

    def run_yesterday(self) -> Release:
        """Run the flow as its schedule does."""
        from flows.daily_sales import daily_sales

        quiet = {PREFECT_API_URL: self.prefect_api, PREFECT_LOGGING_LEVEL: "ERROR"}
        with self._environment(), temporary_settings(quiet):
            release: Release = daily_sales(business_date="yesterday")
        return release

    def call(self, flow: Callable[..., Any], **parameters: Any) -> Any:
        """Run any flow in this process."""
        quiet = {PREFECT_API_URL: self.prefect_api, PREFECT_LOGGING_LEVEL: "ERROR"}
        with self._environment(), temporary_settings(quiet):
            return flow(**parameters)

    def start(self, day: int, **environment: str) -> subprocess.Popen[str]:
        """Start the flow in a process of its own; its log comes line by line on stdout."""
        return self.start_code(RUN_A_DAY, self.date_of(day).isoformat(), **environment)

    def start_code(self, code: str, *arguments: str, **environment: str) -> subprocess.Popen[str]:
        """Start a program in a process of its own that has this world's settings."""
        return subprocess.Popen(
            [sys.executable, "-c", code, *arguments],
            cwd=PROJECT_DIR,
            env={**os.environ, **self.variables(), "PREFECT_API_URL": self.prefect_api, **environment},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def query(self, statement: str, values: Any = None) -> list[tuple[Any, ...]]:
        """Rows of a query on the warehouse."""
        with open_database(self.warehouse_url, Settings(_env_file=None)).own_session() as session:
            session.execute(statement if values else statement.replace("%", "%%"), values or ())
            return session.fetchall()

    def content(self) -> dict[str, list[str]]:
        """Everything published, by natural keys, in a comparable form."""
        return {name: sorted(map(repr, self.query(statement))) for name, statement in CONTENT.items()}

    def on_shop(self, statement: str, values: Any = None) -> None:
        """Change something at the source."""
        execute(self.shop_url, statement, values)

    def variables(self) -> dict[str, str]:
        """The environment of a process that works for this world."""
        return {
            "ETL_WAREHOUSE_URL": self.warehouse_url,
            "ETL_SHOP_URL": self.shop_url,
            "ETL_STATE_DIR": str(self.state_dir),
            "ETL_LOCK_TIMEOUT_SECONDS": "3",
        }

    @contextmanager
    def _environment(self) -> Iterator[None]:
        with pytest.MonkeyPatch.context() as patch:
            for name, value in self.variables().items():
                if name not in os.environ or os.environ[name] != value:
                    patch.setenv(name, value)
            _forget()
            try:
                yield
            finally:
                _forget()


def rows_of(url: str, statement: str, values: Any = None) -> list[tuple[Any, ...]]:
    """Rows of a query."""
    with (
        closing(psycopg2.connect(url, options="-c timezone=UTC")) as connection,
        connection.cursor() as cursor,
    ):
        cursor.execute(statement, values)
        return list(cursor.fetchall())


def execute(url: str, statement: str, values: Any = None) -> None:
    """Run a statement and commit."""
    with closing(psycopg2.connect(url)) as connection, connection, connection.cursor() as cursor:
        cursor.execute(statement, values)


def _forget() -> None:
    for cached in (get_settings, load_catalog, resources.warehouse, resources.source):
        cached.cache_clear()
    close_idle_connections()


def suites_with_impossible_rule(folder: Path) -> Path:
    """The project's suites with a rule that no order can keep."""
    target = folder / "suites"
    shutil.copytree(PROJECT_DIR / "expectations" / "suites", target)
    path = target / "shop.orders.yaml"
    suite = yaml.safe_load(path.read_text(encoding="utf-8"))
    suite["rules"].append(
        {
            "name": "total_is_impossible",
            "type": "expect_column_values_to_be_between",
            "kwargs": {"column": "total_amount", "min_value": 1e9},
            "severity": "critical",
            "reason": "broken on purpose",
        }
    )
    path.write_text(yaml.safe_dump(suite), encoding="utf-8")
    return target
