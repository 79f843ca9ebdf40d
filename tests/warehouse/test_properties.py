"""Laws F3, F5 and R4 as properties of random orders, on a real warehouse through the real release."""

from __future__ import annotations

import os
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from etl.catalog_files import load_catalog
from etl.settings import Settings
from tests.systems import BOTH_SYSTEMS
from tests.warehouse.rows import line, order
from tests.warehouse.world import Batch, World

pytestmark = BOTH_SYSTEMS

EXAMPLES = int(os.environ.get("ETL_TEST_EXAMPLES", "500"))
FEW = max(EXAMPLES // 10, 5)
MEASURES = "line_number, gross_amount, discount_amount, net_amount, tax_amount, shipping_amount, total_amount"

CENTS = st.integers(0, 100_000).map(lambda c: Decimal(c) / 100)
LINES = st.lists(st.tuples(st.integers(1, 9), CENTS, st.integers(0, 100)), min_size=1, max_size=7)
ORDERS = st.lists(st.tuples(LINES, CENTS, CENTS, CENTS), min_size=1, max_size=12)


@pytest.fixture(scope="module")
def shop(warehouse_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """One warehouse for all examples; each example has orders of its own."""
    settings_ = Settings(
        _env_file=None, state_dir=tmp_path_factory.mktemp("state"), warehouse_url=warehouse_url
    )
    world = World(warehouse_url, settings_, load_catalog(settings_.catalog_dir))
    yield world
    world.close()


@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck))
@given(drawn=ORDERS)
def test_the_lines_of_an_order_add_up_to_the_order_to_the_cent(shop: World, drawn: list[Any]) -> None:
    """Law F3; and no line gets more than a cent more or less than its exact share."""
    orders, lines = _rows(shop, drawn)
    shop.load(Batch({"shop.orders": orders, "shop.order_items": lines}))
    sums = shop.query(
        "select order_id, sum(discount_amount), sum(tax_amount), sum(shipping_amount), sum(total_amount)"
        " from warehouse.fact_sales where order_id >= %s group by order_id order by order_id",
        (orders[0]["order_id"],),
    )
    expected = []
    for row in orders:
        own = [x for x in lines if x["order_id"] == row["order_id"]]
        discount = sum(x["discount_amount"] for x in own) + row["discount_amount"]
        total = (
            sum(x["quantity"] * x["unit_price"] for x in own)
            - discount
            + row["tax_amount"]
            + row["shipping_amount"]
        )
        expected.append((row["order_id"], discount, row["tax_amount"], row["shipping_amount"], total))
    assert sums == expected
    assert _worst_share(shop, orders[0]["order_id"]) < 1


@settings(max_examples=FEW, deadline=None, suppress_health_check=list(HealthCheck))
@given(drawn=ORDERS, batches=st.integers(1, 4))
def test_how_orders_come_in_batches_changes_no_share(shop: World, drawn: list[Any], batches: int) -> None:
    """Law F5: what is computed over an order is the same however orders are cut into batches."""
    whole, whole_lines = _rows(shop, drawn)
    shop.load(Batch({"shop.orders": whole, "shop.order_items": whole_lines}))
    parts, part_lines = _rows(shop, drawn)
    for number in range(batches):
        own = parts[number::batches]
        ids = {row["order_id"] for row in own}
        shop.load(
            Batch({"shop.orders": own, "shop.order_items": [x for x in part_lines if x["order_id"] in ids]})
        )
    assert _shares(shop, whole) == _shares(shop, parts)


@settings(max_examples=FEW, deadline=None, suppress_health_check=list(HealthCheck))
@given(drawn=ORDERS)
def test_the_same_orders_again_write_nothing(shop: World, drawn: list[Any]) -> None:
    """Law R4."""
    orders, lines = _rows(shop, drawn)
    batch = Batch({"shop.orders": orders, "shop.order_items": lines})
    shop.load(batch)
    before = shop.written("fact_sales")
    shop.load(batch)
    assert shop.written("fact_sales") == before


def _rows(shop: World, drawn: list[Any]) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    first = shop.new_member_ids(len(drawn))
    orders, lines = [], []
    for number, (parts, discount, tax, shipping) in enumerate(drawn):
        amounts = {"discount_amount": discount, "tax_amount": tax, "shipping_amount": shipping}
        orders.append(order(first + number, "2026-05-02 10:00", **amounts))
        for position, (quantity, price, off_pct) in enumerate(parts, start=1):
            off = (quantity * price * off_pct / 100).quantize(Decimal("0.01"))
            lines.append(line(first + number, position, str(price), quantity=quantity, discount_amount=off))
    return orders, lines


def _shares(shop: World, orders: list[dict[str, Any]]) -> list[tuple[Any, ...]]:
    first, last = orders[0]["order_id"], orders[-1]["order_id"]
    return shop.query(
        f"select order_id - %s, {MEASURES} from warehouse.fact_sales"
        " where order_id between %s and %s order by 1, 2",
        (first, first, last),
    )


def _worst_share(shop: World, first_order: int) -> Decimal:
    """Largest distance in cents between a line's tax and its exact share, over orders that cost something."""
    statement = """
        with order_lines as (
            select
                f.tax_amount,
                sum(f.tax_amount) over per_order as order_tax,
                f.gross_amount as gross,
                sum(f.gross_amount) over per_order as order_gross,
                sum(f.discount_amount) over per_order as order_discount
            from warehouse.fact_sales as f
            where f.order_id >= %s
            window per_order as (partition by f.order_id)
        )

        select coalesce(max(abs(tax_amount - order_tax * gross / order_gross)) * 100, 0)
        from order_lines
        where order_gross > 0 and order_discount = 0
    """
    ((worst,),) = shop.query(statement, (first_order,))
    return Decimal(worst)
