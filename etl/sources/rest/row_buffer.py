"""Rows gathered into Arrow batches of bounded size, however small or large the pages are (law X13)."""

from __future__ import annotations

from collections.abc import Sequence

import pyarrow as pa

from etl.landed_columns import DRIFT
from etl.sources.rest.records import Row

_BATCH_BYTES = 16 * 1024**2


class RowBuffer:
    """Gathers rows.

    Args:
        schema: Of the batches.
        batch_rows: Rows of a full batch; it is full, too, after about 16 MB of pages.
    """

    def __init__(self, schema: pa.Schema, batch_rows: int) -> None:
        self._schema, self._batch_rows = schema, batch_rows
        self._rows: list[Row] = []
        self._bytes = 0

    def add(self, rows: Sequence[Row], byte_count: int) -> None:
        """Add the rows of a page of so many bytes."""
        self._rows += rows
        self._bytes += byte_count

    def full_batches(self) -> list[pa.RecordBatch]:
        """Batches that are full; a row stays behind, for what is known at the end only."""
        batches = []
        while len(self._rows) > self._batch_rows:
            batches.append(self._take(self._batch_rows))
        if self._bytes >= _BATCH_BYTES:
            batches.append(self._take(len(self._rows) - 1))
            self._bytes = 0
        return batches

    def rest(self, drift: str | None) -> pa.RecordBatch:
        """What is left, with what was found different from the catalog."""
        return self._take(len(self._rows), drift)

    def _take(self, count: int, drift: str | None = None) -> pa.RecordBatch:
        count = max(count, 0)
        rows, self._rows = self._rows[:count], self._rows[count:]
        try:
            return self._batch(rows, drift)
        except UnicodeEncodeError:
            return self._batch([_storable(row) for row in rows], drift)

    def _batch(self, rows: Sequence[Row], drift: str | None) -> pa.RecordBatch:
        columns = [
            [row.values[at] for row in rows] for at in range(len(self._schema.names) - self._own_count)
        ]
        columns += [[row.cursor for row in rows], [row.fault for row in rows]]
        if DRIFT in self._schema.names:
            columns.append([drift if at == 0 else None for at in range(len(rows))])
        return pa.record_batch([pa.array(column, pa.string()) for column in columns], schema=self._schema)

    @property
    def _own_count(self) -> int:
        return 3 if DRIFT in self._schema.names else 2


def _storable(row: Row) -> Row:
    """A row without halves of characters, which JSON can write and no text can hold; it has a fault."""
    values = tuple(None if value is None else _escaped(value) for value in row.values)
    cursor = None if row.cursor is None else _escaped(row.cursor)
    is_whole = (values, cursor) == (row.values, row.cursor)
    reason = None if is_whole else "a value holds half of a surrogate pair, which is no character"
    fault = row.fault or reason
    return Row(values, cursor, row.is_placed, None if fault is None else _escaped(fault))


def _escaped(text: str) -> str:
    return text.encode("utf-8", "backslashreplace").decode("utf-8")
