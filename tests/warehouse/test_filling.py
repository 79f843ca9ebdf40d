"""An empty fact is filled whole, and stands as it would had each row been checked by itself (laws F1, R4)."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing

import psycopg2
import pytest

from etl.catalog_files import load_catalog
from etl.settings import Settings
from etl.warehouse.postgresql import filling
from tests.sessions import session_on
from tests.warehouse.rows import line, order
from tests.warehouse.world import Batch, World

INDEXES = "select indexdef from pg_indexes where tablename = 'fact_sales' order by 1"
CONSTRAINTS = """
select conname, pg_get_constraintdef(oid), convalidated
from pg_constraint where conrelid = 'warehouse.fact_sales'::regclass order by 1
"""
FACT = "select xmin::text, * from warehouse.fact_sales order by order_id"


@pytest.fixture
def shop(
    postgres_database: str, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> Iterator[World]:
    """A warehouse where two rows are worth it."""
    monkeypatch.setattr(filling, "WORTHWHILE_ROWS", 2)
    settings = Settings(
        _env_file=None, state_dir=tmp_path_factory.mktemp("state"), warehouse_url=postgres_database
    )
    world = World(postgres_database, settings, load_catalog(settings.catalog_dir))
    yield world
    world.close()


def _orders(*numbers: int) -> Batch:
    orders = [order(number, "2026-05-02 10:00") for number in numbers]
    lines = [line(number, 1) for number in numbers]
    return Batch({"shop.orders": orders, "shop.order_items": lines})


def test_indexes_and_foreign_keys_are_there_again_and_checked(shop: World) -> None:
    before = shop.query(INDEXES), shop.query(CONSTRAINTS)
    shop.load(_orders(1, 2, 3))
    assert shop.query("select count(*) from warehouse.fact_sales") == [(3,)]
    assert (shop.query(INDEXES), shop.query(CONSTRAINTS)) == before
    filled = shop.query(FACT)
    shop.load(_orders(1, 2, 3))
    assert shop.query(FACT) == filled


def test_what_somebody_has_added_is_there_again_too(shop: World) -> None:
    """An exclusion has an index that cannot be dropped by itself; a comment is in no definition."""
    shop.execute(
        "alter table warehouse.fact_sales add constraint apart"
        " exclude using gist (int8range(order_id, order_id, '[]') with &&);"
        ' create index "odd 100%% $$" on warehouse.fact_sales (quantity) where quantity > 0;'
        " comment on index warehouse.\"odd 100%% $$\" is 'ours';"
        ' create index "odd %%s" on warehouse.fact_sales (quantity)'
    )
    before = shop.query(INDEXES), shop.query(CONSTRAINTS)
    shop.load(_orders(1, 2, 3))
    assert shop.query("select count(*) from warehouse.fact_sales") == [(3,)]
    assert (shop.query(INDEXES), shop.query(CONSTRAINTS)) == before
    said = "select obj_description('warehouse.\"odd 100% $$\"'::regclass)"
    assert shop.query(said.replace("%", "%%")) == [("ours",)]


def test_a_table_that_is_read_is_filled_row_by_row(shop: World) -> None:
    with closing(psycopg2.connect(shop.url)) as reader, reader.cursor() as cursor:
        cursor.execute("select count(*) from warehouse.dim_customer")
        shop.load(_orders(1, 2, 3))
        cursor.execute("select count(*) from warehouse.dim_customer")
    assert shop.query("select count(*) from warehouse.fact_sales") == [(3,)]


def test_a_key_that_others_rely_on_stays(shop: World) -> None:
    """A view that groups by the key and a table that refers to it would have the drop refused."""
    shop.execute(
        "create view warehouse.by_sale as"
        " select sale_id, total_amount from warehouse.fact_sales group by sale_id;"
        " create table warehouse.returned (order_id bigint, line_number integer,"
        " foreign key (order_id, line_number) references warehouse.fact_sales (order_id, line_number))"
    )
    before = shop.query(INDEXES), shop.query(CONSTRAINTS)
    shop.load(_orders(1, 2, 3))
    assert shop.query("select count(*) from warehouse.by_sale") == [(3,)]
    assert (shop.query(INDEXES), shop.query(CONSTRAINTS)) == before


def test_rows_of_one_key_are_refused(shop: World) -> None:
    """By the key that is made behind the rows, and not by one that is held row by row."""
    twice = "insert into warehouse.fact_sales overriding system value table kept union all table kept"
    shop.load(_orders(1))
    with closing(psycopg2.connect(shop.url)) as connection, connection.cursor() as cursor:
        cursor.execute(
            "create temporary table kept as select * from warehouse.fact_sales;"
            " delete from warehouse.fact_sales"
        )
        with (
            pytest.raises(psycopg2.errors.UniqueViolation, match="could not create unique index"),
            session_on(connection).filled_whole("warehouse", "fact_sales", 2),
        ):
            cursor.execute(twice)
    assert shop.query("select count(*) from warehouse.fact_sales") == [(1,)]


def test_a_row_without_its_member_is_refused(shop: World) -> None:
    shop.load(_orders(1))
    copy = "create temporary table kept as select * from warehouse.fact_sales"
    bad = "insert into warehouse.fact_sales overriding system value select * from kept"
    with closing(psycopg2.connect(shop.url)) as connection, connection.cursor() as cursor:
        cursor.execute(f"{copy}; update kept set customer_key = 9999; delete from warehouse.fact_sales")
        with (
            pytest.raises(psycopg2.errors.ForeignKeyViolation),
            session_on(connection).filled_whole("warehouse", "fact_sales", 2),
        ):
            cursor.execute(bad)
    assert shop.query("select count(*) from warehouse.fact_sales") == [(1,)]
