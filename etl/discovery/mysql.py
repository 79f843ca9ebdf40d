"""A MySQL or MariaDB database as discovery sees it: all of its tables in a few queries."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from datetime import datetime
from typing import Any

from mysql.connector.abstracts import MySQLConnectionAbstract

from etl.discovery.found import FoundColumn, FoundTable
from etl.identifiers import quote_mysql
from etl.settings import Settings
from etl.sources.connections import Address, connect_mysql
from etl.sources.dialect import mysql_dialect
from etl.sources.failures import source_failures
from etl.sources.metadata_mysql import columns_of_tables
from etl.sources.mysql_sessions import read_clock

_TABLES = """
    select table_schema, table_name, table_type = 'VIEW', table_rows, table_comment
    from information_schema.tables
    where table_schema = database() and table_type in ('BASE TABLE', 'SYSTEM VERSIONED', 'VIEW')
    order by table_name
"""
_COLUMNS = """
    select table_name, column_name, column_comment, column_type, extra
    from information_schema.columns
    where table_schema = database()
"""
# A part of an index that is an expression has no column.
_KEYS = """
    select table_name, index_name, column_name, nullable
    from information_schema.statistics
    where table_schema = database() and non_unique = 0
    order by table_name, index_name, seq_in_index
"""
_LONG_KINDS = ("text", "mediumtext", "longtext", "blob", "mediumblob", "longblob")
_ENOUGH_OF_A_VALUE = 200
_LABEL = re.compile(r"'((?:[^']|'')*)'")
_PRIMARY, _VIEW_COMMENT = "PRIMARY", "VIEW"


@contextmanager
def inspect_mysql(address: Address, settings: Settings) -> Iterator[MySQLInspector]:
    """A session, until the context ends.

    Raises:
        SourceError: The server refuses the account.
        TransientError: It cannot be reached.
    """
    with closing(connect_mysql(address, settings)) as connection:
        yield MySQLInspector(connection, address)


class MySQLInspector:
    """See :class:`etl.discovery.found.Inspector`."""

    def __init__(self, connection: MySQLConnectionAbstract, address: Address) -> None:
        self._connection, self._address = connection, address
        self.dialect = mysql_dialect()
        with source_failures(f"Source '{address.system}', reading its clock", address.secret):
            self._clock = read_clock(connection)

    @property
    def now(self) -> datetime:
        """The clock of the source."""
        return self._clock.now

    @property
    def sees_sessions(self) -> bool:
        """Whether open transactions can be seen."""
        return self._clock.sees_sessions

    def tables(self) -> list[FoundTable]:
        """Every table and view that the account can read."""
        columns, keys = self._columns(), self._keys()
        return [
            FoundTable(
                schema=schema,
                name=name,
                kind="view" if is_view else "table",
                reference=name,
                columns=columns.get(name, {}),
                key=keys.get(name, ()),
                comment="" if is_view and comment == _VIEW_COMMENT else comment,
                estimated_rows=None if estimate is None else int(estimate),
            )
            for schema, name, is_view, estimate, comment in self._all(_TABLES)
        ]

    def sampled(self, table: FoundTable, columns: Iterable[str], rows: int) -> str:
        """The table, or the first rows of a large one: there is no way to take some from all over it."""
        relation = quote_mysql(table.schema, table.name)
        if table.estimated_rows is not None and table.estimated_rows <= rows:
            return f"{relation} as s"
        # What is limited is written down first, by the server: long values only in part.
        wanted = (
            f"left({quote_mysql(name)}, {_ENOUGH_OF_A_VALUE}) as {quote_mysql(name)}"
            if table.columns[name].source.kind in _LONG_KINDS
            else quote_mysql(name)
            for name in columns
        )
        return f"(select {', '.join(wanted)} from {relation} limit {rows}) as s"

    def rows(self, statement: str, doing: str) -> list[tuple[Any, ...]]:
        """Rows of a complete statement."""
        failures = source_failures(f"Source '{self._address.system}', {doing}", self._address.secret)
        with failures, self._connection.cursor() as cursor:
            cursor.execute(statement)
            found: Any = cursor.fetchall()
        return [tuple(map(_plain, row)) for row in found]

    def _columns(self) -> dict[str, dict[str, FoundColumn]]:
        with source_failures(f"Source '{self._address.system}', looking for columns", self._address.secret):
            known = columns_of_tables(self._connection, self._address.arguments["database"])
        more = {(table, name): rest for table, name, *rest in self._all(_COLUMNS)}
        tables: dict[str, dict[str, FoundColumn]] = defaultdict(dict)
        for table, columns in known.items():
            for name, column in columns.items():
                comment, column_type, extra = more[table, name]
                labels = _labels(column_type) if column.kind == "enum" else ()
                tables[table][name] = FoundColumn(column, comment, labels, "on update" in extra.lower())
        return tables

    def _keys(self) -> dict[str, tuple[str, ...]]:
        """The primary key of each table, else its shortest unique index over columns that are never NULL."""
        indexes: dict[tuple[str, str], list[tuple[str | None, str]]] = defaultdict(list)
        for table, index, column, nullable in self._all(_KEYS):
            indexes[table, index].append((column, nullable))
        fit = [
            (table, index != _PRIMARY, len(parts), index, tuple(column for column, _ in parts if column))
            for (table, index), parts in indexes.items()
            if all(column is not None and nullable != "YES" for column, nullable in parts)
        ]
        keys: dict[str, tuple[str, ...]] = {}
        for table, _, _, _, names in sorted(fit):
            keys.setdefault(table, names)
        return keys

    def _all(self, statement: str) -> list[tuple[Any, ...]]:
        return self.rows(statement, "looking for tables")


def _labels(column_type: str) -> tuple[str, ...]:
    return tuple(label.replace("''", "'") for label in _LABEL.findall(column_type))


def _plain(value: Any) -> Any:
    """MySQL 8 sends the texts of its dictionary as bytes."""
    return value.decode("utf-8", "replace") if isinstance(value, (bytes, bytearray)) else value
