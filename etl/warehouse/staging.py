"""Staging: one schema per run, one table per source table (laws R7, S10, S11).

Staged tables have the same names in every run, as each run has a schema of its own for them; it is
dropped at the end, and one that a killed run left is swept by a later run.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

from etl.catalog import SourceTable
from etl.errors import ReleaseRefused
from etl.handles import PreparedFile, Run, StagedTable
from etl.warehouse.database import Session
from etl.warehouse.expression_columns import add_expression_columns, explained_values
from etl.warehouse.seen import Seen
from etl.warehouse.step_log import stage_steps

SCHEMA_PREFIX = "staging_"
PART_COLUMNS = (
    *("relation", "part", "row_count", "rejected_count", "dropped_count", "seconds", "file", "fault"),
)
REJECT_COLUMNS = ["payload", "column_name", "reason"]
# So many rows that a rule blames are sent with one statement.
BLAMED_ROWS = 50_000


def create_staging(session: Session, run: Run, tables: list[SourceTable]) -> None:
    """Create the run's staging schema with a table per source table, and its quarantine."""
    for table in tables:
        columns = {
            name: column.type for name, column in table.staged_columns.items() if column.expression is None
        }
        keys = {name: table.columns[name].type for name in table.key}
        compares_keys = table.deletes == "compare"
        indexed = dict.fromkeys([table.grain, *([table.key] if compares_keys else [])])
        indexes = [{name: columns[name] for name in names if name in columns} for names in indexed]
        session.execute(
            session.render(
                "staging/tables.sql",
                schema=run.staging_schema,
                relation=table.relation,
                columns=columns,
                keys_relation=table.keys_relation if compares_keys else "",
                key=keys,
                indexes=[index for index in indexes if index],
                indexed={name for index in indexes for name in index},
                becomes_copy=is_first_load(session, table),
            ),
        )
        add_expression_columns(session, run.staging_schema, table)


def is_first_load(session: Session, table: SourceTable) -> bool:
    """Whether the table has a copy that is empty and could be replaced by what is staged."""
    if not table.replica or not table.key or table.grain != table.key or table.generated_columns:
        return False
    return not session.has_rows("replica", table.replica_relation)


def load_part(session: Session, prepared: PreparedFile, table: SourceTable, schema: str) -> None:
    """Load a prepared file, and its rejects, into staging in one transaction, once however often tried.

    Raises:
        ContractError: An expression column cannot be computed for a row.
    """
    extract = prepared.landed.extract
    keys_only = extract.kind == "keys"
    relation = table.keys_relation if keys_only else table.relation
    columns = [*(table.key if keys_only else table.prepared_columns), "_cursor"]
    seconds = prepared.landed.seconds + prepared.seconds
    parts = session.identifier(schema, "_parts")
    part = (
        relation,
        extract.part,
        prepared.row_count,
        prepared.rejected_count,
        prepared.dropped_count,
        seconds,
        extract.file.path if extract.file else None,
        prepared.landed.fault or None,
    )
    if not session.insert_once(parts, PART_COLUMNS, part):
        return
    stage_steps(session, schema, prepared.table, extract.part, prepared.steps)
    with explained_values(session, table):
        session.load(session.database.quote(schema, relation), prepared.path, columns)
    if prepared.rejected_count:
        _load_rejects(session, table, schema, prepared.rejects_path)


def settle_table(
    session: Session, staged: StagedTable, table: SourceTable, analyzed: Sequence[str] = ()
) -> StagedTable:
    """Send keyless rows and conflicting duplicates to quarantine, keep one of identical rows (S10, S11).

    Rows of a table without a key are all kept, equal ones too.

    Args:
        analyzed: Columns whose statistics are made; empty for all, as in ``Session.analyze``.
    """
    sql = session.render_named(
        "staging/settle.sql",
        schema=staged.schema,
        relation=staged.relation,
        grain=table.grain,
        grain_types={name: table.staged_columns[name].type for name in table.grain},
        json_columns=table.json_columns,
        staged=table.staged_types,
        columns=table.compared_columns,
    )
    session.analyze(staged.schema, staged.relation, analyzed)
    counts: Counter[str] = Counter()

    def run(*names: str) -> None:
        for name in names:
            counts[name] = session.count(sql[name], {"table_name": staged.table})

    if table.grain:
        run("quarantine_without_key")
        if not _is_unique(session, sql["make_unique"]):
            run("quarantine_conflicting", "drop_identical")
            _is_unique(session, sql["make_unique"])
    quarantined = counts["quarantine_without_key"] + counts["quarantine_conflicting"]
    return replace(
        staged,
        row_count=staged.row_count - quarantined - counts["drop_identical"],
        dropped_count=staged.dropped_count + counts["drop_identical"],
        quarantined_count=quarantined,
    )


