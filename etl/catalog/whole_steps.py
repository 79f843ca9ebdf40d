"""Whole-table steps: what may stand under ``settle`` of a table; each sees all rows of the run (law F5)."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from etl.catalog.model import StepModel


class FillFromRows(StepModel):
    """Replace NULL by the mean, median or mode of all rows of the run, or of those of the same group.

    A mean or median is rounded to the column's own scale, halves away from zero. Of several values that
    are equally frequent the mode is the smallest. A group without any value stays NULL.

    Attributes:
        by: Columns whose values make the groups; NULL is a group of its own.
    """

    READS: ClassVar = ("column", "by")
    MAKES: ClassVar = ()

    step: Literal["fill_from_rows"]
    column: str
    method: Literal["mean", "median", "mode"]
    by: tuple[str, ...] = ()

    @property
    def counted(self) -> tuple[str, ...]:
        """The column alone, not the groups."""
        return (self.column,)


class FlagOutliers(StepModel):
    """Say in ``into`` whether a number lies outside; nothing is changed or deleted, NULL stays NULL.

    Attributes:
        threshold: Interquartile ranges beyond the quartiles (usually 1.5), or standard deviations (3).
        by: Columns whose values make the groups to judge by; NULL is a group of its own.
    """

    READS: ClassVar = ("column", "by")

    step: Literal["flag_outliers"]
    column: str
    into: str
    method: Literal["iqr", "zscore"]
    threshold: Decimal = Field(gt=0, allow_inf_nan=False)
    by: tuple[str, ...] = ()


class Deduplicate(StepModel):
    """Keep one of the rows that mean the same; the others are dropped and counted.

    Rows that are alike through others are alike. NULL is like nothing, not even another NULL.

    Attributes:
        match: Columns that must be equal; for a fuzzy match they cut the rows into blocks.
        similar: Text column -> least similarity in per cent (Levenshtein, normalised).
        keep: Columns by which the row to keep is chosen, ``-`` before a name for the largest first; NULL
            comes last, and the grain decides between equals.
        fill: What is NULL in the row that is kept is taken from the others, in the order of ``keep``.
        max_block: Rows of one block that are compared with each other at most.
    """

    READS: ClassVar = ("match", "similar")
    MAKES: ClassVar = ()

    step: Literal["deduplicate"]
    match: tuple[str, ...] = Field(min_length=1)
    similar: dict[str, Annotated[Decimal, Field(gt=0, le=100)]] = Field(default_factory=dict)
    keep: tuple[str, ...] = Field(min_length=1)
    fill: bool = False
    max_block: int = Field(2_000, ge=2, le=20_000)

    @property
    def reads(self) -> tuple[str, ...]:
        """Columns that the step needs."""
        return (*super().reads, *(name for name, _ in self.order))

    @property
    def counted(self) -> tuple[str, ...]:
        """What is compared."""
        return super().reads

    @property
    def order(self) -> tuple[tuple[str, bool], ...]:
        """Columns of ``keep``, and whether the largest comes first."""
        return tuple((name.removeprefix("-"), name.startswith("-")) for name in self.keep)


class ConvertCurrency(StepModel):
    """Convert amounts at the rate of the day, carried forward; rows that cannot be converted wait (law F4).

    Rates come from ``warehouse.fact_exchange_rates``: units of a currency for one euro. A row waits in
    quarantine as ``currency_is_unknown`` where its code is NULL or was never quoted, as ``rate_is_missing``
    where there is no quotation that is young enough, and as ``converted_amount_does_not_fit``. A row
    without any amount does not wait.

    Attributes:
        amounts: Column with an amount -> column that the step adds; rounded once, halves away from zero.
        currency: Column with the ISO 4217 code.
        at: Column with the instant (its day in UTC) or day whose rate holds.
        to: The currency to convert to.
        rate_into: Column that the step adds: units of ``to`` for one unit of the row's currency.
        max_days: Age of the oldest quotation that is carried forward.
    """

    READS: ClassVar = ("amounts", "currency", "at")

    step: Literal["convert_currency"]
    amounts: dict[str, str] = Field(min_length=1)
    currency: str
    at: str
    to: str = Field(pattern="^[A-Z]{3}$")
    rate_into: str
    max_days: int = Field(7, ge=0)

    @property
    def makes(self) -> tuple[str, ...]:
        """The converted amounts and the rate."""
        return (*self.amounts.values(), self.rate_into)


class JoinTable(StepModel):
    """Take columns from another table that the run reads, of the same source or another one.

    The other table is one that is read whole in each run, has no whole-table steps of its own and is found
    by its grain. A row without a partner, or with contradicting ones (law S10), gets NULL.

    Attributes:
        table: Catalog name of the other table.
        keys: Column here -> column of the other table, for all columns of its grain.
        columns: Column of the other table -> column that the step adds.
    """

    READS: ClassVar = ("keys",)

    step: Literal["join_table"]
    table: str
    keys: dict[str, str] = Field(min_length=1)
    columns: dict[str, str] = Field(min_length=1)

    @property
    def makes(self) -> tuple[str, ...]:
        """The columns taken, under their names here."""
        return tuple(self.columns.values())


WholeStep = Annotated[
    FillFromRows | FlagOutliers | Deduplicate | ConvertCurrency | JoinTable, Field(discriminator="step")
]
