"""Law F5: whatever the order, the batches and the parts, whole-table steps come to what the book says."""

from __future__ import annotations

import copy
import random
from datetime import date
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from etl.warehouse.duplicates import clusters_of
from tests.systems import BOTH_SYSTEMS
from tests.warehouse import whole_reference as book
from tests.warehouse.settling import Row, Settling, things

QUOTATIONS = {
    (date(2026, 3, 6), "USD"): Decimal("1.08"),
    (date(2026, 3, 6), "GBP"): Decimal("0.84"),
    (date(2026, 3, 6), "JPY"): Decimal("160.5"),
    (date(2026, 3, 9), "USD"): Decimal("1.10"),
}
TABLE = things(
    {
        "step": "deduplicate", "match": ["shelf"], "similar": {"name": 60}, "keep": ["-day", "quantity"],
        "fill": True,
    },
    {"step": "fill_from_rows", "column": "amount", "method": "median", "by": ["shelf"]},
    {"step": "fill_from_rows", "column": "quantity", "method": "mode", "by": ["shelf"]},
    {"step": "flag_outliers", "column": "amount", "into": "is_dear", "method": "iqr", "threshold": "0.5"},
    {
        "step": "flag_outliers", "column": "quantity", "into": "is_many", "method": "zscore",
        "threshold": "1.3",
    },
    {
        "step": "convert_currency", "amounts": {"amount": "amount_usd"}, "currency": "currency", "at": "day",
        "to": "USD", "rate_into": "rate",
    },
    {"step": "fill_from_rows", "column": "amount", "method": "mean", "by": ["currency"]},
    is_dear={"type": "boolean"},
    is_many={"type": "boolean"},
    amount_usd={"type": "decimal(12,2)"},
    rate={"type": "decimal(18,8)"},
)  # fmt: skip
CHECKED = ("id", "shelf", "name", "amount", "quantity", "currency", "day", *TABLE.derived)
ROWS = st.lists(
    st.fixed_dictionaries(
        {
            "shelf": st.sampled_from(["a", "b", "B", None]),
            "name": st.none() | st.text(st.sampled_from("abé"), max_size=5),
            "amount": st.none() | st.integers(-500, 99_999).map(lambda cents: Decimal(cents) / 100),
            "quantity": st.none() | st.integers(0, 9) | st.just(1000),
            "currency": st.sampled_from(["EUR", "USD", "GBP", "JPY", "XYZ", None]),
            "day": st.none() | st.dates(date(2026, 3, 5), date(2026, 3, 17)),
        }
    ),
    max_size=25,
)


def expected(rows: list[Row]) -> tuple[list[Row], dict[int, list[str]]]:
    """The steps of the table one after the other, by the book."""
    kept = book.deduplicate(copy.deepcopy(rows), _alike, _order)
    book.fill(kept, "amount", "shelf", "median")
    book.fill(kept, "quantity", "shelf", "mode")
    book.flag(kept, "amount", "is_dear", "iqr", Fraction("0.5"))
    book.flag(kept, "quantity", "is_many", "zscore", Fraction("1.3"))
    good, waiting = book.convert(kept, QUOTATIONS, "USD")
    book.fill(good, "amount", "currency", "mean")
    return good, waiting


CUTS = st.sampled_from([(1, 1), (1, 8), (7, 1), (7, 8), (1000, 1), (1000, 8)])


@BOTH_SYSTEMS
@settings(max_examples=20, deadline=None, suppress_health_check=list(HealthCheck))
@given(drawn=ROWS, cut=CUTS, dice=st.randoms())
def test_any_order_batches_and_parts_come_to_what_the_book_says(
    rates: Settling, drawn: list[Any], cut: tuple[int, int], dice: random.Random
) -> None:
    rows = [{"id": number, **row} for number, row in enumerate(drawn, 1)]
    done = rates.settle(TABLE, dice.sample(rows, len(rows)), *cut)
    good, waiting = expected(rows)
    assert _by_id(done.rows) == _by_id(good)
    assert done.held_back == waiting
    assert done.staged.dropped_count == len(rows) - len(good) - len(waiting)


