"""A landed row as JSON text, true to the last digit, for the record of rejected rows."""

from __future__ import annotations

import json
import math
from decimal import Decimal
from typing import Any

import pyarrow as pa

# jsonb cannot hold the character NUL; its visible symbol stands for it.
_NUL_SYMBOL = "\u2400"


def row_payloads(rows: pa.RecordBatch) -> list[str]:
    """One JSON object per row, with the landed names and values.

    Integers, booleans and finite floats are JSON's own; decimals are strings with all their digits,
    dates and times ISO text, bytes hex text. The text can be stored as jsonb: NUL is written as U+2400.
    """
    columns = [_readable(column).to_pylist() for column in rows.columns]
    names = rows.schema.names
    return [
        json.dumps(
            {name: _json_value(value) for name, value in zip(names, row, strict=True)}, ensure_ascii=False
        )
        for row in zip(*columns, strict=True)
    ]


def _readable(column: pa.Array) -> pa.Array:
    """Instants and spans may lie beyond Python's range, or be finer than its microsecond."""
    if pa.types.is_timestamp(column.type) or pa.types.is_date(column.type) or pa.types.is_time(column.type):
        return column.cast(pa.string())
    return column.cast(pa.int64()) if pa.types.is_duration(column.type) else column


def _json_value(value: Any) -> Any:
    if isinstance(value, str):
        return value.replace("\x00", _NUL_SYMBOL)
    if isinstance(value, list | tuple):
        return [_json_value(item) for item in value]
    if isinstance(value, dict):
        return {str(name): _json_value(item) for name, item in value.items()}
    is_json = (
        value is None or isinstance(value, bool | int) or (isinstance(value, float) and math.isfinite(value))
    )
    return value if is_json else _text_form(value)


def _text_form(value: Any) -> str:
    match value:
        case Decimal():
            return format(value, "f")
        case bytes():
            return value.hex()
        case _:
            return str(value)
