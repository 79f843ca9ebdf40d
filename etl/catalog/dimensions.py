"""Dimensions: events, attributes and the SCD type of each."""

from __future__ import annotations

from pydantic import Field

from etl.catalog.model import ColumnType, Model, ScdType


class EventSource(Model):
    """A staged table whose rows are events of a dimension (law S1).

    Attributes:
        effective_at: Column with the instant from which the row holds; None = the source's clock
            when the snapshot was taken, and only differences from the latest known state are events.
        sequence: Column that orders events of one instant; None = the order in which they were seen.
        existence: Whether an event of this table brings a deleted member back (law S3).
        columns: Attribute -> column of the table, where the names differ.
    """

    table: str
    effective_at: str | None = None
    sequence: str | None = None
    existence: bool = True
    columns: dict[str, str] = Field(default_factory=dict)


class Attribute(Model):
    """One attribute of a dimension and how it keeps its history (law S12)."""

    type: ColumnType
    scd: ScdType


class Snowflake(Model):
    """A surrogate key of another dimension that this one carries beside the plain attribute."""

    dimension: str
    attribute: str = Field(
        description="Attribute or key column here that holds the other dimension's natural key of one column"
    )


class Guard(Model):
    """How much of the current members one run may end or change before it stops (law S13)."""

    end_pct: float = Field(10, ge=0, le=100)
    change_pct: float = Field(50, ge=0, le=100)
    minimum_members: int = Field(
        20, ge=0, description="Below so many current members the guard does not judge"
    )


class Dimension(Model):
    """A dimension: natural key, events and attributes; the table is ``dim_<name>``."""

    name: str = ""
    description: str
    key: dict[str, ColumnType] = Field(min_length=1, description="Natural key column -> type")
    events: tuple[EventSource, ...] = Field(min_length=1)
    attributes: dict[str, Attribute] = Field(min_length=1)
    snowflakes: dict[str, Snowflake] = Field(
        default_factory=dict, description="Surrogate key column -> dimension"
    )
    guard: Guard = Guard()

    @property
    def relation(self) -> str:
        """Name of the table."""
        return f"dim_{self.name}"

    @property
    def surrogate(self) -> str:
        """Name of the surrogate key column."""
        return f"{self.name}_key"

    def attributes_of(self, scd: ScdType) -> list[str]:
        """Names of the attributes with this SCD type, in declared order."""
        return [name for name, attribute in self.attributes.items() if attribute.scd == scd]
