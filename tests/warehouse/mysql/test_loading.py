"""Bulk loads of Arrow files: what arrives is what was in the file, for every type of the catalog."""

from __future__ import annotations

import logging
import math
import tempfile
import threading
import time as clock
from collections.abc import Iterator
from datetime import UTC, date, datetime, time
from decimal import Decimal, localcontext
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from etl.arrow_files import ArrowFileWriter
from etl.catalog_types import arrow_type
from etl.errors import ConfigError, ContractError, ReleaseRefused, StorehouseError, TransientError
from etl.warehouse.mysql.database import MySQL
from etl.warehouse.mysql.session import MySQLSession
from tests.conftest import on_mysql
from tests.servers import MySqlServer, temporary_folder
from tests.warehouse.mysql.conftest import SETTINGS

TEXTS = ["", "a\tb\r\n\\N'\"\\.", "\\N", "\\", "NULL", "é😀\u2028\x00\x01\x1a\x7f", " a ", "x" * 100_000]
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
        datetime(2026, 3, 29, 2, 30, tzinfo=UTC),
        datetime(9999, 12, 31, 23, 59, 59, 999999, UTC),
    ],
    "time": [time(0), time(0, 0, 0, 1), time(23, 59, 59, 999999)],
    "double": [0.1, -0.0, 5e-324, -1.7976931348623157e308, 1e16, 1 / 3],
    # as jsonb writes them, see documents.py
    "json": ['{"a": [1, "é", null], "b\\n": "\\\\N"}', "1", "[]"],
    "bytes": [b"", b"\x00\xff\\\t\n", bytes(range(256)), b"\\N"],
    "uuid": ["00000000-0000-0000-0000-00000000000a"],
}
LARGEST = Decimal("9" * 65)
METHODS = pytest.mark.parametrize("permits_local", [True, False], ids=["load data", "inserts"])


def write(path: Path, table: pa.Table, batch_rows: int = 1000) -> Path:
    with ArrowFileWriter(path, table.schema) as writer:
        for batch in table.to_batches(max_chunksize=batch_rows):
            writer.write(batch)
    return path


def copied(session: MySQLSession, folder: Path, column_type: str, values: list[Any]) -> list[Any]:
    table = pa.table(
        {"n": pa.array(range(len(values)), pa.int64()), "c": pa.array(values, arrow_type(column_type))}
    )
    path = write(folder / "f.arrow", table)
    name = session.database.temporary("copied")
    session.execute(
        f"drop temporary table if exists {name};"
        f" create temporary table {name} (n bigint, c {session.database.type_of(column_type)})"
    )
    assert session.load(name, path, ["n", "c"]) == len(values)
    session.execute(f"select c from {name} order by n")
    return [value for (value,) in session.fetchall()]


@METHODS
@pytest.mark.parametrize("column_type", VALUES)
def test_every_type_arrives_as_it_was(
    database: MySQL, tmp_path: Path, column_type: str, permits_local: bool
) -> None:
    database.permits_local = permits_local
    with database.session() as session:
        values = [*VALUES[column_type], None]
        assert copied(session, tmp_path, column_type, values) == values


@METHODS
def test_decimals_keep_all_their_digits(database: MySQL, tmp_path: Path, permits_local: bool) -> None:
    database.permits_local = permits_local
    with database.session() as session, localcontext() as context:
        context.prec = 76
        cases: dict[str, list[Decimal | None]] = {
            "decimal(65,0)": [LARGEST, -LARGEST, None],
            "decimal(65,30)": [LARGEST.scaleb(-30), Decimal("1e-30"), -Decimal("1e-30")],
            "decimal(38,18)": [Decimal("0.000000000000000001"), Decimal(0), Decimal("-12.5")],
        }
        for column_type, values in cases.items():
            assert copied(session, tmp_path, column_type, values) == values


