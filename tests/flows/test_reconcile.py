"""The shop held against the warehouse through the real flow: clean, tampered with, repaired (law X9)."""

from __future__ import annotations

import json
from urllib.request import urlopen

import pytest

from etl.errors import ConfigError, ReconciliationDiffers
from flows.reconcile import reconcile
from tasks import resources
from tasks.progress import artifact_key
from tests.flows.world import FlowWorld, execute

SHOP = sorted(name for name in resources.catalog().tables if name.startswith("shop."))
STORED = (
    "select table_name, c.status, missing, extra, changed, differing_range_count, verified_through"
    " from audit.reconciliations as c inner join audit.runs as r using (run_id)"
    " where r.started_at = (select max(started_at) from audit.runs where pipeline = 'reconcile')"
    " and c.status != 'agrees' order by 1"
)


DIFFERENCES = (
    "select table_name from audit.incidents where kind = 'reconciliation' and closed_at is null order by 1"
)


def test_a_shop_with_defects_agrees_and_tampered_rows_are_found_named_and_repaired(world: FlowWorld) -> None:
    for day in range(1, 4):
        world.play(day)
        world.run(day)
    before = world.content()
    found = {each.table: each for each in world.call(reconcile, tables=SHOP)}
    assert sorted(found) == SHOP
    assert {name: str(each) for name, each in found.items() if each.status != "agrees"} == {}
    assert found["shop.order_items"].held_back > 0
    assert all(each.verified_through and each.source_count for each in found.values())
    assert world.query(STORED) == []

    tampered = {
        "shop.order_items": "update warehouse.fact_sales set unit_price = unit_price + 1 where sale_id = 700",
        "shop.customers": "update warehouse.dim_customer set city = 'Nowhere' where is_current"
        " and customer_id = (select percentile_disc(0.9) within group (order by customer_id)"
        " from warehouse.dim_customer where is_current and not is_inferred)",
        "shop.brands": "update warehouse.dim_brand set country_of_origin = 'XX' where brand_key = 3",
    }
    for statement in tampered.values():
        execute(world.warehouse_url, statement)
    with pytest.raises(ReconciliationDiffers) as refused:
        world.call(reconcile, tables=SHOP)
    told = str(refused.value)
    first_line = told.splitlines()[0]
    assert first_line == f"3 of {len(SHOP)} tables differ from their source: {', '.join(sorted(tampered))}"
    receipt = _receipt_of_newest(world)
    assert first_line in receipt and "Reconciliation" in receipt and "Ranges that differ" in receipt
    ((order_id, line_number),) = world.query(
        "select order_id, line_number from warehouse.fact_sales where sale_id = 700"
    )
    assert "1 changed in unit_price (1); ranges [" in told
    assert f"changed: order_id {order_id}, line_number {line_number}" in told
    assert "1 changed in city (1)" in told and "Nowhere" not in told
    stored = world.query(STORED)
    assert [row[:6] for row in stored] == [(name, "differs", 0, 0, 1, 1) for name in sorted(tampered)]
    assert world.query(DIFFERENCES) == [(name,) for name in sorted(tampered)]
    lines = next(row for row in stored if row[0] == "shop.order_items")
    assert int(lines[6]) < order_id
    ((verified,),) = world.query(
        "select max(order_id) from warehouse.fact_sales where order_id <= %s", (int(lines[6]),)
    )
    assert verified == int(lines[6])

    watermarks = world.query("select * from audit.watermarks order by 1, 2")
    repaired = world.call(reconcile, tables=SHOP, repair=True)
    assert {each.table for each in repaired if each.status == "repaired"} == set(tampered)
    assert world.query("select * from audit.watermarks order by 1, 2") == watermarks
    assert world.content() == before
    assert world.query(DIFFERENCES) == []

    world.play(4)
    later = {each.table: each for each in world.call(reconcile, tables=["shop.orders"])}
    assert {each.status for each in later.values()} == {"agrees"}
    assert all(each.newer for each in later.values())


def test_tables_that_cannot_be_held_against_the_warehouse_say_why(world: FlowWorld) -> None:
    with pytest.raises(ConfigError, match=r"drop\.stock_csv is left out: the ledger of files"):
        world.call(reconcile, tables=["drop.stock_csv"])
    assert world.call(reconcile, tables=["shop.brands"]) == []
    with urlopen(f"{world.prefect_api}/artifacts/{artifact_key('reconcile', 'run')}/latest") as answer:
        told = json.load(answer)["data"]
    assert "\nNothing has been loaded yet of shop.brands.\n" in told


def _receipt_of_newest(world: FlowWorld) -> str:
    ((run_id,),) = world.query(
        "select run_id from audit.runs where pipeline = 'reconcile' order by started_at desc limit 1"
    )
    return (world.state_dir / "report" / "runs" / f"{run_id}.html").read_text(encoding="utf-8")
