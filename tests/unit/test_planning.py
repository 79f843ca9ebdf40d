"""What a backfill reads of each kind of table: one whole day, and nothing that tells of now (law X7)."""

from __future__ import annotations

from datetime import date

import pytest

from etl.catalog import Catalog, Column, SourceSystem, SourceTable
from etl.errors import ConfigError
from etl.handles import Snapshot, TablePlan
from etl.planning import KnownTable, Request, plan_tables, tells_days
from etl.settings import Settings
from etl.windows import Window

DAY = date(2026, 3, 10)
LOW, HIGH = "2026-03-10 00:00:00.000000", "2026-03-11 00:00:00.000000"
LATER, SOONER = "2026-03-20 12:00:00.000000", "2026-03-01 00:00:00.000000"
COLUMNS = {
    "id": Column(type="bigint", nullable=False),
    "version": Column(type="bigint"),
    "changed_at": Column(type="timestamp"),
}


def _table(name: str, **fields: object) -> SourceTable:
    source = {"table": name} if "query" not in fields and "files" not in fields else {}
    return SourceTable.model_validate(
        {
            "name": name,
            "source": "shop",
            "description": "of the test",
            "key": ["id"],
            "columns": COLUMNS,
            **source,
            **fields,
        }
    )


TABLES = {
    table.qualified_name: table
    for table in (
        _table("changing", cursor="changed_at", deletes="compare"),
        _table("numbered", cursor="version", cursor_kind="integer"),
        _table("whole", deletes="compare"),
        _table(
            "asked", query="select * from t where day = :business_date", parameters={"business_date": "date"}
        ),
        _table("dropped", files={"pattern": "*.csv", "format": {"kind": "csv"}}, cursor="changed_at"),
    )
}
CATALOG = Catalog(
    sources={"shop": SourceSystem(name="shop", description="of the test")},
    tables=TABLES,
    dimensions={},
    facts={},
)


@pytest.mark.parametrize("watermark", [None, SOONER, LATER], ids=["none", "before", "behind"])
def test_a_backfill_reads_its_day_whatever_the_watermark(watermark: str | None) -> None:
    plans = {plan.table: plan for plan in _planned(Request(DAY, is_backfill=True), watermark)}
    assert set(plans) == {"shop.changing", "shop.asked"}
    assert plans["shop.changing"].window == Window(LOW, HIGH)
    assert plans["shop.asked"].values == (("business_date", "2026-03-10"),)
    for plan in plans.values():
        assert not plan.compares_keys
        assert not plan.speaks_of_now
        assert not plan.moves_watermark


def test_tables_that_tell_days_are_those_that_a_backfill_reads() -> None:
    assert [name for name, table in TABLES.items() if tells_days(table)] == ["shop.changing", "shop.asked"]


def test_a_daily_run_at_the_frontier_compares_and_moves_on() -> None:
    plans = {plan.table: plan for plan in _planned(Request(DAY), SOONER)}
    assert set(plans) == set(TABLES)
    assert all(plan.moves_watermark and plan.speaks_of_now for plan in plans.values())
    assert [name for name, plan in plans.items() if plan.compares_keys] == ["shop.changing", "shop.whole"]


def test_no_keys_are_compared_where_the_warehouse_has_no_row_that_could_be_gone() -> None:
    known = {name: KnownTable(None, "UTC", has_rows=name == "shop.whole") for name in TABLES}
    highs: dict[str, str | None] = {**dict.fromkeys(TABLES, LATER), "shop.numbered": "77"}
    snapshot = Snapshot("shop", None, LATER, highs)
    plans = plan_tables(CATALOG, Settings(_env_file=None), snapshot, known, Request(DAY))
    assert [plan.table for plan in plans if plan.compares_keys] == ["shop.whole"]


def test_keys_are_compared_where_a_window_has_found_no_row_yet() -> None:
    """Law X1: a row that comes later with an old timestamp lies behind the watermark."""
    known = {name: KnownTable(SOONER, "UTC", has_rows=False) for name in TABLES if name != "shop.numbered"}
    snapshot = Snapshot("shop", None, LATER, dict.fromkeys(TABLES, LATER))
    plans = plan_tables(CATALOG, Settings(_env_file=None), snapshot, known, Request(DAY))
    assert [plan.table for plan in plans if plan.compares_keys] == ["shop.changing"]


@pytest.mark.parametrize(
    ("compared_at", "is_due"),
    [
        pytest.param(None, True, id="never-yet"),
        pytest.param("2026-03-10 12:00:00.000000", False, id="an-hour-too-soon"),
        pytest.param("2026-03-10 11:00:00.000000", True, id="on-the-hour"),
    ],
)
def test_keys_are_compared_as_seldom_as_the_table_wants(compared_at: str | None, is_due: bool) -> None:
    """Law X8, by the source's own clock (law X4): the day ends at midnight, 13 hours after eleven."""
    table = CATALOG.tables["shop.changing"].model_copy(update={"compare_every_hours": 13})
    catalog = CATALOG.model_copy(update={"tables": {**CATALOG.tables, table.qualified_name: table}})
    known = {table.qualified_name: KnownTable(SOONER, "UTC", compared_at=compared_at)}
    snapshot = Snapshot("shop", None, LATER, {table.qualified_name: LATER})
    for request, wanted in ((Request(DAY), is_due), (Request(DAY, full_refresh=True), True)):
        (plan,) = plan_tables(catalog, Settings(_env_file=None), snapshot, known, request)
        assert plan.compares_keys == wanted


@pytest.mark.parametrize(
    ("taken_at", "safe_high"),
    [
        pytest.param("2026-03-10 18:00:00.000000", "2026-03-10 18:00:00.000000", id="in-the-evening"),
        pytest.param(LATER, "2026-03-10 23:59:59.999999", id="a-transaction-of-that-day-is-still-open"),
    ],
)
def test_a_day_that_is_not_over_is_refused(taken_at: str, safe_high: str) -> None:
    with pytest.raises(ConfigError, match="2026-03-10 ends at 2026-03-11"):
        _planned(Request(DAY, is_backfill=True), None, taken_at, safe_high)
    assert _planned(Request(DAY), None, taken_at, safe_high), "a daily run brings what is certain"


def _planned(
    request: Request, watermark: str | None, taken_at: str = LATER, safe_high: str = LATER
) -> list[TablePlan]:
    highs: dict[str, str | None] = {
        name: safe_high if table.cursor_kind == "timestamp" else "77" for name, table in TABLES.items()
    }
    known = {name: KnownTable(watermark, "UTC") for name in TABLES}
    known["shop.numbered"] = KnownTable("5", "UTC")
    return plan_tables(
        CATALOG, Settings(_env_file=None), Snapshot("shop", None, taken_at, highs), known, request
    )
