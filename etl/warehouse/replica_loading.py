"""Loads of a copy that compare nothing: all rows at once, in batches, or appended (``replica.load``)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from etl.catalog import Load
from etl.errors import ReleaseRefused
from etl.handles import TableOutcome
from etl.warehouse.database import Session


def load_rows(session: Session, load: Load, names: dict[str, Any], run_id: str) -> TableOutcome:
    """Bring all staged rows into the copy; rows that say they are deleted leave it (law X8).

    Args:
        names: What ``merges/replica/load.sql`` is filled in with.

    Returns:
        What became of the copy: inserted, updated, unchanged = left as they were, removed.

    Raises:
        ReleaseRefused: A row whose key is there already was to be appended.
    """
    sql = session.render_named("merges/replica/load.sql", **names)
    total, known, flagged = session.row(sql["count_rows"])
    if load.method == "bulk" and known:
        raise ReleaseRefused(
            f"replica.{names['target']}: {known} of {total} rows to append have a key that is there already.",
            "Nothing was published. 'load: {method: bulk}' is for rows that never change; let the table's"
            " catalog file say 'merge' or 'upsert'.",
        )
    session.execute(sql["remove_flagged"])
    removed = session.rowcount
    statement = sql["append" if load.method == "bulk" else f"on_duplicate_{_action(load)}"]
    for after, upto in _batches(session, load, sql["last_row"]):
        session.execute(statement, {"run_id": run_id, "after": after, "upto": upto})
    is_updated = _action(load) == "update"
    return TableOutcome(
        names["target"],
        "replica",
        inserted=total - known,
        updated=known if is_updated else 0,
        unchanged=flagged - removed + (0 if is_updated else known),
        removed=removed,
    )


def _action(load: Load) -> str:
    return load.on_duplicate if load.method == "insert" else "update"


def _batches(session: Session, load: Load, last_row: str) -> Iterator[tuple[int, int]]:
    """Numbers of staged rows from one, exclusive, up to another: all at once but for inserts in batches."""
    last = int(session.single(last_row) or 0)
    size = load.batch_rows if load.method == "insert" else max(last, 1)
    for after in range(0, last, size):
        yield after, min(after + size, last)
