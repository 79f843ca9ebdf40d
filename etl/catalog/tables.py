"""Tables of a source."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import Field, model_validator

from etl.catalog.dimensions import Guard
from etl.catalog.expressions import generated_columns, parse_expression
from etl.catalog.files import FileSet
from etl.catalog.model import ColumnType, Model
from etl.catalog.rest import Endpoint
from etl.catalog.steps import Step
from etl.catalog.whole_steps import ConvertCurrency, WholeStep
from etl.landed_columns import LANDED_COLUMNS

# What a replica adds to the columns of its table.
REPLICA_COLUMNS = ("_row_id", "_source_cursor", "_inserted_run_id", "_updated_run_id")
_OWN_COLUMNS = (*LANDED_COLUMNS, "_change", "_broken_rule", "_broken_rules", "_json_nulls", *REPLICA_COLUMNS)


class Column(Model):
    """One column of a staged table.

    Attributes:
        path: Keys from the source's column (or from the record's field) into nested JSON.
        of_parent: In a child list of an API, a field of the record that holds the list.
        expression: For derived columns: SQL over the other columns of the row, computed in staging.
        personal: Its values speak of a person: no profile keeps one (law P2). A derived column that does
            not say is personal where it is made of one that is.
    """

    type: ColumnType
    nullable: bool = True
    description: str = ""
    source_name: str | None = Field(None, description="Name at the source where it differs")
    path: tuple[str, ...] = ()
    of_parent: bool = False
    nulls: tuple[str, ...] = Field((), description="Texts that mean NULL in this column (law X14)")
    expression: str | None = None
    personal: bool | None = Field(None, description="Its values speak of a person and are shown nowhere")


class Parent(Model):
    """The table whose rows these rows belong to; judged first, its orphans follow it (law Q2)."""

    table: str
    keys: dict[str, str] = Field(description="Column here -> column of the parent")


class Load(Model):
    """How the rows of a run are brought from staging into a copy.

    Attributes:
        method: ``merge`` writes what differs and nothing else (law S9). ``upsert`` writes all rows with one
            statement. ``insert`` writes them in batches. ``bulk`` appends them and refuses a key that
            is there: for rows that never change.
        on_duplicate: What ``insert`` does with a row whose key is there: leave it, or give it the new values.
        batch_rows: Rows that ``insert`` writes with one statement.
    """

    method: Literal["merge", "upsert", "insert", "bulk"] = "merge"
    on_duplicate: Literal["ignore", "update"] = "update"
    batch_rows: int = Field(10_000, ge=1)


class Replica(Model):
    """A copy of the table as the source has it now, in the schema ``replica`` of the warehouse.

    Attributes:
        whole_row: The table has no key: rows are told apart by all their columns, and equal rows are counted.
        load: How rows are brought into the copy; those of a backfill, a replay or a repair are merged.
        guard: How much of the copy one run may remove; smaller ones than ``minimum_members`` are not judged.
    """

    whole_row: bool = False
    load: Load = Load()
    guard: Guard = Guard(change_pct=100)


class SourceTable(Model):
    """A table of a source: a table or view, a declared query, an endpoint of an API, or files.

    Attributes:
        parameters: Type of each ``:name`` in ``query``; a run binds ``as_of`` and, where it is of one
            day, ``business_date``.
        settle: Steps that need all rows of the run, as SQL over the staged table (law F5).
        replica: The table is copied as it is; without it, a dimension or a fact takes its rows.
    """

    name: str = ""
    source: str = ""
    description: str
    table: str | None = Field(None, description="Name at the source, 'schema.table' where it needs a schema")
    query: str | None = Field(None, description="A query instead of a table; must yield the declared columns")
    parameters: dict[str, ColumnType] = Field(default_factory=dict)
    endpoint: Endpoint | None = None
    files: FileSet | None = None
    key: tuple[str, ...] = Field(description="Columns that identify a row at the source")
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
    compare_every_hours: int = Field(
        0,
        ge=0,
        description="How long after a comparison of all keys the next one is due, by the source's clock; "
        "0 = in each run",
    )
    drift: Literal["freeze", "evolve", "ignore"] = "freeze"
    zero_dates: Literal["null", "reject"] = "null"
    parent: Parent | None = None
    columns: dict[str, Column] = Field(min_length=1)
    prepare: tuple[Step, ...] = ()
    derived: dict[str, Column] = Field(
        default_factory=dict, description="Columns that steps add, or that an expression computes"
    )
    settle: tuple[WholeStep, ...] = ()
    replica: Replica | None = None

    @property
    def qualified_name(self) -> str:
        """``<source>.<table>``, the name used in handles, audit tables and suites."""
        return f"{self.source}.{self.name}"

    @property
    def catalog_file(self) -> str:
        """Where the table is declared, for messages."""
        return f"catalog/tables/{self.source}/{self.name}.yaml"

    @property
    def relation(self) -> str:
        """Name of the staged table within the run's staging schema."""
        return f"stg_{self.source}__{self.name}"

    @property
    def keys_relation(self) -> str:
        """Name of the list of all keys at the source, beside the staged table."""
        return f"{self.relation}__keys"

    @property
    def replica_relation(self) -> str:
        """Name of the copy within the schema ``replica``."""
        return f"{self.source}__{self.name}"

    @property
    def json_columns(self) -> tuple[str, ...]:
        """Staged columns that hold JSON documents."""
        return tuple(name for name, column in self.staged_columns.items() if column.type == "json")

    @property
    def staged_columns(self) -> dict[str, Column]:
        """Declared, then derived columns, in order."""
        return {**self.columns, **self.derived}

    @property
    def staged_types(self) -> dict[str, str]:
        """Column of the staged table -> its type, with what the table keeps beside the declared ones."""
        return {**{name: column.type for name, column in self.staged_columns.items()}, "_cursor": "text"}

    @property
    def prepared_columns(self) -> dict[str, Column]:
        """Columns of the prepared file: without those that are computed once all rows are staged."""
        later = {into for step in self.settle for into in step.makes}
        return {n: c for n, c in self.staged_columns.items() if c.expression is None and n not in later}

    def may_be_null(self, name: str) -> bool:
        """Whether a staged column may hold NULL; a converted amount only where the amount itself may."""
        converting = (
            step for step in self.settle if isinstance(step, ConvertCurrency) and name in step.makes
        )
        if (step := next(converting, None)) is not None:
            return any(self.may_be_null(amount) for amount in step.amounts)
        return self.staged_columns[name].nullable

    @property
    def grain(self) -> tuple[str, ...]:
        """Columns that must be unique in the staged table."""
        return self.unique or self.key

    @property
    def compared_columns(self) -> tuple[str, ...]:
        """Columns by which rows of the same grain are told apart: identical ones count once (law S10)."""
        return tuple(name for name in self.staged_columns if name not in self.key or name in self.grain)

    @property
    def generated_columns(self) -> dict[str, str]:
        """Expression column -> its SQL for PostgreSQL, with every name quoted."""
        return generated_columns(self.staged_columns)

    def unknown_without(self, absent: tuple[str, ...]) -> tuple[str, ...]:
        """The absent columns and those that steps and expressions derive from one of them."""
        unknown = set(absent)
        for step in (*self.prepare, *self.settle):
            if unknown & set(step.reads):
                unknown.update(step.makes)
        for name, column in self.derived.items():
            if column.expression is not None and unknown & parse_expression(column.expression).columns:
                unknown.add(name)
        return tuple(sorted(unknown))

    @property
    def personal_columns(self) -> frozenset[str]:
        """Columns whose values speak of a person: declared so, or derived from one and not declared."""
        personal = {name for name, column in self.columns.items() if column.personal}
        made = [(step.makes, set(step.reads)) for step in (*self.prepare, *self.settle)]
        made += [
            ((name,), parse_expression(column.expression).columns)
            for name, column in self.derived.items()
            if column.expression is not None
        ]
        for names, reads in made:
            for name in names:
                said = self.staged_columns[name].personal
                if said or (said is None and personal & reads):
                    personal.add(name)
        return frozenset(personal)

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if sum(kind is not None for kind in (self.table, self.query, self.endpoint, self.files)) != 1:
            raise ValueError("give exactly one of 'table', 'query', 'endpoint' and 'files'")
        if bool(self.key) == bool(self.replica and self.replica.whole_row):
            raise ValueError("give 'key', the columns that identify a row; only a whole-row replica has none")
        if self.parameters and self.query is None:
            raise ValueError("'parameters' belong to 'query'")
        if self.parameters and (self.deletes == "compare" or (self.cursor and self.cursor_kind == "integer")):
            raise ValueError(
                "a query with 'parameters' answers for their values, not for all of the source: "
                "'deletes: compare' and a cursor of numbers need a query without"
            )
        if self.compare_every_hours and self.deletes != "compare":
            raise ValueError("'compare_every_hours' goes with 'deletes: compare'")
        if self.deletes == "compare" and (self.files or self.endpoint):
            raise ValueError("'deletes: compare' needs a database; files and APIs tell of no keys")
        if self.files is not None:
            self.files.check_columns(self.columns)
        _require(self.columns, self.key, "key")
        _require(self.columns, self.unique, "unique")
        _require(self.columns, [c for c in (self.cursor, self.null_cursor_fallback) if c], "cursor")
        if self.null_cursor == "coalesce" and not self.null_cursor_fallback:
            raise ValueError(
                "null_cursor 'coalesce' needs 'null_cursor_fallback', a column that is never NULL"
            )
        if (self.deletes == "soft") != (self.deleted_when is not None):
            raise ValueError("'deletes: soft' and 'deleted_when' go together")
        if self.endpoint is not None:
            self.endpoint.check_table(self)
        if own := [name for name in self.staged_columns if name in _OWN_COLUMNS]:
            raise ValueError(
                f"'{own[0]}' is a name of the project's own: call the column otherwise, and say its"
                " name under 'source_name'"
            )
        if self.replica:
            self._check_replica(self.replica)
        return self

    def _check_replica(self, replica: Replica) -> None:
        if self.unique:
            raise ValueError("a replica tells rows apart by 'key'; leave 'unique' out")
        partial = self.cursor or self.files or self.parameters
        method = replica.load.method
        if method == "bulk" and not (self.cursor or self.files):
            raise ValueError(
                "'load: {method: bulk}' appends what each run reads: it needs a 'cursor' or 'files', so that"
                " no row is read twice"
            )
        if replica.whole_row and method in ("upsert", "insert"):
            raise ValueError(f"'load: {{method: {method}}}' tells rows apart by 'key', which is empty")
        if method == "bulk" and self.deletes != "ignore":
            raise ValueError("'load: {method: bulk}' is for rows that never change: leave 'deletes' out")
        if replica.whole_row and method != "bulk" and (partial or self.deletes != "ignore"):
            raise ValueError(
                "a whole-row replica is read and compared whole: it takes no 'cursor', 'files', 'parameters'"
                " or 'deletes'"
            )


def _require(columns: dict[str, Column], wanted: tuple[str, ...] | list[str], field: str) -> None:
    missing = [name for name in wanted if name not in columns]
    if missing:
        raise ValueError(f"{field} names {', '.join(missing)}, which is not among the columns")
