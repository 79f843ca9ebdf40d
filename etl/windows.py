"""Half-open windows [low, high) over a cursor column (laws X2, X3, X4).

Bounds are kept as text in the source's own form at full precision, so that nothing is rounded
on the way through Python, JSON or the warehouse: instants as ``YYYY-MM-DD HH:MM:SS.ffffff``
in the time zone of the source, integers as decimal digits.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Literal
from zoneinfo import ZoneInfo

from etl.errors import ConfigError

CursorKind = Literal["timestamp", "integer"]


@dataclass(frozen=True, slots=True)
class Window:
    """The rows with ``low <= cursor < high``; None means no bound on that side."""

    low: str | None = None
    high: str | None = None

    @property
    def is_empty(self) -> bool:
        """True when both bounds are known and leave nothing between them."""
        return self.low is not None and self.high is not None and not precedes(self.low, self.high)

    def __str__(self) -> str:
        return f"[{self.low or '-∞'}, {self.high or '∞'})"


@dataclass(frozen=True, slots=True)
class BusinessDay:
    """One calendar day of the shop, with its two ends as instants of the source's clock."""

    date: date
    low: str
    high: str


def business_day(day: date, business_zone: str, source_zone: str) -> BusinessDay:
    """The ends of ``day`` as the source writes them; right over changes of daylight saving.

    Raises:
        ConfigError: The day lies at the edge of the calendar, where a zone may leave it.
    """
    if not date(2, 1, 1) <= day < date(9999, 1, 1):
        raise ConfigError(f"{day} is no business date.", "Give a day from year 2 to year 9998.")
    start, end = (
        datetime.combine(d, time(), ZoneInfo(business_zone)).astimezone(ZoneInfo(source_zone))
        for d in (day, day + timedelta(days=1))
    )
    return BusinessDay(day, cursor_text(start), cursor_text(end))


def day_before(instant: datetime, zone: str) -> date:
    """The calendar day that was over at an instant, in the zone of the business."""
    return instant.astimezone(ZoneInfo(zone)).date() - timedelta(days=1)


def cursor_text(value: datetime | int) -> str:
    """A cursor value as text that sorts and compares as the source does."""
    if isinstance(value, int):
        return str(value)
    # Not strftime, which writes the years before 1000 without leading zeros.
    return value.replace(tzinfo=None).isoformat(sep=" ", timespec="microseconds")


def instant_of(text: str, source_zone: str) -> datetime:
    """The instant in UTC of a cursor text of an instant in the source's time zone."""
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(source_zone)).astimezone(UTC)


def precedes(left: str, right: str) -> bool:
    """True when ``left`` < ``right``: integers by value, instants by their fixed-width text."""
    if left.lstrip("-").isdigit() and right.lstrip("-").isdigit():
        return int(left) < int(right)
    return left < right


def plan_window(watermark: str | None, safe_high: str | None, day: BusinessDay | None) -> Window:
    """The window that a run reads.

    Without a business day: everything from the watermark to the safe end. With one: that whole
    day again and everything since the watermark, up to the end of the day, so that running a day
    twice reads it twice (law R4), and a day long past is a backfill (law X7).

    Args:
        watermark: End of the last released window; None before the first one.
        safe_high: No transaction still open at the source can commit below it (law X2).
        day: The business day asked for; None for everything that is there.
    """
    if day is None:
        return Window(watermark, safe_high)
    low = watermark if watermark is None or precedes(watermark, day.low) else day.low
    high = day.high if safe_high is None or precedes(day.high, safe_high) else safe_high
    return Window(low, high)
