"""dlt: read by connectorx, written as parquet, loaded by ADBC, as its documentation has it for speed.

    dlt_copy.py MYSQL_URL POSTGRESQL_URL FOLDER replace|upsert TABLE ...

``upsert`` takes ``order_items`` and brings the rows whose ``updated_at`` lies behind what was loaded before.
"""

from __future__ import annotations

import logging
import sys
from typing import Any
from urllib.parse import parse_qs, quote, urlsplit

import dlt
from dlt.sources.sql_database import sql_database, sql_table

_CHUNK_ROWS = 100_000


def main(source_url: str, target_url: str, folder: str, mode: str, *tables: str) -> None:
    """Run the pipeline whose state is in ``folder``."""
    logging.getLogger("dlt").setLevel(logging.ERROR)
    pipeline = dlt.pipeline(
        "copy",
        pipelines_dir=folder,
        destination=dlt.destinations.postgres(_credentials(target_url)),
        dataset_name="copied",
    )
    reading: dict[str, Any] = {
        "credentials": source_url.replace("mysql://", "mysql+pymysql://"),
        "backend": "connectorx",
        "backend_kwargs": {"conn": source_url, "return_type": "arrow_stream"},
        "reflection_level": "full_with_precision",
        "chunk_size": _CHUNK_ROWS,
    }
    if mode == "replace":
        source: Any = sql_database(table_names=list(tables) or None, **reading)
        pipeline.run(source, write_disposition="replace", loader_file_format="parquet")
        return
    table = sql_table(table="order_items", incremental=dlt.sources.incremental("updated_at"), **reading)
    table.apply_hints(primary_key="order_item_id")
    disposition = {"disposition": "merge", "strategy": "upsert"}
    pipeline.run(table, write_disposition=disposition, loader_file_format="parquet")


def _credentials(url: str) -> dict[str, str | None]:
    """By name; libpq takes the folder of a socket as a host whose slashes are quoted."""
    parts = urlsplit(url)
    host = parse_qs(parts.query)["host"][0]
    return {
        "database": parts.path[1:],
        "username": parts.username,
        "password": "none",
        "host": quote(host, safe=""),
    }


if __name__ == "__main__":
    main(*sys.argv[1:])
