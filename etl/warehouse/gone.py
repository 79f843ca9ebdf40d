"""Rows of facts and replicas whose key the source no longer has (laws X8, S13)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from etl.catalog import SourceTable
from etl.warehouse.database import Session
from etl.warehouse.dimensions import MergeScope
from etl.warehouse.guard import Guarded, hold_guard


@dataclass(frozen=True, slots=True)
class Target:
    """Where rows stand: schema and relation, and its key column -> key column of the source table."""

    schema: str
    relation: str
    key: Mapping[str, str]


def is_gone(session: Session, table: SourceTable, alias: str) -> str:
    """The condition under which a staged row says that it is deleted: its flag says so (law X8)."""
    return (
        f"coalesce({alias}.{session.identifier(table.deleted_when)}, false)"
        if table.deleted_when
        else "false"
    )


def remove_gone(
    scope: MergeScope, table: SourceTable, target: Target, there: Sequence[str], guarded: Guarded
) -> int:
    """Remove the rows that no relation of the staging schema names; what is held back is not gone.

    Args:
        there: Staged relations that together hold all keys which the source has.

    Raises:
        ReleaseRefused: Too many would end.
    """
    sql = scope.session.render_named(
        "merges/gone.sql",
        schema=target.schema,
        target=target.relation,
        key=target.key,
        types={name: table.staged_columns[name].type for name in target.key.values()},
        staging=scope.staging,
        there=there,
        held_back=("_quarantine", "_rejected"),
        gone=f"gone_{table.replica_relation}",
    )
    scope.session.execute(sql["find"], {"table_name": table.qualified_name})
    present, ending = scope.session.row(sql["count"])
    hold_guard(guarded, present, ending)
    scope.session.execute(sql["remove"])
    return scope.session.rowcount
