"""Columns of a table of the warehouse, brought to what the catalog declares (law S14)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from psycopg2.extensions import cursor as Cursor

from etl.catalog_types import can_hold, catalog_type, shown_type
from etl.errors import ConfigError
from etl.warehouse.postgresql.declared import DeclaredColumn, Reference
from etl.warehouse.postgresql.shape import PresentColumn, Shape
from etl.warehouse.postgresql.statements import render


@dataclass(frozen=True, slots=True)
class Table:
    """A table of the warehouse as it stands, and the catalog file that declares it."""

    schema: str
    relation: str
    present: Mapping[str, PresentColumn]
    file: str


def match_columns(cursor: Cursor, table: Table, declared: Mapping[str, DeclaredColumn]) -> None:
    """Add what is missing, nullable because rows may be there already, and widen types.

    Raises:
        ConfigError: A type cannot become the declared one without a change of values.
    """
    for name, column in declared.items():
        present = table.present.get(name)
        if present is None:
            _alter(cursor, table, name, change="add", type=column.type)
            describe_columns(cursor, table, {name: column})
        elif present.type != shown_type(column.column_type):
            _require_wider(table, name, present.type, column)
            _alter(cursor, table, name, change="widen", type=column.type)


def add_references(cursor: Cursor, table: Table, references: Mapping[str, Reference]) -> None:
    """Add foreign keys that the catalog gained; rows that are there refer to the unknown member."""
    for name in references.keys() - table.present.keys():
        other = references[name]
        _alter(cursor, table, name, change="refer", type=other.type, other=other)
        index = render("generated/index.sql", schema=table.schema, relation=table.relation, column=name)
        cursor.execute(index, {})


def relax_columns(
    cursor: Cursor, table: Table, declared: Mapping[str, DeclaredColumn], kept: set[str]
) -> None:
    """Let NULL into columns that the catalog no longer has, or no longer declares to be never NULL.

    Args:
        kept: Columns that are made and not declared.
    """
    for name in table.present.keys() - kept:
        still_required = name in declared and declared[name].is_required
        if table.present[name].is_required and not still_required:
            _alter(cursor, table, name, change="relax")


def require_key(shape: Shape, table: Table, key: tuple[str, ...]) -> None:
    """Refuse a table that was made for rows that other columns tell apart.

    Raises:
        ConfigError: The database does not keep rows of these columns apart.
    """
    if not shape.is_unique(table.schema, table.relation, key):
        name = f"{table.schema}.{table.relation}"
        raise ConfigError(
            f"{table.file}: rows are told apart by {', '.join(key)}, but {name} was made for other columns.",
            f"Drop or rename {name}: it is made anew, and the next run fills it from the beginning.",
        )


def describe_columns(cursor: Cursor, table: Table, declared: Mapping[str, DeclaredColumn]) -> None:
    """Write what the catalog says of columns beside them."""
    for name, column in declared.items():
        if column.description:
            statement = render(
                "generated/comment.sql",
                schema=table.schema,
                relation=table.relation,
                column=name,
                description=column.description,
            )
            cursor.execute(statement, {})


def _require_wider(table: Table, name: str, present: str, column: DeclaredColumn) -> None:
    narrow = catalog_type(present)
    if narrow is None or not can_hold(column.column_type, narrow):
        raise ConfigError(
            f"{table.file}: column '{name}' is declared {column.column_type}, but {table.schema}."
            f"{table.relation} holds it as {present}, and not every such value is one of the declared type.",
            f"Declare a type that holds both, such as text; or drop the column in {table.schema}."
            f"{table.relation} and run with full_refresh, which fills it again.",
        )


def _alter(cursor: Cursor, table: Table, column: str, **names: object) -> None:
    statement = render(
        "generated/column.sql", schema=table.schema, relation=table.relation, column=column, **names
    )
    cursor.execute(statement, {})
