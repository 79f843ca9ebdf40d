"""Conversion to catalog types: exact or refused, never rounded and never silently NULL."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from etl.catalog_types import arrow_type, postgresql_type
from etl.errors import ConfigError, ContractError
from etl.transforms.payload import row_payloads
from etl.transforms.types import convert

REFUSED = object()
NAIVE = datetime.fromisoformat("2024-01-01 03:00")


def outcome(value: Any, column_type: str, source: pa.DataType | None = None) -> Any:
    """The converted value, or REFUSED; converted among neighbours, so that blame is laid on one row only."""
    converted = convert(pa.array([None, value, None], source), column_type, "shop.t.c")
    assert converted.values.type == arrow_type(column_type)
    assert converted.values[0].as_py() is None
    faults = [None] * 3 if converted.faults is None else converted.faults.to_pylist()
    assert faults[0] is None and faults[2] is None
    if faults[1]:
        assert converted.values[1].as_py() is None
        return REFUSED
    return converted.values[1].as_py()


@pytest.mark.parametrize(
    ("value", "column_type", "expected"),
    [
        ("12", "bigint", 12),
        (" +12 ", "bigint", 12),
        ("-9223372036854775808", "bigint", -(2**63)),
        ("9223372036854775808", "bigint", REFUSED),
        ("1.0", "integer", REFUSED),
        ("0x1F", "integer", REFUSED),
        ("", "integer", REFUSED),
        ("NA", "integer", REFUSED),
        ("70000", "smallint", REFUSED),
        ("1.2300", "decimal(10,2)", Decimal("1.23")),
        ("1.239", "decimal(10,2)", REFUSED),
        ("1e3", "decimal(10,2)", Decimal("1000.00")),
        ("99999999.99", "decimal(10,2)", Decimal("99999999.99")),
        ("100000000", "decimal(10,2)", REFUSED),
        ("NaN", "decimal(10,2)", REFUSED),
        ("1,5", "decimal(10,2)", REFUSED),
        ("1" * 35 + "." + "2" * 30, "decimal(65,30)", Decimal("1" * 35 + "." + "2" * 30)),
        ("1.5", "double", 1.5),
        ("-Infinity", "double", float("-inf")),
        ("1e400", "double", REFUSED),
        ("0x10", "double", REFUSED),
        ("1", "boolean", True),
        (" No ", "boolean", False),
        ("F", "boolean", False),
        ("maybe", "boolean", REFUSED),
        ("", "boolean", REFUSED),
        ("2024-02-29", "date", date(2024, 2, 29)),
        ("2023-02-29", "date", REFUSED),
        ("29.02.2024", "date", REFUSED),
        ("0000-00-00", "date", REFUSED),
        ("2024-02-29 10:00:00.123456", "timestamp", datetime(2024, 2, 29, 10, 0, 0, 123456, UTC)),
        ("2024-02-29T10:00:00.1234560+02:00", "timestamp", datetime(2024, 2, 29, 8, 0, 0, 123456, UTC)),
        ("2024-02-29T10:00Z", "timestamp", datetime(2024, 2, 29, 10, 0, tzinfo=UTC)),
        ("2024-02-29 10:00:00 -0330", "timestamp", datetime(2024, 2, 29, 13, 30, tzinfo=UTC)),
        ("2024-02-29", "timestamp", datetime(2024, 2, 29, tzinfo=UTC)),
        ("2024-02-29 10:00:00.1234567", "timestamp", REFUSED),
        ("9999-12-31 23:59:59 -01:00", "timestamp", REFUSED),
        ("infinity", "timestamp", REFUSED),
        ("23:59:59.999999", "time", time(23, 59, 59, 999999)),
        ("838:59:59", "time", REFUSED),
        ("24:00:00", "time", REFUSED),
        ("-01:00:00", "time", REFUSED),
        ('{"a": [1, null]}', "json", '{"a": [1, null]}'),
        ('"\\\\u0000"', "json", '"\\\\u0000"'),
        ('"\\u0000"', "json", REFUSED),
        ('"\\ud800"', "json", REFUSED),
        ("NaN", "json", REFUSED),
        ("1e999999999999999999999", "json", REFUSED),
        ("[1,", "json", REFUSED),
        ("[" * 100_000 + "]" * 100_000, "json", REFUSED),
        ("{00000000-0000-0000-0000-00000000000A}", "uuid", "00000000-0000-0000-0000-00000000000a"),
        ("0000", "uuid", REFUSED),
        ("NA", "text", "NA"),
        ("", "text", ""),
        ("é", "bytes", "é".encode()),
    ],
)
def test_text(value: str, column_type: str, expected: Any) -> None:
    assert outcome(value, column_type) == expected


@pytest.mark.parametrize(
    ("value", "source", "column_type", "expected"),
    [
        (2**64 - 1, pa.uint64(), "bigint", REFUSED),
        (2**64 - 1, pa.uint64(), "decimal(20,0)", Decimal(2**64 - 1)),
        (1, pa.int8(), "boolean", True),
        (2, pa.int8(), "boolean", REFUSED),
        (Decimal("2.00"), pa.decimal128(10, 2), "integer", 2),
        (Decimal("2.50"), pa.decimal128(10, 2), "integer", REFUSED),
        (Decimal("1.2300000000"), pa.decimal128(38, 10), "decimal(10,2)", Decimal("1.23")),
        (Decimal("1.2390000000"), pa.decimal128(38, 10), "decimal(10,2)", REFUSED),
        (123, pa.int64(), "decimal(5,2)", Decimal("123.00")),
        (1234, pa.int64(), "decimal(5,2)", REFUSED),
        (2**53 + 1, pa.int64(), "double", REFUSED),
        (Decimal("0.10"), pa.decimal128(10, 2), "text", "0.10"),
        (Decimal("1E-10"), pa.decimal128(38, 10), "text", "0.0000000001"),
        (NAIVE, pa.timestamp("us"), "timestamp", datetime(2024, 1, 1, 3, tzinfo=UTC)),
        (NAIVE, pa.timestamp("us"), "date", REFUSED),
        (NAIVE.replace(hour=0), pa.timestamp("us"), "date", date(2024, 1, 1)),
        (1, pa.timestamp("ns"), "timestamp", REFUSED),
        (2**62, pa.timestamp("s"), "timestamp", REFUSED),
        (3_000_000, pa.date32(), "date", REFUSED),
        (timedelta(hours=1), pa.duration("us"), "time", time(1)),
        (timedelta(hours=25), pa.duration("us"), "time", REFUSED),
        (timedelta(hours=-1), pa.duration("us"), "time", REFUSED),
        (b"\xff", pa.binary(), "text", REFUSED),
        ("é".encode(), pa.large_binary(), "text", "é"),
        (b"\x00" * 16, pa.binary(16), "uuid", "00000000-0000-0000-0000-000000000000"),
        ("x", pa.large_string(), "text", "x"),
        ("x", pa.dictionary(pa.int8(), pa.string()), "text", "x"),
    ],
)
def test_other_types(value: Any, source: pa.DataType, column_type: str, expected: Any) -> None:
    assert outcome(value, column_type, source) == expected


def test_a_float_never_becomes_a_decimal() -> None:
    """Law F2: only the source's own decimal text may."""
    with pytest.raises(ContractError, match=r"shop\.orders\.total.*double.*decimal\(10,2\)"):
        convert(pa.array([1.5]), "decimal(10,2)", "shop.orders.total")


