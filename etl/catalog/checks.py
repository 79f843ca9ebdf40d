"""Targets held against the tables that feed them; each finding names file and field."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from etl.catalog.declarations import Catalog
from etl.catalog.dimensions import Dimension
from etl.catalog.facts import Fact, Lookup
from etl.catalog.tables import SourceTable
from etl.catalog_types import can_hold

# PostgreSQL cuts longer names without a word, so that two of them could meet.
NAME_BYTES = 63
# What histories, dimensions and the statements that derive versions add to the attributes.
DIMENSION_COLUMNS = {
    *("effective_at", "sequence", "source", "operation", "existence", "source_cursor", "absent", "run_id"),
    *("recorded_at", "position", "opens", "closes", "declared_sequence", "inserted_run_id", "updated_run_id"),
    *("is_alive", "was_alive", "is_present", "is_inferred", "is_current", "valid_from", "valid_to"),
    *("is_instant", "is_last_of_instant", "is_last_of_version", "_row"),
}


def target_problems(catalog: Catalog, folder: Path) -> list[str]:
    """What is wrong with dimensions, facts and replicas as a whole; none when all fits together."""
    wrong = [*_fed_twice(catalog, folder), *_too_long(catalog, folder)]
    for dimension in catalog.dimensions.values():
        where = f"{folder}/dimensions/{dimension.name}.yaml"
        wrong += [*_dimension_problems(dimension, where), *_snowflake_problems(catalog, dimension, where)]
    for fact in catalog.facts.values():
        wrong += _fact_problems(catalog, fact, f"{folder}/facts/{fact.name}.yaml")
    return wrong


def _fed_twice(catalog: Catalog, folder: Path) -> Iterator[str]:
    """A row counts once (law R3), so its table feeds one dimension, one fact or one replica, and once."""
    fed: dict[str, list[str]] = {}
    for dimension in catalog.dimensions.values():
        for event in dimension.events:
            fed.setdefault(event.table, []).append(f"the dimension {dimension.name}")
    for fact in catalog.facts.values():
        for table in fact.tables:
            fed.setdefault(table, []).append(f"the fact {fact.name}")
    for name, source_table in catalog.tables.items():
        if source_table.replica:
            fed.setdefault(name, []).append("its replica")
    for name, targets in fed.items():
        if len(targets) > 1 and name in catalog.tables:
            yield (
                f"{_file_of(folder, catalog.tables[name])}: the table feeds {' and '.join(targets)}, but its"
                " rows count once (law R3): declare a table of its own for each"
            )


def _too_long(catalog: Catalog, folder: Path) -> Iterator[str]:
    for table in catalog.tables.values():
        where = _file_of(folder, table)
        for name in (table.keys_relation, *table.staged_columns):
            yield from _name_problem(where, name)
    for dimension in catalog.dimensions.values():
        where = f"{folder}/dimensions/{dimension.name}.yaml"
        names = [f"{dimension.relation}_current_idx", *dimension.key, *dimension.snowflakes]
        for attribute in dimension.attributes:
            names += [f"previous_{attribute}", f"{attribute}_changed_at"]
        for name in names:
            yield from _name_problem(where, name)
    for fact in catalog.facts.values():
        for name in (f"rows_{fact.relation}", fact.row_id, *fact.columns, *fact.keys):
            yield from _name_problem(f"{folder}/facts/{fact.name}.yaml", name)


def _name_problem(where: str, name: str) -> Iterator[str]:
    if (size := len(name.encode())) > NAME_BYTES:
        yield (
            f"{where}: the warehouse would have the name '{name}' of {size} bytes, but names have at most"
            f" {NAME_BYTES}: choose a shorter one"
        )


def _dimension_problems(dimension: Dimension, where: str) -> Iterator[str]:
    for name in (*dimension.key, *dimension.attributes):
        if name in DIMENSION_COLUMNS:
            yield (
                f"{where}: attributes.{name}: a column that every dimension has or is derived with; call it"
                " otherwise, and name its column under 'columns' of the event"
            )


def _snowflake_problems(catalog: Catalog, dimension: Dimension, where: str) -> Iterator[str]:
    columns = {name: attribute.type for name, attribute in dimension.attributes.items()} | dimension.key
    taken = {*DIMENSION_COLUMNS, *columns, dimension.surrogate}
    for name, snowflake in dimension.snowflakes.items():
        here, other = f"{where}: snowflakes.{name}", catalog.dimensions.get(snowflake.dimension)
        if name in taken:
            yield f"{here}: the dimension has a column of that name already; call it otherwise"
        if snowflake.attribute not in columns:
            yield f"{here}: {snowflake.attribute} is no attribute and no key column of the dimension"
        if other is None:
            yield f"{here}: {snowflake.dimension} is not a dimension of the catalog"
        elif _leads_to(catalog, other, dimension):
            yield (
                f"{here}: the way through {other.name} comes back to {dimension.name}, but dimensions are"
                " merged one after the other: keep the plain attribute, and take the snowflake out"
            )
        elif len(other.key) > 1:
            yield (
                f"{here}: the key of {other.name} is {', '.join(other.key)}, but one attribute is all that"
                " a snowflake has to find a member by: take it out, or give the dimension a key of one column"
            )
        elif snowflake.attribute in columns:
            own, ((key, key_type),) = columns[snowflake.attribute], other.key.items()
            # text holds a number's digits, but no database compares the two
            if not can_hold(key_type, own) or (key_type == "text") != (own == "text"):
                yield f"{here}: {snowflake.attribute} is {own}, but {key} of {other.name} is {key_type}"


def _leads_to(catalog: Catalog, start: Dimension, end: Dimension) -> bool:
    """Whether a dimension is another one, or its snowflakes lead there, directly or through others."""
    seen, ahead = set[str](), [start.name]
    while ahead:
        name = ahead.pop()
        if name not in seen and name in catalog.dimensions:
            ahead += [snowflake.dimension for snowflake in catalog.dimensions[name].snowflakes.values()]
        seen.add(name)
    return end.name in seen


def _fact_problems(catalog: Catalog, fact: Fact, where: str) -> Iterator[str]:
    missing = [name for name in fact.tables if name not in catalog.tables]
    yield from (f"{where}: tables: {name} is not a table of the catalog" for name in missing)
    for name, lookup in fact.lookups.items():
        if lookup.dimension not in catalog.dimensions:
            yield f"{where}: lookups.{name}: {lookup.dimension} is not a dimension of the catalog"
        else:
            yield from _lookup_problems(catalog, fact, lookup, f"{where}: lookups.{name}")
    if not fact.columns:
        return
    for name in fact.tables:
        if name not in missing:
            yield from _table_problems(fact, catalog.tables[name], where)


def _lookup_problems(catalog: Catalog, fact: Fact, lookup: Lookup, where: str) -> Iterator[str]:
    key = catalog.dimensions[lookup.dimension].key
    if set(lookup.key) != set(key):
        yield f"{where}: key names {', '.join(lookup.key)}, the dimension's key is {', '.join(key)}"
        return
    for column, named in lookup.key.items():
        if fact.columns and not can_hold(key[column], fact.columns[named].type):
            yield (
                f"{where}: {named} is {fact.columns[named].type}, but {column} of the dimension is"
                f" {key[column]}"
            )
    if lookup.table and lookup.table in catalog.tables:
        staged = catalog.tables[lookup.table].staged_columns
        for named in lookup.key.values():
            if named not in staged:
                yield f"{where}: {lookup.table} has no column {named}"


def _table_problems(fact: Fact, table: SourceTable, where: str) -> Iterator[str]:
    name, staged = table.qualified_name, table.staged_columns
    for column, declared in fact.columns.items():
        source = staged.get(fact.staged_column(column))
        if source is None:
            yield f"{where}: columns.{column}: {name} has no column {fact.staged_column(column)}"
            continue
        if not can_hold(declared.type, source.type):
            yield (
                f"{where}: columns.{column} is {declared.type}, which does not hold the {source.type}"
                f" of {name}"
            )
        is_required = column in fact.required or not declared.nullable
        may_be_null = table.may_be_null(fact.staged_column(column))
        if is_required and may_be_null and fact.staged_column(column) not in table.grain:
            yield (
                f"{where}: columns.{column} is never NULL, but it may be in {name}:"
                " declare 'nullable: false' there"
            )
    yield from _grain_problems(fact, table, where)


def _grain_problems(fact: Fact, table: SourceTable, where: str) -> Iterator[str]:
    name = table.qualified_name
    grain = {fact.staged_column(column) for column in fact.grain if column in fact.columns}
    if fact.latest_by is None and (len(fact.tables) > 1 or not set(table.grain) <= grain):
        yield (
            f"{where}: latest_by: several rows of {name} can have one grain: name the column that tells"
            " which of them holds"
        )
    if table.deletes == "compare" and (len(fact.tables) > 1 or set(table.key) != grain):
        yield (
            f"{where}: {name} has 'deletes: compare', for which the key of the fact's only table must be"
            f" the fact's grain; here it is {', '.join(table.key)}"
        )


def _file_of(folder: Path, table: SourceTable) -> str:
    return f"{folder}/tables/{table.source}/{table.name}.yaml"
