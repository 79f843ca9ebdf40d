"""Stories of the shop told as numbered loads, asserting whole rows on a real warehouse."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from etl.catalog import Catalog
from etl.catalog_files import load_catalog
from etl.errors import ReleaseRefused
from etl.handles import Release, TableOutcome
from etl.settings import Settings
from etl.warehouse.database import from_json
from etl.warehouse.release import take_turn
from tests.systems import BOTH_SYSTEMS
from tests.warehouse.rows import at, cursor_of, customer, line, order, price, product
from tests.warehouse.world import Batch, World

pytestmark = BOTH_SYSTEMS

START = at("2026-05-01 00:00")


@pytest.fixture
def shop(settings: Settings) -> Iterator[World]:
    """An empty warehouse of the demo's catalog."""
    assert settings.warehouse_url is not None
    world = World(settings.warehouse_url.get_secret_value(), settings, load_catalog(settings.catalog_dir))
    yield world
    world.close()


def test_an_order_before_its_customer_makes_a_member_that_the_record_fills_in_place(shop: World) -> None:
    """Law S17."""
    sales(shop, [order(1, "2026-05-02 10:00")], [line(1, 1)])
    (inferred,) = shop.query(
        "select customer_key, is_inferred, valid_from from warehouse.dim_customer where customer_id = 1"
    )
    assert inferred[1:] == (True, at("1000-01-01 00:00"))
    shop.load(Batch({"shop.customers": [customer(1, "2026-05-03 08:00", city="Nice")]}))
    (filled,) = shop.query(
        "select customer_key, is_inferred, city, valid_from from warehouse.dim_customer where customer_id = 1"
    )
    assert filled == (inferred[0], False, "Nice", at("1000-01-01 00:00"))
    assert shop.query("select customer_key from warehouse.fact_sales") == [(inferred[0],)]


def test_a_move_makes_a_version_and_a_late_move_splits_it_and_repoints_its_facts(shop: World) -> None:
    """Laws S2, S8, S16."""
    shop.load(Batch({"shop.customers": [customer(1, "2026-05-01 00:00", city="Lyon")]}))
    sales(shop, [order(1, "2026-04-01 10:00"), order(2, "2026-05-03 10:00")], [line(1, 1), line(2, 1)])
    assert cities_of_orders(shop) == [(1, "Lyon"), (2, "Lyon")]
    release = shop.load(Batch({"shop.customers": [customer(1, "2026-05-02 00:00", city="Nice")]}))
    assert cities_of_orders(shop) == [(1, "Lyon"), (2, "Nice")]
    assert outcome(release, "fact_sales").repointed == 1
    late = shop.load(Batch({"shop.customers": [customer(1, "2026-05-01 12:00", city="Metz")]}))
    assert outcome(late, "shop.customers").late == 1
    split = [
        ("Lyon", START, at("2026-05-01 12:00")),
        ("Metz", at("2026-05-01 12:00"), at("2026-05-02 00:00")),
        ("Nice", at("2026-05-02 00:00"), at("2026-06-01 00:00")),
        ("Metz", at("2026-06-01 00:00"), None),
    ]
    assert versions(shop) == split, "what the source shows now is current from when it was seen (X1)"
    restored = customer(1, "2026-05-02 00:00", city="Nice")
    key = {"customer_id": 1, "_cursor": restored["_cursor"]}
    assert shop.missed("shop.customers", [key], high="2026-07-01 00:00:00.000000") == [{"customer_id": 1}]
    shop.load(Batch({"shop.customers": [restored]}, as_of="2026-07-01 00:00:00.000000"))
    assert versions(shop) == [
        *split[:3],
        (*split[3][:2], at("2026-07-01 00:00")),
        ("Nice", at("2026-07-01 00:00"), None),
    ]
    assert shop.missed("shop.customers", [key], high="2026-07-01 00:00:00.000000") == []


