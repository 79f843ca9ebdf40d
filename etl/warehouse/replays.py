"""Replays: entries of the quarantine chosen, and their rows brought back into staging (laws Q3, S8).

What one run held back is replayed as one batch with the ``as_of`` of then, so that each row takes the place
in history that it would have had. What cannot be loaded from what was kept of it is read from the source.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from etl.catalog import Catalog, Deduplicate, FillFromRows, FlagOutliers, JoinTable, SourceTable
from etl.catalog_types import decimal_digits
from etl.handles import Run, TablePlan
from etl.held_back import ReplayBatch, Selection
from etl.warehouse.database import Session, from_json
from etl.windows import Window, cursor_text

# Rules by which settling holds rows back, before the steps that need all rows of a batch.
EARLY_RULES = (
    "key_is_missing",
    "duplicates_conflict",
    "currency_is_unknown",
    "rate_is_missing",
    "converted_amount_does_not_fit",
)

# Types in which any kept value can stand.
_FITTING = ("text", "json")

NO_ROWS_SPEAK_OF = "2000-01-01 00:00:00.000000"


def find_batches(session: Session, catalog: Catalog, selection: Selection) -> list[ReplayBatch]:
    """What can be loaded as it was kept, by the run that held it back, the oldest first."""
    sql = session.render_named("quarantine/find.sql", **_wholes(catalog))
    session.execute(sql["find_batches"], _values(selection))
    return [
        ReplayBatch(run, tuple(sorted(from_json(tables))), count) for run, tables, count in session.fetchall()
    ]


def find_incomplete(
    session: Session, catalog: Catalog, selection: Selection, from_source: bool
) -> dict[str, int]:
    """Table -> entries that only the source can make whole, or all that are meant to be read again."""
    sql = session.render_named("quarantine/find.sql", **_wholes(catalog))
    session.execute(sql["find_incomplete"], {**_values(selection), "from_source": from_source})
    return dict(session.fetchall())


def stage_kept(
    session: Session, catalog: Catalog, run: Run, batch: ReplayBatch, selection: Selection
) -> list[TablePlan]:
    """Choose the open entries of the batch and what belongs to them, and stage their rows.

    The caller holds the tables of the run, so that no entry is settled before this run ends but by people.

    Returns:
        A plan for each table of the run, whether it got rows or not; none when nothing is left to replay.
    """
    values = {**_values(selection), "original_run": batch.original_run}
    sql = session.render_named("quarantine/choose.sql", schema=run.staging_schema, **_wholes(catalog))
    session.execute(sql["choose"], values)
    for name in run.tables:
        _take_unit(session, catalog, run, name, values)
    for name in catalog.parents_first(list(run.tables)):
        _set_misfits_apart(session, run, catalog.tables[name], catalog.tables[name].staged_columns)
        _leave_children(session, run, catalog.tables[name])
    if not session.has_rows(run.staging_schema, "_replayed"):
        return []
    session.analyze(run.staging_schema, "_replayed")
    return [_stage_table(session, catalog, run, catalog.tables[name], values) for name in run.tables]


def choose_to_read(
    session: Session, catalog: Catalog, run: Run, selection: Selection, from_source: bool
) -> int:
    """Choose the open entries of the run's tables that are read again; returns how many."""
    values = {**_values(selection), "from_source": from_source, "read_tables": list(run.tables)}
    sql = session.render_named("quarantine/choose.sql", schema=run.staging_schema, **_wholes(catalog))
    session.execute(sql["choose_to_read"], values)
    count = session.rowcount
    for table in (catalog.tables[name] for name in run.tables):
        named = {*table.key, *(table.parent.keys if table.parent else ())}
        count -= _set_misfits_apart(session, run, table, named)
    return count


def keys_to_read(session: Session, catalog: Catalog, run: Run, table: SourceTable) -> list[tuple[Any, ...]]:
    """Keys of the rows to read again of a table: its own entries, and parents of entries of its children."""
    named_in = {table.qualified_name: {column: column for column in table.key}}
    for name in catalog.children_of(table.qualified_name):
        parent = catalog.tables[name].parent
        named_in[name] = {own: child for child, own in parent.keys.items()} if parent else {}
    names = {"schema": run.staging_schema, "relation": table.relation, "key": table.key}
    statement = session.render(
        "quarantine/keys_to_read.sql", named_in=named_in, staged=table.staged_types, **names
    )
    session.execute(statement)
    return list(session.fetchall())


