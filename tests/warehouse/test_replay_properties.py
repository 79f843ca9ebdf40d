"""Law Q3: what a too strict rule held back, and a replay brought later, gives the tables of a clean load."""

from __future__ import annotations

import os
import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from etl.catalog import Catalog
from etl.catalog_files import load_catalog
from etl.held_back import Selection
from etl.settings import Settings
from etl.warehouse.database import from_json
from tests.conftest import fresh_warehouse
from tests.systems import BOTH_SYSTEMS
from tests.warehouse.holding import keep_instead, load_judged, replay
from tests.warehouse.rows import cursor_of, line, order
from tests.warehouse.world import Batch, World

pytestmark = BOTH_SYSTEMS

EXAMPLES = max(int(os.environ.get("ETL_TEST_EXAMPLES", "500")) // 50, 4)
START = datetime(2026, 5, 1, tzinfo=UTC)
RUNS = 3
ALL_ENTRIES = "select quarantine_id from audit.quarantine where status = 'open' order by 1"

CATALOG = Catalog.model_validate(
    {
        "sources": {"s": {"name": "s", "description": "a club", "url_setting": "shop_url"}},
        "tables": {
            "s.members": {
                "name": "members",
                "source": "s",
                "description": "members in their latest state",
                "table": "members",
                "key": ["id"],
                "cursor": "at",
                "deletes": "soft",
                "deleted_when": "gone",
                "columns": {
                    "id": {"type": "bigint"},
                    "at": {"type": "timestamp"},
                    "gone": {"type": "boolean"},
                    "city": {"type": "text"},
                    "mail": {"type": "text"},
                    "bad": {"type": "boolean"},
                },
            },
            "s.visits": {
                "name": "visits",
                "source": "s",
                "description": "visits in their latest state",
                "table": "visits",
                "key": ["visit"],
                "cursor": "changed",
                "columns": {
                    "visit": {"type": "bigint", "nullable": False},
                    "id": {"type": "bigint"},
                    "at": {"type": "timestamp", "nullable": False},
                    "changed": {"type": "timestamp", "nullable": False},
                    "seconds": {"type": "double"},
                    "bad": {"type": "boolean"},
                },
                "derived": {"minutes": {"type": "double", "expression": "seconds / 60"}},
            },
        },
        "dimensions": {
            "member": {
                "name": "member",
                "description": "members",
                "key": {"id": "bigint"},
                "events": [{"table": "s.members", "effective_at": "at"}],
                "attributes": {"city": {"type": "text", "scd": 2}, "mail": {"type": "text", "scd": 1}},
                "guard": {"end_pct": 100, "change_pct": 100},
            }
        },
        "facts": {
            "visits": {
                "name": "visits",
                "description": "one row per visit",
                "grain": ["visit"],
                "tables": ["s.visits"],
                "at": "at",
                "latest_by": "changed",
                "lookups": {"member_key": {"dimension": "member", "key": {"id": "id"}}},
                "columns": {
                    "visit": {"type": "bigint", "nullable": False},
                    "id": {"type": "bigint"},
                    "at": {"type": "timestamp", "nullable": False},
                    "changed": {"type": "timestamp", "nullable": False},
                    "minutes": {"type": "double"},
                },
            }
        },
    }
)


@dataclass(frozen=True)
class State:
    """A state of a row as one run finds it; its time of change is ``age`` minutes before the run's end."""

    row: int
    age: int
    value: str
    gone: bool
    bad: bool


STATES = st.lists(
    st.builds(
        State,
        row=st.integers(0, 1),
        age=st.integers(1, 9),
        value=st.sampled_from(["x", "y", "z"]),
        gone=st.sampled_from([False, False, False, True]),
        bad=st.booleans(),
    ),
    max_size=2,
    unique_by=lambda state: state.row,
)
BOTH_JOIN: tuple[list[State], list[State]] = (
    [State(row, 1, "w", gone=False, bad=False) for row in (0, 1)],
    [],
)
NIGHTS = st.lists(st.tuples(STATES, STATES), min_size=RUNS, max_size=RUNS)


@pytest.fixture(scope="module")
def club(warehouse_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """One warehouse for all examples; each example has members of its own."""
    yield from _world(warehouse_url, tmp_path_factory, CATALOG)


@pytest.fixture(scope="module")
def shop(
    system: str, request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[World]:
    """The same with the shop's catalog."""
    for url in fresh_warehouse(system, request):
        yield from _world(url, tmp_path_factory, None)


@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck))
@given(nights=NIGHTS, seed=st.integers(0, 999))
def test_a_dimension_and_a_fact_become_those_of_a_clean_load_in_any_grouping(
    club: World, nights: list[Any], seed: int
) -> None:
    chance = random.Random(seed)
    first = club.new_member_ids(4)
    refused = {"s.members": "bad", "s.visits": "bad"}
    # Known before: else a fact would name a member whose record waits, which holds from the beginning (S17).
    load_judged(club, _club_batch(-1, BOTH_JOIN, first), {})
    load_judged(club, _club_batch(-1, BOTH_JOIN, first + 2), {})
    for number, night in enumerate(nights):
        load_judged(club, _club_batch(number, night, first), refused)
        if chance.random() < 0.3:
            _replay_some(club, chance)
    while club.query(ALL_ENTRIES):
        _replay_some(club, chance)
    for number, night in enumerate(nights):
        load_judged(club, _club_batch(number, night, first + 2), {})
    assert _members(club, first) == _members(club, first + 2)
    assert _visits(club, first) == _visits(club, first + 2)
    assert club.rebuild_difference("member") == []
    assert replay(club) == []


ORDERS = st.lists(
    st.lists(
        st.tuples(st.integers(0, 1), st.integers(1, 3), st.integers(0, 99), st.booleans()),
        max_size=2,
        unique_by=lambda drawn: drawn[0],
    ),
    min_size=RUNS,
    max_size=RUNS,
)


@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck))
@given(nights=ORDERS, seed=st.integers(0, 999))
def test_sales_become_those_of_a_clean_load_in_any_grouping(
    shop: World, nights: list[Any], seed: int
) -> None:
    """An order is told by its latest state: an older one that waits is never replayed over a newer one."""
    chance = random.Random(seed)
    first = shop.new_member_ids(4)
    for number, night in enumerate(nights):
        load_judged(shop, _shop_batch(number, night, first), {"shop.orders": "order_status = 'placed'"})
        if chance.random() < 0.3:
            _replay_some(shop, chance)
    while shop.query(ALL_ENTRIES):
        _replay_some(shop, chance)
    for number, night in enumerate(nights):
        load_judged(shop, _shop_batch(number, night, first + 2), {})
    assert _sales(shop, first) == _sales(shop, first + 2)


