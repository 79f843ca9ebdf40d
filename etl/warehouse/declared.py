"""What the catalog declares of each table of the warehouse: its columns and what they refer to."""

from __future__ import annotations

from dataclasses import dataclass

from etl.catalog import Catalog, Column, Dimension, Fact, SourceTable


@dataclass(frozen=True, slots=True)
class DeclaredColumn:
    """A column as the catalog declares it, its type in the catalog's grammar."""

    column_type: str
    is_required: bool = False
    description: str = ""


@dataclass(frozen=True, slots=True)
class Reference:
    """The table that a foreign key column refers to, and the name and type (of the catalog) of its key."""

    relation: str
    surrogate: str
    type: str = "bigint"


def dimension_columns(dimension: Dimension) -> dict[str, DeclaredColumn]:
    """The attributes, each of type 3 with its previous value and the time of its change (law S12)."""
    columns: dict[str, DeclaredColumn] = {}
    for name, attribute in dimension.attributes.items():
        columns[name] = DeclaredColumn(attribute.type)
        if attribute.scd == 3:
            columns[f"previous_{name}"] = DeclaredColumn(attribute.type)
            columns[f"{name}_changed_at"] = DeclaredColumn("timestamp")
    return columns


def dimension_references(catalog: Catalog, dimension: Dimension) -> dict[str, Reference]:
    """The snowflake keys."""
    return {
        column: _reference(catalog.dimensions[snowflake.dimension])
        for column, snowflake in dimension.snowflakes.items()
    }


def fact_columns(fact: Fact) -> dict[str, DeclaredColumn]:
    """The columns that come from staged tables."""
    return {
        name: DeclaredColumn(column.type, name in fact.required or not column.nullable, column.description)
        for name, column in fact.columns.items()
    }


def fact_references(catalog: Catalog, fact: Fact) -> dict[str, Reference]:
    """The keys: of ``dim_date`` and of the dimensions that the fact looks up."""
    dates = {name: Reference("dim_date", "date_key", "integer") for name in fact.dates}
    lookups = {name: _reference(catalog.dimensions[x.dimension]) for name, x in fact.lookups.items()}
    return {**dates, **lookups}


def replica_columns(table: SourceTable) -> dict[str, DeclaredColumn]:
    """The staged columns, with their names at the source where those differ."""
    return {
        name: DeclaredColumn(column.type, name in table.key or not column.nullable, _said_of(column))
        for name, column in table.staged_columns.items()
    }


def _reference(dimension: Dimension) -> Reference:
    return Reference(dimension.relation, dimension.surrogate)


def _said_of(column: Column) -> str:
    at_source = f"{column.source_name} at the source" if column.source_name else ""
    return "; ".join(part for part in (column.description, at_source) if part)
