"""What the facts of the web, of the stores' counts and of the rates must come to, by the simulation alone."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

import numpy as np

from demo.drop.counts import Count, Drop
from demo.plan import DAY, NEVER, ShopPlan, datetime_of
from demo.rates import Rates
from demo.web.conversions import UNKNOWN_CURRENCY, Conversions
from demo.web.visits import Visits


@dataclass(frozen=True)
class WebSums:
    """Counts of one date; conversions and revenue without those in a currency that nobody quotes.

    Units: ``revenue`` in the shop's currency, at the rate of the day of each conversion.
    """

    sessions: int
    page_views: int
    conversions: int
    revenue: Decimal


@dataclass(frozen=True)
class FactLedger:
    """Expected facts; every question names the last business day that was played and read."""

    plan: ShopPlan
    visits: Visits
    conversions: Conversions
    drop: Drop
    rates: Rates

    def web_sums(self, up_to_day: int) -> dict[date, WebSums]:
        """Sums by the date on which a session started, a page was viewed, an order was placed."""
        end = self.plan.end_of(up_to_day)
        seen = self.visits.updated_at(end) < NEVER
        views = seen[self.visits.views.session]
        views[self.visits.withdrawn[(self.visits.withdrawn >= 0) & (self.visits.changed_at < end)]] = False
        sessions = _per_date(self.visits.started_at[seen])
        page_views = _per_date(self.visits.views.viewed_at[views])
        conversions: Counter[date] = Counter()
        revenue: dict[date, Decimal] = {}
        for at, amount in self.converted_amounts(up_to_day).values():
            conversions[at] += 1
            revenue[at] = revenue.get(at, Decimal(0)) + amount
        return {
            at: WebSums(sessions[at], page_views[at], conversions[at], revenue.get(at, Decimal(0)))
            for at in sorted({*sessions, *page_views, *conversions})
        }

    def converted_amounts(self, up_to_day: int) -> dict[str, tuple[date, Decimal]]:
        """Date and revenue in the shop's currency of each conversion that can be converted, by its id."""
        known = np.flatnonzero(self.conversions.updated_at < self.plan.end_of(up_to_day))
        found = {}
        for position in known.tolist():
            currency = self.conversions.currency[position]
            if currency != UNKNOWN_CURRENCY:
                at = datetime_of(self.conversions.converted_at[position]).date()
                amount = self.rates.to_dollars(self.conversions.revenue[position], currency, at)
                found[self.conversions.conversion_id[position]] = (at, amount)
        return found

    def counts(self, up_to_day: int) -> dict[tuple[int, int, datetime], Count]:
        """What must stand in ``fact_inventory_snapshots``, by product, store and time of the count.

        Of several exports of one count the latest holds; files and rows that are broken tell nothing.
        """
        found: dict[tuple[int, int, int], Count] = {}
        for file in self.drop.known(up_to_day):
            for row in file.good_rows():
                grain = row.product_id, row.store_id, row.counted_at
                if grain not in found or found[grain].exported_at < row.exported_at:
                    found[grain] = row
        return {(p, s, datetime_of(at)): row for (p, s, at), row in found.items()}

    def last_counts(self, up_to_day: int) -> dict[tuple[int, int], Count]:
        """The newest count of each product in each store."""
        by_time = sorted(self.counts(up_to_day).values(), key=lambda row: row.counted_at)
        return {(row.product_id, row.store_id): row for row in by_time}

    def exchange_rates(self, up_to_day: int) -> dict[tuple[date, str], Decimal]:
        """What must stand in ``fact_exchange_rates``: units of the currency for 1 EUR."""
        return self.rates.known(up_to_day)


def _per_date(instants: np.ndarray) -> Counter[date]:
    days, numbers = np.unique(instants // DAY, return_counts=True)
    pairs = zip(days.tolist(), numbers.tolist(), strict=True)
    return Counter({datetime_of(day * DAY).date(): number for day, number in pairs})
