"""Columns of a PostgreSQL table or query, from the system catalog."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from psycopg2.extensions import connection as Connection

from etl.catalog import SourceTable
from etl.errors import SourceError
from etl.sources.metadata import Family, SourceColumn, name_candidates

_FAMILIES: dict[str, Family] = {
    **dict.fromkeys(("int2", "int4", "int8", "oid"), "integer"),
    **dict.fromkeys(("numeric", "money"), "decimal"),
    **dict.fromkeys(("float4", "float8"), "float"),
    **dict.fromkeys(("json", "jsonb"), "json"),
    "bool": "boolean",
    "uuid": "uuid",
    "bytea": "bytes",
    "date": "date",
    "timestamp": "timestamp",
    "timestamptz": "timestamptz",
    "time": "time",
}
_FRACTION_DIGITS = 6
# What psycopg2 says of a numeric without a declared precision.
_NO_PRECISION = 65_535
_FIND_TABLE = """
    select c.oid, n.nspname, c.relname
    from unnest(%s::text[], %s::text[]) with ordinality as wanted (schema_name, table_name, place)
    inner join pg_class as c on c.relname = wanted.table_name
    inner join pg_namespace as n on c.relnamespace = n.oid
    where c.relkind in ('r', 'p', 'v', 'm', 'f')
        and (n.nspname = wanted.schema_name or (wanted.schema_name is null and pg_table_is_visible(c.oid)))
    order by wanted.place
    limit 1
"""
_TABLE_COLUMNS = """
    with recursive base as (
        select
            a.attrelid, a.attnum, t.oid, t.typname, t.typtype, t.typbasetype, t.typcategory,
            a.atttypmod as modifier
        from pg_attribute as a
        inner join pg_type as t on a.atttypid = t.oid
        where a.attrelid = any(%(tables)s) and a.attnum > 0 and not a.attisdropped
        union all
        select
            b.attrelid, b.attnum, t.oid, t.typname, t.typtype, t.typbasetype, t.typcategory, d.typtypmod
        from base as b
        inner join pg_type as d on b.oid = d.oid
        inner join pg_type as t on d.typbasetype = t.oid
        where b.typtype = 'd'
    )
    select
        a.attrelid, a.attname, format_type(a.atttypid, a.atttypmod), b.typname, b.typcategory,
        b.modifier, a.attnotnull, format('%%I.%%I', n.nspname, b.typname)
    from base as b
    inner join pg_type as t on b.oid = t.oid
    inner join pg_namespace as n on t.typnamespace = n.oid
    inner join pg_attribute as a on a.attrelid = b.attrelid and a.attnum = b.attnum
    where b.typtype <> 'd'
    order by a.attrelid, a.attnum
"""
_TYPES = """
    select t.oid, format_type(t.oid, null), t.typname, t.typcategory, format('%%I.%%I', n.nspname, t.typname)
    from pg_type as t
    inner join pg_namespace as n on t.typnamespace = n.oid
    where t.oid = any(%s)
"""
_MODIFIERS = (
    "select attrelid, attnum, atttypid, atttypmod from pg_attribute where attrelid = any(%s) and attnum > 0"
)


def find_table(connection: Connection, table: SourceTable) -> tuple[int, str, str]:
    """Oid, schema and name of the table that the catalog means.

    Raises:
        SourceError: There is none that this account can see.
    """
    candidates = name_candidates(table.table or "")
    with connection.cursor() as cursor:
        cursor.execute(_FIND_TABLE, ([c[0] for c in candidates], [c[1] for c in candidates]))
        found = cursor.fetchone()
    if found is None:
        raise SourceError(
            f"{table.qualified_name}: the source has no table {table.table!r} that this account can see.",
            f"Correct 'table' in {table.catalog_file}, with its schema, or grant usage of the schema.",
        )
    return int(found[0]), str(found[1]), str(found[2])


def table_columns(connection: Connection, oid: int) -> dict[str, SourceColumn]:
    """Columns of a table, domains resolved to what they are made of."""
    return columns_of_tables(connection, [oid])[oid]


def columns_of_tables(connection: Connection, oids: Sequence[int]) -> dict[int, dict[str, SourceColumn]]:
    """Columns of many tables, in one query."""
    with connection.cursor() as cursor:
        cursor.execute(_TABLE_COLUMNS, {"tables": list(oids)})
        rows = cursor.fetchall()
    tables: dict[int, dict[str, SourceColumn]] = {oid: {} for oid in oids}
    for oid, name, sql_type, kind, category, modifier, not_null, cast_type in rows:
        column = _column(name, sql_type, kind, category, modifier)
        tables[oid][name] = replace(column, nullable=not not_null, cast_type=cast_type)
    return tables


def query_columns(connection: Connection, relation: str) -> dict[str, SourceColumn]:
    """Columns of a declared query, as the server describes its result without running it."""
    with connection.cursor() as cursor:
        cursor.execute(f"select * from {relation} limit 0")
        described = cursor.description or ()
        cursor.execute(_TYPES, ([c.type_code for c in described],))
        types = {oid: rest for oid, *rest in cursor.fetchall()}
        cursor.execute(_MODIFIERS, ([c.table_oid or 0 for c in described],))
        modifiers = {(relid, number, kind): modifier for relid, number, kind, modifier in cursor.fetchall()}
    columns = {}
    for c in described:
        sql_type, kind, category, cast_type = types[c.type_code]
        modifier = modifiers.get((c.table_oid, c.table_column, c.type_code))
        column = _column(c.name, sql_type, kind, category, modifier)
        if kind == "numeric" and c.precision not in (None, _NO_PRECISION):
            digits, scale = _plain_digits(c.precision, c.scale or 0)
            column = replace(column, digits=digits, scale=scale)
        columns[c.name] = replace(column, cast_type=cast_type)
    return columns


def _column(name: str, sql_type: str, kind: str, category: str, modifier: int | None) -> SourceColumn:
    if category == "A":
        return SourceColumn(name, sql_type, "text", "array")
    digits, scale = _digits(kind, modifier)
    return SourceColumn(name, sql_type, _FAMILIES.get(kind, "text"), kind, digits, scale)


def _digits(kind: str, modifier: int | None) -> tuple[int | None, int | None]:
    """Digits and scale out of a type modifier; a modifier that is not known promises nothing."""
    if kind == "numeric" and modifier is not None and modifier >= 0:
        return _plain_digits((modifier - 4) >> 16, (modifier - 4) & 0x7FF)
    if kind in ("time", "timestamp", "timestamptz"):
        return (None if modifier is None else _FRACTION_DIGITS if modifier < 0 else modifier), None
    return None, None


def _plain_digits(precision: int, scale_bits: int) -> tuple[int, int]:
    """The same range with 0 <= scale <= precision, as Arrow's decimals have it.

    The scale is kept in 11 bits with a sign: ``numeric(3,-2)`` holds whole hundreds.
    """
    scale = scale_bits if scale_bits < 1024 else scale_bits - 2048
    return (precision - scale, 0) if scale < 0 else (max(precision, scale), scale)