def test_a_deleted_customer_leaves_a_gap_and_comes_back_after_it_even_with_its_old_time(shop: World) -> None:
    """Laws S3, X8: the end and the return are effective when the snapshots showed them."""
    many = [customer(n, "2026-05-01 00:00") for n in range(1, 31)]
    keys = [{"customer_id": c["customer_id"], "_cursor": c["_cursor"]} for c in many]
    shop.load(Batch({"shop.customers": many}, {"shop.customers": keys}, "2026-05-02 00:00:00.000000"))
    gone = shop.load(
        Batch({"shop.customers": []}, {"shop.customers": keys[1:]}, "2026-05-03 00:00:00.000000")
    )
    assert (outcome(gone, "dim_customer").expired, outcome(gone, "shop.customers").expired) == (1, 1)
    sales(shop, [order(1, "2026-05-03 10:00")], [line(1, 1)])
    assert cities_of_orders(shop) == [(1, "Lyon")], "in the gap a fact gets the last version before it (S16)"
    shop.load(Batch({"shop.customers": many[:1]}, {"shop.customers": keys}, "2026-05-05 00:00:00.000000"))
    assert versions(shop) == [
        ("Lyon", START, at("2026-05-03 00:00")),
        ("Lyon", at("2026-05-05 00:00"), None),
    ]
    again = shop.load(
        Batch({"shop.customers": many[:1]}, {"shop.customers": keys}, "2026-05-05 00:00:00.000000")
    )
    assert outcome(again, "dim_customer") == replace(
        TableOutcome("dim_customer", "dimension"), seconds=outcome(again, "dim_customer").seconds
    )


def test_a_row_that_makes_two_events_counts_as_one(shop: World) -> None:
    """Law R3: a change with an old time holds from then and again from now (laws S8, X1)."""
    shop.load(Batch({"shop.customers": [customer(1, "2026-05-10 00:00", city="Lyon")]}))
    release = shop.load(Batch({"shop.customers": [customer(1, "2026-05-01 00:00", city="Nice")]}))
    (outcome,) = [o for o in release.outcomes if o.name == "shop.customers"]
    assert (outcome.extracted, outcome.inserted, outcome.unchanged) == (1, 1, 0)
    assert shop.query("select count(*) from history.customer where customer_id = 1") == [(3,)]


def test_price_list_and_product_make_versions_together_and_the_cost_follows_a_late_price(shop: World) -> None:
    """Laws S6, S7, S8: two prices in a day both count; profit comes from the version's cost."""
    shop.load(
        Batch(
            {
                "shop.products": [product(1, "2026-05-01 00:00")],
                "shop.product_prices": [
                    price(1, 1, "2026-05-01 00:00", "4.00"),
                    price(2, 1, "2026-05-02 09:00", "5.00"),
                    price(3, 1, "2026-05-02 15:00", "6.00"),
                ],
            }
        )
    )
    orders = [order(1, "2026-05-02 08:00"), order(2, "2026-05-02 12:00"), order(3, "2026-05-02 18:00")]
    sales(shop, orders, [line(n, 1) for n in (1, 2, 3)])
    assert costs(shop) == [
        (1, Decimal("4.00"), Decimal("6.00")),
        (2, Decimal("5.00"), Decimal("5.00")),
        (3, Decimal("6.00"), Decimal("4.00")),
    ]
    shop.load(Batch({"shop.product_prices": [price(9, 1, "2026-05-02 11:00", "7.50")]}))
    assert costs(shop)[1] == (2, Decimal("7.50"), Decimal("2.50"))
    brands = shop.query(
        "select distinct b.brand_name, p.brand_key = b.brand_key from warehouse.dim_product as p"
        " inner join warehouse.dim_brand as b using (brand_key) where p.product_id = 1"
    )
    assert brands == [("Ark", True)]


