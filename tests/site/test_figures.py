"""What the reports read: against rows that can be checked by hand, and without leaving a trace."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from etl.reports import SiteLinks, write_site
from etl.reports.figures import read_figures
from etl.warehouse.marts import refresh_marts
from tests.marts.warehouse import OpenWarehouse, Row, empty_warehouse, insert, insert_audit
from tests.site import sample, sample_subjects

NEWEST = date(2026, 6, 30)
CHANGED_AT = datetime(2026, 5, 1, tzinfo=UTC)


@pytest.fixture
def warehouse(postgres_database: str) -> Iterator[OpenWarehouse]:
    """A committed warehouse without sales."""
    with empty_warehouse(postgres_database) as opened:
        opened.commit()
        yield opened


def test_segments_are_those_of_the_time_of_sale_within_ninety_days(warehouse: OpenWarehouse) -> None:
    changed: Row = {"customer_segment": "Premium", "previous_customer_segment": "Basic", "customer_id": 1}
    changed["customer_segment_changed_at"] = CHANGED_AT
    customers = [
        {"customer_key": 1, "valid_to": CHANGED_AT, **changed},
        {"customer_key": 2, "valid_from": CHANGED_AT, **changed},
        {"customer_key": 3, "customer_id": 2, "customer_segment": "Premium"},
    ]
    _sell(
        warehouse,
        customers,
        [
            _line(1, NEWEST - timedelta(days=90), customer_key=1, gross=Decimal(1000)),
            _line(2, NEWEST - timedelta(days=89), customer_key=1, gross=Decimal(10), cost=Decimal(4)),
            _line(3, NEWEST - timedelta(days=30), customer_key=2, gross=Decimal(30), tax=Decimal(3)),
            _line(
                3,
                NEWEST - timedelta(days=30),
                customer_key=2,
                gross=Decimal(20),
                line_number=2,
                cost=Decimal(15),
            ),
            _line(4, NEWEST, customer_key=3, gross=Decimal(7)),
            _line(5, NEWEST, customer_key=3, gross=Decimal(500), is_cancelled=True),
            _line(6, NEWEST, customer_key=-1, gross=Decimal(5)),
        ],
    )
    names = (
        "customer_segment",
        "customer_count",
        "order_count",
        "total_amount",
        "avg_order_value_amount",
        "profit_amount",
        "margin_pct",
    )
    assert [
        tuple(row[name] for name in names) for row in read_figures(warehouse.session).segments.segments
    ] == [
        ("Premium", 2, 2, Decimal(60), Decimal(30), Decimal(5), Decimal(25)),
        ("Basic", 1, 1, Decimal(10), Decimal(10), Decimal(6), Decimal(60)),
        ("(unknown)", 0, 1, Decimal(5), Decimal(5), None, None),
    ]


def test_the_headline_compares_with_the_same_weekday(warehouse: OpenWarehouse) -> None:
    _sell(
        warehouse,
        [],
        [
            _line(1, NEWEST - timedelta(days=7), gross=Decimal(200), cost=Decimal(100)),
            _line(2, NEWEST - timedelta(days=1), gross=Decimal(999)),
            _line(3, NEWEST, gross=Decimal(100), cost=Decimal(80)),
            _line(4, NEWEST, gross=Decimal(50), cost=Decimal(40)),
        ],
    )
    assert [
        tuple(row.values())
        for row in read_figures(warehouse.session).tables_of("daily-sales", "")[0].as_rows()
    ] == [
        ("Total sales", "150.00", "200.00", "-25.0 %"),
        ("Net sales", "150.00", "200.00", "-25.0 %"),
        ("Orders", "2", "1", "+100.0 %"),
        ("Average order", "75.00", "200.00", "-62.5 %"),
        ("Customers", "0", "0", "no comparison"),
        ("Margin", "20.0 %", "50.0 %", "-30.0 points"),
    ]


def test_one_day_of_sales_has_nothing_to_be_compared_with(warehouse: OpenWarehouse, tmp_path: Path) -> None:
    _sell(warehouse, [], [_line(1, NEWEST, gross=Decimal(1), is_cancelled=True)])
    figures = read_figures(warehouse.session)
    assert [measure.value for measure in figures.sales.measures] == [0, 0, 0, None, 0, None]
    assert {measure.change for measure in figures.sales.measures} == {None}
    assert figures.segments.segments == ()
    write_site(warehouse.session, tmp_path, SiteLinks())
    assert "no comparison" in (tmp_path / "index.html").read_text(encoding="utf-8")


def test_thirty_days_with_the_mean_of_seven(warehouse: OpenWarehouse) -> None:
    _sell(warehouse, [], [_line(n, NEWEST - timedelta(days=n), gross=Decimal(n)) for n in range(40)])
    daily = read_figures(warehouse.session).sales.daily
    assert [row["full_date"] for row in daily] == [NEWEST - timedelta(days=n) for n in range(29, -1, -1)]
    assert daily[-1]["week_mean_amount"] == Decimal(3)
    assert daily[0]["week_mean_amount"] == Decimal(32)


def test_stock_is_counted_by_how_long_it_lasts(warehouse: OpenWarehouse) -> None:
    insert(warehouse.session, "dim_product", [{"product_key": n, "product_id": n} for n in range(1, 6)])
    insert(warehouse.session, "dim_store", [{"store_key": 1, "store_id": 1, "store_name": "Harbour"}])
    sold = [_line(n, NEWEST, gross=Decimal(1), product_key=n, store_key=1, quantity=28) for n in range(1, 5)]
    on_hand = {1: 0, 2: 6, 3: 7, 4: 29, 5: 3}
    counts = [
        {"product_id": n, "store_id": 1, "on_hand_quantity": units, "counted_at": CHANGED_AT, **point}
        for (n, units), point in zip(
            on_hand.items(),
            [{}, {}, {"reorder_point_quantity": 8}, {}, {"reorder_point_quantity": 4}],
            strict=True,
        )
    ]
    insert(warehouse.session, "fact_inventory_snapshots", counts)
    _sell(warehouse, [], sold)
    stock = read_figures(warehouse.session).inventory
    names = (
        "product_count",
        "below_reorder_point_count",
        "empty_count",
        "week_count",
        "month_count",
        "longer_count",
    )
    assert [tuple(row[name] for name in names) for row in stock.stores] == [(5, 2, 1, 1, 1, 2)]
    assert [row["product_id"] for row in stock.low] == [3, 5, 1, 2]
    assert (stock.below_count, stock.counted_at) == (2, CHANGED_AT)


def test_the_funnel_of_thirty_days_adds_up_over_channels(warehouse: OpenWarehouse) -> None:
    sample_subjects.insert_visits(warehouse.session)
    _sell(warehouse, [], [])
    web = read_figures(warehouse.session).web
    assert (len(web.days), web.newest_date) == (30, sample_subjects.NEWEST)
    for step in ("session_count", "cart_session_count", "converted_session_count", "revenue_amount"):
        assert sum(row[step] for row in web.days) == sum(row[step] for row in web.channels) > 0


def test_moves_of_the_newest_scoring_and_segments_in_their_order(warehouse: OpenWarehouse) -> None:
    for week, segments in enumerate((("New", "Lost"), ("Champions", "Lost"), ("Loyal", "Lost"))):
        at = CHANGED_AT + timedelta(weeks=week)
        scores = [{"customer_id": n, "scored_at": at, "rfm_segment": s} for n, s in enumerate(segments)]
        insert(warehouse.session, "fact_customer_scores", scores)
    _sell(warehouse, [], [])
    customers = read_figures(warehouse.session).customers
    assert customers.newest_moves == {("Champions", "Loyal"): 1, ("Lost", "Lost"): 1}
    assert customers.moved_segments == ("Champions", "Loyal", "Lost")
    assert [row["rfm_segment"] for row in customers.moved] == ["Loyal", "Champions"]
    assert [(row["rfm_segment"], row["customer_share_pct"]) for row in customers.segments] == [
        ("Loyal", Decimal(50)),
        ("Lost", Decimal(50)),
    ]


def test_files_that_wait_come_first_and_only_the_newest_steps_of_a_table(warehouse: OpenWarehouse) -> None:
    sample.insert_runs(warehouse.session)
    runs = read_figures(warehouse.session).runs.runs
    sample_subjects.insert_loads(warehouse.session, runs[3]["run_id"])
    newest = {
        "run_id": runs[0]["run_id"],
        "table_name": "shop.customers",
        "position": 1,
        "step": "clean_text",
    }
    counts = dict.fromkeys(("rows_before", "rows_after", "changed", "nulls_before", "nulls_after"), 7)
    insert_audit(warehouse.session, "transformations", [{**newest, "columns": ["city"], **counts}])
    loads = read_figures(warehouse.session).loads
    assert (loads.files[0]["path"], loads.held_back_count) == (sample_subjects.BROKEN_FILE, 1)
    steps = [(row["table_name"], row["column_names"]) for row in loads.steps]
    assert steps == [
        ("analytics.conversions", "revenue_usd_amount, exchange_rate"),
        ("shop.customers", "city"),
    ]


def test_tables_of_the_run_come_along(warehouse: OpenWarehouse) -> None:
    sample.insert_runs(warehouse.session)
    run_id = read_figures(warehouse.session).runs.runs[0]["run_id"]
    tables = {table.name: table for table in read_figures(warehouse.session).tables_of("daily-sales", run_id)}
    assert list(tables) == [
        *("headline", "daily-sales", "segment-analysis", "product-performance", "run-tables", "failing-rules")
    ]
    assert [row["name"] for row in tables["run-tables"].rows] == [
        *sample.TABLES,
        "dim_customer",
        "dim_product",
        "fact_sales",
    ]
    assert [row["rule"] for row in tables["failing-rules"].rows] == ["email_is_valid"]


def test_each_pipeline_reports_on_its_own_subject(warehouse: OpenWarehouse) -> None:
    named = {
        pipeline: [table.name for table in read_figures(warehouse.session).tables_of(pipeline, "")][:-2]
        for pipeline in ("hourly-inventory", "daily-web-analytics", "weekly-customer-analysis", "maintain")
    }
    assert named == {
        "hourly-inventory": ["inventory-low", "inventory-stores"],
        "daily-web-analytics": ["web-funnel-channels", "web-funnel-days"],
        "weekly-customer-analysis": ["rfm-segments", "segment-moves", "customer-cohorts"],
        "maintain": [],
    }


def test_an_hourly_pipeline_leaves_room_for_the_runs_of_others(warehouse: OpenWarehouse) -> None:
    sample.insert_runs(warehouse.session)
    sample.insert_hourly_runs(warehouse.session, 40)
    pipelines = [run["pipeline"] for run in read_figures(warehouse.session).runs.runs]
    assert (pipelines.count("hourly-inventory"), pipelines.count("daily-sales")) == (15, 9)


def test_rules_that_could_not_be_checked_count_as_failing(warehouse: OpenWarehouse) -> None:
    sample.insert_runs(warehouse.session)
    figures = read_figures(warehouse.session)
    closed = next(run for run in figures.runs.runs if run["status"] == "gate_closed")
    assert (closed["failing_rule_count"], closed["rule_count"]) == (3, 4)
    rules = [
        (row["rule"], row["result"]) for row in figures.quality.failing if row["run_id"] == closed["run_id"]
    ]
    assert rules == [
        ("total_adds_up", "failed"),
        ("email_is_valid", "failed"),
        ("age_in_range", "not checked"),
    ]


def test_a_callers_transaction_goes_on(warehouse: OpenWarehouse) -> None:
    insert(warehouse.session, "fact_sales", [_line(1, NEWEST, gross=Decimal(1))])
    refresh_marts(warehouse.session, warehouse.session.database.sql.folder / "marts")
    assert read_figures(warehouse.session).newest_date == NEWEST
    warehouse.rollback()
    assert read_figures(warehouse.session).newest_date is None


def _sell(warehouse: OpenWarehouse, customers: list[Row], lines: list[Row]) -> None:
    insert(warehouse.session, "dim_customer", customers)
    insert(warehouse.session, "fact_sales", lines)
    refresh_marts(warehouse.session, warehouse.session.database.sql.folder / "marts")
    warehouse.commit()


def _line(order: int, on: date, **said: Any) -> Row:
    return {"order_id": order, "date": on, **said}
