"""The records of the web analytics as its API shows them at an instant, page by page."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, NamedTuple

import numpy as np

from demo.order_book import OrderBook
from demo.people import country_codes
from demo.plan import EPOCH, NEVER
from demo.web.conversions import Conversions
from demo.web.pages import PAGE_TYPES, PRODUCT
from demo.web.visits import BROWSERS, CAMPAIGNS, DEVICES, Visits

Record = dict[str, Any]


class Span(NamedTuple):
    """Records changed in [low, high), as they are shortly before ``now``; instants in microseconds."""

    low: int
    high: int
    now: int


class WebRecords:
    """What the API knows; records are in the order of their last change."""

    def __init__(self, visits: Visits, conversions: Conversions, orders: OrderBook) -> None:
        self._visits = visits
        self._conversions = conversions
        self._orders = orders
        self._first_view = np.append(visits.views.first_of_session(), len(visits.views.session))

    def sessions(self, span: Span, start: int, count: int) -> tuple[list[Record], int]:
        """``count`` sessions of the span from number ``start`` on, and how many it has in all."""
        updated = self._visits.updated_at(span.now)
        found = _changed(updated, span)
        return [self._session(p, int(updated[p])) for p in found[start : start + count]], len(found)

    def conversions(self, span: Span, start: int, count: int) -> tuple[list[Record], int]:
        """``count`` conversions of the span from number ``start`` on, and how many it has in all."""
        updated = self._conversions.updated_at
        found = _changed(np.where(updated < span.now, updated, NEVER), span)
        return [self._conversion(int(p)) for p in found[start : start + count]], len(found)

    def _session(self, position: int, updated_at: int) -> Record:
        visits = self._visits
        has_changed = updated_at == visits.changed_at[position]
        customer = (visits.later_customer_id if has_changed else visits.customer_id)[position]
        source, medium, campaign = CAMPAIGNS[visits.campaign[position]]
        first, end = self._first_view[position], self._first_view[position + 1]
        hidden = visits.withdrawn[position] if has_changed else -1
        return {
            "session_id": visits.session_id[position],
            "customer_id": int(customer) or None,
            "started_at": utc_text(visits.started_at[position]),
            "ended_at": utc_text(visits.ended_at[position]),
            "updated_at": utc_text(updated_at),
            "device": {
                "type": DEVICES[visits.device[position]],
                "browser": BROWSERS[visits.browser[position]],
            },
            "utm": {"source": source, "medium": medium, "campaign": campaign},
            "country": country_codes()[visits.country[position]],
            "landing_page": visits.views.url(first),
            "page_views": [self._page_view(view, first, end) for view in range(first, end) if view != hidden],
        }

    def _page_view(self, position: int, first: int, end: int) -> Record:
        views = self._visits.views
        kind = int(views.page_type[position])
        return {
            "page_view_id": f"{self._visits.session_id[views.session[position]]}-{position - first + 1}",
            "viewed_at": utc_text(views.viewed_at[position]),
            "url": views.url(position),
            "page_type": PAGE_TYPES[kind],
            "product_id": int(views.target[position]) if kind == PRODUCT else None,
            "seconds_on_page": int(views.seconds[position]) if position + 1 < end else None,
        }

    def _conversion(self, position: int) -> Record:
        conversions = self._conversions
        return {
            "conversion_id": conversions.conversion_id[position],
            "session_id": self._visits.session_id[conversions.visit[position]],
            "order_id": int(self._orders.order_id[conversions.order[position]]),
            "converted_at": utc_text(conversions.converted_at[position]),
            "updated_at": utc_text(conversions.updated_at[position]),
            "revenue": str(conversions.revenue[position]),
            "currency": conversions.currency[position],
        }


def utc_text(instant: int) -> str:
    """An instant in ISO form with microseconds, in UTC."""
    at = EPOCH + timedelta(microseconds=int(instant))
    return f"{at.replace(tzinfo=None).isoformat(timespec='microseconds')}Z"


def _changed(updated: np.ndarray, span: Span) -> np.ndarray:
    found = np.flatnonzero((updated >= span.low) & (updated < span.high) & (updated < NEVER))
    order: np.ndarray = found[np.argsort(updated[found], kind="stable")]
    return order
