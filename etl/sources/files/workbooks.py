"""Workbooks: .xlsx, .xls and .ods, read by a process of their own (``workbook_reader.py``)."""

from __future__ import annotations

import io
import json
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, cast

import pyarrow as pa

from etl.catalog.files import Excel, Limits
from etl.errors import FileFault
from etl.landed_columns import SHEET
from etl.sources.files.rows import RowBuffer
from etl.sources.files.shape import FileShape
from etl.sources.files.unpacking import Metered, Part, check_archive

_PROGRAM = Path(__file__).with_name("workbook_reader.py")
_CPU_SECONDS = 600
_MEND = "Mend the file, or its 'format' in the catalog."

Cell = str | None | dict[str, str]


def read_workbook(
    part: Part, form: Excel, shape: FileShape, limits: Limits, batch_rows: int
) -> Iterator[pa.RecordBatch]:
    """Rows of the sheets that have the header, with the sheet's name in ``_sheet``.

    Values are text: numbers as short as they are exact, dates and times ISO, of formulas the stored
    result; an empty cell is NULL, and empty rows are no rows. A row with an error in a declared column
    has a fault.

    Raises:
        FileFault: It is no workbook, or a locked one, asks for more than its limits, or no sheet has the
            header.
    """
    with part.whole() as workbook:
        _check(workbook, limits)
        with _reading(workbook, form, limits) as stream:
            sheets = _Sheets(form, shape, batch_rows, stream)
            for message in _messages(stream):
                if isinstance(message, dict):
                    yield from sheets.begin(message["sheet"])
                else:
                    yield from sheets.read(message)
            yield from sheets.end()


class _Sheets:
    """Gathers the rows of one sheet after the other."""

    def __init__(self, form: Excel, shape: FileShape, batch_rows: int, stream: Metered) -> None:
        self._form, self._shape, self._batch_rows, self._stream = form, shape, batch_rows, stream
        self._has_header = False
        self._begin("")

    def begin(self, name: str) -> Iterator[pa.RecordBatch]:
        """The next sheet begins; what is left of the one before is yielded."""
        yield from self._take()
        self._begin(name)

    def read(self, cells: list[Cell]) -> Iterator[pa.RecordBatch]:
        """Take the sheet's next row."""
        self._number += 1
        if self._number == self._form.header_row:
            self._read_header(cells)
        elif self._buffer is not None and any(cell is not None for cell in cells):
            self._add(cells, self._buffer)
            if self._buffer.is_full:
                yield from self._take()

    def end(self) -> Iterator[pa.RecordBatch]:
        """All sheets are read.

        Raises:
            FileFault: None of them had the header.
        """
        yield from self._take()
        if not self._has_header:
            raise FileFault(f"no sheet has the header in row {self._form.header_row}", _MEND)

    def _begin(self, name: str) -> None:
        self._name, self._number = name, 0
        self._places: dict[str, int] = {}
        self._buffer: RowBuffer | None = None

    def _read_header(self, cells: list[Cell]) -> None:
        """A sheet without any declared column is of another kind; one with some must have what is needed."""
        header = [cell if isinstance(cell, str) else "" for cell in cells]
        labels = {label.strip() for label in self._shape.labels.values()}
        if self._form.sheet is not None or labels.intersection(name.strip() for name in header):
            self._places = self._shape.positions(header)
            self._buffer = RowBuffer(list(self._places), self._batch_rows, self._stream)
            self._has_header = True

    def _add(self, cells: list[Cell], buffer: RowBuffer) -> None:
        values: list[str | None] = []
        for name, at in self._places.items():
            cell = cells[at]
            if isinstance(cell, dict):
                where = f"sheet {self._name!r}, row {self._number}"
                buffer.refuse(f"{where}: {name!r} is the error {cell['error']}", json.dumps(cells))
                return
            values.append(cell)
        buffer.add(values)

    def _take(self) -> Iterator[pa.RecordBatch]:
        if self._buffer is not None:
            rows = self._buffer.take()
            names = pa.repeat(pa.scalar(self._name, pa.string()), rows.num_rows)
            yield rows.append_column(SHEET, names)


def _check(workbook: IO[bytes], limits: Limits) -> None:
    size = workbook.seek(0, io.SEEK_END)
    if size > limits.workbook_bytes:
        raise FileFault(
            f"it has {size:,} bytes, more than the {limits.workbook_bytes:,} of a workbook",
            "Export it as CSV, or raise 'limits.workbook_bytes' in the table's 'files'.",
        )
    if zipfile.is_zipfile(workbook):
        check_archive(zipfile.ZipFile(workbook), size, limits)
    workbook.seek(0)


@contextmanager
def _reading(workbook: IO[bytes], form: Excel, limits: Limits) -> Iterator[Metered]:
    """The answer of a reading process, which ends with the context."""
    request = {
        "sheet": form.sheet,
        "memory_bytes": limits.workbook_memory_bytes,
        "cpu_seconds": _CPU_SECONDS,
    }
    process = subprocess.Popen(
        [sys.executable, "-I", str(_PROGRAM), json.dumps(request)],
        stdin=workbook.fileno(),
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        yield Metered(cast("IO[bytes]", process.stdout))
    finally:
        process.kill()
        cast("IO[bytes]", process.stdout).close()
        process.wait()


def _messages(stream: Metered) -> Iterator[Any]:
    """What the reading process says, to its end.

    Raises:
        FileFault: It failed, or was ended at its limits.
    """
    for line in io.BufferedReader(stream):
        stream.mark()
        message = json.loads(line)
        if isinstance(message, dict) and "failed" in message:
            raise FileFault(f"it cannot be read as a workbook: {message['failed']}", _MEND)
        if isinstance(message, dict) and "end" in message:
            return
        yield message
    raise FileFault(
        "its reader ended before it did: it needs more memory or time than a workbook may take",
        "Remove what stands far off its rows, export it as CSV, or raise 'limits.workbook_memory_bytes'.",
    )
