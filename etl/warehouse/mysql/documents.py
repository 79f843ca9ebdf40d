"""JSON documents in the one form that PostgreSQL's ``jsonb`` writes.

MariaDB keeps and compares documents as texts: equal ones must have the same (law S5).
"""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pyarrow as pa

from etl.warehouse.statements import in_order_of_members


class _Number(str):
    """A number with a fraction or an exponent, by its digits."""


def canonical_documents(values: pa.Array) -> pa.Array:
    """Documents, each as :func:`canonical` writes it."""
    return pa.array([None if text is None else canonical(text) for text in values.to_pylist()], values.type)


def canonical(text: str) -> str:
    """A document without needless space, its members in one order, its numbers without an exponent.

    What is no document stays as it is; the server refuses it.
    """
    numbers: list[str] = []

    def number(digits: str) -> _Number:
        numbers.append(digits)
        return _Number(_written(digits))

    try:
        value = json.loads(text, parse_float=number, object_pairs_hook=_in_order)
        return _text(value) if numbers else json.dumps(value, ensure_ascii=False)
    except (ValueError, ArithmeticError, RecursionError):
        return text


def _in_order(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Of members that are called alike, the last one counts."""
    members = dict(pairs)
    return {name: members[name] for name in in_order_of_members(members)}


def _written(digits: str) -> str:
    number = Decimal(digits)
    return format(number if number else abs(number), "f")


def _text(value: Any) -> str:
    if isinstance(value, _Number):
        return str(value)
    if isinstance(value, list):
        return f"[{', '.join(map(_text, value))}]"
    if isinstance(value, dict):
        members = (f"{_text(name)}: {_text(member)}" for name, member in value.items())
        return f"{{{', '.join(members)}}}"
    return json.dumps(value, ensure_ascii=False)
