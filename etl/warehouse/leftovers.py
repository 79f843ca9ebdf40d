"""What runs leave that were killed: a record that they are running, and a staging schema (law R7)."""

from __future__ import annotations

from etl.handles import Run
from etl.warehouse.database import Session, listed
from etl.warehouse.locks import pipeline_lock, try_lock
from etl.warehouse.staging import SCHEMA_PREFIX


def find_leftovers(session: Session) -> list[Run]:
    """Runs that stand as running or whose staging is there; those that go on are among them.

    A schema that no run recorded is not ours.
    """
    schemas = sorted(session.schemas(SCHEMA_PREFIX))
    session.execute(
        "select r.run_id, r.pipeline, r.business_date, r.full_refresh, r.staging_schema, r.is_backfill"
        f" from audit.runs as r where r.status = 'running' or r.staging_schema in ({listed(schemas)})"
        " order by r.started_at, r.run_id",
        schemas,
    )
    return [
        Run(
            run_id, pipeline, business_date, bool(full_refresh), staging_schema, is_backfill=bool(is_backfill)
        )
        for run_id, pipeline, business_date, full_refresh, staging_schema, is_backfill in session.fetchall()
    ]


def bury(session: Session, run: Run) -> None:
    """Mark a run that stands as running as killed and drop its staging; the caller holds its lock."""
    session.execute(
        f"update audit.runs set status = 'killed', finished_at = {session.database.now},"
        " error = 'found dead by a later run' where run_id = %s and status = 'running'",
        (run.run_id,),
    )
    session.drop_schema(run.staging_schema)


def bury_if_dead(session: Session, run: Run) -> bool:
    """Bury a run unless it, or another one of its pipeline, holds the lock; the caller commits."""
    if not try_lock(session, pipeline_lock(run)):
        return False
    bury(session, run)
    return True
