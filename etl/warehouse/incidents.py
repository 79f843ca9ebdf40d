"""Incidents and alerts: what is wrong, since when, and who was told of it."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import asdict

from etl.incidents import Incident, OpenMatter, RunEnd, SentAlert
from etl.warehouse.database import Session, from_json

SUMMARY_CHARACTERS = 4_000


def note(session: Session, end: RunEnd, declared: Collection[str]) -> None:
    """Open what the run saw first, count what it saw again, close what it showed to be over.

    Args:
        declared: Tables of the catalog; an incident of any other is closed with that reason.
    """
    sql = session.render_named("alerts/incidents.sql")
    for incident in end.seen:
        values = {
            "pipeline": incident.pipeline,
            "table_name": incident.table,
            "kind": incident.kind,
            "severity": incident.severity,
            "summary": incident.summary[:SUMMARY_CHARACTERS],
            "run_id": end.run_id,
        }
        session.execute(sql["note"], values)
    session.execute(
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
    session.execute(sql["close_undeclared"], {"run_id": end.run_id, "declared": list(declared)})


def matters(session: Session) -> list[OpenMatter]:
    """Incidents that somebody may still have to be told of, the oldest first."""
    session.execute(session.render_named("alerts/incidents.sql")["matters"])
    return [
        OpenMatter(
            number,
            Incident(*incident),
            bool(is_over),
            opened_at,
            closed_at,
            frozenset(from_json(told)),
            frozenset(from_json(over)),
        )
        for number, *incident, is_over, opened_at, closed_at, told, over in session.fetchall()
    ]


def keep(session: Session, sent: Iterable[SentAlert]) -> None:
    """Record what became of messages."""
    statement = session.render_named("alerts/incidents.sql")["keep"]
    for alert in sent:
        session.execute(statement, asdict(alert))