def _take_unit(session: Session, catalog: Catalog, run: Run, name: str, values: dict[str, Any]) -> None:
    """A child brings its parent that waits, and a parent all its children that wait."""
    parent = catalog.tables[name].parent
    if parent is None:
        return
    sql = session.render_named(
        "quarantine/unit.sql",
        schema=run.staging_schema,
        child_table=name,
        parent_table=parent.table,
        keys=parent.keys,
    )
    for statement in sql.values():
        session.execute(statement, values)


def _set_misfits_apart(session: Session, run: Run, table: SourceTable, columns: Collection[str]) -> int:
    """Leave out entries with a value that no longer fits the type of its column; returns how many.

    The other entries of their batch go on; they stay open, and say which column it is.
    """
    declared = table.staged_columns
    fitted = [
        _fitting(name, declared[name].type)
        for name in declared
        if name in columns and declared[name].expression is None and declared[name].type not in _FITTING
    ]
    if not fitted:
        return 0
    names = {"schema": run.staging_schema, "table": table.qualified_name, "fitted": fitted}
    session.execute(session.render("quarantine/set_misfits_apart.sql", **names))
    return session.rowcount


def _leave_children(session: Session, run: Run, table: SourceTable) -> None:
    """What belongs to an entry that was set apart waits with it."""
    if table.parent:
        names = {"child_table": table.qualified_name, "parent_table": table.parent.table}
        sql = session.render(
            "quarantine/leave_children.sql", schema=run.staging_schema, keys=table.parent.keys, **names
        )
        session.execute(sql)


def _fitting(name: str, column_type: str) -> dict[str, Any]:
    """What must hold of a kept value: it can be read, and a decimal has no more digits than it may have."""
    column = {"name": name, "type": column_type, "limit": None, "scale": None}
    if not column_type.startswith("decimal"):
        return column
    precision, scale = decimal_digits(column_type)
    return {**column, "limit": f"1{'0' * (precision - scale)}", "scale": scale}


def _stage_table(
    session: Session, catalog: Catalog, run: Run, table: SourceTable, values: dict[str, Any]
) -> TablePlan:
    values = {**values, "table_name": table.qualified_name, "relation": table.relation}
    stored = [name for name, column in table.staged_columns.items() if column.expression is None]
    names = {"schema": run.staging_schema, "relation": table.relation, "table": table.qualified_name}
    sql = session.render_named(
        "quarantine/stage.sql",
        columns=stored,
        staged=table.staged_types,
        json_columns=table.json_columns,
        **names,
    )
    session.execute(sql["describe"], values)
    as_of, columns = session.fetchone() or (None, stored)
    for name in ("stage", "note", "mark"):
        session.execute(sql[name], values)
    return _plan(catalog, table, as_of, from_json(columns))


def _plan(
    catalog: Catalog, table: SourceTable, as_of: datetime | None, columns: Collection[str]
) -> TablePlan:
    """Columns that the catalog gained since have no value in what was kept, which NULL would not say (S6)."""
    zone = ZoneInfo(catalog.sources[table.source].time_zone)
    text = cursor_text(as_of.astimezone(zone)) if as_of else NO_ROWS_SPEAK_OF
    unkept = tuple(
        name
        for name, column in table.staged_columns.items()
        if column.expression is None and name not in columns
    )
    return TablePlan(
        table=table.qualified_name,
        watermark=None,
        window=Window(),
        as_of=text,
        compares_keys=False,
        absent=table.unknown_without(unkept),
        moves_watermark=False,
        speaks_of_now=False,
        replays="kept",
    )


def _wholes(catalog: Catalog) -> dict[str, Any]:
    """Where a row alone is not enough: parts that a fact joins, and tables with steps over all rows."""
    return {
        "parts": [
            {"child": name, "parent": parent.table, "keys": parent.keys}
            for fact in catalog.facts.values()
            for name in fact.tables
            if not fact.columns and (parent := catalog.tables[name].parent)
        ],
        "unfinished": [name for name, table in catalog.tables.items() if _needs_all_rows(table)],
    }


def _needs_all_rows(table: SourceTable) -> bool:
    return any(isinstance(x, (Deduplicate, FillFromRows, FlagOutliers, JoinTable)) for x in table.settle)


def _values(selection: Selection) -> dict[str, Any]:
    return {**selection.values, "early_rules": list(EARLY_RULES)}
