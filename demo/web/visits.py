"""Who visits the shop on the web, from where and when: each order there ends a session, most end without."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from demo.customers import Customers
from demo.defects import Kind, Occurrence, days_of
from demo.order_book import OrderBook
from demo.plan import DAY, HOUR, NEVER, SECOND, ShopPlan
from demo.products import Products
from demo.sales import draw_known, times_of_day
from demo.web.pages import IDLE_DEPTHS, PURCHASE, PageViews, make_page_views
from demo.words import word_list

DEVICES = ("mobile", "desktop", "tablet")
BROWSERS = ("Chrome", "Safari", "Firefox", "Edge", "Samsung Internet")
# utm_source, utm_medium, utm_campaign
CAMPAIGNS: tuple[tuple[str | None, str | None, str | None], ...] = (
    (None, None, None),
    ("google", "organic", None),
    ("google", "cpc", "spring sale"),
    ("newsletter", "email", "weekly, no. 9"),
    ("instagram", "social", "new in"),
    ("blog.example.com", "referral", None),
)
_DEVICE_SHARES = (0.56, 0.38, 0.06)
_BROWSER_SHARES = (0.52, 0.27, 0.08, 0.08, 0.05)
_CAMPAIGN_SHARES = (0.34, 0.3, 0.14, 0.09, 0.09, 0.04)
_LOGGED_IN = 0.35
_FIRST_DAY = 0


@dataclass
class Visits:
    """All sessions from the day before the first business day on.

    Attributes:
        session_id: Sixteen hexadecimal digits.
        customer_id: 0 for a guest; ``later_customer_id`` once the session has changed.
        country: Position in ``people.country_codes()``.
        order: Position of the order that ended the session, -1 for none.
        ended_at: When the session ended and its record appeared.
        changed_at: When the record changed once more; NEVER for none.
        withdrawn: Position of the page view that the change took away, -1 for none.
    """

    session_id: np.ndarray
    customer_id: np.ndarray
    later_customer_id: np.ndarray
    country: np.ndarray
    device: np.ndarray
    browser: np.ndarray
    campaign: np.ndarray
    order: np.ndarray
    started_at: np.ndarray
    ended_at: np.ndarray
    changed_at: np.ndarray
    withdrawn: np.ndarray
    views: PageViews
    occurrences: list[Occurrence] = field(default_factory=list)

    def updated_at(self, instant: int) -> np.ndarray:
        """Time of the last change of each record before ``instant``; NEVER where there is no record yet."""
        updated = np.where(self.changed_at < instant, self.changed_at, self.ended_at)
        seen: np.ndarray = np.where(self.ended_at < instant, updated, NEVER)
        return seen


def make_visits(plan: ShopPlan, customers: Customers, products: Products, orders: OrderBook) -> Visits:
    """All sessions of the shop: those of the orders first, then those that end without one."""
    rng = plan.rng("visits")
    order = _web_orders(plan, orders)
    idle = _idle_starts(plan, rng)
    number = len(order) + len(idle)
    depth = np.concatenate([np.full(len(order), PURCHASE), rng.choice(PURCHASE, len(idle), p=IDLE_DEPTHS)])
    of_order = np.concatenate([order, np.full(len(idle), -1)])
    views = make_page_views(rng, depth, of_order, orders.lines, products)
    started, ended = _lay_out(rng, views, np.concatenate([orders.ordered_at[order], idle]), depth)
    customer, country = _visitors(rng, customers, started, of_order, orders)
    visits = Visits(
        _session_ids(rng, number),
        customer,
        customer.copy(),
        country,
        rng.choice(len(DEVICES), number, p=_DEVICE_SHARES),
        rng.choice(len(BROWSERS), number, p=_BROWSER_SHARES),
        rng.choice(len(CAMPAIGNS), number, p=_CAMPAIGN_SHARES),
        of_order,
        started,
        ended,
        np.full(number, NEVER),
        np.full(number, -1),
        views,
    )
    _LateChanges(plan, visits, customers).tell()
    return visits


def _web_orders(plan: ShopPlan, orders: OrderBook) -> np.ndarray:
    return np.flatnonzero((orders.store_id == 0) & (orders.ordered_at >= plan.start_of(_FIRST_DAY)))


def _idle_starts(plan: ShopPlan, rng: np.random.Generator) -> np.ndarray:
    per_day = plan.count(440, 40)
    return np.concatenate(
        [plan.start_of(d) + times_of_day(rng, per_day) for d in range(_FIRST_DAY, plan.days + 1)]
    )


def _lay_out(
    rng: np.random.Generator, views: PageViews, anchor: np.ndarray, depth: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Place the page views in time; the start and the end of each session.

    The anchor is the start, or, where an order was placed, the moment of the last page.
    """
    first = views.first_of_session()
    elapsed = np.cumsum(views.seconds) - views.seconds
    elapsed -= elapsed[first][views.session]
    last = np.append(first[1:], len(views.session)) - 1
    length = elapsed[last] * SECOND
    started = np.where(depth == PURCHASE, anchor - length, anchor)
    views.viewed_at = started[views.session] + elapsed * SECOND
    return started, started + length + rng.integers(1, 60, len(anchor)) * SECOND


