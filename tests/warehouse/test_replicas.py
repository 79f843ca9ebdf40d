"""Replicas: copies of source tables end as the source is, on a real warehouse through the real release."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from etl.catalog import Catalog
from etl.errors import ConfigError, ReleaseRefused
from etl.handles import Release, TableOutcome
from etl.settings import Settings
from etl.warehouse.database import from_json
from tests.systems import BOTH_SYSTEMS
from tests.warehouse.holding import keep_instead, load_judged, replay
from tests.warehouse.rows import cursor_of
from tests.warehouse.world import Batch, World

pytestmark = BOTH_SYSTEMS

EXAMPLES = max(int(os.environ.get("ETL_TEST_EXAMPLES", "500")) // 30, 5)
# A document as text, and NULL where there is none, on each system.
TEXT = "case when c is not null then concat(c, '') end"
START = datetime(2026, 5, 1, tzinfo=UTC)
ODD = 'select "x"; drop table y; -- 100%'
ID = {"type": "bigint", "nullable": False}


def _table(name: str, key: list[str], columns: dict[str, Any], **more: Any) -> dict[str, Any]:
    replica = {"whole_row": not key, "guard": {"end_pct": 100}}
    declared = {"name": name, "source": "s", "description": f"the {name}", "table": f"{name} at the source"}
    return {**declared, "key": key, "columns": columns, "replica": replica, **more}


def _catalog(**changed: Any) -> Catalog:
    """Tables of each kind; ``changed`` replaces some by their names."""
    stamp = {"type": "timestamp", "nullable": False}
    steady = {"id": ID, "value": {"type": "text"}}
    tables = {
        "moving": _table(
            "moving",
            ["id", ODD],
            {
                "id": ID,
                ODD: {"type": "text", "nullable": False, "source_name": "Odd"},
                "value": {"type": "text"},
                "updated_at": stamp,
            },
            cursor="updated_at",
            deletes="compare",
        ),
        "steady": _table("steady", ["id"], steady),
        "plain": _table("plain", [], {"a": {"type": "text"}, "b": {"type": "double"}, "c": {"type": "json"}}),
        "flagged": _table(
            "flagged",
            ["id"],
            {"id": ID, "gone": {"type": "boolean"}, "seq": {"type": "bigint"}},
            deletes="soft",
            deleted_when="gone",
            cursor="seq",
            cursor_kind="integer",
        ),
        **changed,
    }
    return Catalog.model_validate(
        {
            "sources": {s: {"name": s, "description": "a database", "url_setting": "shop_url"} for s in "st"},
            "tables": {
                **{f"s.{name}": table for name, table in tables.items()},
                "t.steady": {**_table("steady", ["id"], steady), "source": "t"},
            },
            "dimensions": {},
            "facts": {},
        }
    )


@pytest.fixture(scope="module")
def settings_(warehouse_url: str, tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """Settings of the module's warehouse."""
    return Settings(_env_file=None, state_dir=tmp_path_factory.mktemp("state"), warehouse_url=warehouse_url)


@pytest.fixture(scope="module")
def world(warehouse_url: str, settings_: Settings) -> Iterator[World]:
    """One warehouse for all tests of the module."""
    world = World(warehouse_url, settings_, _catalog())
    yield world
    world.close()


@pytest.fixture(autouse=True)
def empty_copies(world: World) -> None:
    """Each test begins with a source and copies that are empty."""
    _empty(world)


@dataclass
class Source:
    """A table at the source: its rows by key, and its clock."""

    rows: dict[int, tuple[str | None, datetime]] = field(default_factory=dict)
    minute: int = 0
    low: datetime = START

    def now(self) -> datetime:
        """The next instant of the clock."""
        self.minute += 1
        return START + timedelta(minutes=self.minute)

    def run(self, world: World) -> Release:
        """What a run reads: the window, all keys, and the rows that were missed."""
        high, keys = self.now(), [_keyed(n, at) for n, (_, at) in self.rows.items()]
        missed = {row["id"] for row in world.missed("s.moving", keys, cursor_of(high))}
        read = [
            _moving(n, value, at)
            for n, (value, at) in self.rows.items()
            if self.low <= at < high or n in missed
        ]
        self.low = high
        return world.load(Batch({"s.moving": read}, {"s.moving": keys}, cursor_of(high)))


STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("write"), st.integers(1, 4), st.sampled_from(["x", "y", "", None])),
        st.tuples(st.just("backdate"), st.integers(1, 4), st.sampled_from(["x", "z"])),
        st.tuples(st.just("delete"), st.integers(1, 4), st.none()),
        st.tuples(st.just("run"), st.just(0), st.none()),
    ),
    max_size=14,
)


