"""Windows are half-open, in the source's own time and at full precision (laws X2, X3, X4, X7)."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from etl.errors import ConfigError
from etl.windows import BusinessDay, Window, business_day, cursor_text, instant_of, plan_window, precedes

DAY = BusinessDay(date(2026, 3, 10), "2026-03-10 00:00:00.000000", "2026-03-11 00:00:00.000000")
BEFORE_THE_DAY = "2026-03-09 13:00:00.000000"
IN_THE_DAY = "2026-03-10 13:00:00.000000"
AFTER_THE_DAY = "2026-03-12 13:00:00.000000"


@pytest.mark.parametrize(
    ("watermark", "safe_high", "day", "expected"),
    [
        pytest.param(None, None, None, Window(None, None), id="first-run-of-a-table-without-cursor"),
        pytest.param(None, AFTER_THE_DAY, None, Window(None, AFTER_THE_DAY), id="first-run"),
        pytest.param(
            BEFORE_THE_DAY, AFTER_THE_DAY, None, Window(BEFORE_THE_DAY, AFTER_THE_DAY), id="next-run"
        ),
        pytest.param(
            None, AFTER_THE_DAY, DAY, Window(None, DAY.high), id="first-run-reads-what-came-before-the-day"
        ),
        pytest.param(
            BEFORE_THE_DAY, AFTER_THE_DAY, DAY, Window(BEFORE_THE_DAY, DAY.high), id="no-gap-before-the-day"
        ),
        pytest.param(
            DAY.high, AFTER_THE_DAY, DAY, Window(DAY.low, DAY.high), id="the-day-again-is-read-whole"
        ),
        pytest.param(AFTER_THE_DAY, AFTER_THE_DAY, DAY, Window(DAY.low, DAY.high), id="backfill"),
        pytest.param(
            BEFORE_THE_DAY,
            IN_THE_DAY,
            DAY,
            Window(BEFORE_THE_DAY, IN_THE_DAY),
            id="open-transaction-in-the-day",
        ),
    ],
)
def test_what_a_run_reads(
    watermark: str | None, safe_high: str | None, day: BusinessDay | None, expected: Window
) -> None:
    assert plan_window(watermark, safe_high, day) == expected


@pytest.mark.parametrize(
    ("day", "zone", "low", "high"),
    [
        pytest.param(
            date(2026, 3, 10), "UTC", "2026-03-10 00:00:00.000000", "2026-03-11 00:00:00.000000", id="utc"
        ),
        pytest.param(
            date(2026, 3, 8),
            "America/New_York",
            "2026-03-08 05:00:00.000000",
            "2026-03-09 04:00:00.000000",
            id="23-hours",
        ),
        pytest.param(
            date(2026, 11, 1),
            "America/New_York",
            "2026-11-01 04:00:00.000000",
            "2026-11-02 05:00:00.000000",
            id="25-hours",
        ),
    ],
)
def test_a_business_day_in_the_clock_of_the_source(day: date, zone: str, low: str, high: str) -> None:
    assert business_day(day, zone, "UTC") == BusinessDay(day, low, high)


@given(
    st.dates(date(1990, 1, 1), date(2090, 1, 1)), st.sampled_from(["UTC", "Europe/Berlin", "Asia/Kathmandu"])
)
def test_days_follow_each_other_without_gap(day: date, zone: str) -> None:
    assert business_day(day, zone, "UTC").high == business_day(day + timedelta(days=1), zone, "UTC").low


@pytest.mark.parametrize("day", [date.min, date.max], ids=str)
def test_the_edges_of_the_calendar_are_no_business_dates(day: date) -> None:
    with pytest.raises(ConfigError, match="is no business date"):
        business_day(day, "Europe/Berlin", "UTC")


@given(st.datetimes(), st.datetimes())
def test_text_of_instants_sorts_as_the_instants_do(left: datetime, right: datetime) -> None:
    assert precedes(cursor_text(left), cursor_text(right)) == (left < right)


@given(st.integers(), st.integers())
def test_text_of_integers_compares_by_value(left: int, right: int) -> None:
    assert precedes(cursor_text(left), cursor_text(right)) == (left < right)


@given(st.datetimes(timezones=st.just(UTC)))
def test_an_instant_survives_its_text(instant: datetime) -> None:
    assert instant_of(cursor_text(instant), "UTC") == instant


def test_text_of_an_instant_is_in_its_own_zone() -> None:
    plus_two = timezone(timedelta(hours=2))
    assert cursor_text(datetime(2026, 3, 10, 1, 2, 3, 4, tzinfo=plus_two)) == "2026-03-10 01:02:03.000004"


@pytest.mark.parametrize(
    ("window", "empty"),
    [
        (Window(None, None), False),
        (Window("5", None), False),
        (Window("5", "5"), True),
        (Window("9", "10"), False),
        (Window("10", "9"), True),
        (Window(IN_THE_DAY, IN_THE_DAY), True),
    ],
)
def test_empty_windows(window: Window, empty: bool) -> None:
    assert window.is_empty is empty


def test_a_window_reads_well() -> None:
    assert str(Window(None, "7")) == "[-∞, 7)"
