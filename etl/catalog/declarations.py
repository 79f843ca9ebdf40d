"""All declarations of the project."""

from __future__ import annotations

from collections.abc import Collection

from pydantic import Field

from etl.catalog.alerts import Alerts
from etl.catalog.dimensions import Dimension
from etl.catalog.facts import Fact
from etl.catalog.model import Model
from etl.catalog.systems import SourceSystem
from etl.catalog.tables import SourceTable


class Catalog(Model):
    """All declarations of the project, checked against each other."""

    sources: dict[str, SourceSystem]
    tables: dict[str, SourceTable] = Field(description="By qualified name")
    dimensions: dict[str, Dimension]
    facts: dict[str, Fact]
    alerts: Alerts = Alerts()

    def tables_of(self, source: str) -> list[str]:
        """Names of the tables of one source."""
        return [name for name, table in self.tables.items() if table.source == source]

    def children_of(self, table: str) -> list[str]:
        """Tables whose parent is ``table``."""
        return [name for name, t in self.tables.items() if t.parent and t.parent.table == table]

    def loaded_together(self, names: Collection[str]) -> list[str]:
        """The named tables and those that must come with them, in the order of the catalog.

        Children come with their parents, and all tables of a fact that joins them by SQL of its own:
        their watermarks move together, as rows of one that came alone would never meet the other.

        Raises:
            KeyError: A name is not declared.
        """
        groups = [set(fact.tables) for fact in self.facts.values() if not fact.columns]
        groups += [{name, table.parent.table} for name, table in self.tables.items() if table.parent]
        found = {self.tables[name].qualified_name for name in names}
        while missing := {name for group in groups if group & found for name in group} - found:
            found |= missing
        return [name for name in self.tables if name in found]

    def parents_first(self, names: list[str] | None = None) -> list[str]:
        """Table names so that a parent stands before its children (law Q2)."""
        wanted = list(self.tables) if names is None else names
        depth = {name: self._depth(name) for name in wanted}
        return sorted(wanted, key=lambda name: depth[name])

    def dimensions_in_order(self) -> list[Dimension]:
        """Dimensions so that one that others carry as a snowflake stands before them."""
        done: dict[str, Dimension] = {}

        def add(dimension: Dimension) -> None:
            for snowflake in dimension.snowflakes.values():
                add(self.dimensions[snowflake.dimension])
            done.setdefault(dimension.name, dimension)

        for dimension in self.dimensions.values():
            add(dimension)
        return list(done.values())

    def _depth(self, name: str) -> int:
        parent = self.tables[name].parent
        return 0 if parent is None else 1 + self._depth(parent.table)
