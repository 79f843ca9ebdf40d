"""Values out of JSON columns by path, and parameters of declared queries (law P1)."""
# ruff: noqa: E501  # SQL of a test reads best on one line

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from etl.catalog import SourceSystem, SourceTable
from etl.errors import ConfigError
from etl.handles import Extract
from etl.settings import Settings
from etl.sources.connect import source_for
from etl.windows import Window
from tests.sources.shops import Shop, column, declare

DOCUMENT = {
    "plain": "text",
    "none": None,
    "null text": "null",
    "quo\"te'": 'a "b" \\ c',
    "back\\slash; drop table things; --": "kept",
    "dot.ted": {"é日😀": "deep"},
    "": "empty key",
    "number": 12.50,
    "yes": True,
    "list": [1, {"inner": ["x", "y"]}],
    "0": {"1": "digits as keys"},
    "object": {"a": [1, 2]},
}
PATHS: dict[tuple[str, ...], str | None] = {
    ("plain",): "text",
    ("none",): None,
    ("missing",): None,
    ("plain", "missing"): None,
    ("plain", "0"): None,
    ("null text",): "null",
    ("quo\"te'",): 'a "b" \\ c',
    ("back\\slash; drop table things; --",): "kept",
    ("dot.ted", "é日😀"): "deep",
    ("",): "empty key",
    ("number",): "12.5",
    ("yes",): "true",
    ("list", "0"): "1",
    ("list", "1", "inner", "1"): "y",
    ("list", "7"): None,
    ("0", "1"): "digits as keys",
    ("object",): '{"a": [1, 2]}',
}


def _documents(kind: str = "json") -> SourceTable:
    columns: dict[str, Any] = {"id": {"type": "integer"}, "document": {"type": kind, "source_name": "doc"}}
    for at, path in enumerate(PATHS):
        columns[f"p{at}"] = {"type": "text", "source_name": "doc", "path": path}
    return SourceTable(
        name="things", source="shop", description="x", table="things", key=("id",), columns=columns
    )


@pytest.mark.parametrize("kind", ["json", "jsonb", "text"])
def test_paths_into_a_document_give_texts_and_null_for_what_is_not_there(shop: Shop, kind: str) -> None:
    if shop.kind == "mysql" and kind == "jsonb":
        pytest.skip("MySQL has one kind of JSON")
    shop.run(f"create table things (id int primary key, doc {kind})")
    shop.run(
        "insert into things values (%s, %s)",
        values=[(1, json.dumps(DOCUMENT, ensure_ascii=False)), (2, None), (3, "null"), (4, "[5]")],
    )
    # MariaDB keeps JSON as text.
    table = _documents("text" if kind == "text" or shop.kind == "mysql" else "json")
    assert shop.source().check_columns(table) == []
    found = shop.read(table)
    for at, (path, expected) in enumerate(PATHS.items()):
        values = column(found, f"p{at}")
        assert values[0] == expected, path
        assert values[1:] == [None, None, None], path


def test_a_path_needs_a_document_and_is_no_key(shop: Shop) -> None:
    shop.run("create table things (id int primary key, doc int)")
    table = declare({"id": "integer"}).model_dump(exclude={"columns"})
    number = {"id": {"type": "integer"}, "inner": {"type": "text", "source_name": "doc", "path": ("a",)}}
    with pytest.raises(Exception, match="'inner' is declared text, the source has doc"):
        shop.source().check_columns(SourceTable(**table, columns=number))
    key = {"id": {"type": "text", "source_name": "doc", "path": ("a",)}}
    with pytest.raises(ConfigError, match="cannot be the key"):
        shop.read(SourceTable(**table, columns=key))


HOSTILE = "x' or '1'='1'; drop table things; -- \\' %s :day \"`"
QUERY = """
    select id, name, ':day' as text_is_no_place, -- :day neither, and it's fine
        'it''s :day' as "quoted :day" /* :day */
    from things
    where made >= :day and name <> :name and id + 0 < :most and amount > :least and (:flag = {true} or :maybe is null)
"""


def _parametrised(shop: Shop, query: str = QUERY) -> SourceTable:
    is_mysql = shop.kind == "mysql"
    query = query.replace("{true}", "1" if is_mysql else "true")
    query = (
        query.replace('"quoted :day"', "`quoted :day`")
        if is_mysql
        else query.replace("id + 0", "id::int + 0")
    )
    parameters = {
        "day": "date",
        "name": "text",
        "most": "bigint",
        "least": "decimal(10,2)",
        "flag": "boolean",
        "maybe": "timestamp",
    }
    columns = {"id": "integer", "name": "text", "text_is_no_place": "text", "quoted :day": "text"}
    return declare(columns, query=query, parameters=parameters)


