"""Connections to the warehouse and what its errors mean for the operator (laws P2, P5)."""

from __future__ import annotations

import os
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import NamedTuple

import psycopg2
from psycopg2 import errorcodes
from psycopg2.extensions import connection as Connection

from etl.errors import ConfigError, ContractError, ReleaseRefused, StorehouseError, TransientError
from etl.settings import Settings

DRIVER_SUFFIX = "+psycopg2"
# As many as tasks that run side by side use at once, and a few more.
MOST_IDLE = 8
# SQLSTATE: connection exception, transaction rollback, insufficient resources, operator intervention.
PASSING_CLASSES = {"08", "40", "53", "57"}
# Data exceptions and broken constraints quote values of the row.
QUOTING_CLASSES = {"22", "23"}
# The server ends the session of a machine that is gone, with its locks, after 35 s, and not after two hours.
_NOTICE_LOST_MACHINES = "-c tcp_keepalives_idle=20 -c tcp_keepalives_interval=5 -c tcp_keepalives_count=3"
# Hashed sub-selects of rules over other tables must fit, or they are looked through row by row. Each process
# of a parallel plan would hash them anew: with three of them on two cores, rules took twice as long.
_ONE_BIG_PROCESS = "-c work_mem=256MB -c max_parallel_workers_per_gather=0"
_READING = f"-c default_transaction_read_only=on {_ONE_BIG_PROCESS} -c TimeZone=UTC"


@contextmanager
def connect(url: str, settings: Settings, *, autocommit: bool = False) -> Iterator[Connection]:
    """A connection that commits when the block ends well, and is closed, with all it did undone, when not.

    Sessions speak UTC, so that no instant depends on where a worker runs. One that ended well waits for the
    next block of this process: a new one costs 10 ms, most of them for what the server then has to learn
    of its tables.

    Raises:
        TransientError: The server cannot be reached, or the connection was lost.
        ConfigError: The server refuses the account, or the schema is not there.
    """
    with explained_errors("The warehouse"):
        connection = _idle.take(url, settings) or open_connection(url, settings)
        try:
            connection.autocommit = autocommit
            yield connection
            if not autocommit:
                connection.commit()
        except BaseException:
            connection.close()
            raise
        _idle.keep(url, settings, connection)


def close_idle_connections() -> None:
    """Close what waits for the next block, such as before its database is copied or dropped."""
    _idle.close()


class _Idle:
    """Connections that ended well and wait, each for a block with the same address and session settings."""

    def __init__(self) -> None:
        self._waiting: list[tuple[tuple[object, ...], Connection]] = []
        self._lock = threading.Lock()

    def take(self, url: str, settings: Settings) -> Connection | None:
        """One that still lives, as if it were new; None where there is none."""
        purpose = _purpose(url, settings)
        while connection := self._pop(purpose):
            try:
                connection.reset()
            except psycopg2.Error:  # the server has ended it meanwhile
                connection.close()
            else:
                return connection
        return None

    def keep(self, url: str, settings: Settings, connection: Connection) -> None:
        """Let it wait; the one that has waited longest goes where there are too many."""
        if connection.closed:
            return
        with self._lock:
            self._waiting.append((_purpose(url, settings), connection))
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

    def _pop(self, purpose: tuple[object, ...]) -> Connection | None:
        with self._lock:
            for place in reversed(range(len(self._waiting))):
                if self._waiting[place][0] == purpose:
                    return self._waiting.pop(place)[1]
        return None


_idle = _Idle()
os.register_at_fork(after_in_child=_idle.forget)


def _purpose(url: str, settings: Settings) -> tuple[object, ...]:
    return url, _session_options(settings)


def open_connection(url: str, settings: Settings) -> Connection:
    """A new connection with the project's session settings; the caller closes it."""
    return psycopg2.connect(
        url.replace(DRIVER_SUFFIX, "", 1),
        connect_timeout=settings.connect_timeout_seconds,
        application_name="storehouse",
        options=_session_options(settings),
    )


