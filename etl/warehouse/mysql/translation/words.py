"""Texts in quotes as the values that they become in PostgreSQL beside others: ``quantity = ' 7 '``."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any

from etl.warehouse.mysql.literals import literal, text_literal, uuid_text
from etl.warehouse.mysql.translation.kinds import Kind
from etl.warehouse.mysql.zones import utc_text

_WHOLE = re.compile(r"\s*[+-]?[0-9]+\s*")
_NUMBER = re.compile(r"\s*[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)(e[+-]?[0-9]+)?\s*", re.IGNORECASE)
_DAY = re.compile(r"[0-9]{4}(-?)[0-9]{2}\1[0-9]{2}")
_TIME = re.compile(r"[0-9]{2}:[0-9]{2}(:[0-9]{2}(\.[0-9]{1,6})?)?")


def word_as(kind: Kind | None, text: str) -> str:
    """SQL of the value; a text for what has no literals of its own.

    Raises:
        ValueError: It is no such value, or one that PostgreSQL alone reads.
    """
    return _WRITERS.get(kind, text_literal)(text)


def _boolean(text: str) -> str:
    if text.lower() not in ("true", "false"):
        raise ValueError("is neither 'true' nor 'false'")
    return text.lower()


def _whole(text: str) -> str:
    if not _WHOLE.fullmatch(text):
        raise ValueError("is no whole number")
    return str(int(text))


def _exact(text: str) -> str:
    if not _NUMBER.fullmatch(text):
        raise ValueError("is no number")
    return format(Decimal(text.strip()), "f")


def _float(text: str) -> str:
    if not _NUMBER.fullmatch(text) or abs(float(text)) == float("inf"):
        raise ValueError("is no number")
    return literal(float(text))


def _day(text: str) -> str:
    if not _DAY.fullmatch(text):
        raise ValueError("is no day as ISO 8601 has it")
    return literal(_read(date.fromisoformat, text, "day"))


def _time(text: str) -> str:
    if not _TIME.fullmatch(text):
        raise ValueError("is no time as ISO 8601 has it")
    return literal(_read(time.fromisoformat, text, "time"))


def _instant(text: str) -> str:
    _read(datetime.fromisoformat, text, "instant")
    return f"timestamp '{utc_text(text)}'"


def _local(text: str) -> str:
    if _read(datetime.fromisoformat, text, "instant").tzinfo:
        raise ValueError("has a time zone, which a timestamp without one forgets")
    return _instant(text)


def _read(read: Callable[[str], Any], text: str, what: str) -> Any:
    try:
        return read(text)
    except ValueError:
        raise ValueError(f"is no {what} as ISO 8601 has it") from None


_WRITERS: dict[Kind | None, Callable[[str], str]] = {
    "boolean": _boolean,
    "integer": _whole,
    "bigint": _whole,
    "exact": _exact,
    "numeric": _exact,
    "float": _float,
    "date": _day,
    "time": _time,
    "instant": _instant,
    "local": _local,
    "uuid": lambda text: text_literal(uuid_text(text)),
}
