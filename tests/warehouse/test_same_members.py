"""The same random loads on both systems make the same events, versions, facts and counts."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from etl.catalog import Catalog
from etl.errors import ReleaseRefused
from etl.handles import TableOutcome
from etl.settings import Settings
from etl.warehouse.database import from_json
from tests.conftest import fresh_warehouse
from tests.systems import SYSTEMS
from tests.warehouse.rows import cursor_of
from tests.warehouse.world import Batch, World

EXAMPLES = max(int(os.environ.get("ETL_TEST_EXAMPLES", "500")) // 20, 5)
START = datetime(2026, 5, 1, tzinfo=UTC)
PARTS = ("a", "A", 'b"`; --')
PEOPLE, BRANDS = 3, 3
MINUTE = timedelta(minutes=1, microseconds=1)
TEXTS = ("x", "X", "x ", "", "é \\ % 'y", None)
FLAGS = (True, False, None, True, False, None)
FEES = (Decimal("1.00"), Decimal("1.0"), Decimal("-2.50"), None, Decimal("0"), Decimal("9999999.99"))
GUARD = {"end_pct": 100, "change_pct": 100}

_KEY = {"id": {"type": "bigint"}, "part": {"type": "text"}}
_AT = {"at": {"type": "timestamp"}}


def _table(name: str, key: Sequence[str], columns: dict[str, dict[str, Any]], **more: Any) -> dict[str, Any]:
    return {
        "name": name,
        "source": "s",
        "description": name,
        "table": name,
        "key": list(key),
        "columns": columns,
        **more,
    }


CATALOG = Catalog.model_validate(
    {
        "sources": {"s": {"name": "s", "description": "a club", "url_setting": "shop_url"}},
        "tables": {
            "s.people": _table(
                "people",
                ("id", "part"),
                {
                    **_KEY,
                    **_AT,
                    "born": {"type": "date"},
                    "mail": {"type": "text"},
                    "city": {"type": "text"},
                    "fee": {"type": "decimal(9,2)"},
                    "brand": {"type": "text"},
                    "tier": {"type": "text"},
                },
                cursor="at",
                deletes="compare",
            ),
            "s.moods": _table(
                "moods",
                ("id", "part"),
                {**_KEY, **_AT, "tier": {"type": "text"}, "mood": {"type": "text"}},
                cursor="at",
            ),
            "s.moves": _table(
                "moves",
                ("id", "part", "at", "seq"),
                {
                    **_KEY,
                    **_AT,
                    "seq": {"type": "bigint"},
                    "gone": {"type": "boolean"},
                    "room": {"type": "text"},
                },
                cursor="at",
                deletes="soft",
                deleted_when="gone",
            ),
            "s.brands": _table(
                "brands",
                ("brand",),
                {"brand": {"type": "text"}, "origin": {"type": "text"}, "is_old": {"type": "boolean"}},
                deletes="compare",
            ),
            "s.visits": _table(
                "visits",
                ("visit",),
                {
                    "visit": {"type": "bigint", "nullable": False},
                    **_KEY,
                    "brand": {"type": "text"},
                    "at": {"type": "timestamp", "nullable": False},
                },
                cursor="at",
            ),
        },
        "dimensions": {
            "person": {
                "name": "person",
                "description": "all four types, from two sources",
                "key": {"id": "bigint", "part": "text"},
                "events": [
                    {"table": "s.people", "effective_at": "at"},
                    {"table": "s.moods", "effective_at": "at", "existence": False},
                ],
                "attributes": {
                    "born": {"type": "date", "scd": 0},
                    "mail": {"type": "text", "scd": 1},
                    "city": {"type": "text", "scd": 2},
                    "fee": {"type": "decimal(9,2)", "scd": 2},
                    "brand": {"type": "text", "scd": 2},
                    "tier": {"type": "text", "scd": 3},
                    "mood": {"type": "text", "scd": 3},
                },
                "snowflakes": {"brand_key": {"dimension": "maker", "attribute": "brand"}},
                "guard": GUARD,
            },
            "guest": {
                "name": "guest",
                "description": "a log of moves",
                "key": {"id": "bigint", "part": "text"},
                "events": [{"table": "s.moves", "effective_at": "at", "sequence": "seq"}],
                "attributes": {"room": {"type": "text", "scd": 2}},
                "guard": GUARD,
            },
            "maker": {
                "name": "maker",
                "description": "snapshots",
                "key": {"brand": "text"},
                "events": [{"table": "s.brands"}],
                "attributes": {
                    "origin": {"type": "text", "scd": 2},
                    "is_old": {"type": "boolean", "scd": 1},
                },
                "guard": GUARD,
            },
        },
        "facts": {
            "visits": {
                "name": "visits",
                "description": "one row per visit",
                "grain": ["visit"],
                "tables": ["s.visits"],
                "at": "at",
                "lookups": {
                    "person_key": {"dimension": "person", "key": {"id": "id", "part": "part"}},
                    "guest_key": {"dimension": "guest", "key": {"id": "id", "part": "part"}},
                    "brand_key": {"dimension": "maker", "key": {"brand": "brand"}},
                },
                "columns": {
                    "visit": {"type": "bigint", "nullable": False},
                    "id": {"type": "bigint"},
                    "part": {"type": "text"},
                    "brand": {"type": "text"},
                    "at": {"type": "timestamp", "nullable": False},
                },
            }
        },
    }
)

STATEMENTS = (
    "select p.id, p.part, p.valid_from, p.valid_to, p.is_current, p.is_inferred, p.born, p.mail, p.city,"
    " p.fee, p.brand, p.tier, p.previous_tier, p.tier_changed_at, p.mood, p.previous_mood,"
    " p.mood_changed_at, b.brand, b.valid_from"
    " from warehouse.dim_person as p left join warehouse.dim_maker as b on p.brand_key = b.maker_key",
    "select id, part, valid_from, valid_to, is_current, is_inferred, room from warehouse.dim_guest",
    "select brand, valid_from, valid_to, is_current, is_inferred, origin, is_old from warehouse.dim_maker",
    "select id, part, effective_at, sequence, source, operation, existence, source_cursor, absent,"
    " born, mail, city, fee, brand, tier, mood from history.person",
    "select id, part, effective_at, sequence, source, operation, existence, source_cursor, absent, room"
    " from history.guest",
    "select brand, effective_at, sequence, source, operation, absent, origin, is_old from history.maker",
    "select f.visit, f.id, f.part, p.id, p.part, p.valid_from, g.id, g.part, g.valid_from, b.brand,"
    " b.valid_from from warehouse.fact_visits as f"
    " inner join warehouse.dim_person as p on f.person_key = p.person_key"
    " inner join warehouse.dim_guest as g on f.guest_key = g.guest_key"
    " inner join warehouse.dim_maker as b on f.brand_key = b.maker_key",
)


@dataclass(frozen=True)
class Load:
    """What one run finds; ages are in minutes before the run's end, members are told by their place."""

    minutes: int
    is_backfill: bool
    replays: bool
    people: dict[int, tuple[int, int]]
    people_left: set[int] | None
    absent: tuple[str, ...]
    moods: dict[int, tuple[int, int]]
    moves: dict[tuple[int, int, int], tuple[bool, int]]
    brands: dict[int, int]
    brands_left: set[int] | None
    visits: dict[int, tuple[int | None, int | None, int]]


