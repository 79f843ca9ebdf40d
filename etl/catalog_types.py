"""What a column type of the catalog is in Arrow and in PostgreSQL; the only place that says so."""

from __future__ import annotations

from functools import lru_cache

import pyarrow as pa

from etl.errors import ConfigError

MAX_DECIMAL_DIGITS = 76

_ARROW = {
    "bigint": pa.int64(),
    "integer": pa.int32(),
    "smallint": pa.int16(),
    "text": pa.string(),
    "boolean": pa.bool_(),
    "date": pa.date32(),
    "timestamp": pa.timestamp("us", "UTC"),
    "time": pa.time64("us"),
    "double": pa.float64(),
    "json": pa.string(),
    "bytes": pa.binary(),
    "uuid": pa.string(),
}

# jsonb, not json: only jsonb can be compared, and a merge compares every column (law S5).
_POSTGRESQL = {
    "bigint": "bigint",
    "integer": "integer",
    "smallint": "smallint",
    "text": "text",
    "boolean": "boolean",
    "date": "date",
    "timestamp": "timestamptz",
    "time": "time",
    "double": "double precision",
    "json": "jsonb",
    "bytes": "bytea",
    "uuid": "uuid",
}


@lru_cache(maxsize=256)
def arrow_type(column_type: str) -> pa.DataType:
    """The Arrow type of a prepared column; ``json`` and ``uuid`` are text, a ``timestamp`` UTC microseconds.

    Raises:
        ConfigError: The type is not of the catalog's grammar, or its digits cannot be kept.
    """
    if column_type in _ARROW:
        return _ARROW[column_type]
    precision, scale = decimal_digits(column_type)
    return pa.decimal128(precision, scale) if precision <= 38 else pa.decimal256(precision, scale)


def postgresql_type(column_type: str) -> str:
    """The PostgreSQL type of a staged or warehouse column.

    Raises:
        ConfigError: As for :func:`arrow_type`.
    """
    if column_type in _POSTGRESQL:
        return _POSTGRESQL[column_type]
    precision, scale = decimal_digits(column_type)
    return f"numeric({precision},{scale})"


def decimal_digits(column_type: str) -> tuple[int, int]:
    """Precision and scale of ``decimal(p,s)``.

    Raises:
        ConfigError: Not a decimal type, or not 1 <= p <= 76 and 0 <= s <= p.
    """
    head, _, digits = column_type.removesuffix(")").partition("(")
    parts = [part.strip() for part in digits.split(",")]
    if head != "decimal" or len(parts) != 2 or not all(part.isdigit() for part in parts):
        known = ", ".join([*_ARROW, "decimal(p,s)"])
        raise ConfigError(f"{column_type!r} is not a column type.", f"Use one of: {known}.")
    precision, scale = int(parts[0]), int(parts[1])
    if not 1 <= precision <= MAX_DECIMAL_DIGITS or scale > precision:
        raise ConfigError(
            f"{column_type} cannot be kept: a decimal has 1 to {MAX_DECIMAL_DIGITS} digits.",
            "Declare decimal(p,s) with s, the digits after the point, no larger than p.",
        )
    return precision, scale
