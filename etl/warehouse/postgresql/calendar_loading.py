"""The calendar: days made by ``etl/transforms/calendar.py`` brought into ``dim_date`` (law F7)."""

from __future__ import annotations

import pyarrow as pa
from psycopg2.extensions import connection as Connection
from psycopg2.extras import execute_values

from etl.warehouse.postgresql.statements import render


def load_calendar(connection: Connection, days: pa.Table) -> int:
    """Insert new days and update days whose attributes differ; unchanged days are not written (law S9).

    Args:
        days: One row per day with the columns of ``dim_date``.

    Returns:
        Rows written.
    """
    columns = days.column_names
    with connection.cursor() as cursor:
        cursor.execute("create temporary table calendar_days (like warehouse.dim_date) on commit drop")
        rows = list(zip(*(days.column(name).to_pylist() for name in columns), strict=True))
        execute_values(cursor, render("merges/calendar_rows.sql", columns=columns), rows, page_size=2_000)
        cursor.execute(render("merges/calendar.sql", columns=columns, attributes=columns[1:]), {})
        return int(cursor.rowcount)
