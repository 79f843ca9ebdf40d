"""What every declaration shares: strict frozen models and the grammar of column types."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import BaseModel, ConfigDict, StringConstraints

COLUMN_TYPE = (
    r"^(bigint|integer|smallint|text|boolean|date|timestamp|time|double|json|bytes|uuid"
    r"|decimal\(\d+,\s?\d+\))$"
)
ColumnType = Annotated[str, StringConstraints(pattern=COLUMN_TYPE)]
ScdType = Literal[0, 1, 2, 3]


class Model(BaseModel):
    """Base of all declarations: unknown fields are errors, values cannot change."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class StepModel(Model):
    """What the steps of a table have in common: they name columns.

    Attributes:
        READS: Fields that name columns the step needs.
        MAKES: Fields that name columns the step adds.
    """

    READS: ClassVar[tuple[str, ...]] = ("column",)
    MAKES: ClassVar[tuple[str, ...]] = ("into",)

    @property
    def reads(self) -> tuple[str, ...]:
        """Columns that the step needs."""
        return self._named_in(self.READS)

    @property
    def makes(self) -> tuple[str, ...]:
        """Columns that the step adds."""
        return self._named_in(self.MAKES)

    @property
    def counted(self) -> tuple[str, ...]:
        """Columns whose values the transformation log counts: those that the step writes or judges."""
        return self.makes or self.reads

    def _named_in(self, fields: tuple[str, ...]) -> tuple[str, ...]:
        named = [getattr(self, field) for field in fields]
        return tuple(
            column for names in named for column in ([names] if isinstance(names, str) else names or ())
        )