PLACES, SEEDS, AGES = st.integers(0, PEOPLE - 1), st.integers(0, 5), st.integers(-1, 4)
LOADS = st.lists(
    st.builds(
        Load,
        minutes=st.integers(0, 3),
        is_backfill=st.sampled_from([False, False, False, True]),
        replays=st.sampled_from([False, False, False, True]),
        people=st.dictionaries(PLACES, st.tuples(AGES, SEEDS), max_size=PEOPLE),
        people_left=st.none() | st.sets(PLACES),
        absent=st.sampled_from([(), (), (), ("tier",), ("city", "born")]),
        moods=st.dictionaries(PLACES, st.tuples(AGES, SEEDS), max_size=2),
        moves=st.dictionaries(
            st.tuples(PLACES, st.integers(0, 3), st.integers(0, 1)),
            st.tuples(st.booleans(), SEEDS),
            max_size=3,
        ),
        brands=st.dictionaries(st.integers(0, BRANDS - 1), SEEDS, max_size=BRANDS),
        brands_left=st.none() | st.sets(st.integers(0, BRANDS - 1)),
        visits=st.dictionaries(
            st.integers(0, 3),
            st.tuples(st.none() | PLACES, st.none() | st.integers(0, BRANDS - 1), AGES),
            max_size=3,
        ),
    ),
    min_size=1,
    max_size=5,
)


@pytest.fixture(scope="module")
def worlds(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[World]]:
    """One warehouse on each system for all examples; each example has members of its own."""
    opened, fresh = [], [fresh_warehouse(system, request) for system in SYSTEMS]
    for url in map(next, fresh):
        own = Settings(_env_file=None, state_dir=tmp_path_factory.mktemp("state"), warehouse_url=url)
        opened.append(World(url, own, CATALOG))
    yield opened
    for world, urls in zip(opened, fresh, strict=True):
        world.close()
        next(urls, None)


