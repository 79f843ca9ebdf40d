"""What the web analytics takes for an order: which session brought it, how much it was in which currency."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal

import numpy as np

from demo.defects import Kind, Occurrence, days_of
from demo.order_book import OrderBook
from demo.people import country_codes
from demo.plan import HOUR, SECOND, ShopPlan, datetime_of
from demo.rates import Rates
from demo.web.visits import Visits

# What customers of a country pay with; dollars everywhere else.
CURRENCIES = {"GB": "GBP", "DE": "EUR", "FR": "EUR", "ES": "EUR", "BR": "BRL", "JP": "JPY"}
# Orders that were paid with the points of the shop's own bonus scheme, which nobody quotes.
UNKNOWN_CURRENCY = "PTS"


@dataclass
class Conversions:
    """All conversions, one for each order on the web, in the order of the orders.

    Attributes:
        visit, order: Positions of the session and of the order.
        converted_at: When the order was placed.
        updated_at: When the record appeared, which it does once and for all.
        revenue: What the order was for, in ``currency``.
    """

    conversion_id: list[str]
    visit: np.ndarray
    order: np.ndarray
    converted_at: np.ndarray
    updated_at: np.ndarray
    revenue: list[Decimal]
    currency: list[str]
    occurrences: list[Occurrence] = field(default_factory=list)


def make_conversions(plan: ShopPlan, visits: Visits, orders: OrderBook, rates: Rates) -> Conversions:
    """A conversion for each session that ended with an order."""
    rng = plan.rng("conversions")
    visit = np.flatnonzero(visits.order >= 0)
    order = visits.order[visit]
    converted_at = orders.ordered_at[order]
    codes = country_codes()
    currency = [CURRENCIES.get(codes[country], "USD") for country in visits.country[visit]]
    conversions = Conversions(
        [f"c-{order_id}" for order_id in orders.order_id[order]],
        visit,
        order,
        converted_at,
        converted_at + rng.integers(1, 30, len(order)) * SECOND,
        [
            rates.from_dollars(Decimal(int(cents)).scaleb(-2), code, datetime_of(at).date())
            for cents, code, at in zip(orders.first.total[order], currency, converted_at, strict=True)
        ],
        currency,
    )
    _tell_stories(plan, rng, conversions, orders)
    return conversions


def _tell_stories(
    plan: ShopPlan, rng: np.random.Generator, conversions: Conversions, orders: OrderBook
) -> None:
    """Let some arrive on the day after, and some be in a currency without a rate."""
    is_free = orders.defect[conversions.order] == ""
    for day in range(1, plan.days + 1):
        is_fit = is_free & (conversions.converted_at >= plan.start_of(day))
        is_fit &= conversions.updated_at < plan.end_of(day)
        free = rng.permutation(np.flatnonzero(is_fit))
        kinds: list[Kind] = [
            kind
            for kind in ("late_conversion", "unknown_currency")
            for begun in days_of(kind, plan)
            if begun == day
        ]
        # A tiny shop has fewer sound orders on a day than stories.
        for kind, position in zip(kinds, free.tolist(), strict=False):
            if kind == "late_conversion":
                conversions.updated_at[position] = plan.end_of(day) + int(rng.integers(3 * HOUR, 9 * HOUR))
            else:
                conversions.currency[position] = UNKNOWN_CURRENCY
                conversions.revenue[position] = Decimal(int(orders.first.total[conversions.order[position]]))
            seen = day + (kind == "late_conversion")
            key = (conversions.conversion_id[position],)
            conversions.occurrences.append(Occurrence(kind, seen, "analytics.conversions", key))
