"""Tables by name: with those that belong to them, under the watermarks that all flows share."""

from __future__ import annotations

from typing import Any

import pytest

from etl.errors import ConfigError, PipelineBusy
from etl.handles import Run
from etl.settings import Settings
from etl.warehouse import open_warehouse
from flows.load_tables import load_tables
from tasks import resources
from tests.flows.world import FlowWorld, rows_of


def test_an_order_brings_its_lines_and_the_daily_run_goes_on_from_there(world: FlowWorld) -> None:
    """Law X6: one watermark per table, whichever flow moved it."""
    world.play(1)
    release = world.call(load_tables, tables=["shop.orders"], business_date=world.date_of(1))
    sources = {outcome.name for outcome in release.outcomes if outcome.role == "source"}
    assert sources == {"shop.orders", "shop.order_items"}
    loaded = dict(world.query("select table_name, value from audit.watermarks"))
    assert set(loaded) == sources
    customers = "select count(*) from warehouse.dim_customer where customer_key > 0 and not is_inferred"
    assert world.query(customers) == [(0,)]
    assert world.query("select count(*) > 900 from warehouse.fact_sales") == [(True,)]

    world.play(2)
    (orders,) = [o for o in world.run(2).outcomes if o.name == "shop.orders"]
    ((changed,),) = _rows_since(world, loaded["shop.orders"])
    assert orders.extracted == changed
    assert world.query(customers) != [(0,)]


def test_a_table_that_another_flow_reads_is_waited_for(world: FlowWorld) -> None:
    """Law R5."""
    settings = Settings(_env_file=None, state_dir=world.state_dir)
    warehouse = open_warehouse(world.warehouse_url, settings, resources.catalog())
    other = Run("other", "daily-sales", None, False, "staging_other", tables=("shop.order_items",))
    with warehouse.lock(other), pytest.raises(PipelineBusy, match=r"reading shop\.order_items goes on"):
        world.call(load_tables, tables=["shop.orders"])


def test_an_unknown_table_is_named_with_the_one_that_is_meant(world: FlowWorld) -> None:
    with pytest.raises(ConfigError, match=r"no table 'shop\.custmers'; did you mean 'shop\.customers'"):
        world.call(load_tables, tables=["shop.custmers"])


def test_the_form_offers_what_the_catalog_has() -> None:
    form = load_tables.parameters.properties["tables"]
    assert form["items"]["enum"] == sorted(resources.catalog().tables)
    assert "such as shop.orders" in form["description"]
    assert load_tables.parameters.required == ["tables"]


def _rows_since(world: FlowWorld, watermark: str) -> list[tuple[Any, ...]]:
    statement = "select count(*) from orders where updated_at >= %s and updated_at < %s"
    return rows_of(world.shop_url, statement, (watermark, world.date_of(3)))
