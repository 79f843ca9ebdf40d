"""Which targets the rows of some tables reach: what a run over them merges, and what it can change."""

from __future__ import annotations

from collections.abc import Collection

from etl.catalog.declarations import Catalog
from etl.catalog.dimensions import Dimension
from etl.catalog.facts import Fact
from etl.catalog.tables import SourceTable


def fed_dimensions(catalog: Catalog, tables: Collection[str]) -> list[Dimension]:
    """Dimensions whose events the tables hold or whose members they name, in the order of merging."""
    return [
        dimension
        for dimension in catalog.dimensions_in_order()
        if any(event.table in tables for event in dimension.events) or namings(catalog, dimension, tables)
    ]


def touched_dimensions(catalog: Catalog, tables: Collection[str]) -> list[Dimension]:
    """Dimensions that the tables feed, and those that lead to one of them by a snowflake, in that order."""
    fed = {dimension.name for dimension in fed_dimensions(catalog, tables)}
    return [
        dimension
        for dimension in catalog.dimensions_in_order()
        if dimension.name in fed or any(x.dimension in fed for x in dimension.snowflakes.values())
    ]


def merged_facts(catalog: Catalog, tables: Collection[str]) -> list[Fact]:
    """Facts that are merged: with SQL of their own when all their tables are there, else when any is."""
    return [
        fact
        for fact in catalog.facts.values()
        if (any if fact.columns else all)(name in tables for name in fact.tables)
    ]


def repointed_facts(catalog: Catalog, tables: Collection[str]) -> list[Fact]:
    """Facts that look up a dimension that the tables feed: their rows follow moved versions (law S8)."""
    names = {dimension.name for dimension in fed_dimensions(catalog, tables)}
    return [
        fact
        for fact in catalog.facts.values()
        if any(lookup.dimension in names for lookup in fact.lookups.values())
    ]


def replicas(catalog: Catalog, tables: Collection[str]) -> list[SourceTable]:
    """Those of the tables that are copied as they are."""
    return [table for name, table in catalog.tables.items() if table.replica and name in tables]


def analyzed_columns(catalog: Catalog, table: SourceTable) -> list[str]:
    """Columns of a staged table whose statistics later statements need; empty means all.

    Where neither a step nor a fact may join by other columns, its keys are enough: statistics of twenty
    attributes took half as long as COPY of the rows.
    """
    if table.settle or any(table.qualified_name in fact.tables for fact in catalog.facts.values()):
        return []
    parent = table.parent.keys if table.parent else ()
    return list(dict.fromkeys([*table.grain, *table.key, *parent]))


def changed_relations(catalog: Catalog, tables: Collection[str]) -> set[str]:
    """``warehouse.<relation>`` of each dimension and fact that a run over the tables can change."""
    dimensions = touched_dimensions(catalog, tables)
    facts = [*merged_facts(catalog, tables), *repointed_facts(catalog, tables)]
    names = [*(dimension.relation for dimension in dimensions), *(fact.relation for fact in facts)]
    return {f"warehouse.{name}" for name in names}


def namings(
    catalog: Catalog, dimension: Dimension, tables: Collection[str]
) -> list[tuple[str, dict[str, str]]]:
    """Where the tables name members of a dimension: table, and key column -> its staged column (law S17)."""
    return [
        (table, key)
        for table, key in (*_of_facts(catalog, dimension), *_of_snowflakes(catalog, dimension))
        if table in tables
    ]


def _of_facts(catalog: Catalog, dimension: Dimension) -> list[tuple[str, dict[str, str]]]:
    found = []
    for fact in catalog.facts.values():
        for lookup in (x for x in fact.lookups.values() if x.dimension == dimension.name):
            if lookup.table is not None:
                found.append((lookup.table, lookup.key))
            else:
                key = {column: fact.staged_column(named) for column, named in lookup.key.items()}
                found += [(table, key) for table in fact.tables]
    return found


def _of_snowflakes(catalog: Catalog, dimension: Dimension) -> list[tuple[str, dict[str, str]]]:
    """Members of other dimensions name it by a plain attribute."""
    found = []
    for other in catalog.dimensions.values():
        for snowflake in (x for x in other.snowflakes.values() if x.dimension == dimension.name):
            for event in other.events:
                column = event.columns.get(snowflake.attribute, snowflake.attribute)
                if column in catalog.tables[event.table].staged_columns:
                    found.append((event.table, {next(iter(dimension.key)): column}))
    return found
