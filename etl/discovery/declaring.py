"""What catalog files say of a found table, and of a dimension that keeps its history."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from etl.catalog import SourceTable
from etl.discovery.found import FoundColumn, FoundTable
from etl.discovery.names import column_name
from etl.discovery.profile import TableProfile
from etl.discovery.types import found_type
from etl.profiles import EMAIL, names_a_person

Content = dict[str, Any]
_MAY_BE_NO_DATE = ("date", "timestamp", "timestamptz")
# Columns that a dimension has of its own, beside its surrogate key.
OF_DIMENSIONS = ("valid_from", "valid_to", "is_current", "is_inferred", "inserted_run_id", "updated_run_id")


@dataclass(frozen=True, slots=True)
class Choice:
    """What was decided of a found table.

    Attributes:
        cursor: Column of the source that is taken for the cursor; None for a table that is read whole.
        keeps_history: A dimension takes its rows, not a replica.
        is_mysql: Dates may be none there (zero dates), and become NULL.
    """

    cursor: str | None
    keeps_history: bool
    is_mysql: bool


def table_content(table: FoundTable, choice: Choice, profile: TableProfile) -> Content:
    """The table's declaration: as many of its fields as there is something to say in."""
    names = column_names(table)
    key = [names[column] for column in table.key]
    content: Content = {
        "description": _description(table, choice),
        "table": table.reference,
        "key": key,
        "cursor": names.get(choice.cursor or ""),
        # A copy that is read whole is compared whole anyway.
        "deletes": "compare" if key and (choice.cursor or choice.keeps_history) else None,
        "drift": "evolve",
        "replica": None if choice.keeps_history else {} if key else {"whole_row": True},
        "columns": {
            names[name]: _column(name, names[name], column, table, choice, profile)
            for name, column in table.columns.items()
        },
    }
    return {field: value for field, value in content.items() if value is not None}


def dimension_content(table: SourceTable) -> Content:
    """A dimension with every column that is not of the key as type 2 (law S12)."""
    own = {*OF_DIMENSIONS, f"{dimension_name(table)}_key"}
    names: dict[str, str] = {}
    for column in (c for c in table.columns if c not in table.key):
        taken = {*own, *table.columns, *names.values()}
        names[column] = column_name(f"source_{column}", taken) if column in own else column
    renamed = {attribute: column for column, attribute in names.items() if column != attribute}
    event: Content = {"table": table.qualified_name}
    event |= {"effective_at": table.cursor} if table.cursor else {}
    event |= {"columns": renamed} if renamed else {}
    return {
        "description": f"History of {table.qualified_name}, a version for each change that was seen.",
        "key": {column: table.columns[column].type for column in table.key},
        "events": [event],
        "attributes": {names[c]: {"type": table.columns[c].type, "scd": 2} for c in names},
    }


def can_keep_history(table: FoundTable) -> bool:
    """Whether a dimension can hold the table: it has a key, something beside it, and no names in the way."""
    names = column_names(table)
    key = {names[column] for column in table.key}
    return bool(key) and len(names) > len(key) and not key.intersection(OF_DIMENSIONS)


def dimension_name(table: SourceTable) -> str:
    """Name of the dimension that keeps the history of a table."""
    return column_name(f"{table.source}_{table.name}", ())


def column_names(table: FoundTable) -> dict[str, str]:
    """Column of the source -> name in the catalog."""
    names: dict[str, str] = {}
    for original in table.columns:
        names[original] = column_name(original, names.values())
    return names


def column_content(name: str, column: FoundColumn, column_type: str, is_never_null: bool) -> Content:
    """One entry under ``columns``; whether it speaks of persons is guessed from its name, for you to edit."""
    content: Content = {"type": column_type}
    content |= {"nullable": False} if is_never_null else {}
    content |= {"personal": True} if names_a_person(name) else {}
    content |= {"source_name": column.source.name} if column.source.name != name else {}
    return content | ({"description": _one_line(column.comment)} if column.comment.strip() else {})


def is_never_null(column: FoundColumn, is_mysql: bool) -> bool:
    """Whether no row can land without a value; MySQL's zero dates land as NULL."""
    return not column.source.nullable and not (is_mysql and column.source.family in _MAY_BE_NO_DATE)


def _column(
    original: str,
    name: str,
    column: FoundColumn,
    table: FoundTable,
    choice: Choice,
    profile: TableProfile,
) -> Content:
    is_unfit = profile.columns[original].is_unfit
    column_type = "text" if is_unfit else found_type(column.source, choice.is_mysql)
    never_null = original in table.key or is_never_null(column, choice.is_mysql)
    content = column_content(name, column, column_type, never_null)
    return content | ({"personal": True} if profile.columns[original].form == EMAIL else {})


def _description(table: FoundTable, choice: Choice) -> str:
    comment = _one_line(table.comment)
    said = [comment if comment.endswith((".", "!", "?")) or not comment else f"{comment}."]
    said[0] = said[0] or f"The {table.kind} {table.full_name} of the source."
    if choice.cursor:
        how = (
            "the database sets it with every update"
            if table.columns[choice.cursor].follows_updates
            else "guessed from its name and its values; take it out if rows change without it"
        )
        said.append(f"Its cursor: {how}.")
    return " ".join(said)


def _one_line(text: str) -> str:
    return " ".join(text.split())
