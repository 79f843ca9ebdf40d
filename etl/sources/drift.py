"""The source's columns held against the catalog before anything is read (law X12)."""

from __future__ import annotations

from etl.catalog import Column, SourceTable
from etl.errors import ContractError
from etl.sources.dialect import Dialect
from etl.sources.metadata import Family, SourceColumn, find_column
from etl.sources.select_list import new_columns

# Family at the source -> types of the catalog that its values become without loss or guess.
_FITTING: dict[Family, tuple[str, ...]] = {
    "integer": ("bigint", "integer", "smallint", "decimal", "double", "boolean", "text"),
    "decimal": ("decimal", "double", "bigint", "integer", "smallint", "text"),
    "float": ("double", "decimal", "text"),
    "boolean": ("boolean", "bigint", "integer", "smallint", "text"),
    "text": ("text", "json", "uuid"),
    "json": ("json", "text"),
    "uuid": ("uuid", "text"),
    "bytes": ("bytes",),
    "date": ("date", "timestamp", "text"),
    "timestamp": ("timestamp", "text"),
    "timestamptz": ("timestamp", "text"),
    "time": ("time", "text"),
}


def absent_columns(table: SourceTable, columns: dict[str, SourceColumn], dialect: Dialect) -> tuple[str, ...]:
    """Declared columns that the source has no column for."""
    return tuple(
        name
        for name, declared in table.columns.items()
        if find_column(columns, declared.source_name or name, dialect.is_mysql) is None
    )


def check_drift(table: SourceTable, columns: dict[str, SourceColumn], dialect: Dialect) -> list[str]:
    """Compare; see :meth:`etl.sources.Source.check_columns`.

    Returns:
        One sentence per drift that the policy lets pass. Columns that are new are read under ``evolve``;
        those that are gone read as NULL under ``evolve`` and ``ignore``.

    Raises:
        ContractError: Any drift under ``freeze``; under every policy, a key, a cursor or a column declared
            ``nullable: false`` that is gone.
    """
    gone, changed = absent_columns(table, columns, dialect), []
    for name, declared in table.columns.items():
        source_name = declared.source_name or name
        column = find_column(columns, source_name, dialect.is_mysql)
        if column is not None and not fits(declared, column):
            changed.append(
                f"column '{name}' is declared {declared.type}, the source has {source_name} {column.sql_type}"
            )
    added = [
        f"the source has a column '{c.name}' ({c.sql_type}) that is not declared"
        for c in new_columns(table, columns, dialect)
    ]
    drifts = (
        [f"column '{name}' is declared, the source has none of that name" for name in gone] + changed + added
    )
    never_null = {name for name, column in table.columns.items() if not column.nullable}
    needed = {
        *table.key,
        *filter(None, (table.cursor, table.null_cursor_fallback)),
        *never_null,
    }.intersection(gone)
    if drifts and (table.drift == "freeze" or needed):
        raise _refusal(table, drifts, needed)
    return [f"{table.qualified_name}: {drift} (drift: {table.drift})" for drift in drifts]


def fits(declared: Column, column: SourceColumn) -> bool:
    """Whether the source's values become what is declared, without loss or guess."""
    if declared.path:
        return column.family in ("json", "text")
    return declared.type.partition("(")[0] in _FITTING[column.family]


def _refusal(table: SourceTable, drifts: list[str], needed: set[str]) -> ContractError:
    why = f"; without {', '.join(sorted(needed))} it cannot be read" if needed else ""
    return ContractError(
        f"{table.qualified_name}: the source does not have the declared columns: {'; '.join(drifts)}{why}.",
        f"Correct 'columns' in {table.catalog_file}"
        + ("." if needed else ", or let it pass with 'drift: evolve' or 'drift: ignore'."),
    )
