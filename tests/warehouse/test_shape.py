"""Tables that the catalog generates: as hand-written ones are, grown with the catalog, cheap to look at."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import Any

import psycopg2
import pytest
from psycopg2.extensions import connection as Connection

from etl.catalog import Catalog
from etl.catalog_files import load_catalog
from etl.errors import ConfigError
from etl.settings import Settings
from etl.warehouse import open_warehouse
from etl.warehouse.catalog_shape import match_catalog
from etl.warehouse.database import Values
from etl.warehouse.postgresql.database import PostgreSQL
from etl.warehouse.postgresql.session import PostgreSQLSession
from etl.warehouse.statements import SqlFiles
from tests.sessions import session_on

SHAPE = {
    "columns": """
        select ordinal_position, column_name, data_type, numeric_precision, numeric_scale, is_nullable,
            column_default, is_identity, identity_generation, generation_expression
        from information_schema.columns where table_schema = 'warehouse' and table_name = %(name)s""",
    "constraints": """
        select conname, contype, pg_get_constraintdef(oid) from pg_constraint
        where conrelid = to_regclass('warehouse.' || %(name)s)""",
    "indexes": "select indexdef from pg_indexes where schemaname = 'warehouse' and tablename = %(name)s",
    "comments": """
        select objsubid, description from pg_description
        where objoid = to_regclass('warehouse.' || %(name)s) and objsubid > 0""",
}
# What the files say of single dimensions and the catalog does not.
OWN = ("_region_idx", "_category_idx", "Square feet", "Kilograms", "Cost of one unit", "Price of one unit")


@pytest.fixture
def warehouse(settings: Settings) -> Iterator[Connection]:
    """A connection to a warehouse without anything but schemas, audit tables and calendar."""
    assert settings.warehouse_url is not None
    with closing(psycopg2.connect(settings.warehouse_url.get_secret_value())) as connection:
        session = session_on(connection)
        for file in (
            "schemas/schemas",
            "audit/runs",
            "audit/watermarks",
            "audit/files",
            "dimensions/dim_date",
        ):
            session.execute(session.render(f"{file}.sql"))
        yield connection


@pytest.mark.parametrize("name", ["store", "product"])
def test_a_generated_dimension_is_like_its_hand_written_file(
    warehouse: Connection, settings: Settings, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Laws S2, S12, S15: columns in their order, checks, both unique indexes, keys, comments."""
    catalog, relation = load_catalog(settings.catalog_dir), f"dim_{name}"
    with _undone(warehouse):
        _match(warehouse, catalog)
        written = _shape(warehouse, relation)
    monkeypatch.setattr(SqlFiles, "has", lambda self, file: False)
    with _undone(warehouse):
        _match(warehouse, catalog.model_copy(update={"facts": {}}))
        made = _shape(warehouse, relation)
    for kind, rows in written.items():
        assert made[kind] == [row for row in rows if not any(own in row for own in OWN)], kind


def test_every_type_of_change_has_its_columns_and_a_snowflake_its_key(warehouse: Connection) -> None:
    _match(warehouse, _catalog())
    columns = {row[1]: row[2] for row in _rows(warehouse, SHAPE["columns"], "dim_thing")}
    expected = {"z": "text", "a": "text", "b": "text", "c": "numeric"}
    extra = {"previous_c": "numeric", "c_changed_at": "timestamp with time zone", "group_key": "bigint"}
    assert expected.items() | extra.items() <= columns.items()
    assert _rows(warehouse, "select count(*)::int from warehouse.dim_thing where thing_key < 0") == [(2,)]
    assert "FOREIGN KEY (group_key) REFERENCES warehouse.dim_kind(kind_key)" in str(
        _shape(warehouse, "dim_thing")
    )


