"""The calendar: days made by ``etl/transforms/calendar.py`` brought into ``dim_date`` (law F7)."""

from __future__ import annotations

import pyarrow as pa

from etl.warehouse.database import Session


def load_calendar(session: Session, days: pa.Table) -> int:
    """Insert new days and update days whose attributes differ; unchanged days are not written (law S9).

    Args:
        days: One row per day with the columns of ``dim_date``, of which the first is its key.

    Returns:
        Rows written.
    """
    columns = days.column_names
    rows = list(zip(*(days.column(name).to_pylist() for name in columns), strict=True))
    ends = {"first": rows[0][0], "last": rows[-1][0]}
    session.execute(session.render("merges/known_days.sql", columns=columns), ends)
    known = set(session.fetchall())
    changed = [row for row in rows if row not in known]
    if changed:
        relation = session.identifier("warehouse", "dim_date")
        session.insert(relation, columns, changed, key=columns[:1], update=columns[1:])
    return len(changed)
