"""Connections for SQLAlchemy that only read: a session behind the few methods that it calls.

So what Great Expectations asks is asked like all else: values are exact, instants have the zone UTC, schemas
get the prefix of the warehouse, and what the server only warns of is an error. It would answer 0 for the
number that a text does not hold, and NULL for a quotient by zero, and a rule would hold of rows that
nobody looked at.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import sqlalchemy
from mysql.connector.connection import MySQLConnection
from sqlalchemy.dialects.mysql.base import MySQLCompiler, MySQLIdentifierPreparer
from sqlalchemy.dialects.mysql.mysqlconnector import MySQLDialect_mysqlconnector

from etl.warehouse.mysql.session import MySQLSession

# What sub-selects over other tables come to must fit into memory, or it is looked up on disk row by row.
_MEMORY_BYTES = 256 << 20
# Beyond, a number with all its digits would be no decimal of the server.
_LARGEST_EXACT = 1e30

Row = tuple[Any, ...]


class SessionDialect(MySQLDialect_mysqlconnector):
    """Statements as sessions want them: places of values have names, other per cent signs are doubled."""

    driver = "session"
    default_paramstyle = "pyformat"
    preparer = MySQLIdentifierPreparer
    statement_compiler = MySQLCompiler  # type: ignore[assignment]  # its own leaves per cent signs alone
    supports_statement_cache = True

    def get_columns(self, *args: Any, **named: Any) -> Any:
        """As it reads them, which leaves backticks in names doubled."""
        columns: Any = super().get_columns(*args, **named)
        return [{**column, "name": column["name"].replace("``", "`")} for column in columns]


sqlalchemy.dialects.registry.register("mysql.session", __name__, SessionDialect.__name__)


class Reader:
    """A connection in autocommit.

    Args:
        session: In autocommit, of a connection that nobody else uses.
        database: Where names without a schema are looked for; quoted.
    """

    def __init__(self, session: MySQLSession, database: str) -> None:
        self._session = session
        self._connection: MySQLConnection = session.connection
        session.run(f"set session tmp_table_size = {_MEMORY_BYTES}, max_heap_table_size = {_MEMORY_BYTES}")
        session.run("set session transaction read only")
        session.run(f"use {database}")

    @property
    def charset(self) -> str:
        """That of the connection."""
        return str(self._connection.charset)

    def cursor(self, **_: Any) -> Cursor:
        """A cursor that has fetched all rows when it has executed a statement."""
        return Cursor(self._session)

    def commit(self) -> None:
        """Nothing: each statement is a transaction."""

    def rollback(self) -> None:
        """Nothing, as for :meth:`commit`."""

    def close(self) -> None:
        """End the connection."""
        self._connection.close()


class Cursor:
    """A cursor of the kind that Python's database drivers have."""

    arraysize = 1
    lastrowid = 0

    def __init__(self, session: MySQLSession) -> None:
        self._session = session
        self._rows: list[Row] = []
        self.description: list[tuple[Any, ...]] | None = None
        self.rowcount = -1

    def execute(self, statement: str, values: Mapping[str, Any] | tuple[()] | None = None) -> None:
        """Execute a statement.

        Raises:
            mysql.connector.Error: The server refused it, or warned of a value.
        """
        self._session.execute(statement, {name: _exact(v) for name, v in dict(values or {}).items()})
        columns = self._session.columns
        self.description = [(name, None, None, None, None, None, None) for name in columns] or None
        self._rows = [tuple(map(_whole, row)) for row in self._session.fetchall()]
        self.rowcount = len(self._rows)

    def fetchone(self) -> Row | None:
        """The next row."""
        return self._rows.pop(0) if self._rows else None

    def fetchmany(self, size: int | None = None) -> list[Row]:
        """Some rows."""
        count = size or self.arraysize
        found, self._rows = self._rows[:count], self._rows[count:]
        return found

    def fetchall(self) -> list[Row]:
        """All rows that are left."""
        found, self._rows = self._rows, []
        return found

    def close(self) -> None:
        """Forget the rows."""
        self._rows = []


def _exact(value: Any) -> Any:
    """A bound as it was written: 0.1 is a tenth, and no binary fraction near it."""
    is_plain = isinstance(value, float) and abs(value) < _LARGEST_EXACT
    return Decimal(repr(value)) if is_plain else value


def _whole(value: Any) -> Any:
    """Sums of whole numbers are decimals to the server."""
    is_whole = isinstance(value, Decimal) and value.as_tuple().exponent == 0
    return int(value) if is_whole else value