@BOTH_SYSTEMS
def test_chunks_of_1_7_1000_and_all_and_1_or_8_parts_give_identical_tables_and_logs(rates: Settling) -> None:
    dice = random.Random(7)
    rows: list[Row] = [
        {
            "id": number,
            "shelf": dice.choice("abcd"),
            "name": "".join(dice.choices("abcde", k=4)),
            "amount": dice.choice([None, Decimal(dice.randrange(10_000)) / 100]),
            "quantity": dice.choice([None, dice.randrange(50)]),
            "weight": dice.random(),
            "currency": dice.choice(["EUR", "USD", "GBP", "XYZ"]),
            "day": date(2026, 3, dice.randrange(5, 18)),
        }
        for number in range(300)
    ]
    whole = rates.settle(TABLE, rows)
    assert whole.staged.dropped_count > 20
    assert len(whole.held_back) > 20
    for batch_rows, parts in ((1, 1), (7, 8), (1000, 8)):
        cut = rates.settle(TABLE, dice.sample(rows, len(rows)), batch_rows, parts)
        assert cut.rows == whole.rows
        assert cut.held_back == whole.held_back
        assert cut.log == whole.log


@BOTH_SYSTEMS
@pytest.mark.parametrize("method", ["mean", "median"])
def test_floats_do_not_depend_on_the_order_of_their_rows(settling: Settling, method: str) -> None:
    """Their sum would: 0.1 + 0.2 + 0.3 is not 0.3 + 0.2 + 0.1."""
    step = {"step": "fill_from_rows", "column": "weight", "method": method}
    flag = {"step": "flag_outliers", "column": "weight", "into": "far", "method": "zscore", "threshold": 1}
    table = things(step, flag, far={"type": "boolean"})
    dice = random.Random(3)
    rows: list[Row] = [{"id": n, "weight": dice.uniform(-1, 1) * 10 ** dice.randrange(12)} for n in range(60)]
    rows.append({"id": 60, "weight": None})
    first = settling.settle(table, rows)
    again = settling.settle(table, dice.sample(rows, len(rows)), 7, 8)
    assert again.rows == first.rows


@settings(deadline=None, max_examples=60)
@given(st.lists(st.tuples(st.text("ab", max_size=6), st.text("xy", max_size=3)), min_size=1, max_size=14))
def test_clusters_are_those_of_the_book(texts: list[tuple[str, str]]) -> None:
    limits = [Decimal("66.67"), Decimal(50)]
    columns = list(zip(*texts, strict=True))
    found = {frozenset(rows) for rows in clusters_of(columns, limits)}
    alike = {
        (left, right)
        for left in range(len(texts))
        for right in range(len(texts))
        if all(
            100 * book.similarity(a, b) >= Fraction(limit)
            for a, b, limit in zip(texts[left], texts[right], limits, strict=True)
        )
    }
    reached = {row: {row} for row in range(len(texts))}
    for _ in texts:
        for left, right in alike:
            reached[left] |= reached[right]
    assert found == {frozenset(rows) for rows in reached.values() if len(rows) > 1}


def _alike(left: Row, right: Row) -> bool:
    if None in (left["shelf"], left["name"], right["name"]) or left["shelf"] != right["shelf"]:
        return False
    return book.similarity(left["name"], right["name"]) >= Fraction(60, 100)


def _order(row: Row) -> Any:
    day, quantity = row["day"], row["quantity"]
    return (day is None, -(day or date.min).toordinal(), quantity is None, quantity or 0, row["id"])


def _by_id(rows: list[Row]) -> list[list[Any]]:
    return [[row[name] for name in CHECKED] for row in sorted(rows, key=lambda row: row["id"])]
