"""Arrow files into MySQL in bulk, in memory of a few megabytes (law X13).

LOAD DATA LOCAL INFILE takes the rows while they are made: the driver opens a file by its name, which is a
pipe that a thread writes to. Where the server does not permit it, rows are inserted in batches. Of a value
that does not fit LOAD DATA only warns, and it skips a row whose key is there already; here all of that is an
error.
"""

from __future__ import annotations

import errno
import fcntl
import logging
import os
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from mysql.connector import Error as DriverError

from etl.arrow_files import open_arrow_file
from etl.errors import ContractError, ReleaseRefused
from etl.warehouse.mysql.encoding import Sent, TargetColumn, encoded, pieces, planned
from etl.warehouse.mysql.failures import explain, message_without_values, number_of
from etl.warehouse.mysql.literals import text_literal
from etl.warehouse.mysql.types import is_document, without_width

if TYPE_CHECKING:
    from etl.warehouse.mysql.session import MySQLSession

logger = logging.getLogger(__name__)
_PIPE_BYTES = 1 << 20
# LOCAL is switched off at the server, or at the client.
_NOT_PERMITTED = {1148, 3948, 4166, 2068}
_REFUSED_BY_DRIVER = "file request rejected"


def load_arrow(session: MySQLSession, target: str, path: Path, columns: list[str]) -> int:
    """Append the rows of an Arrow file to a table; the caller commits, unless each statement does.

    Args:
        target: The table as it stands in statements.
        path: A prepared file.
        columns: Names of the columns to load, the same in the file and in the table.

    Returns:
        How many rows the server took.

    Raises:
        ConfigError: A column is missing on either side, or cannot be sent to its column exactly.
        ContractError: A value does not fit its column.
        TransientError: The connection was lost or the server is going down.
        ReleaseRefused: The server refused rows, or took another number of them.
        StorehouseError: The file cannot be read.
    """
    plan: list[Sent] = []
    try:
        with open_arrow_file(path) as reader:
            have = {field.name: field.type for field in reader.schema}
        plan = planned(target, columns, have, _target_columns(session, target))
        with _as_one(session):
            if permits_local(session):
                try:
                    return _load_data(session, target, path, plan)
                except DriverError as error:
                    if not _is_not_permitted(error):
                        raise
                    _decide(session, False, f"LOAD DATA LOCAL was refused: {explain(error, 'it').problem}")
            return _insert(session, target, path, plan)
    except DriverError as error:
        if fault := _document_fault(error, plan):
            raise ContractError(
                f"{path.name}: {fault}.", "Mend it at the source, or declare the column as text."
            ) from None
        raise explain(error, f"The load of {path.name} into {target}") from None


def _document_fault(error: DriverError, plan: list[Sent]) -> str:
    """What is wrong with a document, where MariaDB has only said that a constraint does not hold."""
    broken = (s.name for s in plan if s.target.is_document and f".{s.name}` failed" in str(error))
    return next((f"column {name!r} holds what is no JSON" for name in broken), "")


def permits_local(session: MySQLSession) -> bool:
    """Whether the server takes files from its clients; asked, and logged, once per warehouse."""
    known = session.database.permits_local
    if known is None:
        known = bool(session.ask("select @@global.local_infile"))
        _decide(session, known, f"local_infile is {'on' if known else 'off'} at the server")
    return known


def _decide(session: MySQLSession, permits: bool, reason: str) -> None:
    session.database.permits_local = permits
    method = "LOAD DATA LOCAL INFILE" if permits else "inserts of many rows, which take several times as long"
    logger.info("Bulk loads into %s go by %s: %s.", session.database.title, method, reason)


def _target_columns(session: MySQLSession, target: str) -> dict[str, TargetColumn]:
    # information_schema does not show temporary tables.
    shown = session.rows(f"show full columns from {target}")
    return {
        row["Field"]: TargetColumn(without_width(row["Type"]), is_document(row["Type"], row["Collation"]))
        for row in shown
    }


@contextmanager
def _as_one(session: MySQLSession) -> Iterator[None]:
    """All rows or none, also in a session whose every statement is a transaction."""
    if not session.is_autocommit:
        yield
        return
    session.run("start transaction")
    try:
        yield
        session.run("commit")
    except BaseException:
        with suppress(DriverError):
            session.run("rollback")
        raise


