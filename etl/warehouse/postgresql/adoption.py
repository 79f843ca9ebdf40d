"""A first load whose staged table becomes the copy itself, so that no row is written twice.

Staging such a table is logged from the beginning, unlike others; when it has passed the gate, its columns are
completed and it takes the place of the empty copy, with its owner and the rights on it.
"""

from __future__ import annotations

from dataclasses import replace

from psycopg2.errors import InsufficientPrivilege, LockNotAvailable
from psycopg2.extensions import cursor as Cursor

from etl.catalog import SourceTable
from etl.handles import StagedTable, TableOutcome
from etl.warehouse.postgresql.declared import replica_columns
from etl.warehouse.postgresql.dimensions import MergeScope
from etl.warehouse.postgresql.gone import is_gone
from etl.warehouse.postgresql.making import describe_replica
from etl.warehouse.postgresql.staging import is_first_load
from etl.warehouse.postgresql.statements import identifier, render_named


def can_adopt(scope: MergeScope, table: SourceTable, staged: StagedTable) -> bool:
    """Whether the staged table can become the copy, which nobody changes from here on to the commit.

    Not where the copy has rows, or something that would be lost with it, such as a view that reads it; nor
    where somebody reads it just now: no release waits for what is only quicker.
    """
    if not is_first_load(scope.cursor, table) or (staged.plan and staged.plan.replays):
        return False
    sql = _statements(scope, table)
    if not _holds_alone(scope.cursor, sql["hold"]):
        return False
    scope.cursor.execute(sql["is_possible"], {})
    row = scope.cursor.fetchone()
    return bool(row and row[0])


def count_adopted(scope: MergeScope, table: SourceTable) -> tuple[TableOutcome, TableOutcome]:
    """What becomes of the staged rows: those that say they are deleted are not in the copy (law X8).

    Returns:
        The outcome of the copy, and that of the source table (law R3).
    """
    sql = _statements(scope, table)
    scope.cursor.execute(sql["drop_flagged"], {})
    flagged = scope.cursor.rowcount
    scope.cursor.execute(sql["count"], {})
    (present,) = scope.cursor.fetchone() or (0,)
    copied = TableOutcome(table.replica_relation, "replica", inserted=present, unchanged=flagged)
    return copied, replace(copied, name=table.qualified_name, role="source")


def adopt(scope: MergeScope, table: SourceTable) -> None:
    """Let the staged table take the place of the copy; last of all, because it leaves staging with that."""
    cursor, sql = scope.cursor, _statements(scope, table)
    copy = identifier("replica", table.replica_relation)
    cursor.execute(sql["find_place"], {})
    owner, key_index, key_name = (name.replace("%", "%%") for name in cursor.fetchone() or ())
    cursor.execute(sql["find_rights"], {})
    rights = cursor.fetchall()
    for name in ("rename_cursor", "complete", "replace"):
        cursor.execute(sql[name], {})
    named = f"add constraint {key_name} primary key using index {key_index}"
    cursor.execute(f"alter table {copy} {named}", {})
    cursor.execute(f"alter table {copy} owner to {owner}", {})
    for right, grantee, passing in rights:
        cursor.execute(f"grant {right} on {copy} to {grantee.replace('%', '%%')} {passing}", {})
    describe_replica(cursor, table)


def _holds_alone(cursor: Cursor, hold: str) -> bool:
    cursor.execute("savepoint holding")
    try:
        cursor.execute(hold, {})
    except (LockNotAvailable, InsufficientPrivilege):
        cursor.execute("rollback to savepoint holding")
        return False
    return True


def _statements(scope: MergeScope, table: SourceTable) -> dict[str, str]:
    required = [name for name, column in replica_columns(table).items() if column.is_required]
    return render_named(
        "merges/replica/adopt.sql",
        staging=scope.staging,
        relation=table.relation,
        target=table.replica_relation,
        is_gone=is_gone(table, "s"),
        required=required,
        run_id=scope.run_id,
    )
