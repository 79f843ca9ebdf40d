"""Every type of MySQL and MariaDB arrives true (docs/sources.md)."""
# ruff: noqa: E501  # a row of a table, and the SQL of a test, read best on one line

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pytest

from etl.errors import ContractError
from etl.handles import Extract
from etl.landing import land
from etl.windows import Window
from tests.sources.shops import Shop, column, declare

INSTANT = pa.timestamp("us", "UTC")
DIGITS = "9" * 35 + "." + "1" * 30

# Source type, SQL of the value, declared type, Arrow type, value.
MATRIX: list[tuple[str, str, str, pa.DataType, Any]] = [
    ("tinyint(1)", "1", "boolean", pa.int64(), 1),
    ("tinyint(1)", "2", "boolean", pa.int64(), 2),
    ("tinyint unsigned", "255", "smallint", pa.int64(), 255),
    ("mediumint", "-8388608", "integer", pa.int64(), -8388608),
    ("int unsigned", "4294967295", "bigint", pa.int64(), 4294967295),
    ("int(5) zerofill", "42", "bigint", pa.int64(), 42),
    ("bigint", "-9223372036854775808", "bigint", pa.int64(), -9223372036854775808),
    ("bigint unsigned", "18446744073709551615", "decimal(20,0)", pa.decimal128(20, 0), Decimal(18446744073709551615)),
    ("decimal(10,2)", "-12345678.90", "decimal(10,2)", pa.decimal128(10, 2), Decimal("-12345678.90")),
    ("decimal(38,0)", "9" * 38, "decimal(38,0)", pa.decimal128(38, 0), Decimal("9" * 38)),
    ("decimal(65,30)", DIGITS, "decimal(65,30)", pa.decimal256(65, 30), Decimal(DIGITS)),
    ("float", "0.1", "double", pa.float64(), 0.10000000149011612),
    ("double", "0.1", "double", pa.float64(), 0.1),
    ("double", "1.7976931348623157e308", "double", pa.float64(), 1.7976931348623157e308),
    ("double", "19.99", "decimal(10,2)", pa.string(), "19.99"),
    ("float", "19.99", "decimal(10,2)", pa.string(), "19.99"),
    ("bit(1)", "b'1'", "boolean", pa.int64(), 1),
    ("bit(9)", "b'100000001'", "integer", pa.int64(), 257),
    ("bit(64)", "18446744073709551615", "decimal(20,0)", pa.decimal128(20, 0), Decimal(18446744073709551615)),
    ("year", "2024", "integer", pa.int64(), 2024),
    ("year", "0", "integer", pa.int64(), 0),
    ("enum('a,b','q\"')", "'q\"'", "text", pa.string(), 'q"'),
    ("set('a','b','c')", "'c,a'", "text", pa.string(), "a,c"),
    ("set('a','b')", "''", "text", pa.string(), ""),
    ("json", "'{\"b\":  [1, null]}'", "json", pa.string(), '{"b":  [1, null]}'),
    ("varchar(20)", "'NA'", "text", pa.string(), "NA"),
    ("varchar(20)", "''", "text", pa.string(), ""),
    ("varchar(20)", "'null'", "text", pa.string(), "null"),
    ("text", "'a\\tb\\nc\\r\\nd\\re\\\\f\"g\\'h,i\U0001f600é'", "text", pa.string(), "a\tb\nc\r\nd\re\\f\"g'h,i\U0001f600é"),
    ("text", "'a\\0b\\Z'", "text", pa.string(), "a\x00b\x1a"),
    ("varchar(20) character set latin1", "'é€'", "text", pa.string(), "é€"),
    ("varchar(20) collate utf8mb4_bin", "'ß\"'", "text", pa.string(), 'ß"'),
    ("char(4)", "'ab'", "text", pa.string(), "ab"),
    ("longtext character set ucs2", "'日本'", "text", pa.string(), "日本"),
    ("varbinary(9)", "x'00ff0a22'", "bytes", pa.binary(), b"\x00\xff\n\""),
    ("longblob", "''", "bytes", pa.binary(), b""),
    ("binary(3)", "'a'", "bytes", pa.binary(), b"a\x00\x00"),
    ("date", "'2024-02-29'", "date", pa.date32(), date(2024, 2, 29)),
    ("date", "'9999-12-31'", "date", pa.date32(), date(9999, 12, 31)),
    ("datetime", "'2024-01-01 23:59:59'", "timestamp", INSTANT, datetime(2024, 1, 1, 23, 59, 59, tzinfo=UTC)),
    ("datetime(3)", "'2024-01-01 23:59:59.999'", "timestamp", INSTANT, datetime(2024, 1, 1, 23, 59, 59, 999000, UTC)),
    ("datetime(6)", "'1000-01-01 00:00:00.000001'", "timestamp", INSTANT, datetime(1000, 1, 1, 0, 0, 0, 1, UTC)),
    ("timestamp(6) null", "'2024-07-01 06:30:00.000001'", "timestamp", INSTANT, datetime(2024, 7, 1, 6, 30, 0, 1, UTC)),
    ("time(6)", "'838:59:59'", "text", pa.string(), "838:59:59.000000"),
    ("time(2)", "'-100:00:00.25'", "text", pa.string(), "-100:00:00.250000"),
    ("time", "'08:05:00'", "time", pa.string(), "08:05:00.000000"),
    ("point", "st_geomfromtext('POINT(1 2)')", "text", pa.string(), "000000000101000000000000000000f03f0000000000000040"),
]  # fmt: skip


