"""Reads a table with connectorx and writes an Arrow stream: arrow_read.py MYSQL_URL TABLE."""

from __future__ import annotations

import sys

import connectorx
import pyarrow as pa

_BATCH_ROWS = 65_536


def main(url: str, table: str) -> None:
    """Stream the whole table to standard output."""
    batches = connectorx.read_sql(
        url, f"select * from {table}", return_type="arrow_stream", batch_size=_BATCH_ROWS
    )
    with pa.ipc.new_stream(sys.stdout.buffer, batches.schema) as stream:
        for batch in batches:
            stream.write_batch(batch)


if __name__ == "__main__":
    main(*sys.argv[1:])
