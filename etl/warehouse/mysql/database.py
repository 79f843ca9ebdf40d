"""MySQL and MariaDB as the warehouse: names, types and errors."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cached_property

import sqlalchemy
from mysql.connector import Error as DriverError
from mysql.connector.connection import MySQLConnection
from sqlalchemy.pool import NullPool

from etl.catalog_types import mysql_key_type, mysql_type
from etl.errors import ConfigError, StorehouseError
from etl.identifiers import quote_mysql
from etl.settings import Settings
from etl.warehouse.database import Database, Isolation, Refusal, Session
from etl.warehouse.mysql import failures, types
from etl.warehouse.mysql.connection import (
    MARIADB_COLLATION,
    MYSQL_COLLATION,
    close_idle_connections,
    connect,
    end_connection,
    is_mariadb,
    open_connection,
    read_warehouse_url,
)
from etl.warehouse.mysql.literals import json_member, text_literal, uuid_text
from etl.warehouse.mysql.mart_building import MySQLMarts
from etl.warehouse.mysql.patterns import translated as translated_pattern
from etl.warehouse.mysql.reading import Reader
from etl.warehouse.mysql.scripts import filled
from etl.warehouse.mysql.session import FIRST_LINE, MySQLSession
from etl.warehouse.mysql.table_functions import with_functions
from etl.warehouse.mysql.zones import business_day, business_instant, utc_text

_MOST_NAME_CHARACTERS = 64
_INSTANT = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d(\.\d{1,6})?)?(Z|[+-]\d\d(:?\d\d)?)")


class MySQL(Database):
    """A server of MySQL from 8.0.23 or MariaDB from 10.11 on; a schema of the warehouse is a database.

    The database of the URL, which need not be there, is what their names begin with: ``/dw`` makes
    ``dw_audit``. Statements name them as on every system, and get the prefix when they are executed.
    """

    folder = "mysql"
    title = "MySQL"
    errors = (DriverError,)
    now = "utc_timestamp(6)"
    driver = "mysql+session"

    def __init__(self, url: str, settings: Settings) -> None:
        database = read_warehouse_url(url, settings).database
        self._prefix = f"{database}_" if database else ""
        # Whether files of clients are taken; known after the first load.
        self.permits_local: bool | None = None
        super().__init__(url, settings)
        self.sql.add_filters(
            business_day=self._business_day,
            business_instant=self._business_instant,
            json_member=self._json_member,
            shown=types.shown_column,
        )
        self.sql.add_names(collation=_Late(self))

    @contextmanager
    def session(self, *, isolation: Isolation = "usual", autocommit: bool = False) -> Iterator[MySQLSession]:
        """A session of a connection that waited, or of a new one; READ COMMITTED as usual."""
        with connect(self.url, self.settings) as connection:
            session = self._settled(connection, autocommit=autocommit)
            if isolation != "usual":
                session.begin(read_only=isolation == "read only")
            yield session
            session.commit()

    @contextmanager
    def own_session(self) -> Iterator[MySQLSession]:
        """A session of a new connection, which is closed with it."""
        with self.explained("The warehouse"):
            connection = open_connection(self.url, self.settings)
        try:
            yield self._settled(connection, autocommit=True)
        finally:
            end_connection(connection, self.url, self.settings)

    def engine(self) -> sqlalchemy.Engine:
        """With mysql-connector; connections are closed after use."""

        def opened() -> MySQLConnection:
            connection = open_connection(self.url, self.settings)
            connection.cmd_query("set autocommit = 0")
            return connection

        return sqlalchemy.create_engine("mysql+mysqlconnector://", creator=opened, poolclass=NullPool)

    def open_reader(self, schema: str) -> Reader:
        """By the default database; other schemas are named."""
        connection = open_connection(self.url, self.settings)
        session = MySQLSession(self, connection, is_autocommit=True)
        try:
            return Reader(session, quote_mysql(self.schema(schema)))
        except BaseException:
            connection.close()
            raise

    def session_on(self, connection: MySQLConnection) -> MySQLSession:
        """Within the connection's transaction."""
        return MySQLSession(self, connection)

    def mart_building(self, session: Session) -> MySQLMarts:
        """Aside, and moved in by one statement."""
        return MySQLMarts(session)

    @property
    def prefix(self) -> str:
        """By the database of the URL."""
        return self._prefix

    @cached_property
    def collation(self) -> str:
        """That of every database: binary, and spaces at the end of a text count."""
        with self.session(autocommit=True) as session:
            return MARIADB_COLLATION if is_mariadb(session.connection) else MYSQL_COLLATION

    def quote(self, *parts: str) -> str:
        """A name in backticks, without the prefix of the warehouse.

        Raises:
            ConfigError: The server cannot have such a name: it is too long, ends with a space, or has
                characters beyond the Basic Multilingual Plane.
        """
        for part in parts:
            if len(part) > _MOST_NAME_CHARACTERS or part.endswith(" ") or any(c > "\uffff" for c in part):
                raise ConfigError(
                    f"{part!r} cannot be the name of a table or column in MySQL.",
                    f"Use a name of at most {_MOST_NAME_CHARACTERS} characters, without emoji and without a"
                    " space at its end.",
                )
        return quote_mysql(*parts)

    def temporary(self, name: str) -> str:
        """In the database of the audit tables, as no database is the session's own."""
        return f"audit.{name}"

    def literal(self, text: str) -> str:
        """A text in single quotes, in which backslashes escape."""
        return text_literal(text)

    def type_of(self, column_type: str) -> str:
        """The type of a column."""
        return mysql_type(column_type)

    def key_type_of(self, column_type: str) -> str:
        """Of limited length, where an index cannot hold the type of other columns."""
        return mysql_key_type(column_type)

    def shown_types(self, column_type: str) -> set[str]:
        """As ``information_schema.columns`` has them, with the width that MariaDB shows and without.

        MariaDB shows a ``json`` column as ``longtext``; SQL files tell it apart by the filter ``shown``.
        """
        return types.shown_types(column_type)

    def catalog_type(self, shown: str) -> str | None:
        """The catalog's type for one that is shown so, by the filter ``shown`` or as it is."""
        return types.catalog_type(shown)

    def json_text(self, document: str, name: str) -> str:
        """By a path; a JSON null is not the text 'null'."""
        member = self._json_member(name, document)
        unquoted = f"cast(json_unquote({member}) as char)"
        return f"(case when json_type({member}) != 'NULL' then {unquoted} end)"

    def seconds_between(self, earlier: str, later: str) -> str:
        """By their microseconds, which a product keeps exactly."""
        return f"(timestampdiff(microsecond, {earlier}, {later}) * 0.000001)"

    def elements(self, array: str, relation: str, column: str) -> str:
        """By ``json_table``; none of the texts is longer than a name."""
        return f"json_table({array}, '$[*]' columns ({column} varchar(255) path '$')) as {relation}"

    def joined(self, text: str, order: str) -> str:
        """By ``group_concat``, which sessions let be as long as it gets."""
        return f"group_concat({text} order by {order} separator ', ')"

    def expression(self, text: str, types: Mapping[str, str], column_type: str) -> str:
        """Part by part; see :mod:`etl.warehouse.mysql.translation`."""
        from etl.warehouse.mysql import translation  # costs 0.2 s, paid where there are some

        return translation.translated_column(translation.parsed(text), types, column_type)

    def source_query(self, text: str) -> str:
        """With the prefix of the warehouse before its schemas, and queries for functions."""
        return filled(with_functions(text, self.sql), (), self.prefix)[0][0]

    def predicate(self, text: str, schema: str, relation: str) -> str:
        """The same, with the types that the server has of the tables it names."""
        from etl.warehouse.mysql import translation  # as above

        parsed = translation.parsed(text)
        places = {(place or schema, name) for place, name in translation.tables_of(parsed)}
        return translation.translated(parsed, self._types_of({*places, (schema, relation)}))

    def pattern(self, text: str) -> str:
        """As both systems of this kind read it."""
        return translated_pattern(text)

    def instant(self, text: str) -> str:
        """In UTC without a zone, which MariaDB would not read."""
        return utc_text(text) if _INSTANT.fullmatch(text) else text

    def uuid(self, text: str) -> str:
        """As columns keep it."""
        try:
            return uuid_text(text)
        except ValueError as error:
            raise ValueError(f"{text!r} {error}") from None

    def reflected_types(self, column_type: str) -> set[str]:
        """As the server shows it; MariaDB's documents by their collation."""
        return types.reflected_types(column_type)

    def refusal_of(self, error: Exception) -> Refusal | None:
        """By the number of the error."""
        return failures.refusal_of(error)

    def is_lost(self, error: Exception) -> bool:
        """By the number of the error."""
        return failures.is_lost(error)

    def kind_of(self, error: Exception) -> str:
        """The name of its number."""
        return failures.name_of(error)

    def message_of(self, error: Exception) -> str:
        """Without the values that the server quotes."""
        return failures.without_values(error)

    def place_of(self, error: Exception, statement: str) -> int:
        """By the line that the server names, of the one statement of a script that it refused.

        Where it names none, by the name that it does not know.
        """
        first, said = int(vars(error).get(FIRST_LINE, 1)), str(getattr(error, "msg", ""))
        if line := re.search(r" at line (\d+)$", said):
            return first + int(line[1]) - 1
        name = re.search(r"'(?:[^']*\.)?([^'.]+)'", said)
        rows = [row.partition("--")[0] for row in statement.split("\n")]
        named = rf"(?<!\w){re.escape(name[1])}(?!\w)" if name else "(?!)"
        return next((n for n, row in enumerate(rows, 1) if n >= first and re.search(named, row)), first)

    def explain(self, error: Exception, what: str) -> StorehouseError:
        """By the number of the error."""
        return failures.explain(error, what)

    def forget_idle(self) -> None:
        """Close the connections of this process that wait."""
        close_idle_connections()

    def _types_of(self, places: set[tuple[str, str]]) -> dict[str, set[str]]:
        """The catalog's types of each column of these tables."""
        found: dict[str, set[str]] = {}
        with self.explained("The warehouse"), self.session() as session:
            session.execute(session.render("generated/column_types.sql", places=sorted(places)))
            for name, shown in session.fetchall():
                found.setdefault(name, set()).add(self.catalog_type(shown) or "")
        return found

    def _json_member(self, name: str, document: str) -> str:
        """For statements that are executed with values; so is the document."""
        return json_member(document, name, lambda text: text_literal(text).replace("%", "%%"))

    def _settled(self, connection: MySQLConnection, *, autocommit: bool) -> MySQLSession:
        session = MySQLSession(self, connection, is_autocommit=autocommit)
        if not autocommit:
            session.run("set autocommit = 0")
        return session

    def _business_day(self, expression: str) -> str:
        return business_day(expression, self.settings.business_time_zone)

    def _business_instant(self, expression: str) -> str:
        return business_instant(expression, self.settings.business_time_zone)


class _Late:
    """The collation for SQL files, asked of the server by those that need it."""

    def __init__(self, database: MySQL) -> None:
        self._database = database

    def __str__(self) -> str:
        return self._database.collation
