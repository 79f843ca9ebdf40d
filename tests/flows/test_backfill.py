"""Days that lie behind: equal to daily runs, watermarks untouched, resumed after a kill (laws X7, R5, R6)."""

from __future__ import annotations

import signal
from datetime import date
from pathlib import Path

import pytest

from etl.errors import ConfigError, StorehouseError
from flows.backfill import backfill, name_of
from flows.load_tables import load_tables
from tests.conftest import fresh_postgresql
from tests.flows.world import FlowWorld, rows_of

SOLD = ["shop.orders", "shop.products", "shop.product_prices"]
ORDERS = ["shop.order_items", "shop.orders"]
BACKFILL = """
import sys
from datetime import date
from pathlib import Path
from flows.backfill import backfill
first, last = map(date.fromisoformat, sys.argv[1:])
backfill(["shop.orders"], first, last, parallel=1)
"""
SALES = """
    select f.order_id, f.line_number, f.date_key, c.customer_id, p.product_id, s.store_id, f.ordered_at,
        f.order_status, f.is_cancelled, f.quantity, f.gross_amount, f.discount_amount, f.tax_amount,
        f.shipping_amount, f.total_amount, f.cost_amount
    from warehouse.fact_sales as f
    inner join warehouse.dim_customer as c using (customer_key)
    inner join warehouse.dim_product as p using (product_key)
    inner join warehouse.dim_store as s using (store_key)
    order by 1, 2"""
WATERMARKS = "select table_name, value from audit.watermarks order by 1"
DAYS = "select business_date, status from audit.runs where is_backfill order by 1, started_at"


@pytest.mark.slow
def test_three_days_side_by_side_equal_three_daily_runs(
    world: FlowWorld, postgres_server: str, tmp_path: Path
) -> None:
    world.play(1)
    world.run(1)
    for url in fresh_postgresql(postgres_server, template_url=world.warehouse_url):
        twin = FlowWorld(url, world.shop_url, tmp_path / "twin", world.prefect_api, world.shop)
        for day in (2, 3, 4):
            world.play(day)
            world.call(load_tables, tables=SOLD, business_date=world.date_of(day))
        before = twin.query(WATERMARKS)
        released = twin.call(
            backfill,
            tables=SOLD,
            first_date=world.date_of(2),
            last_date=world.date_of(4),
            parallel=3,
        )
        assert released == [world.date_of(day) for day in (2, 3, 4)]
        sales = world.query(SALES)
        assert twin.query(SALES) == sales
        assert len(sales) > 1_000
        assert twin.query(WATERMARKS) == before


@pytest.mark.slow
def test_into_an_empty_warehouse_past_a_bad_day_killed_and_resumed(world: FlowWorld) -> None:
    for day in (1, 2, 3, 4):
        world.play(day)
    first, bad, last = (world.date_of(day) for day in (2, 3, 4))
    of_the_bad_day = "updated_at >= %(bad)s and updated_at < %(last)s"
    spoil = f"update orders set total_amount = total_amount + 1 where {of_the_bad_day}"
    world.on_shop(spoil, {"bad": bad, "last": last})
    process = world.start_code(BACKFILL, first.isoformat(), last.isoformat())
    assert process.stdout is not None
    for line in process.stdout:
        if f"backfill {first}' - Finished" in line:
            process.send_signal(signal.SIGKILL)
    process.wait()
    assert (first, "succeeded") in world.query(DAYS)

    asked = {"tables": ["shop.orders"], "first_date": first, "last_date": last}
    with pytest.raises(StorehouseError, match=f"(?s)1 of 2 days failed:.*{bad}: .*order_total_adds_up"):
        world.call(backfill, **asked)
    world.on_shop(spoil.replace("+ 1", "- 1"), {"bad": bad, "last": last})
    assert world.call(backfill, **asked) == [bad]
    assert world.call(backfill, **asked) == []

    ended = world.query(DAYS)
    assert [day for day, status in ended if status == "succeeded"] == [first, bad, last]
    assert {status for _, status in ended} <= {"succeeded", "gate_closed", "killed"}
    assert world.query(WATERMARKS) == []
    loaded = world.query("select count(distinct order_id) from warehouse.fact_sales")
    changed = "select count(distinct order_id) from orders where updated_at >= %s and updated_at < %s"
    held_back = "select count(*) from audit.quarantine where table_name = 'shop.orders'"
    ((expected,),) = rows_of(world.shop_url, changed, (first, world.date_of(5)))
    assert loaded[0][0] + world.query(held_back)[0][0] == expected
    assert world.query(
        "select count(*) from warehouse.dim_customer where customer_key > 0 and not is_inferred"
    ) == [(0,)]


def test_what_cannot_be_backfilled_is_said_before_anything_is_done(world: FlowWorld) -> None:
    day = world.date_of(1)
    with pytest.raises(ConfigError, match=r"shop\.brands: read whole"):
        world.call(backfill, tables=["shop.brands"], first_date=day, last_date=day)
    with pytest.raises(ConfigError, match=r"did you mean 'shop\.orders'"):
        world.call(backfill, tables=["shop.order"], first_date=day, last_date=day)
    with pytest.raises(ConfigError, match="Exchange the two dates"):
        world.call(backfill, tables=["shop.orders"], first_date=world.date_of(2), last_date=day)


def test_a_backfill_is_named_by_its_tables_and_dates() -> None:
    first, last = date(2026, 3, 1), date(2026, 3, 2)
    assert name_of(ORDERS, first, last) == name_of(ORDERS[::-1], first, last)
    assert name_of(ORDERS, first, last) != name_of(ORDERS[:1], first, last)
    many = [f"shop.table_{number}" for number in range(20)]
    assert len(name_of(many, first, last)) < 60
    assert name_of(many, first, last) != name_of(many[1:], first, last)
