"""The calendar: days made by ``etl/transforms/calendar.py`` brought into ``dim_date`` (law F7)."""

from __future__ import annotations

import pyarrow as pa

from etl.warehouse.database import Session


def load_calendar(session: Session, days: pa.Table) -> int:
    """Insert new days and update days whose attributes differ; unchanged days are not written (law S9).

    Args:
        days: One row per day with the columns of ``dim_date``.

    Returns:
        Rows written.
    """
    columns = days.column_names
    rows = list(zip(*(days.column(name).to_pylist() for name in columns), strict=True))
    sql = session.render_named("merges/calendar.sql", columns=columns, attributes=columns[1:])
    session.execute(sql["open"])
    session.insert(session.database.temporary("calendar_days"), columns, rows)
    return int(session.single(sql["merge"]))
