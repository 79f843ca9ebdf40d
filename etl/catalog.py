"""What the tables are: pydantic models of ``catalog/**/*.yaml``.

    catalog/sources/<source>.yaml            a system that is read
    catalog/tables/<source>/<table>.yaml     one of its tables, or a declared query
    catalog/dimensions/<entity>.yaml         a dimension, its events and the SCD type of each attribute
    catalog/facts/<process>.yaml             a fact, its grain, its source tables and its lookups

The name of a thing is the name of its file. Errors name file, line, field and remedy;
``etl/catalog_files.py`` reads the files, this module says what may stand in them.
"""

from __future__ import annotations

from typing import Annotated, Literal, Self
from zoneinfo import available_timezones

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, field_validator, model_validator

COLUMN_TYPE = (
    r"^(bigint|integer|smallint|text|boolean|date|timestamp|time|double|json|bytes|uuid"
    r"|decimal\(\d+,\s?\d+\))$"
)
ColumnType = Annotated[str, StringConstraints(pattern=COLUMN_TYPE)]
ScdType = Literal[0, 1, 2, 3]


class Model(BaseModel):
    """Base of all declarations: unknown fields are errors, values cannot change."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class SourceSystem(Model):
    """A system that is read: which setting holds its URL, and in which zone its clock speaks."""

    name: str = ""
    description: str
    url_setting: str = Field(description="Field of etl/settings.py with the URL, such as shop_url")
    time_zone: str = Field(
        "UTC", description="Zone of columns that carry none (MySQL datetime, timestamp without time zone)"
    )

    @field_validator("time_zone")
    @classmethod
    def _known_zone(cls, value: str) -> str:
        if value not in available_timezones():
            raise ValueError(f"'{value}' is no time zone; use a name such as Europe/Berlin")
        return value


class Column(Model):
    """One column of a prepared table."""

    type: ColumnType
    nullable: bool = True
    description: str = ""
    source_name: str | None = Field(None, description="Name at the source where it differs")
    nulls: tuple[str, ...] = Field((), description="Texts that mean NULL in this column (law X14)")


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


class Parent(Model):
    """The table whose rows these rows belong to; judged first, its orphans follow it (law Q2)."""

    table: str
    keys: dict[str, str] = Field(description="Column here -> column of the parent")


class SourceTable(Model):
    """A table of a source, or a declared query over it."""

    name: str = ""
    source: str = ""
    description: str
    table: str | None = Field(None, description="Name at the source, 'schema.table' where it needs a schema")
    query: str | None = Field(None, description="A query instead of a table; must yield the declared columns")
    key: tuple[str, ...] = Field(min_length=1, description="Columns that identify a row at the source")
    unique: tuple[str, ...] = Field(
        (), description="Grain of the staged table where it differs from the key (law S10)"
    )
    cursor: str | None = Field(
        None, description="Column that moves when a row changes; none = read whole each run"
    )
    cursor_kind: Literal["timestamp", "integer"] = "timestamp"
    lag_seconds: int = Field(
        0, ge=0, description="Held back from the end where open transactions cannot be seen (law X2)"
    )
    null_cursor: Literal["fail", "always", "coalesce"] = "fail"
    null_cursor_fallback: str | None = None
    deletes: Literal["ignore", "soft", "compare"] = "ignore"
    deleted_when: str | None = Field(None, description="Boolean column of a soft delete")
    drift: Literal["freeze", "evolve", "ignore"] = "freeze"
    zero_dates: Literal["null", "reject"] = "null"
    parent: Parent | None = None
    columns: dict[str, Column] = Field(min_length=1)
    prepare: tuple[Step, ...] = ()
    derived: dict[str, Column] = Field(
        default_factory=dict, description="Columns that the steps of prepare add"
    )

    @property
    def qualified_name(self) -> str:
        """``<source>.<table>``, the name used in handles, audit tables and suites."""
        return f"{self.source}.{self.name}"

    @property
    def relation(self) -> str:
        """Name of the staged table within the run's staging schema."""
        return f"stg_{self.source}__{self.name}"

    @property
    def staged_columns(self) -> dict[str, Column]:
        """Declared, then derived columns, in order."""
        return {**self.columns, **self.derived}

    @property
    def grain(self) -> tuple[str, ...]:
        """Columns that must be unique in the staged table."""
        return self.unique or self.key

    def unknown_without(self, absent: tuple[str, ...]) -> tuple[str, ...]:
        """The absent columns and those that preparation derives from one of them, step after step."""
        unknown = set(absent)
        for step in self.prepare:
            into = getattr(step, "into", None)
            named = step.model_dump(exclude={"into", "step"})
            inputs = {*named.get("columns", ()), *(v for v in named.values() if isinstance(v, str))}
            if into is not None and inputs & unknown:
                unknown.add(into)
        return tuple(sorted(unknown))

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if (self.table is None) == (self.query is None):
            raise ValueError("give exactly one of 'table' and 'query'")
        _require(self.columns, self.key, "key")
        _require(self.columns, self.unique, "unique")
        _require(self.columns, [c for c in (self.cursor, self.null_cursor_fallback) if c], "cursor")
        if self.null_cursor == "coalesce" and not self.null_cursor_fallback:
            raise ValueError(
                "null_cursor 'coalesce' needs 'null_cursor_fallback', a column that is never NULL"
            )
        if (self.deletes == "soft") != (self.deleted_when is not None):
            raise ValueError("'deletes: soft' and 'deleted_when' go together")
        return self


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
    attribute: str = Field(description="Attribute here that holds the other dimension's natural key")


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


class Fact(Model):
    """A fact: its grain, the staged tables it is made from and its lookups; the table is ``fact_<name>``."""

    name: str = ""
    description: str
    grain: tuple[str, ...] = Field(min_length=1)
    tables: tuple[str, ...] = Field(
        min_length=1, description="Staged tables; the one with the fact's rows first"
    )
    lookups: dict[str, Lookup]
    cancelled_statuses: tuple[str, ...] = Field((), description="Statuses whose rows stay but count nowhere")

    @property
    def relation(self) -> str:
        """Name of the table."""
        return f"fact_{self.name}"


class Catalog(Model):
    """All declarations of the project, checked against each other."""

    sources: dict[str, SourceSystem]
    tables: dict[str, SourceTable] = Field(description="By qualified name")
    dimensions: dict[str, Dimension]
    facts: dict[str, Fact]

    def children_of(self, table: str) -> list[str]:
        """Tables whose parent is ``table``."""
        return [name for name, t in self.tables.items() if t.parent and t.parent.table == table]

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


def _require(columns: dict[str, Column], wanted: tuple[str, ...] | list[str], field: str) -> None:
    missing = [name for name in wanted if name not in columns]
    if missing:
        raise ValueError(f"{field} names {', '.join(missing)}, which is not among the columns")
