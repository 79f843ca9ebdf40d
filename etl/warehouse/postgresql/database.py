"""PostgreSQL as the warehouse: its sessions, names, types and errors."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import psycopg2
import sqlalchemy
from psycopg2 import errors
from psycopg2.extensions import adapt
from psycopg2.extensions import connection as Connection

from etl.catalog import SourceTable
from etl.catalog_types import postgresql_type
from etl.errors import StorehouseError
from etl.handles import StagedTable
from etl.identifiers import quote_postgresql
from etl.warehouse.database import Database, Isolation, Refusal, Session
from etl.warehouse.dimensions import MergeScope
from etl.warehouse.postgresql.adoption import FirstLoad
from etl.warehouse.postgresql.connection import (
    close_idle_connections,
    connect,
    explain,
    open_connection,
    open_reader,
)
from etl.warehouse.postgresql.mart_building import PostgreSQLMarts
from etl.warehouse.postgresql.session import PostgreSQLSession
from etl.warehouse.postgresql.types import catalog_type, shown_type

# The first that fits counts.
_REFUSALS: tuple[tuple[Refusal, tuple[type[psycopg2.Error], ...]], ...] = (
    ("busy", (errors.LockNotAvailable,)),
    ("forbidden", (errors.InsufficientPrivilege,)),
    ("not unique", (errors.UniqueViolation,)),
    ("too long", (errors.ProgramLimitExceeded,)),
    ("depended on", (errors.DependentObjectsStillExist,)),
    ("other kind", (errors.InvalidTableDefinition, errors.WrongObjectType)),
    ("value", (psycopg2.DataError,)),
    ("wrong", (psycopg2.ProgrammingError, psycopg2.NotSupportedError)),
)
_LOST = (
    *(errors.AdminShutdown, errors.CrashShutdown, errors.CannotConnectNow),
    *(errors.IdleSessionTimeout, errors.DeadlockDetected),
)


class PostgreSQL(Database):
    """A PostgreSQL database, 14 and later."""

    folder = "postgresql"
    title = "PostgreSQL"
    errors = (psycopg2.Error,)
    now = "clock_timestamp()"
    driver = "postgresql+psycopg2"
    judged_as = "postgres"
    copies_snapshots = True

    @contextmanager
    def session(
        self, *, isolation: Isolation = "usual", autocommit: bool = False
    ) -> Iterator[PostgreSQLSession]:
        """A session of a connection that waited, or of a new one."""
        with connect(self.url, self.settings, autocommit=autocommit) as connection:
            if isolation == "snapshot":
                connection.set_session(isolation_level="REPEATABLE READ")
            elif isolation == "read only":
                connection.set_session(isolation_level="REPEATABLE READ", readonly=True)
            with connection.cursor() as cursor:
                yield PostgreSQLSession(self, cursor)

    @contextmanager
    def own_session(self) -> Iterator[PostgreSQLSession]:
        """A session of a new connection, which is closed with it."""
        with self.explained("The warehouse"):
            connection = open_connection(self.url, self.settings)
        try:
            connection.autocommit = True
            with connection.cursor() as cursor:
                yield PostgreSQLSession(self, cursor)
        finally:
            connection.close()

    def engine(self) -> sqlalchemy.Engine:
        """With psycopg2."""
        return sqlalchemy.create_engine(
            f"{self.driver}://", creator=lambda: open_connection(self.url, self.settings)
        )

    def open_reader(self, schema: str) -> Connection:
        """By the search path."""
        return open_reader(self.url, self.quote(schema))

    def session_on(self, connection: Connection) -> PostgreSQLSession:
        """With a cursor of its own."""
        return PostgreSQLSession(self, connection.cursor())

    def mart_building(self, session: Session) -> PostgreSQLMarts:
        """Within the transaction."""
        return PostgreSQLMarts(session)

    def adoption(self, scope: MergeScope, table: SourceTable, staged: StagedTable) -> FirstLoad | None:
        """Of a first load, where nothing hinders it."""
        first_load = FirstLoad(scope, table)
        return first_load if first_load.is_possible(staged) else None

    def quote(self, *parts: str) -> str:
        """A name in double quotes."""
        return quote_postgresql(*parts)

    def literal(self, text: str) -> str:
        """A text in single quotes, with an E before it where it has backslashes."""
        quoted = adapt(text)
        quoted.encoding = "utf-8"
        return str(quoted.getquoted().decode("utf-8"))

    def type_of(self, column_type: str) -> str:
        """The type of a column."""
        return postgresql_type(column_type)

    def key_type_of(self, column_type: str) -> str:
        """Keys need no type of their own."""
        return postgresql_type(column_type)

    def shown_types(self, column_type: str) -> set[str]:
        """As ``format_type`` shows it."""
        return {shown_type(column_type)}

    def catalog_type(self, shown: str) -> str | None:
        """The catalog's type for one that ``format_type`` shows."""
        return catalog_type(shown)

    def json_text(self, document: str, name: str) -> str:
        """By the operator that gives text."""
        return f"({document} ->> {self.literal(name).replace('%', '%%')})"

    def seconds_between(self, earlier: str, later: str) -> str:
        """By the epoch of their difference."""
        return f"extract(epoch from {later} - {earlier})"

    def elements(self, array: str, relation: str, column: str) -> str:
        """By ``unnest``."""
        return f"lateral unnest({array}) as {relation} ({column})"

    def joined(self, text: str, order: str) -> str:
        """By ``string_agg``."""
        return f"string_agg({text}, ', ' order by {order})"

    def expression(self, text: str, types: Mapping[str, str], column_type: str) -> str:
        """The text itself."""
        return text

    def predicate(self, text: str, schema: str, relation: str) -> str:
        """The text itself."""
        return text

    def pattern(self, text: str) -> str:
        """The text itself."""
        return text

    def instant(self, text: str) -> str:
        """The text itself."""
        return text

    def uuid(self, text: str) -> str:
        """The text itself, which the server reads."""
        return text

    def reflected_types(self, column_type: str) -> set[str]:
        """As ``format_type`` shows it."""
        return self.shown_types(column_type)

    def refusal_of(self, error: Exception) -> Refusal | None:
        """By the class of the error."""
        return next((refusal for refusal, kinds in _REFUSALS if isinstance(error, kinds)), None)

    def is_lost(self, error: Exception) -> bool:
        """By the class of the error; one without a class of its own never reached the server."""
        return type(error) in (psycopg2.OperationalError, psycopg2.InterfaceError) or isinstance(error, _LOST)

    def kind_of(self, error: Exception) -> str:
        """The name of its SQLSTATE."""
        return type(error).__name__

    def message_of(self, error: Exception) -> str:
        """The primary message, or what depends on it where something does."""
        said = None
        if isinstance(error, psycopg2.Error):
            is_held = isinstance(error, errors.DependentObjectsStillExist)
            said = error.diag.message_detail if is_held else error.diag.message_primary
        return " ".join((said or str(error)).split())

    def place_of(self, error: Exception, statement: str) -> int:
        """By the position that the server gives."""
        position = error.diag.statement_position if isinstance(error, psycopg2.Error) else None
        return statement.count("\n", 0, int(position or 1) - 1) + 1

    def explain(self, error: Exception, what: str) -> StorehouseError:
        """By SQLSTATE and class."""
        assert isinstance(error, psycopg2.Error)
        return explain(error, what)

    def forget_idle(self) -> None:
        """Close the connections of this process that wait."""
        close_idle_connections()
