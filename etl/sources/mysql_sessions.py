"""What MySQL or MariaDB says about its clock and about the transactions of others."""

from __future__ import annotations

import time
from datetime import datetime, timedelta
from typing import Any

from mysql import connector as mysql_connector
from mysql.connector.abstracts import MySQLConnectionAbstract

from etl.catalog import SourceTable
from etl.sources.clocks import SourceClock, await_end

SEE_SESSIONS = "Grant PROCESS to the account"
# InnoDB answers questions about its transactions from a copy that may be a tenth of a second old.
_PUBLISHING_SECONDS = 0.2
_ACCESS_DENIED = 1227
_CLOCK = "select utc_timestamp(6)"
# trx_started has whole seconds of the server's own zone, whatever the session's is; of two instants that
# it may mean when clocks are set back, the earlier one is taken. NOW() is a statement's start, which lies
# before that of its transaction: hence the second part, where the process list has whole seconds, too.
_OPEN_TRANSACTIONS = """
    select
        concat(t.trx_id, ' ', t.trx_started) as name,
        unix_timestamp(t.trx_started)
            - if(from_unixtime(unix_timestamp(t.trx_started) - 3600) = t.trx_started, 3600, 0) as started_at
    from information_schema.innodb_trx as t
    where t.trx_is_read_only = 0 and t.trx_mysql_thread_id <> connection_id()
    union all
    select concat('statement ', p.id, ' ', now() - interval p.time second), unix_timestamp() - p.time - 1
    from information_schema.processlist as p
    where p.command in ('Query', 'Execute')
        and p.id <> connection_id()
        and p.id not in (
            select t.trx_mysql_thread_id from information_schema.innodb_trx as t
            where t.trx_is_read_only = 1 or t.trx_autocommit_non_locking = 1
        )
"""
_EPOCH = datetime(1970, 1, 1)  # UTC without zone, like every time of the source here


def read_clock(connection: MySQLConnectionAbstract) -> SourceClock:
    """The clock, then the open transactions: the order that :mod:`etl.sources.clocks` explains."""
    with connection.cursor() as cursor:
        cursor.execute(_CLOCK)
        row: Any = cursor.fetchall()
    now = row[0][0]
    time.sleep(_PUBLISHING_SECONDS)
    try:
        started = [started_at for _, started_at in _open_transactions(connection)]
    except mysql_connector.Error as error:
        if error.errno != _ACCESS_DENIED:
            raise
        return SourceClock(now, None, sees_sessions=False)
    return SourceClock(now, min(started, default=None), sees_sessions=True)


def await_writers(
    connection: MySQLConnectionAbstract, table: SourceTable, clock: SourceClock, wait_seconds: int
) -> None:
    """Wait for the transactions that are open now; see :func:`etl.sources.clocks.await_end`."""

    def open_now() -> set[str]:
        # Older than this, and the copy that InnoDB answers from is renewed.
        time.sleep(_PUBLISHING_SECONDS)
        return {name for name, _ in _open_transactions(connection)}

    await_end(table, clock, wait_seconds, open_now)


def _open_transactions(connection: MySQLConnectionAbstract) -> list[tuple[str, datetime]]:
    with connection.cursor() as cursor:
        cursor.execute("set session time_zone = 'SYSTEM'")
        try:
            cursor.execute(_OPEN_TRANSACTIONS)
            rows: Any = cursor.fetchall()
        finally:
            cursor.execute("set session time_zone = '+00:00'")
    return [(str(name), _instant(seconds)) for name, seconds in rows]


def _instant(seconds: Any) -> datetime:
    return _EPOCH + timedelta(seconds=int(seconds))
