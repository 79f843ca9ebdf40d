"""How marts are replaced: whole, at once, with their grants; and what a wrong file says (law F8)."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from etl.errors import ConfigError, StorehouseError, TransientError
from etl.warehouse.database import Database, Session
from etl.warehouse.marts import read_marts, refresh_marts
from tests.marts.warehouse import OpenWarehouse, empty_warehouse, insert
from tests.systems import BOTH_SYSTEMS, ON_MYSQL, ON_POSTGRESQL

COUNT = """\
-- grain: one row
-- reads: warehouse.fact_sales
-- refresh: table
create table mart_count as
select count(*) as line_count, sum(gross_amount) as gross_amount from warehouse.fact_sales;
create index line_idx on mart_count (line_count);
"""
TOTAL = COUNT.replace("mart_count", "mart_total").replace("line_idx", "total_idx")
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
# One statement, so one state of all marts.
BOTH_COUNTS = """
select mart_count.line_count, mart_total.line_count, mart_count.gross_amount
from marts.mart_count cross join marts.mart_total
"""


@dataclass
class Warehouse:
    """A committed warehouse with a folder of marts, and the session that refreshes them."""

    opened: OpenWarehouse
    folder: Path

    @property
    def session(self) -> Session:
        """The session that refreshes."""
        return self.opened.session

    @property
    def database(self) -> Database:
        """Of more sessions."""
        return self.session.database

    @property
    def shipped(self) -> Path:
        """The folder of the project's own marts."""
        return self.database.sql.folder / "marts"

    def write(self, name: str, sql: str) -> None:
        """Write the file of a mart."""
        (self.folder / f"{name}.sql").write_text(sql, encoding="utf-8")

    def sell(self, *orders: int) -> None:
        """One line of 10 per order, not committed."""
        insert(self.session, "fact_sales", [_line(order) for order in orders])

    def refresh(self) -> None:
        """Refresh and commit."""
        refresh_marts(self.session, self.folder)
        self.opened.commit()

    def ask(self, query: str) -> list[tuple[Any, ...]]:
        """Rows of a query of the refreshing session."""
        return self.opened.ask(query)

    def tell(self, *statements: str) -> None:
        """Run statements and commit."""
        for statement in statements:
            self.session.execute(statement)
        self.opened.commit()

    def tables(self, schema: str) -> dict[str, str]:
        """What stands in a schema, and its kind."""
        self.session.execute(
            "select table_name, table_type from information_schema.tables where table_schema = %s",
            (self.database.schema(schema),),
        )
        return dict(self.session.fetchall())


@pytest.fixture
def warehouse(system: str, request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Warehouse]:
    """A warehouse without sales and without marts."""
    # One of MySQL is emptied, as it takes seconds to make.
    url = request.getfixturevalue("postgres_database" if system == "postgresql" else "warehouse_url")
    with empty_warehouse(url) as opened:
        opened.commit()
        yield Warehouse(opened, tmp_path)
        opened.rollback()


@BOTH_SYSTEMS
def test_refreshing_the_shipped_marts_twice_leaves_the_same_rows(system: str, warehouse: Warehouse) -> None:
    warehouse.folder = warehouse.shipped
    warehouse.sell(1, 2)
    first = refresh_marts(warehouse.session, warehouse.folder)
    before = warehouse.ask("select * from marts.mart_daily_sales")
    second = refresh_marts(warehouse.session, warehouse.folder)
    assert warehouse.ask("select * from marts.mart_daily_sales") == before
    counts = {o.name: (o.role, o.inserted) for o in second}
    assert counts["mart_daily_sales"] == ("mart", 1)
    assert set(counts) == {path.stem for path in warehouse.folder.glob("*.sql")}
    assert [o.inserted for o in first] == [o.inserted for o in second]
    assert warehouse.tables("marts").keys() == counts.keys()
    assert warehouse.tables("marts__new") == {}
    if system == "postgresql":
        assert warehouse.ask("select 1 from pg_namespace where nspname = 'marts__new'") == []
        keys = warehouse.ask("select 1 from pg_indexes where indexname = 'mart_daily_sales_pkey'")
        assert len(keys) == 1


@BOTH_SYSTEMS
def test_only_marts_that_read_what_changed_or_are_not_there_are_built(warehouse: Warehouse) -> None:
    warehouse.write("mart_count", COUNT)
    warehouse.write("mart_stores", STORES)
    assert _built(warehouse, {"warehouse.dim_store"}) == ["mart_count", "mart_stores"]
    assert _built(warehouse, {"warehouse.dim_store", "warehouse.dim_brand"}) == ["mart_stores"]
    assert _built(warehouse, set()) == []
    warehouse.tell("drop table marts.mart_count")
    assert _built(warehouse, set()) == ["mart_count"]


