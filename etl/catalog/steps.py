"""Steps of preparation: what may stand under ``prepare`` of a table."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from etl.catalog.model import Model


class CleanText(Model):
    """Trim, collapse white space, normalise Unicode (NFC) and set the case of text columns."""

    step: Literal["clean_text"]
    columns: tuple[str, ...]
    case: Literal["keep", "lower", "upper", "title"] = "keep"


class ValidateEmail(Model):
    """Trim an e-mail address, lower its domain, and say in ``into`` whether it is valid."""

    step: Literal["validate_email"]
    column: str
    into: str


class StandardizePhone(Model):
    """Write a phone number as E.164 into ``into``; the region comes from a column or the setting."""

    step: Literal["standardize_phone"]
    column: str
    into: str
    region_column: str | None = None


class FillMissing(Model):
    """Replace NULL by a constant, given as text in the column's own form."""

    step: Literal["fill_missing"]
    values: dict[str, str]


class JoinText(Model):
    """Join text columns with a separator, leaving NULL parts out; all NULL gives NULL."""

    step: Literal["join_text"]
    columns: tuple[str, ...]
    into: str
    separator: str = " "


class AgeGroup(Model):
    """The age group at an instant of the row itself, never at today's date (law R4)."""

    step: Literal["age_group"]
    birth_date: str
    at: str
    into: str


Step = Annotated[
    CleanText | ValidateEmail | StandardizePhone | FillMissing | JoinText | AgeGroup,
    Field(discriminator="step"),
]


class FillFromRows(Model):
    """Replace NULL by the mean, median or mode of all rows of the run, or of those of the same group."""

    step: Literal["fill_from_rows"]
    column: str
    method: Literal["mean", "median", "mode"]
    by: tuple[str, ...] = ()

    @property
    def makes(self) -> tuple[str, ...]:
        """Columns that the step adds."""
        return ()


class FlagOutliers(Model):
    """Say in ``into`` whether a number lies outside; nothing is changed or deleted.

    Attributes:
        threshold: Interquartile ranges beyond the quartiles (usually 1.5), or standard deviations (3).
    """

    step: Literal["flag_outliers"]
    column: str
    into: str
    method: Literal["iqr", "zscore"]
    threshold: float = Field(gt=0)

    @property
    def makes(self) -> tuple[str, ...]:
        """Columns that the step adds."""
        return (self.into,)


class Deduplicate(Model):
    """Keep one of the rows that mean the same; the others are dropped and counted.

    Attributes:
        match: Columns that must be equal; for a fuzzy match they cut the rows into blocks.
        similar: Text column -> least similarity in per cent (Levenshtein, normalised).
        keep: Columns by which the row to keep is chosen, ``-`` before a name for the largest first.
    """

    step: Literal["deduplicate"]
    match: tuple[str, ...] = Field(min_length=1)
    similar: dict[str, float] = Field(default_factory=dict)
    keep: tuple[str, ...] = Field(min_length=1)

    @property
    def makes(self) -> tuple[str, ...]:
        """Columns that the step adds."""
        return ()


class ConvertCurrency(Model):
    """Convert amounts at the rate of the day, carried forward; rows of an unknown currency wait (law F4).

    Attributes:
        amounts: Column with an amount -> column that the step adds.
        currency: Column with the ISO 4217 code.
        at: Column with the instant or day whose rate holds.
        to: The currency to convert to.
        rate_into: Column that the step adds with the rate used.
    """

    step: Literal["convert_currency"]
    amounts: dict[str, str] = Field(min_length=1)
    currency: str
    at: str
    to: str = Field(pattern="^[A-Z]{3}$")
    rate_into: str

    @property
    def makes(self) -> tuple[str, ...]:
        """Columns that the step adds."""
        return (*self.amounts.values(), self.rate_into)


WholeStep = Annotated[
    FillFromRows | FlagOutliers | Deduplicate | ConvertCurrency, Field(discriminator="step")
]