def _names() -> list[str]:
    return [f"c{at}" for at in range(len(MATRIX))]


def _columns() -> dict[str, str]:
    return {"id": "integer", **dict(zip(_names(), (row[2] for row in MATRIX), strict=True))}


def _make(shop: Shop) -> None:
    declared = ", ".join(f"{name} {row[0]}" for name, row in zip(_names(), MATRIX, strict=True))
    values = ", ".join(row[1] for row in MATRIX)
    nulls = ", ".join("null" for _ in MATRIX)
    shop.run(
        "set session time_zone = '+00:00', sql_mode = 'ALLOW_INVALID_DATES'",
        f"create table things (id int primary key, {declared})",
        f"insert into things values (1, {values}), (2, {nulls})",
    )


def test_every_type_arrives_true_and_null_stays_null(mysql_shop: Shop) -> None:
    _make(mysql_shop)
    assert mysql_shop.source().check_columns(declare(_columns())) == []
    found = mysql_shop.read(declare(_columns()))
    for name, (kind, _, _, arrow, value) in zip(_names(), MATRIX, strict=True):
        assert (found.schema.field(name).type, column(found, name)) == (arrow, [value, None]), kind


def test_a_declared_query_gives_the_same_values(mysql_shop: Shop) -> None:
    _make(mysql_shop)
    by_table = mysql_shop.read(declare(_columns()))
    by_query = mysql_shop.read(declare(_columns(), query="select * from things -- all of it;"))
    for name, (kind, *_) in zip(_names(), MATRIX, strict=True):
        assert column(by_query, name) == column(by_table, name), kind


def test_money_computed_in_a_query_is_exact(mysql_shop: Shop) -> None:
    mysql_shop.run(
        "create table things (id int, price decimal(10,2))", "insert into things values (1, 0.10), (2, null)"
    )
    table = declare(
        {"id": "integer", "gross": "decimal(12,4)"}, query="select id, price * 1.19 as gross from things"
    )
    found = mysql_shop.read(table)
    assert column(found, "gross") == [Decimal("0.1190"), None]


ZERO_DATES = (
    "set session sql_mode = 'ALLOW_INVALID_DATES'",
    "create table things (id int primary key, day date, at datetime(6), seen timestamp null)",
    "insert into things values (1, '0000-00-00', '0000-00-00 00:00:00', '0000-00-00 00:00:00'),"
    " (2, '2024-00-10', '2024-02-31 01:02:03.5', '2024-01-01 00:00:00'), (3, null, null, null),"
    " (4, '2024-01-01', '2024-01-01 00:00:00.000001', '2024-01-01 00:00:00')",
)
DATED = {"id": "integer", "day": "date", "at": "timestamp", "seen": "timestamp"}


