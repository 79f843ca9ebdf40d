"""Encodes an Arrow stream for binary COPY with pgpq: arrow_encode.py TABLE."""

from __future__ import annotations

import sys

import pyarrow as pa
from pgpq import ArrowToPostgresBinaryEncoder

# connectorx reads every decimal as decimal128(38, 10); these are the digits of the target.
_DIGITS = {"orders": (12, 2), "order_items": (10, 2)}


def main(table: str) -> None:
    """Copy standard input to standard output, encoded."""
    reader = pa.ipc.open_stream(sys.stdin.buffer)
    schema = pa.schema([(field.name, _declared(field.type, table)) for field in reader.schema])
    encoder = ArrowToPostgresBinaryEncoder(schema)
    out = sys.stdout.buffer
    out.write(encoder.write_header())
    for batch in reader:
        arrays = [column.cast(kind) for column, kind in zip(batch.columns, schema.types, strict=True)]
        out.write(encoder.write_batch(pa.RecordBatch.from_arrays(arrays, schema=schema)))
    out.write(encoder.finish())


def _declared(kind: pa.DataType, table: str) -> pa.DataType:
    return pa.decimal128(*_DIGITS[table]) if pa.types.is_decimal(kind) else kind


if __name__ == "__main__":
    main(*sys.argv[1:])
