"""How values and tables look to people, to spreadsheets and to Prefect artifacts (law P4)."""

from __future__ import annotations

import csv
import io
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import pytest

from etl.reports.tables import Column, Kind, ReportTable, defused, shown

TABLE = ReportTable(
    name="sample",
    title="Sample",
    note="Two rows.",
    columns=(
        Column("name", "Name"),
        Column("net_amount", "Net", "amount"),
        Column("rows", "Rows", "count"),
        Column("run", "Run", is_detail=True),
    ),
    rows=(
        {"name": "=1+1|x", "net_amount": Decimal("-1234567.5"), "rows": 0, "run": "a", "unshown": 1},
        {"name": 'quote " and\nline', "net_amount": None, "rows": 0, "run": None, "unshown": 2},
    ),
)


@pytest.mark.parametrize(
    ("kind", "value", "expected"),
    [
        ("amount", Decimal("1234567.005"), "1,234,567.00"),
        ("amount", Decimal("-0.5"), "-0.50"),
        ("amount", Decimal("12345678901234567890.12"), "12,345,678,901,234,567,890.12"),
        ("count", 1234567, "1,234,567"),
        ("pct", Decimal("31.44"), "31.4 %"),
        ("seconds", 0.04, "0.0"),
        ("date", date(2026, 3, 2), "2026-03-02"),
        ("instant", datetime(2026, 3, 2, 1, 30, tzinfo=timezone(timedelta(hours=2))), "2026-03-01 23:30 UTC"),
        ("status", "gate_closed", "gate closed"),
        ("text", None, "–"),
    ],
)
def test_values_are_shown(kind: Kind, value: Any, expected: str) -> None:
    assert shown(value, kind) == expected


@pytest.mark.parametrize("text", ["=1", "+1", "-1", "@x", " =1", "\t=1", "\tx", "\rx", "\nx", "＝1", "-"])
def test_a_formula_is_defused(text: str) -> None:
    assert defused(text) == "'" + text


@pytest.mark.parametrize("text", ["", "x=1", "a-b", "1", " x", "'x"])
def test_other_text_is_left_alone(text: str) -> None:
    assert defused(text) == text


def test_the_file_has_plain_numbers_under_column_names() -> None:
    assert list(csv.reader(io.StringIO(TABLE.as_csv()))) == [
        ["name", "net_amount", "rows", "run"],
        ["'=1+1|x", "-1234567.5", "0", "a"],
        ['quote " and\nline', "", "0", ""],
    ]


def test_an_instant_in_the_file_is_utc() -> None:
    table = ReportTable(
        "t", "T", "", (Column("at", "At", "instant"),), ({"at": datetime(2026, 3, 2, 1, tzinfo=UTC)},)
    )
    assert table.as_csv() == "at\r\n2026-03-02T01:00:00+00:00\r\n"


def test_the_form_for_prefect() -> None:
    assert TABLE.as_rows()[0] == {"Name": "=1+1|x", "Net": "-1,234,567.50", "Rows": "0", "Run": "a"}


def test_columns_of_zeros_and_details_can_be_left_out() -> None:
    assert [column.name for column in TABLE.without_empty_counts().page_columns] == ["name", "net_amount"]
