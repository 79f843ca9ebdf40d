"""JSON with numbers as they were written: no digit is lost on the way (law F2)."""

from __future__ import annotations

import json
from typing import Any, NoReturn

from etl.sources.nested_values import is_listed, item_of


class Number(str):
    """A number of a body, digit for digit."""

    __slots__ = ()


def parse(body: bytes) -> Any:
    """The value of a body.

    Raises:
        ValueError: It is no JSON; says why.
    """
    try:
        return json.loads(body, parse_int=Number, parse_float=Number, parse_constant=_refuse)
    except RecursionError:
        raise ValueError("it is nested too deeply") from None


def text_of(value: Any) -> str:
    """A value as JSON text.

    Raises:
        ValueError: It is nested too deeply.
    """
    try:
        return _written(value)
    except RecursionError:
        raise ValueError("is nested too deeply") from None


def at_path(value: Any, keys: tuple[str, ...]) -> Any:
    """What lies at keys within nested objects, a number counting the items of a list; None where nothing is.

    Raises:
        ValueError: A key is asked of a value that is neither object nor list; says what it is.
    """
    for key in keys:
        if not (value is None or isinstance(value, dict) or is_listed(value, key)):
            raise ValueError(f"holds {kind_of(value)} where an object with {key!r} is declared")
        value = item_of(value, key)
    return value


def kind_of(value: Any) -> str:
    """What a value is, in words."""
    kinds = {dict: "an object", list: "a list", str: "a text", Number: "a number", bool: "a boolean"}
    return kinds.get(type(value), "null")


def _written(value: Any) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join([f"{_quoted(name)}: {_written(item)}" for name, item in value.items()]) + "}"
    if isinstance(value, list):
        return "[" + ", ".join([_written(item) for item in value]) + "]"
    return str(value) if isinstance(value, Number) else _quoted(value)


def _quoted(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is no number of JSON")
