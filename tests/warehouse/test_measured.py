"""What rules measured in earlier runs: kept with each run, compared among those that are alike (law Q4)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from etl.catalog_files import load_catalog
from etl.handles import FileRef, Reach, RuleResult, Run, TablePlan, Verdict
from etl.planning import reach_of
from etl.settings import PROJECT_DIR, Settings
from etl.windows import Window
from tests.systems import BOTH_SYSTEMS
from tests.warehouse.world import World

CATALOG = load_catalog(PROJECT_DIR / "catalog")
DAY = Reach(extent=86_400)
TABLE = "shop.orders"


@pytest.fixture
def world(warehouse_database: str, settings: Settings) -> Iterator[World]:
    """A migrated warehouse."""
    made = World(warehouse_database, settings, CATALOG)
    yield made
    made.close()


def verdict(measured: float | None, reach: Reach = DAY, *, is_open: bool = True) -> Verdict:
    result = RuleResult(
        rule="row_count_is_usual",
        expectation="expect_table_row_count_to_be_between",
        column=None,
        severity="warning",
        weight=1,
        passed=True,
        checked=True,
        unexpected_count=None,
        element_count=None,
        observed="observed",
        observed_value=measured,
        lowest=1.5,
        highest=None,
    )
    page = "validations/shop/orders/a/b.html"
    return Verdict(TABLE, TABLE, is_open, (result,), 7, 2, 97.5, None, 1.25, page, reach)


def lived(world: World, said: Verdict, status: str = "succeeded", **changed: Any) -> Run:
    """A run that ended with one verdict."""
    run = replace(world.new_run(), **changed)
    world.warehouse.begin_run(run, [])
    world.warehouse.end_run(run, status, "", [said])
    return run


def measured(world: World, reach: Reach = DAY, **changed: Any) -> list[float]:
    run = replace(world.new_run(), **changed)
    return world.warehouse.measured_before(run, TABLE, reach).get("row_count_is_usual", [])


@BOTH_SYSTEMS
def test_earlier_runs_are_told_the_newest_first(world: World) -> None:
    for value in (10, 12.5, 11):
        lived(world, verdict(value))

    assert measured(world) == [11, 12.5, 10]
    assert world.warehouse.measured_before(world.new_run(), "shop.stores", DAY) == {}


@BOTH_SYSTEMS
def test_only_runs_that_are_alike_are_compared(world: World) -> None:
    lived(world, verdict(1))
    lived(world, verdict(2, Reach(extent=2 * 86_400)))
    lived(world, verdict(3, Reach(reads_whole=True)))
    lived(world, verdict(4), full_refresh=True)
    lived(world, verdict(5), is_backfill=True, business_date=date(2026, 6, 1))
    lived(world, verdict(6), pipeline="other")
    lived(world, verdict(7), status="failed")
    lived(world, verdict(8, is_open=False), status="gate_closed")
    lived(world, verdict(None))
    lived(world, verdict(10, Reach()))
    lived(world, verdict(11, Reach(extent=90_000)))

    assert measured(world) == [11, 1], "a day of 25 hours is a day; a missed night is two"
    assert measured(world, Reach(extent=2 * 86_400)) == [2]
    assert measured(world, Reach(reads_whole=True)) == [3]
    assert measured(world, full_refresh=True) == [4]
    assert measured(world, Reach()) == [10]


@BOTH_SYSTEMS
def test_a_run_is_not_compared_with_itself(world: World) -> None:
    """A judgement that is tried again must not find its own first answer."""
    run = lived(world, verdict(1))

    assert world.warehouse.measured_before(run, TABLE, DAY) == {}


@BOTH_SYSTEMS
def test_verdicts_are_kept_with_page_reach_and_bounds_also_of_closed_gates(world: World) -> None:
    run = lived(world, verdict(8, is_open=False), status="gate_closed")

    world.execute(
        "select is_open, row_count, quarantined, score_pct, seconds, docs_page, reads_whole, extent"
        " from audit.verdicts where run_id = %s",
        (run.run_id,),
    )
    (kept,) = world.session.fetchall()
    world.execute(
        "select observed_value, lowest, highest from audit.quality_results where run_id = %s",
        (run.run_id,),
    )
    (rule,) = world.session.fetchall()
    page = "validations/shop/orders/a/b.html"
    assert kept == (False, 7, 2, Decimal("97.50"), Decimal("1.250"), page, False, 86_400)
    assert rule == (8, 1.5, None)


def plan(table: str, low: str | None, high: str | None, files: int = 0) -> TablePlan:
    there = tuple(FileRef(f"{number}.csv", 1, str(number), "") for number in range(files))
    return TablePlan(table, low, Window(low, high), "2026-06-02 00:00:00.000000", False, files=there)


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        (plan(TABLE, "2026-06-01 00:00:00.000000", "2026-06-02 00:00:00.000000"), DAY),
        (plan(TABLE, "2026-06-01 00:00:00.000000", "2026-06-01 00:00:00.000000"), Reach(extent=0)),
        (plan(TABLE, None, "2026-06-02 00:00:00.000000"), Reach(reads_whole=True)),
        (plan("shop.brands", None, "2026-06-02 00:00:00.000000"), Reach(reads_whole=True)),
        (plan("drop.stock_csv", None, None, files=3), Reach(extent=3)),
        (plan("drop.stock_csv", None, None), Reach(extent=0)),
    ],
    ids=["a day", "the same day again", "the first load", "read whole", "three files", "no file"],
)
def test_how_much_a_plan_reads(asked: TablePlan, expected: Reach) -> None:
    assert reach_of(CATALOG.tables[asked.table], asked) == expected


def test_a_window_of_numbers_says_nothing_of_its_rows() -> None:
    table = CATALOG.tables[TABLE].model_copy(update={"cursor_kind": "integer"})

    assert reach_of(table, plan(TABLE, "100", "200")) == Reach()
