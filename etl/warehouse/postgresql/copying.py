"""Binary COPY of prepared Arrow files into PostgreSQL, in memory of a few megabytes (law X13).

Binary COPY checks lengths, not meanings: eight bytes of an integer are taken for a float or an
instant without a word, and a number with too many fractional digits is rounded. So every column's
type is held against the target's before the first byte is sent.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any, TextIO, cast
from uuid import UUID

import psycopg2
import pyarrow as pa
from pgpq import ArrowToPostgresBinaryEncoder
from pgpq.encoders import StringEncoderBuilder
from pgpq.schema import Jsonb
from psycopg2.extensions import connection as Connection
from psycopg2.extensions import cursor as Cursor

from etl.arrow_files import arrow_batches, open_arrow_file
from etl.errors import ConfigError, ReleaseRefused
from etl.identifiers import quote_postgresql
from etl.warehouse.postgresql.connection import explain

_CHUNK_BYTES = 4 << 20

_TAKES: dict[str, pa.DataType] = {
    "bigint": pa.int64(),
    "integer": pa.int32(),
    "smallint": pa.int16(),
    "text": pa.string(),
    "character varying": pa.string(),
    "boolean": pa.bool_(),
    "date": pa.date32(),
    "timestamp with time zone": pa.timestamp("us", "UTC"),
    "time without time zone": pa.time64("us"),
    "double precision": pa.float64(),
    "bytea": pa.binary(),
    "json": pa.string(),
    "jsonb": pa.string(),
    "uuid": pa.string(),
}


def copy_arrow(connection: Connection, target: str, path: Path, columns: list[str]) -> int:
    """Append the rows of an Arrow file to a table; the caller commits.

    Args:
        connection: An open connection; on an error its transaction is to be rolled back.
        target: The table, already quoted.
        path: A prepared file.
        columns: Names of the columns to copy, the same in the file and in the table.

    Returns:
        How many rows the server took.

    Raises:
        ConfigError: A column is missing on either side, or cannot be sent to its column exactly.
        TransientError: The connection was lost or the server is going down.
        ReleaseRefused: The server refused the rows, or took another number of them.
        StorehouseError: The file cannot be read.
    """
    names = ", ".join(quote_postgresql(name) for name in columns)
    try:
        with connection.cursor() as cursor:
            plan = _plan(columns, _file_types(path), _target_types(cursor, target), target)
            stream = _EncodedFile(path, plan)
            try:
                cursor.copy_expert(
                    f"copy {target} ({names}) from stdin with (format binary)", cast("TextIO", stream)
                )
            except psycopg2.Error:
                if stream.error:
                    raise stream.error from None
                raise
            _require_all(cursor.rowcount, stream.row_count, path, target)
            return int(cursor.rowcount)
    except psycopg2.Error as error:
        # A connection lost in the middle of a COPY may come as an error without a state.
        lost = psycopg2.OperationalError(str(error)) if connection.closed else error
        raise explain(lost, f"The COPY of {path.name} into {target}") from None


@dataclass(frozen=True, slots=True)
class _Sent:
    """How one column is sent: as ``field``, after ``change``; ``is_jsonb`` picks pgpq's own encoder."""

    field: pa.Field
    change: Callable[[pa.Array], pa.Array]
    is_jsonb: bool = False

    @property
    def encoder(self) -> Any:
        """The encoder of pgpq; text is sent as jsonb only where it is asked to."""
        if self.is_jsonb:
            return StringEncoderBuilder.new_with_output(self.field, Jsonb())
        return ArrowToPostgresBinaryEncoder.infer_encoder(self.field)


class _EncodedFile:
    """What psycopg2 reads from: header, encoded pieces of the batches, trailer."""

    def __init__(self, path: Path, plan: list[_Sent]) -> None:
        self.error: Exception | None = None
        self.row_count = 0
        self._encoded = self._encode(path, plan)

    def read(self, size: int = -1) -> bytes:
        """The next piece, whatever its size; psycopg2 takes more than it asks for."""
        try:
            # pgpq holds small batches back; to psycopg2 an empty piece is the end of the file.
            return next((piece for piece in self._encoded if piece), b"")
        except Exception as error:
            # psycopg2 would only hand it to the server as the text of a cancelled COPY.
            self.error = error
            raise

    def _encode(self, path: Path, plan: list[_Sent]) -> Iterator[bytes]:
        schema = pa.schema([sent.field for sent in plan])
        encoder = ArrowToPostgresBinaryEncoder.new_with_encoders(
            schema, {s.field.name: s.encoder for s in plan}
        )
        yield encoder.write_header()
        for batch in arrow_batches(path):
            for piece in _pieces(batch.select(schema.names)):
                arrays = [sent.change(column) for sent, column in zip(plan, piece.columns, strict=True)]
                self.row_count += piece.num_rows
                yield encoder.write_batch(pa.RecordBatch.from_arrays(arrays, schema=schema))
        yield encoder.finish()


