"""What rules measured in earlier runs, from which bounds are made (law Q4)."""

from __future__ import annotations

from psycopg2.extensions import cursor as Cursor

from etl.handles import COMPARED_RUNS, Reach, Run
from etl.warehouse.postgresql.statements import render


def measured_before(cursor: Cursor, run: Run, table: str, reach: Reach) -> dict[str, list[float]]:
    """Rule name -> what it measured of the table in earlier runs like this one, the newest first.

    Only like is compared with like, and nothing is scaled: rows do not come evenly through the day, and a
    mean or an age does not grow with the window at all. A window may be a fifth shorter or a fourth longer.
    """
    cursor.execute(
        render("quality/measured_before.sql"),
        {
            "run_id": run.run_id,
            "pipeline": run.pipeline,
            "full_refresh": run.full_refresh,
            "table_name": table,
            "reads_whole": reach.reads_whole,
            "extent": reach.extent,
            "most_runs": COMPARED_RUNS,
        },
    )
    return dict(cursor.fetchall())
