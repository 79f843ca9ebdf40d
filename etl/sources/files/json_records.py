"""JSON: documents with a list of records, streamed, and files with one record a line."""

from __future__ import annotations

import json
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pyarrow as pa

from etl.catalog import Column, SourceTable
from etl.catalog.files import Json
from etl.sources.files.json_scanner import find_records, refuse_constant
from etl.sources.files.json_text import at_path, nested_text, value_text
from etl.sources.files.lines import Lines
from etl.sources.files.rows import RowBuffer, Value, readable
from etl.sources.files.shape import FileShape
from etl.sources.files.unpacking import Metered, Part

Records = Iterator[tuple[Any, str]]


def read_json(
    part: Part, form: Json, table: SourceTable, shape: FileShape, batch_rows: int
) -> Iterator[pa.RecordBatch]:
    """Rows of a part: fields as text, numbers exact, nested values as JSON text; a missing field is NULL.

    What is no object, or a line that is no JSON, has a fault.

    Raises:
        FileFault: The document is broken, or has no records where they are declared; a field is new
            against the policy.
    """
    around = _around(part, form, table)
    columns = {name: table.columns[name] for name in (*shape.labels, *around)}
    stream = part.open()
    buffer = RowBuffer(list(columns), batch_rows, stream)
    for record, fault in _lines(stream) if form.lines else _records(stream, form):
        if fault:
            buffer.refuse(fault, record)
        else:
            shape.meet(record.keys())
            try:
                buffer.add([_text(record, name, column, around) for name, column in columns.items()])
            except RecursionError:
                buffer.refuse("is nested too deep", readable(repr(list(record))))
        if buffer.is_full:
            yield buffer.take()
    yield buffer.take()


def _around(part: Part, form: Json, table: SourceTable) -> dict[str, Value]:
    """Values of the parent's fields, which may stand behind the records."""
    wanted = {name: column for name, column in table.columns.items() if column.of_parent}
    labels = {column.source_name or name for name, column in wanted.items()}
    fields: dict[str | None, Any] = {}
    if wanted:
        for found in find_records(part.open(), form.data):
            if found.field in labels:
                fields[found.field] = found.value
            if len(fields) == len(labels):
                break
    return {
        name: value_text(at_path(fields.get(column.source_name or name), column.path))
        for name, column in wanted.items()
    }


def _text(record: dict[str, Any], name: str, column: Column, around: dict[str, Value]) -> Value:
    if name in around:
        return around[name]
    return value_text(at_path(record.get(column.source_name or name), column.path))


def _records(stream: Metered, form: Json) -> Records:
    found = (found.value for found in find_records(stream, form.data) if found.field is None)
    for number, record in enumerate(found, 1):
        if isinstance(record, dict):
            yield record, ""
        else:
            yield readable(nested_text(record)), f"record {number}: is no object with fields"


def _lines(stream: Metered) -> Records:
    lines = Lines(stream, "utf-8")
    lines.begin_record()
    for line in lines:
        lines.begin_record()
        if not line.strip():
            continue
        try:
            record = json.loads(line, parse_float=Decimal, parse_constant=refuse_constant)
        except (ValueError, RecursionError, ArithmeticError) as error:
            yield readable(line), f"line {lines.number}: is no JSON: {error}"
            continue
        if isinstance(record, dict):
            yield record, ""
        else:
            yield readable(line), f"line {lines.number}: is no object with fields"