def test_the_whole_column_may_be_bad() -> None:
    converted = convert(pa.array(["2023-02-29"] * 1000), "date", "t.c")
    assert converted.values.null_count == 1000
    assert converted.faults is not None and converted.faults.null_count == 0


@settings(deadline=None)
@given(st.decimals(allow_nan=False, allow_infinity=False, places=4, min_value=-(10**8), max_value=10**8))
def test_decimals_from_text_are_exact_or_refused(number: Decimal) -> None:
    expected = number if abs(number) < 10**6 and number == number.quantize(Decimal("0.01")) else REFUSED
    assert outcome(str(number), "decimal(8,2)") == expected
    assert outcome(number, "decimal(8,2)", pa.decimal128(20, 4)) == expected


@settings(deadline=None)
@given(st.datetimes(), st.sampled_from(["", "Z", "+05:30", "-11"]))
def test_instants_agree_with_python(moment: datetime, zone: str) -> None:
    text = f"{moment:%H:%M:%S.%f}"
    text = f"{moment.year:04}-{moment.month:02}-{moment.day:02}T{text}{zone}"
    offset = {"+05:30": timedelta(hours=5.5), "-11": timedelta(hours=-11)}.get(zone, timedelta())
    try:
        expected: Any = moment.replace(tzinfo=UTC) - offset
    except OverflowError:
        expected = REFUSED
    assert outcome(text, "timestamp") == expected


@pytest.mark.parametrize("wrong", ["money", "decimal(10)", "decimal(0,0)", "decimal(77,2)", "decimal(5,6)"])
def test_types_outside_the_grammar_are_refused(wrong: str) -> None:
    with pytest.raises(ConfigError):
        arrow_type(wrong)
    with pytest.raises(ConfigError):
        postgresql_type(wrong)


def test_payloads_are_json_without_loss() -> None:
    rows = pa.RecordBatch.from_pydict(
        {
            "amount": pa.array([Decimal("0.1000000000")], pa.decimal128(38, 10)),
            "big": pa.array([2**63 - 1]),
            "bytes": pa.array([b"\x00\xff"]),
            "day": pa.array([date(2024, 2, 29)]),
            "far": pa.array([2**62], pa.timestamp("s")),
            "float": pa.array([float("nan")]),
            'na"me': pa.array(["a\x00\n\"'é"]),
            "list": pa.array([[Decimal("1.10")]], pa.list_(pa.decimal128(5, 2))),
            "nothing": pa.array([None], pa.string()),
            "span": pa.array([timedelta(hours=25)], pa.duration("us")),
        }
    )
    (payload,) = row_payloads(rows)
    assert json.loads(payload) == {
        "amount": "0.1000000000",
        "big": 2**63 - 1,
        "bytes": "00ff",
        "day": "2024-02-29",
        "far": json.loads(payload)["far"],
        "float": "nan",
        'na"me': "a\u2400\n\"'é",
        "list": ["1.10"],
        "nothing": None,
        "span": 90_000_000_000,
    }
