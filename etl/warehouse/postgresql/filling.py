"""Fills an empty table as a whole: its indexes and foreign keys are made once, after its rows.

Row by row, the four foreign keys of a fact cost as much as all else about its insert; checked as a whole
they cost a join each. The rows are held against the same constraints, before anybody can see them.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg2.errors
from psycopg2.extensions import cursor as Cursor

from etl.identifiers import quote_postgresql
from etl.warehouse.postgresql.statements import render_named

# Below so many rows there is nothing to gain.
WORTHWHILE_ROWS = 10_000


@contextmanager
def filled_whole(cursor: Cursor, schema: str, relation: str, rows: int) -> Iterator[None]:
    """Let the block insert so many rows without indexes and foreign keys, where the table is empty.

    Unique keys stay. Where the account does not own the table, or somebody reads it or one that it refers
    to just now, the block inserts as ever: nobody is made to wait for what is only quicker.
    """
    sql = render_named("staging/fill_whole.sql", schema=schema, relation=relation)
    names = {"schema": schema, "relation": relation}
    if rows < WORTHWHILE_ROWS or not _holds_alone(cursor, sql, names):
        yield
        return
    cursor.execute(sql["find"], names)
    found = cursor.fetchall()
    for drop, _ in found:
        cursor.execute(drop)
    yield
    for _, create in found:
        cursor.execute(create)


def _holds_alone(cursor: Cursor, sql: dict[str, str], names: dict[str, str]) -> bool:
    """Whether the table is empty, ours, and read by nobody: then it is locked, and those it refers to."""
    cursor.execute(sql["may_fill"], names)
    if cursor.fetchone() != (True,):
        return False
    cursor.execute(sql["referred"], names)
    relations = [
        quote_postgresql(names["schema"], names["relation"]),
        *(name for (name,) in cursor.fetchall()),
    ]
    cursor.execute("savepoint fill_whole")
    try:
        cursor.execute(f"lock table {', '.join(relations)} in access exclusive mode nowait")
    except (psycopg2.errors.LockNotAvailable, psycopg2.errors.InsufficientPrivilege):
        cursor.execute("rollback to savepoint fill_whole")
        return False
    finally:
        cursor.execute("release savepoint fill_whole")
    return True
