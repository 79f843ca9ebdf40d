"""The ledger's versions, told as numbered stories and held against the stories of a whole shop."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise

import pytest

from demo.plan import ShopPlan, instant_of
from demo.row_log import RowLog
from demo.shop import Shop
from demo.tables import Row
from demo.versions import BEGINNING_OF_TIME, OPEN_END, Event, Version, derive_versions, observed_events

PLAN = ShopPlan(first_day=date(2026, 3, 2))
D1, D2, D3, D4 = (datetime(2026, 3, day, tzinfo=UTC) for day in (2, 3, 4, 5))
JANUARY = datetime(2026, 1, 10, 8, tzinfo=UTC)


def brand(name: str, updated_at: datetime) -> Row:
    return {"brand_name": "Ada", "city": name, "updated_at": updated_at.replace(tzinfo=None)}


def versions(log: RowLog, *days: int) -> list[tuple[datetime, datetime, str | None]]:
    derived = derive_versions(observed_events(PLAN, log, "Ada", days, ("city",)), ("city",))
    return [(v.valid_from, v.valid_to, v.attributes["city"]) for v in derived]


def log_of(*states: tuple[int, Row | None]) -> RowLog:
    log = RowLog("brands")
    for day, row in states:
        if row is None:
            log.drop(day, "Ada")
        else:
            log.put(day, row)
    return log


def test_1_a_move_closes_one_version_and_opens_the_next() -> None:
    log = log_of((0, brand("Köln", JANUARY)), (2, brand("Bonn", D2 + timedelta(hours=9))))
    assert versions(log, 1, 2) == [
        (JANUARY, D2 + timedelta(hours=9), "Köln"),
        (D2 + timedelta(hours=9), OPEN_END, "Bonn"),
    ]


def test_2_what_changed_before_the_first_look_was_never_known() -> None:
    log = log_of((0, brand("Köln", JANUARY)), (1, brand("Bonn", D1 + timedelta(hours=9))))
    assert versions(log, 1) == [(D1 + timedelta(hours=9), OPEN_END, "Bonn")]


def test_3_a_row_that_is_touched_without_a_change_keeps_its_version() -> None:
    log = log_of((0, brand("Köln", JANUARY)), (2, brand("Köln", D2 + timedelta(hours=9))))
    assert versions(log, 1, 2) == [(JANUARY, OPEN_END, "Köln")]


def test_4_a_deleted_row_ends_when_the_day_ends_that_missed_it() -> None:
    log = log_of((0, brand("Köln", JANUARY)), (2, None))
    assert versions(log, 1, 2) == [(JANUARY, D3, "Köln")]


def test_5_a_row_that_returns_with_a_fresh_time_starts_with_it() -> None:
    log = log_of((0, brand("Köln", JANUARY)), (1, None), (3, brand("Köln", D3 + timedelta(hours=5))))
    assert versions(log, 1, 2, 3) == [(D3 + timedelta(hours=5), OPEN_END, "Köln")]
    log = log_of((0, brand("Köln", JANUARY)), (2, None), (3, brand("Köln", D3 + timedelta(hours=5))))
    assert versions(log, 1, 2, 3) == [(JANUARY, D3, "Köln"), (D3 + timedelta(hours=5), OPEN_END, "Köln")]


def test_6_a_row_that_returns_with_its_old_time_starts_when_it_was_seen_again() -> None:
    log = log_of((0, brand("Köln", JANUARY)), (2, None), (3, brand("Köln", JANUARY)))
    assert versions(log, 1, 2, 3) == [(JANUARY, D3, "Köln"), (D4, OPEN_END, "Köln")]


def test_7_a_delete_and_return_between_two_looks_was_never_known() -> None:
    log = log_of((0, brand("Köln", JANUARY)), (2, None), (3, brand("Köln", JANUARY)))
    assert versions(log, 1, 3) == [(JANUARY, OPEN_END, "Köln")]


def test_8_a_change_with_an_old_time_splits_the_version_that_covers_it() -> None:
    late = D1 - timedelta(hours=30)
    log = log_of(
        (0, brand("Köln", JANUARY)), (2, brand("Bonn", D2 + timedelta(hours=9))), (3, brand("Ulm", late))
    )
    assert versions(log, 1, 2, 3) == [
        (JANUARY, late, "Köln"),
        (late, D2 + timedelta(hours=9), "Ulm"),
        (D2 + timedelta(hours=9), D4, "Bonn"),
        (D4, OPEN_END, "Ulm"),
    ]


def test_9_a_change_back_makes_a_version_of_its_own() -> None:
    log = log_of(
        (0, brand("Köln", JANUARY)),
        (2, brand("Bonn", D2 + timedelta(hours=9))),
        (3, brand("Köln", D3 + timedelta(hours=9))),
    )
    assert [city for *_, city in versions(log, 1, 2, 3)] == ["Köln", "Bonn", "Köln"]


def test_10_an_inferred_member_starts_at_the_beginning_and_is_filled_in_place() -> None:
    assert derive_versions([], ("city",), inferred=True) == [
        Version(BEGINNING_OF_TIME, OPEN_END, {"city": None})
    ]
    first = Event(instant_of(D2), True, {"city": "Köln"})
    second = Event(instant_of(D3), True, {"city": "Bonn"})
    assert derive_versions([second, first], ("city",), inferred=True) == [
        Version(BEGINNING_OF_TIME, D3, {"city": "Köln"}),
        Version(D3, OPEN_END, {"city": "Bonn"}),
    ]


def test_11_prices_and_product_rows_carry_each_others_values_forward() -> None:
    events = [
        Event(instant_of(D1), True, {"brand": "Volt"}),
        Event(instant_of(D1), None, {"price": 5}),
        Event(instant_of(D3), None, {"price": 6}),
        Event(instant_of(D2), True, {"brand": "Fjord"}),
    ]
    assert derive_versions(events, ("brand", "price")) == [
        Version(D1, D2, {"brand": "Volt", "price": 5}),
        Version(D2, D3, {"brand": "Fjord", "price": 5}),
        Version(D3, OPEN_END, {"brand": "Fjord", "price": 6}),
    ]


@pytest.fixture(scope="module")
def shop() -> Shop:
    return Shop(ShopPlan(scale=0.4))


def test_each_story_of_a_shop_leaves_its_mark_in_the_versions(shop: Shop) -> None:
    customers, products = shop.ledger.customer_versions(7), shop.ledger.product_versions(7)

    def stories(kind: str, table: str) -> list[int]:
        return [int(o.key[0]) for o in shop.ledger.occurrences(kind, 7) if o.table == table]  # type: ignore[arg-type]  # kinds written below

    for key in stories("change_back", "customers"):
        first, away, back = customers[key]
        assert first.attributes == back.attributes != away.attributes
    for key in stories("deleted_and_returned_customer", "customers"):
        before, after = customers[key]
        assert before.valid_to < after.valid_from and before.attributes == after.attributes
    for key in stories("deleted_customer", "customers"):
        assert customers[key][-1].valid_to < OPEN_END
    for key in shop.ledger.inferred_customers(7):
        assert customers[key][0].valid_from == BEGINNING_OF_TIME
    for key in stories("change_back", "product_prices"):
        *_, before, away, back = products[key]
        assert before.attributes == back.attributes != away.attributes
    for key in stories("two_changes_in_a_day", "product_prices"):
        assert products[key][-1].valid_from.date() == products[key][-2].valid_from.date()
    for key in stories("late_change", "product_prices"):
        at = products[key][-1].valid_from
        assert all(v.valid_from != at for v in shop.ledger.product_versions(1)[key])
    for key in shop.ledger.unknown_products(7):
        assert products[key] == [
            Version(BEGINNING_OF_TIME, OPEN_END, dict.fromkeys(products[key][0].attributes))
        ]


def test_versions_have_no_overlap_and_no_gap_but_those_of_deletes(shop: Shop) -> None:
    gone = {o.key[0] for o in shop.ledger.occurrences("deleted_and_returned_customer", 7)}
    for dimension in (
        shop.ledger.customer_versions(7),
        shop.ledger.product_versions(7),
        shop.ledger.store_versions(7),
    ):
        for key, line in dimension.items():
            for before, after in pairwise(line):
                assert before.valid_from < before.valid_to <= after.valid_from
                assert before.valid_to == after.valid_from or key in gone


def test_customers_known_are_all_who_were_ever_seen(shop: Shop) -> None:
    seen: set[object] = set()
    for day in range(1, 8):
        alive = {row["customer_id"] for row in shop.customers.log.rows(day).to_pylist()}
        seen |= alive
        assert shop.ledger.customers_alive(day) == len(alive)
        assert shop.ledger.customers_known(day) == len(seen)
        inferred = set(shop.ledger.inferred_customers(day))
        assert set(shop.ledger.customer_versions(day)) == seen | inferred


def test_a_day_that_was_not_looked_at_shows_in_the_versions(shop: Shop) -> None:
    every, last = shop.ledger.customer_versions(7), shop.ledger.customer_versions(7, days=[7])
    assert sum(map(len, last.values())) < sum(map(len, every.values()))
