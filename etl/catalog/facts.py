"""Facts: grain, staged tables and lookups."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from etl.catalog.model import ColumnType, Model


class Lookup(Model):
    """How a fact finds the version of a dimension at its own time (law S16).

    Attributes:
        key: Natural key column of the dimension -> column of the fact's staged table.
        if_null: Member of a row whose natural key is NULL: -1 unknown or -2 not applicable.
    """

    dimension: str
    table: str
    key: dict[str, str]
    if_null: Literal["unknown", "not_applicable"] = "unknown"
    carries: tuple[str, ...] = Field((), description="Attributes of that version which the fact's SQL reads")


class FactColumn(Model):
    """One column of a fact that comes from a staged table."""

    type: ColumnType
    column: str | None = Field(None, description="Column of the staged table where the name differs")
    nullable: bool = True
    description: str = Field("", description="Unit and additivity")


class Fact(Model):
    """A fact: its grain, the staged tables it is made from and its lookups; the table is ``fact_<name>``.

    A fact with ``columns`` is merged by the statements that the catalog generates: the rows of its
    tables together, each grain once. One without has a ``rows.sql`` and ``apply.sql`` of its own.

    Attributes:
        at: Column of the fact with the instant at which its lookups are made (law S16).
        dates: Key of ``dim_date`` in the fact -> its column with the instant or day.
        latest_by: Column of the fact that tells which of several rows of one grain holds: the largest.
        complete_by: Columns of the fact; what a release says of one of their values is all there is of it, so
            that other rows with the value leave the fact.
    """

    name: str = ""
    description: str
    grain: tuple[str, ...] = Field(min_length=1)
    tables: tuple[str, ...] = Field(
        min_length=1, description="Staged tables; the one with the fact's rows first"
    )
    lookups: dict[str, Lookup]
    columns: dict[str, FactColumn] = Field(default_factory=dict, description="Grain columns included")
    at: str | None = None
    dates: dict[str, str] = Field(default_factory=dict)
    latest_by: str | None = None
    complete_by: tuple[str, ...] = ()
    cancelled_statuses: tuple[str, ...] = Field((), description="Statuses whose rows stay but count nowhere")

    @property
    def relation(self) -> str:
        """Name of the table."""
        return f"fact_{self.name}"
