"""Law S1: the versions are a pure function of the set of events: order, batches, repetition do not matter."""

from __future__ import annotations

import os
import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from etl.catalog import Catalog
from etl.settings import Settings
from tests.systems import BOTH_SYSTEMS
from tests.warehouse.reference import Event, versions_of
from tests.warehouse.world import Batch, World

pytestmark = BOTH_SYSTEMS

EXAMPLES = int(os.environ.get("ETL_TEST_EXAMPLES", "500"))
START = datetime(2026, 1, 1, tzinfo=UTC)

TABLES = {"whole": "zabct", "half": "bt", "tracked_whole": "bc", "tracked_half": "b"}
CATALOG = Catalog.model_validate(
    {
        "sources": {"s": {"name": "s", "description": "events", "url_setting": "shop_url"}},
        "tables": {
            f"s.{name}": {
                "name": name,
                "source": "s",
                "description": "events of members",
                "table": name,
                "key": ["id", "part", "at", "seq"],
                "cursor": "at",
                "deletes": "soft",
                "deleted_when": "gone",
                "columns": {
                    "id": {"type": "bigint"},
                    "part": {"type": "text"},
                    "at": {"type": "timestamp"},
                    "seq": {"type": "bigint"},
                    "gone": {"type": "boolean"},
                    **{c: {"type": "text"} for c in columns},
                },
            }
            for name, columns in TABLES.items()
        },
        "dimensions": {
            "member": {
                "name": "member",
                "description": "all four types in one",
                "key": {"id": "bigint", "part": "text"},
                "events": [
                    {"table": "s.whole", "effective_at": "at", "sequence": "seq"},
                    {"table": "s.half", "effective_at": "at", "sequence": "seq", "existence": False},
                ],
                "attributes": {
                    "z": {"type": "text", "scd": 0},
                    "a": {"type": "text", "scd": 1},
                    "b": {"type": "text", "scd": 2},
                    "c": {"type": "text", "scd": 2},
                    "t": {"type": "text", "scd": 3},
                },
                "guard": {"end_pct": 100, "change_pct": 100},
            },
            "tracked": {
                "name": "tracked",
                "description": "type 2 alone: no more is derived anew than what a new event may change",
                "key": {"id": "bigint", "part": "text"},
                "events": [
                    {"table": "s.tracked_whole", "effective_at": "at", "sequence": "seq"},
                    {
                        "table": "s.tracked_half",
                        "effective_at": "at",
                        "sequence": "seq",
                        "existence": False,
                    },
                ],
                "attributes": {"b": {"type": "text", "scd": 2}, "c": {"type": "text", "scd": 2}},
                "guard": {"end_pct": 100, "change_pct": 100},
            },
        },
        "facts": {},
    }
)
VALUES = st.sampled_from(["x", "y", "", None])
EVENTS = st.lists(
    st.builds(
        Event,
        source=st.sampled_from(["whole", "whole", "half"]),
        minute=st.integers(0, 5),
        sequence=st.integers(0, 3),
        gone=st.sampled_from([False, False, False, True]),
        values=st.fixed_dictionaries(dict.fromkeys("zabct", VALUES)),
    ),
    min_size=1,
    max_size=8,
    unique_by=lambda e: (e.minute, e.sequence, e.source),
)


@pytest.fixture(scope="module")
def world(warehouse_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """One warehouse for all examples, its dimension made from the catalog; each has members of its own."""
    settings_ = Settings(
        _env_file=None, state_dir=tmp_path_factory.mktemp("state"), warehouse_url=warehouse_url
    )
    world = World(warehouse_url, settings_, CATALOG)
    yield world
    world.close()


@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    histories=st.lists(EVENTS, min_size=1, max_size=4), seed=st.integers(0, 2**16), batches=st.integers(1, 3)
)
def test_any_order_batching_and_repetition_gives_the_reference_versions(
    world: World, histories: list[list[Event]], seed: int, batches: int
) -> None:
    chance = random.Random(seed)
    first = world.new_member_ids(len(histories))
    rows = [(e.source, _row(first + n, e)) for n, events in enumerate(histories) for e in events]
    rows += chance.sample(rows, k=chance.randint(0, len(rows)))
    chance.shuffle(rows)
    for number in range(batches):
        part = rows[number::batches]
        world.load(Batch({f"s.{name}": _staged_as(name, part) for name in TABLES}))
    for n, events in enumerate(histories):
        assert _versions(world, first + n) == versions_of(events, START), f"member {n}"
        assert _tracked_versions(world, first + n) == _as_tracked(events), f"member {n}, type 2 alone"


