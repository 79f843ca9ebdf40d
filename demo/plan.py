"""How large the demo's shop is and on which days it does business; the same plan gives the same shop."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from zlib import crc32

import numpy as np

HISTORY_DAYS = 180
SECOND = 1_000_000
HOUR = 3_600 * SECOND
DAY = 24 * HOUR
NEVER = int(np.iinfo(np.int64).max)
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class ShopPlan:
    """Size, seed and calendar of a shop.

    Units: an instant is a whole number of microseconds since 1970 in UTC; a day number is 0 for
    the opening state and 1 for ``first_day``.

    Attributes:
        scale: 1 means 2,000 customers, 300 products, 6 stores and 20,000 orders in all.
        seed: Another seed gives another shop of the same size.
        first_day: Business date of day 1; the shop has been open for 180 days before it.
        days: Number of business days that can be played.
    """

    scale: float = 1.0
    seed: int = 20260226
    first_day: date = date(2026, 2, 26)
    days: int = 7

    def count(self, per_scale: float, at_least: int = 1) -> int:
        """A number that grows with the scale."""
        return max(at_least, round(per_scale * self.scale))

    def rng(self, stream: str) -> np.random.Generator:
        """A random stream of its own, so that a change of one part leaves the others as they were."""
        return np.random.default_rng([self.seed, crc32(stream.encode())])

    def date_of(self, day: int) -> date:
        """Business date of a day number."""
        return self.first_day + timedelta(days=day - 1)

    def start_of(self, day: int) -> int:
        """First instant of a day."""
        return (self.date_of(day) - EPOCH.date()).days * DAY

    def end_of(self, day: int) -> int:
        """First instant after a day, the upper bound of the window that reads it."""
        return self.start_of(day + 1)

    @property
    def opening(self) -> int:
        """The instant of the opening state: the midnight before the first business day."""
        return self.start_of(1)

    @property
    def history_start(self) -> int:
        """The instant of the oldest order."""
        return self.opening - HISTORY_DAYS * DAY


def instant_of(value: datetime) -> int:
    """Microseconds since 1970 of a datetime; one without a zone is in UTC."""
    return (value.replace(tzinfo=UTC) - EPOCH) // timedelta(microseconds=1)


def datetime_of(instant: int) -> datetime:
    """The datetime in UTC of an instant."""
    return EPOCH + timedelta(microseconds=int(instant))


def naive(instant: int) -> datetime:
    """The datetime without a zone that the shop's database holds for an instant."""
    return datetime_of(instant).replace(tzinfo=None)
