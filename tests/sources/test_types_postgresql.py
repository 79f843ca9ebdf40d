"""Every type of PostgreSQL arrives true (docs/sources.md)."""
# ruff: noqa: E501  # a row of a table, and the SQL of a test, read best on one line

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pytest

from tests.sources.shops import Shop, column, declare

INSTANT = pa.timestamp("us", "UTC")

# Source type, SQL of the value, declared type, Arrow type, value.
MATRIX: list[tuple[str, str, str, pa.DataType, Any]] = [
    ("smallint", "-32768", "smallint", pa.int64(), -32768),
    ("bigint", "9223372036854775807", "bigint", pa.int64(), 9223372036854775807),
    ("oid", "4294967295", "bigint", pa.int64(), 4294967295),
    ("numeric(10,2)", "-12345678.90", "decimal(10,2)", pa.decimal128(10, 2), Decimal("-12345678.90")),
    ("numeric(38,0)", "9" * 38, "decimal(38,0)", pa.decimal128(38, 0), Decimal("9" * 38)),
    ("numeric(65,30)", "9" * 35 + "." + "1" * 30, "decimal(65,30)", pa.decimal256(65, 30), Decimal("9" * 35 + "." + "1" * 30)),
    ("numeric(3,-2)", "12300", "decimal(5,0)", pa.decimal128(5, 0), Decimal(12300)),
    ("numeric(2,4)", "0.0012", "decimal(4,4)", pa.decimal128(4, 4), Decimal("0.0012")),
    ("numeric", "1.10000000000000000000000000000000000000000005", "decimal(76,50)", pa.string(), "1.10000000000000000000000000000000000000000005"),
    ("money", "'1234.50'", "decimal(12,2)", pa.string(), "1234.50"),
    ("real", "0.1", "double", pa.float64(), 0.10000000149011612),
    ("double precision", "0.1", "double", pa.float64(), 0.1),
    ("double precision", "'-infinity'", "double", pa.float64(), float("-inf")),
    ("double precision", "19.99", "decimal(10,2)", pa.string(), "19.99"),
    ("real", "19.99", "decimal(10,2)", pa.string(), "19.99"),
    ("boolean", "true", "boolean", pa.bool_(), True),
    ("boolean", "false", "boolean", pa.bool_(), False),
    ("text", "'NA'", "text", pa.string(), "NA"),
    ("text", "''", "text", pa.string(), ""),
    ("text", "'null'", "text", pa.string(), "null"),
    ("text", "E'\\\\.'", "text", pa.string(), "\\."),
    ("text", "E'\\\\N'", "text", pa.string(), "\\N"),
    ("text", "E'a\\tb\\nc\\r\\nd\\re\\\\f\"g''h,i\U0001f600é'", "text", pa.string(), "a\tb\nc\r\nd\re\\f\"g'h,i\U0001f600é"),
    ("varchar(5)", "'é\"'", "text", pa.string(), 'é"'),
    ("char(4)", "'ab'", "text", pa.string(), "ab"),
    ("bytea", "'\\x00ff0a22'", "bytes", pa.binary(), b"\x00\xff\n\""),
    ("bytea", "''", "bytes", pa.binary(), b""),
    ("date", "'2024-02-29'", "date", pa.date32(), date(2024, 2, 29)),
    ("date", "'0001-01-01'", "date", pa.date32(), date(1, 1, 1)),
    ("timestamp", "'2024-01-01 23:59:59.999999'", "timestamp", INSTANT, datetime(2024, 1, 1, 23, 59, 59, 999999, UTC)),
    ("timestamp(0)", "'9999-12-31 23:59:59'", "timestamp", INSTANT, datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC)),
    ("timestamptz", "'2024-07-01 12:00:00.000001+05:30'", "timestamp", INSTANT, datetime(2024, 7, 1, 6, 30, 0, 1, UTC)),
    ("time", "'24:00:00'", "time", pa.string(), "24:00:00.000000"),
    ("time", "'08:05:00.5'", "time", pa.string(), "08:05:00.500000"),
    ("timetz", "'08:05:00+02'", "text", pa.string(), "08:05:00+02"),
    ("interval", "'1 day 02:00:00'", "text", pa.string(), "P1DT2H"),
    ("json", "'{\"a\":  1}'", "json", pa.string(), '{"a":  1}'),
    ("jsonb", "'{\"b\": [1, null], \"a\": \"x\"}'", "json", pa.string(), '{"a": "x", "b": [1, null]}'),
    ("uuid", "'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'", "uuid", pa.string(), "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"),
    ("int[]", "'{1,null,3}'", "text", pa.string(), "[1,null,3]"),
    ("text[]", "array['a,b', '\"', '']", "text", pa.string(), '["a,b","\\"",""]'),
    ("inet", "'10.0.0.1/8'", "text", pa.string(), "10.0.0.1/8"),
    ("bit(3)", "b'101'", "text", pa.string(), "101"),
    ("mood", "'so \"so\"'", "text", pa.string(), 'so "so"'),
    ("price", "3.50", "decimal(8,2)", pa.decimal128(8, 2), Decimal("3.50")),
    ("int4range", "'[1,5)'", "text", pa.string(), "[1,5)"),
]  # fmt: skip