def test_a_fact_grows_with_the_catalog(warehouse: Connection) -> None:
    """Law S14: columns and keys are added and filled by the next run, a type widens, NULL is let in."""
    _match(warehouse, _catalog())
    _record_reading(warehouse, "s.things", "s.sightings")
    with warehouse.cursor() as cursor:
        cursor.execute(
            "insert into warehouse.fact_sightings (thing_id, place, seen_on, number, inserted_run_id,"
            " updated_run_id) values (1, 'x', '2026-05-01', 7, 'r', 'r')"
        )
    grown = _catalog(
        columns={
            "thing_id": {"type": "bigint"},
            "seen_on": {"type": "date"},
            "number": {"type": "decimal(12,2)"},
            "note": {"type": "text", "description": "What was said; 100 %"},
        },
        lookups={"thing_key": {"dimension": "thing", "key": {"thing_id": "thing_id"}}},
        at="seen_on",
        dates={"date_key": "seen_on"},
    )
    _match(warehouse, grown)
    statement = "select place, number::text, note, thing_key, date_key from warehouse.fact_sightings"
    assert _rows(warehouse, statement) == [("x", "7.00", None, -1, -1)]
    assert _rows(warehouse, "select table_name from audit.watermarks") == [("s.things",)]
    nullable = {row[1]: row[5] for row in _rows(warehouse, SHAPE["columns"], "fact_sightings")}
    assert (nullable["place"], nullable["thing_id"], nullable["thing_key"]) == ("YES", "NO", "NO")
    assert [d for _, d in _rows(warehouse, SHAPE["comments"], "fact_sightings")] == ["What was said; 100 %"]


def test_a_narrower_type_and_another_grain_are_refused(warehouse: Connection) -> None:
    _match(warehouse, _catalog())
    columns = {"thing_id": {"type": "smallint"}, "seen_on": {"type": "date"}}
    with pytest.raises(
        ConfigError, match=r"catalog/facts/sightings.yaml: column 'thing_id' is declared smallint"
    ):
        _match(warehouse, _catalog(columns=columns))
    with pytest.raises(ConfigError, match=r"told apart by seen_on, but warehouse.fact_sightings was made"):
        _match(warehouse, _catalog(grain=["seen_on"]))


def test_a_table_that_is_made_anew_is_filled_from_the_beginning(warehouse: Connection) -> None:
    """Law X7: what was there of it is gone, so its watermark and its files are forgotten, and no others."""
    _match(warehouse, _catalog())
    _record_reading(warehouse, "s.things", "s.sightings")
    with warehouse.cursor() as cursor:
        cursor.execute("drop table warehouse.fact_sightings")
    _match(warehouse, _catalog())
    for kind in ("watermarks", "files"):
        assert _rows(warehouse, f"select table_name from audit.{kind}") == [("s.things",)]


def test_a_fact_without_columns_and_without_a_file_is_refused(warehouse: Connection) -> None:
    with pytest.raises(ConfigError, match="the fact has no 'columns'"):
        _match(warehouse, _catalog(columns={}))


def test_two_hundred_tables_that_are_right_are_looked_at_in_a_few_queries(warehouse: Connection) -> None:
    catalog = _catalog(copies=200)
    _match(warehouse, catalog)
    counted = _CountingSession(PostgreSQL("", Settings(_env_file=None)), warehouse.cursor())
    started = time.perf_counter()
    match_catalog(counted, catalog)
    assert counted.statements <= 4
    assert time.perf_counter() - started < 2


def test_nothing_is_written_where_the_shape_is_right(settings: Settings) -> None:
    assert settings.warehouse_url is not None
    url = settings.warehouse_url.get_secret_value()
    open_warehouse(url, settings, _catalog(copies=3)).migrate()
    with closing(psycopg2.connect(url)) as connection:
        match_catalog(session_on(connection), _catalog(copies=3))
        assert _rows(connection, "select pg_current_xact_id_if_assigned()::text") == [(None,)]


