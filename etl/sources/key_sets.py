"""Rows wanted by their keys: batches of keys as conditions, composite keys column by column (law S11)."""

from __future__ import annotations

from collections.abc import Iterator

import pyarrow as pa
import pyarrow.compute as pc

from etl.errors import ConfigError
from etl.sources.metadata import SourceColumn
from etl.sources.relation import Relation

# The texts of each key column, in the same order.
KeyBatch = list[list[str]]


def key_batches(relation: Relation, keys: pa.Table, zone: str, batch_keys: int) -> Iterator[KeyBatch]:
    """Distinct keys as texts in the source's own form, by column; keys with a NULL name no row.

    Raises:
        ConfigError: ``keys`` lacks a key column, or one has no text form.
    """
    table = relation.table
    missing = [name for name in table.key if name not in keys.column_names]
    if missing:
        raise ConfigError(
            f"{table.qualified_name}: the keys to read lack {', '.join(missing)}.",
            "Hand over every key column.",
        )
    texts = pa.table({name: _texts(keys[name], relation, name, zone) for name in table.key}).drop_null()
    distinct = texts.group_by(list(table.key)).aggregate([])
    for start in range(0, len(distinct), batch_keys):
        yield [distinct[name].slice(start, batch_keys).to_pylist() for name in table.key]


def postgresql_key_condition(relation: Relation, batch: KeyBatch) -> str:
    """``(keys) in (select ... from unnest(...))``, each column's values as one array of bound texts."""
    literal, columns = relation.dialect.literal, _key_columns(relation)
    arrays = (
        f"array[{', '.join(literal(v) for v in values)}]::text[]::{column.cast_type}[]"
        for column, values in zip(columns, batch, strict=True)
    )
    return f"({_names(relation)}) in (select * from unnest({', '.join(arrays)}))"


def mysql_key_condition(relation: Relation, batch: KeyBatch) -> str:
    """``(keys) in ((...), (...))`` with each value as a constant of its column's type."""
    bound, columns = relation.dialect.bound, _key_columns(relation)
    rows = (
        ", ".join(bound(c, v) for c, v in zip(columns, row, strict=True)) for row in zip(*batch, strict=True)
    )
    return f"({_names(relation)}) in ({', '.join(f'({row})' for row in rows)})"


def _key_columns(relation: Relation) -> list[SourceColumn]:
    return [relation.known[name] for name in relation.table.key]


def _names(relation: Relation) -> str:
    return ", ".join(relation.dialect.quote(column.name) for column in _key_columns(relation))


def _texts(values: pa.ChunkedArray, relation: Relation, name: str, zone: str) -> pa.ChunkedArray:
    column = relation.known[name]
    if pa.types.is_timestamp(values.type):
        target = "UTC" if column.family == "timestamptz" else zone
        instants = values if values.type.tz else values.cast(pa.timestamp("us", "UTC"))
        return pc.local_timestamp(instants.cast(pa.timestamp("us", target))).cast(pa.string())
    try:
        return values.cast(pa.string())
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
        raise ConfigError(
            f"{relation.table.qualified_name}: rows cannot be read by the key '{name}' ({column.sql_type}).",
            "Choose a key of numbers, texts, dates or instants.",
        ) from None