@METHODS
def test_any_text_and_any_bytes_arrive(database: MySQL, permits_local: bool) -> None:
    database.permits_local = permits_local
    texts = st.lists(st.none() | st.text(st.characters(codec="utf-8")), min_size=1)
    everything = st.lists(st.none() | st.binary(), min_size=1)

    with database.session() as session:

        @settings(deadline=None, max_examples=60)
        @given(texts, everything)
        def round_trip(texts: list[str | None], blobs: list[bytes | None]) -> None:
            with tempfile.TemporaryDirectory() as folder:
                assert copied(session, Path(folder), "text", texts) == texts
                assert copied(session, Path(folder), "bytes", blobs) == blobs

        round_trip()


def test_any_number_and_any_instant_arrive(database: MySQL) -> None:
    doubles = st.floats(allow_nan=False, allow_infinity=False)
    instants = st.datetimes(timezones=st.just(UTC))
    decimals = st.decimals(-(10**19), 10**19, allow_nan=False, places=10)

    with database.session() as session:

        @settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.too_slow])
        @given(
            st.fixed_dictionaries(
                {
                    "double": st.lists(doubles, min_size=1),
                    "timestamp": st.lists(instants, min_size=1),
                    "time": st.lists(st.times(), min_size=1),
                    "decimal(30,10)": st.lists(decimals, min_size=1),
                }
            )
        )
        def round_trip(columns: dict[str, list[Any]]) -> None:
            with tempfile.TemporaryDirectory() as folder:
                for column_type, values in columns.items():
                    assert copied(session, Path(folder), column_type, values) == values

        round_trip()


def test_uuids_are_kept_in_lower_case_and_refused_where_they_are_none(
    database: MySQL, tmp_path: Path
) -> None:
    known = "0A1B2C3D-0000-4000-8000-ABCDEF012345"
    with database.session() as session:
        assert copied(session, tmp_path, "uuid", [known, None]) == [known.lower(), None]
    with (
        pytest.raises(ContractError, match=r"column 'c': 2 values are no UUIDs"),
        database.session() as session,
    ):
        copied(session, tmp_path, "uuid", [known, "x", known + "0"])


def test_numbers_that_the_server_lacks_are_counted(database: MySQL, tmp_path: Path) -> None:
    values = [0.5, math.nan, math.inf, None, -math.inf]
    with (
        pytest.raises(ContractError, match=r"column 'c': 3 values are infinite"),
        database.session() as session,
    ):
        copied(session, tmp_path, "double", values)


def test_columns_are_chosen_by_name_and_names_may_hold_anything(database: MySQL, tmp_path: Path) -> None:
    odd, name = "a`; drop table t; --é%s", "T `x`"
    with database.session() as session:
        table = session.identifier("warehouse", name)
        session.execute(f"create table {table} (n bigint, {session.identifier(odd)} longtext)")
        path = write(
            tmp_path / "f.arrow", pa.table({"unused": [1.5], odd: ["x"], "n": pa.array([7], pa.int16())})
        )
        assert session.load(table, path, ["n", odd]) == 1
        session.execute(f"select n, {session.identifier(odd)} from {table}")
        assert session.fetchall() == [(7, "x")]


def test_an_empty_file_loads_no_row(database: MySQL, tmp_path: Path) -> None:
    with database.session() as session:
        assert copied(session, tmp_path, "text", []) == []


def test_many_batches_arrive_in_order(database: MySQL, tmp_path: Path) -> None:
    texts = ["é" * 500] * 30_000
    with database.session() as session:
        path = write(tmp_path / "f.arrow", pa.table({"n": range(30_000), "text": texts}), 20_000)
        session.execute("create table warehouse.t (n bigint auto_increment primary key, text longtext)")
        assert session.load("warehouse.t", path, ["text"]) == 30_000
        session.execute("select count(*), sum(char_length(text)), max(n) from warehouse.t")
        assert session.fetchone() == (30_000, 15_000_000, 30_000)