def _catalog(copies: int = 0, **fact: Any) -> Catalog:
    """A snowflaked dimension of all types, a fact that ``fact`` changes, and so many copied tables."""
    columns = {c: {"type": "text"} for c in ("z", "a", "b", "kind")}
    things = {"thing_id": {"type": "bigint", "nullable": False}, **columns, "c": {"type": "decimal(8,2)"}}
    sightings = {
        "thing_id": {"type": "integer"},
        "place": {"type": "text", "nullable": False},
        "seen_on": {"type": "date"},
        "number": {"type": "integer"},
    }
    table = {"source": "s", "description": "d"}
    tables = {
        "s.things": {**table, "name": "things", "table": "t", "key": ["thing_id"], "columns": things},
        "s.kinds": {
            **table,
            "name": "kinds",
            "table": "k",
            "key": ["kind"],
            "columns": {"kind": {"type": "text"}},
        },
        "s.sightings": {
            **table,
            "name": "sightings",
            "table": "n",
            "key": ["thing_id"],
            "columns": sightings,
        },
    }
    for number in range(copies):
        name = f"copy_{number}"
        copied = {"table": name, "key": ["thing_id"], "columns": things, "replica": {}}
        tables[f"s.{name}"] = {**table, "name": name, **copied}
    attributes = {c: {"type": "text", "scd": scd} for scd, c in enumerate(("z", "a", "b"))}
    declared = {"name": "sightings", "description": "d", "grain": ["thing_id"], "tables": ["s.sightings"]}
    return Catalog.model_validate(
        {
            "sources": {"s": {"name": "s", "description": "d", "url_setting": "shop_url"}},
            "tables": tables,
            "dimensions": {
                "thing": {
                    "name": "thing",
                    "description": "of all types",
                    "key": {"thing_id": "bigint"},
                    "events": [{"table": "s.things"}],
                    "attributes": {
                        **attributes,
                        "kind": {"type": "text", "scd": 1},
                        "c": {"type": "decimal(8,2)", "scd": 3},
                    },
                    "snowflakes": {"group_key": {"dimension": "kind", "attribute": "kind"}},
                },
                "kind": {
                    "name": "kind",
                    "description": "one more",
                    "key": {"kind": "text"},
                    "events": [{"table": "s.kinds"}],
                    "attributes": {"label": {"type": "text", "scd": 1}},
                },
            },
            "facts": {"sightings": {**declared, "columns": sightings, **fact}},
        }
    )


def _record_reading(connection: Connection, *tables: str) -> None:
    """A run that read a window and a file of each table."""
    with connection.cursor() as cursor:
        cursor.execute(
            "insert into audit.runs (run_id, pipeline, status, staging_schema)"
            " values ('r', 'p', 'running', 's')"
        )
        for table in tables:
            cursor.execute("insert into audit.watermarks values ('p', %s, '5', 'r')", (table,))
            cursor.execute(
                "insert into audit.files (table_name, content_hash, path, byte_count, row_count, status,"
                " run_id) values (%s, 'h', 'f', 1, 1, 'loaded', 'r')",
                (table,),
            )


class _CountingSession(PostgreSQLSession):
    """A session that counts its statements."""

    statements = 0

    def execute(self, statement: str, values: Values = ()) -> None:
        self.statements += 1
        super().execute(statement, values)


def _match(connection: Connection, catalog: Catalog) -> None:
    match_catalog(session_on(connection), catalog)


@contextmanager
def _undone(connection: Connection) -> Iterator[None]:
    with connection.cursor() as cursor:
        cursor.execute("savepoint before")
        yield
        cursor.execute("rollback to savepoint before")


def _shape(connection: Connection, relation: str) -> dict[str, list[str]]:
    return {kind: sorted(map(str, _rows(connection, query, relation))) for kind, query in SHAPE.items()}


def _rows(connection: Connection, query: str, relation: str = "") -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(query, {"name": relation})
        return list(cursor.fetchall())
