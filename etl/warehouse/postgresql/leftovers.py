"""What runs leave that were killed: a record that they are running, and a staging schema (law R7)."""

from __future__ import annotations

from psycopg2.extensions import cursor as Cursor

from etl.handles import Run
from etl.warehouse.postgresql.locks import pipeline_lock, try_lock
from etl.warehouse.postgresql.staging import drop_staging


def find_leftovers(cursor: Cursor) -> list[Run]:
    """Runs that stand as running or whose staging is there; those that go on are among them.

    A schema that no run recorded is not ours.
    """
    cursor.execute(
        "select r.run_id, r.pipeline, r.business_date, r.full_refresh, r.staging_schema, r.is_backfill"
        " from audit.runs as r"
        " left join pg_namespace as n on n.nspname = r.staging_schema"
        " where r.status = 'running' or n.nspname is not null"
        " order by r.started_at, r.run_id"
    )
    return [
        Run(run_id, pipeline, business_date, full_refresh, staging_schema, is_backfill=is_backfill)
        for run_id, pipeline, business_date, full_refresh, staging_schema, is_backfill in cursor.fetchall()
    ]


def bury(cursor: Cursor, run: Run) -> None:
    """Mark a run that stands as running as killed and drop its staging; the caller holds its lock."""
    cursor.execute(
        "update audit.runs set status = 'killed', finished_at = clock_timestamp(),"
        " error = 'found dead by a later run' where run_id = %s and status = 'running'",
        (run.run_id,),
    )
    drop_staging(cursor, run.staging_schema)


def bury_if_dead(cursor: Cursor, run: Run) -> bool:
    """Bury a run unless it, or another one of its pipeline, holds the lock; the caller commits."""
    if not try_lock(cursor, pipeline_lock(run)):
        return False
    bury(cursor, run)
    return True
