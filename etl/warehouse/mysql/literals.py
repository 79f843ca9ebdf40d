"""Values as SQL: what the driver's parameters would be, exact for every type (law P1)."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, time
from decimal import Decimal
from enum import Enum
from typing import Any
from uuid import UUID

from etl.errors import ContractError

# Backslashes escape in all sessions of the warehouse, see ``SQL_MODE``.
_ESCAPES = str.maketrans({"\\": "\\\\", "'": "\\'", "\0": "\\0", "\n": "\\n", "\r": "\\r", "\x1a": "\\Z"})

# Hyphens may stand behind any four digits.
_UUID = re.compile(r"(?:[0-9a-f]{4}-?){7}[0-9a-f]{4}", re.IGNORECASE)


def text_literal(text: str) -> str:
    """A text in single quotes."""
    return f"'{text.translate(_ESCAPES)}'"


def json_member(document: str, name: str, quoted: Callable[[str], str] = text_literal) -> str:
    """SQL of a member of a document, as JSON.

    MariaDB has no path to a name that begins with a minus sign: its place among the names is looked for.

    Args:
        quoted: How a text is written.
    """
    if not name.startswith("-"):
        return f"json_extract({document}, {quoted(f'$.{json.dumps(name, ensure_ascii=False)}')})"
    sought = quoted(re.sub(r"([\\%_])", r"\\\1", name))
    place = f"json_unquote(json_search(json_keys({document}), 'one', {sought}))"
    return f"json_extract(json_extract({document}, '$.*'), {place})"


def uuid_text(text: str) -> str:
    """A UUID, as PostgreSQL reads them, in the form in which columns keep it.

    Raises:
        ValueError: It is none.
    """
    inner = text[1:-1] if text.startswith("{") and text.endswith("}") else text
    if not _UUID.fullmatch(inner):
        raise ValueError("is no UUID")
    return str(UUID(inner))


def literal(value: Any) -> str:
    """A value as SQL; lists and mappings as documents, instants as UTC without a zone.

    Raises:
        ContractError: A number that the server does not have.
        TypeError: No type of the warehouse.
    """
    write = _WRITERS.get(type(value)) or next(
        (writer for kind, writer in _WRITERS.items() if isinstance(value, kind)), None
    )
    if write is not None:
        return write(value)
    if isinstance(value, (Mapping, list, tuple)):
        return text_literal(document(value))
    raise TypeError(f"A {type(value).__name__} is no value for the warehouse.")


def document(value: Any) -> str:
    """A document or an array as text: short, with instants as ISO 8601 in UTC.

    Raises:
        ContractError: A number that JSON does not have.
    """
    try:
        return json.dumps(value, ensure_ascii=False, allow_nan=False, default=_within_document)
    except ValueError:
        raise _no_number() from None


def _within_document(value: Any) -> Any:
    if isinstance(value, datetime):
        return _utc(value).isoformat(timespec="microseconds") + "+00:00"
    if isinstance(value, (date, time)):
        return value.isoformat()
    if isinstance(value, (Decimal, UUID)):
        return str(value)
    if isinstance(value, Mapping):
        return dict(value)
    raise TypeError(f"A {type(value).__name__} is no value for a document.")


def _of_float(value: float) -> str:
    if not math.isfinite(value):
        raise _no_number()
    text = repr(float(value))
    # Without an exponent it would be a decimal.
    return text if "e" in text else f"{text}e0"


def _of_decimal(value: Decimal) -> str:
    if not value.is_finite():
        raise _no_number()
    return format(value, "f")


def _of_instant(value: datetime) -> str:
    return f"timestamp '{_utc(value).isoformat(' ', 'microseconds')}'"


def _utc(value: datetime) -> datetime:
    return value.astimezone(UTC).replace(tzinfo=None) if value.tzinfo else value


def _no_number() -> ContractError:
    return ContractError(
        "A value is infinite or not a number, which MySQL cannot hold.",
        "Let the source give NULL or another value, or declare the column as text.",
    )


# A datetime is a date, and a bool an int: the first that fits counts.
_WRITERS: dict[type, Callable[[Any], str]] = {
    type(None): lambda value: "null",
    str: text_literal,
    Enum: lambda value: literal(value.value),
    bool: lambda value: "1" if value else "0",
    int: lambda value: str(int(value)),
    float: _of_float,
    Decimal: _of_decimal,
    datetime: _of_instant,
    date: lambda value: f"date '{value.isoformat()}'",
    time: lambda value: f"time '{value.isoformat('microseconds')}'",
    bytes: lambda value: f"x'{value.hex()}'",
    bytearray: lambda value: f"x'{value.hex()}'",
    memoryview: lambda value: f"x'{value.hex()}'",
    UUID: lambda value: text_literal(str(value)),
}