@BOTH_SYSTEMS
def test_a_reader_sees_the_old_marts_until_all_new_ones_are_there(warehouse: Warehouse) -> None:
    for name, sql in {"mart_count": COUNT, "mart_total": TOTAL, "mart_lines": LINES}.items():
        warehouse.write(name, sql)
    warehouse.refresh()
    stop, seen, lines, problems = threading.Event(), [], [], []

    def keep_reading() -> None:
        try:
            with warehouse.database.session(autocommit=True) as session:
                while not stop.is_set():
                    session.execute(BOTH_COUNTS)
                    seen.extend(session.fetchall())
                    lines.append(session.single("select count(*) from marts.mart_lines"))
        except StorehouseError as error:
            problems.append(error)

    thread = threading.Thread(target=keep_reading)
    thread.start()
    for order in range(1, 31):
        warehouse.sell(order)
        warehouse.refresh()
    stop.set()
    thread.join()
    assert problems == []
    assert len(seen) > 30
    assert len(lines) == len(seen), "a mart is always there, with its one row"
    assert all(count == total and (amount or 0) == 10 * count for count, total, amount in seen)
    assert [count for count, _, _ in seen] == sorted(count for count, _, _ in seen)


@BOTH_SYSTEMS
def test_refreshes_at_once_come_one_after_the_other(warehouse: Warehouse) -> None:
    warehouse.write("mart_count", COUNT)
    warehouse.write("mart_lines", LINES)
    problems = []

    def keep_refreshing() -> None:
        try:
            for _ in range(5):
                with warehouse.database.session() as session:
                    refresh_marts(session, warehouse.folder)
        except StorehouseError as error:
            problems.append(error)

    threads = [threading.Thread(target=keep_refreshing) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert problems == []
    assert warehouse.tables("marts").keys() == {"mart_count", "mart_lines"}


@ON_POSTGRESQL
def test_a_transaction_that_rolls_back_leaves_the_old_mart(warehouse: Warehouse) -> None:
    warehouse.write("mart_count", COUNT)
    warehouse.refresh()
    warehouse.sell(1)
    refresh_marts(warehouse.session, warehouse.folder)
    warehouse.opened.rollback()
    assert warehouse.ask("select line_count from marts.mart_count") == [(0,)]


@BOTH_SYSTEMS
def test_a_wrong_mart_leaves_all_of_them_as_they_were(warehouse: Warehouse) -> None:
    warehouse.write("mart_count", COUNT)
    warehouse.write("mart_lines", LINES)
    warehouse.refresh()
    warehouse.sell(1)
    warehouse.opened.commit()
    warehouse.write("mart_lines", LINES.replace("sale_id", "order_id"))
    warehouse.write("mart_total", TOTAL.replace("gross_amount)", "gros_amount)"))
    with pytest.raises(ConfigError):
        refresh_marts(warehouse.session, warehouse.folder)
    warehouse.opened.rollback()
    assert warehouse.ask("select line_count from marts.mart_count") == [(0,)]
    assert len(warehouse.ask("select sale_id from marts.mart_lines")) == 1
    assert warehouse.tables("marts").keys() == {"mart_count", "mart_lines"}
    assert warehouse.tables("marts__new") == {}


@ON_MYSQL
def test_what_a_killed_refresh_left_is_removed(warehouse: Warehouse) -> None:
    warehouse.write("mart_count", COUNT)
    warehouse.write("mart_lines", LINES)
    warehouse.refresh()
    warehouse.tell(
        "create table marts__new.mart_count (half int)",
        "create table marts__new.mart__old_1 (half int)",
        "create view marts.mart__new_1 as select order_id from warehouse.fact_sales",
        "create view marts.mart__old_0 as select order_id from warehouse.fact_sales",
    )
    warehouse.refresh()
    assert warehouse.ask("select line_count from marts.mart_count") == [(0,)]
    assert warehouse.tables("marts").keys() == {"mart_count", "mart_lines"}
    assert warehouse.tables("marts__new") == {}


@ON_POSTGRESQL
def test_the_search_path_of_the_caller_is_restored(warehouse: Warehouse) -> None:
    warehouse.write("mart_lines", LINES)
    warehouse.tell("set search_path = audit, warehouse")
    refresh_marts(warehouse.session, warehouse.folder)
    assert warehouse.ask("show search_path") == [("audit, warehouse",)]


@ON_MYSQL
def test_no_table_can_be_made_by_mistake_after_a_refresh(warehouse: Warehouse) -> None:
    warehouse.write("mart_lines", LINES)
    warehouse.refresh()
    with pytest.raises(warehouse.database.errors, match="Access denied"):
        warehouse.tell("create table nowhere (half int)")


@ON_POSTGRESQL
@pytest.mark.parametrize("role", ["report reader", 'odd"name', "100%"])
def test_grants_survive_the_swap(warehouse: Warehouse, role: str) -> None:
    quoted = warehouse.session.identifier(role)
    warehouse.write("mart_count", COUNT)
    warehouse.write("mart_lines", LINES)
    warehouse.tell(f"create role {quoted}")
    try:
        warehouse.tell(f"alter default privileges in schema marts grant select on tables to {quoted}")
        warehouse.refresh()
        warehouse.tell(
            f"grant references on marts.mart_count to {quoted} with grant option",
            "grant select on marts.mart_lines to public",
        )
        before = warehouse.ask(GRANTS)
        warehouse.write("mart_lines", LINES.replace("sale_id", "order_id"))
        warehouse.refresh()
        after = warehouse.ask(GRANTS)
        assert sorted(after) == sorted(before)
        assert all(role in acl.replace('\\"', '"').replace('""', '"') for _, acl in after)
    finally:
        warehouse.opened.rollback()
        warehouse.tell(f"drop owned by {quoted}", f"drop role {quoted}")


@ON_MYSQL
def test_grants_by_name_stay(warehouse: Warehouse) -> None:
    account = f"reader_{uuid.uuid4().hex[:8]}"
    warehouse.write("mart_count", COUNT)
    warehouse.write("mart_lines", LINES)
    warehouse.refresh()
    warehouse.tell(
        f"create user {account}",
        f"grant select on marts.mart_count to {account}",
        f"grant select on marts.mart_lines to {account}",
    )
    try:
        before = warehouse.ask(f"show grants for {account}")
        warehouse.write("mart_lines", LINES.replace("sale_id", "order_id"))
        warehouse.refresh()
        assert warehouse.ask(f"show grants for {account}") == before
        assert len(before) == 3
    finally:
        warehouse.tell(f"drop user {account}")


@BOTH_SYSTEMS
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
    assert warehouse.tables("marts") == {"mart_lines": "BASE TABLE"}
    warehouse.write("mart_lines", LINES)
    warehouse.refresh()
    assert warehouse.tables("marts") == {"mart_lines": "VIEW"}


@BOTH_SYSTEMS
def test_a_reader_who_does_not_let_go_is_a_reason_to_try_again(system: str, warehouse: Warehouse) -> None:
    warehouse.write("mart_count", COUNT)
    warehouse.refresh()
    short = {"postgresql": "set lock_timeout = '50ms'", "mysql": "set lock_wait_timeout = 1"}
    with warehouse.database.session() as reader:
        reader.execute("select * from marts.mart_count")
        warehouse.tell(short[system])
        with pytest.raises(TransientError, match="mart_count"):
            refresh_marts(warehouse.session, warehouse.folder)
        assert reader.rows("select line_count from marts.mart_count") == [{"line_count": 0}]


@ON_POSTGRESQL
def test_a_mart_that_others_depend_on_says_so(warehouse: Warehouse) -> None:
    warehouse.write("mart_count", COUNT)
    warehouse.refresh()
    warehouse.tell("create view marts.of_somebody as select line_count from marts.mart_count")
    with pytest.raises(ConfigError, match=r"others depend on it: view marts\.of_somebody"):
        refresh_marts(warehouse.session, warehouse.folder)


@ON_MYSQL
def test_what_depends_on_a_mart_reads_the_new_one(warehouse: Warehouse) -> None:
    warehouse.write("mart_count", COUNT)
    warehouse.refresh()
    warehouse.tell("create view marts.of_somebody as select line_count from marts.mart_count")
    warehouse.sell(1, 2)
    warehouse.refresh()
    assert warehouse.ask("select line_count from marts.of_somebody") == [(2,)]


@BOTH_SYSTEMS
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
        ("mart_count", "mart_count as", "mart_count_2 as", "create table mart_count as"),
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
            r"sql:5: (column \"gros_amount\" does not exist|Unknown column 'gros_amount')",
        ),
        ("mart_count", "count(*)", "count(*", r"mart_count\.sql:5: .*syntax"),
        ("mart_count", "count(*)", "1 / (count(*) - count(*))", "(?i)division by (zero|0)"),
    ],
)
def test_a_wrong_file_is_a_clear_error(
    warehouse: Warehouse, name: str, right: str, wrong: str, says: str
) -> None:
    warehouse.write(name, COUNT.replace(right, wrong))
    with pytest.raises(ConfigError, match=says) as caught:
        refresh_marts(warehouse.session, warehouse.folder)
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
    outcomes = refresh_marts(warehouse.session, warehouse.folder, changed)
    warehouse.opened.commit()
    return [outcome.name for outcome in outcomes]
