"""The arithmetic of safe bounds (law X2)."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from etl.errors import ConfigError
from etl.sources.clocks import SourceClock, high_text, local_text, safe_instant
from etl.sources.metadata import Family, SourceColumn
from tests.sources.shops import declare

NOON = datetime(2024, 7, 1, 12)
TABLE = declare({"id": "integer", "moved": "timestamp"}, cursor="moved")


def _cursor(family: Family, digits: int | None = 6) -> SourceColumn:
    return SourceColumn("moved", family, family, family, digits)


def test_the_oldest_transaction_or_the_clock_less_the_lag() -> None:
    earlier = NOON - timedelta(minutes=5)
    lagging = declare({"id": "integer", "moved": "timestamp"}, cursor="moved", lag_seconds=60)
    assert safe_instant(TABLE, SourceClock(NOON, None, True), "") == NOON
    assert safe_instant(TABLE, SourceClock(NOON, earlier, True), "") == earlier
    assert safe_instant(TABLE, SourceClock(NOON, NOON + timedelta(hours=1), True), "") == NOON
    assert safe_instant(lagging, SourceClock(NOON, earlier, True), "") == earlier - timedelta(seconds=60)


def test_what_cannot_be_seen_needs_a_lag_even_of_zero() -> None:
    blind = SourceClock(NOON, None, sees_sessions=False)
    with pytest.raises(ConfigError, match="lag_seconds"):
        safe_instant(TABLE, blind, "Grant it")
    risky = declare({"id": "integer", "moved": "timestamp"}, cursor="moved", lag_seconds=0)
    assert safe_instant(risky, blind, "") == NOON


@pytest.mark.parametrize(
    ("cursor", "expected"),
    [
        (_cursor("timestamp", 6), "2024-07-01 14:34:56.789012"),
        (_cursor("timestamp", 3), "2024-07-01 14:34:56.789000"),
        (_cursor("timestamp", 0), "2024-07-01 14:34:56.000000"),
        (_cursor("timestamp", None), "2024-07-01 14:34:56.000000"),
        (_cursor("timestamptz", 6), "2024-07-01 12:34:56.789012"),
        (_cursor("date", None), "2024-07-01 00:00:00.000000"),
    ],
)
def test_the_bound_is_on_the_grid_and_in_the_zone_of_the_column(cursor: SourceColumn, expected: str) -> None:
    assert high_text(datetime(2024, 7, 1, 12, 34, 56, 789012), cursor, "Europe/Berlin") == expected


@given(
    at=st.datetimes(datetime(2024, 10, 26), datetime(2024, 10, 28)),
    later=st.timedeltas(timedelta(0), timedelta(hours=30)),
    digits=st.sampled_from([0, 3, 6]),
)
def test_no_later_instant_has_a_local_time_below_the_bound(
    at: datetime, later: timedelta, digits: int
) -> None:
    """Also where clocks are set back, and an hour of local times comes twice."""
    assert high_text(at, _cursor("timestamp", digits), "Europe/Berlin") <= local_text(
        at + later, "Europe/Berlin"
    )


def test_the_bound_moves_on_when_the_hour_that_comes_twice_is_over() -> None:
    before, within, after = (datetime(2024, 10, 27, hour, 30) for hour in (0, 1, 2))
    texts = [high_text(at, _cursor("timestamp"), "Europe/Berlin")[11:16] for at in (before, within, after)]
    assert texts == ["02:00", "02:30", "03:30"]
