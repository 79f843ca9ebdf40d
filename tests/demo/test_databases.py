"""The shop in real databases: equal rows on both systems, defects that SQL finds, sums to the cent."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

import pytest

from demo.database import apply, shop_database
from demo.shop import Shop, ShopPlan, next_day
from demo.tables import KEYS, SCHEMAS, Changes
from etl.errors import ConfigError, SourceError
from tests.demo.shops import cursor_of, number_of, rows_of, table_rows

PLAN = ShopPlan(scale=0.3)


@pytest.fixture(scope="module")
def shop() -> Shop:
    return Shop(PLAN)


@pytest.fixture(scope="module")
def played(shop: Shop, postgres_url: str) -> Iterator[str]:
    """A shop in PostgreSQL after all its days."""
    shop.create(postgres_url)
    for day in range(1, PLAN.days + 1):
        shop.play(postgres_url, day)
    yield postgres_url


def test_the_same_plan_gives_the_same_rows_on_both_systems_after_every_day(
    shop: Shop, postgres_database: str, mysql_database: str
) -> None:
    for url in (postgres_database, mysql_database):
        shop.create(url)
    for day in range(PLAN.days + 1):
        if day:
            for url in (postgres_database, mysql_database):
                shop.play(url, day)
        for table, key in KEYS.items():
            left, right = (table_rows(url, table, key) for url in (postgres_database, mysql_database))
            assert (
                sorted(left, key=repr) == sorted(right, key=repr) if key.endswith("name") else left == right
            ), f"{table} after day {day}"
        assert next_day(postgres_database) == next_day(mysql_database) == day + 1


def test_what_is_loaded_is_what_was_generated(shop: Shop, played: str) -> None:
    rows = {row["customer_id"]: tuple(row.values()) for row in shop.customers.log.rows(PLAN.days).to_pylist()}
    assert {row[0]: row for row in table_rows(played, "customers", "customer_id")} == rows


def test_tables_and_columns_of_both_systems_are_the_generators(
    played: str, shop: Shop, mysql_database: str
) -> None:
    shop.create(mysql_database)
    for url in (played, mysql_database):
        for name, schema in SCHEMAS.items():
            with cursor_of(url) as cursor:
                cursor.execute(f"select * from {name} where 1 = 0")
                assert [column[0] for column in cursor.description] == schema.names
                cursor.fetchall()


COUNTS = {
    "negative_quantity": "select count(*) from order_items where quantity < 0",
    "unknown_product": """
        select count(*) from order_items as i
        where not exists (select 1 from products as p where p.product_id = i.product_id)""",
    "duplicate_line": """
        select count(*) from (
            select order_id, line_number from order_items group by order_id, line_number having count(*) = 2
        ) as d""",
    "total_mismatch": """
        select count(*) from orders as o
        inner join (
            select l.order_id, sum(l.quantity * l.unit_price - coalesce(l.discount_amount, 0)) as net from (
                select distinct order_id, line_number, quantity, unit_price, discount_amount from order_items
            ) as l group by l.order_id
        ) as n on n.order_id = o.order_id
        where o.total_amount <> n.net - coalesce(o.discount_amount, 0) + o.tax_amount + o.shipping_cost""",
    "late_change": """
        select count(*) from product_prices
        where recorded_at >= '2026-02-26' and valid_from < recorded_at - interval '1' day""",
    "two_changes_in_a_day": """
        select count(*) from (
            select product_id, cast(valid_from as date) as price_date from product_prices
            group by product_id, cast(valid_from as date) having count(*) = 2
        ) as d""",
    "late_order": "select count(*) from orders where store_id is not null and status = 'Delivered'"
    " and cast(updated_at as date) > cast(order_date as date)",
    "early_order": """
        select count(*) from orders as o
        inner join customers as c on c.customer_id = o.customer_id
        where cast(o.order_date as date) < c.registration_date""",
}


@pytest.mark.parametrize("kind", sorted(COUNTS))
def test_each_defect_is_in_the_shop_as_often_as_the_ledger_says(kind: str, shop: Shop, played: str) -> None:
    assert number_of(played, COUNTS[kind]) == shop.ledger.injected(kind, PLAN.days) > 0  # type: ignore[arg-type]  # keys of COUNTS are kinds


def test_the_ledger_counts_only_what_can_be_seen_by_a_day(shop: Shop, postgres_database: str) -> None:
    shop.create(postgres_database)
    for day in range(1, 4):
        shop.play(postgres_database, day)
        for kind in (
            "negative_quantity",
            "unknown_product",
            "duplicate_line",
            "total_mismatch",
            "late_order",
        ):
            assert number_of(postgres_database, COUNTS[kind]) == shop.ledger.injected(kind, day), (kind, day)
        assert number_of(postgres_database, "select count(*) from customers") == shop.ledger.customers_alive(
            day
        )
        assert number_of(
            postgres_database, "select count(*) from orders where lower(status) = 'cancelled'"
        ) == shop.ledger.cancelled_orders(day)


def test_sums_of_the_ledger_are_those_of_the_source_to_the_cent(shop: Shop, played: str) -> None:
    found = rows_of(
        played,
        """
        with lines as (
            select o.order_date::date as day, count(*) as lines, sum(i.quantity * i.unit_price) as gross,
                sum(coalesce(i.discount_amount, 0)) as discount
            from order_items as i inner join orders as o on o.order_id = i.order_id group by 1
        )
        select o.order_date::date, count(*), min(l.lines), min(l.gross), min(l.discount),
            sum(coalesce(o.discount_amount, 0)), sum(o.tax_amount), sum(o.shipping_cost), sum(o.total_amount)
        from orders as o inner join lines as l on l.day = o.order_date::date group by 1""",
    )
    sums = shop.ledger.source_sums(PLAN.days)
    assert {row[0]: row[1:] for row in found} == {
        day: tuple(vars(value).values()) for day, value in sums.items()
    }


@pytest.mark.parametrize("with_cancelled", [True, False])
def test_passing_sums_leave_out_spoilt_orders_negative_lines_and_second_copies(
    with_cancelled: bool, shop: Shop, played: str
) -> None:
    spoilt = ", ".join(str(o.key[0]) for o in shop.ledger.occurrences("total_mismatch", PLAN.days))
    found = rows_of(
        played,
        f"""
        with good as (
            select * from orders
            where order_id not in ({spoilt}) and ({with_cancelled} or lower(status) <> 'cancelled')
        ),
        lines as (
            select o.order_date::date as day, count(*) as lines, sum(i.quantity * i.unit_price) as gross,
                sum(coalesce(i.discount_amount, 0)) as discount
            from (
                select distinct order_id, line_number, quantity, unit_price, discount_amount
                from order_items where quantity > 0
            ) as i inner join good as o on o.order_id = i.order_id group by 1
        )
        select o.order_date::date, count(*), min(l.lines), min(l.gross), min(l.discount),
            sum(coalesce(o.discount_amount, 0)), sum(o.tax_amount), sum(o.shipping_cost)
        from good as o inner join lines as l on l.day = o.order_date::date group by 1""",
    )
    sums = shop.ledger.passing_sums(PLAN.days, with_cancelled)
    assert {row[0]: row[1:] for row in found} == {
        day: tuple(vars(s).values())[:-1] for day, s in sums.items()
    }
    for value in sums.values():
        rest = value.gross - value.line_discount - value.order_discount + value.tax + value.shipping
        assert value.total == rest > Decimal(0)


def test_a_day_is_played_once_and_in_its_turn(postgres_database: str) -> None:
    small = Shop(ShopPlan(scale=0.05))
    assert next_day(postgres_database) is None
    small.create(postgres_database)
    with pytest.raises(ConfigError, match=r"day 2 cannot be played"):
        small.play(postgres_database, 2)
    small.play(postgres_database, 1)
    with pytest.raises(ConfigError, match=r"day 2 of 7 is next"):
        small.play(postgres_database, 1)
    with pytest.raises(ConfigError, match=r"scale 0.05"):
        Shop(ShopPlan(scale=0.06)).play(postgres_database, 2)
    assert next_day(postgres_database) == 2


def test_a_day_that_fails_leaves_nothing_behind(postgres_database: str, mysql_database: str) -> None:
    small = Shop(ShopPlan(scale=0.05))
    twice = Changes("customers", inserted=small.customers.log.rows(0).slice(0, 1))
    for url in (postgres_database, mysql_database):
        small.create(url)
        before = table_rows(url, "orders", "order_id")
        with pytest.raises(SourceError, match="refused"), shop_database(url) as database:
            for changes in [*small.day(1), twice]:
                apply(database, changes)
        assert table_rows(url, "orders", "order_id") == before


def test_creating_again_starts_anew(postgres_database: str) -> None:
    small = Shop(ShopPlan(scale=0.05))
    small.create(postgres_database)
    before = table_rows(postgres_database, "orders", "order_id")
    small.play(postgres_database, 1)
    small.create(postgres_database)
    assert table_rows(postgres_database, "orders", "order_id") == before
    assert next_day(postgres_database) == 1


def test_a_server_that_is_down_is_named_without_its_password() -> None:
    for url in ("postgresql://u:secret-word@127.0.0.1:1/x", "mysql://u:secret-word@127.0.0.1:1/x"):
        with pytest.raises(SourceError) as raised:
            next_day(url)
        assert "secret-word" not in str(raised.value)
    with pytest.raises(ConfigError, match="oracle"):
        next_day("oracle://u:secret-word@h/x")


@pytest.mark.parametrize("system", ["postgres_database", "mysql_database"])
def test_the_tables_of_a_real_shop_are_never_replaced(
    shop: Shop, system: str, request: pytest.FixtureRequest
) -> None:
    url = request.getfixturevalue(system)
    with cursor_of(url) as cursor:
        cursor.execute("create table orders (order_id integer primary key)")
        cursor.execute("insert into orders values (1)")
    with pytest.raises(ConfigError, match="tables orders that the demo did not make"):
        shop.create(url)
    assert rows_of(url, "select order_id from orders") == [(1,)]
