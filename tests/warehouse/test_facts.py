"""Facts that the catalog declares: generated tables and the generic merge, rows in and rows out."""

from __future__ import annotations

import os
import random
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from etl.catalog import Catalog
from etl.errors import ReleaseRefused
from etl.handles import Release, TableOutcome
from etl.settings import Settings
from etl.warehouse.database import listed
from tests.systems import BOTH_SYSTEMS
from tests.warehouse.rows import at, cursor_of
from tests.warehouse.world import Batch, World

pytestmark = BOTH_SYSTEMS

EXAMPLES = max(int(os.environ.get("ETL_TEST_EXAMPLES", "500")) // 15, 5)
START = datetime(2026, 5, 1, tzinfo=UTC)
ODD = 'a "count" of 100%; drop table x; --'

COUNTED = {
    "product_id": {"type": "integer", "nullable": False},
    "counted_at": {"type": "timestamp", "nullable": False},
    "quantity": {"type": "integer"},
    "exported_at": {"type": "timestamp", "nullable": False},
}


def _table(name: str, key: list[str], columns: dict[str, Any], **more: Any) -> dict[str, Any]:
    declared = {"name": name, "source": "s", "description": name, "table": name, "key": key}
    return {**declared, "columns": columns, **more}


CATALOG = Catalog.model_validate(
    {
        "sources": {"s": {"name": "s", "description": "events", "url_setting": "shop_url"}},
        "tables": {
            "s.products": _table(
                "products",
                ["product_id"],
                {
                    "product_id": {"type": "bigint", "nullable": False},
                    "brand": {"type": "text"},
                    "updated_at": {"type": "timestamp", "nullable": False},
                },
                cursor="updated_at",
            ),
            "s.sheet": _table("sheet", ["product_id", "counted_at"], COUNTED),
            "s.feed": _table(
                "feed", ["product_id", "counted_at", "exported_at"], {**COUNTED, "till": {"type": "text"}}
            ),
            "s.views": _table(
                "views",
                ["view_id"],
                {
                    "view_id": {"type": "text", "nullable": False},
                    "session_id": {"type": "bigint", "nullable": False},
                    "product_id": {"type": "bigint"},
                    "seen_product_id": {"type": "bigint"},
                    "viewed_on": {"type": "date", "nullable": False},
                    "amount": {"type": "decimal(10,2)"},
                    "session_updated_at": {"type": "timestamp", "nullable": False},
                },
                cursor="session_updated_at",
            ),
            "s.entries": _table(
                "entries",
                ["entry_id"],
                {
                    "entry_id": {"type": "bigint", "nullable": False},
                    ODD: {"type": "text"},
                    "gone": {"type": "boolean"},
                },
                deletes="soft",
                deleted_when="gone",
            ),
            "s.slips": _table(
                "slips",
                ["slip_id"],
                {"slip_id": {"type": "bigint", "nullable": False}, "note": {"type": "text"}},
                deletes="compare",
            ),
        },
        "dimensions": {
            "item": {
                "name": "item",
                "description": "products",
                "key": {"product_id": "bigint"},
                "events": [{"table": "s.products", "effective_at": "updated_at"}],
                "attributes": {"brand": {"type": "text", "scd": 2}},
                "guard": {"end_pct": 100, "change_pct": 100},
            }
        },
        "facts": {
            "counts": {
                "name": "counts",
                "description": "What was counted",
                "grain": ["product_id", "counted_at"],
                "tables": ["s.sheet", "s.feed"],
                "columns": {
                    "product_id": {"type": "bigint"},
                    "counted_at": {"type": "timestamp"},
                    "on_hand_quantity": {"type": "integer", "column": "quantity"},
                    "exported_at": {"type": "timestamp", "nullable": False},
                },
                "lookups": {"item_key": {"dimension": "item", "key": {"product_id": "product_id"}}},
                "at": "counted_at",
                "dates": {"date_key": "counted_at"},
                "latest_by": "exported_at",
            },
            "views": {
                "name": "views",
                "description": "Page views",
                "grain": ["view_id"],
                "tables": ["s.views"],
                "columns": {
                    "view_id": {"type": "text"},
                    "session_id": {"type": "bigint"},
                    "product_id": {"type": "bigint"},
                    "seen_product_id": {"type": "bigint"},
                    "viewed_on": {"type": "date"},
                    "amount": {"type": "decimal(12,2)"},
                    "session_updated_at": {"type": "timestamp"},
                },
                "lookups": {
                    "item_key": {"dimension": "item", "key": {"product_id": "product_id"}},
                    "seen_item_key": {
                        "dimension": "item",
                        "key": {"product_id": "seen_product_id"},
                        "if_null": "not_applicable",
                    },
                },
                "at": "viewed_on",
                "dates": {"viewed_date_key": "viewed_on"},
                "latest_by": "session_updated_at",
                "complete_by": ["session_id"],
            },
            ODD: {
                "name": ODD,
                "description": "Names of any kind; 'quotes' included, 100 %",
                "grain": ["entry_id"],
                "tables": ["s.entries"],
                "columns": {"entry_id": {"type": "bigint"}, ODD: {"type": "text", "description": "'100%'"}},
            },
            "slips": {
                "name": "slips",
                "description": "Slips as they are there",
                "grain": ["slip_id"],
                "tables": ["s.slips"],
                "columns": {"slip_id": {"type": "bigint"}, "text": {"type": "text", "column": "note"}},
            },
        },
    }
)  # fmt: skip


@pytest.fixture(scope="module")
def world(warehouse_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """One warehouse for all tests of the module; each uses rows of its own."""
    settings_ = Settings(
        _env_file=None,
        state_dir=tmp_path_factory.mktemp("state"),
        warehouse_url=warehouse_url,
        business_time_zone="Europe/Berlin",
    )
    world = World(warehouse_url, settings_, CATALOG)
    days = [date(2026, 4, 1) + timedelta(days=n) for n in range(91)]
    world.session.insert(
        "warehouse.dim_date",
        ("date_key", "full_date", "day_name", "month_name"),
        [(int(f"{day:%Y%m%d}"), day, "day", "month") for day in days],
        key=("date_key",),
    )
    yield world
    world.close()


def test_rows_of_several_tables_are_one_fact_with_keys_found_at_their_time(world: World) -> None:
    """Laws S16, S17, F1; the day is the one of the business time zone."""
    one, two = _ids(world, 2)
    world.load(Batch({"s.products": [_product(one, "2026-05-02 00:00", "Ark")]}))
    release = world.load(
        Batch(
            {
                "s.sheet": [_count(one, "2026-05-01 22:30", 5), _count(two, "2026-05-03 00:00", 7)],
                "s.feed": [_count(one, "2026-05-03 00:00", None)],
            }
        )
    )
    assert world.query(
        "select f.product_id, f.counted_at, f.on_hand_quantity, f.date_key, d.brand, d.is_inferred"
        " from warehouse.fact_counts as f inner join warehouse.dim_item as d using (item_key)"
        " where f.product_id between %s and %s order by 1, 2",
        (one, two),
    ) == [
        (one, at("2026-05-01 22:30"), 5, 20260502, "Ark", False),
        (one, at("2026-05-03 00:00"), None, 20260503, "Ark", False),
        (two, at("2026-05-03 00:00"), 7, 20260503, None, True),
    ]
    counts = _outcome(release, "fact_counts")
    assert (counts.inserted, _outcome(release, "dim_item").inferred) == (3, 1)
    assert (_outcome(release, "s.sheet").inserted, _outcome(release, "s.feed").inserted) == (2, 1)


def test_a_late_version_repoints_each_lookup_of_its_dimension(world: World) -> None:
    """Law S8, with two lookups to one dimension and a day as the time of the fact."""
    one, two, session = _ids(world, 3)
    rows = [_view("a", session, one, two, "2026-05-04"), _view("b", session, one, None, "2026-05-06")]
    world.load(Batch({"s.products": [_product(n, "2026-05-01 00:00", "Ark") for n in (one, two)]}))
    world.load(Batch({"s.views": rows}))
    late = [_product(n, "2026-05-05 00:00", "Bow") for n in (one, two)]
    release = world.load(Batch({"s.products": late}))
    assert _outcome(release, "fact_views").repointed == 1
    release = world.load(Batch({"s.products": [_product(n, "2026-05-03 00:00", "Cut") for n in (one, two)]}))
    assert _outcome(release, "fact_views").repointed == 2
    assert world.query(
        "select right(f.view_id, 1), d.brand, f.seen_item_key = -2, f.viewed_date_key"
        " from warehouse.fact_views as f inner join warehouse.dim_item as d using (item_key)"
        " where f.session_id = %s order by 1",
        (session,),
    ) == [("a", "Cut", False, 20260504), ("b", "Bow", True, 20260506)]
    assert "fact_counts" in {o.name for o in release.outcomes}, "each fact that uses the dimension is asked"


def test_an_older_row_is_dropped_and_accounted_for(world: World) -> None:
    """Law R3; the row that was exported last holds, wherever and whenever it comes from."""
    (one,) = _ids(world, 1)
    newer = _count(one, "2026-05-03 00:00", 9, exported_at="2026-05-03 02:00")
    older = _count(one, "2026-05-03 00:00", 8, exported_at="2026-05-03 01:00")
    release = world.load(Batch({"s.sheet": [older], "s.feed": [newer, {**older, "quantity": 7}]}))
    assert (_outcome(release, "s.sheet").dropped, _outcome(release, "s.feed").dropped) == (1, 1)
    release = world.load(Batch({"s.sheet": [older]}))
    assert _outcome(release, "fact_counts") == replace(
        TableOutcome("fact_counts", "fact"), seconds=_outcome(release, "fact_counts").seconds
    )
    assert _outcome(release, "s.sheet").dropped == 1
    assert _quantities(world, [one]) == [(one, 9)]


def test_what_is_told_of_a_whole_is_all_there_is_of_it(world: World) -> None:
    """Views that left their session leave the fact; an older telling of the session changes nothing."""
    session, other = _ids(world, 2)
    world.load(Batch({"s.views": [_view(n, session) for n in "abc"] + [_view("x", other)]}))
    later = [_view(name, session, updated_at="2026-05-11 00:00") for name in "bd"]
    release = world.load(Batch({"s.views": later}))
    fact, source = _outcome(release, "fact_views"), _outcome(release, "s.views")
    assert (fact.inserted, fact.updated, fact.removed) == (1, 1, 2)
    assert (source.inserted, source.updated, source.dropped) == (1, 1, 0)
    assert _view_ids(world, session, other) == ["b", "d", "x"]
    before = world.written("fact_views")
    release = world.load(Batch({"s.views": [_view(n, session) for n in "abc"]}))
    assert _outcome(release, "s.views").dropped == 3
    assert world.written("fact_views") == before


def test_names_of_any_kind_and_soft_deletes(world: World) -> None:
    """Laws P1, X8."""
    (one,) = _ids(world, 1)
    entry = {"entry_id": one, ODD: "kept", "gone": False, "_cursor": None}
    world.load(Batch({"s.entries": [entry, {**entry, "entry_id": -one, "gone": True}]}))
    names = [world.session.identifier(ODD), world.session.identifier("warehouse", f"fact_{ODD}")]
    statement = "select entry_id, {} from {}".format(*names)
    assert world.query(statement) == [(one, "kept")]
    release = world.load(Batch({"s.entries": [{**entry, "gone": True}]}))
    assert (_outcome(release, f"fact_{ODD}").removed, _outcome(release, "s.entries").updated) == (1, 1)


def test_a_key_that_the_source_no_longer_has_leaves_the_fact_unless_too_many_do(world: World) -> None:
    """Laws X8, S13."""
    slips = [{"slip_id": n, "note": "x", "_cursor": None} for n in range(1, 31)]
    keys = [{"slip_id": n, "_cursor": None} for n in range(1, 31)]
    world.load(Batch({"s.slips": slips}, {"s.slips": keys}))
    release = world.load(Batch({"s.slips": slips[2:]}, {"s.slips": keys[2:]}))
    assert _outcome(release, "fact_slips").removed == 2
    assert world.missed("s.slips", keys[1:], "2026-07-01") == [{"slip_id": 2}]
    with pytest.raises(ReleaseRefused, match="end 28 of the 28 rows of fact_slips"):
        world.load(Batch({"s.slips": []}, {"s.slips": []}))
    assert world.query("select count(*) from warehouse.fact_slips") == [(28,)]


def test_a_column_the_source_lost_keeps_its_values(world: World) -> None:
    """Law S6."""
    (one,) = _ids(world, 1)
    world.load(Batch({"s.sheet": [_count(one, "2026-05-03 00:00", 9)]}))
    later = _count(one, "2026-05-03 00:00", None, exported_at="2026-05-09 00:00")
    release = world.load(Batch({"s.sheet": [later]}, absent={"s.sheet": ("quantity",)}))
    assert _outcome(release, "fact_counts").updated == 1
    assert _quantities(world, [one]) == [(one, 9)]


COUNTS = st.lists(
    st.tuples(
        st.sampled_from(["s.sheet", "s.feed"]),
        st.integers(0, 1),
        st.integers(0, 1),
        st.sampled_from([1, 2, None]),
        st.integers(0, 2),
    ),
    min_size=1,
    max_size=10,
)


@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck))
@given(drawn=COUNTS, seed=st.integers(0, 2**16), batches=st.integers(1, 3))
def test_a_fact_is_a_function_of_the_set_of_its_rows(
    world: World, drawn: list[Any], seed: int, batches: int
) -> None:
    """Any order, batching and repetition of files: per grain, the row exported last, then the larger one."""
    chance, first = random.Random(seed), world.new_member_ids(2)
    rows = [(table, _count_at(first + p, m, q, e)) for table, p, m, q, e in drawn]
    told = [*rows, *chance.sample(rows, k=chance.randint(0, len(rows)))]
    chance.shuffle(told)
    for batch in _without_conflicts(told, batches):
        world.load(batch)
    best: dict[tuple[int, int], tuple[int, int]] = {}
    for _, product, minute, quantity, exported in drawn:
        best[first + product, minute] = max(
            best.get((first + product, minute), (-1, -1)), (exported, quantity or 0)
        )
    found = world.query(
        "select product_id, extract(minute from counted_at), extract(minute from exported_at),"
        " coalesce(on_hand_quantity, 0) from warehouse.fact_counts where product_id between %s and %s",
        (first, first + 1),
    )
    assert {(p, m): (e, q) for p, m, e, q in found} == best
    before = world.written("fact_counts")
    table, row = rows[0]
    world.load(Batch({table: [row]}))
    assert world.written("fact_counts") == before


