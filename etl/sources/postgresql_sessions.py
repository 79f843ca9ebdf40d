"""What PostgreSQL says about its clock and about the transactions of others."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import datetime
from typing import Any

from psycopg2.extensions import connection as Connection

from etl.catalog import SourceTable
from etl.errors import SourceError
from etl.sources.clocks import SourceClock, await_end
from etl.sources.connections import READER_NAME

SEE_SESSIONS = "Grant pg_read_all_stats to the account"
# A session publishes the start of its transaction some microseconds after it has read its clock.
_PUBLISHING_SECONDS = 0.05
_CLOCK = """
    select
        timezone('UTC', clock_timestamp()),
        pg_is_in_recovery(),
        timezone('UTC', pg_last_xact_replay_timestamp()),
        pg_has_role(current_user, 'pg_read_all_stats', 'usage')
"""
# All open transactions, also those that have written nothing yet: what they write later bears their start.
# Of a prepared one only the preparation is on record; its start is taken to be an hour earlier.
_OPEN_TRANSACTIONS = """
    select a.pid::text || ' ' || a.xact_start::text, timezone('UTC', a.xact_start)
    from pg_stat_activity as a
    where a.xact_start is not null
        and a.datname = current_database()
        and a.backend_type not in ('autovacuum worker', 'walsender', 'parallel worker')
        and a.pid <> pg_backend_pid()
        and not (a.application_name = %s and a.usename = session_user and a.backend_xid is null)
    union all
    select p.gid, timezone('UTC', p.prepared - interval '1 hour')
    from pg_prepared_xacts as p
    where p.database = current_database()
"""


def read_clock(connection: Connection) -> SourceClock:
    """The clock, then the open transactions: the order that :mod:`etl.sources.clocks` explains."""
    now, is_standby, replayed_at, sees_sessions = one_row(connection, _CLOCK)
    time.sleep(_PUBLISHING_SECONDS)
    started = [started_at for _, started_at in _open_transactions(connection)]
    # A standby shows none of the primary's transactions, and its time is that of the last one replayed.
    now = replayed_at or now if is_standby else now
    return SourceClock(now, min(started, default=None), sees_sessions and not is_standby)


def await_writers(connection: Connection, table: SourceTable, clock: SourceClock, wait_seconds: int) -> None:
    """Wait for the transactions that are open now; see :func:`etl.sources.clocks.await_end`."""
    await_end(table, clock, wait_seconds, lambda: {name for name, _ in _open_transactions(connection)})


def one_row(connection: Connection, statement: str) -> tuple[Any, ...]:
    """The only row of a statement that is complete: without parameters, names and values in place."""
    with connection.cursor() as cursor:
        cursor.execute(statement)
        row = cursor.fetchone()
    if row is None:
        raise SourceError("The source answered a question of one row with none.", "Look at the server's log.")
    return row


def literal(connection: Connection) -> Callable[[str], str]:
    """Binds single texts by the driver, as the settings of this session require."""

    def bind(value: str) -> str:
        with connection.cursor() as cursor:
            bound: bytes = cursor.mogrify("%s", (value,))
        return bound.decode("utf-8")

    return bind


def _open_transactions(connection: Connection) -> list[tuple[str, datetime]]:
    with connection.cursor() as cursor:
        cursor.execute(_OPEN_TRANSACTIONS, (READER_NAME,))
        return cursor.fetchall()