def _visitors(
    rng: np.random.Generator, customers: Customers, started: np.ndarray, order: np.ndarray, orders: OrderBook
) -> tuple[np.ndarray, np.ndarray]:
    """Customer, 0 for a guest, and country of each session."""
    shares = np.array([words["weight"] for words in word_list("people")["countries"].values()], dtype=float)
    drawn = 1 + draw_known(rng, np.ones(len(customers.registered_at)), customers.registered_at, started)
    is_guest = (rng.random(len(started)) >= _LOGGED_IN) | (customers.absent_from[drawn - 1] < NEVER)
    customer = np.where(order < 0, np.where(is_guest, 0, drawn), orders.customer_id[order])
    elsewhere = rng.choice(len(shares), len(started), p=shares / shares.sum())
    return customer, np.where(customer > 0, customers.country[customer - 1], elsewhere)


def _session_ids(rng: np.random.Generator, number: int) -> np.ndarray:
    return np.array([f"{value:016x}" for value in rng.integers(0, 2**63, number)], dtype=object)


class _LateChanges:
    """Changes some records on the day after; each is the record of a guest who ordered nothing."""

    def __init__(self, plan: ShopPlan, visits: Visits, customers: Customers) -> None:
        self._plan = plan
        self._visits = visits
        self._customers = customers
        self._rng = plan.rng("late sessions")

    def tell(self) -> None:
        """Tell a customer's log-in that was noticed late, and a page view that was no visit at all."""
        for kind in ("late_session", "withdrawn_page_view"):
            for day in days_of(kind, self._plan):
                position = self._pick(day)
                at = self._plan.end_of(day) + int(self._rng.integers(2 * HOUR, 9 * HOUR))
                self._visits.changed_at[position] = at
                if kind == "late_session":
                    self._visits.later_customer_id[position] = self._settled_customer()
                else:
                    self._visits.withdrawn[position] = self._visits.views.first_of_session()[position] + 1
                self._note(kind, day + 1, position)

    def _pick(self, day: int) -> int:
        """A session of a guest within ``day``, with at least three pages and no other story."""
        visits, plan = self._visits, self._plan
        is_fit = (visits.order < 0) & (visits.customer_id == 0) & (visits.changed_at == NEVER)
        is_fit &= (visits.started_at >= plan.start_of(day)) & (visits.ended_at < plan.end_of(day))
        is_fit &= visits.views.count_of_session() >= 3
        return int(self._rng.choice(np.flatnonzero(is_fit)))

    def _settled_customer(self) -> int:
        is_fit = self._customers.registered_at < self._plan.opening - DAY
        is_fit &= self._customers.absent_from == NEVER
        return 1 + int(self._rng.choice(np.flatnonzero(is_fit)))

    def _note(self, kind: Kind, day: int, position: int) -> None:
        key = (str(self._visits.session_id[position]),)
        self._visits.occurrences.append(Occurrence(kind, day, "analytics.sessions", key))
