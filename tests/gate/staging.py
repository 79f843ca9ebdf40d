"""A staged shop: the catalog's tables in one schema of a real PostgreSQL, as the loader leaves them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import psycopg2

from etl.catalog import SourceTable
from etl.catalog_files import load_catalog
from etl.handles import StagedTable
from etl.identifiers import quote_postgresql
from etl.settings import PROJECT_DIR
from expectations.asked import Terms

CATALOG = load_catalog(PROJECT_DIR / "catalog")
SHOP = CATALOG.tables_of("shop")
SUITES_DIR = PROJECT_DIR / "expectations" / "suites"
DIMENSION_KEYS = {
    "dim_customer": "customer_id bigint",
    "dim_product": "product_id bigint",
    "dim_store": "store_id bigint",
    "dim_brand": "brand_name text",
    "dim_category": "category_name text",
}

# Sound rows: `n` is the key. Orders 1 to n have two lines each, of 2 x 10.00 - 1.00, and no store.
SOUND = {
    "shop.brands": "select 'brand ' || n, null, 'PT' from generate_series(1, {n}) as n",
    "shop.categories": "select 'category ' || n, null, 'Home' from generate_series(1, {n}) as n",
    "shop.stores": """
        select
            n, 'store ' || n, 'mall', null, null, 'Porto', null, null, 'PT', 'North', null, 'Ana', null, null,
            date '2010-01-01', 2000, true, timestamptz '2024-05-01 00:00Z'
        from generate_series(1, {n}) as n""",
    "shop.customers": """
        select
            n, 'Ana', 'Sá', 'ana' || n || '@secret-mail.test', '912345678', date '1980-01-01', 'F',
            'Rua 1', null, 'Porto', null, '4000', 'PT', 'Consumer', date '2020-01-01', true,
            timestamptz '2024-05-01 00:00Z', true, '+351912345678', 'Ana Sá', '35-49'
        from generate_series(1, {n}) as n""",
    "shop.products": """
        select
            n, 'product ' || n, null, 'sku' || n, 'brand 1', 'category 1', null, null, null, null, 1.5, null,
            true, timestamptz '2024-05-01 00:00Z'
        from generate_series(1, {n}) as n""",
    "shop.product_prices": """
        select n, n, timestamptz '2024-01-01 00:00Z', 5.00, 10.00, timestamptz '2024-05-01 00:00Z'
        from generate_series(1, {n}) as n""",
    "shop.orders": """
        select
            n, n, null, timestamptz '2024-05-01 10:00Z', 'paid', 2.00, 3.00, 4.00, 43.00,
            timestamptz '2024-05-01 11:00Z'
        from generate_series(1, {n}) as n""",
    "shop.order_items": """
        select n, (n + 1) / 2, 2 - n % 2, (n + 1) / 2, 2, 10.00, 1.00, timestamptz '2024-05-01 11:00Z'
        from generate_series(1, 2 * {n}) as n""",
    "drop.stock_csv": """
        select
            n % 5 + 1, n, timestamptz '2024-05-01 10:00Z', 12, 2, 10, timestamptz '2024-05-01 10:05Z',
            'inventory/20240501T10.csv'
        from generate_series(1, {n}) as n""",
    "drop.stock_excel": """
        select
            n % 5 + 1, n, timestamptz '2024-05-01 10:00Z', 12, 2, 10, timestamptz '2024-05-01 10:05Z',
            'inventory/20240501T10.excel'
        from generate_series(1, {n}) as n""",
    "drop.stock_json": """
        select
            n % 5 + 1, n, timestamptz '2024-05-01 10:00Z', 12, 2, 10, timestamptz '2024-05-01 10:05Z',
            'inventory/20240501T10.json'
        from generate_series(1, {n}) as n""",
    "drop.stock_xml": """
        select
            n % 5 + 1, n, timestamptz '2024-05-01 10:00Z', 12, 2, 10, timestamptz '2024-05-01 10:05Z',
            'inventory/20240501T10.xml'
        from generate_series(1, {n}) as n""",
    "analytics.sessions": """
        select
            'session ' || n, n, timestamptz '2024-05-01 10:00Z', timestamptz '2024-05-01 10:05Z',
            timestamptz '2024-05-01 10:06Z', 'mobile', 'Firefox', 'search', 'cpc', null, 'PT', '/', 300
        from generate_series(1, {n}) as n""",
    "analytics.page_views": """
        select
            'view ' || n, 'session ' || n, n, timestamptz '2024-05-01 10:06Z',
            timestamptz '2024-05-01 10:01Z', '/p/' || n, 'product', n, 12
        from generate_series(1, {n}) as n""",
    "analytics.conversions": """
        select
            'conversion ' || n, 'session ' || n, n, timestamptz '2024-05-01 10:04Z',
            timestamptz '2024-05-01 10:06Z', 43.00, 'EUR', 47.30, 1.10
        from generate_series(1, {n}) as n""",
    "rates.daily": """
        select date '2024-05-01' - n, 'USD', 1.10 from generate_series(1, {n}) as n""",
    "warehouse.customer_scores": """
        select
            n, timestamptz '2024-05-06 00:00Z', n % 90, 3, 120.00, n % 5 + 1, n % 5 + 1, n % 5 + 1, 'Loyal'
        from generate_series(1, {n}) as n""",
    "warehouse.customer_segments": """
        select n, 'Loyal', timestamptz '2024-05-06 00:00Z' from generate_series(1, {n}) as n""",
}


@dataclass(frozen=True)
class StagedShop:
    """One staging schema with tables of the catalog, beside a warehouse with few members and no facts."""

    url: str
    schema: str = "staging_run_1"

    def create(self, rows: int, tables: Iterable[str]) -> None:
        """Make the schemas and fill the tables with ``rows`` sound rows (order lines: twice as many)."""
        self.execute("create schema warehouse")
        for dimension, key in DIMENSION_KEYS.items():
            self.execute(f"create table warehouse.{dimension} ({key})")
            if key.endswith("bigint"):
                self.execute(f"insert into warehouse.{dimension} select generate_series(1, {rows})")
        self.execute("create table warehouse.fact_web_sessions (session_id text)")
        self.execute(f"create schema {quote_postgresql(self.schema)}")
        for name in tables:
            self.stage(CATALOG.tables[name], SOUND[name].format(n=rows))

    def stage(self, table: SourceTable, rows: str) -> None:
        """Make one staged table, as ``etl/warehouse`` does, from a query."""
        columns = ", ".join(
            f"{quote_postgresql(name)} {_type(c.type)}" for name, c in table.staged_columns.items()
        )
        relation = quote_postgresql(self.schema, table.relation)
        names = ", ".join(map(quote_postgresql, table.staged_columns))
        self.execute(
            f"create unlogged table {relation}"
            f" ({columns}, _cursor text, _row bigint generated always as identity)"
        )
        self.execute(f"insert into {relation} ({names}) {rows}")
        self.execute(f"analyze {relation}")

    def table(self, name: str) -> StagedTable:
        """The handle of a staged table."""
        relation = CATALOG.tables[name].relation
        count = self.execute(f"select count(*) from {quote_postgresql(self.schema, relation)}")[0][0]
        return StagedTable(name, self.schema, relation, count, count, rejected_count=0)

    def terms(self, name: str, **measured: Sequence[float]) -> Terms:
        """What the catalog, runs before and the source's clock say of a table; it speaks of noon."""
        return Terms(CATALOG.tables[name], measured, "2024-05-01T12:00:00+00:00")

    def execute(self, statement: str) -> list[tuple[int, ...]]:
        """Run one statement with the staging schema on the search path, and commit."""
        connection = psycopg2.connect(self.url)
        try:
            with connection, connection.cursor() as cursor:
                if "create" not in statement:
                    cursor.execute(f"set search_path = {quote_postgresql(self.schema)}, warehouse")
                cursor.execute(statement)
                return cursor.fetchall() if cursor.description else []
        finally:
            connection.close()


def is_read_whole(table: SourceTable) -> bool:
    """Whether a run reads all there is, so that nothing would be a fault and not a quiet day."""
    return not (table.cursor or table.files or table.parameters)


def copy_of_suites(folder: Path) -> Path:
    """The project's suites in a folder of the test's own, to be changed there."""
    folder.mkdir()
    for path in SUITES_DIR.glob("*.yaml"):
        (folder / path.name).write_text(path.read_text(encoding="utf-8"), encoding="utf-8")
    return folder


def _type(declared: str) -> str:
    return {"timestamp": "timestamptz"}.get(declared, declared.replace("decimal", "numeric"))