def test_a_segment_keeps_its_previous_value_and_a_registration_date_its_first(shop: World) -> None:
    """Law S12."""
    first = customer(
        1,
        "2026-05-01 00:00",
        customer_segment="Consumer",
        registration_date="2020-01-01",
        email="a@example.com",
    )
    moved = customer(
        1,
        "2026-05-04 00:00",
        customer_segment="Corporate",
        registration_date="2021-01-01",
        email="b@example.com",
    )
    same = customer(
        1,
        "2026-05-05 00:00",
        customer_segment="Corporate",
        registration_date="2022-01-01",
        email="b@example.com",
    )
    for row in (first, moved, same):
        shop.load(Batch({"shop.customers": [row]}))
    assert shop.query(
        "select email, customer_segment, previous_customer_segment, customer_segment_changed_at,"
        " registration_date from warehouse.dim_customer where customer_id = 1"
    ) == [("b@example.com", "Corporate", "Consumer", at("2026-05-04 00:00"), date(2020, 1, 1))]


def test_an_order_is_updated_in_place_and_a_line_that_left_it_leaves_the_fact(shop: World) -> None:
    """Laws F1, F3, X1."""
    sales(shop, [order(1, "2026-05-02 10:00", tax_amount=Decimal("1.00"))], [line(1, 1), line(1, 2, "20.00")])
    assert shop.query("select line_number, tax_amount from warehouse.fact_sales order by 1") == [
        (1, Decimal("0.33")),
        (2, Decimal("0.67")),
    ]
    corrected = order(1, "2026-05-02 10:00", tax_amount=Decimal("1.00"), order_status="cancelled")
    release = sales(shop, [corrected], [line(1, 2, "20.00")])
    assert shop.query(
        "select line_number, tax_amount, order_status, is_cancelled from warehouse.fact_sales"
    ) == [(2, Decimal("1.00"), "cancelled", True)]
    assert (outcome(release, "fact_sales").updated, outcome(release, "fact_sales").removed) == (1, 1)


def test_releasing_the_same_rows_again_writes_none(shop: World) -> None:
    """Laws R4, S9."""
    batch = Batch(
        {
            "shop.customers": [customer(1, "2026-05-01 00:00")],
            "shop.products": [product(1, "2026-05-01 00:00")],
        }
    )
    shop.load(batch)
    rows = ([order(1, "2026-05-02 10:00")], [line(1, 1), line(1, 2)])
    sales(shop, *rows)
    before = everything(shop)
    shop.load(batch)
    release = sales(shop, *rows)
    assert everything(shop) == before
    assert outcome(release, "fact_sales").unchanged == 2


def test_duplicates_orphans_and_missing_keys_are_settled_before_the_gate(shop: World) -> None:
    """Laws S10, S11, Q2, R3."""
    twin = line(1, 1)
    lines = [
        twin,
        {**twin, "order_item_id": 999},
        line(1, None),
        line(2, 1),
        {**line(2, 1, "11.00"), "order_item_id": 998},
    ]
    release = sales(shop, [order(1, "2026-05-02 10:00"), order(2, "2026-05-02 11:00")], lines)
    counts = outcome(release, "shop.order_items")
    assert (counts.extracted, counts.inserted, counts.dropped, counts.quarantined) == (5, 1, 1, 3)
    rules = Counter(
        rule for (kept,) in shop.query("select rules from audit.quarantine") for rule in from_json(kept)
    )
    assert rules == {"duplicates_conflict": 2, "key_is_missing": 1}


def test_lines_of_an_order_that_moved_on_while_it_was_read_wait_for_the_next_window(shop: World) -> None:
    release = sales(shop, [order(1, "2026-05-02 10:00")], [line(1, 1), line(2, 1)])
    assert (outcome(release, "shop.order_items").dropped, outcome(release, "shop.order_items").inserted) == (
        1,
        1,
    )


