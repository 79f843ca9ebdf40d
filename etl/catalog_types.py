"""What a column type of the catalog is in Arrow, PostgreSQL and MySQL; the only place that says so."""

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
POSTGRESQL_TYPES = {
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

# Instants are UTC; a text has no limit that a source could exceed.
MYSQL_TYPES = {
    "bigint": "bigint",
    "integer": "int",
    "smallint": "smallint",
    "text": "longtext",
    "boolean": "boolean",
    "date": "date",
    "timestamp": "datetime(6)",
    "time": "time(6)",
    "double": "double",
    "json": "json",
    "bytes": "longblob",
    "uuid": "varchar(36)",
}
# What an index can hold whole.
_MYSQL_KEYS = {"text": "varchar(255)", "json": "varchar(255)", "bytes": "varbinary(255)"}
MAX_MYSQL_DIGITS, MAX_MYSQL_SCALE = 65, 30

_INTEGER_DIGITS = {"smallint": 5, "integer": 10, "bigint": 19}


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
    if column_type in POSTGRESQL_TYPES:
        return POSTGRESQL_TYPES[column_type]
    precision, scale = decimal_digits(column_type)
    return f"numeric({precision},{scale})"


def mysql_type(column_type: str) -> str:
    """The MySQL type of a staged or warehouse column.

    Raises:
        ConfigError: As for :func:`arrow_type`, or a decimal has more digits than MySQL keeps.
    """
    if column_type in MYSQL_TYPES:
        return MYSQL_TYPES[column_type]
    precision, scale = decimal_digits(column_type)
    if precision > MAX_MYSQL_DIGITS or scale > MAX_MYSQL_SCALE:
        raise ConfigError(
            f"{column_type} cannot be kept in MySQL: a decimal has at most {MAX_MYSQL_DIGITS} digits,"
            f" {MAX_MYSQL_SCALE} of them after the point.",
            "Declare fewer digits, or text.",
        )
    return f"decimal({precision},{scale})"


def mysql_key_type(column_type: str) -> str:
    """The MySQL type of a column that an index holds; texts and bytes are limited to 255.

    Raises:
        ConfigError: As for :func:`mysql_type`.
    """
    return _MYSQL_KEYS.get(column_type) or mysql_type(column_type)


def can_hold(wide: str, narrow: str) -> bool:
    """Whether every value of the type ``narrow`` stands unchanged in a column of the type ``wide``."""
    if postgresql_type(wide) == postgresql_type(narrow) or (wide == "text" and narrow != "bytes"):
        return True
    if wide == "double":
        return narrow in {"smallint", "integer"}
    if wide in _INTEGER_DIGITS and narrow in _INTEGER_DIGITS:
        return _INTEGER_DIGITS[wide] > _INTEGER_DIGITS[narrow]
    whole, fraction = exact_digits(narrow)
    # An integer type holds all numbers of one digit less than its largest one has.
    room, scale = exact_digits(wide)
    return whole + fraction > 0 and whole <= room - (wide in _INTEGER_DIGITS) and fraction <= scale


def exact_digits(column_type: str) -> tuple[int, int]:
    """Digits before and after the point of an exact number; none for other types."""
    if column_type in _INTEGER_DIGITS:
        return _INTEGER_DIGITS[column_type], 0
    if not column_type.startswith("decimal"):
        return 0, 0
    precision, scale = decimal_digits(column_type)
    return precision - scale, scale


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
