"""The catalog's type of a source's column, such that every value stands unchanged in it, and wider types.

What has no such type is text; docs/sources.md says what a value of each type lands as.
"""

from __future__ import annotations

from etl.catalog_types import MAX_DECIMAL_DIGITS, decimal_digits
from etl.sources.metadata import SourceColumn

_INTEGERS = {
    **dict.fromkeys(("int2", "tinyint", "year"), "smallint"),
    **dict.fromkeys(("int4", "mediumint"), "integer"),
    "smallint": "smallint",
    "int": "integer",
}
_INTEGER_DIGITS = {"smallint": 5, "integer": 10, "bigint": 19}
_WIDER_WHEN_UNSIGNED = {"smallint": "integer", "int": "bigint"}
_FAMILIES = {
    "float": "double",
    "boolean": "boolean",
    "json": "json",
    "uuid": "uuid",
    "bytes": "bytes",
    "date": "date",
    "timestamp": "timestamp",
    "timestamptz": "timestamp",
}


def found_type(column: SourceColumn, is_mysql: bool) -> str:
    """The type for the catalog."""
    if column.family == "integer":
        return _integer_type(column, is_mysql)
    if column.family == "decimal":
        fits = column.digits is not None and column.digits <= MAX_DECIMAL_DIGITS and column.scale is not None
        return f"decimal({column.digits},{column.scale})" if fits else "text"
    if column.family == "time":
        # MySQL's is a span of up to 838 hours.
        return "text" if is_mysql else "time"
    return _FAMILIES.get(column.family, "text")


def widened(declared: str, found: str) -> str | None:
    """The narrowest type that holds what both hold, often the declared one; None where there is none."""
    if can_hold(declared, found):
        return declared
    if can_hold(found, declared):
        return found
    (whole, scale), (other_whole, other_scale) = _digits(declared), _digits(found)
    if whole and other_whole:
        digits, most = max(whole, other_whole) + max(scale, other_scale), max(scale, other_scale)
        return f"decimal({digits},{most})" if digits <= MAX_DECIMAL_DIGITS else "text"
    return None if "bytes" in (declared, found) else "text"


def _integer_type(column: SourceColumn, is_mysql: bool) -> str:
    if column.kind == "bit":
        return "boolean" if column.digits == 1 else "bigint"
    if is_mysql and "unsigned" in column.sql_type and column.kind in _WIDER_WHEN_UNSIGNED:
        return _WIDER_WHEN_UNSIGNED[column.kind]
    return _INTEGERS.get(column.kind, "bigint")


def is_exact(column_type: str) -> bool:
    """Whether a type is one of whole or decimal numbers."""
    return any(_digits(column_type))


def can_hold(wide: str, narrow: str) -> bool:
    """Whether every value of the type ``narrow`` stands unchanged in a column of the type ``wide``."""
    if wide == narrow or (wide == "text" and narrow != "bytes"):
        return True
    if wide == "double":
        return narrow in {"smallint", "integer"}
    if wide in _INTEGER_DIGITS and narrow in _INTEGER_DIGITS:
        return _INTEGER_DIGITS[wide] > _INTEGER_DIGITS[narrow]
    whole, fraction = _digits(narrow)
    room, scale = _digits(wide)
    # An integer type holds all numbers of one digit less than its largest one has.
    return 0 < whole <= room - (wide in _INTEGER_DIGITS) and fraction <= scale


def _digits(column_type: str) -> tuple[int, int]:
    """Digits before and after the point of an exact number; none for other types."""
    if column_type in _INTEGER_DIGITS:
        return _INTEGER_DIGITS[column_type], 0
    if not column_type.startswith("decimal"):
        return 0, 0
    precision, scale = decimal_digits(column_type)
    return precision - scale, scale
