"""Steps of preparation: what may stand under ``prepare`` of a table; each sees one row at a time."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, ClassVar, Literal, Self
from zoneinfo import available_timezones

from pydantic import Field, field_validator, model_validator

from etl.catalog.date_forms import TIME_DIRECTIVES, directives_of, require_whole_date
from etl.catalog.model import StepModel


class CleanText(StepModel):
    """Trim, collapse white space, normalise Unicode and set the case of text columns.

    Attributes:
        form: NFC keeps what is seen; NFKC also makes one of signs that mean the same (ﬁ, ２, ™).
        letters_only: Remove what is no letter, digit or blank of any script, but for the signs of ``keep``.
        empty_to_null: A text with nothing left becomes NULL (law X14: only where it is said).
        allow_email: A column of ``validate_email`` is meant to be cleaned as well.
    """

    READS: ClassVar = ("columns",)
    MAKES: ClassVar = ()

    step: Literal["clean_text"]
    columns: tuple[str, ...] = Field(min_length=1)
    case: Literal["keep", "lower", "upper", "title"] = "keep"
    form: Literal["NFC", "NFKC"] = "NFC"
    letters_only: bool = False
    keep: str = Field("", description="Signs that stay where 'letters_only' is set, such as \"'-.\"")
    empty_to_null: bool = False
    allow_email: bool = False

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.keep and not self.letters_only:
            raise ValueError("'keep' belongs to 'letters_only: true'")
        return self


class ValidateEmail(StepModel):
    """Trim an e-mail address, lower its domain, and say in ``into`` whether it is valid."""

    step: Literal["validate_email"]
    column: str
    into: str

    @property
    def counted(self) -> tuple[str, ...]:
        """The address is written anew as well."""
        return (self.column, self.into)


class StandardizePhone(StepModel):
    """Write a phone number as E.164 into ``into``; the region comes from a column or the setting.

    Attributes:
        national_into: Column with the number as it is written in its own country.
    """

    READS: ClassVar = ("column", "region_column")
    MAKES: ClassVar = ("into", "national_into")

    step: Literal["standardize_phone"]
    column: str
    into: str
    region_column: str | None = None
    national_into: str | None = None


class FillMissing(StepModel):
    """Replace NULL by a constant, given as text in the column's own form."""

    READS: ClassVar = ("values",)
    MAKES: ClassVar = ()

    step: Literal["fill_missing"]
    values: dict[str, str] = Field(min_length=1)


class DropMissing(StepModel):
    """Drop rows with NULL in one of the columns; they are counted as dropped (law R3)."""

    READS: ClassVar = ("columns",)
    MAKES: ClassVar = ()

    step: Literal["drop_missing"]
    columns: tuple[str, ...] = Field(min_length=1)


class JoinText(StepModel):
    """Join text columns with a separator, leaving NULL parts out; all NULL gives NULL."""

    READS: ClassVar = ("columns",)

    step: Literal["join_text"]
    columns: tuple[str, ...] = Field(min_length=1)
    into: str
    separator: str = " "


class AgeGroup(StepModel):
    """The age group at an instant of the row itself, never at today's date (law R4)."""

    READS: ClassVar = ("birth_date", "at")

    step: Literal["age_group"]
    birth_date: str
    at: str
    into: str


class BinNumbers(StepModel):
    """Name the bin between two edges in which a number lies.

    Attributes:
        edges: Ascending; bin n lies between edge n and edge n + 1.
        labels: One for each bin.
        closed: Which edge belongs to the bin; with ``left`` the bin 10 to 20 holds 10 and not 20.
        below: Label of what lies before the first bin; none gives NULL.
        above: Label of what lies behind the last bin; none gives NULL.
    """

    step: Literal["bin_numbers"]
    column: str
    into: str
    edges: tuple[Decimal, ...] = Field(min_length=2)
    labels: tuple[str, ...]
    closed: Literal["left", "right"] = "left"
    below: str | None = None
    above: str | None = None

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if len(self.labels) != len(self.edges) - 1:
            raise ValueError(
                f"{len(self.edges)} edges make {len(self.edges) - 1} bins, but there are "
                f"{len(self.labels)} labels"
            )
        if not all(edge.is_finite() for edge in self.edges) or list(self.edges) != sorted(set(self.edges)):
            raise ValueError("'edges' must be numbers, each larger than the one before")
        return self


