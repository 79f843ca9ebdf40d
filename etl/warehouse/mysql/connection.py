"""Connections to the warehouse: their settings, and those that wait for the next block.

The driver's pure Python part is used everywhere: its C extension cannot be loaded on every system once
Python's ``ssl`` is, and a warehouse must not behave in two ways.
"""

from __future__ import annotations

import os
import threading
import weakref
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from typing import Any

from mysql.connector import Error as DriverError
from mysql.connector.connection import MySQLConnection

from etl.errors import ConfigError
from etl.mysql_urls import MySqlUrl, read_mysql_url
from etl.settings import Settings
from etl.warehouse.mysql.failures import explained_errors

# As many as tasks that run side by side use at once, and a few more.
MOST_IDLE = 8
VARIABLE = "ETL_WAREHOUSE_URL"
# Each file that LOAD DATA may ask this client for is allowed at its own time, see loading.py.
NO_FOLDER = "/nonexistent"
# The longest that all systems take: 24 days. Who holds a run's locks says nothing while the run goes on.
_LONGEST_SILENCE = 2_147_483
_NO_LIMIT = 31_536_000
_MOST_JOINED_BYTES = 1 << 28
_MOST_WARNINGS = 65_535
_MOST_ROWS = (1 << 64) - 1
# The names of MySQL have 64 characters; the longest begins so and is of a run's staging.
_MOST_PREFIX_CHARACTERS = 64 - len("_staging_") - 32
# Strict for all engines; zero is no date, and no call for a new number; backslashes escape.
SQL_MODE = (
    "STRICT_ALL_TABLES,ONLY_FULL_GROUP_BY,NO_ZERO_IN_DATE,NO_ZERO_DATE,ERROR_FOR_DIVISION_BY_ZERO,"
    "NO_ENGINE_SUBSTITUTION,NO_AUTO_VALUE_ON_ZERO"
)
MARIADB_COLLATION, MYSQL_COLLATION = "utf8mb4_nopad_bin", "utf8mb4_0900_bin"


@contextmanager
def connect(url: str, settings: Settings) -> Iterator[MySQLConnection]:
    """A connection in a transaction that the caller commits; closed, with all it did undone, on an error.

    One that ended well waits for the next block of this process, without locks, temporary tables and
    settings of the block before.

    Raises:
        TransientError: The server cannot be reached, or the connection was lost.
        ConfigError: The server refuses the account.
    """
    with explained_errors("The warehouse"):
        connection = _idle.take(url, settings) or open_connection(url, settings)
        try:
            yield connection
        except BaseException:
            end_connection(connection, url, settings)
            raise
        _idle.keep(url, connection)


def close_idle_connections() -> None:
    """Close what waits for the next block, such as before databases are dropped."""
    _idle.close()


def open_connection(url: str, settings: Settings) -> MySQLConnection:
    """A new connection with the project's session settings; the caller closes it.

    Raises:
        ConfigError: The URL cannot be read, or demands TLS that the connection has not.
    """
    read = read_warehouse_url(url, settings)
    connection = MySQLConnection(**read.arguments, allow_local_infile_in_path=NO_FOLDER)
    _opened.add(connection)
    # One statement at a time, whatever stands in a value.
    connection.can_consume_results = False
    try:
        set_up(connection, settings)
        if read.tls_required and not ask(connection, "show session status like 'Ssl_cipher'")[1]:
            raise ConfigError(
                f"{VARIABLE} demands TLS, the connection has none.",
                "Set up TLS on the server, or change ssl_mode in the URL.",
            )
    except BaseException:
        connection.close()
        raise
    return connection


def read_warehouse_url(url: str, settings: Settings) -> MySqlUrl:
    """The address; its database is what the names of the warehouse's databases begin with.

    Raises:
        ConfigError: The URL cannot be read, or its database cannot be such a beginning.
    """
    read = read_mysql_url(VARIABLE, url, settings)
    if f"{read.database}_".startswith("staging_"):
        # What begins so is the staging of a run.
        raise ConfigError(
            f"{VARIABLE} names a database that begins with 'staging_'.", "Give the warehouse another name."
        )
    if len(read.database) > _MOST_PREFIX_CHARACTERS:
        raise ConfigError(
            f"{VARIABLE} names a database of {len(read.database)} characters; the names of the warehouse's"
            f" databases begin with it, so that it may have {_MOST_PREFIX_CHARACTERS} at most.",
            "Give the warehouse a shorter name.",
        )
    return read


def is_mariadb(connection: MySQLConnection) -> bool:
    """Which of the two the server is."""
    return "mariadb" in str(connection.server_info or "").lower()


