"""Rows of texts, gathered into Arrow batches of bounded size (law X13)."""

from __future__ import annotations

from collections.abc import Sequence

import pyarrow as pa

from etl.landed_columns import FAULT, SOURCE_TEXT
from etl.sources.files.unpacking import Metered

BATCH_BYTES = 8 * 1024**2

Value = str | None


class RowBuffer:
    """Gathers the rows of one part of a file.

    Args:
        names: Declared names of the columns that rows have, in order.
        batch_rows: Rows of a full batch.
        stream: What the rows come from: a batch is full, too, after about 8 MB of it.
    """

    def __init__(self, names: Sequence[str], batch_rows: int, stream: Metered) -> None:
        self._names, self._batch_rows, self._stream = list(names), batch_rows, stream
        self._rows: list[Sequence[Value]] = []
        self._faults: dict[int, tuple[str, str]] = {}
        self._began = 0

    def add(self, values: Sequence[Value]) -> None:
        """Add a row, a value for each column."""
        self._rows.append(values)
        self._stream.mark()

    def refuse(self, reason: str, text: str) -> None:
        """Add a row that cannot be split into columns, with its text."""
        self._faults[len(self._rows)] = (reason, text)
        self.add([None] * len(self._names))

    @property
    def is_full(self) -> bool:
        """Whether it is time to take the batch."""
        return len(self._rows) >= self._batch_rows or self._stream.byte_count - self._began >= BATCH_BYTES

    def take(self) -> pa.RecordBatch:
        """The rows so far, with ``_fault`` and ``_source_text``; the buffer is empty afterwards."""
        try:
            columns = self._columns()
        except UnicodeEncodeError:
            self._refuse_undecoded()
            columns = self._columns()
        count = len(self._rows)
        faults = [self._faults.get(at, (None, None)) for at in range(count)] if self._faults else []
        columns += [pa.array([f[i] for f in faults] or [None] * count, pa.string()) for i in range(2)]
        self._rows, self._faults, self._began = [], {}, self._stream.byte_count
        return pa.RecordBatch.from_arrays(columns, names=[*self._names, FAULT, SOURCE_TEXT])

    def _columns(self) -> list[pa.Array]:
        if not self._rows:
            return [pa.nulls(0, pa.string()) for _ in self._names]
        return [pa.array(values, pa.string()) for values in zip(*self._rows, strict=True)]

    def _refuse_undecoded(self) -> None:
        """Bytes that are not of the encoding were decoded as lone surrogates, which no text may hold."""
        for at, row in enumerate(self._rows):
            bad = [name for name, value in zip(self._names, row, strict=True) if not _is_text(value)]
            if bad:
                self._faults[at] = (f"{bad[0]!r} holds bytes that are no text", readable(repr(list(row))))
                self._rows[at] = [None] * len(row)


def readable(text: str) -> str:
    """The text with lone surrogates written as escapes."""
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


def _is_text(value: Value) -> bool:
    try:
        (value or "").encode()
    except UnicodeEncodeError:
        return False
    return True
