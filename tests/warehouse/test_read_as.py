"""Texts read as types on MySQL: as PostgreSQL's ``audit.read_as`` reads them, and never with a warning."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from typing import Any

import pytest

from etl.settings import Settings
from etl.warehouse import open_database
from etl.warehouse.database import Database, Session, from_json

TEXTS = {
    "bigint": (
        *("0", "-0", "+7", "007", " 12 ", "12\n", "\t5", "12.0", "1e3", "", "x", "--1", "+ 1", "1 2", "１２"),
        *("9223372036854775807", "9223372036854775808", "-9223372036854775808", "-9223372036854775809"),
        *("99999999999999999999999", "00000000000000000000000000000000000012", "true"),
    ),
    "integer": ("2147483647", "2147483648", "-2147483648", "-2147483649"),
    "smallint": ("32767", "32768", "-32768", "-32769"),
    "decimal(10,2)": (
        *("1", "1.5", "1.50", "-1.005", "1.", "+.5", ".", "", "1e2", "1.5E-2", " 2.5 ", "abc", "1,5", "1e"),
        *("1 e5", "99999999.99", "100000000", "12345678901234567890123456789012345", "1.2345678901234567"),
        *(f"1.5{'0' * 40}", f"{'0' * 80}1"),
    ),
    "decimal(38,0)": ("9" * 38, f"-{'9' * 38}", "1.0"),
    "decimal(65,30)": ("12345678901234567890123456789012345.123456789012345678901234567890",),
    "double": (
        *("1", "1.5", "-2e10", "1e308", "1e309", "1e-320", "1e-400", "0e999", ".5", "5.", "+.5e1", "x", ""),
        *("1e", "1e5.5", "0.1", "123456789012345678901234567890", "1e+20", "0.0"),
        *("5e-324", "-5e-324", "2.2250738585072014e-308", "1.797693134e308", "1.7976931348623156e308"),
        *("1.7976931348623157e308", "-1.7976931348623157E+0308", "1.7976931348623158e308"),
        *("1.7976931348623159e308", "1.8e308", "-1.9e308"),
    ),
    "boolean": (
        *("true", "TRUE", "t", "T", "tr", "tru", "yes", "y", "on", "1", "0", "f", "false", "no", "n", "off"),
        *("of", "o", "2", "", "ja", " true ", "truee", "True\n"),
    ),
    "date": (
        *("2024-02-29", "2023-02-29", "2024-04-31", "2024-12-31", "0001-01-01", "9999-12-31", "0000-01-01"),
        *("2024-13-01", "2024-00-10", "2024-01-00", "2024-01-05 00:00:00", "2024-01-05T10:00:00Z"),
        *("2024-01-05 10:11:12.123456+02:00", " 2024-01-05 ", "2024-01-05x", "x", "", "2024-01-05 25:00:00"),
    ),
    "timestamp": (
        *("2024-02-29", "2024-02-30", "2024-01-05 10:11", "2024-01-05 20:30", "2024-01-05 10:11:10"),
        *("2024-01-05T10:11:12", "2024-01-05 10:11:12.1", "2024-01-05 10:11:12.123456"),
        *("2024-01-05 10:11:12.123456000", "2024-01-05 10:11:10Z", "2024-01-05 10:11:12 Z"),
        *("2024-01-05T10:11:12.5+02", "2024-01-05 10:11:12-0730", "2024-01-05 10:11:12 +05:45"),
        *("2024-03-31 02:30:00", "2024-01-05 10:60:00", "2024-01-05 10:11+02", "2024-01-05 00:00:00.000000Z"),
        *("9999-12-31 23:59:59.999999", "0001-01-01 00:00:00", "0000-01-01 00:00:00", "x", ""),
        *(" 2024-01-05 10:11:12 ", "2024-01-05 10:00:00.500000"),
        *("9999-12-31T00:00:00+00:00", "9999-12-31 23:59:59.999999+00", "9999-12-31 23:59:59Z"),
        *("0001-01-01T00:00:00+00:00", "0001-01-01 00:00:00-00:00", "9999-06-01 10:00:00-05"),
        *("9999-12-31 22:59:59.5-01", "9999-12-31 00:00:00+0545", "0001-01-01 05:45:00+05:45"),
        *("0001-01-01 23:59:59-15:59", "0001-12-31 00:00:00.000001+02"),
    ),
    "time": (
        *("10:11", "10:11:12", "10:11:12.5", "10:11:12.123456000", "23:59:59.999999", "25:00", "10:60"),
        *("", "x", " 10:11 "),
    ),
    "uuid": (
        *("6F9619FF-8B86-D011-B42D-00C04FC964FF", "6f9619ff8b86d011b42d00c04fc964ff", "x", ""),
        *("{6F9619FF-8B86-D011-B42D-00C04FC964FF}", "{6F9619FF-8B86-D011-B42D-00C04FC964FF"),
        *("6f96-19ff-8b86-d011-b42d-00c0-4fc9-64ff", " 6f9619ff8b86d011b42d00c04fc964ff"),
        *("6f9619ff8b86d011b42d00c04fc964f", "urn:uuid:6f9619ff8b86d011b42d00c04fc964ff"),
    ),
    "json": ('{"a": 1}', "[]", '"x"', "1", "nul", "null", '{"a":', r'"\u0000"', r'"\\u0000"', ""),
    "bytes": ("abc", r"\x6162", r"\x616", r"\x", "é", ""),
    "text": ("", " x ", "NULL"),
}
# What PostgreSQL alone reads; no source is landed so.
POSTGRESQL_ALONE = {
    "bigint": ("0x10", "1_000"),
    "decimal(10,2)": ("NaN", "Infinity", "1e99", "1e-99"),
    "double": ("NaN", "-inf", "0.17976931348623157e309"),
    "date": ("2024-1-5", "20240105", "Jan 5 2024", "today", "infinity"),
    "timestamp": ("2024-01-05 1:11", "2024-01-05 24:00:00", "2024-01-05 10:11:12.1234567"),
    "time": ("1:11", "10:11 PM", "24:00:00"),
}
POSTGRESQL_TYPES = {"timestamp": "timestamptz", "double": "float8", "json": "jsonb", "bytes": "bytea"}


@pytest.fixture(scope="module")
def sessions(
    postgres_url: str, mysql_url: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Session, Session]]:
    """Of PostgreSQL with the function, and of MySQL with a database for temporary tables."""
    folder = tmp_path_factory.mktemp("read_as")
    mysql = mysql_url.replace("mysql://", "mysql+mysqlconnector://", 1)
    with ExitStack() as opened:
        databases = [_database(url, folder) for url in (postgres_url, mysql)]
        first, second = (opened.enter_context(database.own_session()) for database in databases)
        first.execute("create schema if not exists audit")
        first.execute(first.render("functions/read_as.sql"))
        second.execute(f"create database {second.identifier(second.database.schema('audit'))}")
        yield first, second
        second.drop_schema("audit")


@pytest.mark.parametrize("column_type", TEXTS)
def test_mysql_reads_what_postgresql_reads(sessions: tuple[Session, Session], column_type: str) -> None:
    """Law Q2: keys of rejected rows are known by their landed text only."""
    texts = [*TEXTS[column_type], None]
    assert _read_by_mysql(sessions[1], column_type, texts) == _read_by_postgresql(
        sessions[0], column_type, texts
    )


@pytest.mark.parametrize(
    "text", ["9999-12-31 23:00:00-01", "9999-12-31 23:59:59.999999-00:01", "0001-01-01 00:59:59+01"]
)
def test_an_offset_that_leaves_the_calendar_is_null(sessions: tuple[Session, Session], text: str) -> None:
    """PostgreSQL has more years than Python, which could not be told of them."""
    assert _read_by_mysql(sessions[1], "timestamp", [text]) == [(text, None)]


@pytest.mark.parametrize("column_type", POSTGRESQL_ALONE)
def test_what_postgresql_alone_reads_is_null(sessions: tuple[Session, Session], column_type: str) -> None:
    texts = list(POSTGRESQL_ALONE[column_type])
    assert all(value is not None for _, value in _read_by_postgresql(sessions[0], column_type, texts))
    assert _read_by_mysql(sessions[1], column_type, texts) == [(text, None) for text in texts]


def _database(url: str, folder: Any) -> Database:
    return open_database(url, Settings(_env_file=None, state_dir=folder, warehouse_url=url))


def _read_by_postgresql(
    session: Session, column_type: str, texts: Sequence[str | None]
) -> list[tuple[str | None, Any]]:
    kind = "numeric" if column_type.startswith("decimal") else column_type
    as_text = "::text" if kind == "json" else ""
    statement = f"select audit.read_as(%s, null::{POSTGRESQL_TYPES.get(kind, kind)}){as_text}"
    return [(text, _plain(session.single(statement, (text,)), column_type)) for text in texts]


def _read_by_mysql(
    session: Session, column_type: str, texts: Sequence[str | None]
) -> list[tuple[str | None, Any]]:
    """By a statement that writes, for which a warning is an error."""
    expression = session.database.sql.call("read_as.sql", "read_as", "t.said", column_type)
    session.execute("drop temporary table if exists audit.texts, audit.found")
    session.execute("create temporary table audit.texts (place int primary key, said longtext)")
    session.insert("audit.texts", ["place", "said"], list(enumerate(texts)))
    session.execute(
        f"create temporary table audit.found as select t.place, {expression} as value from audit.texts as t"
    )
    session.execute("select value from audit.found order by place")
    values = [_plain(value, column_type) for (value,) in session.fetchall()]
    return list(zip(texts, values, strict=True))


def _plain(value: Any, column_type: str) -> Any:
    if column_type == "json" and value is not None:
        return [from_json(value)]
    return bytes(value) if isinstance(value, memoryview | bytearray) else value
