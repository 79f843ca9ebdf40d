"""The weekly segment as an event of the customer: type 3, from a source that brings nobody into being."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from etl.catalog_files import load_catalog
from etl.errors import ReleaseRefused
from etl.handles import Release
from etl.settings import Settings
from tests.systems import BOTH_SYSTEMS
from tests.warehouse.rows import Row, at, customer
from tests.warehouse.world import Batch, World

pytestmark = BOTH_SYSTEMS

FIRST, SECOND, THIRD = (f"2026-05-{day} 00:00:00.000000" for day in ("04", "11", "18"))


@pytest.fixture
def shop(settings: Settings) -> Iterator[World]:
    """Thirty customers and no order yet."""
    assert settings.warehouse_url is not None
    world = World(settings.warehouse_url.get_secret_value(), settings, load_catalog(settings.catalog_dir))
    many = [customer(n, "2026-05-01 00:00", customer_segment="Premium") for n in range(1, 31)]
    world.load(Batch({"shop.customers": many}))
    yield world
    world.close()


def test_the_first_scoring_places_everybody_and_a_move_keeps_the_segment_before(shop: World) -> None:
    """Laws S12, S13, S14: a first value is no mass change and no version."""
    place(shop, FIRST, dict.fromkeys(range(1, 31), "New"))
    assert segments(shop, 1) == [("New", None, None, True)]
    place(shop, SECOND, {n: "Loyal" if n == 1 else "New" for n in range(1, 31)})
    assert segments(shop, 1) == [("Loyal", "New", at("2026-05-11 00:00"), True)]
    assert segments(shop, 2) == [("New", None, None, True)]
    shop.load(Batch({"shop.customers": [customer(1, "2026-05-20 00:00", city="Nice")]}))
    moved = ("Loyal", "New", at("2026-05-11 00:00"))
    assert segments(shop, 1) == [(*moved, False), (*moved, True)]


def test_the_same_week_again_and_weeks_out_of_order_change_nothing(shop: World) -> None:
    """Laws R4, S1."""
    place(shop, THIRD, {1: "Champions", 2: "Lost"})
    place(shop, FIRST, {1: "New", 2: "Lost"})
    place(shop, SECOND, {1: "Loyal", 2: "Lost"})
    assert segments(shop, 1) == [("Champions", "Loyal", at("2026-05-18 00:00"), True)]
    before = written_rows(shop)
    again = place(shop, SECOND, {1: "Loyal", 2: "Lost"})
    assert written_rows(shop) == before
    (outcome,) = (o for o in again.outcomes if o.name == "warehouse.customer_segments")
    assert (outcome.inserted, outcome.unchanged) == (0, 2)


def test_a_segment_makes_nobody_a_customer_again(shop: World) -> None:
    """Law S3: a deleted customer stays deleted, whatever segment is told."""
    left = [{"customer_id": n, "_cursor": "2026-05-01 00:00:00.000000"} for n in range(2, 31)]
    shop.load(Batch({"shop.customers": []}, {"shop.customers": left}, "2026-05-02 00:00:00.000000"))
    place(shop, FIRST, {1: "Lost"})
    assert [row[-1] for row in segments(shop, 1)] == [False]


def test_a_scoring_that_moves_most_customers_is_refused(shop: World) -> None:
    """Law S13: such a week is a broken scoring."""
    place(shop, FIRST, dict.fromkeys(range(1, 31), "New"))
    with pytest.raises(ReleaseRefused, match="change 30 of the 30 current members of dim_customer"):
        place(shop, SECOND, dict.fromkeys(range(1, 31), "Lost"))


def place(shop: World, as_of: str, segments: dict[int, str]) -> Release:
    """A scoring of the given segments."""
    instant = at(as_of)
    rows: list[Row] = [
        {"customer_id": n, "rfm_segment": name, "as_of": instant, "_cursor": None}
        for n, name in segments.items()
    ]
    return shop.load(Batch({"warehouse.customer_segments": rows}, as_of=as_of))


def segments(shop: World, customer_id: int) -> list[tuple[Any, ...]]:
    """Each version of a customer: segment, the one before, since when, and whether it is current."""
    return shop.query(
        "select rfm_segment, previous_rfm_segment, rfm_segment_changed_at, is_current"
        " from warehouse.dim_customer where customer_id = %s order by valid_from",
        (customer_id,),
    )


def written_rows(shop: World) -> list[list[tuple[Any, ...]]]:
    return shop.written("dim_customer")
