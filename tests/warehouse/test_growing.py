"""Tables that the catalog makes and changes are the same on both systems, and so is what they hold."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Any

import pytest

from etl.catalog import Catalog
from etl.errors import ConfigError, StorehouseError
from etl.settings import Settings
from etl.warehouse import open_database
from etl.warehouse.catalog_shape import match_catalog
from etl.warehouse.database import Database, Session, from_json
from etl.warehouse.migrations import migrate
from tests.conftest import fresh_mysql_warehouse, fresh_postgresql
from tests.warehouse.shapes import shape_lines

EMPTY = Catalog(sources={}, tables={}, dimensions={}, facts={})
BEGUN = datetime(2026, 5, 1, tzinfo=UTC)
FIRST = {
    "thing_id": {"type": "integer"},
    "place": {"type": "text", "nullable": False},
    "room": {"type": "text", "nullable": False, "description": "Where it was seen; 100 %"},
    "seen_on": {"type": "date"},
    "seen_at": {"type": "timestamp"},
    "clock": {"type": "time"},
    "is_sure": {"type": "boolean"},
    "number": {"type": "integer", "nullable": False, "description": "How many; it's a count"},
}


@pytest.fixture(params=["postgresql", "mysql"])
def database(request: pytest.FixtureRequest, tmp_path: Any) -> Iterator[Database]:
    """A warehouse of no catalog on one of the systems."""
    of_system = {
        "postgresql": (fresh_postgresql, "postgres_server"),
        "mysql": (fresh_mysql_warehouse, "mysql_server"),
    }
    fresh, server = of_system[request.param]
    for url in fresh(request.getfixturevalue(server)):
        opened = open_database(url, Settings(_env_file=None, state_dir=tmp_path, warehouse_url=url))
        migrate(opened, EMPTY)
        yield opened
        opened.forget_idle()


def test_what_the_catalog_makes_is_the_same(postgres_server: str, mysql_server: str, tmp_path: Any) -> None:
    """Laws S2, S12, S14, S15, F1: when it is made, and when it has grown."""
    shapes = []
    for fresh, server in ((fresh_postgresql, postgres_server), (fresh_mysql_warehouse, mysql_server)):
        for url in fresh(server):
            database = open_database(url, Settings(_env_file=None, state_dir=tmp_path, warehouse_url=url))
            migrate(database, EMPTY)
            before = set(shape_lines(database))
            found = []
            for catalog in (_catalog(), _grown()):
                _match(database, catalog)
                found.append([line for line in shape_lines(database) if line not in before])
            shapes.append(found)
            database.forget_idle()
    assert shapes[0][0] == shapes[1][0]
    assert shapes[0][1] == shapes[1][1]
    assert shapes[0][0] != shapes[0][1]


def test_values_and_comments_stay_where_a_table_grows(database: Database) -> None:
    """Law S14: a type widens, NULL is let in, keys are added; texts are those that are landed."""
    _match(database, _catalog())
    with database.session() as session:
        _insert_sighting(session)
        session.execute(
            "insert into history.thing (thing_id, kind, effective_at, source, operation, recorded_at, run_id)"
            " values (1, 'x', %s, 's', 'upsert', %s, 'r')",
            (BEGUN, BEGUN),
        )
    _match(database, _grown())
    with database.session() as session:
        columns = "thing_id, place, seen_on, seen_at, clock, is_sure, number, note, thing_key, date_key"
        session.execute(f"select {columns} from warehouse.fact_sightings")
        clock = ("2026-05-01 10:11:12.5+00", "10:11:12.5", "true")
        seen = (7, "x", date(2026, 5, 1), *clock, Decimal("7.00"), None, -1, -1)
        assert session.fetchall() == [seen]
        assert session.single("select color from history.thing") is None
        assert from_json(session.single("select absent from history.thing")) == ["color"]
    assert [
        line.partition(": ")[2]
        for line in shape_lines(database)
        if line.startswith(("warehouse.fact_sightings: room", "warehouse.fact_sightings: number"))
    ] == ["room text; Where it was seen; 100 %", "number decimal(12,2) not null; How many; it's a count"]


def test_what_a_key_keeps_apart_is_refused(database: Database) -> None:
    """Laws S2, S15, F1: one current version of a member, one row of a grain, no member without a key."""
    _match(database, _catalog())
    with database.session() as session:
        _insert_sighting(session)
        assert not session.attempt(_SIGHTING, "not unique", values=_SEEN)
        open_end, later = datetime(9999, 12, 31, tzinfo=UTC), datetime(2026, 6, 1, tzinfo=UTC)
        version = (
            "insert into warehouse.dim_thing (thing_id, kind, valid_from, valid_to) values (%s, %s, %s, %s)"
        )
        session.execute(version, (1, "a", BEGUN, later))
        session.execute(version, (1, "A", later, open_end))
        session.execute(version, (1, "a", later, open_end))
        again = (1, "a", later.replace(day=2), open_end)
        assert not session.attempt(version, "not unique", values=again)
        assert session.attempt(version, "not unique", values=(1, "a ", later, open_end))
        session.execute("select count(*) from warehouse.dim_thing where is_current")
        assert session.fetchone() == (2 + 3,)
    for values in ((None, "a", BEGUN, open_end), (1, "b", later, BEGUN)):
        with pytest.raises(StorehouseError), database.session() as session:
            session.execute(version, values)


def test_a_second_match_makes_nothing(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    _match(database, _grown())
    monkeypatch.setattr("etl.warehouse.columns._alter", _refuse)
    monkeypatch.setattr("etl.warehouse.making.read_again", _refuse)
    monkeypatch.setattr("etl.warehouse.catalog_shape._add_member", _refuse)
    before = shape_lines(database)
    _match(database, _grown())
    assert shape_lines(database) == before


def test_a_type_that_cannot_hold_all_is_refused(database: Database) -> None:
    _match(database, _catalog())
    narrow = {**FIRST, "number": {"type": "smallint", "nullable": False}}
    with pytest.raises(ConfigError, match="column 'number' is declared smallint, but warehouse"):
        _match(database, _catalog(columns=narrow))


_SIGHTING = (
    "insert into warehouse.fact_sightings (thing_id, place, room, seen_on, seen_at, clock, is_sure, number,"
    " inserted_run_id, updated_run_id) values (%s, %s, 'r', %s, %s, %s, %s, %s, 'r', 'r')"
)
_SEEN = (
    7,
    "x",
    date(2026, 5, 1),
    datetime(2026, 5, 1, 10, 11, 12, 500_000, UTC),
    time(10, 11, 12, 500_000),
    True,
    7,
)


def _insert_sighting(session: Session) -> None:
    session.execute(_SIGHTING, _SEEN)


def _refuse(*_: Any, **__: Any) -> None:
    raise AssertionError("something was changed")


def _match(database: Database, catalog: Catalog) -> None:
    with database.session() as session:
        match_catalog(session, catalog)


def _grown() -> Catalog:
    """The same with wider types, another column, a column that may be NULL, keys, and one column less."""
    columns = {
        **FIRST,
        "thing_id": {"type": "bigint"},
        "place": {"type": "text", "nullable": False},
        "room": {"type": "text", "description": "Where it was seen; 100 %"},
        "seen_at": {"type": "text"},
        "clock": {"type": "text"},
        "is_sure": {"type": "text"},
        "number": {"type": "decimal(12,2)", "nullable": False, "description": "How many; it's a count"},
        "note": {"type": "text", "description": "What was said; 100 %"},
    }
    lookups = {"thing_key": {"dimension": "thing", "key": {"thing_id": "thing_id"}}}
    return _catalog(
        {"color": {"type": "text", "scd": 1}},
        columns=columns,
        lookups=lookups,
        at="seen_on",
        dates={"date_key": "seen_on"},
    )


def _catalog(attributes: dict[str, Any] | None = None, **fact: Any) -> Catalog:
    """Two dimensions, one with a snowflake and a composite key, a fact that ``fact`` changes, and copies."""
    said = {"source": "s", "description": "d"}
    types = ("bigint", "smallint", "text", "boolean", "date", "timestamp", "time", "double", "json", "bytes")
    things = {"thing_id": {"type": "bigint"}, "kind": {"type": "text"}, "label": {"type": "text"}}
    things |= {name: {"type": "text"} for name in attributes or {}}
    copied = {f"a_{name}": {"type": name} for name in (*types, "uuid", "decimal(38,4)")}
    copied = {name.replace("(", "_").replace(",", "_").rstrip(")"): column for name, column in copied.items()}
    copy = {**said, "table": "c", "key": ["a_text", "a_uuid"], "replica": {}, "columns": copied}
    keyless = {
        **copy,
        "key": [],
        "replica": {"whole_row": True},
        "columns": {"label": {"type": "text", "source_name": "Label"}},
    }
    tables: dict[str, dict[str, Any]] = {
        "things": {**said, "table": "t", "key": ["thing_id", "kind"], "columns": things},
        "kinds": {**said, "table": "k", "key": ["kind"], "columns": {"kind": {"type": "text"}}},
        "sightings": {**said, "table": "n", "key": ["thing_id"], "columns": fact.get("columns", FIRST)},
        "copy": copy,
        "keyless": keyless,
    }
    declared: dict[str, Any] = {
        "description": "seen",
        "grain": ["thing_id", "place"],
        "tables": ["s.sightings"],
    }
    declared |= {"complete_by": ["place"], "columns": FIRST}
    dimensions: dict[str, dict[str, Any]] = {
        "thing": {
            "description": "it's of two keys",
            "key": {"thing_id": "bigint", "kind": "text"},
            "events": [{"table": "s.things"}],
            "attributes": {
                "label": {"type": "text", "scd": 3},
                "size": {"type": "decimal(8,2)", "scd": 2},
                **(attributes or {}),
            },
            "snowflakes": {"group_key": {"dimension": "kind", "attribute": "label"}},
        },
        "kind": {
            "description": "one more",
            "key": {"kind": "text"},
            "events": [{"table": "s.kinds"}],
            "attributes": {"title": {"type": "text", "scd": 1}},
        },
    }
    return Catalog.model_validate(
        {
            "sources": {"s": {"name": "s", "description": "d", "url_setting": "shop_url"}},
            "tables": {f"s.{name}": {"name": name, **table} for name, table in tables.items()},
            "dimensions": {name: {"name": name, **dimension} for name, dimension in dimensions.items()},
            "facts": {"sightings": {"name": "sightings", **declared, **fact}},
        }
    )
