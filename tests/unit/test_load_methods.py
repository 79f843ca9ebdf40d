"""Which ways of loading the catalog takes for which tables."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from etl.catalog import SourceTable

TABLE: dict[str, Any] = {
    "name": "visits",
    "source": "s",
    "description": "visits",
    "table": "visits",
    "key": ["id"],
    "cursor": "seq",
    "cursor_kind": "integer",
    "columns": {"id": {"type": "bigint", "nullable": False}, "seq": {"type": "bigint", "nullable": False}},
    "replica": {"load": {"method": "bulk"}},
}


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"cursor": None}, "needs a 'cursor' or 'files'"),
        ({"deletes": "compare"}, "rows that never change"),
        (
            {"replica": {"whole_row": True, "load": {"method": "upsert"}}, "key": []},
            "tells rows apart by 'key'",
        ),
        ({"replica": {"load": {"method": "insert", "batch_rows": 0}}}, "greater than or equal to 1"),
    ],
)
def test_a_load_that_would_lose_or_double_rows_is_refused(changed: dict[str, Any], reason: str) -> None:
    with pytest.raises(ValidationError, match=reason):
        SourceTable.model_validate(TABLE | changed)