def test_a_mass_delete_is_refused_with_its_counts_and_nothing_is_published(shop: World) -> None:
    """Law S13."""
    many = [customer(n, "2026-05-01 00:00") for n in range(1, 31)]
    keys = [{"customer_id": c["customer_id"], "_cursor": c["_cursor"]} for c in many]
    shop.load(Batch({"shop.customers": many}, {"shop.customers": keys}))
    before = everything(shop)
    with pytest.raises(ReleaseRefused, match="end 30 of the 30 current members of dim_customer"):
        shop.load(Batch({"shop.customers": []}, {"shop.customers": []}))
    assert everything(shop) == before


def test_a_run_takes_until_its_release_is_made(shop: World) -> None:
    """The time that a release waits for its turn and works belongs to its run (law R5)."""
    with shop.database.own_session() as clock, ThreadPoolExecutor(1) as pool:
        with shop.database.session() as holder:
            take_turn(holder)
            loading = pool.submit(shop.load, Batch({"shop.customers": [customer(1, "2026-05-01 00:00")]}))
            with pytest.raises(TimeoutError):
                loading.result(timeout=1)
            before = clock.single(f"select {shop.database.now}")
        loading.result(timeout=60)
    assert shop.query("select finished_at > %s from audit.runs", [before]) == [(True,)]


def test_a_row_that_is_not_accounted_for_rolls_the_release_back(shop: World) -> None:
    """Law R3: one more row said to be extracted than arrived."""
    with pytest.raises(ReleaseRefused, match=r"2 rows were extracted, but 1 are accounted for"):
        shop.load(Batch({"shop.customers": [customer(1, "2026-05-01 00:00")]}, lost={"shop.customers": 1}))
    assert shop.query("select count(*) from warehouse.dim_customer where customer_key > 0") == [(0,)]
    assert shop.query("select count(*) from audit.watermarks") == [(0,)]


def test_a_key_is_missed_when_its_row_changed_behind_the_window(shop: World) -> None:
    """Law X1: the old-timestamp change is found by comparing keys and cursors."""
    shop.load(Batch({"shop.customers": [customer(1, "2026-05-10 00:00")]}))
    key = {"customer_id": 1, "_cursor": cursor_of(at("2026-04-01 00:00"))}
    assert shop.missed("shop.customers", [key], high="2026-06-01 00:00:00.000000") == [{"customer_id": 1}]
    known = {"customer_id": 1, "_cursor": cursor_of(at("2026-05-10 00:00"))}
    assert shop.missed("shop.customers", [known], high="2026-06-01 00:00:00.000000") == []
    later = {"customer_id": 2, "_cursor": cursor_of(at("2026-07-01 00:00"))}
    assert shop.missed("shop.customers", [later], high="2026-06-01 00:00:00.000000") == []


def test_an_attribute_that_the_catalog_gains_makes_no_version_and_leaves_history_null(
    shop: World, settings: Settings
) -> None:
    """Law S14; from then on a change of it makes versions."""
    for city, updated_at in (("Lyon", "2026-05-01 00:00"), ("Nice", "2026-05-02 00:00")):
        shop.load(Batch({"shop.customers": [customer(1, updated_at, city=city)]}))
    grown = World(shop.url, settings, _with_tier(shop.catalog))
    for tier, updated_at in (("gold", "2026-05-03 00:00"), ("silver", "2026-05-04 00:00")):
        grown.load(Batch({"shop.customers": [customer(1, updated_at, city="Nice", tier=tier)]}))
    grown.close()
    assert shop.query(
        "select city, tier, valid_from from warehouse.dim_customer where customer_id = 1 order by 3"
    ) == [
        ("Lyon", None, at("2026-05-01 00:00")),
        ("Nice", "gold", at("2026-05-02 00:00")),
        ("Nice", "silver", at("2026-05-04 00:00")),
    ]


def _with_tier(catalog: Catalog) -> Catalog:
    declared = catalog.model_dump()
    declared["tables"]["shop.customers"]["columns"]["tier"] = {"type": "text"}
    declared["dimensions"]["customer"]["attributes"]["tier"] = {"type": "text", "scd": 2}
    return Catalog.model_validate(declared)


