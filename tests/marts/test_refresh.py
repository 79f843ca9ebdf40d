"""How marts are replaced: whole, at once, with their grants; and what a wrong file says (law F8)."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import psycopg2
import pytest
from psycopg2.extensions import connection as Connection

from etl.errors import ConfigError, TransientError
from etl.warehouse.postgresql.marts import read_marts, refresh_marts
from tests.marts.warehouse import SHAPE, empty_warehouse, insert

COUNT = """\
-- grain: one row
-- reads: warehouse.fact_sales
-- refresh: table
create table mart_count as
select count(*) as line_count, sum(gross_amount) as gross_amount from warehouse.fact_sales;
create index on mart_count (line_count);
"""
LINES = """\
-- grain: one row per line
-- reads: warehouse.fact_sales
-- refresh: view
create or replace view mart_lines as select sale_id from warehouse.fact_sales;
"""
STORES = """\
-- grain: one row
-- reads: warehouse.dim_store
-- refresh: table
create table mart_stores as
select count(*) as store_count from warehouse.dim_store;
"""
GRANTS = "select relname, relacl::text from pg_class where relname ~ '^mart_' and relkind in ('r', 'v')"


@dataclass
class Warehouse:
    """A committed warehouse with a folder of marts, and the connection that refreshes them."""

    url: str
    connection: Connection
    folder: Path

    def write(self, name: str, sql: str) -> None:
        """Write the file of a mart."""
        (self.folder / f"{name}.sql").write_text(sql, encoding="utf-8")

    def sell(self, *orders: int) -> None:
        """One line of 10 per order, not committed."""
        insert(self.connection, "fact_sales", [_line(order) for order in orders])

    def refresh(self) -> None:
        """Refresh and commit."""
        refresh_marts(self.connection, self.folder)
        self.connection.commit()

    def ask(self, query: str) -> list[tuple[Any, ...]]:
        """Rows of a query on the refreshing connection."""
        with self.connection.cursor() as cursor:
            cursor.execute(query)
            return cursor.fetchall()

    def tell(self, statement: str) -> None:
        """Run a statement and commit."""
        with self.connection.cursor() as cursor:
            cursor.execute(statement)
        self.connection.commit()


@pytest.fixture
def warehouse(postgres_database: str, tmp_path: Path) -> Iterator[Warehouse]:
    """A warehouse without sales and without marts."""
    with empty_warehouse(postgres_database) as connection:
        connection.commit()
        yield Warehouse(postgres_database, connection, tmp_path)


def test_refreshing_the_shipped_marts_twice_leaves_the_same_rows(warehouse: Warehouse) -> None:
    warehouse.folder = SHAPE / "marts"
    warehouse.sell(1, 2)
    first = refresh_marts(warehouse.connection, warehouse.folder)
    before = warehouse.ask("select * from marts.mart_daily_sales")
    second = refresh_marts(warehouse.connection, warehouse.folder)
    assert warehouse.ask("select * from marts.mart_daily_sales") == before
    counts = {o.name: (o.role, o.inserted) for o in second}
    assert counts["mart_daily_sales"] == ("mart", 1)
    assert set(counts) == {path.stem for path in warehouse.folder.glob("*.sql")}
    assert [o.inserted for o in first] == [o.inserted for o in second]
    assert warehouse.ask("select 1 from pg_namespace where nspname = 'marts__new'") == []
    assert len(warehouse.ask("select 1 from pg_indexes where indexname = 'mart_daily_sales_pkey'")) == 1


def test_only_marts_that_read_what_changed_or_are_not_there_are_built(warehouse: Warehouse) -> None:
    warehouse.write("mart_count", COUNT)
    warehouse.write("mart_stores", STORES)
    assert _built(warehouse, {"warehouse.dim_store"}) == ["mart_count", "mart_stores"]
    assert _built(warehouse, {"warehouse.dim_store", "warehouse.dim_brand"}) == ["mart_stores"]
    assert _built(warehouse, set()) == []
    warehouse.tell("drop table marts.mart_count")
    assert _built(warehouse, set()) == ["mart_count"]


def test_a_reader_sees_the_old_mart_until_the_commit_and_never_none(warehouse: Warehouse) -> None:
    warehouse.write("mart_count", COUNT)
    warehouse.refresh()
    stop, seen, problems = threading.Event(), [], []

    def keep_reading() -> None:
        reader = psycopg2.connect(warehouse.url)
        reader.autocommit = True
        try:
            while not stop.is_set():
                with reader.cursor() as cursor:
                    cursor.execute("select line_count, gross_amount from marts.mart_count")
                    seen.append(cursor.fetchall())
        except psycopg2.Error as error:
            problems.append(error)
        finally:
            reader.close()

    thread = threading.Thread(target=keep_reading)
    thread.start()
    for order in range(1, 31):
        warehouse.sell(order)
        warehouse.refresh()
    stop.set()
    thread.join()
    assert problems == []
    assert len(seen) > 30
    assert all(len(rows) == 1 and (rows[0][1] or 0) == 10 * rows[0][0] for rows in seen)
    assert [rows[0][0] for rows in seen] == sorted(rows[0][0] for rows in seen)


def test_a_transaction_that_rolls_back_leaves_the_old_mart(warehouse: Warehouse) -> None:
    warehouse.write("mart_count", COUNT)
    warehouse.refresh()
    warehouse.sell(1)
    refresh_marts(warehouse.connection, warehouse.folder)
    warehouse.connection.rollback()
    assert warehouse.ask("select line_count from marts.mart_count") == [(0,)]


def test_the_search_path_of_the_caller_is_restored(warehouse: Warehouse) -> None:
    warehouse.write("mart_lines", LINES)
    warehouse.tell("set search_path = audit, warehouse")
    refresh_marts(warehouse.connection, warehouse.folder)
    assert warehouse.ask("show search_path") == [("audit, warehouse",)]


@pytest.mark.parametrize("role", ["report reader", 'odd"name'])
def test_grants_survive_the_swap(warehouse: Warehouse, role: str) -> None:
    quoted = '"' + role.replace('"', '""') + '"'
    warehouse.write("mart_count", COUNT)
    warehouse.write("mart_lines", LINES)
    warehouse.tell(f"create role {quoted}")
    try:
        warehouse.tell(f"alter default privileges in schema marts grant select on tables to {quoted}")
        warehouse.refresh()
        warehouse.tell(
            f"grant references on marts.mart_count to {quoted} with grant option;"
            "grant select on marts.mart_lines to public"
        )
        before = warehouse.ask(GRANTS)
        warehouse.write("mart_lines", LINES.replace("sale_id", "order_id"))
        warehouse.refresh()
        after = warehouse.ask(GRANTS)
        assert sorted(after) == sorted(before)
        assert all(role in acl.replace('\\"', '"').replace('""', '"') for _, acl in after)
    finally:
        warehouse.connection.rollback()
        warehouse.tell(f"drop owned by {quoted}; drop role {quoted}")


def test_a_view_may_change_its_columns_and_a_mart_its_kind(warehouse: Warehouse) -> None:
    warehouse.write("mart_lines", LINES)
    warehouse.refresh()
    warehouse.sell(1)
    warehouse.write("mart_lines", LINES.replace("sale_id", "order_id"))
    warehouse.refresh()
    assert warehouse.ask("select order_id from marts.mart_lines") == [(1,)]
    as_table = LINES.replace("refresh: view", "refresh: table").replace(
        "create or replace view", "create table"
    )
    warehouse.write("mart_lines", as_table)
    warehouse.refresh()
    warehouse.write("mart_lines", LINES)
    warehouse.refresh()
    assert warehouse.ask("select relkind from pg_class where relname = 'mart_lines'") == [("v",)]


def test_a_reader_who_does_not_let_go_is_a_reason_to_try_again(warehouse: Warehouse) -> None:
    warehouse.write("mart_count", COUNT)
    warehouse.refresh()
    reader = psycopg2.connect(warehouse.url)
    with reader.cursor() as cursor:
        cursor.execute("select * from marts.mart_count")
        warehouse.tell("set lock_timeout = '50ms'")
        with pytest.raises(TransientError, match="mart_count"):
            refresh_marts(warehouse.connection, warehouse.folder)
    reader.close()


def test_a_mart_that_others_depend_on_says_so(warehouse: Warehouse) -> None:
    warehouse.write("mart_count", COUNT)
    warehouse.refresh()
    warehouse.tell("create view marts.of_somebody as select line_count from marts.mart_count")
    with pytest.raises(ConfigError, match=r"others depend on it: view marts\.of_somebody"):
        refresh_marts(warehouse.connection, warehouse.folder)


def test_autocommit_is_refused(warehouse: Warehouse) -> None:
    warehouse.connection.autocommit = True
    with pytest.raises(ConfigError, match="autocommit"):
        refresh_marts(warehouse.connection, warehouse.folder)


@pytest.mark.parametrize(
    ("name", "right", "wrong", "says"),
    [
        ("mart_count", "-- grain: one row\n", "", "the header lacks -- grain:"),
        ("mart_count", "refresh:", "refresj:", r"mart_count\.sql:3: 'refresj' is no.*mean 'refresh'"),
        (
            "mart_count",
            "-- reads:",
            "-- grain: twice\n-- reads:",
            r"sql:2: 'grain' stands in the header twice",
        ),
        ("mart_count", "refresh: table", "refresh: hourly", "is 'hourly', expected 'table' or 'view'"),
        ("mart_count", "refresh: table", "refresh: view", "create or replace view mart_count as"),
        ("mart_count", "table mart_count", "table mart_cuont", "create table mart_count as"),
        ("count", "mart_count", "count", "starts with 'mart_'"),
        (
            "mart_count",
            "warehouse.fact_sales;",
            "audit.runs;",
            r"reads audit\.runs, but marts read only facts",
        ),
        (
            "mart_count",
            "warehouse.fact_sales;",
            "warehouse.dim_store;",
            "differ in warehouse.dim_store, warehouse.f",
        ),
        (
            "mart_count",
            "sum(gross_amount)",
            "sum(gros_amount)",
            r'sql:5: column "gros_amount" does not exist',
        ),
        ("mart_count", "count(*)", "count(*", r"mart_count\.sql:5: syntax error"),
        ("mart_count", "count(*)", "1 / (count(*) - count(*))", "division by zero"),
    ],
)
def test_a_wrong_file_is_a_clear_error(
    warehouse: Warehouse, name: str, right: str, wrong: str, says: str
) -> None:
    warehouse.write(name, COUNT.replace(right, wrong))
    with pytest.raises(ConfigError, match=says) as caught:
        refresh_marts(warehouse.connection, warehouse.folder)
    assert caught.value.remedy


def test_the_header_is_read(tmp_path: Path) -> None:
    text = LINES.replace("one row per line", "one row\n--     per line")
    (tmp_path / "mart_lines.sql").write_text(text, encoding="utf-8")
    [mart] = read_marts(tmp_path)
    assert (mart.name, mart.grain, mart.reads, mart.refresh) == (
        "mart_lines",
        "one row per line",
        ("warehouse.fact_sales",),
        "view",
    )


def _line(order: int) -> dict[str, Any]:
    return {"order_id": order, "date": date(2026, 3, 2), "gross": 10}


def _built(warehouse: Warehouse, changed: set[str]) -> list[str]:
    outcomes = refresh_marts(warehouse.connection, warehouse.folder, changed)
    warehouse.connection.commit()
    return [outcome.name for outcome in outcomes]
