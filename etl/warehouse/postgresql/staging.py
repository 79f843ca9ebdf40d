"""Staging: one schema per run, one unlogged table per source table (laws R7, S10, S11).

A schema first on the search path keeps the names of staged tables the same in every run; it is
dropped at the end, and one that a killed run left is swept by a later run.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

from psycopg2.errors import ProgramLimitExceeded, UniqueViolation
from psycopg2.extensions import connection as Connection
from psycopg2.extensions import cursor as Cursor

from etl.catalog import SourceTable
from etl.catalog_types import postgresql_type
from etl.errors import ReleaseRefused
from etl.handles import PreparedFile, Run, StagedTable
from etl.identifiers import quote_postgresql
from etl.warehouse.postgresql.copying import copy_arrow
from etl.warehouse.postgresql.expression_columns import add_expression_columns, explained_values
from etl.warehouse.postgresql.seen import Seen
from etl.warehouse.postgresql.statements import render, render_named
from etl.warehouse.postgresql.step_log import stage_steps

SCHEMA_PREFIX = "staging_"
REJECT_COLUMNS = ["payload", "column_name", "reason"]


def create_staging(cursor: Cursor, run: Run, tables: list[SourceTable]) -> None:
    """Create the run's staging schema with a table per source table, and its quarantine."""
    for table in tables:
        columns = {
            name: postgresql_type(column.type)
            for name, column in table.staged_columns.items()
            if column.expression is None
        }
        keys = {name: postgresql_type(table.columns[name].type) for name in table.key}
        cursor.execute(
            render(
                "staging/tables.sql",
                schema=run.staging_schema,
                relation=table.relation,
                columns=columns,
                keys_relation=table.keys_relation if table.deletes == "compare" else "",
                key=keys,
                becomes_copy=is_first_load(cursor, table),
            ),
            {},
        )
        add_expression_columns(cursor, run.staging_schema, table)


def is_first_load(cursor: Cursor, table: SourceTable) -> bool:
    """Whether the table has a copy that is empty and could be replaced by what is staged."""
    if not table.replica or not table.key or table.grain != table.key or table.generated_columns:
        return False
    cursor.execute(f"select not exists (select from {quote_postgresql('replica', table.replica_relation)})")
    return bool(_single(cursor))


def drop_staging(cursor: Cursor, schema: str) -> None:
    """Drop one run's staging schema."""
    cursor.execute(f"drop schema if exists {quote_postgresql(schema)} cascade")


def load_part(connection: Connection, prepared: PreparedFile, table: SourceTable, schema: str) -> None:
    """COPY a prepared file, and its rejects, into staging in one transaction, once however often tried.

    Raises:
        ContractError: An expression column cannot be computed for a row.
    """
    extract = prepared.landed.extract
    keys_only = extract.kind == "keys"
    relation = table.keys_relation if keys_only else table.relation
    columns = [*(table.key if keys_only else table.prepared_columns), "_cursor"]
    seconds = prepared.landed.seconds + prepared.seconds
    with connection.cursor() as cursor:
        cursor.execute(
            f"insert into {quote_postgresql(schema, '_parts')}"
            " (relation, part, row_count, rejected_count, dropped_count, seconds, file, fault)"
            " values (%s, %s, %s, %s, %s, %s, %s, %s) on conflict do nothing",
            (
                relation,
                extract.part,
                prepared.row_count,
                prepared.rejected_count,
                prepared.dropped_count,
                seconds,
                extract.file.path if extract.file else None,
                prepared.landed.fault or None,
            ),
        )
        if not cursor.rowcount:
            return
        stage_steps(cursor, schema, prepared.table, extract.part, prepared.steps)
    with explained_values(table):
        copy_arrow(connection, quote_postgresql(schema, relation), prepared.path, columns)
    if prepared.rejected_count:
        _load_rejects(connection, table, schema, prepared.rejects_path)


def settle_table(cursor: Cursor, staged: StagedTable, table: SourceTable) -> StagedTable:
    """Send keyless rows and conflicting duplicates to quarantine, keep one of identical rows (S10, S11).

    Rows of a table without a key are all kept, equal ones too.
    """
    sql = render_named(
        "staging/settle.sql",
        schema=staged.schema,
        relation=staged.relation,
        grain=table.grain,
        columns=table.compared_columns,
    )
    cursor.execute(f"analyze {quote_postgresql(staged.schema, staged.relation)}")
    counts: Counter[str] = Counter()

    def run(*names: str) -> None:
        for name in names:
            cursor.execute(sql[name], {"table_name": staged.table})
            counts[name] = _single(cursor)

    if table.grain:
        run("quarantine_without_key")
        if not _is_unique(cursor, sql["make_unique"]):
            run("quarantine_conflicting", "drop_identical")
            _is_unique(cursor, sql["make_unique"])
    quarantined = counts["quarantine_without_key"] + counts["quarantine_conflicting"]
    return replace(
        staged,
        row_count=staged.row_count - quarantined - counts["drop_identical"],
        dropped_count=staged.dropped_count + counts["drop_identical"],
        quarantined_count=quarantined,
    )


def quarantine_rows(
    cursor: Cursor, staged: StagedTable, table: SourceTable, failed: dict[str, list[int]]
) -> int:
    """Move the rows that critical row rules blame into quarantine, each with all its rules (law Q2).

    Args:
        failed: Rule name -> ``_row`` values of the rows that break it.
    """
    if not any(failed.values()):
        return 0
    rules = [number for number, rows in enumerate(failed.values(), 1) for _ in rows]
    rows = [row for rows in failed.values() for row in rows]
    statement = render(
        "staging/quarantine_rows.sql", schema=staged.schema, relation=staged.relation, grain=table.grain
    )
    values = {"rows": _array(rows), "rules": _array(rules), "names": list(failed)}
    cursor.execute(statement, {"table_name": staged.table, **values})
    return _single(cursor)


