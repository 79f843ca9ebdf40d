"""The shop's customers: the opening state and what happens to them day by day."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

import numpy as np

from demo import people
from demo.defects import Kind, Occurrence, days_of, happens_to
from demo.plan import DAY, HOUR, NEVER, ShopPlan, instant_of, naive
from demo.row_log import RowLog
from demo.tables import Row
from demo.words import word_list

_SETTLED = 6 * DAY


@dataclass
class Customers:
    """All customers of a shop; the arrays hold one value per customer_id, customer 1 first.

    Attributes:
        registered_at: Instant of registration, ascending.
        country: Position of the customer's country in ``people.country_codes()``.
        absent_from, absent_to: The span in which the row is deleted; NEVER for none.
    """

    log: RowLog
    registered_at: np.ndarray
    country: np.ndarray
    absent_from: np.ndarray
    absent_to: np.ndarray
    occurrences: list[Occurrence] = field(default_factory=list)

    def new_on(self, plan: ShopPlan, day: int) -> np.ndarray:
        """Ids of the customers who register on ``day``."""
        low, high = np.searchsorted(self.registered_at, [plan.start_of(day), plan.end_of(day)])
        return np.arange(low, high) + 1


def make_customers(plan: ShopPlan) -> Customers:
    """All customers with all that happens to them."""
    rng = plan.rng("customers")
    registered = _registrations(plan, rng)
    weights = np.array([words["weight"] for words in word_list("people")["countries"].values()], dtype=float)
    country = rng.choice(len(weights), len(registered), p=weights / weights.sum())
    rows = _rows(plan, rng, registered, country)
    known = sum(1 for at in registered if at < plan.opening)
    absent = np.full(len(registered), NEVER)
    customers = Customers(RowLog("customers", rows[:known]), registered, country, absent, absent.copy())
    _Stories(plan, customers, rows[known:]).tell()
    return customers


def _registrations(plan: ShopPlan, rng: np.random.Generator) -> np.ndarray:
    """Three in four registered before the first order of the history; some each business day."""
    per_day = plan.count(8, 3)
    opening = plan.count(2_000, 100) - per_day * plan.days
    older = int(opening * 0.75)
    return np.sort(
        np.concatenate(
            [
                rng.integers(plan.history_start - 900 * DAY, plan.history_start, older),
                rng.integers(plan.history_start, plan.opening - DAY, opening - older),
                *(
                    rng.integers(plan.start_of(d) + HOUR, plan.end_of(d) - HOUR, per_day)
                    for d in range(1, plan.days + 1)
                ),
            ]
        )
    )


def _rows(plan: ShopPlan, rng: np.random.Generator, registered: np.ndarray, country: np.ndarray) -> list[Row]:
    codes = people.country_codes()
    share = rng.random(len(registered))
    # Two in five have changed something since they registered, none within the last six days.
    span = np.maximum(plan.opening - _SETTLED - registered, 0)
    updated = registered + np.where(share < 0.4, (share / 0.4 * span).astype(np.int64), 0)
    supplies = people.draws(rng, len(registered))
    return [
        people.person(number + 1, codes[country[number]], int(registered[number]), int(updated[number]), u)
        for number, u in enumerate(supplies)
    ]


class _Stories:
    """Tells what happens to the customers; each story has a customer of its own."""

    def __init__(self, plan: ShopPlan, customers: Customers, newcomers: list[Row]) -> None:
        self._plan = plan
        self._customers = customers
        self._log = customers.log
        self._rng = plan.rng("customer stories")
        self._newcomers = newcomers
        newest = naive(plan.opening - _SETTLED)
        settled = [key for key in self._log if self._log.row(key)["updated_at"] < newest]
        self._free = [int(key) for key in self._rng.permutation(np.array(settled))]

    def tell(self) -> None:
        """Tell the special stories, then the everyday ones of the customers who are left."""
        self._each("bad_email", self._bad_email)
        self._each("change_back", self._change_back)
        self._each("deleted_and_returned_customer", self._delete_and_return)
        self._each("deleted_customer", self._delete)
        self._each("old_timestamp_change", self._change_with_old_timestamp)
        self._each("segment_change", self._change_segment)
        for row in self._newcomers:
            day = (instant_of(row["updated_at"]) - self._plan.opening) // DAY + 1
            self._log.put(day, row)
        for day in range(1, self._plan.days + 1):
            self._everyday(day)

    def _each(self, kind: Kind, story: Callable[[int, int, int], int | None]) -> None:
        """Tell ``story(number, day, customer)`` for each time it happens; it may end on a later day."""
        for number, day in enumerate(days_of(kind, self._plan)):
            if not happens_to(kind, number, "customers"):
                continue
            key = self._free.pop()
            last_day = story(number, day, key)
            self._customers.occurrences.append(Occurrence(kind, last_day or day, "customers", (key,)))

    def _bad_email(self, _number: int, day: int, key: int) -> None:
        changed = {} if day == 0 else {"updated_at": self._moment(day)}
        self._log.change(day, key, email=people.bad_email(key), **changed)

    def _change_back(self, _number: int, day: int, key: int) -> int:
        before = self._log.row(key)
        self._move(day, key)
        back = int(self._rng.integers(day + 1, self._plan.days + 1))
        self._log.put(back, {**before, "updated_at": self._moment(back)})
        return back

    def _delete_and_return(self, number: int, day: int, key: int) -> int:
        """The row comes back as it was; every second time with the time of change that it had."""
        before = self._log.row(key)
        back = int(self._rng.integers(day + 2, self._plan.days + 1))
        returned_at = self._moment(back)
        self._leave(day, key)
        self._customers.absent_to[key - 1] = instant_of(returned_at)
        self._log.put(back, before if number % 2 else {**before, "updated_at": returned_at})
        return back

    def _delete(self, _number: int, day: int, key: int) -> None:
        self._leave(day, key)

    def _leave(self, day: int, key: int) -> None:
        self._customers.absent_from[key - 1] = self._plan.start_of(day)
        self._log.drop(day, key)

    def _change_with_old_timestamp(self, number: int, day: int, key: int) -> None:
        """Either between two known changes or before the first one that was read."""
        if number % 2:
            before_known = int(self._rng.integers(DAY, 30 * DAY))
            at = instant_of(self._log.row(key)["updated_at"]) - before_known
        else:
            self._move(2, key)
            at = self._plan.opening - int(self._rng.integers(HOUR, _SETTLED - DAY))
        self._move(day, key, naive(at))

    def _change_segment(self, _number: int, day: int, key: int) -> None:
        segment = people.other_segment(self._log.row(key), self._draws())
        self._log.change(day, key, customer_segment=segment, updated_at=self._moment(day))

    def _everyday(self, day: int) -> None:
        """Some move, some have another telephone, some rows are touched without a change."""
        moves, calls, touches = (self._plan.count(n, at_least) for n, at_least in ((6, 2), (4, 1), (2, 1)))
        keys = self._rng.choice(self._free, moves + calls + touches, replace=False).tolist()
        for key in keys[:moves]:
            self._move(day, key)
        for key in keys[moves : moves + calls]:
            phone = people.phone_number(self._log.row(key), self._draws())
            self._log.change(day, key, phone=phone, updated_at=self._moment(day))
        for key in keys[moves + calls :]:
            self._log.change(day, key, updated_at=self._moment(day))

    def _move(self, day: int, key: int, at: datetime | None = None) -> None:
        address = people.new_address(self._log.row(key), self._draws())
        self._log.change(day, key, **address, updated_at=at or self._moment(day))

    def _moment(self, day: int) -> datetime:
        return naive(self._plan.start_of(day) + int(self._rng.integers(6 * HOUR, 22 * HOUR)))

    def _draws(self) -> people.Draws:
        return next(people.draws(self._rng, 1))