SESSIONS = st.lists(
    st.tuples(st.integers(0, 1), st.integers(1, 4), st.sets(st.sampled_from("abc"), min_size=1)),
    min_size=1,
    max_size=6,
    unique_by=lambda told: told[:2],
)


@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck))
@given(told=SESSIONS, batches=st.integers(1, 3), order=st.randoms(use_true_random=False))
def test_a_whole_ends_as_it_was_told_last(
    world: World, told: list[Any], batches: int, order: random.Random
) -> None:
    """Sessions with all their views, told in any order: the views of the newest telling of each are there."""
    first = world.new_member_ids(2)
    order.shuffle(told)
    for number in range(batches):
        newest: dict[str, dict[str, Any]] = {}
        for session, day, views in sorted(told[number::batches], key=lambda t: t[1]):
            for name in views:
                row = _view(name, first + session, updated_at=f"2026-05-{day:02} 00:00")
                newest[row["view_id"]] = row
        world.load(Batch({"s.views": list(newest.values())}))
    expected = set()
    for session in {s for s, _, _ in told}:
        _, _, views = max((t for t in told if t[0] == session), key=lambda t: t[1])
        expected |= {(first + session, name) for name in views}
    found = world.query(
        "select session_id, right(view_id, 1) from warehouse.fact_views where session_id between %s and %s",
        (first, first + 1),
    )
    assert set(found) == expected


