"""The defects and special events of the demo: how many of each kind, on which day, with which keys.

A kind's number grows with the scale of the shop. Each defect has keys of its own: an order, a
customer or a product takes part in one story only, so that no defect hides another.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

from demo.plan import ShopPlan
from demo.tables import Key

Kind = Literal[
    "bad_email",
    "negative_quantity",
    "unknown_product",
    "duplicate_line",
    "total_mismatch",
    "late_change",
    "change_back",
    "two_changes_in_a_day",
    "deleted_and_returned_customer",
    "late_order",
    "early_order",
    "old_timestamp_change",
    "manager_change",
    "segment_change",
    "product_regrouped",
    "removed_line",
    "corrected_quantity",
    "deleted_customer",
    "late_session",
    "withdrawn_page_view",
    "late_conversion",
    "unknown_currency",
    "headless_file",
    "truncated_file",
    "ragged_row",
    "bad_number",
    "negative_stock",
    "unknown_stock_product",
    "corrected_count",
    "stale_count",
    "renamed_file",
]
KINDS: tuple[Kind, ...] = get_args(Kind)


@dataclass(frozen=True)
class Occurrence:
    """One defect: its kind, the day from which the warehouse can see it, and the key of its row.

    Attributes:
        table: Table of the shop that holds the row, or catalog name of one that is read elsewhere.
        key: Natural key of the row; of an order line (order_id, line_number); of a file its name.
    """

    kind: Kind
    day: int
    table: str
    key: tuple[Key, ...]


@dataclass(frozen=True)
class _Frequency:
    per_scale: float
    at_least: int
    first: int
    ends_before_last: int = 0


# Stories about a change begin on day 2: what changes on day 1 was never read before, so the
# warehouse cannot know that it changed. A story that takes two days starts before the last one.
_FREQUENCIES: dict[Kind, _Frequency] = {
    "bad_email": _Frequency(14, 4, 0),
    "negative_quantity": _Frequency(7, 3, 1),
    "unknown_product": _Frequency(6, 3, 1),
    "duplicate_line": _Frequency(6, 3, 1),
    "total_mismatch": _Frequency(6, 3, 1),
    "late_order": _Frequency(7, 3, 1, 1),
    "early_order": _Frequency(5, 3, 1, 1),
    "removed_line": _Frequency(6, 3, 1, 1),
    "corrected_quantity": _Frequency(4, 3, 1, 1),
    "late_change": _Frequency(5, 3, 2),
    "change_back": _Frequency(5, 4, 2, 1),
    "two_changes_in_a_day": _Frequency(4, 3, 2),
    "product_regrouped": _Frequency(5, 4, 2),
    "deleted_and_returned_customer": _Frequency(4, 4, 2, 2),
    "deleted_customer": _Frequency(3, 2, 2),
    "old_timestamp_change": _Frequency(4, 4, 3),
    "segment_change": _Frequency(8, 3, 2),
    "manager_change": _Frequency(2, 2, 2),
    "late_session": _Frequency(6, 3, 1, 1),
    "withdrawn_page_view": _Frequency(4, 3, 1, 1),
    "late_conversion": _Frequency(4, 3, 1, 1),
    "unknown_currency": _Frequency(2, 2, 1),
    "headless_file": _Frequency(2, 2, 1),
    "truncated_file": _Frequency(3, 2, 1),
    "ragged_row": _Frequency(4, 3, 1),
    "bad_number": _Frequency(4, 3, 1),
    "negative_stock": _Frequency(4, 3, 1),
    "unknown_stock_product": _Frequency(2, 2, 1),
    "corrected_count": _Frequency(3, 2, 1, 1),
    "stale_count": _Frequency(2, 2, 1, 1),
    "renamed_file": _Frequency(2, 2, 1, 1),
}


def happens_to(kind: Kind, number: int, table: str) -> bool:
    """Whether the story of this number is told of this table; those that change back alternate."""
    return kind != "change_back" or table == ("customers", "products")[number % 2]


def days_of(kind: Kind, plan: ShopPlan) -> list[int]:
    """The day on which each story of this kind begins, in order; empty where the plan has too few days."""
    frequency = _FREQUENCIES[kind]
    days = range(frequency.first, plan.days - frequency.ends_before_last + 1)
    if not days:
        return []
    # An own start for each kind spreads the kinds over the days of a small shop; new kinds come last,
    # so that the others stay where they were.
    start = list(_FREQUENCIES).index(kind) * 3
    number = plan.count(frequency.per_scale, frequency.at_least)
    return sorted(days[(start + step) % len(days)] for step in range(number))
