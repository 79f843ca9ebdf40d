"""The transformation log: from the parts of a run into its staging, and from there into ``audit``."""

from __future__ import annotations

from collections.abc import Iterable

from etl.handles import Run, StepCount
from etl.warehouse.database import Session

COLUMNS = (
    *("table_name", "part", "position", "step", "columns"),
    *("rows_before", "rows_after", "changed", "nulls_before", "nulls_after"),
)


def stage_steps(session: Session, schema: str, table: str, part: str, steps: Iterable[StepCount]) -> None:
    """Keep what steps did to one part of a table, in the run's staging."""
    rows = [
        (
            table,
            part,
            step.position,
            step.step,
            list(step.columns),
            step.rows_before,
            step.rows_after,
            step.changed,
            step.nulls_before,
            step.nulls_after,
        )
        for step in steps
    ]
    session.insert(session.identifier(schema, "_steps"), COLUMNS, rows)


def keep_steps(session: Session, run: Run) -> None:
    """Add up the parts of each table and keep the run's log, also of a run that published nothing."""
    if session.exists(run.staging_schema, "_steps"):
        session.execute(
            session.render("staging/keep_steps.sql", schema=run.staging_schema), {"run_id": run.run_id}
        )
