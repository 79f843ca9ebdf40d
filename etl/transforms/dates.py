"""Dates and instants out of text in declared forms."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from etl.catalog import Column, StandardizeDate
from etl.catalog.date_forms import pieces_of
from etl.transforms.calendar import DAY_NAMES, MONTH_NAMES
from etl.transforms.frames import text_of, with_column, with_faults
from etl.transforms.types import convert

Numbers = npt.NDArray[np.int64]
Moments = npt.NDArray[np.datetime64]
Flags = npt.NDArray[np.bool_]

_ONE_OR_TWO = "[0-9]{1,2}"
_FIELDS = {
    "Y": "[0-9]{4}",
    "y": "[0-9]{2}",
    **dict.fromkeys("mdHIMS", _ONE_OR_TWO),
    "f": "[0-9]{1,6}",
    "p": r"[ap]\.?m\.?",
    "z": "Z|[+-](?:0[0-9]|1[0-5])(?::?[0-5][0-9])?",
}
_SECOND, _DAY = 1_000_000, timedelta(days=1)


def standardize_date(
    frame: pd.DataFrame, step: StandardizeDate, columns: Mapping[str, Column]
) -> pd.DataFrame:
    """Write the date or instant that the text means into ``into``; NULL stays NULL.

    The first form counts that the text has and that gives a possible date. A text that has none, or one
    that has but names no day of the calendar, is refused. A time without offset is one of the declared
    zone; what comes twice or not at all when clocks change is read as declared, or refused.
    """
    texts = pc.utf8_trim_whitespace(text_of(frame, step.column, step.step))
    moments, has_offset, faults = _read(texts, step)
    if step.time_zone is not None and columns[step.into].type == "timestamp":
        local = np.flatnonzero(~has_offset & ~np.isnat(moments))
        offsets, refused = _offsets(moments[local], step)
        moments[local] -= offsets.astype("m8[us]")
        faults[local[refused]] = _clock_fault(step)
        moments[local[refused]] = np.datetime64("NaT")
    kind = pa.timestamp("us") if columns[step.into].type == "timestamp" else pa.date32()
    written = convert(pa.array(moments).cast(kind), columns[step.into].type, step.into)
    frame = with_column(frame, step.into, written.values)
    frame = with_faults(frame, step.column, pa.array(faults, pa.string()))
    return with_faults(frame, step.column, written.faults)


def _read(texts: pa.Array, step: StandardizeDate) -> tuple[Moments, Flags, npt.NDArray[np.object_]]:
    """Moments as the clock showed them, whether they are in UTC already, and why some could not be read."""
    moments = np.full(len(texts), np.datetime64("NaT"), "M8[us]")
    has_offset = np.zeros(len(texts), np.bool_)
    first_form = np.full(len(texts), -1)
    unread = np.flatnonzero(pc.is_valid(texts))
    for number, form in enumerate(step.formats):
        found = pc.extract_regex(texts.take(pa.array(unread)), _pattern(form))
        has_form = np.asarray(pc.is_valid(found))
        fields = {field.name: pc.struct_field(found, field.name).filter(has_form) for field in found.type}
        read, is_possible = _moments(fields, step.two_digit_years_from or 0)
        rows, good = unread[has_form], unread[has_form][is_possible]
        moments[good], has_offset[good] = read[is_possible], "z" in fields
        first_form[rows[first_form[rows] < 0]] = number
        unread = np.setdiff1d(unread, good, assume_unique=True)
    # A text without a form has -1, which is the last of the reasons.
    reasons = [f"has the form {form}, but is no possible date" for form in step.formats]
    reasons.append(f"has none of the forms {', '.join(step.formats)}")
    faults = np.full(len(texts), None, object)
    faults[unread] = np.array(reasons, object)[first_form[unread]]
    return moments, has_offset, faults


@lru_cache(maxsize=256)
def _pattern(form: str) -> str:
    pieces = pieces_of(form)
    pattern = ""
    for place, (directive, text) in enumerate(pieces):
        if text:
            pattern += r"\s+".join(re.escape(word) for word in re.split(r"\s+", text))
        elif directive == "%":
            pattern += "%"
        elif directive in "aA":
            pattern += f"(?:{_any_of(DAY_NAMES)})"
        else:
            field = _any_of(MONTH_NAMES) if directive in "bB" else _FIELDS[directive]
            followers = pieces[place + 1 : place + 2] + pieces[max(place - 1, 0) : place]
            touches = any(follower in "YymdHIMSf" for follower, other in followers if not other)
            is_fixed = touches and field == _ONE_OR_TWO
            pattern += f"(?P<{directive}>{'[0-9]{2}' if is_fixed else field})"
    return f"(?i)^{pattern}$"


def _any_of(names: tuple[str, ...]) -> str:
    return "|".join([*names, *(name[:3] for name in names)])


def _moments(fields: dict[str, pa.Array], century: int) -> tuple[Moments, Flags]:
    """The moments that the fields name, and which of them are possible."""
    numbers = {name: _number(values) for name, values in fields.items() if name in "YymdHIMS"}
    if "Y" not in numbers:
        numbers["Y"] = century + (numbers["y"] - century) % 100
    if "m" not in numbers:
        numbers["m"] = _month(fields["b"] if "b" in fields else fields["B"])
    days, is_day = _days(numbers["Y"], numbers["m"], numbers["d"])
    seconds, is_time = _seconds(numbers, fields)
    micros = seconds * _SECOND
    if "f" in fields:
        micros = micros + _number(pc.utf8_rpad(fields["f"], 6, "0"))
    moments: Moments = np.add(days.astype("M8[us]"), micros.astype("m8[us]"))
    return moments, is_day & is_time


def _days(year: Numbers, month: Numbers, day: Numbers) -> tuple[Moments, Flags]:
    months = ((year - 1970) * 12 + month - 1).astype("M8[M]")
    days: Moments = np.add(months.astype("M8[D]"), day - 1)
    is_month = (year >= 1) & (month >= 1) & (month <= 12)
    return days, is_month & (day >= 1) & (days.astype("M8[M]") == months)


def _seconds(numbers: dict[str, Numbers], fields: dict[str, pa.Array]) -> tuple[Numbers, Flags]:
    """Seconds of the day, in UTC where the text says its offset, and which are possible."""
    zero = np.zeros(len(numbers["d"]), np.int64)
    hour, minute, second = (numbers.get(name, zero) for name in "HMS")
    is_hour = hour < 24
    if "I" in numbers:
        is_hour = (numbers["I"] >= 1) & (numbers["I"] <= 12)
        hour = numbers["I"] % 12 + 12 * _is_afternoon(fields["p"])
    offset = _offset(fields["z"]) if "z" in fields else zero
    return hour * 3600 + minute * 60 + second - offset, is_hour & (minute < 60) & (second < 60)


def _number(digits: pa.Array) -> Numbers:
    return np.asarray(digits.cast(pa.int64()))


def _month(names: pa.Array) -> Numbers:
    short = pa.array([name[:3].lower() for name in MONTH_NAMES])
    places = pc.index_in(pc.utf8_lower(pc.utf8_slice_codeunits(names, 0, 3)), short)
    return _number(pc.add(places, 1))


def _is_afternoon(texts: pa.Array) -> Numbers:
    return np.asarray(pc.starts_with(pc.utf8_lower(texts), "p").cast(pa.int64()))


def _offset(texts: pa.Array) -> Numbers:
    """Seconds east of Greenwich."""
    digits = pc.utf8_rpad(pc.replace_substring_regex(texts, "[^0-9]", ""), 4, "0")
    hours, minutes = (_number(pc.utf8_slice_codeunits(digits, place, place + 2)) for place in (0, 2))
    east: Numbers = hours * 3600 + minutes * 60
    return np.where(np.asarray(pc.starts_with(texts, "-")), -east, east)


def _offsets(local: Moments, step: StandardizeDate) -> tuple[Numbers, Flags]:
    """Microseconds east of Greenwich per moment of a zone's clocks, and which are refused.

    Most days have one offset; only the moments of the others are looked at one by one.
    """
    zone = ZoneInfo(step.time_zone or "UTC")
    days, day_of = np.unique(local.astype("M8[D]"), return_inverse=True)
    ends = [_offsets_of_day(day, zone) for day in days.tolist()]
    offsets = np.array([start for start, _ in ends], np.int64)[day_of]
    refused = np.zeros(len(local), np.bool_)
    for place in np.flatnonzero(np.array([start != end for start, end in ends], np.bool_)[day_of]):
        offset = _offset_at(local[place].item(), zone, step)
        refused[place] = offset is None
        offsets[place] = offset or 0
    return offsets, refused


def _offsets_of_day(day: date, zone: ZoneInfo) -> tuple[int, int]:
    start = datetime.combine(day, time(), zone)
    end = start + _DAY if day < date.max else start
    return _micros(start), _micros(end)


def _offset_at(moment: datetime, zone: ZoneInfo, step: StandardizeDate) -> int | None:
    """By PEP 495: of a repeated time the first has the larger offset, of a skipped one the smaller."""
    first, second = (_micros(moment.replace(tzinfo=zone, fold=fold)) for fold in (0, 1))
    if first == second:
        return first
    if first < second:
        return first if step.skipped == "forward" else None
    return {"earlier": first, "later": second}.get(step.repeated)


def _micros(moment: datetime) -> int:
    return (moment.utcoffset() or timedelta()) // timedelta(microseconds=1)


def _clock_fault(step: StandardizeDate) -> str:
    return f"is a time that comes twice or not at all in {step.time_zone}, where clocks change"
