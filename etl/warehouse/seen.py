"""Where the warehouse keeps what it has seen of the rows of a table (law X1)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from etl.catalog import Catalog, SourceTable
from etl.warehouse.database import Session


@dataclass(frozen=True, slots=True)
class Seen:
    """A relation with one row per key that the source has.

    Attributes:
        key: Key column of the source table -> column of the relation.
        by: What makes a row of the relation the present one: the same cursor as that of the key, that it is
            the current version, or that it is there at all.
        entity: Dimension whose history knows the cursor of each row.
    """

    schema: str
    relation: str
    key: Mapping[str, str]
    by: Literal["cursor", "current", "presence"] = "presence"
    entity: str | None = None


def seen_by(catalog: Catalog, table: SourceTable) -> Seen | None:
    """What holds the rows of a table whose keys are compared; None where nothing is merged by its key."""
    name, own_key = table.qualified_name, {column: column for column in table.key}
    if table.replica:
        return Seen("replica", table.replica_relation, own_key, "cursor")
    for dimension in catalog.dimensions.values():
        if any(event.table == name and event.existence for event in dimension.events):
            return Seen("warehouse", dimension.relation, own_key, "current", dimension.name)
    for fact in catalog.facts.values():
        if fact.columns and name in fact.tables:
            key = {fact.staged_column(column): column for column in fact.grain}
            return Seen("warehouse", fact.relation, key)
    return None


def has_rows(session: Session, seen: Seen, table: str) -> bool:
    """Whether anything of the table was merged; a dimension has members of its own from the beginning."""
    if seen.entity is None:
        return session.has_rows(seen.schema, seen.relation)
    history = session.identifier("history", seen.entity)
    return session.single(f"select 1 from {history} where source = %s limit 1", (table,)) is not None
