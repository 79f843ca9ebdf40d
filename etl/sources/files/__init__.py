"""Files as a source: folders, buckets and web addresses, read once per content (law X11).

    places                 where files lie: local_folder, remote_folder, web_address
    listing, fetching      what is there and still being written; a copy whose content is what was listed
    unpacking              gzip and zip within limits (law P4)
    delimited, fixed_width, json_records, xml_records, workbooks, parquet_rows
                           one format each: a part of a file -> Arrow batches of declared columns
    shape, rows, dressing  columns against the declared ones; rows into batches; what a file says of itself

A file that cannot be read whole raises :class:`etl.errors.FileFault`; a row that cannot be split into
columns lands with ``_fault``, and its text in ``_source_text``.
"""

from __future__ import annotations

from etl.sources.files.source import FileSource

__all__ = ["FileSource"]
