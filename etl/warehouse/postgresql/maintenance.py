"""What keeps the warehouse small and quick: old audit rows go, statistics are made anew."""

from __future__ import annotations

from datetime import datetime

from psycopg2.extensions import cursor as Cursor

from etl.identifiers import quote_postgresql
from etl.warehouse.postgresql.statements import render_named

# Staging is dropped with its run, and the marts are built anew by the next one.
ANALYZED_SCHEMAS = ["audit", "history", "replica", "warehouse"]


def forget_runs(cursor: Cursor, before: datetime) -> dict[str, int]:
    """Delete what the audit tables say of runs that ended before an instant.

    Watermarks, the ledger of files, open quarantine and each table's newest reconciliation stay, and so
    do the runs that they name.

    Returns:
        Audit table -> rows deleted.
    """
    deleted = {}
    for table, statement in render_named("maintenance/forget_runs.sql").items():
        cursor.execute(statement, {"before": before})
        deleted[table] = cursor.rowcount
    return deleted


def analyze_changed(cursor: Cursor) -> list[str]:
    """Make the statistics anew of tables that changed since theirs were made; the names of the tables."""
    cursor.execute(
        "select schemaname, relname from pg_stat_user_tables"
        " where schemaname = any(%s) and n_mod_since_analyze > 0 order by 1, 2",
        (ANALYZED_SCHEMAS,),
    )
    changed = cursor.fetchall()
    for schema, table in changed:
        cursor.execute(f"analyze {quote_postgresql(schema, table)}")
    return [f"{schema}.{table}" for schema, table in changed]