@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck))
@given(steps=STEPS)
def test_after_any_changes_and_runs_the_copy_is_what_the_source_is(world: World, steps: list[Any]) -> None:
    """Laws X1, X8: changed, backdated, deleted and returned rows all arrive; a second run writes nothing."""
    _empty(world)
    source = Source()
    for number, (what, key, value) in enumerate(steps):
        if what == "run":
            source.run(world)
        elif what == "delete":
            source.rows.pop(key, None)
        else:
            old = START - timedelta(minutes=len(steps) - number)
            source.rows[key] = (value, old if what == "backdate" else source.now())
    source.run(world)
    copied = {
        n: (value, at) for n, value, at in world.query("select id, value, updated_at from replica.s__moving")
    }
    assert copied == source.rows
    before = _state(world, "moving")
    source.run(world)
    assert _state(world, "moving") == before


ROWS = st.lists(
    st.tuples(
        st.sampled_from(["x", "", None]),
        st.sampled_from([0.1, -0.0, None]),
        st.sampled_from(['{"k": 1}', None]),
    ),
    max_size=8,
)


@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck))
@given(states=st.lists(ROWS, min_size=1, max_size=4))
def test_rows_without_a_key_are_copied_as_often_as_they_are_there(world: World, states: list[Any]) -> None:
    """Equal rows are counted; rows that stay are not written again (laws S9, R3)."""
    _empty(world)
    for rows in states:
        before = {row[:2] for row in _state(world, "plain")}
        held = Counter(world.query(f"select a, b, {TEXT} from replica.s__plain"))
        release = world.load(
            Batch({"s.plain": [{"a": a, "b": b, "c": c, "_cursor": None} for a, b, c in rows]})
        )
        assert Counter(world.query(f"select a, b, {TEXT} from replica.s__plain")) == Counter(rows)
        stayed = len(before & {row[:2] for row in _state(world, "plain")})
        outcome = _outcome(release, "s__plain")
        assert stayed == outcome.unchanged == (held & Counter(rows)).total()
        assert (outcome.inserted, outcome.removed) == (len(rows) - stayed, held.total() - stayed)


def test_replayed_rows_without_a_key_are_some_more_and_not_all_that_there_are(world: World) -> None:
    """Law Q3; two equal rows wait, which a rule blames alike."""
    rows = [("x", 0.5, None), ("x", 0.5, None), ("y", 1.5, None), ("z", 2.5, None)]
    told = [{"a": a, "b": b, "c": c, "_cursor": None} for a, b, c in rows]
    load_judged(world, Batch({"s.plain": told}), {"s.plain": "b > 2 or a = 'x'"})
    assert len(world.query("select b from replica.s__plain")) == 1
    replay(world)
    assert Counter(world.query(f"select a, b, {TEXT} from replica.s__plain")) == Counter(rows)


def test_the_null_of_a_json_document_comes_back_as_what_it_is(world: World) -> None:
    """Laws R3, Q3: value for value; no value at all is something else."""
    rows = [("x", 0.5, "null"), ("y", 0.5, None), ("z", 0.5, '{"a": null}'), ("w", 1.5, "null")]
    told = [{"a": a, "b": b, "c": c, "_cursor": None} for a, b, c in rows]
    load_judged(world, Batch({"s.plain": told}), {"s.plain": "b < 1"})
    assert world.query(f"select a, {TEXT} from replica.s__plain") == [("w", "null")]
    replay(world)
    assert Counter(world.query(f"select a, b, {TEXT} from replica.s__plain")) == Counter(rows)
    assert world.query("select count(*) from audit.quarantine where status = 'open'") == [(0,)]


def test_a_row_kept_in_a_type_that_its_column_no_longer_has_stays_and_the_others_go_on(world: World) -> None:
    """Law Q3; the column was a text when the rows were held back."""
    rows = [{"id": n, "gone": False, "seq": n, "_cursor": str(n)} for n in (1, 2, 3)]
    load_judged(world, Batch({"s.flagged": rows}), {"s.flagged": "true"})
    for seq, key in (("2x", 2), ("3", 3)):
        keep_instead(world, {"id": key}, seq=seq)
    replay(world)
    assert world.query("select id, seq from replica.s__flagged order by 1") == [(1, 1), (3, 3)]
    waiting = "select row_key, rules from audit.quarantine where status = 'open'"
    assert _documents(world.query(waiting)) == [({"id": 2}, ["too_strict", "kept_seq_does_not_fit"])]
    replay(world)
    assert _documents(world.query(waiting)) == [({"id": 2}, ["too_strict", "kept_seq_does_not_fit"])], (
        "said once"
    )
    keep_instead(world, {"id": 2}, seq="2")
    replay(world)
    assert world.query("select id, seq from replica.s__flagged order by 1") == [(1, 1), (2, 2), (3, 3)]


