"""The shop's other pipelines over its real files, its real web analytics and its real warehouse."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from demo.places import Places
from etl.handles import Release
from etl.settings import Settings
from flows.daily_exchange_rates import daily_exchange_rates
from flows.hourly_inventory import hourly_inventory
from flows.weekly_customer_analysis import weekly_customer_analysis
from tests.conftest import fresh_postgresql
from tests.flows.world import FlowWorld

DAYS = 2


@pytest.fixture(scope="module")
def world(
    postgres_server: str, prefect_api: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[FlowWorld]:
    """A warehouse with the sales of two days, and the files of these days in their folders."""
    for warehouse_url in fresh_postgresql(postgres_server):
        for shop_url in fresh_postgresql(postgres_server):
            folder = tmp_path_factory.mktemp("pipelines")
            with FlowWorld.opened(warehouse_url, shop_url, folder, prefect_api) as world:
                for day in range(1, DAYS + 1):
                    world.play(day)
                world.run(DAYS)
                deliver(world, DAYS)
                yield world


def test_counts_of_four_forms_of_files_make_one_stock(world: FlowWorld) -> None:
    """Broken files and rows wait, the newest export of a count holds, and no file counts twice (X11, R4)."""
    world.call(hourly_inventory)
    assert counts(world) == expected_counts(world, DAYS)
    before = rows_with_xmin(world, "fact_inventory_snapshots")
    again = world.call(hourly_inventory)
    assert extracted(again, "drop.") == 0
    assert rows_with_xmin(world, "fact_inventory_snapshots") == before
    deliver(world, DAYS + 1)
    world.call(hourly_inventory)
    assert counts(world) == expected_counts(world, DAYS + 1)
    newest = world.query("select product_id, store_id, on_hand_quantity from marts.mart_inventory")
    assert {(product, store): units for product, store, units in newest} == {
        grain: count.on_hand_quantity for grain, count in world.shop.facts.last_counts(DAYS + 1).items()
    }
    page = (world.state_dir / "report" / "inventory.html").read_text(encoding="utf-8")
    assert "To be ordered" in page


def test_rates_of_overlapping_files_are_kept_once(world: FlowWorld) -> None:
    world.call(daily_exchange_rates)
    assert rates(world) == world.shop.facts.exchange_rates(DAYS)
    before = rows_with_xmin(world, "fact_exchange_rates")
    deliver(world, DAYS + 2)
    world.call(daily_exchange_rates)
    assert rates(world) == world.shop.facts.exchange_rates(DAYS + 2)
    assert set(before) <= set(rows_with_xmin(world, "fact_exchange_rates"))


def test_customers_are_scored_by_week_and_a_week_again_changes_nothing(world: FlowWorld) -> None:
    """Laws R4, S12: the scores are a fact, the segment moves into the customer."""
    world.call(weekly_customer_analysis, business_date=world.date_of(1))
    world.call(weekly_customer_analysis, business_date=world.date_of(2))
    differing = world.query(
        "select f.customer_id from warehouse.fact_customer_scores as f"
        " left join warehouse.dim_customer as d on f.customer_id = d.customer_id and d.is_current"
        " where f.scored_at = %s and f.rfm_segment is distinct from d.rfm_segment"
        " and exists (select from warehouse.dim_customer as c where c.customer_id = f.customer_id"
        " and c.is_current)",
        (world.shop.plan.date_of(3),),
    )
    assert differing == []
    ((scored, members),) = world.query(
        "select count(*), count(distinct customer_id) from warehouse.fact_customer_scores"
        " where scored_at = %s and recency_days >= 0",
        (world.shop.plan.date_of(3),),
    )
    assert scored == members > 50
    moved = world.query(
        "select count(*) from warehouse.dim_customer"
        " where is_current and previous_rfm_segment is not null and rfm_segment_changed_at = %s",
        (world.shop.plan.date_of(3),),
    )
    moves = world.query("select sum(customer_count) from marts.mart_segment_moves where is_move")
    assert moved > [(0,)]
    assert moves >= moved
    before = [rows_with_xmin(world, name) for name in ("fact_customer_scores", "dim_customer")]
    world.call(weekly_customer_analysis, business_date=world.date_of(1))
    assert [rows_with_xmin(world, name) for name in ("fact_customer_scores", "dim_customer")] == before


def deliver(world: FlowWorld, day: int) -> None:
    """The files that are there at the end of a day."""
    places = Places(Settings(_env_file=None, state_dir=world.state_dir))
    places.deliver(world.shop, day)


def counts(world: FlowWorld) -> dict[Any, Any]:
    """What the fact has, by its grain."""
    return {
        (product, store, at): values
        for product, store, at, *values in world.query(
            "select product_id, store_id, counted_at, on_hand_quantity, reserved_quantity,"
            " reorder_point_quantity from warehouse.fact_inventory_snapshots"
        )
    }


def expected_counts(world: FlowWorld, day: int) -> dict[Any, Any]:
    return {
        grain: [count.on_hand_quantity, count.reserved_quantity, count.reorder_point_quantity]
        for grain, count in world.shop.facts.counts(day).items()
    }


def rates(world: FlowWorld) -> dict[Any, Any]:
    found = world.query("select rate_date, currency_code, rate from warehouse.fact_exchange_rates")
    return {(at, currency): rate for at, currency, rate in found}


def extracted(release: Release, source: str) -> int:
    return sum(o.extracted for o in release.outcomes if o.name.startswith(source))


def rows_with_xmin(world: FlowWorld, relation: str) -> list[tuple[Any, ...]]:
    return sorted(world.query(f"select xmin::text, * from warehouse.{relation}"), key=repr)
