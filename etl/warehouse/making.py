"""Makes the tables that the catalog declares and the warehouse lacks.

A table with a file in the system's folder of ``sql/warehouse`` is made from it; for others the catalog
says all.
"""

from __future__ import annotations

from etl.catalog import Catalog, Dimension, Fact, SourceTable
from etl.errors import ConfigError
from etl.warehouse.database import Session
from etl.warehouse.declared import (
    dimension_columns,
    dimension_references,
    fact_columns,
    fact_references,
    replica_columns,
)
from etl.warehouse.shape import Shape


def make_missing(session: Session, catalog: Catalog, shape: Shape) -> bool:
    """Make what is missing, dimensions before those that refer to them; says whether anything was.

    What fills a table that was made anew is read from the beginning by its next run.

    Raises:
        ConfigError: A fact has neither columns nor a file.
    """
    filled_by: list[str] = []
    for dimension in catalog.dimensions_in_order():
        if not shape.of("history", dimension.name):
            _make_history(session, dimension)
            filled_by += [event.table for event in dimension.events]
        if not shape.of("warehouse", dimension.relation):
            _make_dimension(session, catalog, dimension)
            filled_by += [event.table for event in dimension.events]
    for fact in catalog.facts.values():
        if not shape.of("warehouse", fact.relation):
            _make_fact(session, catalog, fact)
            filled_by += fact.tables
    for table in catalog.tables.values():
        if table.replica and not shape.of("replica", table.replica_relation):
            _make_replica(session, table)
            filled_by.append(table.qualified_name)
    if filled_by:
        read_again(session, filled_by)
    return bool(filled_by)


def read_again(session: Session, tables: list[str]) -> None:
    """Forget how far the tables were read: a reset that names them (law X7)."""
    for statement in session.render_named("generated/read_again.sql").values():
        session.execute(statement, {"tables": tables})


def _make_history(session: Session, dimension: Dimension) -> None:
    statement = session.render(
        "merges/dimension/history_table.sql",
        entity=dimension.name,
        key=dimension.key,
        attributes={a: v.type for a, v in dimension.attributes.items()},
    )
    session.execute(statement)


def _make_dimension(session: Session, catalog: Catalog, dimension: Dimension) -> None:
    if _made_from_file(session, "dimensions", dimension.relation):
        return
    statement = session.render(
        "generated/dimension.sql",
        entity=dimension.name,
        relation=dimension.relation,
        surrogate=dimension.surrogate,
        description=dimension.description,
        key=dimension.key,
        attributes={name: column.column_type for name, column in dimension_columns(dimension).items()},
        references=dimension_references(catalog, dimension),
    )
    session.execute(statement)


def _make_fact(session: Session, catalog: Catalog, fact: Fact) -> None:
    if _made_from_file(session, "facts", fact.relation):
        return
    columns = fact_columns(fact)
    if not columns:
        raise ConfigError(
            f"catalog/facts/{fact.name}.yaml: the fact has no 'columns', and there is no"
            f" facts/{fact.relation}.sql for it.",
            "Declare its columns, or write that file and the two of its merge.",
        )
    statement = session.render(
        "generated/fact.sql",
        relation=fact.relation,
        row_id=fact.row_id,
        description=fact.description,
        grain=fact.grain,
        columns=columns,
        references=fact_references(catalog, fact),
        complete_by=fact.complete_by,
    )
    session.execute(statement)


def describe_replica(session: Session, table: SourceTable) -> None:
    """Write beside a copy and its columns what they are."""
    session.execute(_replica_statements(session, table)["describe"])


def _make_replica(session: Session, table: SourceTable) -> None:
    session.execute(_replica_statements(session, table)["create"])
    describe_replica(session, table)


def _replica_statements(session: Session, table: SourceTable) -> dict[str, str]:
    of_what = table.table or "a query" if not table.endpoint else table.endpoint.path
    return session.render_named(
        "generated/replica.sql",
        relation=table.replica_relation,
        key=table.key,
        columns=replica_columns(table),
        description=f"Copy of {of_what} of {table.source} as it is there now: {table.description}",
    )


def _made_from_file(session: Session, folder: str, relation: str) -> bool:
    file = f"{folder}/{relation}.sql"
    if not session.database.sql.has(file):
        return False
    session.execute(session.render(file))
    return True