def _load_data(session: MySQLSession, target: str, path: Path, plan: list[Sent]) -> int:
    with tempfile.TemporaryDirectory(prefix="etl-load-") as folder:
        fifo = Path(folder) / "rows"
        os.mkfifo(fifo, 0o600)
        session.connection.set_allow_local_infile_in_path(folder)
        feed = _Feed(fifo, path, plan)
        try:
            with feed:
                session.execute(_statement(session, target, fifo, plan))
        except DriverError:
            # The server tells of the end of a file that broke off.
            if feed.error:
                raise feed.error from None
            raise
        if feed.error:
            raise feed.error
        taken = session.rowcount
        if session.warning_count:
            _refuse(session, path, target, session.warning_count)
        _require_all(taken, feed.row_count, path, target)
        return taken


def _statement(session: MySQLSession, target: str, fifo: Path, plan: list[Sent]) -> str:
    """Documents pass through a variable: MySQL makes none of bytes, as which all fields come."""
    places, settings = [], []
    for number, sent in enumerate(plan):
        name = session.identifier(sent.name)
        places.append(f"@field_{number}" if sent.target.is_document else name)
        if sent.target.is_document:
            settings.append(f"{name} = convert(@field_{number} using utf8mb4)")
    return (
        f"load data local infile {text_literal(str(fifo)).replace('%', '%%')} into table {target}"
        r" character set binary fields terminated by '\t' escaped by '\\' lines terminated by '\n'"
        f" ({', '.join(places)}){' set ' if settings else ''}{', '.join(settings)}"
    )


def _insert(session: MySQLSession, target: str, path: Path, plan: list[Sent]) -> int:
    count = 0
    for piece in pieces(path, plan):
        rows = zip(*(column.to_pylist() for column in piece.columns), strict=True)
        session.insert(target, [sent.name for sent in plan], rows)
        count += piece.num_rows
    return count


def _refuse(session: MySQLSession, path: Path, target: str, count: int) -> None:
    """Raise what the server warned of, as if it were an error."""
    found = session.rows("show warnings")
    told = message_without_values(int(found[0]["Code"]), found[0]["Message"]) if found else "it does not say"
    raise ReleaseRefused(
        f"The load of {path.name} into {target}: the server warned {count:,} times: {told}",
        "Nothing was published; report this with the version of the server.",
    )


def _require_all(taken: int, sent: int, path: Path, target: str) -> None:
    if taken != sent:
        raise ReleaseRefused(
            f"The load of {path.name} into {target}: {sent:,} rows were sent, but the server took {taken:,}.",
            "Nothing was published; report this with the version of the server.",
        )


def _is_not_permitted(error: DriverError) -> bool:
    return number_of(error) in _NOT_PERMITTED or _REFUSED_BY_DRIVER in str(error)


class _Feed:
    """A thread that writes the rows of a file into a pipe, once somebody reads it."""

    def __init__(self, fifo: Path, path: Path, plan: list[Sent]) -> None:
        self.error: Exception | None = None
        self.row_count = 0
        self._fifo, self._path, self._plan = fifo, path, plan
        self._is_over = threading.Event()
        self._thread = threading.Thread(target=self._run, name="load-data", daemon=True)

    def __enter__(self) -> _Feed:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        # The driver has closed its end, or never opened it.
        self._is_over.set()
        self._thread.join()

    def _run(self) -> None:
        pipe = self._opened()
        if pipe is None:
            return
        try:
            for piece in pieces(self._path, self._plan):
                self._write(pipe, encoded(piece, self._plan))
                self.row_count += piece.num_rows
        except BrokenPipeError:
            pass  # the driver has stopped reading, and says why
        except Exception as error:  # whatever it is, it is for the thread that loads
            self.error = error
        finally:
            os.close(pipe)

    def _opened(self) -> int | None:
        """The end to write to, as soon as there is one to read from; None where none came."""
        seconds = 0.0005
        while not self._is_over.wait(seconds):
            try:
                pipe = os.open(self._fifo, os.O_WRONLY | os.O_NONBLOCK)
            except OSError as error:
                if error.errno != errno.ENXIO:
                    self.error = error
                    return None
                seconds = min(2 * seconds, 0.05)
            else:
                os.set_blocking(pipe, True)
                with suppress(OSError, AttributeError):  # more than the usual 64 kB where the system has it
                    fcntl.fcntl(pipe, fcntl.F_SETPIPE_SZ, _PIPE_BYTES)
                return pipe
        return None

    def _write(self, pipe: int, data: memoryview) -> None:
        while data:
            data = data[os.write(pipe, data) :]
