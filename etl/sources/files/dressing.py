"""Batches of one file as they land: all declared columns, and what the file says of itself."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc

from etl.catalog import SourceTable
from etl.handles import FileRef
from etl.landed_columns import CURSOR, DRIFT, FAULT, SHEET, SOURCE_TEXT

_LOCAL_INSTANT = r"^\d{4}-\d{2}-\d{2}(?:[ T]\d{2}:\d{2}(?::\d{2}(?:\.\d{1,6})?)?)?$"
_TEXT = pa.string()


class Dresser:
    """Dresses the batches of one file, in order.

    Args:
        zone: Time zone of instants that carry none; they land in UTC.
    """

    def __init__(self, table: SourceTable, file: FileRef, zone: str) -> None:
        self._table, self._file, self._zone = table, file, zone
        self._row_count = 0

    def dress(self, rows: pa.RecordBatch, part: str | None, drift: str | None) -> pa.RecordBatch:
        """Add the columns that the rows lack: those that are absent as NULL, and the file's own.

        Args:
            rows: Declared columns; ``_fault``, ``_source_text`` and ``_sheet`` where the format has them.
            part: Member of the archive.
            drift: What was found different from the declaration while these rows were read.
        """
        count = rows.num_rows
        own = self._own_columns(rows, part)
        self._row_count += count
        landed: dict[str, pa.Array] = {}
        for name, column in self._table.columns.items():
            label = column.source_name or name
            values = own.get(label, rows.column(name) if name in rows.schema.names else None)
            landed[name] = self._in_utc(pa.nulls(count, _TEXT) if values is None else values, column.type)
        cursor = landed[self._table.cursor] if self._table.cursor else pa.nulls(count, _TEXT)
        landed |= own
        landed[CURSOR] = cursor.cast(_TEXT)
        landed[DRIFT] = pa.array([drift if at == 0 else None for at in range(count)], _TEXT)
        return pa.RecordBatch.from_pydict(landed)

    def _own_columns(self, rows: pa.RecordBatch, part: str | None) -> dict[str, pa.Array]:
        count = rows.num_rows
        first = self._row_count + 1
        return {
            "_source_file": _repeated(self._file.path, count),
            "_source_part": _parts(rows, part),
            "_source_row": pa.array(range(first, first + count), pa.int64()),
            "_source_modified_at": _repeated(self._file.modified_at or None, count),
            SOURCE_TEXT: _column(rows, SOURCE_TEXT),
            FAULT: _column(rows, FAULT),
        }

    def _in_utc(self, values: pa.Array, column_type: str) -> pa.Array:
        """Instants without zone are local to the source."""
        if column_type != "timestamp" or self._zone == "UTC":
            return values
        if pa.types.is_timestamp(values.type) and values.type.tz is None:
            return _instants(values.cast(pa.timestamp("us")), self._zone)
        return _instant_texts(values, self._zone) if pa.types.is_string(values.type) else values


def _repeated(text: str | None, count: int) -> pa.Array:
    return pa.repeat(pa.scalar(text, _TEXT), count)


def _column(rows: pa.RecordBatch, name: str) -> pa.Array:
    return rows.column(name) if name in rows.schema.names else pa.nulls(rows.num_rows, _TEXT)


def _parts(rows: pa.RecordBatch, part: str | None) -> pa.Array:
    sheets = _column(rows, SHEET)
    members = _repeated(part, rows.num_rows)
    both = pc.binary_join_element_wise(members, sheets, "/")
    return pc.coalesce(both, members, sheets)


def _instants(local: pa.Array, zone: str) -> pa.Array:
    """The earlier of an hour that comes twice, and the end of a gap, as of databases."""
    instants = pc.assume_timezone(local, zone, ambiguous="earliest", nonexistent="latest")
    return instants.cast(pa.timestamp("us", "UTC"))


def _instant_texts(texts: pa.Array, zone: str) -> pa.Array:
    """Texts of instants in UTC; what carries a zone, or is no instant, stays as it is."""
    local = pc.if_else(pc.match_substring_regex(texts, _LOCAL_INSTANT), texts, pa.scalar(None, _TEXT))
    if local.null_count == len(local):
        return texts
    instants = _instants(_cast_or_null(local), zone)
    return pc.coalesce(instants.cast(pa.timestamp("us")).cast(_TEXT), texts)


def _cast_or_null(texts: pa.Array) -> pa.Array:
    """Halved until the texts that are no instants, such as 31 February, stand alone."""
    try:
        return texts.cast(pa.timestamp("us"))
    except pa.ArrowInvalid:
        if len(texts) == 1:
            return pa.nulls(1, pa.timestamp("us"))
    middle = len(texts) // 2
    return pa.concat_arrays([_cast_or_null(piece) for piece in (texts[:middle], texts[middle:])])
