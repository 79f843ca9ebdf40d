"""Rules whose bounds come from earlier runs: robust bounds, warm-up, empty windows (law Q4)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from etl.errors import ConfigError
from etl.handles import RuleResult
from expectations.asked import Terms
from expectations.gate import build_docs, judge
from expectations.history import History, usual
from expectations.suites import load_suites
from tests.gate.staging import CATALOG, SUITES_DIR, StagedShop

VALUES = st.floats(min_value=0, max_value=1e9, allow_nan=False).map(lambda value: round(value, 3))
HISTORIES = st.builds(
    History,
    warm_up=st.integers(3, 7),
    spread=st.floats(1, 10),
    at_least_pct=st.floats(1, 100),
    at_least=st.floats(0, 100),
)


def test_bounds_are_the_median_and_its_robust_spread() -> None:
    history = History(warm_up=5, spread=2, at_least_pct=1)

    found = usual(history, [100, 110, 90, 104, 97])

    # Deviations from 100 are 0, 10, 10, 4, 3: their median is 4.
    assert [found.lowest, found.highest] == pytest.approx([100 - 2 * 1.4826 * 4, 100 + 2 * 1.4826 * 4], 1e-5)
    assert found.sentence == "usual is 88.1392 to 111.861 by 5 runs"


def test_one_absurd_run_does_not_move_the_bounds() -> None:
    history = History(warm_up=5, at_least_pct=10)

    assert usual(history, [100, 101, 99, 100, 100]) == usual(history, [100, 1_000_000, 99, 100, 100])


def test_equal_runs_leave_the_least_margin() -> None:
    assert usual(History(at_least_pct=20), [500] * 7).lowest == 400
    assert usual(History(at_least_pct=20), [500, float("nan"), float("inf"), *[500] * 6]).lowest == 400
    found = usual(History(at_least=6, sides="upper"), [1.5] * 7)
    assert (found.lowest, found.highest) == (None, 7.5)
    assert found.sentence == "usual is to 7.5 by 7 runs"


def test_only_the_newest_runs_count() -> None:
    history = History(runs=7, at_least_pct=10)

    assert usual(history, [100.0] * 7 + [9_000.0] * 30) == usual(history, [100.0] * 7)


@given(HISTORIES, st.lists(VALUES, max_size=40))
def test_bounds_hold_the_median_whatever_the_history(history: History, values: list[float]) -> None:
    found = usual(history, values)

    looked_at = sorted(values[: history.runs])
    if len(looked_at) < history.warm_up:
        assert (found.lowest, found.highest, found.is_warming_up) == (None, None, True)
        return
    assert found.lowest is not None
    assert found.highest is not None
    low, high = looked_at[(len(looked_at) - 1) // 2], looked_at[len(looked_at) // 2]
    assert 0 <= found.lowest <= (low + high) / 2 <= found.highest


@given(st.lists(VALUES.filter(lambda value: value > 1), min_size=7, max_size=20), st.floats(1e8, 1e12))
def test_less_than_half_of_the_runs_cannot_move_bounds_beyond_the_others(
    sound: list[float], absurd: float
) -> None:
    """A breakdown point of one half is what makes the bounds robust: the median stays among sound values."""
    spoiled = [*sound, *[absurd] * ((len(sound) - 1) // 2)]

    found = usual(History(spread=1, at_least_pct=0.1, warm_up=7), spoiled)

    assert found.lowest is not None
    assert found.lowest <= max(sound)


ROWS = {"row_count_is_usual": [2_000.0, 2_050, 1_990, 2_010, 1_950, 2_020, 2_000]}


def judged(shop: StagedShop, table: str, state_dir: Path, **measured: list[float]) -> dict[str, RuleResult]:
    judgement = judge(
        shop.table(table), shop.database, SUITES_DIR, state_dir, "run-1", shop.terms(table, **measured)
    )
    assert judgement.verdict.is_open
    return {result.rule: result for result in judgement.verdict.results}


def test_a_usual_day_passes_and_what_it_measured_is_kept(shop: StagedShop, state_dir: Path) -> None:
    told = judged(shop, "shop.order_items", state_dir, **ROWS)["row_count_is_usual"]

    assert told.passed
    assert (told.observed_value, told.lowest, told.highest) == (2_000, 1_000, 3_000)
    assert told.observed == "observed 2,000; usual is 1,000 to 3,000 by 7 runs"


def test_a_day_with_half_of_its_rows_is_told(shop: StagedShop, state_dir: Path) -> None:
    shop.execute("delete from stg_shop__order_items where _row > 999")

    told = judged(shop, "shop.order_items", state_dir, **ROWS)["row_count_is_usual"]

    assert (told.passed, told.checked, told.severity, told.observed_value) == (False, True, "warning", 999)


def test_the_first_runs_only_measure(shop: StagedShop, state_dir: Path) -> None:
    told = judged(shop, "shop.order_items", state_dir, row_count_is_usual=[5, 6, 7])["row_count_is_usual"]

    assert told.passed
    assert told.observed == "observed 2,000; warming up, 3 of 7 runs"
    assert (told.observed_value, told.lowest, told.highest) == (2_000, None, None)


def test_means_and_shares_are_held_against_history(shop: StagedShop, state_dir: Path) -> None:
    shop.execute("update stg_shop__orders set order_status = 'cancelled' where _row <= 300")
    shop.execute("update stg_shop__orders set customer_id = null where _row <= 500")

    told = judged(
        shop,
        "shop.orders",
        state_dir,
        total_is_usual_in_the_mean=[43.0] * 7,
        cancelled_share_is_usual=[0.05] * 7,
        customer_share_is_usual=[0.98] * 7,
    )

    names = ("total_is_usual_in_the_mean", "cancelled_share_is_usual", "customer_share_is_usual")
    assert [(told[name].passed, told[name].observed_value) for name in names] == [
        (True, 43),
        (False, 0.3),
        (False, 0.5),
    ]
    assert told["cancelled_share_is_usual"].observed == "observed 0.3; usual is to 0.15 by 7 runs"


def test_freshness_is_the_age_at_the_instant_of_the_source(shop: StagedShop, state_dir: Path) -> None:
    """The newest order changed at 11:00; the run speaks of noon, whatever the clock of this machine says."""
    fresh = judged(shop, "shop.orders", state_dir, newest_order_is_fresh=[0.5] * 7)["newest_order_is_fresh"]
    assert (fresh.passed, fresh.observed_value) == (True, 1)

    shop.execute("update stg_shop__orders set updated_at = updated_at - interval '6' hour")
    stale = judged(shop, "shop.orders", state_dir, newest_order_is_fresh=[0.5] * 7)["newest_order_is_fresh"]

    assert (stale.passed, stale.observed_value, stale.highest) == (False, 7, 6.5)


def test_the_session_has_no_time_zone_of_its_own(shop: StagedShop, state_dir: Path) -> None:
    """The age of a date counts from its midnight in UTC, wherever the server stands."""
    shop.execute(
        "alter role current_user set timezone = 'Pacific/Kiritimati'", mysql="set global time_zone = '+13:00'"
    )
    try:
        shop.stage(CATALOG.tables["rates.daily"], "select date '2024-05-01', 'USD', 1.1")
        told = judged(shop, "rates.daily", state_dir)["newest_rate_is_fresh"]
    finally:
        shop.execute("alter role current_user reset timezone", mysql="set global time_zone = 'SYSTEM'")

    assert told.observed_value == 12


def test_an_empty_window_has_nothing_to_measure_and_still_counts(shop: StagedShop, state_dir: Path) -> None:
    shop.execute("truncate stg_shop__orders")

    told = judged(
        shop, "shop.orders", state_dir, total_is_usual_in_the_mean=[43.0] * 7, row_count_is_usual=[1_000] * 7
    )

    for name in ("total_is_usual_in_the_mean", "cancelled_share_is_usual", "newest_order_is_fresh"):
        assert (told[name].passed, told[name].checked, told[name].observed) == (
            True,
            True,
            "no row to measure",
        )
        assert told[name].observed_value is None
    assert (told["row_count_is_usual"].passed, told["row_count_is_usual"].observed_value) == (False, 0)


def test_a_column_that_lost_all_values_is_not_an_empty_window(shop: StagedShop, state_dir: Path) -> None:
    shop.execute("update stg_shop__order_items set quantity = null")

    judgement = judge(
        shop.table("shop.order_items"),
        shop.database,
        SUITES_DIR,
        state_dir,
        "run-1",
        shop.terms("shop.order_items", quantity_is_usual_in_the_mean=[2.0] * 7),
    )

    told = {result.rule: result for result in judgement.verdict.results}["quantity_is_usual_in_the_mean"]
    assert (told.passed, told.observed) == (False, "observed no number; usual is 1 to 3 by 7 runs")


def test_without_the_instant_of_the_source_freshness_closes_the_gate(
    shop: StagedShop, state_dir: Path
) -> None:
    judgement = judge(shop.table("shop.orders"), shop.database, SUITES_DIR, state_dir, "run-1", Terms())

    assert not judgement.verdict.is_open
    (unchecked,) = (result for result in judgement.verdict.results if not result.checked)
    assert unchecked.rule == "newest_order_is_fresh"
    assert "for which instant" in unchecked.observed


def test_pages_say_what_is_usual(shop: StagedShop, state_dir: Path) -> None:
    judged(shop, "shop.order_items", state_dir, **ROWS)
    docs = build_docs(state_dir, SUITES_DIR).parent

    (page,) = (path.read_text(encoding="utf-8") for path in (docs / "validations").rglob("*.html"))
    suite = (docs / "expectations" / "shop" / "order_items.html").read_text(encoding="utf-8")
    assert "WARNING: row count is usual; usual is 1,000 to 3,000 by 7 runs" in page
    assert "within 5 robust standard deviations of the median of the last 30 comparable runs" in suite


SUITE = """\
table: shop.brands
description: Brands.
rules:
  - name: row_count_is_usual
    type: expect_table_row_count_to_be_between
    kwargs: {}
    history: {runs: 30, warm_up: 7, at_least_pct: 20}
    severity: warning
    reason: For this test only.
