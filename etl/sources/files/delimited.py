"""Delimited text: CSV, TSV and their relatives.

Python's own parser in its strict mode: what a lenient one would join or cut in silence is a row with a
fault. 1 M rows of eight columns take about four seconds.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from typing import Any

import pyarrow as pa

from etl.catalog.files import Csv
from etl.errors import FileFault
from etl.sources.files.lines import Lines
from etl.sources.files.rows import RowBuffer, readable
from etl.sources.files.shape import FileShape
from etl.sources.files.unpacking import MAX_RECORD_BYTES, Part

_MEND = "Mend the file, or its 'format' in the catalog."
_UNENDED = "unexpected end of data"
# The parser's own limit is one per process; the longest record bounds a field as well.
csv.field_size_limit(MAX_RECORD_BYTES)


def read_delimited(part: Part, form: Csv, shape: FileShape, batch_rows: int) -> Iterator[pa.RecordBatch]:
    """Rows of a part, all values text; empty lines are no rows.

    A row with more or fewer fields than the header, or with a broken quote, has a fault.

    Raises:
        FileFault: There is no header, or not the declared one; a quote is never closed.
    """
    stream = part.open()
    lines = Lines(stream, form.encoding, form.comment)
    records = csv.reader(lines, **_dialect(form))
    header = _header(lines, records, form)
    places = shape.positions(header) if header is not None else {n: i for i, n in enumerate(shape.labels)}
    width, wanted = len(header or places), list(places.values())
    is_whole = wanted == list(range(width))
    buffer = RowBuffer(list(places), batch_rows, stream)
    for row, fault in _records(lines, records):
        if fault:
            buffer.refuse(fault, readable(lines.text))
        elif len(row) != width:
            reason = f"line {lines.number}: has {len(row)} fields, where {width} are expected"
            buffer.refuse(reason, readable(json.dumps(row, ensure_ascii=False)))
        else:
            buffer.add(row if is_whole else [row[at] for at in wanted])
        if buffer.is_full:
            yield buffer.take()
    yield buffer.take()


def _dialect(form: Csv) -> dict[str, Any]:
    return {
        "delimiter": form.delimiter,
        "quotechar": form.quote,
        "quoting": csv.QUOTE_NONE if form.quote is None else csv.QUOTE_MINIMAL,
        "escapechar": form.escape,
        "strict": True,
    }


def _header(lines: Lines, records: Iterator[list[str]], form: Csv) -> list[str] | None:
    if form.header_row is None:
        return None
    try:
        for _ in range(form.header_row - 1):
            lines.begin_record()
            next(lines)
        lines.begin_record()
        return next(records)
    except StopIteration:
        raise FileFault(
            f"it ends before line {form.header_row}, where its header is expected", _MEND
        ) from None
    except csv.Error as error:
        raise FileFault(f"its header cannot be read: {error}", _MEND) from None


def _records(lines: Lines, records: Iterator[list[str]]) -> Iterator[tuple[list[str], str]]:
    """Rows that are not empty, each with its fault; the parser goes on with the line after a fault."""
    while True:
        lines.begin_record()
        began = lines.number + 1
        try:
            row = next(records)
        except StopIteration:
            return
        except csv.Error as error:
            if str(error) == _UNENDED or "larger than field limit" in str(error):
                raise FileFault(f"a quote in the record of line {began} is never closed", _MEND) from None
            yield [], f"line {lines.number}: {error}"
        else:
            if row:
                yield row, ""
