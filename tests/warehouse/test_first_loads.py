"""A first load: the staged table becomes the copy itself, unless that would lose something."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from typing import Any

import psycopg2
import pytest

from etl.catalog import Catalog
from etl.errors import ReleaseRefused
from etl.handles import TableOutcome
from etl.settings import Settings
from tests.warehouse.world import Batch, World

ODD = 'it\'s "x"; $$ 100%'
DECLARED: dict[str, Any] = {
    "name": "things",
    "source": "s",
    "description": "the things",
    "table": "things at the source",
    "key": ["id", ODD],
    "columns": {
        "id": {"type": "bigint", "nullable": False, "description": "who it is"},
        ODD: {"type": "text", "nullable": False},
        "price": {"type": "decimal(10,2)"},
        "gone": {"type": "boolean"},
    },
    "deletes": "soft",
    "deleted_when": "gone",
    "replica": {"guard": {"end_pct": 100}},
}


def _catalog(table: dict[str, Any]) -> Catalog:
    return Catalog.model_validate(
        {
            "sources": {"s": {"name": "s", "description": "a database", "url_setting": "shop_url"}},
            "tables": {f"s.{table['name']}": table},
            "dimensions": {},
            "facts": {},
        }
    )


CATALOG = _catalog(DECLARED)
SHAPE = (
    "select attname, format_type(atttypid, atttypmod), attnotnull, col_description(attrelid, attnum)"
    " from pg_attribute where attrelid = 'replica.s__things'::regclass and attnum > 0 and not attisdropped"
)
BESIDE = (
    "select c.relowner::regrole::text, c.relpersistence, c.relacl::text, c.reloptions,"
    " obj_description(c.oid), (select array_agg(conname || pg_get_constraintdef(oid) order by conname)"
    "  from pg_constraint where conrelid = c.oid and contype = 'p')"
    " from pg_class as c where c.oid = 'replica.s__things'::regclass"
)
PLACE = "select 'replica.s__things'::regclass::oid"


@pytest.fixture(scope="module")
def settings_(postgres_url: str, tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """Settings of the module's warehouse."""
    return Settings(_env_file=None, state_dir=tmp_path_factory.mktemp("state"), warehouse_url=postgres_url)


@pytest.fixture
def world(postgres_url: str, settings_: Settings) -> Iterator[World]:
    """A warehouse whose copy was never filled; a role reads it."""
    world = World(postgres_url, settings_, CATALOG)
    _execute(
        world,
        "drop table replica.s__things cascade; delete from audit.watermarks; drop role if exists reader",
    )
    world.warehouse.migrate()
    _execute(world, "create role reader; grant select on replica.s__things to reader with grant option")
    yield world
    _execute(world, "revoke all on replica.s__things from reader; drop role reader")
    world.close()


def test_the_staged_table_takes_the_place_of_the_empty_copy_with_all_that_belongs_to_it(world: World) -> None:
    shape, beside = sorted(world.query(SHAPE)), world.query(BESIDE)
    place = world.query(PLACE)
    copied, read = _load(world, [_thing(1), _thing(2), _thing(3, gone=True)])
    assert world.query(PLACE) != place
    assert sorted(world.query(SHAPE)) == shape
    assert world.query(BESIDE) == beside
    assert world.query("select id, price from replica.s__things order by 1") == [(1, 1), (2, 1)]
    assert (copied.role, copied.inserted, copied.unchanged) == ("replica", 2, 1)
    assert (read.role, read.extracted, read.inserted, read.unchanged) == ("source", 3, 2, 1)
    assert world.query("select count(distinct _inserted_run_id) from replica.s__things") == [(1,)]


def test_autovacuum_leaves_the_staged_table_alone(world: World) -> None:
    """Its worker would hold the table just when it is to become the copy."""
    run = world.new_run()
    world.warehouse.begin_run(run, [CATALOG.tables["s.things"]])
    world.stage(run, "s.things", Batch({"s.things": [_thing(1)]}))
    assert world.query(
        "select reloptions from pg_class where relname = 'stg_s__things' and relnamespace = %s::regnamespace",
        (run.staging_schema,),
    ) == [(["autovacuum_enabled=false"],)]


def test_statistics_know_what_a_step_has_filled(postgres_database: str, settings_: Settings) -> None:
    """The merge plans by them, and without autovacuum nobody makes them later."""
    fill = {"step": "fill_from_rows", "column": "price", "method": "mean"}
    world = World(postgres_database, settings_, _catalog(DECLARED | {"settle": [fill]}))
    run = world.new_run()
    world.warehouse.begin_run(run, [world.catalog.tables["s.things"]])
    world.stage_table(run, "s.things", Batch({"s.things": [_thing(1), _thing(2) | {"price": None}]}))
    null_share = "select null_frac from pg_stats where attname = 'price' and schemaname = %s"
    assert world.query(null_share, (run.staging_schema,)) == [(0,)]
    world.close()