def _array(numbers: list[int]) -> str:
    """An array as PostgreSQL reads it; value by value the driver takes longer than the statement itself."""
    return "{" + ",".join(map(str, numbers)) + "}"


def follow_parents(
    cursor: Cursor, staged: StagedTable, table: SourceTable, parent: SourceTable
) -> StagedTable:
    """Let the rows of quarantined and rejected parents follow them (law Q2); drop what was superseded.

    A row whose parent is neither staged nor held back belongs to a parent that changed while it was
    read, from a source whose readers share no snapshot; the next window brings both whole. A replayed row
    whose parent was loaded comes without it.
    """
    if table.parent is None:
        return staged
    sql = render_named(
        "staging/follow_parents.sql",
        schema=staged.schema,
        relation=staged.relation,
        parent_relation=parent.relation,
        grain=table.grain,
        keys=table.parent.keys,
        null_of={child: f"null::{postgresql_type(table.columns[child].type)}" for child in table.parent.keys},
    )
    values = {"table_name": staged.table, "parent": parent.qualified_name}
    cursor.execute(sql["quarantine_orphans"], values)
    orphans, superseded = _single(cursor), 0
    if staged.plan is None or staged.plan.replays != "kept":
        cursor.execute(sql["drop_superseded"], values)
        superseded = _single(cursor)
    return replace(
        staged,
        row_count=staged.row_count - orphans - superseded,
        quarantined_count=staged.quarantined_count + orphans,
        dropped_count=staged.dropped_count + superseded,
    )


def find_missed(
    cursor: Cursor, table: SourceTable, seen: Seen, schema: str, high: str | None
) -> list[tuple[object, ...]]:
    """Keys whose row the warehouse has not seen in its present state although the window lies behind it.

    Such rows changed with an old timestamp, came back with one, or were committed late (laws X1, S3, S8).
    """
    statement = render(
        "staging/find_missed.sql",
        schema=schema,
        relation=table.relation,
        key=table.key,
        seen=seen,
        compares_cursor=table.cursor is not None,
        cursor_type="numeric" if table.cursor_kind == "integer" else "text",
    )
    cursor.execute(statement, {"source": table.qualified_name, "high": high})
    return list(cursor.fetchall())


def require_whole(cursor: Cursor, schema: str, relation: str) -> None:
    """Refuse a staged relation that lost rows: unlogged tables come back empty after a crash of the server.

    Raises:
        ReleaseRefused: It holds fewer or more rows than were loaded.
    """
    loaded = part_totals(cursor, schema, relation).row_count
    cursor.execute(f"select count(*) from {quote_postgresql(schema, relation)}")
    held = _single(cursor)
    if held != loaded:
        raise ReleaseRefused(
            f"The staged table {relation} holds {held} rows, but {loaded} were loaded: "
            "the server lost rows in a crash.",
            "Nothing was published; run again, which reads the source again.",
        )


class PartTotals(NamedTuple):
    """What all loaded parts of a relation hold together; seconds are those of reading and preparing."""

    row_count: int
    rejected_count: int
    dropped_count: int
    seconds: float


def part_totals(cursor: Cursor, schema: str, relation: str) -> PartTotals:
    """Add up the loaded parts of a relation."""
    cursor.execute(
        "select coalesce(sum(row_count), 0), coalesce(sum(rejected_count), 0),"
        " coalesce(sum(dropped_count), 0), coalesce(sum(seconds), 0)"
        f" from {quote_postgresql(schema, '_parts')} where relation = %s",
        (relation,),
    )
    row = cursor.fetchone()
    return PartTotals(int(row[0]), int(row[1]), int(row[2]), float(row[3])) if row else PartTotals(0, 0, 0, 0)


def file_parts(cursor: Cursor, schema: str, relation: str) -> dict[str, tuple[int, str | None]]:
    """Path of each file that was staged -> its rows, rejected ones included, and its fault (law X11)."""
    cursor.execute(
        "select file, row_count + rejected_count + dropped_count, fault"
        f" from {quote_postgresql(schema, '_parts')}"
        " where relation = %s and file is not null",
        (relation,),
    )
    return {path: (int(count), fault) for path, count, fault in cursor.fetchall()}


def _is_unique(cursor: Cursor, make_unique: str) -> bool:
    """Whether the grain is unique: the index that proves it serves the joins of the release, too.

    Without one, because a key is too long for an index, the rows are grouped instead.
    """
    cursor.execute("savepoint settling")
    try:
        cursor.execute(make_unique, {})
    except (UniqueViolation, ProgramLimitExceeded):
        cursor.execute("rollback to savepoint settling")
        return False
    return True


def _load_rejects(connection: Connection, table: SourceTable, schema: str, path: Path) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "create temporary table rejected_part (payload text, column_name text, reason text)"
            " on commit drop"
        )
        copy_arrow(connection, "rejected_part", path, REJECT_COLUMNS)
        cursor.execute(
            f"insert into {quote_postgresql(schema, '_rejected')} (table_name, payload, column_name, reason)"
            " select %s, payload::jsonb, column_name, reason from rejected_part",
            (table.qualified_name,),
        )


def _single(cursor: Cursor) -> int:
    row = cursor.fetchone()
    return int(row[0]) if row else 0
