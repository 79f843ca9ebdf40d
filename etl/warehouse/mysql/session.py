"""Sessions of MySQL and MariaDB."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mysql.connector import Error as DriverError
from mysql.connector import errorcode, errors
from mysql.connector.connection import MySQLConnection

from etl.warehouse.database import Refusal, Session, Values
from etl.warehouse.mysql.connection import answering, is_mariadb
from etl.warehouse.mysql.failures import DATA_WARNINGS, number_of
from etl.warehouse.mysql.literals import literal
from etl.warehouse.mysql.loading import load_arrow
from etl.warehouse.mysql.locks import NamedLocks
from etl.warehouse.mysql.results import Answer
from etl.warehouse.mysql.scripts import filled

if TYPE_CHECKING:
    from etl.warehouse.mysql.database import MySQL

INSERTED_ROWS = 2_000
INSERTED_BYTES = 4 << 20
FIRST_LINE = "first_line"
_NO_LIMIT = 31_536_000
_NO_SAVEPOINT = 1305
_WAITED = 1205
_TOO_LONG = 1153
# Statements up to this length every server takes.
_SHORT_BYTES = 900_000


@dataclass(slots=True)
class _Result:
    columns: list[str] = field(default_factory=list)
    numeric_columns: list[str] = field(default_factory=list)
    rows: list[tuple[Any, ...]] = field(default_factory=list)
    count: int = 0
    warning_count: int = 0


class MySQLSession(Session):
    """Statements on one connection.

    Each statement is sent whole, with its values in it; a script statement by statement.

    Args:
        is_autocommit: Each statement is a transaction.
    """

    database: MySQL

    def __init__(self, database: MySQL, connection: MySQLConnection, *, is_autocommit: bool = False) -> None:
        super().__init__(database)
        self.connection = connection
        self.is_autocommit = is_autocommit
        self._locks = NamedLocks(self.ask, database.prefix)
        self._last = _Result()
        self._stream: Answer | None = None
        self._packet_bytes = 0

    def execute(self, statement: str, values: Values = ()) -> None:
        """Statement by statement; what the server warns of a value is an error."""
        for text, first_line in filled(statement, values, self.database.prefix):
            try:
                self.run(text)
            except DriverError as error:
                vars(error)[FIRST_LINE] = first_line
                raise

    def run(self, text: str) -> None:
        """Send one statement as it is.

        Raises:
            mysql.connector.Error: The server refused it, or warned of a value.
        """
        self._last = _Result()
        self._last = self._result(self._send(text))

    @property
    def rowcount(self) -> int:
        """Rows changed, which do not count those that were so before; or given."""
        return self._last.count

    @property
    def warning_count(self) -> int:
        """Warnings of the last statement; none of them tells of a value, which is an error."""
        return self._last.warning_count

    @property
    def columns(self) -> list[str]:
        """By the description of the answer."""
        return self._last.columns

    @property
    def numeric_columns(self) -> list[str]:
        """By their types; a boolean is none."""
        return self._last.numeric_columns

    def fetchone(self) -> tuple[Any, ...] | None:
        """The next row."""
        return self._last.rows.pop(0) if self._last.rows else None

    def fetchall(self) -> list[tuple[Any, ...]]:
        """All rows that are left."""
        rows, self._last.rows = self._last.rows, []
        return rows

    def attempt(self, statement: str, *refusals: Refusal, values: Values = ()) -> bool:
        """Under a savepoint, as a script may be refused in its middle."""
        self._do("savepoint attempt")
        refused = self._refused(statement, refusals, values)
        try:
            if refused:
                self._do("rollback to savepoint attempt")
            self._do("release savepoint attempt")
        except DriverError as error:
            if number_of(error) != _NO_SAVEPOINT:
                raise
            # A statement that commits by itself has ended it; or a wait, with the whole transaction
            # (innodb_rollback_on_timeout).
            if refused and number_of(refused) == _WAITED:
                raise refused from None
        return refused is None

    def stream(self, statement: str, values: Values = ()) -> Iterator[tuple[Any, ...]]:
        """As the server sends them; once another statement comes, the rest waits in a temporary file."""
        *first, (last, _) = filled(statement, values, self.database.prefix)
        for text, _ in first:
            self.run(text)
        answer = self._send(last)
        if not isinstance(answer, Answer):
            return
        self._stream = answer
        try:
            for rows in answer.stream():
                yield from rows
            if self._stream is answer:
                self._stream = None
                self.refuse_warnings(answer.warning_count)
        finally:
            answer.leave()

    def insert(
        self,
        relation: str,
        columns: Sequence[str],
        rows: Iterable[Sequence[Any]],
        *,
        key: Sequence[str] = (),
        update: Sequence[str] = (),
    ) -> None:
        """In batches of many rows a statement; with a key, every unique key of the table counts as it."""
        head = self._adapted(f"insert into {relation} ({self.identifiers(columns)}) values ")
        tail = self._adapted(self._on_duplicate(key, update)) if key else ""
        for batch in self._batches(rows, len(head.encode()) + len(tail.encode())):
            self.run(f"{head}{','.join(batch)}{tail}")

    def insert_once(self, relation: str, columns: Sequence[str], row: Sequence[Any]) -> bool:
        """By the count of the statement, which is none for a row that stays as it is."""
        self.insert(relation, columns, [row], key=columns[:1])
        return self.rowcount == 1

    def load(self, relation: str, path: Path, columns: Sequence[str]) -> int:
        """By LOAD DATA where the server permits it."""
        return load_arrow(self, relation, path, list(columns))

    def exists(self, schema: str, relation: str) -> bool:
        """By the schema of information; names are told apart by case."""
        self.execute(
            "select table_name from information_schema.tables where table_schema = %s and table_name = %s",
            (self.database.schema(schema), relation),
        )
        return (relation,) in self.fetchall()

    def schemas(self, beginning: str) -> set[str]:
        """By the schema of information; of this warehouse only, told by its prefix."""
        prefix = self.database.prefix
        self.execute("select schema_name from information_schema.schemata")
        return {
            name.removeprefix(prefix) for (name,) in self.fetchall() if name.startswith(prefix + beginning)
        }

    def drop_schema(self, schema: str) -> None:
        """With all that is in it; commits."""
        self.execute(f"drop database if exists {self.identifier(self.database.schema(schema))}")

    def analyze(self, schema: str, relation: str, columns: Iterable[str] = ()) -> None:
        """Nothing within a transaction, which it would commit: InnoDB looks at a table anew as it grows."""
        if self.is_autocommit and schema:
            self.execute(f"analyze table {self.identifier(schema, relation)}")

    def limit(self, seconds: int) -> None:
        """By the timeout of statements; that of MySQL ends queries only."""
        if is_mariadb(self.connection):
            self._do(f"set session max_statement_time = {seconds}")
        else:
            self._do(f"set session max_execution_time = {seconds * 1000}")

    def hold(self, name: str) -> None:
        """A lock of the session that is freed after the transaction."""
        patience = self.database.settings.lock_timeout_seconds or _NO_LIMIT
        if not self._locks.hold(name, patience):
            raise errors.OperationalError("Somebody else holds a lock for longer than the patience.", _WAITED)

    def try_hold(self, name: str) -> bool:
        """The same, if it is free."""
        return self._locks.hold(name, 0)

    def lock(self, name: str, *, shared: bool, seconds: float) -> bool:
        """See :mod:`etl.warehouse.mysql.locks`."""
        if shared:
            return self._locks.take_shared(name, seconds)
        return self._locks.take_alone(name, seconds)

    def begin(self, *, read_only: bool) -> None:
        """Begin a transaction in which all statements see one state of the data, that of now."""
        self._do("set session transaction isolation level repeatable read")
        self._do(f"start transaction with consistent snapshot{', read only' if read_only else ''}")

    def commit(self) -> None:
        """Commit, and free what was held for the transaction."""
        self._do("commit")
        self._locks.free()

    def refuse_warnings(self, count: int) -> None:
        """Raise the first warning that tells of a value, as the error that it would be.

        Raises:
            mysql.connector.Error: There is one, or there may be one among those that are not shown.
        """
        if not count:
            return
        shown = self._rows_of("show warnings")
        for _, number, message in shown:
            if number in DATA_WARNINGS:
                raise errors.DataError(msg=message, errno=number)
        if len(shown) < count:
            message = f"the server warned {count} times, and shows {len(shown)} of them"
            raise errors.DataError(msg=message, errno=errorcode.ER_UNKNOWN_ERROR)

    def ask(self, question: str, values: tuple[Any, ...] = ()) -> Any:
        """The first value of the one row of an answer; the last result stays as it is."""
        return self._rows_of(filled(question, values, "")[0][0])[0][0]

    def packet_bytes(self) -> int:
        """The longest statement that the server takes."""
        if not self._packet_bytes:
            self._packet_bytes = int(self._rows_of("select @@max_allowed_packet")[0][0])
        return self._packet_bytes

    def _send(self, text: str) -> Answer | dict[str, Any]:
        """Send a statement; the rows of an answer are still to be read."""
        if (stream := self._stream) is not None:
            self._stream = None
            stream.give_way()
            self.refuse_warnings(stream.warning_count)
        sent = text.encode()
        if len(sent) > _SHORT_BYTES and len(sent) >= self.packet_bytes():
            raise errors.OperationalError("A statement is longer than max_allowed_packet.", _TOO_LONG)
        with answering(self.connection):
            result: Any = self.connection.cmd_query(sent)
        return Answer(self.connection, result["columns"]) if "columns" in result else dict(result)

    def _result(self, sent: Answer | dict[str, Any]) -> _Result:
        if isinstance(sent, Answer):
            rows = sent.rows()
            self.refuse_warnings(sent.warning_count)
            return _Result(sent.columns, sent.numeric_columns, rows, len(rows), sent.warning_count)
        self.refuse_warnings(sent["warning_count"])
        return _Result(count=int(sent["affected_rows"]), warning_count=int(sent["warning_count"]))

    def _do(self, text: str) -> None:
        """A statement of this class itself, which leaves the last result as it is."""
        self._send(text)

    def _rows_of(self, text: str) -> list[tuple[Any, ...]]:
        answer = self._send(text)
        assert isinstance(answer, Answer)
        return answer.rows()

    def _refused(self, statement: str, refusals: tuple[Refusal, ...], values: Values) -> DriverError | None:
        """Execute a statement; the error where the server refused it for one of these reasons."""
        try:
            self.execute(statement, values)
        except DriverError as error:
            if self.database.refusal_of(error) not in refusals:
                raise
            return error
        return None

    def _adapted(self, text: str) -> str:
        """A part of a statement that has no values."""
        return filled(text, (), self.database.prefix)[0][0] + " "

    def _on_duplicate(self, key: Sequence[str], update: Sequence[str]) -> str:
        names = [self.identifier(name) for name in update]
        changes = [f"{name} = values({name})" for name in names]
        # Not "insert ignore", which lets pass what else is wrong, too.
        nothing = f"{self.identifier(key[0])} = {self.identifier(key[0])}"
        return f"on duplicate key update {', '.join(changes) or nothing}"

    def _batches(self, rows: Iterable[Sequence[Any]], frame_bytes: int) -> Iterator[list[str]]:
        most = min(INSERTED_BYTES, self.packet_bytes() - frame_bytes - 1_000)
        batch: list[str] = []
        size = 0
        for row in rows:
            text = f"({','.join(map(literal, row))})"
            length = len(text.encode()) + 1
            if batch and (len(batch) == INSERTED_ROWS or size + length > most):
                yield batch
                batch, size = [], 0
            batch.append(text)
            size += length
        if batch:
            yield batch
