"""The tables that the warehouse has, read in two queries however many there are."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass

from psycopg2.extensions import cursor as Cursor

from etl.warehouse.postgresql.statements import render_named

Place = tuple[str, str]


@dataclass(frozen=True, slots=True)
class PresentColumn:
    """A column as it stands: its type as PostgreSQL writes it, and whether it refuses NULL."""

    type: str
    is_required: bool


@dataclass(frozen=True, slots=True)
class Shape:
    """Columns and unique keys of each table of the schemas history, warehouse and replica."""

    columns: dict[Place, dict[str, PresentColumn]]
    keys: dict[Place, list[frozenset[str]]]

    def of(self, schema: str, relation: str) -> dict[str, PresentColumn]:
        """Columns of a table by name; none for one that is not there."""
        return self.columns.get((schema, relation), {})

    def is_unique(self, schema: str, relation: str, columns: tuple[str, ...]) -> bool:
        """Whether the database keeps rows of these columns apart."""
        return frozenset(columns) in self.keys.get((schema, relation), [])


def read_shape(cursor: Cursor) -> Shape:
    """The shape as it is now."""
    statements = render_named("generated/present.sql")
    columns: dict[Place, dict[str, PresentColumn]] = defaultdict(dict)
    keys: dict[Place, list[frozenset[str]]] = defaultdict(list)
    cursor.execute(statements["columns"], {})
    for schema, relation, name, type_, is_required in cursor.fetchall():
        columns[schema, relation][name] = PresentColumn(type_, is_required)
    cursor.execute(statements["keys"], {})
    for schema, relation, names in cursor.fetchall():
        keys[schema, relation].append(frozenset(names))
    return Shape(dict(columns), dict(keys))
