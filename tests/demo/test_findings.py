"""What the demo counts in the warehouse, on the real schema with rows whose names tell their role."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import psycopg2
import pytest

from demo.defects import Kind
from demo.findings import FINDABLE, found
from etl.catalog_files import load_catalog
from etl.settings import Settings
from etl.warehouse import open_warehouse

OPEN = "9999-12-31"
ISSUE_KINDS: tuple[Kind, ...] = (
    "bad_email",
    "negative_quantity",
    "unknown_product",
    "duplicate_line",
    "total_mismatch",
    "late_change",
    "change_back",
    "two_changes_in_a_day",
    "deleted_and_returned_customer",
    "late_order",
)


@pytest.fixture
def warehouse(settings: Settings, postgres_database: str) -> Iterator[Any]:
    open_warehouse(postgres_database, settings, load_catalog(settings.catalog_dir)).migrate()
    connection = psycopg2.connect(postgres_database)
    cursor = connection.cursor()
    cursor.execute("set time zone 'UTC'")
    for day in (1, 2, 3):
        run(cursor, f"day{day}", day)
    yield cursor
    connection.close()


def run(cursor: Any, run_id: str, day: int, status: str = "succeeded") -> None:
    cursor.execute(
        "insert into audit.runs (run_id, pipeline, business_date, status, finished_at, staging_schema)"
        " values (%s, 'daily-sales', %s, %s, now(), 's')",
        (run_id, f"2026-03-0{day}", status),
    )


def customer(cursor: Any, customer_id: int, start: str, end: str, city: str = "Köln", **more: Any) -> None:
    columns = {"customer_id": customer_id, "valid_from": start, "valid_to": end, "city": city, **more}
    places = ", ".join(["%s"] * len(columns))
    cursor.execute(
        f"insert into warehouse.dim_customer ({', '.join(columns)}) values ({places})",
        tuple(columns.values()),
    )


def price(cursor: Any, product_id: int, valid_from: str, run_id: str) -> None:
    cursor.execute(
        "insert into history.product"
        " (product_id, effective_at, sequence, source, operation, recorded_at, run_id)"
        " values (%s, %s, 1, 'shop.product_prices', 'upsert', now(), %s)",
        (product_id, valid_from, run_id),
    )


def quarantined(cursor: Any, table: str, run_id: str, payload: str) -> None:
    cursor.execute(
        "insert into audit.quarantine (run_id, table_name, row_key, rules, payload)"
        " values (%s, %s, '{}', '{r}', %s)",
        (run_id, table, payload),
    )


def test_an_empty_warehouse_has_nothing_to_find_and_every_kind_can_be_asked(warehouse: Any) -> None:
    assert set(ISSUE_KINDS) <= set(FINDABLE)
    assert {kind: found(warehouse.connection, kind) for kind in FINDABLE} == dict.fromkeys(FINDABLE, 0)


def test_an_address_counts_once_per_customer_and_none_is_no_bad_one(warehouse: Any) -> None:
    customer(warehouse, 1, "2026-01-01", "2026-02-01", email="no-address", is_email_valid=False)
    customer(warehouse, 1, "2026-02-01", OPEN, email="no-address", is_email_valid=False)
    customer(warehouse, 2, "2026-01-01", OPEN, email="a@example.com", is_email_valid=True)
    customer(warehouse, 3, "2026-01-01", OPEN)
    assert found(warehouse.connection, "bad_email") == 1


def test_a_gap_is_a_return_and_a_third_version_like_the_first_a_change_back(warehouse: Any) -> None:
    for number, cities in enumerate((["Köln", "Bonn", "Köln"], ["Köln", "Bonn", "Ulm"]), start=1):
        customer(warehouse, number, "2026-01-01", "2026-02-01", cities[0])
        customer(warehouse, number, "2026-02-01", "2026-03-01", cities[1])
        customer(warehouse, number, "2026-03-01", OPEN, cities[2])
    customer(warehouse, 3, "2026-01-01", "2026-02-01")
    customer(warehouse, 3, "2026-02-02", OPEN)
    assert found(warehouse.connection, "change_back") == 1
    assert found(warehouse.connection, "deleted_and_returned_customer") == 1


def test_a_row_that_is_held_back_again_is_still_one(warehouse: Any) -> None:
    for run_id in ("day1", "day2"):
        quarantined(
            warehouse, "shop.order_items", run_id, '{"order_id": 1, "line_number": 2, "quantity": -1}'
        )
        quarantined(warehouse, "shop.orders", run_id, '{"order_id": 7}')
    quarantined(warehouse, "shop.order_items", "day1", '{"order_id": 7, "line_number": 1, "quantity": 1}')
    assert found(warehouse.connection, "negative_quantity") == 1
    assert found(warehouse.connection, "total_mismatch") == 1


def test_a_day_that_was_run_twice_counts_its_second_copies_once(warehouse: Any) -> None:
    run(warehouse, "day2-again", 2)
    run(warehouse, "day2-failed", 2, "failed")
    for run_id, dropped in (("day1", 2), ("day2", 1), ("day2-again", 1), ("day2-failed", 9)):
        warehouse.execute(
            "insert into audit.run_tables (run_id, name, role, dropped)"
            " values (%s, 'shop.order_items', 'source', %s)",
            (run_id, dropped),
        )
    assert found(warehouse.connection, "duplicate_line") == 3


def test_prices_are_late_only_after_the_first_run_and_double_only_within_a_day(warehouse: Any) -> None:
    price(warehouse, 1, "2025-01-01", "day1")
    price(warehouse, 1, "2026-02-25", "day3")
    price(warehouse, 2, "2026-03-03 08:00", "day3")
    price(warehouse, 2, "2026-03-03 12:00", "day3")
    assert found(warehouse.connection, "late_change") == 1
    assert found(warehouse.connection, "two_changes_in_a_day") == 1
