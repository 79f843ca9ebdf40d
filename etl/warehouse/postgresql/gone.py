"""Rows of facts and replicas whose key the source no longer has (laws X8, S13)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from etl.catalog import SourceTable
from etl.warehouse.postgresql.dimensions import MergeScope
from etl.warehouse.postgresql.guard import Guarded, hold_guard
from etl.warehouse.postgresql.statements import identifier, render_named


@dataclass(frozen=True, slots=True)
class Target:
    """Where rows stand: schema and relation, and its key column -> key column of the source table."""

    schema: str
    relation: str
    key: Mapping[str, str]


def is_gone(table: SourceTable, alias: str) -> str:
    """The condition under which a staged row says that it is deleted: its flag says so (law X8)."""
    return f"coalesce({alias}.{identifier(table.deleted_when)}, false)" if table.deleted_when else "false"


def remove_gone(
    scope: MergeScope, table: SourceTable, target: Target, there: Sequence[str], guarded: Guarded
) -> int:
    """Remove the rows that no relation of the staging schema names; what is held back is not gone.

    Args:
        there: Staged relations that together hold all keys which the source has.

    Raises:
        ReleaseRefused: Too many would end.
    """
    sql = render_named(
        "merges/gone.sql",
        schema=target.schema,
        target=target.relation,
        key=target.key,
        staging=scope.staging,
        there=there,
        held_back=("_quarantine", "_rejected"),
        gone=f"gone_{table.replica_relation}",
    )
    scope.cursor.execute(sql["find"], {"table_name": table.qualified_name})
    scope.cursor.execute(sql["count"], {})
    present, ending = scope.cursor.fetchone() or (0, 0)
    hold_guard(guarded, present, ending)
    scope.cursor.execute(sql["remove"], {})
    return scope.cursor.rowcount
