"""The catalog's type of a source's column, such that every value stands unchanged in it, and wider types.

What has no such type is text; docs/sources.md says what a value of each type lands as.
"""

from __future__ import annotations

from etl.catalog_types import MAX_DECIMAL_DIGITS, can_hold, exact_digits
from etl.sources.metadata import SourceColumn

_INTEGERS = {
    **dict.fromkeys(("int2", "tinyint", "year"), "smallint"),
    **dict.fromkeys(("int4", "mediumint"), "integer"),
    "smallint": "smallint",
    "int": "integer",
}
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
    if is_exact(declared) and is_exact(found):
        whole, scale = map(max, exact_digits(declared), exact_digits(found))
        return f"decimal({whole + scale},{scale})" if whole + scale <= MAX_DECIMAL_DIGITS else "text"
    return None if "bytes" in (declared, found) else "text"


def is_exact(column_type: str) -> bool:
    """Whether a type is one of whole or decimal numbers."""
    return any(exact_digits(column_type))


def _integer_type(column: SourceColumn, is_mysql: bool) -> str:
    if column.kind == "bit":
        return "boolean" if column.digits == 1 else "bigint"
    if is_mysql and "unsigned" in column.sql_type and column.kind in _WIDER_WHEN_UNSIGNED:
        return _WIDER_WHEN_UNSIGNED[column.kind]
    return _INTEGERS.get(column.kind, "bigint")
