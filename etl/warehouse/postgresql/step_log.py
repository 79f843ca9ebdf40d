"""The transformation log: from the parts of a run into its staging, and from there into ``audit``."""

from __future__ import annotations

from collections.abc import Iterable

from psycopg2.extensions import cursor as Cursor
from psycopg2.extras import execute_values

from etl.handles import Run, StepCount
from etl.identifiers import quote_postgresql
from etl.warehouse.postgresql.statements import render


def stage_steps(cursor: Cursor, schema: str, table: str, part: str, steps: Iterable[StepCount]) -> None:
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
    execute_values(cursor, f"insert into {quote_postgresql(schema, '_steps')} values %s", rows)


def keep_steps(cursor: Cursor, run: Run) -> None:
    """Add up the parts of each table and keep the run's log, also of a run that published nothing."""
    cursor.execute("select to_regclass(%s)", (quote_postgresql(run.staging_schema, "_steps"),))
    row = cursor.fetchone()
    if row and row[0]:
        cursor.execute(render("staging/keep_steps.sql", schema=run.staging_schema), {"run_id": run.run_id})