def _things(shop: Shop) -> None:
    shop.run("create table things (id int primary key, name varchar(80), made date, amount decimal(10,2))")
    rows = [(1, "old", "2024-01-31", 9), (2, "new", "2024-02-01", 9), (3, HOSTILE, "2024-02-02", 9)]
    shop.run("insert into things values (%s, %s, %s, %s)", values=[*rows, (4, "cheap", "2024-02-02", 1), (9, "many", "2024-02-02", 9)])  # fmt: skip


def _read(shop: Shop, table: SourceTable, values: dict[str, str], **settings: Any) -> list[Any]:
    source = shop.source(**settings)
    extract = Extract(table.qualified_name, Window(), values=tuple(values.items()))
    with source.snapshot([table]) as snapshot:
        parts = source.plan_extracts(table, extract, snapshot)
        return [row for part in parts for row in source.read(table, part, snapshot).read_all().to_pylist()]


def test_parameters_are_bound_where_they_stand_for_values_and_nowhere_else(shop: Shop) -> None:
    _things(shop)
    table = _parametrised(shop)
    assert shop.source().check_columns(table) == []
    values = {"day": "2024-02-01", "name": HOSTILE, "most": "9", "least": "1.00", "flag": "true", "maybe": "2024-01-01 00:00:00"}  # fmt: skip
    found = _read(shop, table, values)
    assert [(r["id"], r["text_is_no_place"], r["quoted :day"]) for r in found] == [(2, ":day", "it's :day")]
    assert _read(shop, table, {**values, "flag": "false"}) == []
    assert [r["id"] for r in _read(shop, table, {**values, "day": "2023-01-01 10:00:00.000000"})] == [1, 2]
    # Large answers are read in parts, each with the values.
    assert [r["id"] for r in _read(shop, table, {**values, "day": "2023-01-01"}, partition_rows=1)] == [1, 2]


def test_a_parameter_that_is_not_declared_is_named(shop: Shop) -> None:
    _things(shop)
    table = _parametrised(shop, QUERY.replace(":least", ":leest"))
    with pytest.raises(ConfigError, match="':leest', which is not declared"):
        shop.source().check_columns(table)


def test_casts_slices_and_assignments_are_no_parameters(postgresql_shop: Shop) -> None:
    postgresql_shop.run(
        "create table things (id int, tags text[])", "insert into things values (1, '{a,b,c}')"
    )
    query = (
        "select id::text as id, array_to_string(tags[1:id + 1], $x$ :n $x$) as tags, :n::int as n from things"
    )
    table = declare({"id": "text", "tags": "text", "n": "integer"}, query=query, parameters={"n": "text"})
    assert [tuple(r.values())[:3] for r in _read(postgresql_shop, table, {"n": "7"})] == [("1", "a :n b", 7)]


def test_the_warehouse_is_a_source_like_any_other(postgres_database: str, tmp_path: Path) -> None:
    made = Shop("postgresql", postgres_database, tmp_path)
    made.run(
        "create table scores (id int, at timestamptz)",
        "insert into scores values (1, '2024-01-01'), (2, now())",
    )
    system = SourceSystem(name="warehouse", description="x", url_setting="warehouse_url")
    source = source_for(system, Settings(_env_file=None, warehouse_url=postgres_database, state_dir=tmp_path))
    query = "select id, extract(day from :as_of - at)::int as days from scores where at < :as_of"
    table = declare({"id": "integer", "days": "integer"}, query=query, parameters={"as_of": "timestamp"})
    extract = Extract("shop.things", Window(), values=(("as_of", "2024-01-31 12:00:00.000000"),))
    with source.snapshot([table]) as snapshot:
        assert source.read(table, extract, snapshot).read_all().to_pylist() == [
            {"id": 1, "days": 30, "_cursor": None}
        ]
    made.close()


def test_a_query_with_parameters_cannot_tell_what_is_deleted() -> None:
    with pytest.raises(ValueError, match="need a query without"):
        declare({"id": "integer"}, query="select :n as id", parameters={"n": "bigint"}, deletes="compare")
