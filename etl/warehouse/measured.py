"""What rules measured in earlier runs, from which bounds are made (law Q4)."""

from __future__ import annotations

from etl.handles import COMPARED_RUNS, Reach, Run
from etl.warehouse.database import Session, from_json


def measured_before(session: Session, run: Run, table: str, reach: Reach) -> dict[str, list[float]]:
    """Rule name -> what it measured of the table in earlier runs like this one, the newest first.

    Only like is compared with like, and nothing is scaled: rows do not come evenly through the day, and a
    mean or an age does not grow with the window at all. A window may be a fifth shorter or a fourth longer.
    """
    session.execute(
        session.render("quality/measured_before.sql"),
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
    return {rule: [float(value) for value in from_json(measured)] for rule, measured in session.fetchall()}
