"""Makes the tables that the catalog declares and the warehouse lacks.

A table with a file in ``sql/warehouse/postgresql`` is made from it; for others the catalog says all.
"""

from __future__ import annotations

from psycopg2.extensions import cursor as Cursor

from etl.catalog import Catalog, Dimension, Fact, SourceTable
from etl.catalog_types import postgresql_type
from etl.errors import ConfigError
from etl.warehouse.postgresql.columns import Table, describe_columns
from etl.warehouse.postgresql.declared import (
    dimension_columns,
    dimension_references,
    fact_columns,
    fact_references,
    replica_columns,
)
from etl.warehouse.postgresql.shape import Shape
from etl.warehouse.postgresql.statements import SQL_DIR, render, render_named


def make_missing(cursor: Cursor, catalog: Catalog, shape: Shape) -> bool:
    """Make what is missing, dimensions before those that refer to them; says whether anything was.

    What fills a table that was made anew is read from the beginning by its next run.

    Raises:
        ConfigError: A fact has neither columns nor a file.
    """
    filled_by: list[str] = []
    for dimension in catalog.dimensions_in_order():
        if not shape.of("history", dimension.name):
            _make_history(cursor, dimension)
            filled_by += [event.table for event in dimension.events]
        if not shape.of("warehouse", dimension.relation):
            _make_dimension(cursor, catalog, dimension)
            filled_by += [event.table for event in dimension.events]
    for fact in catalog.facts.values():
        if not shape.of("warehouse", fact.relation):
            _make_fact(cursor, catalog, fact)
            filled_by += fact.tables
    for table in catalog.tables.values():
        if table.replica and not shape.of("replica", table.replica_relation):
            _make_replica(cursor, table)
            filled_by.append(table.qualified_name)
    if filled_by:
        read_again(cursor, filled_by)
    return bool(filled_by)


def read_again(cursor: Cursor, tables: list[str]) -> None:
    """Forget how far the tables were read: a reset that names them (law X7)."""
    for statement in render_named("generated/read_again.sql").values():
        cursor.execute(statement, {"tables": tables})


def _make_history(cursor: Cursor, dimension: Dimension) -> None:
    statement = render(
        "merges/dimension/history_table.sql",
        entity=dimension.name,
        key=_key_types(dimension),
        attributes={a: postgresql_type(v.type) for a, v in dimension.attributes.items()},
    )
    cursor.execute(statement, {})


def _make_dimension(cursor: Cursor, catalog: Catalog, dimension: Dimension) -> None:
    if _made_from_file(cursor, "dimensions", dimension.relation):
        return
    statement = render(
        "generated/dimension.sql",
        entity=dimension.name,
        relation=dimension.relation,
        surrogate=dimension.surrogate,
        description=dimension.description,
        key=_key_types(dimension),
        attributes={name: column.type for name, column in dimension_columns(dimension).items()},
        references=dimension_references(catalog, dimension),
    )
    cursor.execute(statement, {})


def _make_fact(cursor: Cursor, catalog: Catalog, fact: Fact) -> None:
    if _made_from_file(cursor, "facts", fact.relation):
        return
    file, columns = f"catalog/facts/{fact.name}.yaml", fact_columns(fact)
    if not columns:
        raise ConfigError(
            f"{file}: the fact has no 'columns', and there is no facts/{fact.relation}.sql for it.",
            "Declare its columns, or write that file and the two of its merge.",
        )
    statement = render(
        "generated/fact.sql",
        relation=fact.relation,
        row_id=fact.row_id,
        description=fact.description,
        grain=fact.grain,
        columns=columns,
        references=fact_references(catalog, fact),
        complete_by=fact.complete_by,
    )
    cursor.execute(statement, {})
    describe_columns(cursor, Table("warehouse", fact.relation, {}, file), columns)


def describe_replica(cursor: Cursor, table: SourceTable) -> None:
    """Write beside a copy and its columns what they are."""
    cursor.execute(_replica_statements(table)["describe"], {})
    place = Table("replica", table.replica_relation, {}, table.catalog_file)
    describe_columns(cursor, place, replica_columns(table))


def _make_replica(cursor: Cursor, table: SourceTable) -> None:
    cursor.execute(_replica_statements(table)["create"], {})
    describe_replica(cursor, table)


def _replica_statements(table: SourceTable) -> dict[str, str]:
    of_what = table.table or "a query" if not table.endpoint else table.endpoint.path
    return render_named(
        "generated/replica.sql",
        relation=table.replica_relation,
        key=table.key,
        columns=replica_columns(table),
        description=f"Copy of {of_what} of {table.source} as it is there now: {table.description}",
    )


def _made_from_file(cursor: Cursor, folder: str, relation: str) -> bool:
    file = f"{folder}/{relation}.sql"
    if not (SQL_DIR / file).is_file():
        return False
    cursor.execute(render(file), {})
    return True


def _key_types(dimension: Dimension) -> dict[str, str]:
    return {column: postgresql_type(type_) for column, type_ in dimension.key.items()}
