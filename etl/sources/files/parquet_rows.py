"""Parquet: values keep their types where the declared type can be made of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import IO

import pyarrow as pa
import pyarrow.parquet as pq

from etl.catalog import Column, SourceTable
from etl.catalog.files import Limits
from etl.errors import FileFault
from etl.sources.files.json_text import at_path, value_text
from etl.sources.files.shape import FileShape
from etl.sources.files.unpacking import Part

_FAMILIES: dict[str, Callable[[pa.DataType], bool]] = {
    "integer": pa.types.is_integer,
    "decimal": pa.types.is_decimal,
    "float": pa.types.is_floating,
    "boolean": pa.types.is_boolean,
    "date": pa.types.is_date,
    "timestamp": pa.types.is_timestamp,
    "time": pa.types.is_time,
    "duration": pa.types.is_duration,
    "nested": pa.types.is_nested,
    "null": pa.types.is_null,
    "string": lambda t: pa.types.is_string(t) or pa.types.is_large_string(t) or pa.types.is_string_view(t),
}
_ALWAYS_KEPT = frozenset(("string", "null"))
# Declared type -> families that land as they are; all others land as text, a float as its shortest (law F2).
_KEPT = {
    **{kind: {"integer", "decimal", "float", "boolean"} for kind in ("bigint", "integer", "smallint")},
    "decimal": {"integer", "decimal"},
    "double": {"integer", "decimal", "float"},
    "boolean": {"boolean", "integer"},
    "date": {"date", "timestamp"},
    "timestamp": {"date", "timestamp"},
    "time": {"time", "duration"},
    "text": {"integer", "decimal", "float", "boolean", "date", "timestamp", "time", "bytes"},
    "bytes": {"bytes"},
    "uuid": {"bytes"},
}


def read_parquet(
    part: Part, table: SourceTable, shape: FileShape, limits: Limits, batch_rows: int
) -> Iterator[pa.RecordBatch]:
    """Rows of a part; structs, lists and maps land as JSON text.

    Raises:
        FileFault: It is no Parquet file, or a broken one, asks for more than its limits, or has other
            columns against the policy.
    """
    with part.whole() as file:
        try:
            yield from _batches(file, table, shape, limits, batch_rows)
        except (pa.ArrowException, OSError) as error:
            raise FileFault(f"it is broken Parquet: {error}", "Put the whole file in its place.") from None


def _batches(
    file: IO[bytes], table: SourceTable, shape: FileShape, limits: Limits, batch_rows: int
) -> Iterator[pa.RecordBatch]:
    parquet = pq.ParquetFile(file, pre_buffer=False)
    places = shape.positions(parquet.schema_arrow.names)
    named = [parquet.schema_arrow.names[at] for at in places.values()]
    # A point in a name would be taken for a step into a struct: then all columns are read.
    wanted = None if any("." in name for name in named) else named
    unpacked = 0
    for batch in parquet.iter_batches(batch_rows, columns=wanted, use_threads=False):
        unpacked += batch.nbytes
        if unpacked > limits.unpacked_bytes:
            raise FileFault(
                f"it unpacks to more than {limits.unpacked_bytes:,} bytes",
                "Where the file is meant so, raise 'limits.unpacked_bytes' in the table's 'files'.",
            )
        columns = {
            name: _landed(batch.column(label), table.columns[name])
            for name, label in zip(places, named, strict=True)
        }
        yield pa.RecordBatch.from_pydict(columns)


def _landed(values: pa.Array, column: Column) -> pa.Array:
    if isinstance(values, pa.ExtensionArray):
        values = values.storage
    if pa.types.is_dictionary(values.type):
        values = values.dictionary_decode()
    family = next((name for name, is_one in _FAMILIES.items() if is_one(values.type)), "bytes")
    if family == "nested" or column.path:
        texts = [
            value_text(at_path(value, column.path)) for value in values.to_pylist(maps_as_pydicts="lossy")
        ]
        return pa.array(texts, pa.string())
    declared = column.type.partition("(")[0]
    if family in _ALWAYS_KEPT or family in _KEPT.get(declared, set()):
        return values
    if family == "bytes":
        return pa.array([None if value is None else value.hex() for value in values.to_pylist()], pa.string())
    if pa.types.is_float16(values.type):
        values = values.cast(pa.float32())
    return values.cast(pa.string())
