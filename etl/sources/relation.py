"""A declared table or query together with what its source says about it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from etl.catalog import SourceTable
from etl.errors import ConfigError, ContractError
from etl.handles import Extract
from etl.sources.dialect import Dialect
from etl.sources.metadata import SourceColumn, find_column
from etl.sources.parameters import bound_query
from etl.sources.select_list import LandedColumn

_TIMES = ("date", "timestamp", "timestamptz")


@dataclass(frozen=True, slots=True)
class Relation:
    """One table of the catalog as it stands at the source.

    Attributes:
        table: The declaration.
        sql: What stands behind ``from``: a quoted name, or the declared query in brackets.
        columns: The source's columns by their own names.
        dialect: How the source writes names and values.
        known: Catalog name -> the source's column, for key, cursor and fallback.

    Raises:
        ContractError: The source lacks a column of the key or the cursor.
    """

    table: SourceTable
    sql: str
    columns: dict[str, SourceColumn]
    dialect: Dialect
    known: dict[str, SourceColumn] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "known", _known_columns(self.table, self.columns, self.dialect.is_mysql))

    @property
    def ranged(self) -> SourceColumn | None:
        """What ranges are cut over: a first key of numbers, else the cursor, else a first key in some order.

        All readers of a run choose the same.
        """
        key = self.known[self.table.key[0]] if self.table.key else None
        if key is not None and self._is_number(key):
            return key
        if self.cursor is not None and (self._is_number(self.cursor) or self.cursor.family in _TIMES):
            return self.cursor
        in_order = _TIMES if self.dialect.is_mysql else (*_TIMES, "uuid")
        return key if key is not None and key.family in in_order else None

    @property
    def ranged_sql(self) -> str:
        """What ranges are cut over; rows in which it is NULL belong to the first of them."""
        if self.ranged is None or self.ranged is self.cursor:
            return self.cursor_sql
        return self.dialect.quote(self.ranged.name)

    @property
    def measures(self) -> list[str]:
        """Number of rows, least and greatest value of what ranges are cut over; what is no date aside."""
        value = self.ranged_sql
        if self.ranged is not None and self.ranged.family in _TIMES:
            end = "" if self.dialect.is_mysql else f" and {value} < '10000-01-01'"
            value = f"case when {value} >= '0001-01-01'{end} then {value} end"
        if self.ranged is not None and self.ranged.family == "uuid":
            value = f"{value}::text"
        return ["count(*)", f"min({value})", f"max({value})"]

    @property
    def is_ranged_by_number(self) -> bool:
        """Whether ranges are cut over whole numbers."""
        return self.ranged is not None and self._is_number(self.ranged)

    def _is_number(self, column: SourceColumn) -> bool:
        # PostgreSQL's numeric may be NaN.
        return column.family == "integer" or (self.dialect.is_mysql and column.kind == "bigint")

    @property
    def cursor(self) -> SourceColumn | None:
        """The cursor's column; None for a table that is read whole."""
        return None if self.table.cursor is None else self.known[self.table.cursor]

    @property
    def cursor_sql(self) -> str:
        """The cursor, or what stands in for it where it is NULL (law X5)."""
        fallback = self.table.null_cursor_fallback if self.table.null_cursor == "coalesce" else None
        names = [name for name in (self.table.cursor, fallback) if name]
        quoted = [self.dialect.quote(self.known[name].name) for name in names]
        return quoted[0] if len(quoted) == 1 else f"coalesce({', '.join(quoted)})"

    @property
    def lacks_cursor_sql(self) -> str:
        """Condition of rows without a cursor; a zero date of MySQL is none, and stands below every date."""
        condition = f"{self.cursor_sql} is null"
        return f"({condition} or {self.cursor_sql} < '0001-01-01')" if self._may_be_zero else condition

    @property
    def may_lack_cursors(self) -> bool:
        """Whether rows without a cursor are possible and forbidden."""
        if self.cursor is None or self.table.null_cursor == "always":
            return False
        return self.cursor.nullable or self._may_be_zero

    @property
    def _may_be_zero(self) -> bool:
        is_date = self.cursor is not None and self.cursor.family in _TIMES
        return self.dialect.is_mysql and is_date

    def cursor_zone(self, zone: str) -> str:
        """Zone of the cursor texts: UTC where the column knows its instant, else that of the system."""
        return "UTC" if self.cursor is not None and self.cursor.family == "timestamptz" else zone


def declared_query(table: SourceTable, values: Mapping[str, str], dialect: Dialect) -> str:
    """The declared query as a relation; on lines of its own, because it may end in a comment."""
    return f"(\n{bound_query(table, values, dialect)}\n) as {dialect.quote('declared query')}"


def needed_columns(
    table: SourceTable, extract: Extract, selected: Sequence[LandedColumn]
) -> list[LandedColumn]:
    """What must be selected: all for ``rows``; key, cursor and its fallback for ``keys``."""
    if extract.kind == "rows":
        return list(selected)
    needed = {*table.key, table.cursor, table.null_cursor_fallback}
    return [column for column in selected if column.name in needed]


def kept_columns(table: SourceTable, extract: Extract, selected: Sequence[LandedColumn]) -> list[str]:
    """Names that land: all for ``rows``, the key for ``keys``."""
    return list(table.key) if extract.kind == "keys" else [c.name for c in selected]


def is_first_part(extract: Extract) -> bool:
    """Whether this is the part that checks the whole table."""
    return extract.kind == "rows" and (extract.key_range is None or extract.key_range[0] is None)


def refuse_null_cursors(table: SourceTable, count: int) -> None:
    """Law X5: stop when rows have no cursor and the policy does not say what to do with them.

    Raises:
        ContractError: There are such rows; says how many.
    """
    if count:
        also = (
            f" and in its fallback '{table.null_cursor_fallback}'" if table.null_cursor == "coalesce" else ""
        )
        raise ContractError(
            f"{table.qualified_name}: {count} rows have NULL (or a zero date) in the cursor "
            f"'{table.cursor}'{also} and belong to no window.",
            f"Mend them, or set null_cursor in {table.catalog_file} to 'always' or 'coalesce'.",
        )


def _known_columns(
    table: SourceTable, columns: dict[str, SourceColumn], ignore_case: bool
) -> dict[str, SourceColumn]:
    known = {}
    for name in (*table.key, *filter(None, (table.cursor, table.null_cursor_fallback))):
        if table.columns[name].path:
            raise ConfigError(
                f"{table.qualified_name}: '{name}' is taken out of JSON and cannot be the key or the cursor.",
                "Declare a query that yields it as a column.",
            )
        source_name = table.columns[name].source_name or name
        column = find_column(columns, source_name, ignore_case)
        if column is None:
            raise ContractError(
                f"{table.qualified_name}: the source has no column '{source_name}', "
                f"which is the key or cursor '{name}'.",
                f"Correct 'columns' in {table.catalog_file}.",
            )
        known[name] = column
    return known