@pytest.mark.parametrize("batch_rows", [1, 3, 100])
def test_zero_dates_become_null_and_are_counted(mysql_shop: Shop, batch_rows: int) -> None:
    mysql_shop.run(*ZERO_DATES)
    found = mysql_shop.read(declare(DATED), batch_rows=batch_rows)
    assert column(found, "day") == [None, None, None, date(2024, 1, 1)]
    assert column(found, "at") == [None, None, None, datetime(2024, 1, 1, 0, 0, 0, 1, UTC)]
    assert [value is None for value in column(found, "seen")] == [True, False, True, False]
    assert column(found, "_zero_dates") == [3, 2, 0, 0]


def test_landing_keeps_the_count_of_zero_dates(mysql_shop: Shop) -> None:
    mysql_shop.run(*ZERO_DATES)
    source, extract = mysql_shop.source(), Extract("shop.things", Window())
    with source.snapshot([declare(DATED)]) as snapshot:
        landed = land(source.read(declare(DATED), extract, snapshot), extract, mysql_shop.state_dir)
    assert (landed.row_count, landed.zero_date_count) == (4, 5)


def test_zero_dates_to_be_rejected_stay_visible(mysql_shop: Shop) -> None:
    mysql_shop.time_zone = "Europe/Berlin"
    mysql_shop.run(*ZERO_DATES)
    found = mysql_shop.read(declare(DATED, zero_dates="reject", cursor="at", null_cursor="always"))
    assert column(found, "day") == ["0000-00-00", "2024-00-10", None, "2024-01-01"]
    instant = "2023-12-31 23:00:00.000001Z"
    assert column(found, "at") == ["0000-00-00 00:00:00.000000", "2024-02-31 01:02:03.500000", None, instant]
    assert column(found, "_cursor")[3] == "2024-01-01 00:00:00.000001"
    assert "_zero_dates" not in found.column_names


def test_an_instant_is_the_same_whatever_the_zone_of_the_server(mysql_shop: Shop) -> None:
    mysql_shop.run(
        "set session time_zone = '-07:00'",
        "create table things (id int, at timestamp(6) not null)",
        "insert into things values (1, '2024-07-01 05:00:00.5')",
    )
    found = mysql_shop.read(declare({"id": "integer", "at": "timestamp"}, cursor="at"))
    assert column(found, "at") == [datetime(2024, 7, 1, 12, 0, 0, 500000, UTC)]
    assert column(found, "_cursor") == ["2024-07-01 12:00:00.500000"]


def test_rows_longer_than_any_block(mysql_shop: Shop) -> None:
    mysql_shop.run("create table things (id int, value longtext, raw longblob)")
    # Many quotes in one text: REPLACE of MariaDB would take hours for it.
    mysql_shop.run(
        "insert into things values (1, repeat('é\"\\n', 2000000), repeat(x'00ff', 4000000)), (2, '', null)"
    )
    found = mysql_shop.read(declare({"id": "integer", "value": "text", "raw": "bytes"}))
    assert column(found, "value") == ['é"\n' * 2_000_000, ""]
    assert column(found, "raw") == [b"\x00\xff" * 4_000_000, None]


def test_a_decimal_of_a_query_with_more_digits_than_declared_is_refused(mysql_shop: Shop) -> None:
    mysql_shop.run(
        "create table things (id int, value decimal(65,2))", f"insert into things values (1, {'9' * 50})"
    )
    query = "select id, value + 0 as value from things"
    with pytest.raises(ContractError, match="value"):
        mysql_shop.read(declare({"id": "integer", "value": "decimal(12,2)"}, query=query))
    wide = mysql_shop.read(declare({"id": "integer", "value": "decimal(65,2)"}, query=query))
    assert pc.equal(wide["value"], pa.scalar(Decimal("9" * 50), pa.decimal256(65, 2))).to_pylist() == [True]
