r"""Arrow columns as the fields of LOAD DATA, exact and without a step per value.

Each field is what the server reads as the value: rows end with a line feed, fields with a tab; both, and
backslashes, have a backslash before them; NULL is ``\N``. Types are held against the table's columns before
the first row, as the server would change what does not fit into something that does.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from etl.arrow_files import arrow_batches
from etl.errors import ConfigError, ContractError
from etl.warehouse.mysql.documents import DocumentRefused, canonical_documents

CHUNK_BYTES = 4 << 20
_UUID = "^[0-9a-f]{8}-([0-9a-f]{4}-){3}[0-9a-f]{12}$"
_ESCAPED = (b"\\", b"\t", b"\n")
_TAB, _LINE_FEED, _NOTHING = (pa.scalar(mark, pa.binary()) for mark in (b"\t", b"\n", b""))
_INTEGERS = {"bigint": 64, "int": 32, "smallint": 16}


@dataclass(frozen=True, slots=True)
class TargetColumn:
    """A column of the table.

    Attributes:
        type: As the server shows it, without the width of integers.
        is_document: Holds JSON.
    """

    type: str
    is_document: bool

    @property
    def kind(self) -> str:
        """The type without its length or digits."""
        return self.type.partition("(")[0]

    @property
    def lengths(self) -> list[int]:
        """Its length, or its digits and those after the point."""
        return [int(number) for number in re.findall(r"\d+", self.type)]


@dataclass(frozen=True, slots=True)
class Sent:
    """How one column is sent.

    Attributes:
        change: Makes what the server's type has of an array.
        is_free: Fields may hold what ends a field.
        fault: Says for each value whether the column cannot hold it; None where all fit.
        problem, remedy: For such values.
    """

    name: str
    target: TargetColumn
    change: Callable[[pa.Array], pa.Array]
    is_free: bool = False
    fault: Callable[[pa.Array], pa.Array] | None = None
    problem: str = ""
    remedy: str = ""


def planned(
    table: str, columns: list[str], have: dict[str, pa.DataType], want: dict[str, TargetColumn]
) -> list[Sent]:
    """How each column is sent.

    Raises:
        ConfigError: One is missing on either side, or cannot be sent to its column exactly.
    """
    plan = []
    for name in columns:
        if name not in have or name not in want:
            side = f"the table {table}" if name in have else "the prepared file"
            raise ConfigError(
                f"LOAD into {table}: {side} has no column {name!r}.",
                "Apply the migrations, and see the catalog.",
            )
        sent = _sent(name, have[name], want[name])
        if sent is None:
            raise ConfigError(
                f"LOAD into {table}: the column {name!r} is {have[name]} in the file "
                f"and cannot be sent to {want[name].type} exactly.",
                "Give the column the type that the catalog declares, on both sides.",
            )
        plan.append(sent)
    return plan


def pieces(path: Path, plan: list[Sent]) -> Iterator[pa.RecordBatch]:
    """The rows of a file in pieces of a few megabytes, each value changed and checked.

    Raises:
        ContractError: Values that a column cannot hold; says of which, and how many.
    """
    names = [sent.name for sent in plan]
    for batch in arrow_batches(path):
        rows = max(1, batch.num_rows * CHUNK_BYTES // max(batch.nbytes, 1))
        for start in range(0, batch.num_rows, rows):
            piece = batch.select(names).slice(start, rows)
            arrays = [_checked(sent, column, path) for sent, column in zip(plan, piece.columns, strict=True)]
            yield pa.RecordBatch.from_arrays(arrays, names)


def encoded(piece: pa.RecordBatch, plan: list[Sent]) -> memoryview:
    """The rows of a piece as the server reads them."""
    parts: list[Any] = []
    for sent, column in zip(plan, piece.columns, strict=True):
        parts += [_fields(sent, column), _TAB]
    parts[-1] = _LINE_FEED
    lines = pc.binary_join_element_wise(*parts, _NOTHING, null_handling="replace", null_replacement=b"\\N")
    offsets = memoryview(lines.buffers()[1]).cast("i")
    return memoryview(lines.buffers()[2])[offsets[lines.offset] : offsets[lines.offset + len(lines)]]


def _sent(name: str, have: pa.DataType, want: TargetColumn) -> Sent | None:
    if pa.types.is_decimal(have):
        fits = want.kind == "decimal" and have.scale <= want.lengths[1]
        return Sent(name, want, _same) if fits else None
    if pa.types.is_signed_integer(have):
        return Sent(name, want, _same) if have.bit_width <= _INTEGERS.get(want.type, 0) else None
    if have == pa.string():
        return _sent_text(name, want)
    if have == pa.binary() and want.kind in ("longblob", "varbinary"):
        return _limited(name, want, pc.binary_length, "bytes") if want.lengths else _free(name, want)
    if have == pa.float64() and want.type == "double":
        return Sent(
            name,
            want,
            _same,
            fault=lambda values: pc.invert(pc.is_finite(values)),
            problem="are infinite or not a number, which MySQL cannot hold",
            remedy="Let a step of 'prepare' make them NULL, or declare the column as text.",
        )
    return Sent(name, want, _CHANGES[want.type]) if have == _TAKES.get(want.type) else None


def _sent_text(name: str, want: TargetColumn) -> Sent | None:
    if want.type == "varchar(36)":
        return Sent(
            name,
            want,
            pc.ascii_lower,
            fault=lambda values: pc.invert(pc.match_substring_regex(values, _UUID)),
            problem="are no UUIDs",
            remedy="Mend them at the source, or declare the column as text.",
        )
    if want.kind == "varchar":
        return _limited(name, want, pc.utf8_length, "characters")
    if want.is_document:
        return Sent(name, want, canonical_documents, is_free=True)
    return _free(name, want) if want.type == "longtext" else None


def _free(name: str, want: TargetColumn) -> Sent:
    return Sent(name, want, _same, is_free=True)


def _limited(name: str, want: TargetColumn, length: Callable[[pa.Array], pa.Array], unit: str) -> Sent:
    """What an index must be able to hold."""
    (most,) = want.lengths
    return Sent(
        name,
        want,
        _same,
        is_free=True,
        fault=lambda values: pc.greater(length(values), most),
        problem=f"are longer than {most} {unit}, the most that a key can have in MySQL",
        remedy="Declare another key, shorten the values by a step of 'prepare', or use PostgreSQL.",
    )


def _checked(sent: Sent, column: pa.Array, path: Path) -> pa.Array:
    try:
        values = sent.change(column)
    except DocumentRefused as error:
        raise ContractError(
            f"{path.name}: column {sent.name!r} {error}.",
            "Mend it at the source, or declare the column as text.",
        ) from None
    if sent.fault is None or not pc.any(sent.fault(values)).as_py():
        return values
    changed = (sent.change(batch.column(sent.name)) for batch in arrow_batches(path))
    count = sum(pc.sum(sent.fault(values)).as_py() or 0 for values in changed)
    raise ContractError(f"{path.name}: column {sent.name!r}: {count:,} values {sent.problem}.", sent.remedy)


def _fields(sent: Sent, column: pa.Array) -> pa.Array:
    if not sent.is_free:
        # Numbers, and instants without the zone, which is UTC.
        return column.cast(pa.string()).cast(pa.binary())
    fields = column.cast(pa.binary())
    for mark in _ESCAPED:
        if pc.any(pc.match_substring(fields, mark)).as_py():
            fields = pc.replace_substring(fields, mark, b"\\" + mark)
    return fields


def _same(values: pa.Array) -> pa.Array:
    return values


_TAKES = {
    "tinyint(1)": pa.bool_(),
    "date": pa.date32(),
    "datetime(6)": pa.timestamp("us", "UTC"),
    "time(6)": pa.time64("us"),
}
_CHANGES: dict[str, Callable[[pa.Array], pa.Array]] = {
    "tinyint(1)": lambda values: values.cast(pa.int8()),
    "date": _same,
    "datetime(6)": lambda values: values.cast(pa.timestamp("us")),
    "time(6)": _same,
}
