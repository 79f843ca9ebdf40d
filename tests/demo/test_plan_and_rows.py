"""The generator without a database: determinism, shape and arithmetic."""

from __future__ import annotations

from datetime import date
from hashlib import sha256
from pathlib import Path

import phonenumbers
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from email_validator import EmailNotValidError, validate_email

from demo.defects import KINDS, days_of
from demo.shop import Shop, ShopPlan
from demo.tables import SCHEMAS, Row
from etl.catalog_files import load_catalog

CATALOG = Path(__file__).parents[2] / "catalog"


def digest(shop: Shop) -> str:
    content = sha256()
    for changes in [*shop.opening(), *(c for day in range(1, shop.plan.days + 1) for c in shop.day(day))]:
        for rows in (changes.inserted, changes.updated, changes.deleted):
            content.update(changes.table.encode())
            if rows is not None:
                content.update(repr(rows.to_pylist()).encode())
    return content.hexdigest()


def test_the_same_plan_gives_the_same_shop_and_another_seed_another_one() -> None:
    assert digest(Shop(ShopPlan(scale=0.05))) == digest(Shop(ShopPlan(scale=0.05)))
    assert digest(Shop(ShopPlan(scale=0.05))) != digest(Shop(ShopPlan(scale=0.05, seed=2)))


def test_scale_1_has_the_size_that_the_issue_names() -> None:
    shop = Shop(ShopPlan())
    tables = {c.table: c.inserted.num_rows for c in shop.opening() if c.inserted is not None}
    for day in range(1, 8):
        for changes in shop.day(day):
            tables[changes.table] += changes.inserted.num_rows if changes.inserted is not None else 0
    returned = shop.ledger.injected("deleted_and_returned_customer", 7)
    assert tables["customers"] == 2_000 + returned
    assert (tables["products"], tables["stores"], tables["orders"]) == (300, 6, 20_000)
    assert 54_000 < tables["order_items"] < 56_000


@pytest.mark.parametrize("days", [1, 2, 3, 5, 7])
@pytest.mark.parametrize("scale", [0.02, 0.1])
def test_small_and_short_shops_can_be_made(scale: float, days: int) -> None:
    shop = Shop(ShopPlan(scale=scale, days=days))
    assert len(list(shop.opening())) == len(SCHEMAS)
    assert all(o.day <= days for kind in KINDS for o in shop.ledger.occurrences(kind, days))


def test_each_kind_happens_at_least_twice_and_grows_with_the_scale() -> None:
    for kind in KINDS:
        small, large = len(days_of(kind, ShopPlan(scale=0.05))), len(days_of(kind, ShopPlan(scale=10)))
        assert 2 <= small < large, kind


def test_the_tables_are_those_that_the_catalog_reads() -> None:
    catalog = load_catalog(CATALOG)
    for name, schema in SCHEMAS.items():
        table = catalog.tables[f"shop.{name}"]
        wanted = [column.source_name or column_name for column_name, column in table.columns.items()]
        assert schema.names == [column for column in wanted if column != "order_updated_at"], name


def test_orders_add_up_unless_their_total_was_spoilt() -> None:
    shop = Shop(ShopPlan(scale=0.2))
    spoilt = {o.key[0] for o in shop.ledger.occurrences("total_mismatch", 7)}
    orders, lines = shop.orders.opening()
    days = [shop.orders.changes(day) for day in range(1, 8)]
    duplicates = {o.key for o in shop.ledger.occurrences("duplicate_line", 7)}
    state = {
        row["order_id"]: row
        for part in [orders, *(d[0] for d in days)]
        for row in rows_in(part.inserted, part.updated)
    }
    items = {
        row["order_item_id"]: row
        for part in [lines, *(d[1] for d in days)]
        for row in rows_in(part.inserted, part.updated)
    }
    for day in days:
        for row in rows_in(day[1].deleted):
            del items[row["order_item_id"]]
    expected = dict.fromkeys(state, 0)
    for row in items.values():
        if (row["order_id"], row["line_number"]) in duplicates:
            duplicates.remove((row["order_id"], row["line_number"]))
            continue
        expected[row["order_id"]] += row["quantity"] * row["unit_price"] - (row["discount_amount"] or 0)
    wrong = {
        order_id
        for order_id, row in state.items()
        if row["total_amount"]
        != expected[order_id] - (row["discount_amount"] or 0) + row["tax_amount"] + row["shipping_cost"]
    }
    assert wrong == spoilt
    assert not duplicates


