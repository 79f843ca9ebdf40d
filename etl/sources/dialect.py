"""The few things that differ between the SQL of two systems when rows are selected."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal

from mysql.connector.conversion import MySQLConverter

from etl.errors import ConfigError
from etl.identifiers import quote_mysql, quote_postgresql
from etl.sources.metadata import SourceColumn

_POSTGRESQL_CASTS = {
    "integer": "::bigint",
    "decimal": "::numeric",
    "timestamp": "::timestamp",
    "timestamptz": "::timestamptz",
    # A day is compared with the days of the bounds, not with their times: see etl/sources/clocks.py.
    "date": "::timestamp::date",
}


@dataclass(frozen=True, slots=True)
class Dialect:
    """How one system writes names and values.

    Attributes:
        quote: Parts of a name -> quoted name (law P1).
        literal: A value -> its literal, made by the driver, never by this project (law P1).
        is_mysql: Which of the two it is.
    """

    quote: Callable[..., str]
    literal: Callable[[str], str]
    is_mysql: bool = False

    def bound(self, column: SourceColumn, text: str) -> str:
        """A bound or key, given as text, as a constant of the column's own type and precision (law X3)."""
        return _mysql_bound(self, column, text) if self.is_mysql else _postgresql_bound(self, column, text)


def postgresql_dialect(literal: Callable[[str], str] | None = None) -> Dialect:
    """The dialect of PostgreSQL; ``literal`` is made from a cursor's ``mogrify``, where values are bound."""
    return Dialect(quote_postgresql, literal or _no_literal)


def mysql_dialect() -> Dialect:
    """The dialect of MySQL and MariaDB, for sessions with an empty ``sql_mode``."""
    return Dialect(quote_mysql, mysql_literal, is_mysql=True)


def mysql_literal(value: str) -> str:
    """A string literal as the driver binds it.

    The driver's own formatting of a whole statement replaces every ``%s`` in it, also within names,
    so that only its conversion of single values is used.
    """
    converter = MySQLConverter("utf8mb4")
    quoted: bytes = converter.quote(converter.escape(converter.to_mysql(value)))
    return quoted.decode("utf-8")


def _no_literal(value: str) -> str:
    raise ConfigError(f"The value {value!r} cannot be bound without a session.", "Report this as a fault.")


def _postgresql_bound(dialect: Dialect, column: SourceColumn, text: str) -> str:
    return dialect.literal(text) + _POSTGRESQL_CASTS.get(column.family, f"::{column.cast_type}")


def _mysql_bound(dialect: Dialect, column: SourceColumn, text: str) -> str:
    if column.family in ("integer", "decimal"):
        # As a number: compared with a string, MySQL would compare both as floats.
        return format(Decimal(text), "f")
    if column.family in ("timestamp", "timestamptz"):
        return f"cast({dialect.literal(text)} as datetime(6))"
    if column.family == "date":
        return f"cast({dialect.literal(text)} as date)"
    return dialect.literal(text)
