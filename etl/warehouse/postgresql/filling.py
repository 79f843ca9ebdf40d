"""Fills an empty table as a whole: its indexes and keys are made once, after its rows.

Row by row, the four foreign keys of a fact cost as much as all else about its insert; checked as a whole
they cost a join each. Its two unique keys, made at once, cost a quarter of what they do row by row. The rows
are held against the same constraints, before anybody can see them.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from etl.warehouse.postgresql.session import PostgreSQLSession

# Below so many rows there is nothing to gain.
WORTHWHILE_ROWS = 10_000


@contextmanager
def filled_whole(session: PostgreSQLSession, schema: str, relation: str, rows: int) -> Iterator[None]:
    """Let the block insert so many rows without indexes and keys, where the table is empty.

    Where the account does not own the table, or somebody reads it or one that it refers to just now, the
    block inserts as ever: nobody is made to wait for what is only quicker. A key that something else
    relies on stays.
    """
    if rows < WORTHWHILE_ROWS:
        yield
        return
    sql = session.render_named("staging/fill_whole.sql", schema=schema, relation=relation)
    names = {"schema": schema, "relation": relation}
    if not _holds_alone(session, sql, names):
        yield
        return
    session.execute(sql["find"], names)
    found = session.fetchall()
    for drop, _ in found:
        session.execute(drop.replace("%", "%%"))
    yield
    for _, create in found:
        session.execute(create.replace("%", "%%"))


def _holds_alone(session: PostgreSQLSession, sql: dict[str, str], names: dict[str, str]) -> bool:
    """Whether the table is empty, ours, and read by nobody: then it is locked, and those it refers to."""
    session.execute(sql["may_fill"], names)
    if session.fetchone() != (True,):
        return False
    session.execute(sql["referred"], names)
    relations = [
        session.identifier(names["schema"], names["relation"]),
        *(name.replace("%", "%%") for (name,) in session.fetchall()),
    ]
    return session.attempt(
        f"lock table {', '.join(relations)} in access exclusive mode nowait", "busy", "forbidden"
    )