def test_a_table_that_is_read_whole_loses_rows_that_are_gone_but_not_those_that_wait(world: World) -> None:
    """Law X8; the row in quarantine keeps its earlier state in the copy."""
    world.load(Batch({"s.steady": [_steady(n, "x") for n in (1, 2, 3)]}))
    conflicting = [_steady(2, "y"), _steady(2, "z")]
    release = world.load(Batch({"s.steady": [_steady(1, "x"), *conflicting]}))
    assert world.query("select id, value from replica.s__steady order by 1") == [(1, "x"), (2, "x")]
    copied, read = _outcome(release, "s__steady"), _outcome(release, "s.steady")
    assert (copied.role, copied.removed, copied.unchanged, read.quarantined) == ("replica", 1, 1, 2)


def test_tables_of_one_name_in_two_sources_have_copies_of_their_own(world: World) -> None:
    world.load(Batch({"s.steady": [_steady(1, "x")], "t.steady": [_steady(1, "y"), _steady(2, "y")]}))
    world.load(Batch({"s.steady": [_steady(1, "x")], "t.steady": [_steady(2, "y")]}))
    assert world.query("select id, value from replica.s__steady") == [(1, "x")]
    assert world.query("select id, value from replica.t__steady") == [(2, "y")]


def test_a_soft_delete_leaves_the_copy_and_an_older_state_of_a_backfill_does_not_return(world: World) -> None:
    def row(key: int, seq: int, gone: bool | None = None) -> dict[str, Any]:
        return {"id": key, "gone": gone, "seq": seq, "_cursor": str(seq)}

    world.load(Batch({"s.flagged": [row(1, 9), row(2, 10), row(3, 8, gone=True)]}, as_of="11"))
    release = world.load(Batch({"s.flagged": [row(1, 12, gone=True)]}, as_of="13"))
    assert (_outcome(release, "s__flagged").removed, _outcome(release, "s.flagged").updated) == (1, 1)
    late = world.load(Batch({"s.flagged": [row(2, 9), row(4, 9)]}, as_of="10", is_backfill=True))
    assert _outcome(late, "s.flagged").dropped == 1, "10 is newer than 9 although its text is not"
    assert world.query("select id, seq from replica.s__flagged order by 1") == [(2, 10), (4, 9)]


def test_an_emptied_source_is_refused(world: World, settings_: Settings) -> None:
    """Law S13: large copies are guarded, small ones may empty."""
    guarded = _catalog(
        steady=_table("steady", ["id"], {"id": ID, "value": {"type": "text"}}, replica={}),
        plain=_table("plain", [], {"a": {"type": "text"}}, replica={"whole_row": True}),
    )
    strict = World(world.url, settings_, guarded)
    for count, refused in ((19, False), (20, True)):
        full = {
            "s.steady": [_steady(n, "x") for n in range(count)],
            "s.plain": [{"a": str(n), "_cursor": None} for n in range(count)],
        }
        strict.load(Batch(full))
        for name, rows in full.items():
            if not refused:
                strict.load(Batch({name: []}))
                continue
            with pytest.raises(ReleaseRefused, match=rf"end 20 of the 20 rows of replica.s__{name[2:]}.*S13"):
                strict.load(Batch({name: []}))
            with pytest.raises(ReleaseRefused, match="end 3 of the 20"):
                strict.load(Batch({name: rows[3:]}))
    strict.close()


def test_a_column_that_the_catalog_gains_and_one_that_the_source_loses(
    world: World, settings_: Settings
) -> None:
    """Laws S6, S14: what is not known stays NULL, what is no longer told stays as it was."""
    world.load(Batch({"s.steady": [_steady(1, "x")], "s.plain": [_plain("x"), _plain("y")]}))
    wider = {"id": ID, "value": {"type": "text"}, "tier": {"type": "integer"}}
    columns = {
        **{c: {"type": t} for c, t in (("a", "text"), ("b", "double"), ("c", "json"))},
        "d": {"type": "text"},
    }
    grown = World(
        world.url,
        settings_,
        _catalog(steady=_table("steady", ["id"], wider), plain=_table("plain", [], columns)),
    )
    grown.load(
        Batch(
            {
                "s.steady": [{**_steady(1, "x"), "tier": 7}],
                "s.plain": [{**_plain("x"), "d": "new"}, _plain("y")],
            }
        )
    )
    absent = {"s.steady": ("value",), "s.plain": ("a",)}
    gone = {
        "s.steady": [{"id": 1, "value": None, "tier": 8, "_cursor": None}],
        "s.plain": [{**_plain(None), "d": "new"}, _plain(None)],
    }
    release = grown.load(Batch(gone, absent=absent))
    grown.close()
    assert world.query("select id, value, tier from replica.s__steady") == [(1, "x", 8)]
    assert world.query("select a, d from replica.s__plain order by 1") == [("x", "new"), ("y", None)]
    assert _outcome(release, "s__plain").unchanged == 2