def _names() -> list[str]:
    return [f"c{at}" for at in range(len(MATRIX))]


def _make(shop: Shop) -> None:
    declared = ", ".join(f"{name} {row[0]}" for name, row in zip(_names(), MATRIX, strict=True))
    values = ", ".join(row[1] for row in MATRIX)
    nulls = ", ".join("null" for _ in MATRIX)
    shop.run(
        "create type mood as enum ('so \"so\"', 'ok')",
        "create domain price as numeric(8,2)",
        f"create table things (id int primary key, {declared})",
        f"insert into things values (1, {values}), (2, {nulls})",
    )


def test_every_type_arrives_true_and_null_stays_null(postgresql_shop: Shop) -> None:
    _make(postgresql_shop)
    table = declare({"id": "integer", **dict(zip(_names(), (row[2] for row in MATRIX), strict=True))})
    assert postgresql_shop.source().check_columns(table) == []
    found = postgresql_shop.read(table)
    for name, (kind, _, _, arrow, value) in zip(_names(), MATRIX, strict=True):
        assert (found.schema.field(name).type, column(found, name)) == (arrow, [value, None]), kind


def test_a_declared_query_gives_the_same_values(postgresql_shop: Shop) -> None:
    _make(postgresql_shop)
    columns = {"id": "integer", **dict(zip(_names(), (row[2] for row in MATRIX), strict=True))}
    by_table = postgresql_shop.read(declare(columns))
    by_query = postgresql_shop.read(declare(columns, query="select * from things -- all of it;"))
    assert by_query.equals(by_table)


def test_an_instant_is_the_same_whatever_the_zone_of_the_session(postgresql_shop: Shop) -> None:
    postgresql_shop.run(
        "create table things (id int, at timestamptz)",
        "insert into things values (1, '2024-07-01 12:00:00+00')",
    )
    name = postgresql_shop.run("select current_database()")[0][0]
    postgresql_shop.run(
        f"alter database {name} set timezone = 'Asia/Kathmandu'",
        f"alter database {name} set datestyle = 'German'",
    )
    found = postgresql_shop.read(declare({"id": "integer", "at": "timestamp"}, cursor="at"))
    assert column(found, "at") == [datetime(2024, 7, 1, 12, tzinfo=UTC)]
    assert column(found, "_cursor") == ["2024-07-01 12:00:00.000000"]


def test_a_time_without_zone_is_local_to_the_system(postgresql_shop: Shop) -> None:
    postgresql_shop.time_zone = "Europe/Berlin"
    postgresql_shop.run(
        "create table things (id int, at timestamp)",
        "insert into things values (1, '2024-07-01 12:00:00'), (2, '2024-10-27 02:30:00'), (3, '2024-03-31 02:30:00')",
    )
    found = postgresql_shop.read(declare({"id": "integer", "at": "timestamp"}, cursor="at"))
    # In an hour that comes twice the first one counts; in one that does not exist, its end.
    expected = [datetime(2024, 7, 1, 10), datetime(2024, 10, 27, 0, 30), datetime(2024, 3, 31, 1)]
    assert column(found, "at") == [at.replace(tzinfo=UTC) for at in expected]
    assert column(found, "_cursor") == [
        "2024-07-01 12:00:00.000000",
        "2024-10-27 02:30:00.000000",
        "2024-03-31 02:30:00.000000",
    ]


@pytest.mark.parametrize(
    ("kind", "declared", "special", "ordinary", "ordinary_text"),
    [
        ("numeric(10,2)", "decimal(10,2)", "NaN", "1.50", "1.50"),
        ("date", "date", "infinity", "2024-01-01", "2024-01-01"),
        ("date", "date", "10000-01-01", "2024-01-01", "2024-01-01"),
        ("timestamp", "timestamp", "-infinity", "2024-07-01 12:00:00", "2024-07-01 10:00:00.000000Z"),
        ("timestamptz", "timestamp", "infinity", "2024-07-01 12:00:00+00", "2024-07-01 12:00:00.000000Z"),
        (
            "timestamp",
            "timestamp",
            "0044-03-15 00:00:00 BC",
            "2024-07-01 12:00:00",
            "2024-07-01 10:00:00.000000Z",
        ),
    ],
)
def test_a_value_without_an_arrow_form_makes_its_column_land_as_text(
    postgresql_shop: Shop, kind: str, declared: str, special: str, ordinary: str, ordinary_text: str
) -> None:
    """Nothing is lost and nothing crashes; preparation rejects the row and keeps the others."""
    postgresql_shop.time_zone = "Europe/Berlin"
    postgresql_shop.run(
        f"create table things (id int, value {kind})",
        f"insert into things values (1, '{special}'), (2, '{ordinary}'), (3, null)",
    )
    found = postgresql_shop.read(declare({"id": "integer", "value": declared}))
    assert column(found, "value") == [special, ordinary_text, None]


def test_rows_longer_than_any_block(postgresql_shop: Shop) -> None:
    postgresql_shop.run(
        "create table things (id int, value text)",
        "insert into things select n, repeat(E'\"\\n,', 2000000) from generate_series(1, 5) as n",
    )
    found = postgresql_shop.read(declare({"id": "integer", "value": "text"}))
    assert column(found, "value") == ['"\n,' * 2_000_000] * 5
