"""The calendar that ``dim_date`` is filled with (law F7)."""

from __future__ import annotations

from datetime import date, timedelta
from functools import lru_cache
from typing import Any

import holidays
import pyarrow as pa

from etl.errors import ConfigError

# English whatever the locale of the machine, so that two machines fill the same table.
DAY_NAMES = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
MONTH_NAMES = (
    "January", "February", "March", "April", "May", "June",
    "July", "August", "September", "October", "November", "December",
)  # fmt: skip

CALENDAR_SCHEMA = pa.schema(
    {
        "date_key": pa.int32(),
        "full_date": pa.date32(),
        "day_of_week": pa.int16(),
        "day_name": pa.string(),
        "day_of_month": pa.int16(),
        "day_of_year": pa.int16(),
        "week_of_year": pa.int16(),
        "iso_year": pa.int16(),
        "month_number": pa.int16(),
        "month_name": pa.string(),
        "quarter": pa.int16(),
        "year": pa.int16(),
        "is_weekend": pa.bool_(),
        "is_holiday": pa.bool_(),
        "holiday_name": pa.string(),
        "fiscal_year": pa.int16(),
        "fiscal_quarter": pa.int16(),
    }
)


@lru_cache(maxsize=4)
def calendar(first: date, last: date, fiscal_year_start_month: int, holiday_country: str) -> pa.Table:
    """One row per day from ``first`` to ``last``, both included.

    Grain: one row per calendar day; ``date_key`` is yyyymmdd.
    Units: ``day_of_week`` 1 (Monday) to 7 and ``week_of_year`` with ``iso_year`` as in ISO 8601. The
    fiscal year bears the number of the calendar year in which it ends.

    Raises:
        ConfigError: The country has no calendar, the month is not 1 to 12, or the days are reversed.
    """
    if first > last or not 1 <= fiscal_year_start_month <= 12:
        raise ConfigError(
            f"No calendar from {first} to {last} with fiscal years from month {fiscal_year_start_month}.",
            "Give the earlier day first, and set ETL_FISCAL_YEAR_START_MONTH to 1 to 12.",
        )
    names = _holiday_names(first.year, last.year, holiday_country)
    days = (first + timedelta(days=n) for n in range((last - first).days + 1))
    return pa.Table.from_pylist(
        [_row(day, fiscal_year_start_month, names.get(day)) for day in days], schema=CALENDAR_SCHEMA
    )


def _row(day: date, fiscal_start: int, holiday: str | None) -> dict[str, Any]:
    iso_year, week, weekday = day.isocalendar()
    return {
        "date_key": day.year * 10_000 + day.month * 100 + day.day,
        "full_date": day,
        "day_of_week": weekday,
        "day_name": DAY_NAMES[weekday - 1],
        "day_of_month": day.day,
        "day_of_year": day.timetuple().tm_yday,
        "week_of_year": week,
        "iso_year": iso_year,
        "month_number": day.month,
        "month_name": MONTH_NAMES[day.month - 1],
        "quarter": (day.month - 1) // 3 + 1,
        "year": day.year,
        "is_weekend": weekday >= 6,
        "is_holiday": holiday is not None,
        "holiday_name": holiday,
        "fiscal_year": day.year + (fiscal_start > 1 and day.month >= fiscal_start),
        "fiscal_quarter": (day.month - fiscal_start) % 12 // 3 + 1,
    }


def _holiday_names(first_year: int, last_year: int, country: str) -> dict[date, str]:
    try:
        # A country without English names keeps its own: the library falls back by itself.
        found = holidays.country_holidays(country, years=range(first_year, last_year + 1), language="en_US")
    except NotImplementedError:  # how the library says that it has no such country
        raise ConfigError(
            f"There is no calendar of holidays for the country {country!r}.",
            "Set ETL_HOLIDAY_COUNTRY to an ISO 3166 code of two letters, such as US, DE or BR.",
        ) from None
    return dict(found.items())
