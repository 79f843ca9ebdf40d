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
from etl.warehouse.statements import SqlFiles

# By how deletes at the source are known: whether a row that only the warehouse has is wrong (law X8).
DECIDES = {"compare": "always", "soft": "where staged", "ignore": "never"}
Kind = Literal["replica", "dimension", "events", "fact", "own_fact"]
SHOWN_KEY_TYPES = ("bigint", "integer", "smallint", "date", "timestamp", "time", "uuid", "boolean", "decimal")


@dataclass(frozen=True, slots=True)
class Image:
    """Where the rows of a source table stand in the warehouse.

    Attributes:
        key: Key of the image -> staged column; empty for rows without a key, which are counted.
        file: Below ``reconcile`` among the SQL files: the statements ``source`` and ``target``, which
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


def image_of(
    sql: SqlFiles, catalog: Catalog, table: SourceTable, absent: tuple[str, ...] = ()
) -> Image | NoImage:
    """The image of a source table.

    Args:
        sql: The files of the system, which say of facts with SQL of their own what is compared.
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
            return _of_fact(catalog, table, fact, unknown) if fact.columns else _of_own_fact(sql, table, fact)
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
        "deleted_when": table.deleted_when,
        "key": {name: name for name in table.key},
        "decides": "always" if is_read_whole else DECIDES[table.deletes],
    }
    file, key = ("replica", {name: name for name in table.key}) if table.key else ("whole_rows", {})
    return Image("replica", f"replica.{table.replica_relation}", key, file, names)


def _of_dimension(
    catalog: Catalog, table: SourceTable, dimension: Dimension, event: EventSource, unknown: set[str]
) -> Image | NoImage:
    fed = _fed(dimension, event, table)
    key = {name: name for name in dimension.key}
    columns = {
        attribute: {"name": column, "type": dimension.attributes[attribute].type}
        for attribute, column in fed.items()
        if column not in unknown
    }
    names: dict[str, Any] = {
        "relation": table.relation,
        "entity": dimension.name,
        "key": key,
        "deleted_when": table.deleted_when,
    }
    if event.effective_at and event.sequence:
        names |= {"columns": columns, "instant_column": event.effective_at}
        names |= {"sequence_column": event.sequence, "decides": DECIDES[table.deletes]}
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
        "decides": DECIDES[table.deletes],
    }
    return Image("dimension", f"warehouse.{dimension.relation}", key, "dimension", names, dimension, event)


def _fed(dimension: Dimension, event: EventSource, table: SourceTable) -> dict[str, str]:
    """Attributes that the rows of a table carry, with its columns."""
    columns = {name: event.columns.get(name, name) for name in dimension.attributes}
    return {name: column for name, column in columns.items() if column in table.staged_columns}


def _of_fact(catalog: Catalog, table: SourceTable, fact: Fact, unknown: set[str]) -> Image | NoImage:
    key = {name: fact.staged_column(name) for name in fact.grain}
    if len(fact.tables) > 1 or set(key.values()) != set(table.grain):
        return NoImage(f"several of its rows, or of other tables, compete for a row of {fact.relation}")
    columns = {
        name: {"name": fact.staged_column(name), "type": column.type}
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
                    "type": catalog.dimensions[lookup.dimension].key[part],
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
        "key": key,
        "columns": columns,
        "looked_up": looked_up,
        "days": {
            date_key: {"column": fact.staged_column(column), "type": fact.columns[column].type}
            for date_key, column in fact.dates.items()
            if fact.staged_column(column) not in unknown
        },
        "deleted_when": table.deleted_when,
        "decides": DECIDES[table.deletes],
    }
    return Image("fact", f"warehouse.{fact.relation}", key, "fact", names, fact=fact)


def _of_own_fact(sql: SqlFiles, table: SourceTable, fact: Fact) -> Image | NoImage:
    """A fact with SQL of its own has files of its own that say what of it is compared."""
    file = f"{fact.relation}/{table.name}"
    if not sql.has(f"reconcile/{file}.sql"):
        return NoImage(f"sql/warehouse/{sql.folder.name}/reconcile/{file}.sql does not say what is compared")
    key = {name: name for name in table.grain}
    return Image("own_fact", f"warehouse.{fact.relation}", key, file, fact=fact)
