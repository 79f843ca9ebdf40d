"""JSON values as text: scalars in their own form, exact; what is nested as JSON."""

from __future__ import annotations

import json
from decimal import Decimal
from functools import reduce
from typing import Any

from etl.sources.nested_values import item_of

# Beyond, the digits of an exponent would be written out by the million.
_MOST_DIGITS = 1_000


def value_text(value: Any) -> str | None:
    """The text of a field's value; ``null`` is NULL."""
    match value:
        case None | str():
            return value
        case dict() | list() | tuple():
            return nested_text(value)
        case bool():
            return "true" if value else "false"
        case Decimal():
            return _number_text(value)
        case _:
            return str(value)


def nested_text(value: Any) -> str:
    """A value as JSON text; numbers with all their digits, which Python's own writer would round."""
    match value:
        case dict():
            return "{" + ", ".join(f"{_quoted(k)}: {nested_text(v)}" for k, v in value.items()) + "}"
        case list() | tuple():
            return "[" + ", ".join(map(nested_text, value)) + "]"
        case None:
            return "null"
        case bool() | int() | float() | Decimal():
            return value_text(value) or "null"
        case _:
            return _quoted(str(value))


def at_path(value: Any, path: tuple[str, ...]) -> Any:
    """What lies at keys within a value, a number counting the items of a list; None where nothing is."""
    return reduce(item_of, path, value)


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)


def _number_text(number: Decimal) -> str:
    exponent = number.as_tuple().exponent
    is_short = isinstance(exponent, int) and abs(exponent) <= _MOST_DIGITS
    return format(number, "f") if is_short else str(number)
