"""A first load whose staged table becomes the copy itself, so that no row is written twice.

Staging such a table is logged from the beginning, unlike others; when it has passed the gate, its columns are
completed and it takes the place of the empty copy, with its owner and the rights on it.
"""

from __future__ import annotations

from dataclasses import replace

from etl.catalog import SourceTable
from etl.handles import StagedTable, TableOutcome
from etl.warehouse.declared import replica_columns
from etl.warehouse.dimensions import MergeScope
from etl.warehouse.gone import is_gone
from etl.warehouse.making import describe_replica
from etl.warehouse.staging import is_first_load


def can_adopt(scope: MergeScope, table: SourceTable, staged: StagedTable) -> bool:
    """Whether the staged table can become the copy, which nobody changes from here on to the commit.

    Not where the copy has rows, or something that would be lost with it, such as a view that reads it; nor
    where somebody reads it just now: no release waits for what is only quicker.
    """
    session = scope.session
    if not session.database.adopts_first_loads:
        return False
    if not is_first_load(session, table) or (staged.plan and staged.plan.replays):
        return False
    sql = _statements(scope, table)
    if not session.attempt(sql["hold"], "busy", "forbidden"):
        return False
    return bool(session.single(sql["is_possible"]))


def count_adopted(scope: MergeScope, table: SourceTable) -> tuple[TableOutcome, TableOutcome]:
    """What becomes of the staged rows: those that say they are deleted are not in the copy (law X8).

    Returns:
        The outcome of the copy, and that of the source table (law R3).
    """
    sql = _statements(scope, table)
    scope.session.execute(sql["drop_flagged"])
    flagged = scope.session.rowcount
    present = scope.session.count(sql["count"])
    copied = TableOutcome(table.replica_relation, "replica", inserted=present, unchanged=flagged)
    return copied, replace(copied, name=table.qualified_name, role="source")


def adopt(scope: MergeScope, table: SourceTable) -> None:
    """Let the staged table take the place of the copy; last of all, because it leaves staging with that."""
    session, sql = scope.session, _statements(scope, table)
    copy = scope.session.identifier("replica", table.replica_relation)
    owner, key_index, key_name = (name.replace("%", "%%") for name in session.row(sql["find_place"]))
    session.execute(sql["find_rights"])
    rights = session.fetchall()
    for name in ("rename_cursor", "complete", "replace"):
        session.execute(sql[name])
    named = f"add constraint {key_name} primary key using index {key_index}"
    session.execute(f"alter table {copy} {named}")
    session.execute(f"alter table {copy} owner to {owner}")
    for right, grantee, passing in rights:
        session.execute(f"grant {right} on {copy} to {grantee.replace('%', '%%')} {passing}")
    describe_replica(session, table)


def _statements(scope: MergeScope, table: SourceTable) -> dict[str, str]:
    required = [name for name, column in replica_columns(table).items() if column.is_required]
    return scope.session.render_named(
        "merges/replica/adopt.sql",
        staging=scope.staging,
        relation=table.relation,
        target=table.replica_relation,
        is_gone=is_gone(scope.session, table, "s"),
        required=required,
        run_id=scope.run_id,
    )
