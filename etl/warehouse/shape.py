"""The tables that the warehouse has, read in two queries however many there are."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass

from etl.warehouse.database import Session, from_json

Place = tuple[str, str]


@dataclass(frozen=True, slots=True)
class PresentColumn:
    """A column as it stands: its type as the system shows it, whether it refuses NULL, what is said of it."""

    type: str
    is_required: bool
    description: str = ""


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


def read_shape(session: Session) -> Shape:
    """The shape as it is now."""
    statements = session.render_named("generated/present.sql")
    columns: dict[Place, dict[str, PresentColumn]] = defaultdict(dict)
    keys: dict[Place, list[frozenset[str]]] = defaultdict(list)
    session.execute(statements["columns"])
    for schema, relation, name, type_, is_required, description in session.fetchall():
        columns[schema, relation][name] = PresentColumn(type_, bool(is_required), description)
    session.execute(statements["keys"])
    for schema, relation, names in session.fetchall():
        keys[schema, relation].append(frozenset(from_json(names)))
    return Shape(dict(columns), dict(keys))
