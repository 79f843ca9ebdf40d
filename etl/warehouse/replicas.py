"""Replicas: the staged rows of a table brought into its copy as a difference (laws X1, X8, S9).

A table with a key is copied row by row; rows without one are told apart by all their columns, and
equal ones are counted. A table that was read whole is held against the whole copy.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Protocol

from etl.catalog import Load, Replica, SourceTable
from etl.handles import StagedTable, TableOutcome, TablePlan
from etl.warehouse.dimensions import MergeScope
from etl.warehouse.gone import Target, is_gone, remove_gone
from etl.warehouse.guard import Guarded, hold_guard
from etl.warehouse.replica_loading import load_rows
from etl.warehouse.staging import require_whole


class Adoption(Protocol):
    """A staged table that becomes the copy itself."""

    def count(self) -> tuple[TableOutcome, TableOutcome]:
        """What becomes of the staged rows; those that say they are deleted are not in the copy (law X8).

        Returns:
            The outcome of the copy, and that of the source table (law R3).
        """
        ...

    def finish(self) -> None:
        """Let it take the place of the copy; last of all, because it leaves staging with that."""
        ...


def merge_replica(
    scope: MergeScope, table: SourceTable, staged: StagedTable, plan: TablePlan
) -> tuple[TableOutcome, TableOutcome]:
    """Make the copy equal to what was read of the table.

    Returns:
        The outcome of the copy, and that of the source table (law R3).

    Raises:
        ReleaseRefused: More rows would go than the guard allows (law S13).
    """
    load = (table.replica or Replica()).load
    if load.method != "merge" and plan.moves_watermark and plan.replays is None:
        return load_replica(scope, table, plan, load)
    names = _names(scope, table, plan)
    file = "rows" if table.key else "whole_rows"
    scope.session.execute(scope.session.render(f"merges/replica/{file}.sql", **names))
    scope.session.analyze(scope.staging, _rows(table))
    sql = scope.session.render_named("merges/replica/apply.sql", **names)
    inserted, updated, unchanged, flagged, dropped, vanished = scope.session.row(sql["count_changes"])
    if not table.key:
        present = scope.session.count(sql["count_present"])
        hold_guard(guarded_copy(table), present, ending=max(vanished - inserted, 0))
    for name in ("remove", "update_changed", "insert_missing") if table.key else ("remove", "insert_missing"):
        scope.session.execute(sql[name], {"run_id": scope.run_id})
    gone = _remove_gone(scope, table, plan) if table.key else vanished
    merged = TableOutcome(table.replica_relation, "replica", inserted=inserted, unchanged=unchanged)
    source = replace(merged, name=staged.table, role="source", updated=updated + flagged, dropped=dropped)
    return replace(merged, updated=updated, removed=flagged + gone), source


def load_replica(
    scope: MergeScope, table: SourceTable, plan: TablePlan, load: Load
) -> tuple[TableOutcome, TableOutcome]:
    """Bring what was read into the copy as its catalog file says, and take out what is gone."""
    loaded = load_rows(scope.session, load, _names(scope, table, plan), scope.run_id)
    gone = _remove_gone(scope, table, plan) if table.key else 0
    updated = loaded.updated + loaded.removed
    source = replace(loaded, name=table.qualified_name, role="source", updated=updated, removed=0)
    return replace(loaded, removed=loaded.removed + gone), source


def _names(scope: MergeScope, table: SourceTable, plan: TablePlan) -> dict[str, Any]:
    """What the source no longer has is neither compared nor written, and so keeps its value (law S6)."""
    written = [name for name in table.staged_columns if name not in plan.absent]
    return {
        "staging": scope.staging,
        "relation": table.relation,
        "target": table.replica_relation,
        "rows": _rows(table),
        "key": table.key,
        "identity": table.key or ("_row_id",),
        "columns": [name for name in written if name not in table.key],
        "written": written,
        "types": {name: column.type for name, column in table.staged_columns.items()},
        "is_gone": is_gone(scope.session, table, "s"),
        "keeps_newer": table.cursor is not None and not plan.moves_watermark and plan.replays is None,
        "adds_only": plan.replays is not None,
        "cursor_kind": table.cursor_kind,
    }


def _remove_gone(scope: MergeScope, table: SourceTable, plan: TablePlan) -> int:
    """Rows whose key was not among all keys, or not among all rows where those were read."""
    keys = table.keys_relation
    is_read_whole = table.cursor is None and table.files is None
    if plan.compares_keys:
        require_whole(scope.session, scope.staging, keys)
        there = [keys, table.relation]
    elif is_read_whole and plan.moves_watermark and plan.speaks_of_now:
        there = [table.relation]
    else:
        return 0
    target = Target("replica", table.replica_relation, {column: column for column in table.key})
    return remove_gone(scope, table, target, there, guarded_copy(table))


def guarded_copy(table: SourceTable) -> Guarded:
    """The copy of a table and how much of it one release may remove (law S13)."""
    file = table.catalog_file
    guard = (table.replica or Replica()).guard
    return Guarded(f"rows of replica.{table.replica_relation}", file, guard, spares_few=True)


def _rows(table: SourceTable) -> str:
    return f"rows_{table.replica_relation}"
