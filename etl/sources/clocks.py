"""The safe upper bound of a window, from the source's clock and its open transactions (laws X2, X4).

A row may be read only if no transaction that is still open can later commit another row below the
bound. A row's cursor is taken to be no earlier than the start of the transaction (PostgreSQL's
``now()``) or of the statement (MySQL's) that wrote it; what is set earlier by an application needs
``lag_seconds``.

The order matters: first the clock is read (A), after a pause the open transactions (B), and only then is
the snapshot taken (C). A transaction that writes below ``least(A, starts of those open at B)`` started before
A. It is seen at B, and then the bound is its start or earlier; or it ended before B, and then
the snapshot C has its rows. The pause is for a session that has read its clock and has not yet shown it.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from etl.catalog import SourceTable
from etl.errors import ConfigError, TransientError
from etl.sources.metadata import SourceColumn
from etl.windows import cursor_text

_FRACTION_DIGITS = 6
_LONGEST_FOLD_MINUTES = 180
_WAIT_STEP_SECONDS = 0.1


@dataclass(frozen=True, slots=True)
class SourceClock:
    """What the source's clock and sessions said.

    Attributes:
        now: The source's clock in UTC, without zone, read before the open transactions.
        oldest_open: Start of the oldest transaction open after that; None when there is none.
        sees_sessions: Whether this account may see the transactions of others.
    """

    now: datetime
    oldest_open: datetime | None
    sees_sessions: bool


def safe_instant(table: SourceTable, clock: SourceClock, remedy: str) -> datetime:
    """The instant, in UTC without zone, below which no row of ``table`` can appear any more.

    Raises:
        ConfigError: The account may not see the transactions of others and the table declares no lag.
    """
    if not clock.sees_sessions and "lag_seconds" not in table.model_fields_set:
        raise ConfigError(
            f"{table.qualified_name}: the account cannot see open transactions at the source, and no "
            "lag_seconds is declared; a row that is committed late could be lost (law X2).",
            f"{remedy}, or declare lag_seconds in {table.catalog_file}: "
            "the longest time that a transaction stays open (0 if you take the risk).",
        )
    oldest = clock.now if clock.oldest_open is None else min(clock.now, clock.oldest_open)
    return oldest - timedelta(seconds=table.lag_seconds)


def high_text(safe: datetime, cursor: SourceColumn, zone: str) -> str:
    """The bound as cursor text: on the grid of the column's type and in the column's zone.

    A column that keeps seconds, or days, holds a moment's start for all of that moment; the bound is
    taken down to that start, since more rows with it may come.

    Where clocks are set back, an hour of local times comes twice, and rows of the second pass stand below
    those of the first. The bound is therefore the least local time that any later instant can have.
    """
    local = safe if cursor.family == "timestamptz" else _least_local(safe, zone)
    if cursor.family == "date":
        return cursor_text(local.replace(hour=0, minute=0, second=0, microsecond=0))
    digits = cursor.digits if cursor.digits is not None else 0
    step = 10 ** (_FRACTION_DIGITS - min(digits, _FRACTION_DIGITS))
    return cursor_text(local.replace(microsecond=local.microsecond // step * step))


def await_end(
    table: SourceTable, clock: SourceClock, wait_seconds: int, open_now: Callable[[], set[str]]
) -> None:
    """For a cursor of numbers: wait for the transactions that are open after the highest number was read.

    Numbers below the highest were drawn before it; whoever drew them and has not committed is open
    now. When all that are open now have ended, a snapshot has every row below. Sound for numbers that are
    drawn in the transaction that uses them. Where transactions cannot be seen, the declared lag is waited.

    Raises:
        TransientError: One of them did not end in time.
    """
    if not clock.sees_sessions:
        time.sleep(table.lag_seconds)
        return
    waiting, deadline = open_now(), time.monotonic() + wait_seconds
    while waiting and time.monotonic() < deadline:
        time.sleep(_WAIT_STEP_SECONDS)
        waiting &= open_now()
    if waiting:
        raise TransientError(
            f"{table.qualified_name}: {len(waiting)} transactions stay open at the source and may "
            f"hold numbers of '{table.cursor}' below the highest (law X2); waited {wait_seconds} s.",
            "Run again when they have ended, or raise ETL_LOCK_TIMEOUT_SECONDS.",
        )


def local_text(instant: datetime, zone: str) -> str:
    """An instant in UTC (without zone) as cursor text in ``zone``."""
    return cursor_text(_local(instant, zone))


def _least_local(instant: datetime, zone: str) -> datetime:
    whole_minute = instant.replace(second=0, microsecond=0)
    later = (whole_minute + timedelta(minutes=m) for m in range(1, _LONGEST_FOLD_MINUTES + 1))
    return min(_local(instant, zone), *(_local(moment, zone) for moment in later))


def _local(instant: datetime, zone: str) -> datetime:
    return instant.replace(tzinfo=ZoneInfo("UTC")).astimezone(ZoneInfo(zone)).replace(tzinfo=None)