def test_what_comes_later_changes_only_what_differs(world: World) -> None:
    """Laws R4, S9."""
    _load(world, [_thing(1), _thing(2)])
    place, rows = world.query(PLACE), dict(world.query("select id, xmin::text from replica.s__things"))
    copied, _ = _load(world, [_thing(1), _thing(2, price="2.50"), _thing(3)])
    assert (copied.inserted, copied.updated, copied.unchanged) == (1, 1, 1)
    assert world.query(PLACE) == place
    assert dict(world.query("select id, xmin::text from replica.s__things"))[1] == rows[1]


def test_duplicates_are_settled_first(world: World) -> None:
    """Law S10: identical rows count once, conflicting ones wait."""
    _, read = _load(world, [_thing(1), _thing(1), _thing(2), _thing(2, price="9.00")])
    assert world.query("select id from replica.s__things") == [(1,)]
    assert (read.extracted, read.inserted, read.dropped, read.quarantined) == (4, 1, 1, 2)


@pytest.mark.parametrize(
    "hung",
    [
        "create view public.seen as select id from replica.s__things",
        "create index added on replica.s__things (price)",
        f"create table public.child (i bigint, o text, foreign key (i, o)"
        f' references replica.s__things (id, "{ODD.replace(chr(34), chr(34) * 2)}"))',
        "grant select (id) on replica.s__things to reader",
        "alter table replica.s__things add column ours text",
        "create table public.kept (thing replica.s__things)",
        "alter table replica.s__things enable row level security",
        "alter table replica.s__things set (fillfactor = 50)",
    ],
    ids=["view", "index", "foreign-key", "column-grant", "column", "row-type", "row-security", "storage"],
)
def test_a_copy_on_which_somebody_has_built_stays(world: World, hung: str) -> None:
    _execute(world, "drop view if exists public.seen; drop table if exists public.child, public.kept")
    _execute(world, hung)
    place = world.query(PLACE)
    copied, _ = _load(world, [_thing(1)])
    assert copied.inserted == 1
    assert world.query(PLACE) == place
    assert world.query("select id from replica.s__things") == [(1,)]


def test_a_copy_that_somebody_reads_is_filled_in_its_place(world: World) -> None:
    """No release waits for a reader."""
    place = world.query(PLACE)
    with closing(psycopg2.connect(world.url)) as reader, reader.cursor() as cursor:
        cursor.execute("select count(*) from replica.s__things")
        _load(world, [_thing(1)])
    assert world.query(PLACE) == place
    assert world.query("select id from replica.s__things") == [(1,)]


def test_the_name_of_a_table_may_be_any_text(postgres_database: str, settings_: Settings) -> None:
    """Law P1."""
    odd = DECLARED | {"name": ODD}
    world = World(postgres_database, settings_, _catalog(odd))
    place = "select oid from pg_class where relname = %s and relnamespace = 'replica'::regnamespace"
    empty = world.query(place, (f"s__{ODD}",))
    world.load(Batch({f"s.{ODD}": [_thing(1)]}))
    assert world.query(place, (f"s__{ODD}",)) != empty
    world.close()


def test_a_refused_first_load_leaves_the_copy_empty_and_in_its_place(world: World) -> None:
    place = world.query(PLACE)
    with pytest.raises(ReleaseRefused, match="2 rows were extracted, but 1 are accounted for"):
        world.load(Batch({"s.things": [_thing(1)]}, lost={"s.things": 1}))
    assert world.query(PLACE) == place
    assert world.query("select id from replica.s__things") == []


def test_the_warehouse_tells_of_which_tables_it_has_rows(world: World) -> None:
    assert world.warehouse.tables_with_rows(["s.things"]) == set()
    _load(world, [_thing(1)])
    assert world.warehouse.tables_with_rows(["s.things"]) == {"s.things"}


def _load(world: World, rows: list[dict[str, Any]]) -> tuple[TableOutcome, TableOutcome]:
    release = world.load(Batch({"s.things": rows}))
    outcomes = {outcome.name: outcome for outcome in release.outcomes}
    return outcomes["s__things"], outcomes["s.things"]


def _thing(key: int, price: str = "1.00", gone: bool | None = None) -> dict[str, Any]:
    return {"id": key, ODD: "odd", "price": price, "gone": gone, "_cursor": None}


def _execute(world: World, statements: str) -> None:
    world.execute(statements.replace("%", "%%"))
