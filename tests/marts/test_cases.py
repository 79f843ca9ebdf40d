"""Every mart on each system: rows in, rows out, one YAML file per case (law F8).

A case names the rows of dimensions and facts that matter, the rest is filled in by
``tests/marts/warehouse.py``; ``expect`` holds the whole mart in the order of its grain, of each row
the columns that the case is about.
"""

from __future__ import annotations

import shutil
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path

import pytest
import yaml

from etl.warehouse.marts import read_marts, refresh_marts
from etl.warehouse.statements import SQL_DIR
from tests.marts.warehouse import empty_warehouse, insert
from tests.systems import BOTH_SYSTEMS, SYSTEMS

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

UNDESCRIBED = {
    "postgresql": """
        select relname, attname from pg_class join pg_attribute on attrelid = pg_class.oid
        where relnamespace = %(schema)s::regnamespace and relkind in ('r', 'v') and attnum > 0
        and (
            col_description(attrelid, attnum) is null
            or coalesce(obj_description(attrelid, 'pg_class'), '') not like 'Grain: %%'
        )
    """,
    # Views have no comments there.
    "mysql": """
        select table_name, column_name from information_schema.tables natural join information_schema.columns
        where table_schema = %(schema)s and table_type = 'BASE TABLE'
        and (column_comment = '' or table_comment not like 'Grain: %%')
    """,
}


@BOTH_SYSTEMS
@pytest.mark.parametrize("path", CASES, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_case(path: Path, warehouse_url: str, tmp_path: Path) -> None:
    """The mart holds exactly the rows that the case expects."""
    case = yaml.load(path.read_text(encoding="utf-8"), Loader=_ExactLoader)
    mart = path.parent.name
    with empty_warehouse(warehouse_url) as warehouse:
        shutil.copy(warehouse.session.database.sql.folder / "marts" / f"{mart}.sql", tmp_path)
        for table, rows in case["given"].items():
            insert(warehouse.session, table, rows)
        refresh_marts(warehouse.session, tmp_path)
        found = warehouse.session.rows(f"select * from marts.{mart} order by {GRAIN[mart]}")
    expected = case["expect"]
    columns = [list(row) for row in expected]
    assert [
        {name: row[name] for name in names} for row, names in zip(found, columns, strict=False)
    ] == expected
    assert len(found) == len(expected)


@pytest.mark.parametrize("system", SYSTEMS)
def test_every_mart_has_cases_that_say_what_they_prove(system: str) -> None:
    """A mart without a case, or a case without a description, does not go in."""
    marts = read_marts(SQL_DIR / system / "marts")
    assert {path.parent.name for path in CASES} == {mart.name for mart in marts}
    assert all(yaml.safe_load(path.read_text(encoding="utf-8")).get("description") for path in CASES)


def test_the_systems_say_the_same_of_each_mart() -> None:
    """Grain, what is read, and how it is refreshed."""
    postgresql, mysql = (
        [(m.name, m.grain, m.reads, m.refresh) for m in read_marts(SQL_DIR / system / "marts")]
        for system in SYSTEMS
    )
    assert mysql == postgresql


@BOTH_SYSTEMS
def test_every_mart_and_column_says_what_it_is(system: str, warehouse_url: str) -> None:
    """The grain stands in the comment of the mart, the unit in that of the column."""
    with empty_warehouse(warehouse_url) as warehouse:
        refresh_marts(warehouse.session, warehouse.session.database.sql.folder / "marts")
        schema = warehouse.session.database.schema("marts")
        assert warehouse.ask(UNDESCRIBED[system], {"schema": schema}) == []


class _ExactLoader(yaml.SafeLoader):
    """Numbers with a point are decimals: a float never carries money (law F2)."""


def _decimal(loader: yaml.SafeLoader, node: yaml.ScalarNode) -> Decimal:
    return Decimal(str(loader.construct_scalar(node)))


def _instant(loader: yaml.SafeLoader, node: yaml.ScalarNode) -> date | datetime:
    text = str(loader.construct_scalar(node))
    return datetime.fromisoformat(text) if ":" in text else date.fromisoformat(text)


_ExactLoader.add_constructor("tag:yaml.org,2002:float", _decimal)
_ExactLoader.add_constructor("tag:yaml.org,2002:timestamp", _instant)
