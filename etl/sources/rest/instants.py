"""Instants: those of records as cursor texts, and the ends of windows in the forms that APIs take."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Literal
from zoneinfo import ZoneInfo

from etl.windows import cursor_text, instant_of

Form = Literal["iso", "epoch_seconds", "epoch_milliseconds"]
BoundForm = Literal["iso", "date", "epoch_seconds", "epoch_milliseconds", "text"]

# What preparation takes for an instant, so that a row has a cursor exactly when it can be staged.
_ISO = re.compile(
    r"(\d{4}-\d{2}-\d{2})(?:[ T](\d{2}:\d{2}(?::\d{2}(?:\.\d{1,6}0*)?)?) ?(Z|[+-]\d{2}(?::?\d{2})?)?)?",
    re.ASCII,
)
_NUMBER = re.compile(r"[+-]?\d{1,18}(?:\.\d{1,9})?(?:[eE][+-]?\d{1,2})?", re.ASCII)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
# Digits of a microsecond behind the point.
_DIGITS = {"epoch_seconds": 6, "epoch_milliseconds": 3}


def instant(text: str, form: Form, zone: str) -> datetime | None:
    """The instant, in UTC, that a record's text means; None where it means none.

    Args:
        text: As the record has it.
        form: How this API writes instants.
        zone: Time zone of texts that carry none; of an hour that comes twice, the first is meant.
    """
    try:
        found = _of_iso(text, zone) if form == "iso" else _of_epoch(text, _DIGITS[form])
    except (ValueError, OverflowError):
        return None
    return found


def landed_instant(text: str, form: Form, zone: str) -> str:
    """What lands for a value of a column declared ``timestamp``: its own text where that says it all."""
    if form == "iso" and zone == "UTC":
        return text
    found = instant(text, form, zone)
    return text if found is None else f"{cursor_text(found)}Z"


def cursor_of(landed: str) -> str | None:
    """The cursor text of a landed instant or date, whose midnight is meant; None where it is neither."""
    found = instant(landed, "iso", "UTC")
    return None if found is None else cursor_text(found)


def low_bound(text: str, form: BoundForm, zones: tuple[str, str], is_exclusive: bool) -> str:
    """The lower end of a window as an API takes it: never above the end, so that no row is left out.

    Args:
        text: The end, as cursor text.
        form: What the API takes.
        zones: Time zone of the cursor text, and that of the dates of the API.
        is_exclusive: The API leaves out what equals its lower end.
    """
    step = timedelta(days=1) if form == "date" else timedelta(seconds=1)
    moment = instant_of(text, zones[0])
    return _FORMS[form](moment - step if is_exclusive else moment, zones[1])


def high_bound(text: str, form: BoundForm, zones: tuple[str, str]) -> str:
    """The upper end of a window as an API takes it: never below the end."""
    moment = instant_of(text, zones[0])
    if form == "date":
        return _FORMS[form](moment - _MICROSECOND + timedelta(days=1), zones[1])
    if form.startswith("epoch"):
        moment += _MICROSECOND * (-((moment - _EPOCH) // _MICROSECOND) % 10 ** _DIGITS[form])
    return _FORMS[form](moment, zones[1])


def _of_iso(text: str, zone: str) -> datetime | None:
    found = _ISO.fullmatch(text.strip())
    if found is None:
        return None
    day, clock, offset = found.groups()
    moment = datetime.fromisoformat(f"{day}T{clock or '00:00'}{offset or ''}")
    return (moment if moment.tzinfo else moment.replace(tzinfo=ZoneInfo(zone))).astimezone(UTC)


def _of_epoch(text: str, digits: int) -> datetime | None:
    if not _NUMBER.fullmatch(text.strip()):
        return None
    microseconds = Decimal(text.strip()).scaleb(digits)
    is_whole = microseconds == microseconds.to_integral_value()
    return _EPOCH + timedelta(microseconds=int(microseconds)) if is_whole else None


def _iso(moment: datetime, zone: str) -> str:
    return moment.isoformat(timespec="microseconds" if moment.microsecond else "seconds").replace(
        "+00:00", "Z"
    )


def _date(moment: datetime, zone: str) -> str:
    return moment.astimezone(ZoneInfo(zone)).date().isoformat()


_FORMS: dict[BoundForm, Callable[[datetime, str], str]] = {
    "iso": _iso,
    "date": _date,
    "epoch_seconds": lambda moment, zone: str((moment - _EPOCH) // timedelta(seconds=1)),
    "epoch_milliseconds": lambda moment, zone: str((moment - _EPOCH) // timedelta(milliseconds=1)),
    "text": lambda moment, zone: cursor_text(moment.astimezone(ZoneInfo(zone))),
}