def _without_conflicts(told: list[tuple[str, dict[str, Any]]], batches: int) -> list[Batch]:
    """Batches in which no two rows of a table conflict, which would both wait (law S10)."""
    parts: list[dict[str, dict[tuple[Any, ...], dict[str, Any]]]] = [{} for _ in range(batches)]
    for number, (table, row) in enumerate(told):
        key = tuple(row[c] for c in CATALOG.tables[table].key)
        turns = (parts[(number + turn) % len(parts)] for turn in range(len(parts)))
        part = next((p for p in turns if p.get(table, {}).get(key, row) == row), None)
        if part is None:
            parts.append(part := {})
        part.setdefault(table, {})[key] = row
    return [Batch({table: list(rows.values()) for table, rows in part.items()}) for part in parts if part]


def _ids(world: World, count: int) -> list[int]:
    first = world.new_member_ids(count)
    return list(range(first, first + count))


def _product(product_id: int, updated_at: str, brand: str) -> dict[str, Any]:
    row = {"product_id": product_id, "brand": brand, "updated_at": at(updated_at)}
    return {**row, "_cursor": cursor_of(at(updated_at))}


def _count(
    product_id: int, counted_at: str, quantity: int | None, exported_at: str = "2026-05-03 01:00"
) -> dict[str, Any]:
    row = {"product_id": product_id, "counted_at": at(counted_at), "quantity": quantity}
    return {**row, "exported_at": at(exported_at), "_cursor": None}


