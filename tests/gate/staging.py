"""A staged shop: the catalog's tables in one schema of a real warehouse, as the loader leaves them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from etl.catalog import SourceTable
from etl.catalog_files import load_catalog
from etl.handles import StagedTable
from etl.settings import PROJECT_DIR, Settings
from etl.warehouse import open_database
from etl.warehouse.database import Database, Session
from etl.warehouse.mysql.database import MySQL
from expectations.asked import Terms

CATALOG = load_catalog(PROJECT_DIR / "catalog")
SHOP = CATALOG.tables_of("shop")
SUITES_DIR = PROJECT_DIR / "expectations" / "suites"
DIMENSION_KEYS = {
    "dim_customer": {"customer_id": "bigint"},
    "dim_product": {"product_id": "bigint"},
    "dim_store": {"store_id": "bigint"},
    "dim_brand": {"brand_name": "text"},
    "dim_category": {"category_name": "text"},
}

DAY_BEFORE = {
    "postgresql": "date '2024-05-01' - n::integer",
    "mysql": "date '2024-05-01' - interval n day",
}

# Sound rows, as all systems read them: `n` is the key. Orders 1 to n have two lines each,
# of 2 x 10.00 - 1.00, and no store.
SOUND = {
    "shop.brands": "select concat('brand ', n), null, 'PT' from warehouse.numbers where n <= {n}",
    "shop.categories": "select concat('category ', n), null, 'Home' from warehouse.numbers where n <= {n}",
    "shop.stores": """
        select
            n, concat('store ', n), 'mall', null, null, 'Porto', null, null, 'PT', 'North', null, 'Ana', null,
            null, date '2010-01-01', 2000, true, timestamp '2024-05-01 00:00'
        from warehouse.numbers where n <= {n}""",
    "shop.customers": """
        select
            n, 'Ana', 'Sá', concat('ana', n, '@secret-mail.test'), '912345678', date '1980-01-01', 'F',
            'Rua 1', null, 'Porto', null, '4000', 'PT', 'Consumer', date '2020-01-01', true,
            timestamp '2024-05-01 00:00', true, '+351912345678', 'Ana Sá', '35-49'
        from warehouse.numbers where n <= {n}""",
    "shop.products": """
        select
            n, concat('product ', n), null, concat('sku', n), 'brand 1', 'category 1', null, null, null, null,
            1.5, null, true, timestamp '2024-05-01 00:00'
        from warehouse.numbers where n <= {n}""",
    "shop.product_prices": """
        select n, n, timestamp '2024-01-01 00:00', 5.00, 10.00, timestamp '2024-05-01 00:00'
        from warehouse.numbers where n <= {n}""",
    "shop.orders": """
        select
            n, n, null, timestamp '2024-05-01 10:00', 'paid', 2.00, 3.00, 4.00, 43.00,
            timestamp '2024-05-01 11:00'
        from warehouse.numbers where n <= {n}""",
    "shop.order_items": """
        select
            n, floor((n + 1) / 2), 2 - n % 2, floor((n + 1) / 2), 2, 10.00, 1.00,
            timestamp '2024-05-01 11:00'
        from warehouse.numbers where n <= 2 * {n}""",
    "drop.stock_csv": """
        select
            n % 5 + 1, n, timestamp '2024-05-01 10:00', 12, 2, 10, timestamp '2024-05-01 10:05',
            'inventory/20240501T10.csv'
        from warehouse.numbers where n <= {n}""",
    "drop.stock_excel": """
        select
            n % 5 + 1, n, timestamp '2024-05-01 10:00', 12, 2, 10, timestamp '2024-05-01 10:05',
            'inventory/20240501T10.excel'
        from warehouse.numbers where n <= {n}""",
    "drop.stock_json": """
        select
            n % 5 + 1, n, timestamp '2024-05-01 10:00', 12, 2, 10, timestamp '2024-05-01 10:05',
            'inventory/20240501T10.json'
        from warehouse.numbers where n <= {n}""",
    "drop.stock_xml": """
        select
            n % 5 + 1, n, timestamp '2024-05-01 10:00', 12, 2, 10, timestamp '2024-05-01 10:05',
            'inventory/20240501T10.xml'
        from warehouse.numbers where n <= {n}""",
    "analytics.sessions": """
        select
            concat('session ', n), n, timestamp '2024-05-01 10:00', timestamp '2024-05-01 10:05',
            timestamp '2024-05-01 10:06', 'mobile', 'Firefox', 'search', 'cpc', null, 'PT', '/', 300
        from warehouse.numbers where n <= {n}""",
    "analytics.page_views": """
        select
            concat('view ', n), concat('session ', n), n, timestamp '2024-05-01 10:06',
            timestamp '2024-05-01 10:01', concat('/p/', n), 'product', n, 12
        from warehouse.numbers where n <= {n}""",
    "analytics.conversions": """
        select
            concat('conversion ', n), concat('session ', n), n, timestamp '2024-05-01 10:04',
            timestamp '2024-05-01 10:06', 43.00, 'EUR', 47.30, 1.10
        from warehouse.numbers where n <= {n}""",
    "rates.daily": """
        select {day_before}, 'USD', 1.10 from warehouse.numbers where n <= {n}""",
    "warehouse.customer_scores": """
        select
            n, timestamp '2024-05-06 00:00', n % 90, 3, 120.00, n % 5 + 1, n % 5 + 1, n % 5 + 1, 'Loyal'
        from warehouse.numbers where n <= {n}""",
    "warehouse.customer_segments": """
        select n, 'Loyal', timestamp '2024-05-06 00:00' from warehouse.numbers where n <= {n}""",
}


@dataclass(frozen=True)
class StagedShop:
    """One staging schema with tables of the catalog, beside a warehouse with few members and no facts."""

    url: str
    schema: str = "staging_run_1"
    statement_timeout_seconds: int = 3_600

    @cached_property
    def database(self) -> Database:
        """The server, as a run has it."""
        settings = Settings(_env_file=None, statement_timeout_seconds=self.statement_timeout_seconds)
        return open_database(self.url, settings)

    @property
    def system(self) -> str:
        """Which system it is."""
        return self.database.folder

    def create(self, rows: int, tables: Iterable[str]) -> None:
        """Make the schemas and fill the tables with ``rows`` sound rows (order lines: twice as many)."""
        self.create_schemas(2 * rows)
        with self.session() as session:
            for dimension, key in DIMENSION_KEYS.items():
                self._create_table(session, "warehouse", dimension, key)
                if "bigint" in key.values():
                    session.execute(
                        f"insert into warehouse.{dimension} select n from warehouse.numbers where n <= {rows}"
                    )
            self._create_table(session, "warehouse", "fact_web_sessions", {"session_id": "text"})
        for name in tables:
            self.stage(CATALOG.tables[name], SOUND[name])

    def create_schemas(self, numbers: int) -> None:
        """Make the schemas, and a table of numbers from 1 on, from which rows are made."""
        self.create_schema()
        with self.session() as session:
            self._create_schema(session, "warehouse")
            session.execute("create table warehouse.numbers (n bigint primary key)")
            session.insert("warehouse.numbers", ["n"], ((n,) for n in range(1, numbers + 1)))

    def create_schema(self) -> None:
        """Make the staging schema."""
        with self.session() as session:
            self._create_schema(session, self.schema)

    def stage(self, table: SourceTable, rows: str) -> None:
        """Make one staged table, as ``etl/warehouse`` does, from a query."""
        columns = {name: column.type for name, column in table.staged_columns.items()}
        with self.session() as session:
            self._create_table(session, self.schema, table.relation, columns, {*table.key, *table.grain})
            relation = session.identifier(self.schema, table.relation)
            names = ", ".join(map(session.identifier, columns))
            count = session.single("select max(n) from warehouse.numbers")
            query = rows.format(n=count // 2, day_before=DAY_BEFORE[self.system])
            session.execute(f"insert into {relation} ({names}) {query.replace('%', '%%')}")
            session.analyze(self.schema, table.relation)

    def table(self, name: str) -> StagedTable:
        """The handle of a staged table."""
        relation = CATALOG.tables[name].relation
        count = self.execute(f"select count(*) from {self.database.quote(relation)}")[0][0]
        return StagedTable(name, self.schema, relation, count, count, rejected_count=0)

    def terms(self, name: str, **measured: Sequence[float]) -> Terms:
        """What the catalog, runs before and the source's clock say of a table; it speaks of noon."""
        return Terms(CATALOG.tables[name], measured, "2024-05-01T12:00:00+00:00")

    def execute(self, statement: str, **of_system: str) -> list[tuple[Any, ...]]:
        """Run one statement that finds staged tables by their names alone, and commit.

        Args:
            of_system: The statement of a system that says it in another way, under the name of the system.
        """
        with self.session() as session:
            if self.system == "mysql":
                session.execute(f"use {session.identifier(self.database.schema(self.schema))}")
            else:
                session.execute(f"set search_path = {session.identifier(self.schema)}, warehouse")
            session.execute(of_system.get(self.system, statement).replace("%", "%%"))
            return session.fetchall() if session.columns else []

    def gate_connections(self) -> int:
        """Connections of the gate that are still open."""
        ((count,),) = self.execute(
            "select count(*) from pg_stat_activity where application_name = 'storehouse gate'"
            " and datname = current_database()",
            mysql="select count(*) from information_schema.processlist"
            " where db = database() and id <> connection_id()",
        )
        return int(count)

    @contextmanager
    def session(self) -> Iterator[Session]:
        """A session of its own, in autocommit."""
        with self.database.own_session() as session:
            yield session

    def _create_schema(self, session: Session, name: str) -> None:
        if isinstance(self.database, MySQL):
            # By the server's own name: only those of a warehouse get their prefix in statements.
            name = session.identifier(self.database.schema(name))
            session.execute(f"create database {name} collate {self.database.collation}")
        else:
            session.execute(f"create schema {session.identifier(name)}")

    def _create_table(
        self,
        session: Session,
        schema: str,
        relation: str,
        columns: dict[str, str],
        keys: Iterable[str] | None = None,
    ) -> None:
        indexed = columns if keys is None else {*keys}
        types = self.database.type_of, self.database.key_type_of
        parts = [
            f"{session.identifier(name)} {types[name in indexed](kind)}" for name, kind in columns.items()
        ]
        if keys is not None:
            number = {
                "postgresql": "_row bigint generated always as identity",
                "mysql": "_row bigint auto_increment primary key",
            }
            parts += [f"_cursor {self.database.type_of('text')}", number[self.system]]
        kind = "unlogged table" if self.system == "postgresql" and keys is not None else "table"
        session.execute(f"create {kind} {session.identifier(schema, relation)} ({', '.join(parts)})")


def is_read_whole(table: SourceTable) -> bool:
    """Whether a run reads all there is, so that nothing would be a fault and not a quiet day."""
    return not (table.cursor or table.files or table.parameters)


def copy_of_suites(folder: Path) -> Path:
    """The project's suites in a folder of the test's own, to be changed there."""
    folder.mkdir()
    for path in SUITES_DIR.glob("*.yaml"):
        (folder / path.name).write_text(path.read_text(encoding="utf-8"), encoding="utf-8")
    return folder
