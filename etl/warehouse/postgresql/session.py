"""Sessions of PostgreSQL."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psycopg2
from psycopg2.errors import LockNotAvailable
from psycopg2.extensions import cursor as Cursor
from psycopg2.extras import Json, execute_values

from etl.warehouse.database import Refusal, Session, Values
from etl.warehouse.postgresql.copying import copy_arrow
from etl.warehouse.postgresql.filling import filled_whole

if TYPE_CHECKING:
    from etl.warehouse.postgresql.database import PostgreSQL

INSERTED_ROWS = 2_000
FETCHED_ROWS = 10_000
MANY_NUMBERS = 1_000
# Types by their numbers: int8, int2, int4, float4, float8, numeric.
_NUMERIC_TYPES = {20, 21, 23, 700, 701, 1700}
_stream_numbers = count(1)


class PostgreSQLSession(Session):
    """Statements on one cursor of psycopg2."""

    def __init__(self, database: PostgreSQL, cursor: Cursor) -> None:
        super().__init__(database)
        self._cursor = cursor

    def execute(self, statement: str, values: Values = ()) -> None:
        """Lists become arrays, mappings documents."""
        # Without any values the driver would take a per cent sign as it stands.
        self._cursor.execute(statement, _adapted(values) or {})

    @property
    def rowcount(self) -> int:
        """As the server counted."""
        return self._cursor.rowcount

    @property
    def columns(self) -> list[str]:
        """By the description of the result."""
        return [column.name for column in self._cursor.description or ()]

    @property
    def numeric_columns(self) -> list[str]:
        """By the numbers of their types."""
        return [c.name for c in self._cursor.description or () if c.type_code in _NUMERIC_TYPES]

    def fetchone(self) -> tuple[Any, ...] | None:
        """The next row; instants have the zone of the session, which is UTC."""
        return self._cursor.fetchone()

    def fetchall(self) -> list[tuple[Any, ...]]:
        """All rows that are left."""
        return self._cursor.fetchall()

    def attempt(self, statement: str, *refusals: Refusal, values: Values = ()) -> bool:
        """Under a savepoint, as an error ends a transaction."""
        self._cursor.execute("savepoint attempt")
        try:
            self.execute(statement, values)
        except psycopg2.Error as error:
            if self.database.refusal_of(error) not in refusals:
                raise
            self._cursor.execute("rollback to savepoint attempt")
            return False
        finally:
            if not self._cursor.connection.closed and not _is_aborted(self._cursor):
                self._cursor.execute("release savepoint attempt")
        return True

    def stream(self, statement: str, values: Values = ()) -> Iterator[tuple[Any, ...]]:
        """By a cursor of the server."""
        with self._cursor.connection.cursor(f"stream_{next(_stream_numbers)}") as reader:
            reader.itersize = FETCHED_ROWS
            reader.execute(statement, _adapted(values) or {})
            yield from reader

    def insert(
        self,
        relation: str,
        columns: Sequence[str],
        rows: Iterable[Sequence[Any]],
        *,
        key: Sequence[str] = (),
        update: Sequence[str] = (),
    ) -> None:
        """In batches of many rows a statement."""
        statement = f"insert into {relation} ({self.identifiers(columns)}) values %s"
        if key:
            changes = ", ".join(f"{self.identifier(c)} = excluded.{self.identifier(c)}" for c in update)
            action = f"do update set {changes}" if changes else "do nothing"
            statement += f" on conflict ({self.identifiers(key)}) {action}"
        execute_values(self._cursor, statement, [_adapted(row) for row in rows], page_size=INSERTED_ROWS)

    def insert_once(self, relation: str, columns: Sequence[str], row: Sequence[Any]) -> bool:
        """By the count of the statement."""
        places = ", ".join(["%s"] * len(columns))
        self.execute(
            f"insert into {relation} ({self.identifiers(columns)}) values ({places}) on conflict do nothing",
            row,
        )
        return self.rowcount == 1

    def load(self, relation: str, path: Path, columns: Sequence[str]) -> int:
        """By binary COPY."""
        return copy_arrow(self._cursor.connection, relation, path, list(columns))

    def filled_whole(self, schema: str, relation: str, rows: int) -> AbstractContextManager[None]:
        """Without indexes and keys, which are made after the rows."""
        return filled_whole(self, schema, relation, rows)

    def exists(self, schema: str, relation: str) -> bool:
        """By the system catalog."""
        return self.single("select to_regclass(%s)", (self.database.quote(schema, relation),)) is not None

    def schemas(self, beginning: str) -> set[str]:
        """By the system catalog."""
        self.execute("select nspname::text from pg_namespace where starts_with(nspname, %s)", (beginning,))
        return {name for (name,) in self.fetchall()}

    def drop_schema(self, schema: str) -> None:
        """With all that is in it."""
        self.execute(f"drop schema if exists {self.identifier(schema)} cascade")

    def analyze(self, schema: str, relation: str, columns: Iterable[str] = ()) -> None:
        """Within the transaction."""
        names = self.identifiers(columns)
        place = (schema, relation) if schema else (relation,)
        self.execute(f"analyze {self.identifier(*place)}{f' ({names})' if names else ''}")

    def limit(self, seconds: int) -> None:
        """By the timeout of statements."""
        self.execute("select set_config('statement_timeout', %s, true)", (f"{seconds}s",))

    def hold(self, name: str) -> None:
        """An advisory lock of the transaction."""
        self.execute("select pg_advisory_xact_lock(hashtextextended(%s, 0))", (name,))

    def try_hold(self, name: str) -> bool:
        """The same, if it is free."""
        return bool(self.single("select pg_try_advisory_xact_lock(hashtextextended(%s, 0))", (name,)))

    def lock(self, name: str, *, shared: bool, seconds: float) -> bool:
        """An advisory lock of the session; who waits stands in the server's queue."""
        # Zero would mean to wait for ever.
        milliseconds = max(int(seconds * 1000), 1)
        self.execute("select set_config('lock_timeout', %s, false)", (f"{milliseconds}ms",))
        function = "pg_advisory_lock_shared" if shared else "pg_advisory_lock"
        try:
            self.execute(f"select {function}(hashtextextended(%s, 0))", (name,))
        except LockNotAvailable:
            return False
        return True


def _is_aborted(cursor: Cursor) -> bool:
    return cursor.connection.info.transaction_status == psycopg2.extensions.TRANSACTION_STATUS_INERROR


def _adapted(values: Values) -> Any:
    if isinstance(values, Mapping):
        return {name: _adapted_value(value) for name, value in values.items()}
    return tuple(_adapted_value(value) for value in values)


def _adapted_value(value: Any) -> Any:
    if isinstance(value, Mapping) or (isinstance(value, list) and value and isinstance(value[0], Mapping)):
        return Json(value)
    if isinstance(value, list) and len(value) > MANY_NUMBERS and isinstance(value[0], int):
        # As the server reads an array; number by number the driver takes longer than the statement itself.
        return "{" + ",".join(map(str, value)) + "}"
    return value
