"""The shop's other pipelines over its real files, its real web analytics and its real warehouse."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from threading import Thread
from typing import Any

import pytest

from demo.places import Places
from demo.web.server import AnalyticsServer, Limits
from etl.handles import Release
from etl.settings import Settings
from flows.daily_exchange_rates import daily_exchange_rates
from flows.daily_web_analytics import daily_web_analytics
from flows.hourly_inventory import hourly_inventory
from flows.reconcile import reconcile
from flows.weekly_customer_analysis import weekly_customer_analysis
from tasks import resources
from tests.conftest import fresh_postgresql
from tests.flows.world import FlowWorld

DAYS = 2
WEB_FACTS = ("fact_web_sessions", "fact_page_views", "fact_conversions")


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
    deliver(world, DAYS + 1)
    second = world.call(hourly_inventory)
    assert extracted(second, "drop.") == rows_of_new_files(world, DAYS + 1)
    assert counts(world) == expected_counts(world, DAYS + 1)
    kept = set(before) & set(rows_with_xmin(world, "fact_inventory_snapshots"))
    assert 0.9 * len(before) < len(kept) < len(before), "only counts that were corrected are written anew"
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


def test_visits_pages_and_purchases_become_a_funnel_with_the_sales(world: FlowWorld) -> None:
    """The API limits and fails; late visits, a page withdrawn and a currency nobody quotes (X10, F4)."""
    if not rates(world):
        world.call(daily_exchange_rates)
    with analytics(world) as clock:
        for day in (DAYS, DAYS + 1):
            clock.day = day
            world.call(daily_web_analytics, business_date=world.date_of(day))
            assert web_sums(world) == expected_web_sums(world, day)
        before = [rows_with_xmin(world, name) for name in WEB_FACTS]
        world.call(daily_web_analytics, business_date=world.date_of(DAYS + 1))
        assert [rows_with_xmin(world, name) for name in WEB_FACTS] == before
        # Law X9, of an API: nothing was lost by its limits and failures.
        web = [name for name in resources.catalog().tables if name.startswith("analytics.")]
        reconciled = world.call(reconcile, tables=web)
        assert {each.table: each.status for each in reconciled} == dict.fromkeys(web, "agrees")
        assert sum(each.held_back for each in reconciled) > 0
    ((sessions, conversions, revenue, orders),) = world.query(
        "select sum(session_count), sum(conversion_count), sum(revenue_amount), sum(order_count)"
        " from marts.mart_conversion_funnel"
    )
    days = expected_web_sums(world, DAYS + 1).values()
    assert (sessions, conversions, revenue) == tuple(sum(d[n] for d in days) for n in (0, 2, 3))
    bought = world.query(
        "select count(distinct order_id) from warehouse.fact_conversions"
        " inner join warehouse.fact_sales using (order_id) where not is_cancelled"
    )
    assert [(orders,)] == bought > [(10,)]


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


@dataclass
class Clock:
    """The clock of the analytics service, at the end of a day."""

    world: FlowWorld
    day: int = DAYS

    def __call__(self) -> int:
        return self.world.shop.plan.end_of(self.day)


@contextmanager
def analytics(world: FlowWorld) -> Iterator[Clock]:
    """The demo's web analytics, where the settings of the world find it."""
    clock, places = Clock(world), places_of(world)
    server = AnalyticsServer(world.shop.web_records, clock, places.token(), limits=Limits(10**6, 9))
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        places.keep_secret("analytics_url", server.url)
        yield clock
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def deliver(world: FlowWorld, day: int) -> None:
    """The files that are there at the end of a day."""
    places_of(world).deliver(world.shop, day)


def places_of(world: FlowWorld) -> Places:
    return Places(Settings(_env_file=None, state_dir=world.state_dir))


def web_sums(world: FlowWorld) -> dict[Any, Any]:
    """By date: visits begun, pages viewed, purchases and their revenue in US dollars."""
    return {
        day: tuple(values)
        for day, *values in world.query(
            "select d.full_date,"
            " (select count(*) from warehouse.fact_web_sessions as s where s.date_key = d.date_key),"
            " (select count(*) from warehouse.fact_page_views as p where p.date_key = d.date_key),"
            " count(c.conversion_id), coalesce(sum(c.revenue_usd_amount), 0)"
            " from warehouse.dim_date as d left join warehouse.fact_conversions as c using (date_key)"
            " where d.date_key > 0 group by d.full_date, d.date_key"
        )
        if any(values)
    }


def expected_web_sums(world: FlowWorld, day: int) -> dict[Any, Any]:
    sums = world.shop.facts.web_sums(day)
    return {at: (s.sessions, s.page_views, s.conversions, s.revenue) for at, s in sums.items()}


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


def rows_of_new_files(world: FlowWorld, day: int) -> int:
    """Rows of the files of a day; a broken file has none, a renamed one none that is new."""
    files = world.shop.drop.files[day]
    return sum(len(file.rows) for file in files if file.damage is None and "copy of" not in file.name)


def rates(world: FlowWorld) -> dict[Any, Any]:
    found = world.query("select rate_date, currency_code, rate from warehouse.fact_exchange_rates")
    return {(at, currency): rate for at, currency, rate in found}


def extracted(release: Release, source: str) -> int:
    return sum(o.extracted for o in release.outcomes if o.name.startswith(source))


def rows_with_xmin(world: FlowWorld, relation: str) -> list[tuple[Any, ...]]:
    return sorted(world.query(f"select xmin::text, * from warehouse.{relation}"), key=repr)
