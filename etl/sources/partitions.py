"""Ranges of a large extract."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from uuid import UUID

from etl.handles import Extract
from etl.windows import cursor_text

# A text is that of a UUID.
Bound = int | Decimal | date | datetime | str
_EPOCH = datetime(1970, 1, 1)  # UTC or the source's own zone, without saying so, like all bounds
_MICROSECOND = timedelta(microseconds=1)


def cut_evenly(
    extract: Extract, count: int, low: Bound | None, high: Bound | None, partition_rows: int
) -> tuple[Extract, ...]:
    """Parts of about ``partition_rows`` rows, cut evenly between the lowest and the highest value.

    The first part has no lower and the last no upper end, so that together they always hold every row,
    also those whose value is NULL; how many parts there are never changes a result (law X13).
    """
    if low is None or high is None or count <= partition_rows:
        return (extract,)
    (first, text), (last, _) = _on_a_line(low), _on_a_line(high)
    parts = min(-(-count // partition_rows), last - first + 1)
    cuts = [first + (last - first + 1) * at // parts for at in range(1, parts)]
    bounds = [None, *map(text, cuts), None]
    return tuple(
        replace(extract, key_range=(bounds[at], bounds[at + 1]), part=f"{at + 1}of{parts}")
        for at in range(parts)
    )


def _on_a_line(value: Bound) -> tuple[int, Callable[[int], str]]:
    """A value as a whole number, and how such a number is written as a bound."""
    if isinstance(value, datetime):
        naive = value.astimezone(UTC).replace(tzinfo=None) if value.tzinfo else value
        return (naive - _EPOCH) // _MICROSECOND, lambda n: cursor_text(_EPOCH + n * _MICROSECOND)
    if isinstance(value, date):
        return value.toordinal(), lambda n: cursor_text(datetime.combine(date.fromordinal(n), time()))
    if isinstance(value, str):
        return UUID(value).int, lambda n: str(UUID(int=n))
    return int(value), str
