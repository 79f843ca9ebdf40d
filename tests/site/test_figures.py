"""What the reports read: against rows that can be checked by hand, and without leaving a trace."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import psycopg2
import pytest
from psycopg2.extensions import TRANSACTION_STATUS_IDLE
from psycopg2.extensions import connection as Connection

from etl.reports import SiteLinks, report_tables, write_site
from etl.reports.figures import read_figures
from etl.warehouse.postgresql.marts import refresh_marts
from tests.marts.warehouse import SHAPE, Row, empty_warehouse, insert
from tests.site import sample

NEWEST = date(2026, 6, 30)
CHANGED_AT = datetime(2026, 5, 1, tzinfo=UTC)


@pytest.fixture
def warehouse(postgres_database: str) -> Iterator[Connection]:
    """A committed warehouse without sales."""
    with empty_warehouse(postgres_database) as connection:
        connection.commit()
        yield connection


def test_segments_are_those_of_the_time_of_sale_within_ninety_days(warehouse: Connection) -> None:
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
    assert [tuple(row[name] for name in names) for row in read_figures(warehouse).segments] == [
        ("Premium", 2, 2, Decimal(60), Decimal(30), Decimal(5), Decimal(25)),
        ("Basic", 1, 1, Decimal(10), Decimal(10), Decimal(6), Decimal(60)),
        ("(unknown)", 0, 1, Decimal(5), Decimal(5), None, None),
    ]


def test_the_headline_compares_with_the_same_weekday(warehouse: Connection) -> None:
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
    assert [tuple(row.values()) for row in report_tables(warehouse, "")[0].as_rows()] == [
        ("Total sales", "150.00", "200.00", "-25.0 %"),
        ("Net sales", "150.00", "200.00", "-25.0 %"),
        ("Orders", "2", "1", "+100.0 %"),
        ("Average order", "75.00", "200.00", "-62.5 %"),
        ("Customers", "0", "0", "no comparison"),
        ("Margin", "20.0 %", "50.0 %", "-30.0 points"),
    ]


def test_one_day_of_sales_has_nothing_to_be_compared_with(warehouse: Connection, tmp_path: Path) -> None:
    _sell(warehouse, [], [_line(1, NEWEST, gross=Decimal(1), is_cancelled=True)])
    figures = read_figures(warehouse)
    assert [measure.value for measure in figures.measures] == [0, 0, 0, None, 0, None]
    assert {measure.change for measure in figures.measures} == {None}
    assert figures.segments == ()
    assert "no comparison" in write_site(warehouse, tmp_path, SiteLinks()).read_text(encoding="utf-8")


def test_thirty_days_with_the_mean_of_seven(warehouse: Connection) -> None:
    _sell(warehouse, [], [_line(n, NEWEST - timedelta(days=n), gross=Decimal(n)) for n in range(40)])
    daily = read_figures(warehouse).daily
    assert [row["full_date"] for row in daily] == [NEWEST - timedelta(days=n) for n in range(29, -1, -1)]
    assert daily[-1]["week_mean_amount"] == Decimal(3)
    assert daily[0]["week_mean_amount"] == Decimal(32)


def test_tables_of_the_run_come_along(warehouse: Connection) -> None:
    sample.insert_runs(warehouse)
    newest = read_figures(warehouse).runs[0]["run_id"]
    tables = {table.name: table for table in report_tables(warehouse, newest)}
    assert list(tables) == ["headline", "daily-sales", "segment-analysis", "run-tables", "failing-rules"]
    assert [row["name"] for row in tables["run-tables"].rows] == [
        *sample.TABLES,
        "dim_customer",
        "dim_product",
        "fact_sales",
    ]
    assert [row["rule"] for row in tables["failing-rules"].rows] == ["email_is_valid"]


def test_rules_that_could_not_be_checked_count_as_failing(warehouse: Connection) -> None:
    sample.insert_runs(warehouse)
    figures = read_figures(warehouse)
    closed = next(run for run in figures.runs if run["status"] == "gate_closed")
    assert (closed["failing_rule_count"], closed["rule_count"]) == (3, 4)
    rules = [(row["rule"], row["result"]) for row in figures.failing if row["run_id"] == closed["run_id"]]
    assert rules == [
        ("total_adds_up", "failed"),
        ("email_is_valid", "failed"),
        ("age_in_range", "not checked"),
    ]


@pytest.mark.parametrize("autocommit", [False, True])
def test_reading_leaves_no_transaction_open(warehouse: Connection, autocommit: bool) -> None:
    warehouse.autocommit = autocommit
    report_tables(warehouse, "")
    assert warehouse.info.transaction_status == TRANSACTION_STATUS_IDLE
    with warehouse.cursor() as cursor:
        cursor.execute("show transaction_read_only")
        assert cursor.fetchall() == [("off",)]


def test_a_failed_read_leaves_no_transaction_open(postgres_database: str) -> None:
    connection = psycopg2.connect(postgres_database)
    with pytest.raises(psycopg2.errors.UndefinedTable):
        report_tables(connection, "")
    assert connection.info.transaction_status == TRANSACTION_STATUS_IDLE
    connection.close()


def test_a_callers_transaction_goes_on(warehouse: Connection) -> None:
    insert(warehouse, "fact_sales", [_line(1, NEWEST, gross=Decimal(1))])
    refresh_marts(warehouse, SHAPE / "marts")
    assert read_figures(warehouse).newest_date == NEWEST
    warehouse.rollback()
    assert read_figures(warehouse).newest_date is None


def _sell(connection: Connection, customers: list[Row], lines: list[Row]) -> None:
    insert(connection, "dim_customer", customers)
    insert(connection, "fact_sales", lines)
    refresh_marts(connection, SHAPE / "marts")
    connection.commit()


def _line(order: int, on: date, **said: Any) -> Row:
    return {"order_id": order, "date": on, **said}
