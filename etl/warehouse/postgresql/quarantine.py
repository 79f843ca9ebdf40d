"""The quarantine in ``audit``: what releases keep and settle there, and what people see and discard (Q2, Q3).

An entry is settled in the release that loads its row and nowhere else, so that each row is loaded exactly
once, however many replays run and wherever one of them dies.
"""

from __future__ import annotations

import json
from typing import Any

from psycopg2.extensions import cursor as Cursor

from etl.catalog import Catalog, SourceTable
from etl.errors import ReleaseRefused
from etl.handles import Run, StagedTable
from etl.held_back import HeldBackGroup, HeldBackRow, Selection
from etl.warehouse.postgresql.statements import render_named
from etl.windows import instant_of

# How a table of files declares the column that names the file of a row.
SOURCE_FILE = "_source_file"
# So many new entries at once, and statements over them are planned by what was there before.
MANY_ENTRIES = 1_000


def keep_held_back(cursor: Cursor, catalog: Catalog, run: Run, staged: list[StagedTable]) -> None:
    """Copy the run's quarantine and rejected rows out of staging; what already waits there is not doubled."""
    plans = [
        {
            "table_name": table.table,
            "as_of": as_of_text(catalog, table),
            "absent": list(table.plan.absent) if table.plan else [],
            "personal": sorted(catalog.tables[table.table].personal_columns),
        }
        for table in staged
    ]
    values = {"run_id": run.run_id, "plans": json.dumps(plans)}
    sql = render_named("staging/keep_held_back.sql", schema=run.staging_schema)
    for name, statement in sql.items():
        cursor.execute(statement, values)
        if name == "keep_quarantine" and cursor.rowcount >= MANY_ENTRIES:
            cursor.execute("analyze audit.quarantine")


def settle_entries(cursor: Cursor, catalog: Catalog, run: Run, staged: StagedTable) -> None:
    """Settle the open entries whose rows this release loads, and those that it supersedes.

    Raises:
        ReleaseRefused: An entry was settled while its row was on its way.
    """
    table, is_kept = catalog.tables[staged.table], staged.plan is not None and staged.plan.replays == "kept"
    values = {
        "table_name": staged.table,
        "run_id": run.run_id,
        "kept_as_of": as_of_text(catalog, staged) if is_kept else None,
    }
    sql = render_named("quarantine/settle_entries.sql", **_settling(catalog, table, staged))
    if settled := _single(cursor, sql.pop("count_settled_meanwhile"), values):
        raise ReleaseRefused(
            f"{staged.table}: {settled} quarantined rows were discarded or replayed by somebody else"
            " while this run replayed them (law Q3).",
            "Nothing was published; replay again what is left.",
        )
    if _single(cursor, sql.pop("waits"), values):
        for statement in sql.values():
            cursor.execute(statement, values)


def read_rules(cursor: Cursor) -> dict[str, int]:
    """Rule -> entries that wait for it; none where all of them are settled."""
    cursor.execute(render_named("quarantine/read.sql")["rules"])
    return dict(cursor.fetchall())


def read_groups(cursor: Cursor, selection: Selection) -> list[HeldBackGroup]:
    """Open entries counted by table, rule and run."""
    cursor.execute(render_named("quarantine/read.sql")["groups"], {**selection.values})
    return [HeldBackGroup(**row) for row in _named_rows(cursor)]


def read_entries(cursor: Cursor, catalog: Catalog, selection: Selection, limit: int) -> list[HeldBackRow]:
    """Open entries without their payload, the oldest first."""
    values = {**selection.values, "limit": limit, "file_columns": _file_columns(catalog)}
    cursor.execute(render_named("quarantine/read.sql")["entries"], values)
    return [_row(row) for row in _named_rows(cursor)]


def read_entry(cursor: Cursor, catalog: Catalog, entry_id: int) -> HeldBackRow | None:
    """One entry with its payload, whatever became of it."""
    values = {"entry_id": entry_id, "file_columns": _file_columns(catalog)}
    cursor.execute(render_named("quarantine/read.sql")["entry"], values)
    return next((_row(row) for row in _named_rows(cursor)), None)


def discard(cursor: Cursor, selection: Selection, reason: str) -> int:
    """Settle open entries without loading them; returns how many."""
    cursor.execute(render_named("quarantine/read.sql")["discard"], {**selection.values, "reason": reason})
    return cursor.rowcount


def as_of_text(catalog: Catalog, staged: StagedTable) -> str | None:
    """The instant for which a staged table speaks, in UTC."""
    if staged.plan is None:
        return None
    zone = catalog.sources[catalog.tables[staged.table].source].time_zone
    return instant_of(staged.plan.as_of, zone).isoformat()


def _settling(catalog: Catalog, table: SourceTable, staged: StagedTable) -> dict[str, Any]:
    whole = any(not fact.columns and table.qualified_name in fact.tables for fact in catalog.facts.values())
    parent = table.parent if whole else None
    return {
        "schema": staged.schema,
        "relation": staged.relation,
        "key": table.key,
        "is_latest": not _keeps_history(catalog, table),
        "has_latest": any(f.latest_by and table.qualified_name in f.tables for f in catalog.facts.values()),
        "cursor_type": "numeric" if table.cursor_kind == "integer" else "text",
        "parent": parent and {"relation": catalog.tables[parent.table].relation, "keys": dict(parent.keys)},
    }


def _keeps_history(catalog: Catalog, table: SourceTable) -> bool:
    """Whether an older state of a row is an event of its own, and not only one that a newer one replaced."""
    return any(
        event.table == table.qualified_name and event.effective_at is not None
        for dimension in catalog.dimensions.values()
        for event in dimension.events
    )


def _file_columns(catalog: Catalog) -> str:
    named = {
        name: next((c for c, column in table.columns.items() if column.source_name == SOURCE_FILE), None)
        for name, table in catalog.tables.items()
    }
    return json.dumps({name: column for name, column in named.items() if column})


def _row(row: dict[str, Any]) -> HeldBackRow:
    return HeldBackRow(**{**row, "rules": tuple(row["rules"])})


def _named_rows(cursor: Cursor) -> list[dict[str, Any]]:
    names = [column.name for column in cursor.description or ()]
    return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


def _single(cursor: Cursor, statement: str, values: dict[str, Any]) -> Any:
    cursor.execute(statement, values)
    row = cursor.fetchone()
    return row[0] if row else None
