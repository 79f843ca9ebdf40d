"""Writes to the shop's database, PostgreSQL or MySQL, in one transaction at a time.

Rows travel as the text form that PostgreSQL's COPY and MySQL's LOAD DATA share, so both systems
hold the same bytes.
"""

from __future__ import annotations

import io
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import parse_qs, unquote, urlsplit

import numpy as np
import psycopg2
import pyarrow as pa
import pyarrow.compute as pc
from jinja2 import Template
from mysql import connector as mysql_connector

from demo.tables import Changes
from etl.errors import ConfigError, SourceError
from etl.identifiers import quote_mysql, quote_postgresql

_SQL_DIR = Path(__file__).parent / "sql"
_CHUNK_ROWS = 200_000
_INSERT_ROWS = 2_000
_CONNECT_TIMEOUT_SECONDS = 10
_STAGE = "demo_changed_rows"


class ShopDatabase(Protocol):
    """What the demo does to the shop's database; all of it belongs to one transaction."""

    def run_script(self, name: str) -> None:
        """Run ``demo/sql/<system>/<name>``; MySQL commits at each statement that defines something."""
        ...

    def load(self, table: str, rows: pa.Table) -> None:
        """Add rows, many at a time."""
        ...

    def update(self, table: str, rows: pa.Table) -> None:
        """Set the columns of ``rows`` where the first of them, the key, is equal."""
        ...

    def delete(self, table: str, keys: pa.Table) -> None:
        """Remove the rows with these keys."""
        ...

    def has_table(self, table: str) -> bool:
        """True when the database has this table."""
        ...

    def query(self, sql: str, parameters: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
        """The rows that a statement yields, none for one that yields nothing."""
        ...


@contextmanager
def shop_database(url: str) -> Iterator[ShopDatabase]:
    """Open the shop's database; commits at the end, and rolls back when something goes wrong.

    Raises:
        ConfigError: The URL names a system that cannot hold the shop.
        SourceError: The server cannot be reached or refuses the work; the URL is never shown.
    """
    scheme = urlsplit(url).scheme.split("+")[0]
    if scheme not in _SYSTEMS:
        raise ConfigError(
            f"The demo's shop cannot be made in a system '{scheme}'.",
            "Set ETL_SHOP_URL to a postgresql:// or mysql:// URL, or unset it for the embedded PostgreSQL.",
        )
    system = _SYSTEMS[scheme]
    try:
        database = system(url)
        try:
            yield database
            database.connection.commit()
        finally:
            database.connection.close()
    except system.errors as error:
        raise SourceError(
            f"The shop's database ({scheme}) refused the demo's work: {str(error).strip()}",
            "Check that the server of ETL_SHOP_URL runs and that its account may create tables.",
        ) from None


def apply(database: ShopDatabase, changes: Changes) -> None:
    """Do to one table what one day does to it."""
    if changes.inserted is not None and changes.inserted.num_rows:
        database.load(changes.table, changes.inserted)
    if changes.updated is not None and changes.updated.num_rows:
        database.update(changes.table, changes.updated)
    if changes.deleted is not None and changes.deleted.num_rows:
        database.delete(changes.table, changes.deleted)


class _PostgreSQL:
    errors = (psycopg2.Error,)

    def __init__(self, url: str) -> None:
        self.connection = psycopg2.connect(
            url.replace(urlsplit(url).scheme, "postgresql", 1), connect_timeout=_CONNECT_TIMEOUT_SECONDS
        )
        self._cursor = self.connection.cursor()

    def run_script(self, name: str) -> None:
        self._cursor.execute((_SQL_DIR / "postgresql" / name).read_text("utf-8"))

    def load(self, table: str, rows: pa.Table) -> None:
        columns = ", ".join(map(quote_postgresql, rows.column_names))
        for text in _text_chunks(rows):
            self._cursor.copy_expert(
                f"copy {quote_postgresql(table)} ({columns}) from stdin", io.BytesIO(text)
            )

    def update(self, table: str, rows: pa.Table) -> None:
        self._with_staged("update", table, rows)

    def delete(self, table: str, keys: pa.Table) -> None:
        self._with_staged("delete", table, keys)

    def has_table(self, table: str) -> bool:
        return self.query("select to_regclass(%s) is not null", (quote_postgresql(table),)) == [(True,)]

    def query(self, sql: str, parameters: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
        self._cursor.execute(sql, parameters)
        return self._cursor.fetchall() if self._cursor.description else []

    def _with_staged(self, action: str, table: str, rows: pa.Table) -> None:
        key, *others = names = list(map(quote_postgresql, rows.column_names))
        changes = ", ".join(f"{name} = changed.{name}" for name in others)
        parts = {
            "target": quote_postgresql(table),
            "key": key,
            "columns": ", ".join(names),
            "changes": changes,
        }
        self.query(_statement("postgresql/stage.sql", parts))
        self.load(_STAGE, rows)
        self.query(_statement(f"postgresql/{action}.sql", parts))
        self.query(f"drop table {_STAGE}")


class _MySQL:
    errors = (mysql_connector.Error,)

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        socket = parse_qs(parts.query).get("unix_socket")
        self.connection: Any = mysql_connector.connect(
            user=unquote(parts.username or ""),
            password=unquote(parts.password or ""),
            database=unquote(parts.path.lstrip("/")),
            charset="utf8mb4",
            connection_timeout=_CONNECT_TIMEOUT_SECONDS,
            allow_local_infile=True,
            **(
                {"unix_socket": socket[0]} if socket else {"host": parts.hostname, "port": parts.port or 3306}
            ),
        )
        self._cursor: Any = self.connection.cursor()
        self._takes_files = self.query("select @@local_infile") == [(1,)]

    def run_script(self, name: str) -> None:
        script = (_SQL_DIR / "mysql" / name).read_text("utf-8")
        lines = (line for line in script.splitlines() if not line.startswith("--"))
        for statement in "\n".join(lines).split(";"):
            if statement.strip():
                self.query(statement)

    def load(self, table: str, rows: pa.Table) -> None:
        parts = {
            "target": quote_mysql(table),
            "columns": ", ".join(map(quote_mysql, rows.column_names)),
            "places": ", ".join(["%s"] * rows.num_columns),
        }
        if self._takes_files and rows.num_rows > _INSERT_ROWS:
            self._load_files(table, _statement("mysql/load.sql", parts), rows)
            return
        sql = _statement("mysql/insert.sql", parts)
        for batch in rows.to_batches(max_chunksize=_INSERT_ROWS):
            columns = (column.to_pylist() for column in batch.columns)
            self._cursor.executemany(sql, list(zip(*columns, strict=True)))

    def update(self, table: str, rows: pa.Table) -> None:
        self._with_staged("update", table, rows)

    def delete(self, table: str, keys: pa.Table) -> None:
        self._with_staged("delete", table, keys)

    def has_table(self, table: str) -> bool:
        tables = "select table_name from information_schema.tables where table_schema = database()"
        return (table,) in self.query(tables)

    def query(self, sql: str, parameters: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
        self._cursor.execute(sql, parameters)
        return list(self._cursor.fetchall()) if self._cursor.description else []

    def _load_files(self, table: str, sql: str, rows: pa.Table) -> None:
        for text in _text_chunks(rows):
            with tempfile.NamedTemporaryFile() as file:
                file.write(text)
                file.flush()
                self._cursor.execute(sql, (file.name,))
            # With LOCAL the server turns what it cannot store into warnings.
            if self._cursor.warning_count:
                warnings = self.query("show warnings")[:3]
                raise SourceError(
                    f"The shop's database changed rows of {table} while loading them: {warnings}",
                    "Compare demo/sql/mysql/shop.sql with demo/tables.py.",
                )

    def _with_staged(self, action: str, table: str, rows: pa.Table) -> None:
        key, *others = names = list(map(quote_mysql, rows.column_names))
        changes = ", ".join(f"target.{name} = changed.{name}" for name in others)
        parts = {"target": quote_mysql(table), "key": key, "columns": ", ".join(names), "changes": changes}
        self.query(_statement("mysql/stage.sql", parts))
        self.load(_STAGE, rows)
        self.query(_statement(f"mysql/{action}.sql", parts))
        self.query(f"drop temporary table {_STAGE}")


_SYSTEMS: dict[str, Any] = {
    "postgresql": _PostgreSQL,
    "postgres": _PostgreSQL,
    "mysql": _MySQL,
    "mariadb": _MySQL,
}


def _statement(path: str, parts: dict[str, str]) -> str:
    """The statement of a file of ``demo/sql``; the parts are quoted names only (law P1)."""
    statement: str = Template((_SQL_DIR / path).read_text("utf-8")).render(parts)
    return statement


def _text_chunks(rows: pa.Table) -> Iterator[memoryview]:
    r"""Lines of tab-separated text with backslash escapes and ``\N`` for NULL."""
    for start in range(0, rows.num_rows, _CHUNK_ROWS):
        chunk = rows.slice(start, _CHUNK_ROWS).combine_chunks()
        columns = [_as_text(column.chunk(0)) for column in chunk.columns]
        lines = pc.binary_join_element_wise(pc.binary_join_element_wise(*columns, "\t"), "", "\n")
        _, offsets, text = lines.buffers()
        yield memoryview(text)[: np.frombuffer(offsets, dtype=np.int32)[len(lines)]]


def _as_text(column: pa.Array) -> pa.Array:
    if pa.types.is_boolean(column.type):
        column = column.cast(pa.int8())
    if pa.types.is_string(column.type):
        for plain, escaped in (("\\", "\\\\"), ("\t", "\\t"), ("\n", "\\n"), ("\r", "\\r")):
            column = pc.replace_substring(column, plain, escaped)
    return pc.fill_null(column.cast(pa.string()), "\\N")
