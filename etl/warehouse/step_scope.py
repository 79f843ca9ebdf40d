"""Where a whole-table step works, and what it says it did."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from etl.catalog import SourceTable
from etl.handles import StagedTable
from etl.warehouse.database import Session

NO_VALUES: Mapping[str, Any] = {}


class Effect(NamedTuple):
    """What a step did: values changed, rows dropped, rows held back."""

    changed: int = 0
    dropped: int = 0
    quarantined: int = 0


@dataclass(frozen=True, slots=True)
class StepScope:
    """The staged table that a step works on, in the transaction that settles it.

    Attributes:
        tables: All tables of the catalog by name.
    """

    session: Session
    staged: StagedTable
    tables: Mapping[str, SourceTable]

    @property
    def table(self) -> SourceTable:
        """The declaration of the staged table."""
        return self.tables[self.staged.table]

    @property
    def names(self) -> dict[str, Any]:
        """What every template is given."""
        return {
            "schema": self.staged.schema,
            "relation": self.staged.relation,
            "staged": self.table.staged_types,
        }

    def kind_of(self, column: str) -> str:
        """Type of a column without its digits."""
        return self.table.staged_columns[column].type.partition("(")[0]

    def number(self, statement: str, values: Mapping[str, Any] = NO_VALUES) -> int:
        """Run a statement that answers with one number; none is 0."""
        return int(self.session.single(statement, values) or 0)
