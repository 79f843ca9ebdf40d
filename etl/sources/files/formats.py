"""Which reader a declared format means."""

from __future__ import annotations

from collections.abc import Iterator

import pyarrow as pa

from etl.catalog import SourceTable
from etl.catalog.files import Csv, Excel, FixedWidth, Json, Parquet, Xml
from etl.sources.files.delimited import read_delimited
from etl.sources.files.fixed_width import read_fixed_width
from etl.sources.files.json_records import read_json
from etl.sources.files.parquet_rows import read_parquet
from etl.sources.files.shape import FileShape
from etl.sources.files.unpacking import Part
from etl.sources.files.workbooks import read_workbook
from etl.sources.files.xml_places import first_field
from etl.sources.files.xml_records import read_xml


def shape_of(table: SourceTable) -> FileShape:
    """What is expected of a file of the table."""
    is_xml = table.files is not None and isinstance(table.files.format, Xml)
    return FileShape(table, first_field) if is_xml else FileShape(table)


def read_part(part: Part, table: SourceTable, shape: FileShape, batch_rows: int) -> Iterator[pa.RecordBatch]:
    """Rows of one part of a file, in the declared format.

    Raises:
        FileFault: The part cannot be read whole.
    """
    assert table.files is not None
    form, limits = table.files.format, table.files.limits
    match form:
        case Csv():
            return read_delimited(part, form, shape, batch_rows)
        case FixedWidth():
            return read_fixed_width(part, form, shape, batch_rows)
        case Excel():
            return read_workbook(part, form, shape, limits, batch_rows)
        case Json():
            return read_json(part, form, table, shape, batch_rows)
        case Xml():
            return read_xml(part, form, table, shape, batch_rows)
        case Parquet():
            return read_parquet(part, table, shape, limits, batch_rows)
