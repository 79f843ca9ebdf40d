"""Brings the warehouse to the shape that the catalog declares (laws S14, S15, F1).

Nothing is written, and no lock but that of the migration is taken, where the shape is right already.
"""

from __future__ import annotations

from etl.catalog import Catalog, Dimension, Fact, SourceTable
from etl.catalog.facts import RUN_IDS
from etl.catalog.tables import REPLICA_COLUMNS
from etl.warehouse.columns import (
    Table,
    add_references,
    match_columns,
    relax_columns,
    require_key,
)
from etl.warehouse.database import Session
from etl.warehouse.declared import (
    DeclaredColumn,
    dimension_columns,
    dimension_references,
    fact_columns,
    fact_references,
    replica_columns,
)
from etl.warehouse.making import make_missing, read_again
from etl.warehouse.shape import Shape, read_shape

SPECIAL_MEMBERS = {-1: "(unknown)", -2: "(not applicable)"}


def match_catalog(session: Session, catalog: Catalog) -> None:
    """Make missing tables, add and widen columns, and see that the special members exist.

    Raises:
        ConfigError: A table cannot become what the catalog declares; nothing was changed.
    """
    shape = read_shape(session)
    if make_missing(session, catalog, shape):
        shape = read_shape(session)
    for dimension in catalog.dimensions_in_order():
        _match_history(session, dimension, shape)
        _match_dimension(session, catalog, dimension, shape)
    for name, member in _missing_members(session, list(catalog.dimensions_in_order())):
        _add_member(session, catalog.dimensions[name], member)
    for fact in catalog.facts.values():
        if fact.columns:
            _match_fact(session, catalog, fact, shape)
    for source_table in catalog.tables.values():
        if source_table.replica:
            _match_replica(session, source_table, shape)


def _match_history(session: Session, dimension: Dimension, shape: Shape) -> None:
    """Events recorded before an attribute was declared did not carry it, which is not NULL (law S14)."""
    present = shape.of("history", dimension.name)
    declared = {name: DeclaredColumn(a.type) for name, a in dimension.attributes.items()}
    match_columns(session, Table("history", dimension.name, present, _file(dimension)), declared)
    if gained := [name for name in dimension.attributes if name not in present]:
        session.execute(
            session.render("merges/dimension/mark_absent.sql", entity=dimension.name), {"gained": gained}
        )


def _match_dimension(session: Session, catalog: Catalog, dimension: Dimension, shape: Shape) -> None:
    present = shape.of("warehouse", dimension.relation)
    table = Table("warehouse", dimension.relation, present, _file(dimension))
    match_columns(session, table, dimension_columns(dimension))
    add_references(session, table, dimension_references(catalog, dimension))


def _match_fact(session: Session, catalog: Catalog, fact: Fact, shape: Shape) -> None:
    present, declared = shape.of("warehouse", fact.relation), fact_columns(fact)
    file, indexed = f"catalog/facts/{fact.name}.yaml", (*fact.grain, *fact.complete_by)
    table = Table("warehouse", fact.relation, present, file, indexed)
    require_key(shape, table, fact.grain)
    match_columns(session, table, declared)
    add_references(session, table, fact_references(catalog, fact))
    if fact.row_id in present:
        # A table of its own file may be stricter than the catalog.
        relax_columns(session, table, declared, {fact.row_id, *fact.keys, *RUN_IDS})
    _fill_gained(session, table, [*declared, *fact.keys], list(fact.tables))


def _match_replica(session: Session, source_table: SourceTable, shape: Shape) -> None:
    relation, declared = source_table.replica_relation, replica_columns(source_table)
    file = source_table.catalog_file
    table = Table("replica", relation, shape.of("replica", relation), file, source_table.key)
    require_key(shape, table, source_table.key or ("_row_id",))
    match_columns(session, table, declared)
    relax_columns(session, table, declared, set(REPLICA_COLUMNS))
    _fill_gained(session, table, list(declared), [source_table.qualified_name])


def _fill_gained(session: Session, table: Table, columns: list[str], source_tables: list[str]) -> None:
    """Rows that did not change have a value in a new column, too: they are read again."""
    if set(columns) - table.present.keys():
        read_again(session, source_tables)


def _missing_members(session: Session, dimensions: list[Dimension]) -> list[tuple[str, int]]:
    """Special members that are not there, found by one query for all dimensions."""
    if not dimensions:
        return []
    statement = session.render("generated/missing_members.sql", dimensions=dimensions)
    session.execute(statement, {"members": list(SPECIAL_MEMBERS)})
    return list(session.fetchall())


def _add_member(session: Session, dimension: Dimension, member: int) -> None:
    statement = session.render(
        "merges/dimension/special_member.sql",
        relation=dimension.relation,
        surrogate=dimension.surrogate,
        texts=[name for name, attribute in dimension.attributes.items() if attribute.type == "text"],
    )
    session.execute(statement, {"member": member, "label": SPECIAL_MEMBERS[member]})


def _file(dimension: Dimension) -> str:
    return f"catalog/dimensions/{dimension.name}.yaml"
