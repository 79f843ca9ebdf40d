"""Columns of a table of the warehouse, brought to what the catalog declares (law S14)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from etl.catalog_types import can_hold
from etl.errors import ConfigError
from etl.warehouse.database import Session
from etl.warehouse.declared import DeclaredColumn, Reference
from etl.warehouse.shape import PresentColumn, Shape


@dataclass(frozen=True, slots=True)
class Table:
    """A table of the warehouse as it stands, and the catalog file that declares it.

    Attributes:
        key: Columns that an index holds.
    """

    schema: str
    relation: str
    present: Mapping[str, PresentColumn]
    file: str
    key: tuple[str, ...] = ()


def match_columns(session: Session, table: Table, declared: Mapping[str, DeclaredColumn]) -> None:
    """Add what is missing, nullable because rows may be there already, and widen types.

    Raises:
        ConfigError: A type cannot become the declared one without a change of values.
    """
    for name, column in declared.items():
        present = table.present.get(name)
        if present is None:
            _alter(
                session, table, name, change="add", type=column.column_type, description=column.description
            )
        elif present.type not in session.database.shown_types(column.column_type):
            _alter(
                session,
                table,
                name,
                change="widen",
                type=column.column_type,
                narrow=_narrow_type(session, table, name, column),
                present=present,
                is_key=name in table.key,
                description=column.description or present.description,
            )


def add_references(session: Session, table: Table, references: Mapping[str, Reference]) -> None:
    """Add foreign keys that the catalog gained; rows that are there refer to the unknown member."""
    for name in references.keys() - table.present.keys():
        other = references[name]
        _alter(session, table, name, change="refer", type=other.type, other=other)
        index = session.render(
            "generated/index.sql", schema=table.schema, relation=table.relation, column=name
        )
        session.execute(index)


def relax_columns(
    session: Session, table: Table, declared: Mapping[str, DeclaredColumn], kept: set[str]
) -> None:
    """Let NULL into columns that the catalog no longer has, or no longer declares to be never NULL.

    Args:
        kept: Columns that are made and not declared.
    """
    for name in table.present.keys() - kept:
        still_required = name in declared and declared[name].is_required
        if table.present[name].is_required and not still_required:
            present = table.present[name]
            _alter(session, table, name, change="relax", present=present, description=present.description)


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


def _narrow_type(session: Session, table: Table, name: str, column: DeclaredColumn) -> str:
    """The catalog's type of a column as it stands, all of whose values the declared one can hold."""
    present = table.present[name].type
    narrow = session.database.catalog_type(present)
    if narrow is None or not can_hold(column.column_type, narrow):
        raise ConfigError(
            f"{table.file}: column '{name}' is declared {column.column_type}, but {table.schema}."
            f"{table.relation} holds it as {present}, and not every such value is one of the declared type.",
            f"Declare a type that holds both, such as text; or drop the column in {table.schema}."
            f"{table.relation} and run with full_refresh, which fills it again.",
        )
    return narrow


def _alter(session: Session, table: Table, column: str, **names: object) -> None:
    statement = session.render(
        "generated/column.sql", schema=table.schema, relation=table.relation, column=column, **names
    )
    session.execute(statement)
