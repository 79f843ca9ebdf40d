"""The quarantine in ``audit``: what releases keep and settle there, and what people see and discard (Q2, Q3).

An entry is settled in the release that loads its row and nowhere else, so that each row is loaded exactly
once, however many replays run and wherever one of them dies.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from etl.catalog import Catalog, SourceTable
from etl.errors import ReleaseRefused
from etl.handles import Run, StagedTable
from etl.held_back import HeldBackGroup, HeldBackRow, Selection
from etl.warehouse.database import Session, from_json
from etl.windows import instant_of

# How a table of files declares the column that names the file of a row.
SOURCE_FILE = "_source_file"
# So many new entries at once, and statements over them are planned by what was there before.
MANY_ENTRIES = 1_000


def keep_held_back(session: Session, catalog: Catalog, run: Run, staged: list[StagedTable]) -> None:
    """Copy the run's quarantine and rejected rows out of staging; what already waits there is not doubled."""
    plans = [
        {
            "table_name": table.table,
            "as_of": spoke_at.isoformat() if (spoke_at := as_of(catalog, table)) else None,
            "absent": list(table.plan.absent) if table.plan else [],
            "personal": sorted(catalog.tables[table.table].personal_columns),
        }
        for table in staged
    ]
    values = {"run_id": run.run_id, "plans": json.dumps(plans)}
    absent = {str(plan["table_name"]): plan["absent"] for plan in plans if plan["absent"]}
    sql = session.render_named("staging/keep_held_back.sql", schema=run.staging_schema, absent=absent)
    for name, statement in sql.items():
        session.execute(statement, values)
        if name == "keep_quarantine" and session.rowcount >= MANY_ENTRIES:
            session.analyze("audit", "quarantine")


def settle_entries(session: Session, catalog: Catalog, run: Run, staged: StagedTable) -> None:
    """Settle the open entries whose rows this release loads, and those that it supersedes.

    Raises:
        ReleaseRefused: An entry was settled while its row was on its way.
    """
    table, is_kept = catalog.tables[staged.table], staged.plan is not None and staged.plan.replays == "kept"
    values = {
        "table_name": staged.table,
        "run_id": run.run_id,
        "kept_as_of": as_of(catalog, staged) if is_kept else None,
    }
    sql = session.render_named("quarantine/settle_entries.sql", **_settling(catalog, table, staged))
    if settled := session.single(sql.pop("count_settled_meanwhile"), values):
        raise ReleaseRefused(
            f"{staged.table}: {settled} quarantined rows were discarded or replayed by somebody else"
            " while this run replayed them (law Q3).",
            "Nothing was published; replay again what is left.",
        )
    if session.single(sql.pop("waits"), values):
        for statement in sql.values():
            session.execute(statement, values)


def read_rules(session: Session) -> dict[str, int]:
    """Rule -> entries that wait for it; none where all of them are settled."""
    session.execute(_questions(session)["rules"])
    return dict(session.fetchall())


def read_groups(session: Session, selection: Selection) -> list[HeldBackGroup]:
    """Open entries counted by table, rule and run."""
    statement = _questions(session)["groups"]
    return [HeldBackGroup(**row) for row in session.rows(statement, selection.values)]


def read_entries(session: Session, catalog: Catalog, selection: Selection, limit: int) -> list[HeldBackRow]:
    """Open entries without their payload, the oldest first."""
    columns = _file_columns(catalog)
    values = {**selection.values, "limit": limit, "file_columns": json.dumps(columns)}
    return [_row(row) for row in session.rows(_questions(session, columns)["entries"], values)]


def read_entry(session: Session, catalog: Catalog, entry_id: int) -> HeldBackRow | None:
    """One entry with its payload, whatever became of it."""
    columns = _file_columns(catalog)
    values = {"entry_id": entry_id, "file_columns": json.dumps(columns)}
    rows = session.rows(_questions(session, columns)["entry"], values)
    return next((_row(row) for row in rows), None)


def discard(session: Session, selection: Selection, reason: str) -> int:
    """Settle open entries without loading them; returns how many."""
    session.execute(_questions(session)["discard"], {**selection.values, "reason": reason})
    return session.rowcount


def as_of(catalog: Catalog, staged: StagedTable) -> datetime | None:
    """The instant for which a staged table speaks, in UTC."""
    if staged.plan is None:
        return None
    zone = catalog.sources[catalog.tables[staged.table].source].time_zone
    return instant_of(staged.plan.as_of, zone)


def _settling(catalog: Catalog, table: SourceTable, staged: StagedTable) -> dict[str, Any]:
    whole = any(not fact.columns and table.qualified_name in fact.tables for fact in catalog.facts.values())
    parent = table.parent if whole else None
    return {
        "schema": staged.schema,
        "relation": staged.relation,
        "key": table.key,
        "staged": table.staged_types,
        "is_latest": not _keeps_history(catalog, table),
        "has_latest": any(f.latest_by and table.qualified_name in f.tables for f in catalog.facts.values()),
        "cursor_kind": table.cursor_kind,
        "parent": parent and {"relation": catalog.tables[parent.table].relation, "keys": dict(parent.keys)},
    }


def _keeps_history(catalog: Catalog, table: SourceTable) -> bool:
    """Whether an older state of a row is an event of its own, and not only one that a newer one replaced."""
    return any(
        event.table == table.qualified_name and event.effective_at is not None
        for dimension in catalog.dimensions.values()
        for event in dimension.events
    )


def _questions(session: Session, file_columns: Mapping[str, str] | None = None) -> dict[str, str]:
    return session.render_named("quarantine/read.sql", file_columns=file_columns or {})


def _file_columns(catalog: Catalog) -> dict[str, str]:
    """Table of files -> its column that names the file of a row."""
    named = {
        name: next((c for c, column in table.columns.items() if column.source_name == SOURCE_FILE), None)
        for name, table in catalog.tables.items()
    }
    return {name: column for name, column in named.items() if column}


def _row(row: dict[str, Any]) -> HeldBackRow:
    documents: dict[str, Any] = {name: from_json(row[name]) for name in ("row_key", "payload") if name in row}
    return HeldBackRow(**{**row, **documents, "rules": tuple(from_json(row["rules"]))})
