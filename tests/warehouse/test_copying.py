"""Binary COPY of Arrow files: what arrives is what was in the file, for every type of the catalog."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from datetime import UTC, date, datetime, time
from decimal import Decimal, localcontext
from pathlib import Path
from typing import Any

import psycopg2
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from psycopg2.extensions import connection as Connection

from etl.arrow_files import ArrowFileWriter
from etl.catalog_types import arrow_type, postgresql_type
from etl.errors import ConfigError, ReleaseRefused, TransientError
from etl.identifiers import quote_postgresql
from etl.warehouse.postgresql.copying import copy_arrow

TEXTS = ["", "a\tb\n\\N'\"\\.", "é😀\u2028\x01\x7f", "NULL", "x" * 100_000]
VALUES: dict[str, list[Any]] = {
    "bigint": [-(2**63), 0, 2**63 - 1],
    "integer": [-(2**31), 0, 2**31 - 1],
    "smallint": [-(2**15), 0, 2**15 - 1],
    "text": TEXTS,
    "boolean": [True, False],
    "date": [date(1, 1, 1), date(1969, 12, 31), date(2000, 1, 1), date(9999, 12, 31)],
    "timestamp": [
        datetime(1, 1, 1, tzinfo=UTC),
        datetime(1999, 12, 31, 23, 59, 59, 999999, UTC),
        datetime(9999, 12, 31, 23, 59, 59, 999999, UTC),
    ],
    "time": [time(0), time(23, 59, 59, 999999)],
    "double": [0.1, -0.0, 5e-324, 1.7976931348623157e308, float("inf")],
    "json": ['{"a": [1, "\\u00e9", null]}', "1"],
    "bytes": [b"", b"\x00\xff\\"],
    "uuid": ["00000000-0000-0000-0000-00000000000a"],
}


@pytest.fixture
def connection(postgres_database: str) -> Iterator[Connection]:
    opened = psycopg2.connect(postgres_database)
    # A zone far from UTC: nothing may depend on the session's.
    opened.cursor().execute("set timezone = 'Pacific/Kiritimati'")
    yield opened
    opened.close()


def write(path: Path, table: pa.Table, batch_rows: int = 1000) -> Path:
    with ArrowFileWriter(path, table.schema) as writer:
        for batch in table.to_batches(max_chunksize=batch_rows):
            writer.write(batch)
    return path


def create(connection: Connection, columns: dict[str, str], name: str = "t") -> None:
    listed = ", ".join(f"{quote_postgresql(column)} {kind}" for column, kind in columns.items())
    with connection.cursor() as cursor:
        cursor.execute(f"drop table if exists {quote_postgresql(name)}")
        cursor.execute(
            f"create table {quote_postgresql(name)} (_row bigint generated always as identity, {listed})"
        )


def fetched(connection: Connection, expression: str) -> list[Any]:
    with connection.cursor() as cursor:
        cursor.execute(f"select {expression} from t order by _row")
        return [row[0] for row in cursor.fetchall()]


def copied(
    connection: Connection, folder: Path, column_type: str, values: list[Any], read: str = "c"
) -> list[Any]:
    create(connection, {"c": postgresql_type(column_type)})
    path = write(folder / "f.arrow", pa.table({"c": pa.array(values, arrow_type(column_type))}))
    assert copy_arrow(connection, "t", path, ["c"]) == len(values)
    return fetched(connection, read)


@pytest.mark.parametrize("column_type", VALUES)
def test_every_type_arrives_true(connection: Connection, tmp_path: Path, column_type: str) -> None:
    values = [*VALUES[column_type], None]
    read = {"timestamp": "c at time zone 'UTC'", "json": "c::text"}.get(column_type, "c")
    got = copied(connection, tmp_path, column_type, values, read)
    if column_type == "timestamp":
        got = [moment and moment.replace(tzinfo=UTC) for moment in got]
    if column_type == "bytes":
        got = [None if data is None else bytes(data) for data in got]
    if column_type == "json":
        values[0] = '{"a": [1, "é", null]}'
    assert [(type(value), str(value)) for value in got] == [(type(value), str(value)) for value in values]


@st.composite
def decimal_columns(draw: st.DrawFn) -> tuple[int, int, list[Decimal | None]]:
    precision = draw(st.integers(1, 38) | st.integers(39, 76))
    scale = draw(st.integers(0, precision))
    digits = st.integers(0, precision).flatmap(lambda n: st.integers(-(10**n) + 1, 10**n - 1))
    with localcontext() as context:
        context.prec = 100
        numbers = draw(st.lists(st.none() | digits, min_size=1, max_size=20))
        return precision, scale, [None if n is None else Decimal(n).scaleb(-scale) for n in numbers]


def test_decimals_round_trip_exactly(connection: Connection, tmp_path: Path) -> None:
    """Law F2, for every precision and scale that the catalog can declare."""

    @settings(deadline=None, max_examples=150)
    @given(decimal_columns())
    def round_trip(column: tuple[int, int, list[Decimal | None]]) -> None:
        precision, scale, numbers = column
        with tempfile.TemporaryDirectory() as folder:
            got = copied(connection, Path(folder), f"decimal({precision},{scale})", numbers, "c::text")
        assert got == [None if number is None else format(number, "f") for number in numbers]

    round_trip()


def test_text_round_trips(connection: Connection, tmp_path: Path) -> None:
    texts = st.lists(st.none() | st.text(st.characters(codec="utf-8", exclude_characters="\x00")), min_size=1)

    @settings(deadline=None, max_examples=60)
    @given(texts)
    def round_trip(values: list[str | None]) -> None:
        with tempfile.TemporaryDirectory() as folder:
            assert copied(connection, Path(folder), "text", values) == values

    round_trip()


def test_columns_are_chosen_by_name_and_names_may_hold_anything(
    connection: Connection, tmp_path: Path
) -> None:
    odd, table = 'a"; drop table t; --é', 'T "x"'
    create(connection, {"n": "bigint", odd: "text"}, name=table)
    path = write(
        tmp_path / "f.arrow", pa.table({"unused": [1.5], odd: ["x"], "n": pa.array([7], pa.int16())})
    )
    assert copy_arrow(connection, quote_postgresql("public", table), path, ["n", odd]) == 1
    with connection.cursor() as cursor:
        cursor.execute(f"select n, {quote_postgresql(odd)} from {quote_postgresql(table)}")
        assert cursor.fetchall() == [(7, "x")]


def test_an_empty_file_copies_no_row(connection: Connection, tmp_path: Path) -> None:
    assert copied(connection, tmp_path, "text", []) == []


def test_many_batches_arrive_in_order(connection: Connection, tmp_path: Path) -> None:
    create(connection, {"n": "bigint", "text": "text"})
    table = pa.table({"n": range(30_000), "text": ["é" * 500] * 30_000})
    assert copy_arrow(connection, "t", write(tmp_path / "f.arrow", table, 20_000), ["n", "text"]) == 30_000
    assert fetched(connection, "n") == list(range(30_000))


@pytest.mark.parametrize(
    ("have", "want"),
    [
        (pa.int64(), "double precision"),
        (pa.int64(), "timestamptz"),
        (pa.int64(), "integer"),
        (pa.float64(), "bigint"),
        (pa.string(), "bytea"),
        (pa.decimal128(10, 4), "numeric(10,2)"),
        (pa.timestamp("us", "UTC"), "timestamptz(0)"),
        (pa.timestamp("us", "UTC"), "timestamp"),
        (pa.timestamp("us"), "timestamptz"),
    ],
)
def test_types_that_copy_would_misread_or_round_are_refused(
    connection: Connection, tmp_path: Path, have: pa.DataType, want: str
) -> None:
    create(connection, {"c": want})
    path = write(tmp_path / "f.arrow", pa.table({"c": pa.nulls(1, have)}))
    with pytest.raises(ConfigError, match=r"'c' is .*\n?.*cannot be sent"):
        copy_arrow(connection, "t", path, ["c"])


def test_a_column_that_is_missing_on_either_side_is_named(connection: Connection, tmp_path: Path) -> None:
    create(connection, {"c": "bigint"})
    path = write(tmp_path / "f.arrow", pa.table({"d": [1]}))
    for column, side in (("c", "the prepared file"), ("d", "the table t")):
        with pytest.raises(ConfigError, match=f"{side} has no column '{column}'"):
            copy_arrow(connection, "t", path, [column])


def test_what_the_server_refuses_is_explained(connection: Connection, tmp_path: Path) -> None:
    create(connection, {"c": "bigint not null"})
    path = write(tmp_path / "f.arrow", pa.table({"c": pa.array([1, None])}))
    with pytest.raises(ReleaseRefused, match=r"COPY of f\.arrow into t.*null value in column"):
        copy_arrow(connection, "t", path, ["c"])


def test_a_lost_connection_is_transient(
    connection: Connection, postgres_database: str, tmp_path: Path
) -> None:
    """The server ends the session in the middle of a COPY, when the file asks for its second batch."""
    create(connection, {"c": "bigint"})
    connection.commit()
    path = write(tmp_path / "f.arrow", pa.table({"c": range(2_000_000)}), 100_000)
    with connection.cursor() as cursor:
        cursor.execute(
            "create function cut() returns trigger language plpgsql as"
            " $$ begin perform pg_terminate_backend(pg_backend_pid()); return new; end $$"
        )
        cursor.execute(
            "create trigger cut before insert on t for each row when (new.c = 1000) execute function cut()"
        )
    connection.commit()
    with pytest.raises(TransientError):
        copy_arrow(connection, "t", path, ["c"])
    with psycopg2.connect(postgres_database) as another, another.cursor() as cursor:
        cursor.execute("select count(*) from t")
        assert cursor.fetchone() == (0,)


def test_a_damaged_file_is_named_not_its_echo_from_the_server(connection: Connection, tmp_path: Path) -> None:
    create(connection, {"c": "uuid"})
    path = write(tmp_path / "f.arrow", pa.table({"c": ["not a uuid"]}))
    with pytest.raises(ValueError, match="badly formed"):
        copy_arrow(connection, "t", path, ["c"])
