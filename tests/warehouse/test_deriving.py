"""Versions derived from a late start on, and rows that a backfill brings, against the whole history."""

from __future__ import annotations

import os
import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from etl.catalog import Catalog
from etl.settings import Settings
from tests.systems import BOTH_SYSTEMS
from tests.warehouse.world import Batch, World

pytestmark = BOTH_SYSTEMS
EXAMPLES = int(os.environ.get("ETL_TEST_EXAMPLES", "200"))
START = datetime(2026, 1, 1, tzinfo=UTC)


def _table(name: str, key: list[str], columns: list[str]) -> dict[str, Any]:
    texts = {column: {"type": "text"} for column in columns}
    return {
        "name": name,
        "source": "s",
        "description": "x",
        "table": name,
        "key": key,
        "cursor": "at",
        "deletes": "soft",
        "deleted_when": "gone",
        "columns": {"at": {"type": "timestamp"}, "gone": {"type": "boolean"}, **texts},
    }


def _dimension(name: str, key: str, event: dict[str, str], attribute: str, **more: Any) -> dict[str, Any]:
    return {
        "name": name,
        "description": "x",
        "key": {key: "text"},
        "events": [event],
        "attributes": {attribute: {"type": "text", "scd": 2}},
        "guard": {"end_pct": 100, "change_pct": 100},
        **more,
    }


MAKER = {"maker_key": {"dimension": "maker", "attribute": "maker"}}
CATALOG = Catalog.model_validate(
    {
        "sources": {"s": {"name": "s", "description": "x", "url_setting": "shop_url"}},
        "tables": {
            "s.makers": _table("makers", ["name", "at"], ["name", "country"]),
            "s.things": _table("things", ["id", "at"], ["id", "maker"]),
            "s.states": _table("states", ["id"], ["id", "state"]),
        },
        "dimensions": {
            "maker": _dimension("maker", "name", {"table": "s.makers", "effective_at": "at"}, "country"),
            "thing": _dimension(
                "thing", "id", {"table": "s.things", "effective_at": "at"}, "maker", snowflakes=MAKER
            ),
            "stated": _dimension("stated", "id", {"table": "s.states"}, "state"),
        },
        "facts": {},
    }
)


@pytest.fixture(scope="module")
def shared_world(warehouse_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """One warehouse for all examples, each with members of its own."""
    opened = World(
        warehouse_url,
        Settings(_env_file=None, state_dir=tmp_path_factory.mktemp("state"), warehouse_url=warehouse_url),
        CATALOG,
    )
    yield opened
    opened.close()


@pytest.fixture
def world(warehouse_database: str, tmp_path: Path) -> Iterator[World]:
    opened = World(
        warehouse_database,
        Settings(_env_file=None, state_dir=tmp_path, warehouse_url=warehouse_database),
        CATALOG,
    )
    yield opened
    opened.close()


def _row(minute: int, gone: bool = False, **values: str) -> dict[str, Any]:
    at = START + timedelta(minutes=minute)
    return {"at": at, "gone": gone, "_cursor": at.isoformat(), **values}


STANDING = [
    {"s.makers": [_row(1, name="n", country="a")], "s.things": [_row(1, id="1", maker="n")]},
    {"s.things": [_row(3, id="1", maker="m")]},
    {"s.makers": [_row(5, name="n", country="b")], "s.things": [_row(7, id="1", maker="n")]},
]


def _countries(world: World) -> list[tuple[Any, ...]]:
    """Where the maker n is and since when, as the versions of things tell that name it."""
    return world.query(
        "select distinct d.country, d.valid_from from warehouse.dim_thing as t"
        " inner join warehouse.dim_maker as d on t.maker_key = d.maker_key where t.maker = 'n'"
    )


def test_all_versions_of_a_snowflaked_member_lead_to_the_latest_version_of_the_other(world: World) -> None:
    """Derived from the last version on, older ones would keep the key that was the latest then."""
    for rows in STANDING:
        world.load(Batch(rows))
    assert _countries(world) == [("b", START + timedelta(minutes=5))]


def test_members_that_are_not_read_follow_a_version_that_is_new_or_removed(world: World) -> None:
    """A late event that replaces a version would be refused, as others lead to it."""
    for rows in STANDING:
        world.load(Batch(rows))
    late = world.load(Batch({"s.makers": [_row(4, name="n", country="b")]}))
    assert _countries(world) == [("b", START + timedelta(minutes=4))]
    new = world.load(Batch({"s.makers": [_row(9, name="n", country="c")]}))
    assert _countries(world) == [("c", START + timedelta(minutes=9))]
    repointed = [
        row.repointed for release in (late, new) for row in release.outcomes if row.name == "dim_thing"
    ]
    assert repointed == [2, 2]
    before = world.written("dim_thing")
    world.load(Batch({"s.makers": [_row(9, name="n", country="c")]}))
    assert world.written("dim_thing") == before


MAKERS = st.builds(
    lambda minute, gone, name, country: _row(minute, gone, name=name, country=country),
    st.integers(0, 6),
    st.sampled_from([False, False, True]),
    st.sampled_from("nm"),
    st.sampled_from("ab"),
)
THINGS = st.builds(
    lambda minute, gone, number, maker: _row(minute, gone, id=number, maker=maker),
    st.integers(0, 6),
    st.sampled_from([False, False, True]),
    st.sampled_from("12"),
    st.sampled_from("nm"),
)


@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck))
@given(makers=st.lists(MAKERS, max_size=6), things=st.lists(THINGS, max_size=6), seed=st.integers(0, 2**16))
def test_snowflakes_are_as_derived_from_all_that_is_known(
    shared_world: World, makers: list[dict[str, Any]], things: list[dict[str, Any]], seed: int
) -> None:
    """Laws S1, S19: whichever of both is read first."""
    world, chance = shared_world, random.Random(seed)
    prefix = f"{world.new_member_ids(1)}-"
    rows = [("s.makers", {**row, "name": prefix + row["name"]}) for row in makers]
    rows += [
        ("s.things", {**row, "id": prefix + row["id"], "maker": prefix + row["maker"]}) for row in things
    ]
    chance.shuffle(rows)
    for first in range(0, len(rows), 3):
        batch: dict[str, list[dict[str, Any]]] = {}
        for table, row in rows[first : first + 3]:
            batch.setdefault(table, []).append(row)
        world.load(Batch(batch))
    assert world.rebuild_difference("thing") == world.rebuild_difference("maker") == []


@pytest.mark.parametrize("later", ["2026-01-01 00:10:00.000000", "2026-01-01 00:05:00.000000"])
def test_a_delete_that_a_backfill_sees_earlier_ends_the_member_earlier(world: World, later: str) -> None:
    """Only what the history knows until the time of a row says that the row is known (law S1)."""
    minutes = {"2026-01-01 00:10:00.000000": 10, "2026-01-01 00:05:00.000000": 5}
    (earlier,) = minutes.keys() - {later}
    world.load(Batch({"s.states": [_row(0, id="1", state="x")]}, as_of="2026-01-01 00:01:00.000000"))
    for as_of in (later, earlier):
        gone = _row(0, gone=True, id="1", state="x")
        world.load(Batch({"s.states": [gone]}, as_of=as_of, is_backfill=minutes[as_of] < minutes[later]))
    assert world.query("select valid_to from warehouse.dim_stated where id = '1'") == [
        (START + timedelta(minutes=5),)
    ]
