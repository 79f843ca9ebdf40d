"""Queries of the catalog on the warehouse itself, as its server is asked them."""

from __future__ import annotations

from pathlib import Path

import pytest

from etl.catalog import SourceTable
from etl.catalog_files import load_catalog
from etl.settings import Settings
from etl.warehouse import open_warehouse

MYSQL = "mysql+mysqlconnector://user:password@nowhere"


def test_postgresql_is_asked_what_the_catalog_says(tmp_path: Path) -> None:
    table = _table("select '100 %' as a from warehouse.score_customers(:as_of)")
    assert _as_source("postgresql://nowhere/dw", table, tmp_path) == table


@pytest.mark.parametrize(
    ("query", "asked"),
    [
        ("select '100 % of warehouse.x' as a;", "select '100 % of warehouse.x' as a"),
        ("select d.a from warehouse.dim_a as d", "select d.a from `dw_warehouse`.dim_a as d"),
        ("select a from warehouse.no_such(:as_of)", "select a from `dw_warehouse`.no_such(:as_of)"),
    ],
)
def test_mysql_is_asked_with_the_prefix(query: str, asked: str, tmp_path: Path) -> None:
    assert _as_source(f"{MYSQL}/dw", _table(query), tmp_path).query == asked


@pytest.mark.parametrize(("alias", "called"), [("", " as score_customers"), (" as s", " as s")])
def test_a_query_stands_for_a_function_on_mysql(alias: str, called: str, tmp_path: Path) -> None:
    table = _table(f"select * from warehouse.score_customers( :as_of ){alias} order by 1")
    query = _as_source(f"{MYSQL}/", table, tmp_path).query or ""
    assert query.startswith("select * from (\n")
    assert query.endswith(f"\nfrom scored as s\n){called} order by 1")
    assert query.count(":as_of") == 4


def test_a_table_has_the_prefix_of_its_schema(tmp_path: Path) -> None:
    named = _table("select 1").model_copy(update={"query": None, "table": "warehouse.dim_date"})
    assert _as_source(f"{MYSQL}/dw", named, tmp_path).table == "dw_warehouse.dim_date"
    plain = named.model_copy(update={"table": "dim_date"})
    assert _as_source(f"{MYSQL}/dw", plain, tmp_path) == plain


def _table(query: str) -> SourceTable:
    column = {"type": "text"}
    said = {"name": "t", "source": "warehouse", "description": "d", "key": ["a"], "columns": {"a": column}}
    return SourceTable.model_validate({**said, "query": query, "parameters": {"as_of": "timestamp"}})


def _as_source(url: str, table: SourceTable, folder: Path) -> SourceTable:
    settings = Settings(_env_file=None, state_dir=folder)
    return open_warehouse(url, settings, load_catalog(settings.catalog_dir)).as_source(table)