def test_lines_wait_with_an_order_that_no_longer_fits_and_other_orders_go_on(shop: World) -> None:
    """The tax of one order was kept with more digits than the column has now."""
    first = shop.new_member_ids(2)
    batch = _shop_batch(0, [(0, 2, 5, True), (1, 1, 5, True)], first)
    load_judged(shop, batch, {"shop.orders": "order_status = 'placed'"})
    keep_instead(shop, {"order_id": first}, tax_amount=12345678901234.5)
    replay(shop)
    lines = (
        "select order_id - %s, count(*) from warehouse.fact_sales where order_id >= %s group by 1 order by 1"
    )
    assert shop.query(lines, (first, first)) == [(1, 1)]
    waiting = shop.query(
        "select table_name, rules from audit.quarantine where status = 'open' order by quarantine_id"
    )
    assert [(name, from_json(rules)) for name, rules in waiting] == [
        ("shop.orders", ["too_strict", "kept_tax_amount_does_not_fit"]),
        *[("shop.order_items", ["parent_is_held_back"])] * 2,
    ]
    keep_instead(shop, {"order_id": first}, tax_amount=0.05)
    replay(shop)
    assert shop.query(lines, (first, first)) == [(0, 2), (1, 1)]


def _world(url: str, folders: pytest.TempPathFactory, catalog: Catalog | None) -> Iterator[World]:
    own = Settings(_env_file=None, state_dir=folders.mktemp("state"), warehouse_url=url)
    world = World(url, own, catalog or load_catalog(own.catalog_dir))
    yield world
    world.close()


def _replay_some(world: World, chance: random.Random) -> None:
    """Replay a part of what waits, whatever belongs to it with it."""
    waiting = [entry for (entry,) in world.query(ALL_ENTRIES)]
    chosen = [entry for entry in waiting if chance.random() < 0.5] or waiting
    if chosen:
        replay(world, Selection(ids=tuple(chosen)))


def _end_of(number: int) -> datetime:
    return START + timedelta(minutes=10 * (number + 1))


def _club_batch(number: int, night: Any, first: int) -> Batch:
    members, visits = night
    end = _end_of(number)
    rows = {
        "s.members": [
            {
                "id": first + s.row,
                "at": end - timedelta(minutes=s.age),
                "gone": s.gone,
                "city": s.value,
                "mail": s.value * 2,
                "bad": s.bad,
                "_cursor": cursor_of(end - timedelta(minutes=s.age)),
            }
            for s in members
        ],
        "s.visits": [
            {
                "visit": first + s.row,
                "id": first + s.row,
                "at": START + timedelta(minutes=s.age),
                "changed": end - timedelta(minutes=s.age),
                "seconds": 0.1 * s.age,
                "bad": s.bad,
                "_cursor": cursor_of(end - timedelta(minutes=s.age)),
            }
            for s in visits
        ],
    }
    return Batch(rows, as_of=cursor_of(end))


def _shop_batch(number: int, night: Any, first: int) -> Batch:
    end = _end_of(number)
    changed = {"updated_at": end - timedelta(minutes=5), "_cursor": cursor_of(end - timedelta(minutes=5))}
    orders = [
        order(
            first + row,
            "2026-05-01 00:00",
            order_status="placed" if is_held else "paid",
            tax_amount=Decimal(tax) / 100,
            **changed,
        )
        for row, _, tax, is_held in night
    ]
    lines = [
        line(
            first + row,
            n,
            f"{n + tax}.00",
            order_updated_at=changed["updated_at"],
            _cursor=changed["_cursor"],
        )
        for row, count, tax, _ in night
        for n in range(1, count + 1)
    ]
    return Batch({"shop.orders": orders, "shop.order_items": lines}, as_of=cursor_of(end))


def _members(world: World, first: int) -> list[tuple[Any, ...]]:
    return world.query(
        "select id - %s, valid_from, valid_to, is_current, city, mail, is_inferred from warehouse.dim_member"
        " where id between %s and %s + 1 order by 1, 2",
        (first, first, first),
    )


def _visits(world: World, first: int) -> list[tuple[Any, ...]]:
    return world.query(
        "select f.visit - %s, f.id - %s, f.at, f.changed, f.minutes, d.id - %s, d.valid_from"
        " from warehouse.fact_visits as f inner join warehouse.dim_member as d using (member_key)"
        " where f.visit between %s and %s + 1 order by 1",
        (first, first, first, first, first),
    )


def _sales(world: World, first: int) -> list[tuple[Any, ...]]:
    return world.query(
        "select order_id - %s, line_number, order_status, ordered_at, gross_amount, tax_amount, total_amount"
        " from warehouse.fact_sales where order_id between %s and %s + 1 order by 1, 2",
        (first, first, first),
    )