class ParseNumber(StepModel):
    """Read a number out of text such as ``1.234,56 €`` or ``(12.50)``; what is none is rejected.

    The column ``into`` is declared under ``derived``; its type says how many digits there may be.

    Attributes:
        decimal: Sign before the fraction.
        group: Sign between groups of three digits; none for numbers without. A blank stands for every
            kind of blank, an apostrophe for both kinds.
        units: Texts that may stand before or behind the number beside currency signs, such as ``kg``.
    """

    step: Literal["parse_number"]
    column: str
    into: str
    decimal: Literal[".", ","] = "."
    group: Literal[",", ".", " ", "'"] | None = None
    units: tuple[str, ...] = ()

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.decimal == self.group:
            raise ValueError("'decimal' and 'group' must be different signs")
        return self


class StandardizeDate(StepModel):
    """Read a date or an instant out of text by the first of the forms that fits; what fits none is rejected.

    ``into`` is declared under ``derived`` as a date or a timestamp.

    Attributes:
        formats: ``%Y %y %m %d %b %B %a %A``, for a timestamp also ``%H %I %p %M %S %f %z``, as strptime has
            them, names in English. Where day and month could be either, the order of the forms decides.
        two_digit_years_from: First of the hundred years in which ``%y`` lies: with 1950, 50 is 1950 and
            49 is 2049.
        time_zone: Zone of times that carry none; UTC without it.
        repeated: What a time is that comes twice when clocks are set back.
        skipped: What a time is that does not come when clocks are set forward; ``forward`` reads it
            with the offset from before.
    """

    step: Literal["standardize_date"]
    column: str
    into: str
    formats: tuple[str, ...] = Field(min_length=1)
    two_digit_years_from: int | None = Field(None, ge=1, le=9900)
    time_zone: str | None = None
    repeated: Literal["reject", "earlier", "later"] = "reject"
    skipped: Literal["reject", "forward"] = "reject"

    @property
    def has_time(self) -> bool:
        """Whether a form has a time of day."""
        return any(TIME_DIRECTIVES & directives_of(form) for form in self.formats)

    @field_validator("time_zone")
    @classmethod
    def _known_zone(cls, value: str | None) -> str | None:
        if value is not None and value not in available_timezones():
            raise ValueError(f"'{value}' is no time zone; use a name such as Europe/Berlin")
        return value

    @field_validator("formats")
    @classmethod
    def _readable(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for form in value:
            require_whole_date(form)
        return value

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if any("y" in directives_of(form) for form in self.formats) and self.two_digit_years_from is None:
            raise ValueError("'%y' needs 'two_digit_years_from', the first of the hundred years it lies in")
        return self


class MapValues(StepModel):
    """Replace texts by others.

    Attributes:
        values: Text -> what stands for it; null makes NULL of it.
        into: Column that the step adds; without it the column itself changes.
        unmatched: What becomes of a text that is not among them.
    """

    step: Literal["map_values"]
    column: str
    values: dict[str, str | None] = Field(min_length=1)
    into: str | None = None
    unmatched: Literal["keep", "null", "reject"] = "keep"


class Call(StepModel):
    """Call a function that is registered in ``etl/transforms/functions.py``.

    Attributes:
        inputs: Input of the function -> column.
        into: Output of the function -> column that the step adds.
    """

    step: Literal["call"]
    function: str
    inputs: dict[str, str]
    into: dict[str, str] = Field(min_length=1)

    @property
    def reads(self) -> tuple[str, ...]:
        """Columns that the function gets."""
        return tuple(self.inputs.values())

    @property
    def makes(self) -> tuple[str, ...]:
        """Columns that the function fills."""
        return tuple(self.into.values())


Step = Annotated[
    CleanText
    | ValidateEmail
    | StandardizePhone
    | FillMissing
    | DropMissing
    | JoinText
    | AgeGroup
    | BinNumbers
    | ParseNumber
    | StandardizeDate
    | MapValues
    | Call,
    Field(discriminator="step"),
]
