"""Reads the rows of reports from one snapshot of the warehouse."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from psycopg2.extensions import TRANSACTION_STATUS_IDLE
from psycopg2.extensions import connection as Connection
from psycopg2.extras import RealDictCursor

from etl.reports.tables import Row

QUERIES = Path(__file__).parent / "queries"

_READS = re.compile(r"^-- reads: (.*)$", re.MULTILINE)
_MART = re.compile(r"\bmarts\.\w+")


class Reader:
    """Runs the queries of ``queries/`` on one cursor."""

    def __init__(self, cursor: RealDictCursor) -> None:
        self._cursor = cursor

    def rows(self, query: str, **parameters: Any) -> tuple[Row, ...]:
        """Rows of ``queries/<query>.sql``; none while a mart that its header names was never built."""
        sql = (QUERIES / f"{query}.sql").read_text(encoding="utf-8")
        if not self._are_built(_marts_of(sql)):
            return ()
        self._cursor.execute(sql, parameters or None)
        return tuple(dict(row) for row in self._cursor.fetchall())

    def _are_built(self, marts: list[str]) -> bool:
        if not marts:
            return True
        self._cursor.execute(
            "select coalesce(bool_and(to_regclass(name) is not null), true) as are_built"
            " from unnest(%s::text[]) as name",
            (marts,),
        )
        row = self._cursor.fetchone()
        return bool(row and row["are_built"])


@contextmanager
def open_reader(connection: Connection) -> Iterator[Reader]:
    """A reader of one read-only snapshot, so that no page contradicts another.

    A transaction that the caller has begun is used and goes on; one that this begins is ended.
    """
    with connection.cursor(cursor_factory=RealDictCursor) as cursor, _snapshot(connection):
        yield Reader(cursor)


def _marts_of(sql: str) -> list[str]:
    header = _READS.search(sql)
    return _MART.findall(header.group(1)) if header else []


@contextmanager
def _snapshot(connection: Connection) -> Iterator[None]:
    if connection.info.transaction_status != TRANSACTION_STATUS_IDLE:
        yield
        return
    isolation = "isolation level repeatable read, read only"
    with connection.cursor() as cursor:
        cursor.execute(f"begin {isolation}" if connection.autocommit else f"set transaction {isolation}")
        try:
            yield
        finally:
            if not connection.closed:
                cursor.execute("rollback")
