"""What a run was about to read is kept with the instants that its bounds stand for (laws X2, X4)."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

from etl.catalog_files import load_catalog
from etl.handles import Run, TablePlan
from etl.settings import PROJECT_DIR
from etl.warehouse.audit import finish_run, start_run
from etl.warehouse.read_windows import compared_at, keep_windows
from etl.windows import Window
from tests.marts.warehouse import empty_warehouse

RUN = Run("r1", "p", None, False, "staging_r1", parameters={"tables": ["shop.orders"], "note": "a\u2028'b"})
NOON = "2026-07-01 12:00:00.000000"


def test_bounds_are_kept_as_they_are_and_as_instants_of_their_zones(postgres_database: str) -> None:
    catalog = load_catalog(PROJECT_DIR / "catalog")
    shop = catalog.sources["shop"].model_copy(update={"time_zone": "Europe/Berlin"})
    berlin = catalog.model_copy(update={"sources": {**catalog.sources, "shop": shop}})
    plans = [
        _plan("shop.orders", Window("2026-06-30 12:00:00.000001", NOON)),
        _plan("shop.customers", Window(None, NOON)),
        _plan("shop.products", Window("17", "4200")),
        _plan("shop.stores", Window(None, None)),
    ]
    zones = {plan.table: "Europe/Berlin" for plan in plans} | {"shop.customers": "UTC"}
    with empty_warehouse(postgres_database) as warehouse:
        start_run(warehouse.session, RUN)
        keep_windows(warehouse.session, berlin, RUN, plans, zones)
        keep_windows(warehouse.session, berlin, RUN, plans[:1], zones)
        warehouse.session.execute("select table_name, low, high, high_at, as_of_at from audit.windows")
        found = {table: values for table, *values in warehouse.session.fetchall()}
        warehouse.session.execute("select parameters from audit.runs")
        assert warehouse.session.fetchall() == [(dict(RUN.parameters),)]
    in_berlin, in_utc = datetime(2026, 7, 1, 10, tzinfo=UTC), datetime(2026, 7, 1, 12, tzinfo=UTC)
    assert found == {
        "shop.orders": ["2026-06-30 12:00:00.000001", NOON, in_berlin, in_berlin],
        "shop.customers": [None, NOON, in_utc, in_berlin],
        "shop.products": ["17", "4200", None, in_berlin],
        "shop.stores": [None, None, None, in_berlin],
    }


def test_the_newest_comparison_of_a_run_that_released_counts(postgres_database: str) -> None:
    catalog = load_catalog(PROJECT_DIR / "catalog")
    runs = [("a", "succeeded", 1, True), ("b", "succeeded", 2, True), ("c", "succeeded", 3, False)]
    with empty_warehouse(postgres_database) as warehouse:
        for run_id, status, day, compares in [*runs, ("d", "failed", 4, True)]:
            run = replace(RUN, run_id=run_id, parameters={})
            start_run(warehouse.session, run)
            plan = _plan("shop.orders", Window(None, None))
            plan = replace(plan, as_of=f"2026-07-0{day} 12:00:00.000000", compares_keys=compares)
            keep_windows(warehouse.session, catalog, run, [plan], {"shop.orders": "UTC"})
            finish_run(warehouse.session, run, status, None)
        assert compared_at(warehouse.session, ["shop.orders", "shop.stores"]) == {
            "shop.orders": "2026-07-02 12:00:00.000000"
        }


def test_a_run_that_plans_nothing_has_no_windows(postgres_database: str) -> None:
    with empty_warehouse(postgres_database) as warehouse:
        start_run(warehouse.session, replace(RUN, parameters={}))
        keep_windows(warehouse.session, load_catalog(PROJECT_DIR / "catalog"), RUN, [], {})
        warehouse.session.execute("select count(*) from audit.windows")
        assert warehouse.session.fetchall() == [(0,)]


def _plan(table: str, window: Window) -> TablePlan:
    return TablePlan(table, None, window, as_of=NOON, compares_keys=False)
