"""Where the warehouse keeps what it has seen of the rows of a table (law X1)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from psycopg2.extensions import cursor as Cursor

from etl.catalog import Catalog, SourceTable
from etl.identifiers import quote_postgresql


@dataclass(frozen=True, slots=True)
class Seen:
    """A relation with one row per key that the source has.

    Attributes:
        key: Key column of the source table -> column of the relation.
        holds: Condition on ``d``, a row of the relation, and ``k``, a key with its cursor: the row is the
            present one.
        entity: Dimension whose history knows the cursor of each row.
    """

    schema: str
    relation: str
    key: Mapping[str, str]
    holds: str = "true"
    entity: str | None = None


def seen_by(catalog: Catalog, table: SourceTable) -> Seen | None:
    """What holds the rows of a table whose keys are compared; None where nothing is merged by its key."""
    name, own_key = table.qualified_name, {column: column for column in table.key}
    if table.replica:
        same_cursor = "d._source_cursor is not distinct from k._cursor"
        return Seen("replica", table.replica_relation, own_key, same_cursor)
    for dimension in catalog.dimensions.values():
        if any(event.table == name and event.existence for event in dimension.events):
            return Seen("warehouse", dimension.relation, own_key, "d.is_current", dimension.name)
    for fact in catalog.facts.values():
        if fact.columns and name in fact.tables:
            key = {fact.staged_column(column): column for column in fact.grain}
            return Seen("warehouse", fact.relation, key)
    return None


def has_rows(cursor: Cursor, seen: Seen, table: str) -> bool:
    """Whether anything of the table was merged; a dimension has members of its own from the beginning."""
    if seen.entity:
        history = quote_postgresql("history", seen.entity)
        cursor.execute(f"select exists (select from {history} where source = %s)", (table,))
    else:
        cursor.execute(f"select exists (select from {quote_postgresql(seen.schema, seen.relation)})")
    row = cursor.fetchone()
    return bool(row and row[0])