"""
WRONG: dict[str, tuple[tuple[str, str], int, str]] = {
    "misspelt": (
        ("warm_up", "warmup"),
        7,
        "rule 'row_count_is_usual': history.warmup: is not a field; did you mean 'warm_up'?",
    ),
    "no margin": ((", at_least_pct: 20", ""), 7, "give at_least_pct or at_least"),
    "long warm-up": (("warm_up: 7", "warm_up: 31"), 7, "warm_up is 31, but only 30 runs are looked at"),
    "not a number": (("warm_up: 7", "warm_up: soon"), 7, "history.warm_up: "),
    "bounds twice": (("kwargs: {}", "kwargs: {min_value: 1}"), 6, "min_value stands beside history"),
    "no measure": (
        (
            "expect_table_row_count_to_be_between\n    kwargs: {}",
            "expect_column_values_to_be_between\n    kwargs: {column: brand_name}",
        ),
        7,
        "history sets the bounds of one number about the table",
    ),
    "reserved name": (("row_count_is_usual", "declared_columns"), 4, "names with declared_"),
}


@pytest.mark.parametrize(("change", "line", "told"), WRONG.values(), ids=WRONG)
def test_a_wrong_history_is_refused_with_file_and_line(
    tmp_path: Path, change: tuple[str, str], line: int, told: str
) -> None:
    path = tmp_path / "shop.brands.yaml"
    path.write_text(SUITE, encoding="utf-8")
    assert load_suites(tmp_path)["shop.brands"].rules[0].history is not None
    assert change[0] in SUITE
    path.write_text(SUITE.replace(*change), encoding="utf-8")

    with pytest.raises(ConfigError) as error:
        load_suites(tmp_path)

    assert f"{path}:{line}: " in error.value.problem
    assert told in error.value.problem


def test_every_kind_of_measure_can_warm_up_and_be_bounded(
    shop: StagedShop, state_dir: Path, suites_dir: Path
) -> None:
    kinds: dict[str, dict[str, Any]] = {
        "expect_table_row_count_to_be_between": {},
        "expect_table_column_count_to_be_between": {},
        "expect_column_mean_to_be_between": {"column": "unit_price"},
        "expect_column_median_to_be_between": {"column": "unit_price"},
        "expect_column_stdev_to_be_between": {"column": "order_id"},
        "expect_column_sum_to_be_between": {"column": "unit_price"},
        "expect_column_min_to_be_between": {"column": "unit_price"},
        "expect_column_max_to_be_between": {"column": "unit_price"},
        "expect_column_unique_value_count_to_be_between": {"column": "order_id"},
        "expect_column_proportion_of_unique_values_to_be_between": {"column": "order_id"},
        "expect_column_proportion_of_non_null_values_to_be_between": {"column": "order_id"},
        "expect_column_share_to_be_between": {"column": "line_number", "value_set": [1]},
        "expect_column_age_hours_to_be_between": {"column": "order_updated_at"},
    }
    rules = "".join(
        f"  - {{name: r{number}, type: {kind}, kwargs: {kwargs}, severity: info, reason: For this test only.,"
        " history: {at_least: 0.001, warm_up: 3}}\n"
        for number, (kind, kwargs) in enumerate(kinds.items())
    )
    path = suites_dir / "shop.order_items.yaml"
    path.write_text(f"table: shop.order_items\ndescription: All kinds.\nrules:\n{rules}", encoding="utf-8")
    staged, terms = shop.table("shop.order_items"), shop.terms("shop.order_items")

    first = judge(staged, shop.database, suites_dir, state_dir, "run-1", terms).verdict
    measured = {result.rule: result.observed_value for result in first.results if result.rule[0] == "r"}
    same = {rule: [value] * 3 for rule, value in measured.items() if value is not None}
    other = {rule: [value + 1 for value in values] for rule, values in same.items()}

    assert [kind for kind, value in zip(kinds, measured.values(), strict=True) if value is None] == []
    for history, holds in ((same, True), (other, False)):
        told = judge(
            staged, shop.database, suites_dir, state_dir, "run-2", shop.terms("shop.order_items", **history)
        )
        held = {result.rule: result.passed for result in told.verdict.results if result.rule in same}
        assert held == dict.fromkeys(same, holds)
