"""Facts: grain, staged tables, columns and lookups."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import Field, model_validator

from etl.catalog.dimensions import Guard
from etl.catalog.model import ColumnType, Model

RUN_IDS = ("inserted_run_id", "updated_run_id")


class Lookup(Model):
    """How a fact finds the version of a dimension at its own time (law S16).

    Attributes:
        table: Staged table that holds the natural key, for a fact with SQL of its own.
        key: Natural key column of the dimension -> column of the fact; for a fact with SQL of its own, of
            its staged table.
        if_null: Member of a row whose natural key is NULL: -1 unknown or -2 not applicable.
    """

    dimension: str
    table: str | None = None
    key: dict[str, str] = Field(min_length=1)
    if_null: Literal["unknown", "not_applicable"] = "unknown"
    carries: tuple[str, ...] = Field((), description="Attributes of that version which the fact's SQL reads")


class FactColumn(Model):
    """One column of a fact that comes from a staged table."""

    type: ColumnType
    column: str | None = Field(None, description="Column of the staged tables where the name differs")
    nullable: bool = True
    description: str = Field("", description="Unit and additivity")


class Fact(Model):
    """A fact: its grain, the staged tables it is made from and its lookups; the table is ``fact_<name>``.

    A fact with ``columns`` is merged by the statements that the catalog generates: the rows of its
    tables together, each grain once. One without has a ``rows.sql`` and ``apply.sql`` of its own.

    Attributes:
        at: Column of the fact with the instant, or the day, at which its lookups are made (law S16).
        dates: Key of ``dim_date`` in the fact -> its column with the instant or day.
        latest_by: Column of the fact that tells which of several rows of one grain holds: the largest. Of
            equal ones the larger content does, so that the fact does not depend on the order of loads.
        complete_by: Columns of the fact; what a release says of one of their values is all there is of it, so
            that other rows with the value leave the fact. With ``latest_by``, the rows that share the
            value's largest one are what holds.
        guard: How much of the fact one comparison of keys may remove.
    """

    name: str = ""
    description: str
    grain: tuple[str, ...] = Field(min_length=1)
    tables: tuple[str, ...] = Field(
        min_length=1, description="Staged tables; the one with the fact's rows first"
    )
    lookups: dict[str, Lookup] = Field(default_factory=dict, description="Surrogate key column -> lookup")
    columns: dict[str, FactColumn] = Field(default_factory=dict, description="Grain columns included")
    at: str | None = None
    dates: dict[str, str] = Field(default_factory=dict)
    latest_by: str | None = None
    complete_by: tuple[str, ...] = ()
    guard: Guard = Guard()
    cancelled_statuses: tuple[str, ...] = Field((), description="Statuses whose rows stay but count nowhere")

    @property
    def relation(self) -> str:
        """Name of the table."""
        return f"fact_{self.name}"

    @property
    def row_id(self) -> str:
        """Name of the identity column of a generated table."""
        return f"{self.name}_row_id"

    @property
    def keys(self) -> list[str]:
        """Columns that lookups and dates make."""
        return [*self.dates, *self.lookups]

    @property
    def required(self) -> tuple[str, ...]:
        """Columns that are never NULL whatever their declaration says."""
        named = (*self.grain, self.at, self.latest_by, *self.complete_by)
        return tuple(dict.fromkeys(name for name in named if name))

    def staged_column(self, column: str) -> str:
        """Name in the staged tables of a column of the fact."""
        return self.columns[column].column or column

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.columns:
            self._check_names()
            self._check_lookups()
        elif self.at or self.dates or self.latest_by or self.complete_by:
            raise ValueError("'at', 'dates', 'latest_by' and 'complete_by' belong to a fact with 'columns'")
        elif without := [name for name, lookup in self.lookups.items() if lookup.table is None]:
            raise ValueError(f"lookups.{without[0]}: give 'table', the staged table with the natural key")
        return self

    def _check_names(self) -> None:
        named = {
            "grain": self.grain,
            "at": (self.at,) if self.at else (),
            "latest_by": (self.latest_by,) if self.latest_by else (),
            "complete_by": self.complete_by,
            "dates": tuple(self.dates.values()),
            "lookups": tuple(column for lookup in self.lookups.values() for column in lookup.key.values()),
        }
        for field, columns in named.items():
            if missing := [name for name in columns if name not in self.columns]:
                raise ValueError(f"{field}: {', '.join(missing)} is not among the fact's columns")
        made = [self.row_id, *self.keys, *RUN_IDS]
        if twice := sorted({name for name in made if name in self.columns or made.count(name) > 1}):
            raise ValueError(f"columns: {', '.join(twice)} is the name of a column that is made")
        if own := [name for name in self.columns if name.startswith("_")]:
            raise ValueError(f"columns: {own[0]}: names that begin with an underscore are the project's own")

    def _check_lookups(self) -> None:
        if self.lookups and self.at is None:
            raise ValueError("lookups need 'at', the column with the time of the fact (law S16)")
        for name, lookup in self.lookups.items():
            if lookup.table or lookup.carries:
                raise ValueError(f"lookups.{name}: 'table' and 'carries' are for a fact with SQL of its own")
        for column in filter(None, (self.at, *self.dates.values())):
            if self.columns[column].type not in {"timestamp", "date"}:
                raise ValueError(f"columns.{column} tells a time, so it must be a timestamp or a date")