def test_types_widen_and_what_could_lose_a_value_is_refused(world: World, settings_: Settings) -> None:
    world.load(Batch({"s.flagged": [{"id": 1, "gone": None, "seq": 5, "_cursor": "5"}]}))
    columns = {
        "id": {"type": "decimal(20,0)", "nullable": False},
        "gone": {"type": "text"},
        "seq": {"type": "bigint"},
    }
    wider = World(world.url, settings_, _catalog(flagged=_table("flagged", ["id"], columns)))
    assert wider.query("select id, gone, seq from replica.s__flagged") == [(1, None, 5)]
    wider.close()
    columns["seq"] = {"type": "integer"}
    with pytest.raises(
        ConfigError, match=r"flagged\.yaml: column 'seq' is declared integer.*holds it as bigint"
    ):
        World(world.url, settings_, _catalog(flagged=_table("flagged", ["id"], columns)))
    world.execute("drop table replica.s__flagged")
    World(world.url, settings_, _catalog()).close()


def test_another_key_wants_another_table_which_is_then_read_from_the_beginning(
    world: World, settings_: Settings
) -> None:
    """Law X7: the reset names the table."""
    world.load(Batch({"s.steady": [_steady(1, "x")], "s.plain": [_plain("x")]}))
    columns = {"id": ID, "value": {"type": "text", "nullable": False}}
    rekeyed = _catalog(steady=_table("steady", ["value"], columns))
    with pytest.raises(
        ConfigError, match=r"told apart by value, but replica\.s__steady was made for other columns"
    ):
        World(world.url, settings_, rekeyed)
    world.execute("drop table replica.s__steady")
    World(world.url, settings_, rekeyed).close()
    assert set(world.warehouse.watermarks()) & {"s.steady", "s.plain"} == {"s.plain"}
    world.execute("drop table replica.s__steady")
    World(world.url, settings_, _catalog()).close()


def test_table_and_columns_say_where_they_come_from(world: World) -> None:
    said = world.query(
        "select obj_description(c), col_description(c, 2)"
        " from (select 'replica.s__moving'::regclass as c) as copied"
        if world.database.folder == "postgresql"
        else "select t.table_comment, c.column_comment from information_schema.tables as t"
        " inner join information_schema.columns as c using (table_schema, table_name)"
        " where table_name = 's__moving' and c.ordinal_position = 2 and table_schema = %s",
        [world.database.schema("replica")] if world.database.folder == "mysql" else (),
    )
    assert said == [("Copy of moving at the source of s as it is there now: the moving", "Odd at the source")]


def _empty(world: World) -> None:
    copies = [f"replica.{name}" for name in ("s__moving", "s__steady", "s__plain", "s__flagged", "t__steady")]
    for relation in (*copies, "audit.watermarks", "audit.quarantine"):
        world.execute(f"delete from {relation}")


def _state(world: World, name: str) -> list[tuple[Any, ...]]:
    """Rows, each begun by two columns that tell whether it was written again."""
    if world.database.folder == "postgresql":
        return world.query(f"select xmin::text, ctid::text, * from replica.s__{name} order by 3")
    identity = "_row_id" if name == "plain" else "id"
    return world.query(f"select {identity}, _updated_run_id, t.* from replica.s__{name} as t order by 3")


def _keyed(key: int, at: datetime) -> dict[str, Any]:
    return {"id": key, ODD: "'", "_cursor": cursor_of(at)}


def _moving(key: int, value: str | None, at: datetime) -> dict[str, Any]:
    return {**_keyed(key, at), "value": value, "updated_at": at}


def _steady(key: int, value: str) -> dict[str, Any]:
    return {"id": key, "value": value, "_cursor": None}


def _plain(a: str | None) -> dict[str, Any]:
    return {"a": a, "b": 1.0, "c": None, "_cursor": None}


def _outcome(release: Release, name: str) -> TableOutcome:
    return next(o for o in release.outcomes if o.name == name)


def _documents(rows: list[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
    return [tuple(from_json(value) for value in row) for row in rows]