def quarantine_rows(
    session: Session, staged: StagedTable, table: SourceTable, failed: dict[str, list[int]]
) -> int:
    """Move the rows that critical row rules blame into quarantine, each with all its rules (law Q2).

    Args:
        failed: Rule name -> ``_row`` values of the rows that break it.
    """
    if not any(failed.values()):
        return 0
    sql = session.render_named(
        "staging/quarantine_rows.sql",
        schema=staged.schema,
        relation=staged.relation,
        grain=table.grain,
        json_columns=table.json_columns,
        staged=table.staged_types,
    )
    session.execute(sql["open"])
    for rule, rows in enumerate(failed.values(), 1):
        for start in range(0, len(rows), BLAMED_ROWS):
            session.execute(sql["blame"], {"rule": rule, "rows": rows[start : start + BLAMED_ROWS]})
    session.analyze("", "blamed_rows")
    return session.count(sql["move"], {"table_name": staged.table, "names": list(failed)})


def follow_parents(
    session: Session, staged: StagedTable, table: SourceTable, parent: SourceTable
) -> StagedTable:
    """Let the rows of quarantined and rejected parents follow them (law Q2); drop what was superseded.

    A row whose parent is neither staged nor held back belongs to a parent that changed while it was
    read, from a source whose readers share no snapshot; the next window brings both whole. A replayed row
    whose parent was loaded comes without it.
    """
    if table.parent is None:
        return staged
    sql = session.render_named(
        "staging/follow_parents.sql",
        schema=staged.schema,
        relation=staged.relation,
        parent_relation=parent.relation,
        grain=table.grain,
        json_columns=table.json_columns,
        staged=table.staged_types,
        keys=table.parent.keys,
        types={child: table.columns[child].type for child in table.parent.keys},
    )
    values = {"table_name": staged.table, "parent": parent.qualified_name}
    orphans, superseded = session.count(sql["quarantine_orphans"], values), 0
    if staged.plan is None or staged.plan.replays != "kept":
        superseded = session.count(sql["drop_superseded"], values)
    return replace(
        staged,
        row_count=staged.row_count - orphans - superseded,
        quarantined_count=staged.quarantined_count + orphans,
        dropped_count=staged.dropped_count + superseded,
    )


def find_missed(
    session: Session, table: SourceTable, seen: Seen, schema: str, high: str | None
) -> list[tuple[object, ...]]:
    """Keys whose row the warehouse has not seen in its present state although the window lies behind it.

    Such rows changed with an old timestamp, came back with one, or were committed late (laws X1, S3, S8).
    """
    statement = session.render(
        "staging/find_missed.sql",
        schema=schema,
        relation=table.relation,
        key=table.key,
        types=table.staged_types,
        seen=seen,
        compares_cursor=table.cursor is not None,
        cursor_kind=table.cursor_kind,
    )
    session.execute(statement, {"source": table.qualified_name, "high": high})
    return list(session.fetchall())


def require_whole(session: Session, schema: str, relation: str) -> None:
    """Refuse a staged relation that lost rows: one that is not logged is empty after a crash of the server.

    Raises:
        ReleaseRefused: It holds fewer or more rows than were loaded.
    """
    loaded = part_totals(session, schema, relation).row_count
    held = session.count(f"select count(*) from {session.identifier(schema, relation)}")
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


def part_totals(session: Session, schema: str, relation: str) -> PartTotals:
    """Add up the loaded parts of a relation."""
    rows, rejected, dropped, seconds = session.row(
        "select coalesce(sum(row_count), 0), coalesce(sum(rejected_count), 0),"
        " coalesce(sum(dropped_count), 0), coalesce(sum(seconds), 0)"
        f" from {session.identifier(schema, '_parts')} where relation = %s",
        (relation,),
    )
    return PartTotals(int(rows), int(rejected), int(dropped), float(seconds))


def file_parts(session: Session, schema: str, relation: str) -> dict[str, tuple[int, str | None]]:
    """Path of each file that was staged -> its rows, rejected ones included, and its fault (law X11)."""
    session.execute(
        "select file, row_count + rejected_count + dropped_count, fault"
        f" from {session.identifier(schema, '_parts')}"
        " where relation = %s and file is not null",
        (relation,),
    )
    return {path: (int(count), fault) for path, count, fault in session.fetchall()}


def _is_unique(session: Session, make_unique: str) -> bool:
    """Whether the grain is unique; where an index proves it, that serves the joins of the release, too.

    Without one, because a key is too long for an index, the rows are grouped instead.
    """
    return session.attempt(make_unique, "not unique", "too long")


def _load_rejects(session: Session, table: SourceTable, schema: str, path: Path) -> None:
    sql = session.render_named("staging/rejects.sql", schema=schema)
    session.execute(sql["open"])
    session.load(session.database.temporary("rejected_part"), path, REJECT_COLUMNS)
    session.execute(sql["keep"], {"table_name": table.qualified_name})