@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck))
@given(loads=LOADS)
def test_the_same_loads_make_the_same_warehouse(worlds: list[World], loads: list[Load]) -> None:
    """The laws of dimensions mean on one system what they mean on the other."""
    first = worlds[0].new_member_ids(PEOPLE)
    end = START + timedelta(days=first)
    for load in loads:
        end += timedelta(minutes=load.minutes)
        batch = _batch(load, first, end - timedelta(minutes=7 * load.is_backfill))
        counts = [_loaded(world, batch) for world in worlds]
        assert counts[0] == counts[1]
        if not counts[0]:
            break
    for statement in STATEMENTS:
        assert _rows(worlds[0], statement) == _rows(worlds[1], statement)


def _loaded(world: World, batch: Batch) -> list[TableOutcome]:
    """What became of each table; nothing where the release was refused."""
    try:
        return [replace(outcome, seconds=0) for outcome in world.load(batch).outcomes]
    except ReleaseRefused:
        return []


def _rows(world: World, statement: str) -> list[tuple[Any, ...]]:
    """In one order; lists of absent attributes as they read, whatever type the system has for them."""
    found, names = world.query(statement), world.session.columns
    return sorted(
        (
            tuple(from_json(v) if name == "absent" else v for name, v in zip(names, row, strict=True))
            for row in found
        ),
        key=repr,
    )


def _batch(load: Load, first: int, end: datetime) -> Batch:
    """The rows of a load; ``end`` is when its snapshots were taken."""
    start = START + timedelta(days=first)
    rows: dict[str, list[dict[str, Any]]] = {
        "s.people": [
            _person(_member(first, p), end - age * MINUTE, s) for p, (age, s) in load.people.items()
        ],
        "s.moods": [_mood(_member(first, p), end - age * MINUTE, s) for p, (age, s) in load.moods.items()],
        "s.moves": [
            _move(_member(first, p), start + minute * MINUTE, seq, gone, seed)
            for (p, minute, seq), (gone, seed) in load.moves.items()
        ],
        "s.brands": [
            {"brand": _brand(first, n), "origin": TEXTS[seed], "is_old": FLAGS[seed], "_cursor": None}
            for n, seed in load.brands.items()
        ],
        "s.visits": [
            _visit(first * 10 + visit, first, person, brand, end - age * MINUTE)
            for visit, (person, brand, age) in load.visits.items()
        ],
    }
    keys: dict[str, list[dict[str, Any]]] = {}
    if load.people_left is not None and not load.replays:
        there = load.people_left | set(load.people)
        keys["s.people"] = [{**_member(first, p), "_cursor": None} for p in there]
    if load.brands_left is not None and not load.replays:
        there = load.brands_left | set(load.brands)
        keys["s.brands"] = [{"brand": _brand(first, n), "_cursor": None} for n in there]
    return Batch(
        rows,
        keys,
        cursor_of(end),
        absent={"s.people": load.absent},
        is_backfill=load.is_backfill,
        replays="kept" if load.replays else None,
    )


def _member(first: int, place: int) -> dict[str, Any]:
    return {"id": first + place // 2, "part": PARTS[place]}


def _brand(first: int, number: int) -> str:
    return f"{PARTS[number]} {first}"


def _person(member: dict[str, Any], at: datetime, seed: int) -> dict[str, Any]:
    return {
        **member,
        "at": at,
        "born": date(2000, 1, 1 + seed),
        "mail": TEXTS[seed],
        "city": TEXTS[seed // 2],
        "fee": FEES[seed],
        "brand": None if seed == 5 else _brand(member["id"], seed // 2),
        "tier": TEXTS[seed % 2],
        "_cursor": cursor_of(at),
    }


def _mood(member: dict[str, Any], at: datetime, seed: int) -> dict[str, Any]:
    return {**member, "at": at, "tier": TEXTS[seed % 3], "mood": TEXTS[seed], "_cursor": cursor_of(at)}


def _move(member: dict[str, Any], at: datetime, seq: int, gone: bool, seed: int) -> dict[str, Any]:
    return {**member, "at": at, "seq": seq, "gone": gone, "room": TEXTS[seed // 2], "_cursor": cursor_of(at)}


def _visit(visit: int, first: int, person: int | None, brand: int | None, at: datetime) -> dict[str, Any]:
    member = {"id": None, "part": None} if person is None else _member(first, person)
    named = None if brand is None else _brand(first, brand)
    return {"visit": visit, **member, "brand": named, "at": at, "_cursor": cursor_of(at)}
