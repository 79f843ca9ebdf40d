"""Declarations that are there already, completed after their source by the policy of each (law X12)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from etl.catalog import Column, Dimension, SourceTable
from etl.discovery.declaring import OF_DIMENSIONS, column_content, is_never_null
from etl.discovery.found import FoundTable
from etl.discovery.names import column_name
from etl.discovery.types import found_type, is_exact, widened
from etl.discovery.yaml_text import YamlText
from etl.errors import ContractError
from etl.sources.dialect import Dialect
from etl.sources.drift import absent_columns, check_drift, fits
from etl.sources.metadata import SourceColumn, find_column
from etl.sources.select_list import new_columns


@dataclass(frozen=True, slots=True)
class Completed:
    """A file's new text, and in a sentence each what became otherwise or should be known."""

    text: str
    changes: tuple[str, ...] = ()
    flags: tuple[str, ...] = ()


def frozen_drift(table: SourceTable, found: FoundTable, dialect: Dialect) -> str | None:
    """What a table under ``freeze`` has to say; None where nothing is otherwise, or nothing frozen."""
    if table.drift != "freeze":
        return None
    try:
        check_drift(table, found.source_columns, dialect)
    except ContractError as error:
        return error.problem
    return None


def completed_table(text: str, table: SourceTable, found: FoundTable, dialect: Dialect) -> Completed:
    """Under ``evolve``: new columns are added and types widened; what is gone stays. Else only told."""
    columns = found.source_columns
    if table.drift != "evolve":
        return Completed(text, flags=tuple(check_drift(table, columns, dialect)))
    file, flags = YamlText(text), []
    changes = list(_add_columns(file, table, found, dialect))
    for name, declared in table.columns.items():
        column = find_column(columns, declared.source_name or name, dialect.is_mysql)
        if column is None:
            flags.append(f"the source has no column for '{name}' any more; it stays")
        elif not declared.path:
            changes += _widen(file, table, name, column, dialect)
            flags += _misfit(table, name, column, dialect)
    changes += _relax(file, table, found, dialect)
    return Completed(str(file), tuple(changes), tuple(flags))


def completed_dimension(text: str, dimension: Dimension, table: SourceTable) -> Completed:
    """A dimension that discovery made: the columns and types that its table has gained."""
    attributes = {dimension.events[0].columns.get(name, name): name for name in dimension.attributes}
    file, changes, new = YamlText(text), [], {}
    for name, column in table.columns.items():
        attribute = attributes.get(name)
        if attribute is None and name not in (*table.key, *OF_DIMENSIONS):
            new[name] = {"type": column.type, "scd": 2}
        elif attribute is not None and dimension.attributes[attribute].type != column.type:
            file.set_value(column.type, "attributes", attribute, "type")
            changes.append(f"dimension {dimension.name}: '{attribute}' became {column.type}")
    if new:
        file.add_entries("attributes", new)
        changes.append(f"dimension {dimension.name}: gained {', '.join(new)}")
    return Completed(str(file), tuple(changes))


def _add_columns(file: YamlText, table: SourceTable, found: FoundTable, dialect: Dialect) -> Iterator[str]:
    entries: dict[str, Any] = {}
    for column in new_columns(table, found.source_columns, dialect):
        name = column_name(column.name, {*table.staged_columns, *entries})
        there = found.columns[column.name]
        column_type = found_type(column, dialect.is_mysql)
        entries[name] = column_content(name, there, column_type, is_never_null(there, dialect.is_mysql))
        yield f"gained '{name}' ({column_type})"
    if entries:
        file.add_entries("columns", entries)


def _widen(
    file: YamlText, table: SourceTable, name: str, column: SourceColumn, dialect: Dialect
) -> Iterator[str]:
    declared, wide = table.columns[name].type, _wide_type(table.columns[name], column, dialect)
    if wide is not None and wide != declared:
        file.set_value(wide, "columns", name, "type")
        yield f"'{name}' became {wide}, which was {declared}"


def _wide_type(declared: Column, column: SourceColumn, dialect: Dialect) -> str | None:
    """What the column should be declared as: as it is where the values fit; None where nothing holds both."""
    there = found_type(column, dialect.is_mysql)
    both_exact = is_exact(declared.type) and is_exact(there)
    return widened(declared.type, there) if both_exact or not fits(declared, column) else declared.type


def _misfit(table: SourceTable, name: str, column: SourceColumn, dialect: Dialect) -> Iterator[str]:
    if _wide_type(table.columns[name], column, dialect) is None:
        yield (
            f"'{name}' is declared {table.columns[name].type}, the source now has "
            f"{column.sql_type}, and no type holds both; declare it anew under another name"
        )


def _relax(file: YamlText, table: SourceTable, found: FoundTable, dialect: Dialect) -> Iterator[str]:
    """Columns that the source no longer promises, or no longer has, may be NULL from now on."""
    gone = absent_columns(table, found.source_columns, dialect)
    for name, declared in table.columns.items():
        column = find_column(found.source_columns, declared.source_name or name, dialect.is_mysql)
        # What is copied as it is has no rules of its own.
        may_lack = name in gone or bool(table.replica and column and column.nullable)
        if may_lack and not declared.nullable and name not in (*table.key, table.cursor):
            file.set_value(True, "columns", name, "nullable")
            yield f"'{name}' may be NULL now"