@pytest.mark.parametrize(
    ("have", "want"),
    [
        (pa.int64(), "double"),
        (pa.int64(), "datetime(6)"),
        (pa.int64(), "int"),
        (pa.uint8(), "bigint"),
        (pa.float64(), "bigint"),
        (pa.float32(), "double"),
        (pa.string(), "longblob"),
        (pa.binary(), "longtext"),
        (pa.decimal128(10, 4), "decimal(10,2)"),
        (pa.timestamp("us", "UTC"), "datetime"),
        (pa.timestamp("us"), "datetime(6)"),
        (pa.timestamp("ms", "UTC"), "datetime(6)"),
        (pa.time64("ns"), "time(6)"),
        (pa.bool_(), "bigint"),
    ],
)
def test_types_that_the_server_would_change_are_refused(
    database: MySQL, tmp_path: Path, have: pa.DataType, want: str
) -> None:
    path = write(tmp_path / "f.arrow", pa.table({"c": pa.nulls(1, have)}))
    with pytest.raises(ConfigError, match=r"'c' is .*\n?.*cannot be sent"), database.session() as session:
        session.execute(f"create table warehouse.t (c {want})")
        session.load("warehouse.t", path, ["c"])


def test_a_column_that_is_missing_on_either_side_is_named(database: MySQL, tmp_path: Path) -> None:
    path = write(tmp_path / "f.arrow", pa.table({"d": [1]}))
    for column, side in (("c", "the prepared file"), ("d", "the table warehouse.t")):
        with (
            pytest.raises(ConfigError, match=f"{side} has no column '{column}'"),
            database.session() as session,
        ):
            session.execute("create table if not exists warehouse.t (c bigint)")
            session.load("warehouse.t", path, [column])


@METHODS
@pytest.mark.parametrize(
    ("table", "values", "refusal"),
    [
        ("c bigint primary key", [1, 2, 1], (ReleaseRefused, r"1062\): Duplicate entry for key")),
        ("c bigint not null", [1, None], (ReleaseRefused, "'c'")),
        ("c bigint, check (c < 5)", [1, 7], (ReleaseRefused, "(?i)constraint")),
        ("c decimal(5,2)", [Decimal("1.50"), Decimal("1234567.00")], (ContractError, "Out of range.*'c'")),
        (
            "c varchar(255)",
            ["x" * 255, "é" * 256, None],
            (ContractError, "'c': 1 values are longer than 255"),
        ),
        ("c varbinary(255)", [b"x" * 256], (ContractError, "'c': 1 values are longer than 255 bytes")),
        ("c json", ['{"secret": 1}', '{"secret"'], (ContractError, "(?i)'c'.*json|json.*`c`")),
        ("c json", ['{"secret": 1}', '{"secret": "\\ud800"}'], (ContractError, "'c' holds.*surrogate pair")),
        ("c json", ["[1e20000000]"], (ContractError, "'c' holds.*more than 131,072 digits")),
        ("c json", ["[" * 31 + "]" * 31], (ContractError, "'c' holds.*more than 30 levels")),
    ],
)
def test_what_does_not_fit_is_refused_and_nothing_of_it_stays(
    database: MySQL,
    tmp_path: Path,
    table: str,
    values: list[Any],
    refusal: tuple[type[StorehouseError], str],
    permits_local: bool,
) -> None:
    database.permits_local = permits_local
    with database.session(autocommit=True) as session:
        session.execute(f"create table warehouse.t (n bigint, {table})")
    path = write(tmp_path / "f.arrow", pa.table({"n": range(len(values)), "c": pa.array(values)}))
    for autocommit in (False, True):
        with (
            pytest.raises(refusal[0], match=refusal[1]) as caught,
            database.session(autocommit=autocommit) as session,
        ):
            session.load("warehouse.t", path, ["n", "c"])
        assert "secret" not in str(caught.value)
        with database.session() as session:
            assert not session.has_rows("warehouse", "t")


def test_a_fault_of_the_file_is_raised_and_nothing_of_it_stays(database: MySQL, tmp_path: Path) -> None:
    """The second batch cannot be sent when the first one is at the server already."""
    table = pa.table({"c": [0.5] * 400_000 + [math.nan]})
    path = write(tmp_path / "f.arrow", table, 100_000)
    with database.session(autocommit=True) as session:
        session.execute("create table warehouse.t (c double)")
        with pytest.raises(ContractError, match="1 values are infinite"):
            session.load("warehouse.t", path, ["c"])
        assert not session.has_rows("warehouse", "t")


