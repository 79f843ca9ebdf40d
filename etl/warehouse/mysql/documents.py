"""JSON documents in the one form that PostgreSQL's ``jsonb`` writes.

MariaDB keeps and compares documents as texts: equal ones must have the same (law S5).
"""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pyarrow as pa

from etl.warehouse.statements import in_order_of_members

# MariaDB reads 31 levels of a document, of which one is the payload of a row that is held back.
MOST_LEVELS = 30
# What PostgreSQL's numeric holds, before the point and behind it.
_MOST_DIGITS = 131_072
_MOST_DECIMALS = 16_383


class DocumentRefused(Exception):
    """A document that is JSON, but more than the warehouse can hold; says in which way."""


class _Number(str):
    """A number with a fraction or an exponent, by its digits."""


def canonical_documents(values: pa.Array) -> pa.Array:
    """Documents, each as :func:`canonical` writes it.

    Raises:
        DocumentRefused: The warehouse cannot hold one of them.
    """
    return pa.array([None if text is None else canonical(text) for text in values.to_pylist()], values.type)


def canonical(text: str) -> str:
    """A document without needless space, its members in one order, its numbers without an exponent.

    What is no document stays as it is; the server refuses it.

    Raises:
        DocumentRefused: The warehouse cannot hold it.
    """
    numbers: list[str] = []

    def number(digits: str) -> _Number:
        numbers.append(digits)
        return _Number(_written(digits))

    try:
        value = json.loads(text, parse_float=number, object_pairs_hook=_in_order)
    except RecursionError:
        raise _too_deep() from None
    except UnicodeEncodeError:  # in the name of a member
        raise _half_a_pair() from None
    except ValueError:
        return text
    # Most documents have too few brackets to be measured.
    if text.count("[") + text.count("{") > MOST_LEVELS:
        _require_levels(value)
    written = _text(value) if numbers else json.dumps(value, ensure_ascii=False)
    if "\\u" in text and not _is_unicode(written):
        raise _half_a_pair()
    return written


def _in_order(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Of members that are called alike, the last one counts."""
    members = dict(pairs)
    return {name: members[name] for name in in_order_of_members(members)}


def _written(digits: str) -> str:
    try:
        number = Decimal(digits)
    except ArithmeticError:  # an exponent that is no machine's
        raise _too_long() from None
    exponent = number.as_tuple().exponent
    if (number and number.adjusted() >= _MOST_DIGITS) or -int(exponent) > _MOST_DECIMALS:
        raise _too_long()
    return format(number if number else abs(number), "f")


def _too_long() -> DocumentRefused:
    return DocumentRefused(
        f"holds JSON with a number of more than {_MOST_DIGITS:,} digits before the point"
        f" or {_MOST_DECIMALS:,} behind it, the most that a number can have"
    )


def _require_levels(value: Any) -> None:
    """Level by level, as calls within calls would themselves be too deep."""
    level = [value]
    for _ in range(MOST_LEVELS):
        inner = (each.values() if isinstance(each, dict) else each for each in level if _nests(each))
        level = [member for members in inner for member in members]
    if any(map(_nests, level)):
        raise _too_deep()


def _nests(value: Any) -> bool:
    return isinstance(value, dict | list)


def _too_deep() -> DocumentRefused:
    return DocumentRefused(
        f"holds JSON of more than {MOST_LEVELS} levels, the most of a row that may be held back"
    )


def _half_a_pair() -> DocumentRefused:
    return DocumentRefused("holds JSON with one half of a surrogate pair, which is no character")


def _is_unicode(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _text(value: Any) -> str:
    if isinstance(value, _Number):
        return str(value)
    if isinstance(value, list):
        return f"[{', '.join(map(_text, value))}]"
    if isinstance(value, dict):
        members = (f"{_text(name)}: {_text(member)}" for name, member in value.items())
        return f"{{{', '.join(members)}}}"
    return json.dumps(value, ensure_ascii=False)
