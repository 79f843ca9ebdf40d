"""An upgraded warehouse equals a fresh one, keeps its data, and a second application changes nothing."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from typing import Any

import psycopg2
import pytest

from etl.catalog import Catalog
from etl.catalog_files import load_catalog
from etl.errors import ConfigError
from etl.settings import Settings
from etl.warehouse import Warehouse, open_warehouse

RELEASES = sorted((Path(__file__).parent / "releases").glob("*.sql"))
SHAPE = {
    "columns": """
        select table_schema, table_name, column_name, data_type,
            numeric_precision, numeric_scale, is_nullable,
            column_default, is_identity, identity_generation, generation_expression
        from information_schema.columns where table_schema in ('warehouse', 'history', 'audit', 'marts')""",
    "constraints": """
        select conrelid::regclass::text, contype, pg_get_constraintdef(oid) from pg_constraint
        where connamespace::regnamespace::text in ('warehouse', 'history', 'audit') and contype != 'n'""",
    "indexes": """
        select schemaname, tablename, indexdef from pg_indexes
        where schemaname in ('warehouse', 'history', 'audit')""",
    "comments": """
        select objoid::regclass::text, objsubid, description from pg_description
        where classoid = 'pg_class'::regclass and objoid::regclass::text ~ '^(warehouse|history|audit)\\.'""",
}


@pytest.mark.parametrize("release", RELEASES, ids=lambda path: path.stem)
def test_an_upgraded_warehouse_equals_a_fresh_one_and_keeps_its_data(
    release: Path, settings: Settings, postgres_database: str
) -> None:
    old, fresh = postgres_database, settings.shop_url.get_secret_value() if settings.shop_url else ""
    _run(old, release.read_text(encoding="utf-8"))
    kept = (
        "select customer_id, city, valid_from, is_current from warehouse.dim_customer"
        " where customer_key > 0 order by 3"
    )
    before = _rows(old, kept)
    assert _warehouse(old, settings).migrate()
    assert _warehouse(fresh, settings).migrate()
    for name, query in SHAPE.items():
        assert sorted(map(str, _rows(old, query))) == sorted(map(str, _rows(fresh, query))), name
    assert _rows(old, kept) == before
    assert len(before) == 2
    assert _rows(old, "select value from audit.watermarks") == [("2026-02-02 00:00:00.000000",)]


def test_a_second_application_changes_nothing(settings: Settings, postgres_database: str) -> None:
    warehouse = _warehouse(postgres_database, settings)
    warehouse.migrate()
    written = (
        "select xmin::text, oid from pg_class"
        " where relnamespace::regnamespace::text in ('warehouse', 'history', 'audit') order by 2"
    )
    before = _rows(postgres_database, written)
    assert warehouse.migrate() == []
    assert _rows(postgres_database, written) == before


def test_a_warehouse_of_a_newer_code_is_refused(settings: Settings, postgres_database: str) -> None:
    warehouse = _warehouse(postgres_database, settings)
    warehouse.migrate()
    _run(postgres_database, "update audit.alembic_version set version_num = '9999'")
    with pytest.raises(ConfigError, match="revision 9999, which this code does not know"):
        warehouse.migrate()


def test_every_dimension_file_has_the_columns_of_its_catalog_entry(
    settings: Settings, postgres_database: str
) -> None:
    empty = Catalog(sources={}, tables={}, dimensions={}, facts={})
    open_warehouse(postgres_database, settings, empty).migrate()
    for dimension in load_catalog(settings.catalog_dir).dimensions.values():
        query = (
            "select column_name from information_schema.columns"
            " where table_schema = 'warehouse' and table_name = %s"
        )
        columns = {name for (name,) in _rows(postgres_database, query, (dimension.relation,))}
        assert {*dimension.key, *dimension.attributes, *dimension.snowflakes, dimension.surrogate} <= columns


def _warehouse(url: str, settings: Settings) -> Warehouse:
    return open_warehouse(url, settings, load_catalog(settings.catalog_dir))


def _run(url: str, script: str) -> None:
    with closing(psycopg2.connect(url)) as connection, connection, connection.cursor() as cursor:
        cursor.execute(script)


def _rows(url: str, query: str, values: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    with closing(psycopg2.connect(url)) as connection, connection, connection.cursor() as cursor:
        cursor.execute(query, values or None)
        return list(cursor.fetchall())
