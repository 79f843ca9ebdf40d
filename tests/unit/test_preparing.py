"""Preparing: every landed row is prepared or rejected with its reason, whatever the batch size."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, Literal

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from etl.arrow_files import open_arrow_file
from etl.catalog import SourceTable
from etl.errors import ConfigError, ContractError
from etl.handles import Extract, LandedFile, PreparedFile
from etl.landing import land
from etl.preparing import prepare
from etl.windows import Window

TABLE = SourceTable.model_validate(
    {
        "name": "people",
        "source": "shop",
        "description": "People",
        "table": "people",
        "key": ["id"],
        "columns": {
            "id": {"type": "bigint", "nullable": False},
            "name": {"type": "text"},
            "note": {"type": "text", "nulls": ["", "N/A"]},
            "amount": {"type": "decimal(8,2)", "nullable": False},
            "born": {"type": "date"},
            "seen_at": {"type": "timestamp"},
        },
        "prepare": [
            {"step": "clean_text", "columns": ["name"], "case": "title"},
            {"step": "fill_missing", "values": {"amount": "0.00"}},
            {"step": "join_text", "columns": ["name", "note"], "into": "label"},
            {"step": "age_group", "birth_date": "born", "at": "seen_at", "into": "age_group"},
        ],
        "derived": {"label": {"type": "text"}, "age_group": {"type": "text"}},
    }
)
LANDED = pa.schema(
    {
        "id": pa.int64(),
        "name": pa.string(),
        "note": pa.string(),
        "amount": pa.string(),
        "born": pa.string(),
        "seen_at": pa.timestamp("us"),
        "_cursor": pa.string(),
    }
)
GOOD: dict[str, Any] = {
    "id": 1,
    "name": " ann  LEE",
    "note": "x",
    "amount": "1.50",
    "born": "2000-01-01",
    "seen_at": datetime.fromisoformat("2024-01-01"),
    "_cursor": "2024-01-01 00:00:00.000000",
}


def land_rows(
    rows: list[dict[str, Any]],
    folder: Path,
    batch_rows: int = 1000,
    kind: Literal["rows", "keys"] = "rows",
    schema: pa.Schema = LANDED,
) -> LandedFile:
    def batches() -> Iterator[pa.RecordBatch]:
        for start in range(0, len(rows), batch_rows):
            yield pa.RecordBatch.from_pylist(rows[start : start + batch_rows], schema=schema)

    reader = pa.RecordBatchReader.from_batches(schema, batches())
    return land(reader, Extract("shop.people", Window(), kind=kind), folder)


def rows_of(path: Path) -> list[dict[str, Any]]:
    with open_arrow_file(path) as file:
        return file.read_all().to_pylist()  # type: ignore[no-any-return]  # pyarrow is untyped


def run(
    rows: list[dict[str, Any]], folder: Path, batch_rows: int = 1000, table: SourceTable = TABLE
) -> PreparedFile:
    landed = land_rows(rows, folder, batch_rows)
    prepared = prepare(landed, table, folder, "US")
    assert landed.row_count == prepared.row_count + prepared.rejected_count
    assert prepared.row_count == len(rows_of(prepared.path))
    assert prepared.rejected_count == len(rows_of(prepared.rejects_path))
    return prepared


def test_a_good_row_gets_declared_types_steps_and_its_cursor(tmp_path: Path) -> None:
    prepared = run([GOOD], tmp_path)
    assert rows_of(prepared.path) == [
        {
            "id": 1,
            "name": "Ann Lee",
            "note": "x",
            "amount": Decimal("1.50"),
            "born": date(2000, 1, 1),
            "seen_at": datetime(2024, 1, 1, tzinfo=UTC),
            "label": "Ann Lee x",
            "age_group": "18-25",
            "_cursor": "2024-01-01 00:00:00.000000",
        }
    ]
    with open_arrow_file(prepared.path) as file:
        assert file.schema.names == [*TABLE.staged_columns, "_cursor"]
        assert file.schema.field("amount").type == pa.decimal128(8, 2)


@pytest.mark.parametrize(
    ("change", "column", "reason"),
    [
        ({"id": None}, "id", "is NULL, but the column is declared as never NULL"),
        ({"amount": "1.505"}, "amount", "does not fit decimal(8,2) without rounding"),
        ({"amount": "1000000"}, "amount", "does not fit decimal(8,2) without rounding"),
        ({"amount": ""}, "amount", "is not a decimal number"),
        ({"born": "01/02/2000"}, "born", "is not a date of the form YYYY-MM-DD"),
        ({"name": "a\x00b"}, "name", "holds the character NUL, which PostgreSQL cannot store"),
        ({"born": "x", "amount": "y", "id": None, "name": "\x00"}, "amount", "is not a decimal number"),
    ],
)
def test_a_bad_row_is_rejected_once_with_its_first_reason(
    tmp_path: Path, change: dict[str, Any], column: str, reason: str
) -> None:
    bad = {**GOOD, **change}
    prepared = run([GOOD, bad, {**GOOD, "id": 3}], tmp_path)
    assert [row["id"] for row in rows_of(prepared.path)] == [1, 3]
    (reject,) = rows_of(prepared.rejects_path)
    assert (reject["column_name"], reject["reason"]) == (column, reason)
    landed = {**bad, "seen_at": "2024-01-01 00:00:00.000000", "name": bad["name"].replace("\x00", "\u2400")}
    assert json.loads(reject["payload"]) == landed


def test_null_texts_are_data_unless_declared(tmp_path: Path) -> None:
    """Law X14."""
    rows = [{**GOOD, "id": n, "name": text, "note": text} for n, text in enumerate(["", "N/A", "null", "NA"])]
    prepared = rows_of(run(rows, tmp_path).path)
    assert [row["name"] for row in prepared] == ["", "N/A", "Null", "Na"]
    assert [row["note"] for row in prepared] == [None, None, "null", "NA"]


def test_a_missing_value_is_filled_before_null_is_refused(tmp_path: Path) -> None:
    assert rows_of(run([{**GOOD, "amount": None}], tmp_path).path)[0]["amount"] == Decimal("0.00")


def test_no_rows_give_valid_empty_files(tmp_path: Path) -> None:
    prepared = run([], tmp_path)
    assert (prepared.row_count, prepared.rejected_count) == (0, 0)


def test_keys_pass_without_steps(tmp_path: Path) -> None:
    schema = pa.schema({"id": pa.string(), "_cursor": pa.string()})
    rows: list[dict[str, Any]] = [
        {"id": "7", "_cursor": "a"},
        {"id": "x", "_cursor": "b"},
        {"id": None, "_cursor": None},
    ]
    prepared = prepare(land_rows(rows, tmp_path, kind="keys", schema=schema), TABLE, tmp_path, "US")
    assert rows_of(prepared.path) == [{"id": 7, "_cursor": "a"}]
    assert [row["reason"][:10] for row in rows_of(prepared.rejects_path)] == ["is not a w", "is NULL, b"]


def test_a_table_without_cursor_gets_null_ones(tmp_path: Path) -> None:
    schema = LANDED.remove(LANDED.get_field_index("_cursor"))
    row = {name: value for name, value in GOOD.items() if name != "_cursor"}
    prepared = prepare(land_rows([row], tmp_path, schema=schema), TABLE, tmp_path, "US")
    assert rows_of(prepared.path)[0]["_cursor"] is None


def test_columns_that_do_not_fit_stop_the_table(tmp_path: Path) -> None:
    without = LANDED.remove(LANDED.get_field_index("name"))
    with pytest.raises(ContractError, match=r"shop\.people\.name"):
        prepare(land_rows([GOOD], tmp_path, schema=without), TABLE, tmp_path, "US")
    floats = LANDED.set(LANDED.get_field_index("amount"), pa.field("amount", pa.float64()))
    with pytest.raises(ContractError, match=r"shop\.people\.amount.*double"):
        prepare(land_rows([{**GOOD, "amount": 1.5}], tmp_path, schema=floats), TABLE, tmp_path, "US")
    assert not [path for path in tmp_path.iterdir() if path.suffix == ".partial"]


def test_steps_and_derived_columns_must_agree(tmp_path: Path) -> None:
    landed = land_rows([GOOD], tmp_path)
    lacking = TABLE.model_copy(update={"prepare": TABLE.prepare[:3]})
    with pytest.raises(ConfigError, match=r"not made: \['age_group'\]"):
        prepare(landed, lacking, tmp_path, "US")
    surplus = TABLE.model_copy(update={"derived": {"label": TABLE.derived["label"]}})
    with pytest.raises(ConfigError, match=r"not declared: \['age_group'\]"):
        prepare(landed, surplus, tmp_path, "US")


def test_preparing_again_gives_the_same_files(tmp_path: Path) -> None:
    """Law R4."""
    rows = [{**GOOD, "id": n, "amount": f"{n}.00" if n % 3 else "bad"} for n in range(50)]
    first = [path.read_bytes() for path in (run(rows, tmp_path).path, run(rows, tmp_path).rejects_path)]
    second = run(rows, tmp_path)
    assert [second.path.read_bytes(), second.rejects_path.read_bytes()] == first


ROWS = st.lists(
    st.fixed_dictionaries(
        {
            "id": st.none() | st.integers(-5, 5),
            "name": st.none() | st.text(st.sampled_from("aÉ\x00 '"), max_size=4),
            "note": st.sampled_from([None, "", "N/A", "x"]),
            "amount": st.sampled_from([None, "1", "1.50", "1.555", "x", "1e3", "10000000"]),
            "born": st.sampled_from([None, "2000-02-29", "2001-02-29", "1.1.2000", "0001-01-01"]),
            "seen_at": st.none() | st.datetimes(),
            "_cursor": st.none() | st.text(max_size=3),
        }
    ),
    max_size=12,
)


@settings(deadline=None)
@given(rows=ROWS, batch_rows=st.integers(1, 12))
def test_the_batch_size_changes_nothing(rows: list[dict[str, Any]], batch_rows: int) -> None:
    """Laws X13 and R3: ``run`` also counts the rows."""
    with tempfile.TemporaryDirectory() as folder:
        whole = run(rows, Path(folder) / "whole")
        cut = run(rows, Path(folder) / "cut", batch_rows)
        assert rows_of(cut.path) == rows_of(whole.path)
        assert rows_of(cut.rejects_path) == rows_of(whole.rejects_path)
        for reject in rows_of(whole.rejects_path):
            json.loads(reject["payload"])