def _pieces(batch: pa.RecordBatch) -> Iterator[pa.RecordBatch]:
    rows = max(1, batch.num_rows * _CHUNK_BYTES // max(batch.nbytes, 1))
    for start in range(0, batch.num_rows, rows):
        yield batch.slice(start, rows)


def _require_all(taken: int, sent: int, path: Path, target: str) -> None:
    if taken != sent:
        raise ReleaseRefused(
            f"COPY of {path.name} into {target}: {sent:,} rows were sent, but the server took {taken:,}.",
            "Nothing was published; report this with the versions of pgpq and psycopg2.",
        )


def _file_types(path: Path) -> dict[str, pa.DataType]:
    with open_arrow_file(path) as reader:
        return {field.name: field.type for field in reader.schema}


def _target_types(cursor: Cursor, target: str) -> dict[str, str]:
    cursor.execute(
        "select attname, format_type(atttypid, atttypmod) from pg_attribute"
        " where attrelid = %s::regclass and attnum > 0 and not attisdropped",
        (target,),
    )
    return dict(cursor.fetchall())


def _plan(columns: list[str], have: dict[str, pa.DataType], want: dict[str, str], target: str) -> list[_Sent]:
    plan = []
    for name in columns:
        if name not in have or name not in want:
            side = f"the table {target}" if name in have else "the prepared file"
            raise ConfigError(
                f"COPY into {target}: {side} has no column {name!r}.",
                "Apply the migrations, and see the catalog.",
            )
        sent = _sent(name, have[name], want[name])
        if sent is None:
            raise ConfigError(
                f"COPY into {target}: the column {name!r} is {have[name]} in the file "
                f"and cannot be sent to {want[name]} exactly.",
                "Give the column the type that the catalog declares, on both sides.",
            )
        plan.append(sent)
    return plan


def _sent(name: str, have: pa.DataType, want: str) -> _Sent | None:
    if pa.types.is_decimal(have):
        return _sent_decimal(name, have, want)
    takes = _TAKES.get(re.sub(r"\(\d+\)$", "", want) if want.startswith("character varying") else want)
    if takes is None:
        return None
    if want == "uuid" and have == takes:
        return _Sent(pa.field(name, pa.binary()), _uuid_bytes)
    is_wider = pa.types.is_integer(have) and pa.types.is_integer(takes) and have.bit_width <= takes.bit_width
    if have != takes and not (is_wider and pa.types.is_signed_integer(have)):
        return None
    return _Sent(pa.field(name, takes), lambda values: values.cast(takes), is_jsonb=want == "jsonb")


def _sent_decimal(name: str, have: pa.DataType, want: str) -> _Sent | None:
    digits = re.fullmatch(r"numeric(?:\((\d+),(-?\d+)\))?", want)
    if digits is None or (digits[2] is not None and int(digits[2]) < have.scale):
        return None
    if pa.types.is_decimal128(have):
        return _Sent(pa.field(name, have), lambda values: values)
    return _Sent(pa.field(name, pa.binary()), _numeric_bytes)


def _uuid_bytes(values: pa.Array) -> pa.Array:
    return pa.array([None if v is None else UUID(v).bytes for v in values.to_pylist()], pa.binary())


def _numeric_bytes(values: pa.Array) -> pa.Array:
    """What pgpq does not write: decimals of more than 38 digits."""
    return pa.array([None if v is None else _numeric(v) for v in values.to_pylist()], pa.binary())


def _numeric(value: Decimal) -> bytes:
    """The binary form of numeric: digits of base 10,000, their weight, sign and scale."""
    whole, _, fraction = format(value.copy_abs(), "f").partition(".")
    text = whole.rjust(-len(whole) % 4 + len(whole), "0") + fraction.ljust(
        -len(fraction) % 4 + len(fraction), "0"
    )
    groups = [int(text[place : place + 4]) for place in range(0, len(text), 4)]
    weight = (len(whole) + 3) // 4 - 1
    while groups and groups[0] == 0:
        groups.pop(0)
        weight -= 1
    while groups and groups[-1] == 0:
        groups.pop()
    sign = 0x4000 if groups and value < 0 else 0
    return struct.pack(
        f">hhHh{len(groups)}h", len(groups), weight if groups else 0, sign, len(fraction), *groups
    )