def test_the_way_is_chosen_by_what_the_server_permits_and_told_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with temporary_folder() as folder:
        server = MySqlServer.start(folder, ["--local-infile=OFF"])
        database = MySQL(server.url, SETTINGS)
        with caplog.at_level(logging.INFO), database.session() as session:
            session.execute(f"create database audit collate {database.collation}")
            for values in ([1, 2], [3]):
                assert copied(session, tmp_path, "bigint", values) == values
        told = [r.message for r in caplog.records if r.name.startswith("etl.")]
        assert told == [
            "Bulk loads into MySQL go by inserts of many rows, which take several times as long:"
            " local_infile is off at the server."
        ]
        # Switched off behind the back of one that asked before.
        database.permits_local = True
        with caplog.at_level(logging.INFO), database.session() as session:
            assert copied(session, tmp_path, "bigint", [4]) == [4]
        assert "LOAD DATA LOCAL was refused" in caplog.records[-1].message
        assert database.permits_local is False
        database.forget_idle()
        server.stop()


@pytest.fixture
def folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Where temporary files of the load are."""
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    yield folder


def test_a_lost_connection_is_transient_and_leaves_nothing(
    database: MySQL, mysql_server: str, tmp_path: Path, folders: Path
) -> None:
    """The server ends the session in the middle of a load, while another waits that it is seen."""
    path = write(tmp_path / "f.arrow", pa.table({"c": range(300_000)}), 50_000)
    with database.session(autocommit=True) as session:
        session.execute("create table warehouse.t (c bigint)")
    killed = threading.Event()

    def kill() -> None:
        while not killed.is_set():
            for number, info in on_mysql(mysql_server, "select id, info from information_schema.processlist"):
                if info and info.startswith("load data"):
                    clock.sleep(0.1)
                    on_mysql(mysql_server, f"kill {number}")
                    return
            clock.sleep(0.02)

    thread = threading.Thread(target=kill)
    thread.start()
    try:
        with pytest.raises(TransientError), database.session() as session:
            session.load("warehouse.t", path, ["c"])
    finally:
        killed.set()
        thread.join()
    assert list(folders.iterdir()) == []
    assert "load-data" not in {t.name for t in threading.enumerate()}
    with database.session() as session:
        assert not session.has_rows("warehouse", "t")


def test_a_load_that_the_server_refuses_before_it_reads_leaves_nothing(
    database: MySQL, tmp_path: Path, folders: Path
) -> None:
    path = write(tmp_path / "f.arrow", pa.table({"c": range(1000)}))
    with pytest.raises(ReleaseRefused), database.session() as session:
        session.execute("create table warehouse.t (c bigint, d bigint generated always as (c) stored)")
        session.execute("create view warehouse.v as select c + 1 as c from warehouse.t")
        session.load("warehouse.v", path, ["c"])
    assert list(folders.iterdir()) == []
    assert "load-data" not in {t.name for t in threading.enumerate()}


def test_memory_stays_small(database: MySQL, tmp_path: Path) -> None:
    batch = pa.record_batch({"c": pa.array(["x" * 1000] * 60_000)})
    path = tmp_path / "f.arrow"
    with ArrowFileWriter(path, batch.schema) as writer:
        for _ in range(4):
            writer.write(batch)
    with database.session() as session:
        session.execute("create table warehouse.t (c longtext)")
        session.load("warehouse.t", write(tmp_path / "s.arrow", pa.table({"c": ["x"]})), ["c"])
        before = pa.total_allocated_bytes()
        highest = pa.default_memory_pool().max_memory()
        assert session.load("warehouse.t", path, ["c"]) == 240_000
        grown = pa.default_memory_pool().max_memory() - max(before, highest)
    # One batch as it was read, and a few pieces.
    assert grown < 2 * batch.nbytes
