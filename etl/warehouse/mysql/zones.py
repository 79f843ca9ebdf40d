"""Days and instants of the business time zone, as SQL that needs no zone tables on the server.

An instant is moved by the offset that ``zoneinfo`` gives for it: a tree of comparisons, eight deep, over the
years 1970 to 2100. Before and after them the offset at the edge counts; where a year would leave the
calendar, none does.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

FIRST_YEAR, LAST_YEAR = 1970, 2100
_DAY = timedelta(days=1)
_EARLIEST, _LATEST = "0001-01-03", "9999-12-30"

# From where an offset in seconds holds, the first one from the beginning.
Steps = list[tuple[str, int]]


def business_day(expression: str, zone: str) -> str:
    """SQL of the date in a time zone of a UTC instant: ``(x at time zone 'UTC' at time zone zone)::date``."""
    return f"cast({local_instant(expression, zone)} as date)"


def local_instant(expression: str, zone: str) -> str:
    """SQL of what clocks in a time zone show at a UTC instant: ``x at time zone zone``."""
    offset = _tree(_steps_of_instants(zone), expression, "timestamp")
    if offset == "0":
        return f"({expression})"
    moved = f"timestampadd(second, {offset}, {expression})"
    return (
        f"(case when {expression} between timestamp '{_EARLIEST} 00:00:00'"
        f" and timestamp '{_LATEST} 00:00:00' then {moved} else {expression} end)"
    )


def business_instant(expression: str, zone: str) -> str:
    """SQL of the UTC instant at which a date begins there: ``x::timestamp at time zone zone``.

    Like PostgreSQL, a midnight that clocks skip is told by the offset before, and one that comes
    twice is the second.
    """
    offset = _tree(_steps_of_days(zone), expression, "date")
    start = f"cast({expression} as datetime(6))"
    if offset == "0":
        return start
    return (
        f"(case when {expression} between date '{_EARLIEST}' and date '{_LATEST}'"
        f" then timestampadd(second, -({offset}), {start}) else {start} end)"
    )


def utc_text(text: str) -> str:
    """An instant in ISO 8601 as a column would show it; one without a zone is UTC.

    Raises:
        ValueError: It is none.
    """
    moment = datetime.fromisoformat(text)
    utc = moment.astimezone(UTC).replace(tzinfo=None) if moment.tzinfo else moment
    return utc.isoformat(" ", "microseconds")


@lru_cache(maxsize=8)
def _steps_of_instants(zone: str) -> Steps:
    info = ZoneInfo(zone)

    def offset(at: datetime) -> int:
        return _seconds(at.replace(tzinfo=UTC).astimezone(info).utcoffset())

    def exact(low: datetime, high: datetime) -> datetime:
        """Where the offset changes between two instants, to the second."""
        while high - low > timedelta(seconds=1):
            middle = low + timedelta(seconds=(high - low).total_seconds() // 2)
            low, high = (middle, high) if offset(middle) == offset(low) else (low, middle)
        return high

    return [(at.isoformat(" "), seconds) for at, seconds in _changes(offset, exact)]


@lru_cache(maxsize=8)
def _steps_of_days(zone: str) -> Steps:
    info = ZoneInfo(zone)

    def offset(at: datetime) -> int:
        first, second = at.replace(tzinfo=info, fold=0), at.replace(tzinfo=info, fold=1)
        skipped = first.astimezone(UTC).astimezone(info).replace(tzinfo=None) != at
        return _seconds((first if skipped else second).utcoffset())

    return [(at.date().isoformat(), seconds) for at, seconds in _changes(offset, lambda low, high: high)]


def _changes(
    offset: Callable[[datetime], int], exact: Callable[[datetime, datetime], datetime]
) -> list[tuple[datetime, int]]:
    """Offsets and from where on they hold; looked for day by day."""
    at, end = datetime(FIRST_YEAR, 1, 1), datetime(LAST_YEAR + 1, 1, 1)
    found = [(at, offset(at))]
    while at < end:
        if offset(at + _DAY) != found[-1][1]:
            found.append((exact(at, at + _DAY), offset(at + _DAY)))
        at += _DAY
    return found


def _tree(steps: Steps, expression: str, kind: str) -> str:
    """The offset for a value, by halves."""
    if len(steps) == 1:
        return str(steps[0][1])
    middle = len(steps) // 2
    before, after = (_tree(half, expression, kind) for half in (steps[:middle], steps[middle:]))
    return f"case when {expression} < {kind} '{steps[middle][0]}' then {before} else {after} end"


def _seconds(offset: timedelta | None) -> int:
    return int((offset or timedelta()).total_seconds())