def open_reader(url: str, schema: str) -> Connection:
    """A connection that only reads; the caller closes it.

    Args:
        schema: Its tables are found by their names alone; quoted.
    """
    return psycopg2.connect(
        url.replace(DRIVER_SUFFIX, "", 1),
        application_name="storehouse gate",
        options=f"-c search_path={_option(schema)} {_READING}",
    )


def _option(text: str) -> str:
    """A value within libpq's ``options``, where blanks part words."""
    return text.replace("\\", "\\\\").replace(" ", "\\ ")


def _session_options(settings: Settings) -> str:
    return (
        f"-c timezone=UTC -c statement_timeout={settings.statement_timeout_seconds}s"
        f" -c lock_timeout={settings.lock_timeout_seconds}s -c client_min_messages=warning"
        f" {_NOTICE_LOST_MACHINES}"
    )


@contextmanager
def explained_errors(what: str) -> Iterator[None]:
    """Turn driver errors into errors of this project; the URL is in none of them."""
    try:
        yield
    except StorehouseError:
        raise
    except psycopg2.Error as error:
        raise explain(error, what) from None


def explain(error: psycopg2.Error, what: str) -> StorehouseError:
    """The project's error for a driver's error, sorted by what the operator can do."""
    message = _without_values(error)
    for meaning in MEANINGS:
        if meaning.applies(error, message):
            return meaning.kind(f"{what} {meaning.problem}: {message}", meaning.remedy)
    return ReleaseRefused(
        f"{what} refused a statement ({error.pgcode or ''}): {message}",
        "Nothing was published; the message names the row or constraint.",
    )


def _without_values(error: psycopg2.Error) -> str:
    """What the server said, without the values of rows that it quotes (law P2)."""
    primary = error.diag.message_primary
    if primary is None or _class(error) not in QUOTING_CLASSES:
        return " ".join((error.pgerror or str(error)).split())
    named = [error.diag.table_name, error.diag.column_name, error.diag.constraint_name]
    return " ".join([re.sub(r': ".*', "", primary, flags=re.DOTALL), *(name for name in named if name)])


class Meaning(NamedTuple):
    """What some of the driver's errors mean; ``applies`` sees the error and its message in one line."""

    applies: Callable[[psycopg2.Error, str], bool]
    kind: type[StorehouseError]
    problem: str
    remedy: str


# The first that applies counts.
MEANINGS = (
    Meaning(
        lambda error, message: _class(error) == "28" or "password authentication failed" in message,
        ConfigError,
        "refuses the account",
        "Correct user and password in ETL_WAREHOUSE_URL.",
    ),
    Meaning(
        lambda error, message: 'database "' in message and "does not exist" in message,
        ConfigError,
        "has no such database",
        "Create the database, or correct ETL_WAREHOUSE_URL.",
    ),
    Meaning(
        lambda error, message: (
            _class(error) in PASSING_CLASSES or error.pgcode == errorcodes.LOCK_NOT_AVAILABLE
        ),
        TransientError,
        "could not go on",
        "Nothing was published; run again when the server is well.",
    ),
    Meaning(
        lambda error, message: (
            not error.pgcode and isinstance(error, (psycopg2.OperationalError, psycopg2.InterfaceError))
        ),
        TransientError,
        "cannot be reached",
        "Check that the server runs and that ETL_WAREHOUSE_URL names it.",
    ),
    Meaning(
        lambda error, message: (
            error.pgcode
            in {errorcodes.UNDEFINED_TABLE, errorcodes.UNDEFINED_COLUMN, errorcodes.INVALID_SCHEMA_NAME}
        ),
        ConfigError,
        "lacks an object",
        "Run again: each run brings the schema up to date first. If it stays, somebody removed it.",
    ),
    Meaning(
        lambda error, message: _class(error) == "22",
        ContractError,
        "met a value that it cannot work with",
        "Nothing was published; mend the value at the source, or declare the column so that it fits.",
    ),
    Meaning(
        lambda error, message: error.pgcode == errorcodes.INSUFFICIENT_PRIVILEGE,
        ConfigError,
        "forbids it",
        "Grant the role what docs/operations.md lists for it.",
    ),
)


def _class(error: psycopg2.Error) -> str:
    return (error.pgcode or "")[:2]
