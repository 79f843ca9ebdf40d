"""Columns of a MySQL or MariaDB table or query."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, cast

from mysql.connector.abstracts import MySQLConnectionAbstract
from mysql.connector.constants import FieldFlag, FieldType

from etl.catalog import SourceTable
from etl.errors import SourceError
from etl.sources.metadata import Family, SourceColumn, name_candidates

_FAMILIES: dict[str, Family] = {
    **dict.fromkeys(("tinyint", "smallint", "mediumint", "int", "bigint", "year", "bit"), "integer"),
    **dict.fromkeys(("float", "double"), "float"),
    **dict.fromkeys(("binary", "varbinary", "tinyblob", "blob", "mediumblob", "longblob"), "bytes"),
    "decimal": "decimal",
    "json": "json",
    "uuid": "uuid",
    "date": "date",
    "datetime": "timestamp",
    "timestamp": "timestamptz",
    "time": "time",
}
GEOMETRIES = frozenset(
    (
        "geometry",
        "point",
        "linestring",
        "polygon",
        "multipoint",
        "multilinestring",
        "multipolygon",
        "geometrycollection",
        "geomcollection",
    )
)
_LONGEST_SIGNED_BITS = 63
_BINARY_CHARSET = 63
_FIND_TABLE = """
    select table_schema, table_name
    from information_schema.tables
    where table_schema = coalesce(%s, database()) and table_name = %s
"""
_TABLE_COLUMNS = """
    select
        table_name,
        column_name, column_type, data_type, numeric_precision, numeric_scale, datetime_precision,
        is_nullable, character_octet_length
    from information_schema.columns
    where table_schema = %s and table_name = coalesce(%s, table_name)
    order by table_name, ordinal_position
"""
_CODES = {
    FieldType.TINY: "tinyint",
    FieldType.SHORT: "smallint",
    FieldType.INT24: "mediumint",
    FieldType.LONG: "int",
    FieldType.LONGLONG: "bigint",
    FieldType.YEAR: "year",
    FieldType.BIT: "bit",
    FieldType.FLOAT: "float",
    FieldType.DOUBLE: "double",
    FieldType.DECIMAL: "decimal",
    FieldType.NEWDECIMAL: "decimal",
    FieldType.JSON: "json",
    FieldType.DATE: "date",
    FieldType.NEWDATE: "date",
    FieldType.DATETIME: "datetime",
    FieldType.TIMESTAMP: "timestamp",
    FieldType.TIME: "time",
    FieldType.GEOMETRY: "geometry",
}


def find_table(connection: MySQLConnectionAbstract, table: SourceTable) -> tuple[str, str]:
    """Database and name of the table that the catalog means.

    Raises:
        SourceError: There is none that this account can see.
    """
    with connection.cursor() as cursor:
        for candidate in name_candidates(table.table or ""):
            cursor.execute(_FIND_TABLE, candidate)
            found = [(_text(schema), _text(name)) for schema, name in cast("list[Any]", cursor.fetchall())]
            if found:
                # Names are compared without regard to case, and yet "T" and "t" may both be there.
                return next((pair for pair in found if pair[1] == candidate[1]), found[0])
    raise SourceError(
        f"{table.qualified_name}: the source has no table {table.table!r} that this account can see.",
        f"Correct 'table' in {table.catalog_file}, with its database, or grant select.",
    )


def table_columns(connection: MySQLConnectionAbstract, schema: str, name: str) -> dict[str, SourceColumn]:
    """Columns of a table from ``information_schema``."""
    return columns_of_tables(connection, schema, name).get(name, {})


def columns_of_tables(
    connection: MySQLConnectionAbstract, schema: str, name: str | None = None
) -> dict[str, dict[str, SourceColumn]]:
    """Columns of all tables of a database, or of the one of this name, in one query."""
    with connection.cursor() as cursor:
        cursor.execute(_TABLE_COLUMNS, (schema, name))
        rows: Any = cursor.fetchall()
    tables: dict[str, dict[str, SourceColumn]] = {}
    for table_name, column_name, sql_type, kind, digits, scale, fraction, nullable, longest in rows:
        unsigned = "unsigned" in _text(sql_type)
        column = _column(
            _text(column_name),
            _text(kind).lower(),
            unsigned,
            fraction if digits is None else digits,
            scale,
            nullable == "YES",
        )
        known = replace(column, longest_bytes=longest)
        tables.setdefault(_text(table_name), {})[column.name] = known
    return tables


def query_columns(fields: Sequence[tuple[str, int, int, int, int | None]]) -> dict[str, SourceColumn]:
    """Columns of a declared query from what the server sends ahead of its rows.

    Args:
        fields: Name, type code, flags, character set and decimals of each column. How many digits a
            decimal of a query has the protocol does not say, only how many stand behind the point.
    """
    columns = {}
    for name, code, flags, charset, decimals in fields:
        kind = _CODES.get(code) or ("blob" if charset == _BINARY_CHARSET else "text")
        if flags & (FieldFlag.ENUM | FieldFlag.SET):
            kind = "enum"
        unsigned = bool(flags & FieldFlag.UNSIGNED)
        is_decimal = kind == "decimal"
        # An expression without a declared precision reports 31 or 39 decimals: not fixed.
        fraction = decimals if decimals is None or decimals <= 6 else None
        digits = (
            None
            if is_decimal
            else fraction
            if _FAMILIES.get(kind) in ("timestamp", "timestamptz", "time")
            else None
        )
        scale = decimals if is_decimal else None
        columns[name] = _column(name, kind, unsigned, digits, scale, not flags & FieldFlag.NOT_NULL)
    return columns


def _column(
    name: str, kind: str, unsigned: bool, digits: int | None, scale: int | None, nullable: bool
) -> SourceColumn:
    family = _FAMILIES.get(kind, "text")
    beyond_signed = (kind == "bigint" and unsigned) or (
        kind == "bit" and (digits is None or digits > _LONGEST_SIGNED_BITS)
    )
    if beyond_signed:
        family, digits, scale = "decimal", 20, 0
    sql_type = (
        kind
        + (" unsigned" if unsigned else "")
        + (f"({digits},{scale})" if family == "decimal" and not beyond_signed else "")
    )
    return SourceColumn(name, sql_type, family, kind, digits, scale, nullable)


def _text(value: Any) -> str:
    """MySQL 8 sends the texts of its dictionary as bytes."""
    return value.decode("utf-8") if isinstance(value, (bytes, bytearray)) else str(value)
