"""What keeps the warehouse small and quick: old audit rows go, statistics are made anew."""

from __future__ import annotations

from datetime import datetime

from etl.warehouse.database import Session

# Staging is dropped with its run, and the marts are built anew by the next one.
ANALYZED_SCHEMAS = ["audit", "history", "replica", "warehouse"]


def forget_runs(session: Session, before: datetime) -> dict[str, int]:
    """Delete what the audit tables say of runs that ended before an instant.

    Watermarks, the ledger of files, open quarantine and each table's newest reconciliation stay, and so
    do the runs that they name.

    Returns:
        Audit table -> rows deleted.
    """
    deleted = {}
    for table, statement in session.render_named("maintenance/forget_runs.sql").items():
        session.execute(statement, {"before": before})
        deleted[table] = session.rowcount
    return deleted


def analyze_changed(session: Session) -> list[str]:
    """Make the statistics anew of tables that changed since theirs were made; the names of the tables."""
    session.execute(session.render("maintenance/changed_tables.sql"), {"schemas": ANALYZED_SCHEMAS})
    changed = session.fetchall()
    for schema, table in changed:
        session.analyze(schema, table)
    return [f"{schema}.{table}" for schema, table in changed]
