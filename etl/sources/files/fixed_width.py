"""Text with columns at fixed places."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import accumulate, pairwise

import pyarrow as pa

from etl.catalog.files import FixedWidth
from etl.sources.files.lines import Lines
from etl.sources.files.rows import RowBuffer, readable
from etl.sources.files.shape import FileShape
from etl.sources.files.unpacking import Part


def read_fixed_width(
    part: Part, form: FixedWidth, shape: FileShape, batch_rows: int
) -> Iterator[pa.RecordBatch]:
    """Rows of a part, all values text without the spaces around them; empty lines are no rows.

    A line that is longer than all columns, or ends before the last one begins, has a fault.
    """
    ends = [0, *accumulate(form.widths.values())]
    spans = dict(zip(form.widths, pairwise(ends), strict=True))
    wanted = [spans[label] for label in shape.labels.values()]
    stream = part.open()
    lines = Lines(stream, form.encoding)
    buffer = RowBuffer(list(shape.labels), batch_rows, stream)
    for line in _lines(lines, form.skip_rows):
        if ends[-2] < len(line) <= ends[-1]:
            buffer.add([line[start:end].strip(" ") for start, end in wanted])
        else:
            reason = f"line {lines.number}: has {len(line)} characters, where {ends[-1]} are expected"
            buffer.refuse(reason, readable(line))
        if buffer.is_full:
            yield buffer.take()
    yield buffer.take()


def _lines(lines: Lines, skipped: int) -> Iterator[str]:
    lines.begin_record()
    for line in lines:
        lines.begin_record()
        text = line.rstrip("\r\n")
        if lines.number > skipped and text:
            yield text