def set_up(connection: MySQLConnection, settings: Settings) -> None:
    """Make a session like every other, whatever the server's settings are.

    READ COMMITTED, as PostgreSQL has it: who waited for a lock sees what its holder has committed, which a
    snapshot taken before the wait would not show; and two pipelines do not lock gaps between each other's
    rows. A binary log must be of rows or mixed, as it is by default.
    """
    seconds, patience = settings.statement_timeout_seconds, settings.lock_timeout_seconds or _NO_LIMIT
    values: dict[str, Any] = {
        "sql_mode": f"'{SQL_MODE}'",
        "time_zone": "'+00:00'",
        "lock_wait_timeout": patience,
        "innodb_lock_wait_timeout": patience,
        "wait_timeout": _LONGEST_SILENCE,
        # The server must wait while rows are made here, or worked with; its defaults are less than a minute.
        "net_read_timeout": seconds,
        "net_write_timeout": seconds,
        "group_concat_max_len": _MOST_JOINED_BYTES,
        # Quotients as exact as PostgreSQL's; the default is four more digits.
        "div_precision_increment": 20,
        # Notes say that an object is there already; only warnings count, and each is shown.
        "sql_notes": 0,
        "max_error_count": _MOST_WARNINGS,
        # Each answer is whole, and each change of as many rows as it says.
        "sql_select_limit": _MOST_ROWS,
        "sql_big_selects": 1,
        "sql_safe_updates": 0,
        "default_storage_engine": "InnoDB",
    }
    if is_mariadb(connection):
        collation = MARIADB_COLLATION
        values |= {
            "max_statement_time": seconds,
            "idle_transaction_timeout": 0,
            "idle_readonly_transaction_timeout": 0,
            "idle_write_transaction_timeout": 0,
            "default_regex_flags": "''",
        }
    else:
        collation = MYSQL_COLLATION
        # Ends what reads; what writes is ended by the driver's own patience.
        values["max_execution_time"] = seconds * 1000
        # When a table was changed is asked of it, and would be a day old.
        values["information_schema_stats_expiry"] = 0
    settled = ", ".join(f"{name} = {value}" for name, value in values.items())
    connection.cmd_query(f"set names utf8mb4 collate {collation}")
    connection.cmd_query(f"set session {settled}")
    connection.cmd_query("set session transaction isolation level read committed, read write")


def ask(connection: MySQLConnection, question: str) -> tuple[Any, ...]:
    """The one row of an answer, as texts."""
    connection.cmd_query(question)
    rows: list[Any] = connection.get_rows(raw=True)[0]
    return tuple(None if value is None else value.decode() for value in rows[0])


@contextmanager
def answering(connection: MySQLConnection) -> Iterator[None]:
    """While the server works on a statement; one that is left by a signal is known as such."""
    _working.add(connection)
    try:
        yield
    except DriverError:
        _working.discard(connection)
        raise
    _working.discard(connection)


def end_connection(connection: MySQLConnection, url: str, settings: Settings) -> None:
    """Undo and close; waiting for the server, so that its locks are free when the error is seen.

    A statement that it still works on, because a signal came, would hold them for as long as it takes.
    """
    with suppress(DriverError, OSError):
        if connection in _working:
            number = connection.connection_id
            connection.shutdown()
            with closing(open_connection(url, settings)) as another:
                another.cmd_query(f"kill {number}")
        elif connection.unread_result:
            # What it still sends nobody wants; it finds out.
            connection.shutdown()
        else:
            connection.cmd_query("rollback")
            connection.cmd_reset_connection()
    connection.close()


class _Idle:
    """Connections that ended well and wait, each for a block with the same address."""

    def __init__(self) -> None:
        self._waiting: list[tuple[str, MySQLConnection]] = []
        self._lock = threading.Lock()

    def take(self, url: str, settings: Settings) -> MySQLConnection | None:
        """One that still lives, as if it were new; None where there is none."""
        while connection := self._pop(url):
            try:
                set_up(connection, settings)
            except (DriverError, OSError):  # the server has ended it meanwhile
                connection.close()
            else:
                return connection
        return None

    def keep(self, url: str, connection: MySQLConnection) -> None:
        """Let it wait without what it held; where too many wait, the oldest goes."""
        try:
            is_clean = not connection.unread_result and connection.cmd_reset_connection()
        except (DriverError, OSError):
            is_clean = False
        if not is_clean:
            connection.close()
            return
        with self._lock:
            self._waiting.append((url, connection))
            too_many = [self._waiting.pop(0)] if len(self._waiting) > MOST_IDLE else []
        for _, oldest in too_many:
            oldest.close()

    def close(self) -> None:
        """Close them all."""
        with self._lock:
            closing, self._waiting = self._waiting, []
        for _, connection in closing:
            connection.close()

    def forget(self) -> None:
        """Begin anew in a process that was forked: what waits is its parent's, as may be the lock."""
        self._waiting, self._lock = [], threading.Lock()

    def _pop(self, url: str) -> MySQLConnection | None:
        with self._lock:
            for place in reversed(range(len(self._waiting))):
                if self._waiting[place][0] == url:
                    return self._waiting.pop(place)[1]
        return None


def _leave_to_parent() -> None:
    """Let go of the connections of the process that was forked, without a word to the server.

    The driver would end them when Python frees them here.
    """
    _idle.forget()
    for connection in list(_opened):
        line = getattr(connection, "_socket", None)
        if line is not None and line.sock is not None:
            with suppress(OSError):  # one that is closed already
                os.close(line.sock.detach())
            line.sock = None


_idle = _Idle()
_working: weakref.WeakSet[MySQLConnection] = weakref.WeakSet()
_opened: weakref.WeakSet[MySQLConnection] = weakref.WeakSet()
os.register_at_fork(after_in_child=_leave_to_parent)
