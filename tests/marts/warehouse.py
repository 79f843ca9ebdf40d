"""A warehouse as the project's own SQL makes it, filled with the rows of a test case."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import psycopg2
from sqlalchemy.pool import PoolProxiedConnection

from etl.settings import PROJECT_DIR, Settings
from etl.warehouse import open_database
from etl.warehouse.database import Session, Values, listed

SHAPE = PROJECT_DIR / "sql" / "warehouse" / "postgresql"
# Audit tables to which others refer.
AUDIT_REFERRED = ("runs", "incidents", "reconciliations")
FILES = (
    "schemas/schemas.sql",
    *(f"audit/{name}.sql" for name in AUDIT_REFERRED),
    *(f"audit/{path.name}" for path in sorted(SHAPE.glob("audit/*.sql")) if path.stem not in AUDIT_REFERRED),
    *(f"dimensions/dim_{name}.sql" for name in ("date", "brand", "category", "customer", "product", "store")),
    *(path.relative_to(SHAPE).as_posix() for path in sorted(SHAPE.glob("facts/*.sql"))),
)
FIRST_DAY, LAST_DAY = date(2026, 1, 1), date(2026, 12, 31)
BEGINNING, OPEN_END = datetime(1000, 1, 1, tzinfo=UTC), datetime(9999, 12, 31, tzinfo=UTC)
UNSAID_VERSION = {"valid_from": BEGINNING, "valid_to": OPEN_END}
UNSAID_LINE = {
    "line_number": 1,
    "customer_key": -1,
    "product_key": -1,
    "store_key": -2,
    "order_status": "delivered",
    "is_cancelled": False,
    "quantity": 1,
    "discount": 0,
    "tax": 0,
    "shipping": 0,
}
# The instant that gives a fact its date, and what a row of it leaves unsaid.
INSTANTS = ("counted_at", "started_at", "viewed_at", "converted_at", "scored_at")
UNSAID: dict[str, dict[str, Any]] = {
    "fact_inventory_snapshots": {"product_key": -1, "store_key": -1, "source_file": "inventory/test.csv"},
    "fact_web_sessions": {"customer_key": -1},
    "fact_page_views": {"customer_key": -1, "product_key": -2},
    "fact_conversions": {"currency_code": "USD", "exchange_rate": 1},
    "fact_customer_scores": {
        "customer_key": -1,
        "recency_days": 0,
        "order_count": 1,
        "net_amount": 0,
        **dict.fromkeys(("recency_score", "frequency_score", "monetary_score"), 3),
    },
}
# Columns that repeat another one where a row leaves them unsaid.
REPEATED = {
    "fact_inventory_snapshots": {"exported_at": "counted_at"},
    "fact_web_sessions": {"updated_at": "started_at"},
    "fact_page_views": {"session_updated_at": "viewed_at"},
    "fact_conversions": {"updated_at": "converted_at", "revenue_usd_amount": "revenue_amount"},
}

Row = dict[str, Any]


@contextmanager
def own_database(server_url: str) -> Iterator[str]:
    """URL of a database that the tests of one module share with no others, dropped afterwards."""
    name = f"marts_{uuid.uuid4().hex[:12]}"
    server = psycopg2.connect(server_url)
    server.autocommit = True
    with server.cursor() as cursor:
        cursor.execute(f"create database {name} template template0")
        yield urlunsplit(urlsplit(server_url)._replace(path=f"/{name}"))
        cursor.execute(f"drop database {name} with (force)")
    server.close()


@dataclass(frozen=True, slots=True)
class OpenWarehouse:
    """A warehouse and a transaction in it."""

    session: Session
    connection: PoolProxiedConnection

    def ask(self, query: str, values: Values = ()) -> list[tuple[Any, ...]]:
        """Rows of a query; a per cent sign in it is doubled."""
        self.session.execute(query, values)
        return self.session.fetchall()

    def commit(self) -> None:
        """Commit; the next statement begins another transaction."""
        self.connection.commit()

    def rollback(self) -> None:
        """Undo what was not committed, by the caller or by a definition."""
        self.connection.rollback()


@contextmanager
def empty_warehouse(url: str) -> Iterator[OpenWarehouse]:
    """A transaction in which the warehouse exists, with a calendar of one year and the members -1 and -2.

    MySQL commits definitions: there, a warehouse that exists is emptied.
    """
    database = open_database(url, Settings(_env_file=None, warehouse_url=url))
    with closing(database.engine().raw_connection()) as connection:
        assert connection.driver_connection is not None
        session = database.session_on(connection.driver_connection)
        if database.folder == "mysql":
            _empty(session)
        for name in FILES:
            session.execute(session.render(name))
        days = [_calendar_day(FIRST_DAY + timedelta(days=n)) for n in range(_days())]
        _insert(session, "warehouse.dim_date", days)
        for name in ("brand", "category", "customer", "product", "store"):
            members = [{f"{name}_key": -1, **UNSAID_VERSION}, {f"{name}_key": -2, **UNSAID_VERSION}]
            insert(session, f"dim_{name}", members)
        yield OpenWarehouse(session, connection)


def insert(session: Session, table: str, rows: list[Row]) -> None:
    """Insert rows of a dimension or a fact; what a row leaves unsaid is filled in."""
    if table == "fact_sales":
        _insert(session, "warehouse.fact_sales", [fact_row(row) for row in rows])
    elif table in UNSAID:
        _insert(session, f"warehouse.{table}", [_dated_row(table, row) for row in rows])
    else:
        unsaid = {} if table == "dim_date" else UNSAID_VERSION
        _insert(session, f"warehouse.{table}", [{**unsaid, **row} for row in rows])


def insert_audit(session: Session, table: str, rows: list[Row]) -> None:
    """Insert rows of an audit table."""
    _insert(session, f"audit.{table}", rows)


def fact_row(said: Row) -> Row:
    """A whole row of ``fact_sales`` from the few values that a test says; the cost is NULL if unsaid."""
    row = {**UNSAID_LINE, **said}
    moment = row.pop("ordered_at", None)
    day = moment.date() if moment else row["date"]
    gross, discount, tax, shipping = (row.pop(name) for name in ("gross", "discount", "tax", "shipping"))
    cost, net = row.pop("cost", None), gross - discount
    row.setdefault("date_key", int(f"{day:%Y%m%d}"))
    row.pop("date", None)
    return {
        **row,
        "ordered_at": moment or datetime.combine(day, time(12), UTC),
        "unit_price": row.get("unit_price", gross / row["quantity"]),
        "gross_amount": gross,
        "discount_amount": discount,
        "net_amount": net,
        "tax_amount": tax,
        "shipping_amount": shipping,
        "total_amount": net + tax + shipping,
        "cost_amount": cost,
        "profit_amount": None if cost is None else net - cost,
        "inserted_run_id": "test",
        "updated_run_id": "test",
    }


def _dated_row(table: str, said: Row) -> Row:
    """A whole row of a fact that the catalog describes."""
    moment = next(said[name] for name in INSTANTS if name in said)
    row = {"date_key": int(f"{moment:%Y%m%d}"), **UNSAID[table], **said}
    row |= {name: row[other] for name, other in REPEATED.get(table, {}).items() if name not in row}
    return {**row, "inserted_run_id": "test", "updated_run_id": "test"}


def _insert(session: Session, relation: str, rows: list[Row]) -> None:
    columns = sorted({name for row in rows for name in row})
    session.insert(relation, columns, [[row.get(name) for name in columns] for row in rows])


def _empty(session: Session) -> None:
    """Remove the marts, and all rows."""
    schemas = [session.database.schema(name) for name in ("marts", "audit", "warehouse")]
    session.execute(
        "select table_schema, table_name, table_type from information_schema.tables"
        f" where table_schema in ({listed(schemas)})",
        schemas,
    )
    found = session.fetchall()
    session.execute("set foreign_key_checks = 0")
    for schema, name, kind in found:
        relation = session.identifier(schema, name)
        if schema == session.database.schema("marts"):
            session.execute(f"drop {'view' if kind == 'VIEW' else 'table'} {relation}")
        elif session.has_rows(schema, name):
            session.execute(f"truncate table {relation}")
    session.execute("set foreign_key_checks = 1")


def _days() -> int:
    return (LAST_DAY - FIRST_DAY).days + 1


def _calendar_day(day: date) -> Row:
    return {
        "date_key": int(f"{day:%Y%m%d}"),
        "full_date": day,
        "day_name": f"{day:%A}",
        "month_number": day.month,
        "month_name": f"{day:%B}",
        "quarter": (day.month + 2) // 3,
        "year": day.year,
        "is_weekend": day.isoweekday() > 5,
        "is_holiday": False,
    }
