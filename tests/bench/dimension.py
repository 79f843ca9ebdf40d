"""Type 2 dimension of 1 M keys and 20 attributes: our release against dbt snapshots and dlt's scd2."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from etl.catalog import Catalog
from tests.bench.warehouses import catalog_of

ATTRIBUTES = (
    *(f"text_{n:02}" for n in range(1, 15)),
    "amount_1", "amount_2", "count_1", "count_2", "is_active", "born_on",
)  # fmt: skip
START = datetime(2026, 1, 1, tzinfo=UTC)

_TYPES = {"text": "text", "amount": "decimal(12,2)", "count": "bigint", "is": "boolean", "born": "date"}


def catalog() -> Catalog:
    """The same dimension twice: fed by rows that say since when they hold, and by rows that do not."""
    types = {name: _TYPES[name.split("_")[0]] for name in ATTRIBUTES}
    columns = {
        "id": {"type": "bigint", "nullable": False},
        **{name: {"type": kind} for name, kind in types.items()},
        "updated_at": {"type": "timestamp"},
    }
    table = {"key": ["id"], "cursor": "updated_at", "columns": columns}
    shape = {
        "key": {"id": "bigint"},
        "attributes": {name: {"type": kind, "scd": 2} for name, kind in types.items()},
        "guard": {"end_pct": 100, "change_pct": 100},
    }
    return catalog_of(
        {"timed": table, "stated": table},
        {
            "timed": {**shape, "events": [{"table": "bench.timed", "effective_at": "updated_at"}]},
            "stated": {**shape, "events": [{"table": "bench.stated"}]},
        },
    )


def members(keys: np.ndarray, versions: np.ndarray | int, at: np.ndarray) -> pa.Table:
    """Prepared rows of members; a version differs from the one before in three of the attributes.

    Args:
        at: When each row was changed, in microseconds since 1970.
    """
    version = np.broadcast_to(np.asarray(versions), keys.shape)
    columns: dict[str, pa.Array] = {"id": pa.array(keys)}
    for number, name in enumerate(ATTRIBUTES):
        seed = keys * 31 + number * 1_000_003 + (version * 7_919 if number in (2, 9, 14) else 0)
        columns[name] = _values(name.split("_")[0], seed)
    instants = pa.array(at).cast(pa.timestamp("us", "UTC"))
    columns["updated_at"] = instants
    columns["_cursor"] = pc.strftime(instants, "%Y-%m-%d %H:%M:%S")
    return pa.table(columns)


def _values(kind: str, seed: np.ndarray) -> pa.Array:
    if kind == "text":
        words = pc.cast(pa.array(seed % 9_973), pa.string())
        return pc.binary_join_element_wise("Straße", words, "côté", " ")
    if kind == "amount":
        return pa.array(seed % 99_999).cast(pa.decimal128(21, 2)).cast(pa.decimal128(12, 2))
    if kind == "count":
        return pa.array(seed % 100_000)
    if kind == "is":
        return pa.array(seed % 7 > 0)
    return pa.array((seed % 20_000).astype("int32")).cast(pa.date32())


def micros(instant: datetime) -> int:
    """Microseconds since 1970."""
    return int(instant.timestamp()) * 1_000_000
