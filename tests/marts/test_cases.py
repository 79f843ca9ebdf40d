"""Every mart on real PostgreSQL: rows in, rows out, one YAML file per case (law F8).

A case names the rows of dimensions and facts that matter, the rest is filled in by
``tests/marts/warehouse.py``; ``expect`` holds the whole mart in the order of its grain, of each row
the columns that the case is about.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import yaml
from psycopg2.extensions import connection as Connection
from psycopg2.extras import RealDictCursor

from etl.warehouse.postgresql.marts import read_marts, refresh_marts
from tests.marts.warehouse import SHAPE, empty_warehouse, insert, own_database

HERE = Path(__file__).parent
CASES = sorted(HERE.glob("mart_*/*.yaml"))
GRAIN = {
    "mart_sales": "order_id, line_number",
    "mart_daily_sales": "full_date",
    "mart_customer_analytics": "customer_id",
    "mart_product_performance": "month_start_date, product_id",
    "mart_inventory": "product_id, store_id",
    "mart_conversion_funnel": "full_date, channel",
    "mart_customer_rfm": "customer_id",
    "mart_customer_cohorts": "cohort_month_start_date, months_since",
    "mart_segment_moves": "scored_at, previous_rfm_segment, rfm_segment",
}


@pytest.fixture(scope="module")
def database(postgres_server: str) -> Iterator[str]:
    """URL of a database that stays empty: each case rolls back."""
    with own_database(postgres_server) as url:
        yield url


@pytest.mark.parametrize("path", CASES, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_case(path: Path, database: str, tmp_path: Path) -> None:
    """The mart holds exactly the rows that the case expects."""
    case = yaml.load(path.read_text(encoding="utf-8"), Loader=_ExactLoader)
    mart = path.parent.name
    shutil.copy(SHAPE / "marts" / f"{mart}.sql", tmp_path)
    with empty_warehouse(database) as connection:
        for table, rows in case["given"].items():
            insert(connection, table, rows)
        refresh_marts(connection, tmp_path)
        found = _rows(connection, mart)
    expected = case["expect"]
    columns = [list(row) for row in expected]
    assert [
        {name: row[name] for name in names} for row, names in zip(found, columns, strict=False)
    ] == expected
    assert len(found) == len(expected)


def test_every_mart_has_cases_that_say_what_they_prove() -> None:
    """A mart without a case, or a case without a description, does not go in."""
    assert {path.parent.name for path in CASES} == {mart.name for mart in read_marts(SHAPE / "marts")}
    assert all(yaml.safe_load(path.read_text(encoding="utf-8")).get("description") for path in CASES)


def test_every_mart_and_column_says_what_it_is(database: str) -> None:
    """The grain stands in the comment of the mart, the unit in that of the column."""
    undescribed = """
        select relname, attname from pg_class join pg_attribute on attrelid = pg_class.oid
        where relnamespace = 'marts'::regnamespace and relkind in ('r', 'v') and attnum > 0
        and (
            col_description(attrelid, attnum) is null
            or coalesce(obj_description(attrelid, 'pg_class'), '') not like 'Grain: %'
        )
    """
    with empty_warehouse(database) as connection, connection.cursor() as cursor:
        refresh_marts(connection, SHAPE / "marts")
        cursor.execute(undescribed)
        assert cursor.fetchall() == []


def _rows(connection: Connection, mart: str) -> list[dict[str, Any]]:
    with connection.cursor(cursor_factory=RealDictCursor) as cursor:
        cursor.execute(f"select * from marts.{mart} order by {GRAIN[mart]}")
        return [dict(row) for row in cursor.fetchall()]


class _ExactLoader(yaml.SafeLoader):
    """Numbers with a point are decimals: a float never carries money (law F2)."""


def _decimal(loader: yaml.SafeLoader, node: yaml.ScalarNode) -> Decimal:
    return Decimal(str(loader.construct_scalar(node)))


def _instant(loader: yaml.SafeLoader, node: yaml.ScalarNode) -> date | datetime:
    text = str(loader.construct_scalar(node))
    return datetime.fromisoformat(text) if ":" in text else date.fromisoformat(text)


_ExactLoader.add_constructor("tag:yaml.org,2002:float", _decimal)
_ExactLoader.add_constructor("tag:yaml.org,2002:timestamp", _instant)
