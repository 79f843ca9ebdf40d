"""Parameters of declared queries: ``:name`` becomes the driver's literal, cast to its type (law P1)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import pairwise

from etl.catalog import SourceTable
from etl.errors import ConfigError
from etl.sources.dialect import Dialect

# A time has no zone here, as the columns of the source have none: see docs/sources.md.
_POSTGRESQL = {
    "double": "double precision",
    "bytes": "bytea",
}
_MYSQL = {
    **dict.fromkeys(("bigint", "integer", "smallint", "boolean"), "signed"),
    **dict.fromkeys(("text", "json", "uuid"), "char"),
    "timestamp": "datetime(6)",
    "time": "time(6)",
    "double": "double",
    "bytes": "binary",
}
_BOOLEANS = {"true": "1", "false": "0"}


def bound_query(table: SourceTable, values: Mapping[str, str], dialect: Dialect) -> str:
    """The declared query with its parameters in place; one without a value is NULL, to be described only.

    Names within texts, quoted names and comments are none, nor is what follows ``::`` or stands in a slice.

    Raises:
        ConfigError: The query has a ``:name`` that ``parameters`` does not declare.
    """
    query = (table.query or "").strip().rstrip(";")
    if not table.parameters:
        return query
    pieces, end = [], 0
    for name, start, stop in _named(query, table, dialect):
        if name not in table.parameters:
            raise ConfigError(
                f"{table.qualified_name}: the query has the parameter ':{name}', which is not declared.",
                f"Add it and its type under 'parameters' in {table.catalog_file}.",
            )
        pieces += [query[end:start], _constant(table.parameters[name], values.get(name), dialect)]
        end = stop
    return "".join([*pieces, query[end:]])


def _named(query: str, table: SourceTable, dialect: Dialect) -> Iterator[tuple[str, int, int]]:
    """Name, start and end of each parameter, as the system's own grammar parts the text into words."""
    # Costs 0.2 s, paid where a query has parameters.
    from sqlglot.dialects.dialect import Dialect as Grammar
    from sqlglot.errors import TokenError

    try:
        tokens = Grammar.get_or_raise("mysql" if dialect.is_mysql else "postgres").tokenize(query)
    except TokenError as error:
        raise ConfigError(
            f"{table.qualified_name}: the query cannot be read: {error}.",
            f"Correct 'query' in {table.catalog_file}.",
        ) from None
    for colon, name in pairwise(tokens):
        is_joined = name.start == colon.end + 1 and query[name.start : name.end + 1].isidentifier()
        begins = colon.start == 0 or not (query[colon.start - 1].isalnum() or query[colon.start - 1] in "_]")
        if colon.text == ":" and is_joined and begins:
            yield name.text, colon.start, name.end + 1


def _constant(declared: str, value: str | None, dialect: Dialect) -> str:
    """A constant of the declared type."""
    if not dialect.is_mysql:
        literal = "null" if value is None else dialect.literal(value)
        return f"{literal}::{_POSTGRESQL.get(declared, declared.replace('decimal', 'numeric'))}"
    if declared == "boolean" and value is not None:
        value = _BOOLEANS.get(value.lower(), value)
    literal = "null" if value is None else dialect.literal(value)
    return f"cast({literal} as {_MYSQL.get(declared, declared)})"