def sales(shop: World, orders: list[dict[str, Any]], lines: list[dict[str, Any]]) -> Release:
    return shop.load(Batch({"shop.orders": orders, "shop.order_items": lines}))


def outcome(release: Release, name: str) -> TableOutcome:
    return next(o for o in release.outcomes if o.name == name)


def versions(shop: World) -> list[tuple[Any, ...]]:
    return shop.query(
        "select city, valid_from, case when is_current then null else valid_to end"
        " from warehouse.dim_customer where customer_id = 1 order by valid_from"
    )


def cities_of_orders(shop: World) -> list[tuple[Any, ...]]:
    return shop.query(
        "select f.order_id, d.city from warehouse.fact_sales as f"
        " inner join warehouse.dim_customer as d using (customer_key) order by 1"
    )


def costs(shop: World) -> list[tuple[Any, ...]]:
    return shop.query("select order_id, cost_amount, profit_amount from warehouse.fact_sales order by 1")


def everything(shop: World) -> list[list[tuple[Any, ...]]]:
    """Every dimension and fact row with what wrote it."""
    relations = ("dim_customer", "dim_product", "dim_store", "dim_brand", "dim_category", "fact_sales")
    return shop.written(*relations)


def test_staging_that_a_crash_of_the_server_emptied_is_refused(shop: World) -> None:
    """Laws R3, R6: unlogged tables come back empty, and an empty list of keys would end every member."""
    known = customer(1, "2026-05-01 00:00")
    shop.load(Batch({"shop.customers": [known]}))
    run = shop.staged_then_lost("shop.customers", [known])
    with pytest.raises(ReleaseRefused, match="holds 0 rows, but 1 were loaded"):
        shop.publish_lost(run)
    assert versions(shop) == [("Lyon", START, None)]


def test_a_member_that_comes_and_goes_at_one_instant_keeps_its_key_for_those_who_name_it(shop: World) -> None:
    """Law S2: a delete never lies at the very start of the version it ends."""
    brand = {"brand_name": "Zed", "brand_description": None, "country_of_origin": "FR", "_cursor": None}
    others = [{**brand, "brand_name": f"Brand {n}"} for n in range(30)]
    keys = [{"brand_name": b["brand_name"], "_cursor": None} for b in [*others, brand]]
    day = "2026-05-02 00:00:00.000000"
    rows: dict[str, Sequence[dict[str, Any]]] = {
        "shop.brands": [*others, brand],
        "shop.products": [product(1, "2026-05-01 00:00", brand="Zed")],
    }
    shop.load(Batch(rows, {"shop.brands": keys}, day))
    shop.load(Batch({"shop.brands": others}, {"shop.brands": keys[:-1]}, day))
    statement = "select is_current from warehouse.dim_brand where brand_name = 'Zed'"
    assert shop.query(statement) == [(False,)]


def test_a_returned_customer_read_once_more_changes_nothing(shop: World) -> None:
    """Laws S4, R4: a full refresh reads the row with its old time again; the closed version stays."""
    many = [customer(n, "2026-05-01 00:00") for n in range(1, 31)]
    keys = [{"customer_id": c["customer_id"], "_cursor": c["_cursor"]} for c in many]
    back = [customer(1, "2026-05-01 00:00", city="Metz"), *many[1:]]
    shop.load(Batch({"shop.customers": many}, {"shop.customers": keys}, "2026-05-02 00:00:00.000000"))
    shop.load(Batch({"shop.customers": []}, {"shop.customers": keys[1:]}, "2026-05-03 00:00:00.000000"))
    shop.load(Batch({"shop.customers": back[:1]}, {"shop.customers": keys}, "2026-05-05 00:00:00.000000"))
    expected = [("Lyon", START, at("2026-05-03 00:00")), ("Metz", at("2026-05-05 00:00"), None)]
    assert versions(shop) == expected
    before = everything(shop)
    shop.load(Batch({"shop.customers": back}, {"shop.customers": keys}, "2026-05-06 00:00:00.000000"))
    assert everything(shop) == before