def _count_at(product_id: int, minute: int, quantity: int | None, exported: int) -> dict[str, Any]:
    row = {"product_id": product_id, "counted_at": START + timedelta(minutes=minute), "quantity": quantity}
    return {**row, "exported_at": START + timedelta(minutes=exported), "_cursor": None}


def _view(
    name: str,
    session: int,
    product: int | None = None,
    seen: int | None = None,
    viewed_on: str = "2026-05-04",
    updated_at: str = "2026-05-10 00:00",
) -> dict[str, Any]:
    row = {"view_id": f"{session}{name}", "session_id": session, "product_id": product}
    times = {"viewed_on": viewed_on, "session_updated_at": at(updated_at)}
    return {
        **row,
        **times,
        "seen_product_id": seen,
        "amount": Decimal("1.00"),
        "_cursor": cursor_of(at(updated_at)),
    }


def _outcome(release: Release, name: str) -> TableOutcome:
    return next(o for o in release.outcomes if o.name == name)


def _quantities(world: World, products: list[int]) -> list[tuple[Any, ...]]:
    return world.query(
        "select product_id, on_hand_quantity from warehouse.fact_counts"
        f" where product_id in ({listed(products)})",
        products,
    )


def _view_ids(world: World, *sessions: int) -> list[str]:
    found = world.query(
        "select right(view_id, 1) from warehouse.fact_views"
        f" where session_id in ({listed(sessions)}) order by 1",
        sessions,
    )
    return [name for (name,) in found]
