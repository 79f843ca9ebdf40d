"""What the warehouse holds of a source table: its image, and how both sides of it are read (law X9)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from etl.catalog import (
    Catalog,
    Deduplicate,
    Dimension,
    EventSource,
    Fact,
    FillFromRows,
    SourceTable,
)
from etl.catalog_types import postgresql_type
from etl.warehouse.postgresql.statements import SQL_DIR, identifier

Kind = Literal["replica", "dimension", "events", "fact", "own_fact"]
SHOWN_KEY_TYPES = ("bigint", "integer", "smallint", "date", "timestamp", "time", "uuid", "boolean", "decimal")


@dataclass(frozen=True, slots=True)
class Image:
    """Where the rows of a source table stand in the warehouse.

    Attributes:
        key: Key of the image -> staged column; empty for rows without a key, which are counted.
        file: Below ``sql/warehouse/postgresql/reconcile``: the statements ``source`` and ``target``, which
            select the same columns, the target also ``_source_decides``: a row that only the
            warehouse has is wrong.
        names: What the file is filled in with.
    """

    kind: Kind
    target: str
    key: Mapping[str, str]
    file: str
    names: Mapping[str, Any] = field(default_factory=dict)
    dimension: Dimension | None = None
    event: EventSource | None = None
    fact: Fact | None = None


@dataclass(frozen=True, slots=True)
class NoImage:
    """Why a source table cannot be held against the warehouse."""

    reason: str


def image_of(catalog: Catalog, table: SourceTable, absent: tuple[str, ...] = ()) -> Image | NoImage:
    """The image of a source table.

    Args:
        absent: Columns that the source no longer has, which therefore are not compared (law S6).
    """
    if (reason := _incomparable(table)) is not None:
        return NoImage(reason)
    unknown = set(table.unknown_without((*absent, *made_of_the_batch(table))))
    if table.replica:
        return _of_replica(table, unknown)
    for dimension in catalog.dimensions.values():
        for event in dimension.events:
            if event.table == table.qualified_name:
                return _of_dimension(catalog, table, dimension, event, unknown)
    for fact in catalog.facts.values():
        if table.qualified_name in fact.tables:
            return _of_fact(catalog, table, fact, unknown)
    return NoImage("nothing in the catalog takes its rows")


def _incomparable(table: SourceTable) -> str | None:
    if table.files is not None:
        return "the ledger of files knows each of its files by its content (law X11)"
    if table.parameters:
        return "its query answers for what a run asks, not for all that there is"
    if any(isinstance(step, Deduplicate) for step in table.settle):
        return "which of its rows are kept depends on those they are read with (deduplicate)"
    return None


def tells_keys(table: SourceTable, image: Image) -> bool:
    """Whether keys may be shown: none is declared personal, nor a text, which may name a person (law P2)."""
    if table.personal_columns & set(image.key.values()):
        return False
    types = [table.staged_columns[column].type for column in image.key.values()]
    return bool(types) and all(str(type_).startswith(SHOWN_KEY_TYPES) for type_ in types)


def made_of_the_batch(table: SourceTable) -> set[str]:
    """Columns whose values depend on the rows that were read together (law F5)."""
    made = {name for step in table.settle for name in step.makes}
    return made | {step.column for step in table.settle if isinstance(step, FillFromRows)}


def _of_replica(table: SourceTable, unknown: set[str]) -> Image:
    columns = [name for name in table.staged_columns if name not in unknown]
    is_read_whole = table.cursor is None and table.files is None
    names = {
        "relation": table.relation,
        "target": table.replica_relation,
        "columns": columns,
        "is_gone": _is_gone(table),
        "decides": "true" if is_read_whole else _decides(table, {c: c for c in table.key}),
    }
    file, key = ("replica", {name: name for name in table.key}) if table.key else ("whole_rows", {})
    return Image("replica", f"replica.{table.replica_relation}", key, file, names)


def _of_dimension(
    catalog: Catalog, table: SourceTable, dimension: Dimension, event: EventSource, unknown: set[str]
) -> Image | NoImage:
    fed = _fed(dimension, event, table)
    key = {name: name for name in dimension.key}
    columns = {
        attribute: {"name": column, "type": postgresql_type(dimension.attributes[attribute].type)}
        for attribute, column in fed.items()
        if column not in unknown
    }
    names = {"relation": table.relation, "entity": dimension.name, "key": key, "is_gone": _is_gone(table)}
    if event.effective_at and event.sequence:
        names |= {"columns": columns, "instant_column": event.effective_at}
        names |= {"sequence_column": event.sequence, "decides": _decides(table, key)}
        event_key = {**key, "effective_at": event.effective_at, "sequence": event.sequence}
        return Image("events", f"history.{dimension.name}", event_key, "events", names, dimension, event)
    if not event.existence or set(dimension.key) != set(table.key):
        return NoImage(f"a row of it is no state of a member of {dimension.relation}")
    others = [other for other in dimension.events if other is not event]
    told = {name for other in others for name in _fed(dimension, other, catalog.tables[other.table])}
    kept = {*told, *dimension.attributes_of(0)}
    names |= {
        "columns": {name: column for name, column in columns.items() if name not in kept},
        "dimension": dimension.relation,
        "surrogate": dimension.surrogate,
        "decides": _decides(table, key),
    }
    return Image("dimension", f"warehouse.{dimension.relation}", key, "dimension", names, dimension, event)


def _fed(dimension: Dimension, event: EventSource, table: SourceTable) -> dict[str, str]:
    """Attributes that the rows of a table carry, with its columns."""
    columns = {name: event.columns.get(name, name) for name in dimension.attributes}
    return {name: column for name, column in columns.items() if column in table.staged_columns}


def _of_fact(catalog: Catalog, table: SourceTable, fact: Fact, unknown: set[str]) -> Image | NoImage:
    if not fact.columns:
        return _of_own_fact(table, fact)
    key = {name: fact.staged_column(name) for name in fact.grain}
    if len(fact.tables) > 1 or set(key.values()) != set(table.grain):
        return NoImage(f"several of its rows, or of other tables, compete for a row of {fact.relation}")
    columns = {
        name: {"name": fact.staged_column(name), "type": postgresql_type(column.type)}
        for name, column in fact.columns.items()
        if fact.staged_column(name) not in unknown
    }
    looked_up = {
        name: {
            "relation": catalog.dimensions[lookup.dimension].relation,
            "surrogate": catalog.dimensions[lookup.dimension].surrogate,
            "columns": {
                part: {
                    "name": fact.staged_column(column),
                    "type": postgresql_type(catalog.dimensions[lookup.dimension].key[part]),
                }
                for part, column in lookup.key.items()
            },
        }
        for name, lookup in fact.lookups.items()
        if not unknown & {fact.staged_column(column) for column in lookup.key.values()}
    }
    names = {
        "relation": table.relation,
        "fact": fact.relation,
        "columns": columns,
        "looked_up": looked_up,
        "days": {
            date_key: {"column": fact.staged_column(column), "type": fact.columns[column].type}
            for date_key, column in fact.dates.items()
            if fact.staged_column(column) not in unknown
        },
        "is_gone": _is_gone(table),
        "decides": _decides(table, key),
    }
    return Image("fact", f"warehouse.{fact.relation}", key, "fact", names, fact=fact)


def _of_own_fact(table: SourceTable, fact: Fact) -> Image | NoImage:
    """A fact with SQL of its own has files of its own that say what of it is compared."""
    file = f"{fact.relation}/{table.name}"
    if not (SQL_DIR / "reconcile" / f"{file}.sql").exists():
        return NoImage(f"sql/warehouse/postgresql/reconcile/{file}.sql does not say what is compared")
    key = {name: name for name in table.grain}
    return Image("own_fact", f"warehouse.{fact.relation}", key, file, fact=fact)


def _is_gone(table: SourceTable) -> str:
    """A soft delete is a row whose flag says so (law X8)."""
    return f"coalesce(s.{identifier(table.deleted_when)}, false)" if table.deleted_when else "false"


def _decides(table: SourceTable, key: Mapping[str, str]) -> str:
    """Whether a row ``t`` of the warehouse that is not among the source's rows is wrong (law X8)."""
    if table.deletes == "compare":
        return "true"
    if table.deletes == "ignore":
        return "false"
    own_key = " and ".join(f"s.{identifier(column)} = t.{identifier(name)}" for name, column in key.items())
    return f"exists (select from {identifier(table.relation)} as s where {own_key})"