def rows_in(*tables: pa.Table | None) -> list[Row]:
    return [row for table in tables if table is not None for row in table.to_pylist()]


def test_all_that_happens_on_a_day_carries_the_time_of_that_day_but_for_the_old_timestamps() -> None:
    shop = Shop(ShopPlan(scale=0.5))
    for day in range(1, 8):
        on_time = shop.plan.date_of(day)
        for changes in shop.day(day):
            column = "recorded_at" if changes.table == "product_prices" else "updated_at"
            for rows in (changes.inserted, changes.updated):
                if rows is None or column not in rows.column_names:
                    continue
                dates = pc.cast(rows[column], pa.date32()).to_pylist()
                early = sum(1 for value in dates if value < on_time)
                old = [o for o in shop.ledger.occurrences("old_timestamp_change", day) if o.day == day]
                returned = [
                    o for o in shop.ledger.occurrences("deleted_and_returned_customer", day) if o.day == day
                ]
                assert max(dates, default=on_time) == on_time or not dates
                assert early <= (len(old) + len(returned) if changes.table == "customers" else 0)
                assert changes.table != "customers" or rows is changes.inserted or early == len(old)


def test_orders_spread_over_weekdays_hours_countries_and_a_few_good_customers() -> None:
    shop = Shop(ShopPlan())
    customers = pa.array(shop.orders.customer_id[shop.orders.customer_id > 0])
    counts = sorted((v["counts"] for v in customers.value_counts().to_pylist()), reverse=True)
    share_of_best_fifth = sum(counts[: len(counts) // 5]) / sum(counts)
    assert 0.4 < share_of_best_fifth < 0.8
    hours = (shop.orders.ordered_at // 3_600_000_000) % 24
    assert (hours == 19).sum() > 5 * (hours == 3).sum()
    assert 0.15 < (shop.orders.store_id > 0).mean() < 0.45
    assert 0.05 < (shop.orders.customer_id == 0).mean() < 0.3


def test_texts_hold_what_breaks_careless_pipelines() -> None:
    rows = Shop(ShopPlan()).customers.log.rows(0)
    for column, sign in [
        ("last_name", "'"),
        ("last_name", '"'),
        ("first_name", "é"),
        ("address_line1", "\n"),
        ("address_line1", "\t"),
        ("address_line2", "\\"),
        ("address_line2", "🏠"),
        ("city", "  "),
    ]:
        assert pc.any(pc.match_substring(rows[column], sign)).as_py(), (column, sign)
    second = rows["address_line2"].to_pylist()
    assert {"", None, "NA"} <= set(second)


def test_only_the_injected_addresses_are_invalid() -> None:
    shop = Shop(ShopPlan(scale=0.5))
    bad = {o.key[0] for o in shop.ledger.occurrences("bad_email", 7)}
    refused = set()
    for row in shop.customers.log.rows(7).to_pylist():
        try:
            if row["email"] is not None:
                validate_email(row["email"].strip(), check_deliverability=False)
        except EmailNotValidError:
            refused.add(row["customer_id"])
    assert refused == bad


def test_nearly_all_telephone_numbers_are_valid_in_their_country() -> None:
    rows = [row for row in Shop(ShopPlan(scale=0.5)).customers.log.rows(0).to_pylist() if row["phone"]]
    wrong = []
    for row in rows:
        try:
            number = phonenumbers.parse(row["phone"], row["country"].upper())
        except phonenumbers.NumberParseException:
            wrong.append(row["phone"])
            continue
        if not phonenumbers.is_valid_number(number):
            wrong.append((row["country"], row["phone"]))
    assert 0 < len(wrong) < 0.03 * len(rows), wrong[:20]


def test_another_first_day_moves_the_whole_shop() -> None:
    shop = Shop(ShopPlan(scale=0.05, first_day=date(2024, 2, 27), days=3))
    assert shop.plan.date_of(3) == date(2024, 2, 29)
    assert max(shop.ledger.source_sums(3)) == date(2024, 2, 29)