@pytest.mark.parametrize(
    "events",
    [
        pytest.param(
            [("whole", 1, 0, {"b": "x", "c": "y"}), ("half", 2, 0, {"b": "z"}), ("half", 3, 0, {"b": "w"})],
            id="a-version-that-began-with-a-part-takes-the-rest-from-before",
        ),
        pytest.param(
            [
                ("whole", 1, 0, {"b": "x", "c": "y"}),
                ("whole", 2, 0, {"b": "z", "c": "y"}),
                ("whole", 2, 1, {"b": "x", "c": "y"}),
            ],
            id="a-version-that-was-changed-back-within-its-first-instant-is-none",
        ),
        pytest.param(
            [
                ("whole", 1, 0, {"b": "x", "c": "y"}),
                ("whole", 3, 0, {"b": "z", "c": "y"}),
                ("whole", 2, 0, {"b": "z", "c": "y"}),
                ("whole", 4, 0, {"b": "v", "c": "y"}),
            ],
            id="a-late-event-brings-the-version-after-it-forward",
        ),
    ],
)
def test_each_event_in_a_release_of_its_own_gives_the_reference_versions(
    world: World, events: list[tuple[str, int, int, dict[str, str]]]
) -> None:
    first = world.new_member_ids(1)
    told = [
        Event(source, minute, sequence, False, {**dict.fromkeys("zabct", "-"), **values})
        for source, minute, sequence, values in events
    ]
    for event in told:
        world.load(Batch({f"s.tracked_{event.source}": [_row(first, event)]}))
    assert _tracked_versions(world, first) == _as_tracked(told)


def test_loading_everything_again_writes_nothing(world: World) -> None:
    """Law R4: the same events once more write nothing and make no key."""
    first = world.new_member_ids(1)
    events = [Event("whole", m, 0, False, dict(zip("zabct", "xyxyx", strict=True))) for m in (1, 3)]
    rows = [_row(first, e) for e in events]
    batch = Batch({"s.whole": rows, "s.half": [], "s.tracked_whole": rows})
    world.load(batch)
    before = world.written("dim_member", "dim_tracked")
    release = world.load(batch)
    assert world.written("dim_member", "dim_tracked") == before
    outcomes = {o.name: (o.inserted, o.updated, o.expired, o.unchanged) for o in release.outcomes}
    assert outcomes["dim_member"] == outcomes["dim_tracked"] == (0, 0, 0, 0)


def test_versions_can_be_rebuilt_from_their_history(world: World) -> None:
    """Law S19: deriving every member again finds the table as it is."""
    first = world.new_member_ids(1)
    events = [Event("whole", m, 0, m == 2, dict.fromkeys("zabct", str(m))) for m in (1, 2, 3)]
    for event in events:
        world.load(Batch({f"s.{name}": [_row(first, event)] for name in ("whole", "tracked_whole")}))
    assert world.rebuild_difference("member") == world.rebuild_difference("tracked") == []


def _row(member: int, event: Event) -> dict[str, Any]:
    at = START + timedelta(minutes=event.minute)
    return {
        "id": member,
        "part": 'p"art; --',
        "at": at,
        "seq": event.sequence,
        "gone": event.gone and event.source == "whole",
        "_cursor": at.isoformat(),
        **event.values,
    }


def _unique(rows: Any) -> list[dict[str, Any]]:
    return list({(r["id"], r["at"], r["seq"]): r for r in rows}.values())


def _staged_as(name: str, told: list[tuple[str, dict[str, Any]]]) -> list[dict[str, Any]]:
    """Rows of the table of that name: both dimensions hear the same events, each by tables of its own."""
    return _unique(row for source, row in told if name in (source, f"tracked_{source}"))


def _as_tracked(events: list[Event]) -> list[tuple[Any, ...]]:
    """The reference's versions with the attributes of type 2 alone: the others make no version."""
    return [(start, end, b, c) for start, end, _, _, b, c, *_ in versions_of(events, START)]


def _tracked_versions(world: World, member: int) -> list[tuple[Any, ...]]:
    return world.query(
        "select valid_from, case when is_current then null else valid_to end, b, c"
        " from warehouse.dim_tracked where id = %s order by valid_from",
        (member,),
    )


def _versions(world: World, member: int) -> list[tuple[Any, ...]]:
    return world.query(
        "select valid_from, case when is_current then null else valid_to end,"
        " z, a, b, c, t, previous_t, t_changed_at"
        " from warehouse.dim_member where id = %s order by valid_from",
        (member,),
    )
