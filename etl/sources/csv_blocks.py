"""Blocks of CSV rows into Arrow record batches of the landed types, exact or refused."""

from __future__ import annotations

from collections.abc import Sequence

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pacsv

from etl.catalog import SourceTable
from etl.errors import ContractError
from etl.landed_columns import CURSOR, ZERO_DATES
from etl.sources.hex_text import bytes_of_hex
from etl.sources.select_list import LandedColumn

_TRUE, _FALSE = ["t", "1"], ["f", "0"]


class BatchShaper:
    """Shapes the blocks of one read.

    Attributes:
        schema: Of the batches: the landed columns, ``_cursor``, and ``_zero_dates`` (zero dates of the row
            that became NULL) where the source can have such.

    Args:
        table: The declaration, for the cursor and for messages.
        selected: Columns of the select list, in order.
        kept: Names that land; the others are read for the cursor only.
        zone: Time zone of columns that carry none.
    """

    def __init__(
        self, table: SourceTable, selected: Sequence[LandedColumn], kept: Sequence[str], zone: str
    ) -> None:
        self._table, self._selected, self._kept, self._zone = table, selected, kept, zone
        self._counts_zeros = any(c.may_be_zero for c in selected if c.name in kept)
        landed = {c.name: c for c in selected}
        fields = [pa.field(name, landed[name].type) for name in kept] + [pa.field(CURSOR, pa.string())]
        self.schema = pa.schema(fields + ([pa.field(ZERO_DATES, pa.int64())] if self._counts_zeros else []))

    def shape(self, block: bytes) -> pa.RecordBatch:
        """One batch out of whole CSV rows.

        Raises:
            ContractError: A value has no place in the type that the source declares for it.
        """
        read = self._read(block)
        values: dict[str, pa.Array] = {}
        cursors: dict[str, pa.Array] = {}
        zeros = pa.repeat(pa.scalar(0, pa.int64()), len(next(iter(read.values()))))
        for column in self._selected:
            raw = read[column.name]
            if column.may_be_zero and pa.types.is_string(raw.type):
                dates = _dates_or_null(raw, column.csv_type)
                if column.name in self._kept:
                    zeros = pc.add(zeros, pc.subtract(_is_null(dates), _is_null(raw)))
                raw = dates
            if column.name in (self._table.cursor, self._table.null_cursor_fallback):
                cursors[column.name] = _cursor_texts(raw)
            if column.name in self._kept:
                values[column.name] = self._finished(column, raw)
        arrays = [values[name] for name in self._kept] + [self._cursor(cursors, len(zeros))]
        return pa.record_batch(arrays + ([zeros] if self._counts_zeros else []), schema=self.schema)

    def _read(self, block: bytes) -> dict[str, pa.Array]:
        types = {c.name: c.csv_type for c in self._selected if c.reading != "missing"}
        order = [c.name for c in self._selected]
        for column in self._selected:
            types.setdefault(column.name, pa.string())
        try:
            return _parse(block, order, types)
        except pa.ArrowInvalid as error:
            # Zero dates are rare; only a block that has one is read again, with its dates as text.
            loose = {c.name: pa.string() if c.may_be_zero else types[c.name] for c in self._selected}
            if loose == types:
                raise self._refused(error) from None
        try:
            return _parse(block, order, loose)
        except pa.ArrowInvalid as error:
            raise self._refused(error) from None

    def _finished(self, column: LandedColumn, raw: pa.Array) -> pa.Array:
        if column.reading == "missing":
            return pa.nulls(len(raw), column.type)
        if column.reading == "hex":
            return bytes_of_hex(raw)
        if column.reading == "wide_decimal":
            return raw.cast(column.type)
        if column.reading in ("local", "utc"):
            zone = self._zone if column.reading == "local" else "UTC"
            return _instant_texts(raw, zone) if column.as_text else _localised(raw, zone)
        return raw

    def _cursor(self, cursors: dict[str, pa.Array], rows: int) -> pa.Array:
        if self._table.cursor is None:
            return pa.nulls(rows, pa.string())
        own = cursors[self._table.cursor]
        if self._table.null_cursor != "coalesce":
            return own
        return pc.coalesce(own, cursors[self._table.null_cursor_fallback or ""])

    def _refused(self, error: pa.ArrowInvalid) -> ContractError:
        return ContractError(
            f"{self._table.qualified_name}: a value does not fit the type that the source declares: {error}.",
            "Mend the value at the source, or declare the column as text.",
        )


def _parse(block: bytes, order: list[str], types: dict[str, pa.DataType]) -> dict[str, pa.Array]:
    table = pacsv.read_csv(
        pa.BufferReader(block),
        # One block whatever its size: a row may be longer than any fixed block.
        read_options=pacsv.ReadOptions(
            column_names=_numbered(order), use_threads=False, block_size=len(block) + 1
        ),
        parse_options=pacsv.ParseOptions(newlines_in_values=True, ignore_empty_lines=False),
        convert_options=pacsv.ConvertOptions(
            column_types=dict(zip(_numbered(order), [types[name] for name in order], strict=True)),
            null_values=[""],
            strings_can_be_null=True,
            quoted_strings_can_be_null=False,
            true_values=_TRUE,
            false_values=_FALSE,
        ),
    )
    return {name: table.column(at).combine_chunks() for at, name in enumerate(order)}


def _numbered(order: list[str]) -> list[str]:
    """Names that are safe in any message of the parser."""
    return [f"column {at + 1} ({name})" for at, name in enumerate(order)]


def _dates_or_null(texts: pa.Array, target: pa.DataType) -> pa.Array:
    """Dates where there are such, NULL for what is none; halved until the values to blame stand alone."""
    try:
        return texts.cast(target)
    except pa.ArrowInvalid:
        if len(texts) == 1:
            return pa.nulls(1, target)
    middle = len(texts) // 2
    return pa.concat_arrays([_dates_or_null(part, target) for part in (texts[:middle], texts[middle:])])


def _localised(values: pa.Array, zone: str) -> pa.Array:
    """Local times as instants: the earlier of two, and the first after a gap where there is none."""
    if zone == "UTC":
        return values.cast(pa.timestamp("us", "UTC"))
    instants = pc.assume_timezone(values, zone, ambiguous="earliest", nonexistent="latest")
    return instants.cast(pa.timestamp("us", "UTC"))


def _instant_texts(texts: pa.Array, zone: str) -> pa.Array:
    """Text of instants, as preparation writes them; what is no instant keeps its own text."""
    instants = _localised(_dates_or_null(texts, pa.timestamp("us")), zone)
    return pc.coalesce(instants.cast(pa.string()), texts)


def _cursor_texts(raw: pa.Array) -> pa.Array:
    """Cursor values as text of fixed width, as windows and watermarks have them."""
    if pa.types.is_date(raw.type):
        raw = raw.cast(pa.timestamp("us"))
    if not pa.types.is_string(raw.type):
        return raw.cast(pa.string())
    return pc.coalesce(_dates_or_null(raw, pa.timestamp("us")).cast(pa.string()), raw)


def _is_null(values: pa.Array) -> pa.Array:
    return pc.is_null(values).cast(pa.int64())
