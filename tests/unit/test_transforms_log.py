"""Rows that steps refuse or drop, and what the transformation log says of each step (laws R3, X13)."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from etl.arrow_files import open_arrow_file
from etl.catalog import SourceTable
from etl.handles import Extract, PreparedFile, StepCount
from etl.landing import land
from etl.preparing import prepare
from etl.windows import Window

TABLE = SourceTable.model_validate(
    {
        "name": "offers",
        "source": "crm",
        "description": "Offers",
        "table": "offers",
        "key": ["id"],
        "columns": {
            "id": {"type": "bigint", "nullable": False},
            "name": {"type": "text", "nullable": False},
            "price_text": {"type": "text"},
            "day_text": {"type": "text"},
            "kind": {"type": "text"},
        },
        "prepare": [
            {"step": "clean_text", "columns": ["name", "kind"], "case": "lower", "empty_to_null": True},
            {"step": "drop_missing", "columns": ["kind"]},
            {"step": "parse_number", "column": "price_text", "into": "price"},
            {
                "step": "standardize_date",
                "column": "day_text",
                "into": "day",
                "formats": ["%d/%m/%Y", "%m/%d/%Y"],
            },
            {"step": "map_values", "column": "kind", "values": {"a": "A", "b": "B"}, "unmatched": "reject"},
            {"step": "bin_numbers", "column": "price", "into": "band", "edges": [0, 10], "labels": ["low"]},
        ],
        "derived": {
            "price": {"type": "decimal(8,2)"},
            "day": {"type": "date"},
            "band": {"type": "text"},
        },
    }
)
LANDED = pa.schema({"id": pa.int64(), "name": pa.string(), "price_text": pa.string()}).append(
    pa.field("day_text", pa.string())
)
LANDED = LANDED.append(pa.field("kind", pa.string())).append(pa.field("_cursor", pa.string()))
GOOD: dict[str, Any] = {
    "id": 1, "name": " Ann ", "price_text": "5", "day_text": "13/02/2024", "kind": "a", "_cursor": "1",
}  # fmt: skip


def run(rows: list[dict[str, Any]], folder: Path, batch_rows: int = 1000) -> PreparedFile:
    def batches() -> Iterator[pa.RecordBatch]:
        for start in range(0, len(rows), batch_rows):
            yield pa.RecordBatch.from_pylist(rows[start : start + batch_rows], schema=LANDED)

    reader = pa.RecordBatchReader.from_batches(LANDED, batches())
    landed = land(reader, Extract("crm.offers", Window()), folder)
    return prepare(landed, TABLE, folder, "US")


def rows_of(path: Path) -> list[dict[str, Any]]:
    with open_arrow_file(path) as file:
        return file.read_all().to_pylist()  # type: ignore[no-any-return]  # pyarrow is untyped


def test_rows_are_refused_by_the_step_that_cannot_read_them_and_dropped_by_the_one_that_says_so(
    tmp_path: Path,
) -> None:
    rows = [
        GOOD,
        {**GOOD, "id": 2, "price_text": "five"},
        {**GOOD, "id": 3, "day_text": "31/02/2024"},
        {**GOOD, "id": 4, "kind": "c"},
        {**GOOD, "id": 5, "kind": " "},
        {**GOOD, "id": 6, "kind": None, "price_text": "five"},
        {**GOOD, "id": 7, "price_text": "five", "day_text": "x", "kind": "c"},
        {**GOOD, "id": 8, "name": ""},
        {**GOOD, "id": None, "price_text": "five"},
        {**GOOD, "id": 10, "day_text": "02/13/2024", "price_text": None, "kind": "b"},
    ]
    prepared = run(rows, tmp_path)
    assert [(r["id"], r["kind"], r["band"]) for r in rows_of(prepared.path)] == [
        (1, "A", "low"),
        (10, "B", None),
    ]
    assert [
        (json.loads(r["payload"])["id"], r["column_name"], r["reason"])
        for r in rows_of(prepared.rejects_path)
    ] == [
        (2, "price_text", "is not a number of the form 1234.56"),
        (3, "day_text", "has the form %d/%m/%Y, but is no possible date"),
        (4, "kind", "is not among the declared values"),
        (7, "price_text", "is not a number of the form 1234.56"),
        (8, "name", "is NULL, but the column is declared as never NULL"),
        (None, "price_text", "is not a number of the form 1234.56"),
    ]
    assert (prepared.row_count, prepared.rejected_count, prepared.dropped_count) == (2, 6, 2)


def test_the_log_counts_rows_values_and_nulls_of_each_step(tmp_path: Path) -> None:
    rows = [
        GOOD,
        {**GOOD, "id": 2, "name": "bob", "price_text": None},
        {**GOOD, "id": 3, "price_text": "five"},
        {**GOOD, "id": 4, "kind": ""},
        {**GOOD, "id": 5, "kind": None},
    ]
    assert run(rows, tmp_path).steps == (
        StepCount(1, "clean_text", ("name", "kind"), 5, 5, 5, 1, 2),
        StepCount(2, "drop_missing", ("kind",), 5, 3, 0, 2, 0),
        StepCount(3, "parse_number", ("price",), 3, 2, 1, 3, 1),
        StepCount(4, "standardize_date", ("day",), 2, 2, 2, 2, 0),
        StepCount(5, "map_values", ("kind",), 2, 2, 2, 0, 0),
        StepCount(6, "bin_numbers", ("band",), 2, 2, 1, 2, 1),
    )


def test_a_table_without_rows_has_its_steps_in_the_log(tmp_path: Path) -> None:
    assert [(s.position, s.step, s.rows_before) for s in run([], tmp_path).steps] == [
        (n, step.step, 0) for n, step in enumerate(TABLE.prepare, 1)
    ]


ROWS = st.lists(
    st.fixed_dictionaries(
        {
            "id": st.none() | st.integers(0, 5),
            "name": st.sampled_from(["Ann", " ", "", None]),
            "price_text": st.sampled_from(["1", "1.5", "(2)", "", "x", None, "99999999"]),
            "day_text": st.sampled_from(["1/2/2024", "13/2/2024", "2/13/2024", "31/2/2024", "?", None]),
            "kind": st.sampled_from(["a", "B", "c", "", None]),
            "_cursor": st.just("1"),
        }
    ),
    max_size=15,
)


@settings(deadline=None, max_examples=60)
@given(rows=ROWS, batch_rows=st.integers(1, 15))
def test_batches_change_neither_rows_nor_rejects_nor_the_log(
    rows: list[dict[str, Any]], batch_rows: int
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        whole = run(rows, Path(folder) / "whole")
        cut = run(rows, Path(folder) / "cut", batch_rows)
        assert len(rows) == whole.row_count + whole.rejected_count + whole.dropped_count
        assert rows_of(cut.path) == rows_of(whole.path)
        assert rows_of(cut.rejects_path) == rows_of(whole.rejects_path)
        assert (cut.dropped_count, cut.steps) == (whole.dropped_count, whole.steps)
