"""What the demo counts in the warehouse, on the real schema with rows whose names tell their role."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from demo.defects import Kind
from demo.findings import FINDABLE, found
from etl.catalog_files import load_catalog
from etl.settings import Settings
from etl.warehouse import open_database, open_warehouse
from etl.warehouse.database import Session

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
def warehouse(settings: Settings, warehouse_database: str) -> Iterator[Session]:
    open_warehouse(warehouse_database, settings, load_catalog(settings.catalog_dir)).migrate()
    with open_database(warehouse_database, settings).session() as session:
        for day in (1, 2, 3):
            run(session, f"day{day}", day)
        yield session


def run(session: Session, run_id: str, day: int, status: str = "succeeded") -> None:
    session.execute(
        "insert into audit.runs (run_id, pipeline, business_date, status, finished_at, staging_schema)"
        " values (%s, 'daily-sales', %s, %s, now(), 's')",
        (run_id, f"2026-03-0{day}", status),
    )


def customer(
    session: Session, customer_id: int, start: str, end: str, city: str = "Köln", **more: Any
) -> None:
    columns = {"customer_id": customer_id, "valid_from": start, "valid_to": end, "city": city, **more}
    places = ", ".join(["%s"] * len(columns))
    session.execute(
        f"insert into warehouse.dim_customer ({', '.join(columns)}) values ({places})",
        tuple(columns.values()),
    )


def price(session: Session, product_id: int, valid_from: str, run_id: str) -> None:
    session.execute(
        "insert into history.product"
        " (product_id, effective_at, sequence, source, operation, recorded_at, run_id)"
        " values (%s, %s, 1, 'shop.product_prices', 'upsert', now(), %s)",
        (product_id, valid_from, run_id),
    )


def quarantined(session: Session, table: str, run_id: str, payload: str) -> None:
    session.execute(
        "insert into audit.quarantine (run_id, table_name, row_key, rules, payload)"
        " values (%s, %s, '{}', '{r}', %s)",
        (run_id, table, payload),
    )


def test_an_empty_warehouse_has_nothing_to_find_and_every_kind_can_be_asked(warehouse: Session) -> None:
    assert set(ISSUE_KINDS) <= set(FINDABLE)
    assert {kind: found(warehouse, kind) for kind in FINDABLE} == dict.fromkeys(FINDABLE, 0)


def test_an_address_counts_once_per_customer_and_none_is_no_bad_one(warehouse: Session) -> None:
    customer(warehouse, 1, "2026-01-01", "2026-02-01", email="no-address", is_email_valid=False)
    customer(warehouse, 1, "2026-02-01", OPEN, email="no-address", is_email_valid=False)
    customer(warehouse, 2, "2026-01-01", OPEN, email="a@example.com", is_email_valid=True)
    customer(warehouse, 3, "2026-01-01", OPEN)
    assert found(warehouse, "bad_email") == 1


def test_a_gap_is_a_return_and_a_third_version_like_the_first_a_change_back(warehouse: Session) -> None:
    for number, cities in enumerate((["Köln", "Bonn", "Köln"], ["Köln", "Bonn", "Ulm"]), start=1):
        customer(warehouse, number, "2026-01-01", "2026-02-01", cities[0])
        customer(warehouse, number, "2026-02-01", "2026-03-01", cities[1])
        customer(warehouse, number, "2026-03-01", OPEN, cities[2])
    customer(warehouse, 3, "2026-01-01", "2026-02-01")
    customer(warehouse, 3, "2026-02-02", OPEN)
    assert found(warehouse, "change_back") == 1
    assert found(warehouse, "deleted_and_returned_customer") == 1


def test_a_row_that_is_held_back_again_is_still_one(warehouse: Session) -> None:
    for run_id in ("day1", "day2"):
        quarantined(
            warehouse, "shop.order_items", run_id, '{"order_id": 1, "line_number": 2, "quantity": -1}'
        )
        quarantined(warehouse, "shop.orders", run_id, '{"order_id": 7}')
    quarantined(warehouse, "shop.order_items", "day1", '{"order_id": 7, "line_number": 1, "quantity": 1}')
    assert found(warehouse, "negative_quantity") == 1
    assert found(warehouse, "total_mismatch") == 1


def test_a_day_that_was_run_twice_counts_its_second_copies_once(warehouse: Session) -> None:
    run(warehouse, "day2-again", 2)
    run(warehouse, "day2-failed", 2, "failed")
    for run_id, dropped in (("day1", 2), ("day2", 1), ("day2-again", 1), ("day2-failed", 9)):
        warehouse.execute(
            "insert into audit.run_tables (run_id, name, role, dropped)"
            " values (%s, 'shop.order_items', 'source', %s)",
            (run_id, dropped),
        )
    assert found(warehouse, "duplicate_line") == 3


def test_prices_are_late_only_after_the_first_run_and_double_only_within_a_day(warehouse: Session) -> None:
    price(warehouse, 1, "2025-01-01", "day1")
    price(warehouse, 1, "2026-02-25", "day3")
    price(warehouse, 2, "2026-03-03 08:00", "day3")
    price(warehouse, 2, "2026-03-03 12:00", "day3")
    assert found(warehouse, "late_change") == 1
    assert found(warehouse, "two_changes_in_a_day") == 1


def insert(session: Session, table: str, **values: Any) -> None:
    places = ", ".join(["%s"] * len(values))
    session.execute(f"insert into {table} ({', '.join(values)}) values ({places})", tuple(values.values()))


def fact(session: Session, name: str, **values: Any) -> None:
    insert(session, f"warehouse.fact_{name}", date_key=-1, inserted_run_id="r", updated_run_id="r", **values)


def test_what_the_web_tells_late_is_known_by_its_time_of_change(warehouse: Session) -> None:
    customer(warehouse, 1, "2026-01-01", OPEN)
    known = warehouse.single("select customer_key from warehouse.dim_customer where customer_key > 0")
    times = {"started_at": "2026-03-01 10:00", "ended_at": "2026-03-01 10:20"}
    for session_id, key, updated_at in (
        ("on time", known, "2026-03-01 10:20"),
        ("guest", -1, "2026-03-02 04:00"),
        ("late", known, "2026-03-02 04:00"),
    ):
        fact(
            warehouse,
            "web_sessions",
            session_id=session_id,
            customer_key=key,
            updated_at=updated_at,
            **times,
        )
    for conversion_id, updated_at in (("on time", "2026-03-01 10:01"), ("late", "2026-03-02 04:00")):
        money = {"revenue_amount": 1, "currency_code": "USD", "exchange_rate": 1, "revenue_usd_amount": 1}
        fact(
            warehouse,
            "conversions",
            conversion_id=conversion_id,
            session_id="late",
            converted_at="2026-03-01 10:00",
            updated_at=updated_at,
            **money,
        )
    assert found(warehouse, "late_session") == found(warehouse, "late_conversion") == 1


def test_page_views_that_leave_count_once_however_often_a_day_was_run(warehouse: Session) -> None:
    run(warehouse, "day2-again", 2)
    for run_id, removed in (("day1", 0), ("day2", 3), ("day2-again", 0), ("day3", 1)):
        insert(
            warehouse, "audit.run_tables", run_id=run_id, name="fact_page_views", role="fact", removed=removed
        )
    assert found(warehouse, "withdrawn_page_view") == 4


def test_only_currencies_without_a_rate_are_unknown(warehouse: Session) -> None:
    fact(warehouse, "exchange_rates", rate_date="2026-03-01", currency_code="GBP", rate=1)
    for conversion_id, currency in (("c1", "PTS"), ("c1", "PTS"), ("c2", "GBP")):
        payload = f'{{"conversion_id": "{conversion_id}", "currency_code": "{currency}"}}'
        quarantined(warehouse, "analytics.conversions", "day1", payload)
    assert found(warehouse, "unknown_currency") == 1


def test_broken_files_are_told_apart_by_the_reason(warehouse: Session) -> None:
    for number, (status, reason) in enumerate(
        [
            ("quarantined", "its header lacks 'store_id'; it has '1'"),
            ("quarantined", "it is broken JSON: it ends"),
            (
                "quarantined",
                "it is broken: Compressed file ended before the end-of-stream marker was reached",
            ),
            ("loaded", None),
        ]
    ):
        insert(
            warehouse,
            "audit.files",
            table_name="drop.stock_csv",
            content_hash=str(number),
            path="inventory/a.csv",
            byte_count=1,
            row_count=0,
            status=status,
            reason=reason,
            run_id="day1",
        )
    assert found(warehouse, "headless_file") == 1
    assert found(warehouse, "truncated_file") == 2


def test_broken_rows_are_told_apart_and_count_once(warehouse: Session) -> None:
    rejects = [
        (1, None, "line 2: has 8 fields, where 7 are expected"),
        (1, None, "line 2: has 8 fields, where 7 are expected"),
        (2, "on_hand_quantity", "is not a whole number"),
        (3, "counted_at", "is not an instant"),
    ]
    for row, column, reason in rejects:
        insert(
            warehouse,
            "audit.rejected_rows",
            run_id="day1",
            table_name="drop.stock_csv",
            column_name=column,
            reason=reason,
            payload=f'{{"_source_row": {row}}}',
        )
    assert found(warehouse, "ragged_row") == found(warehouse, "bad_number") == 1


def test_counts_that_are_negative_corrected_or_of_unknown_products(warehouse: Session) -> None:
    insert(
        warehouse,
        "warehouse.dim_product",
        product_id=9,
        valid_from="1000-01-01",
        valid_to=OPEN,
        is_inferred=True,
    )
    unknown = warehouse.single("select product_key from warehouse.dim_product where product_id = 9")
    for product_id, key, counted_at, exported_at in (
        (1, -1, "2026-03-01 08:00", "2026-03-01 08:05"),
        (1, -1, "2026-03-01 12:00", "2026-03-02 07:00"),
        (2, -1, "2026-03-01 12:00", "2026-03-02 07:00"),
        (9, unknown, "2026-03-01 08:00", "2026-03-01 08:25"),
    ):
        fact(
            warehouse,
            "inventory_snapshots",
            product_id=product_id,
            store_id=1,
            product_key=key,
            store_key=-1,
            counted_at=counted_at,
            exported_at=exported_at,
            on_hand_quantity=1,
            source_file="inventory/a.csv",
        )
    for table, quantity in (("drop.stock_xml", -3), ("drop.stock_xml", 3), ("shop.order_items", -3)):
        quarantined(warehouse, table, "day1", f'{{"on_hand_quantity": {quantity}, "quantity": 1}}')
    assert found(warehouse, "negative_stock") == 1
    assert found(warehouse, "corrected_count") == 1
    assert found(warehouse, "unknown_stock_product") == 1
    assert found(warehouse, "unknown_product") == 0, "no sale names it"
