"""Incidents and alerts: what is wrong, since when, and who was told of it."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import asdict

from psycopg2.extensions import cursor as Cursor

from etl.incidents import Incident, OpenMatter, RunEnd, SentAlert
from etl.warehouse.postgresql.statements import render_named

SUMMARY_CHARACTERS = 4_000


def note(cursor: Cursor, end: RunEnd, declared: Collection[str]) -> None:
    """Open what the run saw first, count what it saw again, close what it showed to be over.

    Args:
        declared: Tables of the catalog; an incident of any other is closed with that reason.
    """
    sql = render_named("alerts/incidents.sql")
    for incident in end.seen:
        values = {
            "pipeline": incident.pipeline,
            "table_name": incident.table,
            "kind": incident.kind,
            "severity": incident.severity,
            "summary": incident.summary[:SUMMARY_CHARACTERS],
            "run_id": end.run_id,
        }
        cursor.execute(sql["note"], values)
    cursor.execute(
        sql["close"],
        {
            "run_id": end.run_id,
            "pipeline": end.pipeline,
            "succeeded": end.succeeded,
            "judged": list(end.judged),
            "is_reconciliation": end.about == "reconciliation",
            "seen_tables": [incident.table for incident in end.seen],
            "seen_kinds": [incident.kind for incident in end.seen],
        },
    )

    cursor.execute(sql["close_undeclared"], {"run_id": end.run_id, "declared": list(declared)})


def matters(cursor: Cursor) -> list[OpenMatter]:
    """Incidents that somebody may still have to be told of, the oldest first."""
    cursor.execute(render_named("alerts/incidents.sql")["matters"], {})
    return [
        OpenMatter(
            number, Incident(*incident), is_over, opened_at, closed_at, frozenset(told), frozenset(over)
        )
        for number, *incident, is_over, opened_at, closed_at, told, over in cursor.fetchall()
    ]


def keep(cursor: Cursor, sent: Iterable[SentAlert]) -> None:
    """Record what became of messages."""
    statement = render_named("alerts/incidents.sql")["keep"]
    for alert in sent:
        cursor.execute(statement, asdict(alert))
