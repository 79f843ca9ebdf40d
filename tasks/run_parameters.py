"""What a run was asked for, as its record and its receipt show it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date
from math import isfinite
from typing import Any

from pydantic import BaseModel

HIDDEN = "***"
LONGEST_TEXT, MOST_VALUES = 500, 100

_SECRET_NAME = re.compile(r"passw|passphrase|secret|token|credential|api_?key|private_?key", re.IGNORECASE)
# Keys of rows: a number or a time names no person, a text may (law P2).
_KEYS_NAME, _NUMBER = re.compile(r"keys?", re.IGNORECASE), re.compile(r"[-+:., \dTZ]*")
_USER_INFO = re.compile(r"(?<=://)[^/@\s]*@")


def recorded(parameters: Mapping[str, Any]) -> dict[str, Any]:
    """The parameters of a flow as JSON can hold them, short and without secrets (law P2).

    Values under names that speak of a secret, pydantic's secrets, and what stands before the @ of a URL
    are hidden, and so are keys of rows that are texts; long texts and long lists are cut, and say so.
    """
    return {_text(name): _recorded(name, value) for name, value in parameters.items()}


def _recorded(name: str, value: Any) -> Any:
    if value is None:
        return None
    if _SECRET_NAME.search(name):
        return HIDDEN
    if isinstance(value, bool | int) or (isinstance(value, float) and isfinite(value)):
        return value
    if isinstance(value, BaseModel):
        value = value.model_dump()
    if isinstance(value, Mapping):
        return {_text(str(key)): _recorded(str(key), each) for key, each in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return _shortened([_recorded(name, each) for each in value])
    text = _text(value.isoformat() if isinstance(value, date) else str(value))
    return HIDDEN if _KEYS_NAME.fullmatch(name) and not _NUMBER.fullmatch(text) else text


def _shortened(values: list[Any]) -> list[Any]:
    more = len(values) - MOST_VALUES
    return [*values[:MOST_VALUES], f"… and {more} more"] if more > 0 else values


def _text(text: str) -> str:
    # PostgreSQL keeps neither NUL nor half a surrogate pair in a text.
    storable = text.replace("\0", "\N{REPLACEMENT CHARACTER}").encode("utf-8", "replace").decode()
    shown = _USER_INFO.sub(f"{HIDDEN}@", storable)
    return shown if len(shown) <= LONGEST_TEXT else f"{shown[:LONGEST_TEXT]}…"
