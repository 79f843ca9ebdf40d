"""Nothing is lost to open transactions, and readers agree (laws X1, X2, X4)."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from etl.embedded import EmbeddedServer
from etl.errors import ConfigError, TransientError
from etl.handles import Extract, Snapshot
from etl.sources import Source
from etl.sources.known_tables import Described, KnownTables
from etl.windows import Window
from tests.servers import temporary_folder
from tests.sources.shops import Shop, column, declare

MOVED = {"id": "integer", "moved": "timestamp"}
NOW = {"postgresql": "now()", "mysql": "now(6)"}


@pytest.fixture
def moving(shop: Shop) -> Shop:
    """A table whose cursor is set by the server's clock."""
    kind = "timestamptz" if shop.kind == "postgresql" else "timestamp(6)"
    shop.run(f"create table things (id int primary key, moved {kind} not null)")
    shop.run(f"insert into things values (1, {NOW[shop.kind]})")
    # Stands in for what passes between a commit and the next run.
    time.sleep(1.2)
    return shop


@contextmanager
def _open_writer(shop: Shop) -> Iterator[Any]:
    connection = shop.connect()
    connection.autocommit = False
    with connection.cursor() as cursor:
        yield cursor
    connection.commit()


def _window(shop: Shop, low: str | None) -> tuple[list[int], str]:
    """One run: the rows of [low, safe high), and that bound."""
    source, table = shop.source(), declare(MOVED, cursor="moved")
    with source.snapshot([table]) as snapshot:
        high = snapshot.safe_highs["shop.things"]
        assert high is not None
        extract = Extract("shop.things", Window(low, high))
        return sorted(column(source.read(table, extract, snapshot).read_all(), "id")), high


def test_a_row_committed_late_is_in_the_next_window(moving: Shop) -> None:
    with _open_writer(moving) as writer:
        writer.execute(f"insert into things values (2, {NOW[moving.kind]})")
        time.sleep(1.2)
        moving.run(f"insert into things values (3, {NOW[moving.kind]})")
        time.sleep(1.2)
        first, high = _window(moving, None)
        assert first == [1]
    time.sleep(1.2)
    second, _ = _window(moving, high)
    assert second == [2, 3]


def test_a_transaction_that_has_written_nothing_yet_holds_the_bound_in_postgresql(
    postgresql_shop: Shop,
) -> None:
    """Its rows will bear its start, which PostgreSQL's now() is."""
    postgresql_shop.run("create table things (id int primary key, moved timestamptz not null)")
    with _open_writer(postgresql_shop) as writer:
        writer.execute("select 1")
        time.sleep(0.3)
        first, high = _window(postgresql_shop, None)
        writer.execute("insert into things values (2, now())")
    second, _ = _window(postgresql_shop, high)
    assert (first, second) == ([], [2])


def test_a_prepared_transaction_holds_the_bound(tmp_path: Path) -> None:
    with temporary_folder() as folder:
        server = EmbeddedServer(folder / "postgresql", (("max_prepared_transactions", "4"), ("fsync", "off")))
        server.start()
        try:
            shop = Shop("postgresql", server.url("postgres"), tmp_path)
            shop.run("create table things (id int primary key, moved timestamptz not null)")
            shop.run("begin", "insert into things values (2, now())", "prepare transaction 'late'")
            first, high = _window(shop, None)
            shop.run("commit prepared 'late'")
            assert (first, _window(shop, high)[0]) == ([], [2])
            shop.close()
        finally:
            server.stop()


def test_a_statement_that_waits_holds_the_bound_in_mysql(mysql_shop: Shop) -> None:
    """Its now() is its start, long before InnoDB knows of a transaction."""
    mysql_shop.run("create table things (id int primary key, moved timestamp(6) not null)")
    writer = threading.Thread(
        target=mysql_shop.run, args=("insert into things select 2, now(6) from (select sleep(3)) as waited",)
    )
    writer.start()
    time.sleep(1.5)
    first, high = _window(mysql_shop, None)
    writer.join()
    time.sleep(1.2)
    assert (first, _window(mysql_shop, high)[0]) == ([], [2])


def test_readers_of_one_snapshot_agree_while_a_writer_changes_all(postgresql_shop: Shop) -> None:
    postgresql_shop.run("create table things (id int primary key, moved timestamp not null)")
    postgresql_shop.run(
        "insert into things select n, '2024-01-01' from generate_series(1, 5000) as n", "analyze things"
    )
    source, table = postgresql_shop.source(partition_rows=700), declare(MOVED, cursor="moved")
    stop = threading.Event()

    def change() -> None:
        at = 0
        while not stop.is_set():
            at += 1
            postgresql_shop.run(
                f"update things set id = -id, moved = moved + interval '{at} seconds'",
                f"insert into things values ({10_000 + at}, '2024-01-01')",
            )

    writer = threading.Thread(target=change)
    with source.snapshot([table]) as snapshot:
        parts = source.plan_extracts(table, Extract("shop.things", Window()), snapshot)
        writer.start()
        found: list[pa.Table] = []
        readers = [
            threading.Thread(target=lambda p=part: found.append(source.read(table, p, snapshot).read_all()))
            for part in parts
        ]
        for reader in readers:
            reader.start()
        for reader in readers:
            reader.join()
    stop.set()
    writer.join()
    assert len(parts) > 4
    everything = pa.concat_tables(found)
    assert sorted(column(everything, "id")) == list(range(1, 5001))
    assert set(column(everything, "_cursor")) == {"2024-01-01 00:00:00.000000"}


def test_a_snapshot_that_has_ended_can_be_tried_again(postgresql_shop: Shop) -> None:
    postgresql_shop.run("create table things (id int)")
    source, table = postgresql_shop.source(), declare({"id": "integer"})
    with source.snapshot([table]) as snapshot:
        pass
    with pytest.raises(TransientError, match="snapshot"):
        source.read(table, Extract("shop.things", Window()), snapshot)


def test_reading_by_a_number_waits_for_those_who_may_hold_lower_ones(shop: Shop) -> None:
    serial = "bigserial" if shop.kind == "postgresql" else "bigint auto_increment"
    shop.run(
        f"create table things (id {serial} primary key, note text)",
        "insert into things (note) values ('first')",
    )
    table = declare({"id": "bigint", "note": "text"}, cursor="id", cursor_kind="integer")
    connection = shop.connect()
    connection.autocommit = False
    cursor = connection.cursor()
    cursor.execute("insert into things (note) values ('late')")
    shop.run("insert into things (note) values ('third')")
    impatient = shop.source(lock_timeout_seconds=1)
    with pytest.raises(TransientError, match="1 transactions stay open"), impatient.snapshot([table]):
        pass
    threading.Timer(1, connection.commit).start()
    source = shop.source(lock_timeout_seconds=20)
    with source.snapshot([table]) as snapshot:
        high = snapshot.safe_highs["shop.things"]
        found = source.read(table, Extract("shop.things", Window(None, high)), snapshot).read_all()
    assert high == "4"
    assert sorted(column(found, "note")) == ["first", "late", "third"]


def test_a_snapshot_that_ends_takes_nothing_from_one_that_opens(shop: Shop) -> None:
    """The days of a backfill open their snapshots side by side, of one source that they share."""
    shop.run(
        "create table things (id bigint primary key)",
        "create table others (id bigint primary key)",
        "insert into things values (1)",
        "insert into others values (5)",
    )
    numbered = [
        declare({"id": "bigint"}, cursor="id", cursor_kind="integer", name=name, table=name)
        for name in ("things", "others")
    ]
    source = shop.source(lock_timeout_seconds=30)
    highs: list[dict[str, str | None]] = []
    failures: list[Exception] = []

    def day() -> None:
        try:
            with source.snapshot(numbered) as snapshot:
                highs.append(snapshot.safe_highs)
        except Exception as error:  # handed to the test's own thread
            failures.append(error)

    with _open_writer(shop) as writer:
        writer.execute("insert into things values (2)")
        opening = threading.Thread(target=day)
        opening.start()
        time.sleep(1.5)
        assert opening.is_alive(), "it waits for the writer between its two tables"
        with source.snapshot([declare({"id": "bigint"})]):
            pass
    opening.join()
    assert (failures, highs) == ([], [{"shop.things": "2", "shop.others": "6"}])


def test_what_open_snapshots_know_is_forgotten_one_by_one() -> None:
    known = KnownTables()
    first: Described = ("first", {})
    second: Described = ("second", {})
    with known.during({"shop.things": first, "shop.others": first}):
        with known.during({"shop.things": second}):
            assert (known.get("shop.things"), known.get("shop.others")) == (second, first)
        assert known.get("shop.things") == first
    assert known.get("shop.things") is None


def test_the_bound_lies_on_the_grid_of_the_column(shop: Shop) -> None:
    """More rows of this second, or of this day, may come: none of them is read yet."""
    seconds, days = ("timestamp(0)", "date") if shop.kind == "postgresql" else ("datetime", "date")
    shop.run(
        f"create table things (id int, moved {seconds} not null)",
        f"create table days (id int, moved {days} not null)",
    )
    by_second = declare(MOVED, cursor="moved")
    by_day = declare({"id": "integer", "moved": "date"}, cursor="moved", name="days", table="days")
    query = declare(MOVED, cursor="moved", name="joined", query="select id, moved from things")
    with shop.source().snapshot([by_second, by_day, query]) as snapshot:
        highs = snapshot.safe_highs
    assert (highs["shop.things"] or "").endswith(".000000")
    assert (highs["shop.joined"] or "").endswith(".000000")
    assert (highs["shop.days"] or "").endswith(" 00:00:00.000000")
    assert highs["shop.days"] == snapshot.taken_at[:10] + " 00:00:00.000000"


def _restricted(shop: Shop, *grants: str) -> Source:
    """The source under an account that reads, and no more."""
    return Shop(shop.kind, shop.account(*grants), shop.state_dir).source()


def test_an_account_that_sees_no_transactions_needs_a_declared_lag(moving: Shop) -> None:
    source = _restricted(moving)
    with pytest.raises(ConfigError, match="lag_seconds"), source.snapshot([declare(MOVED, cursor="moved")]):
        pass
    lagging = declare(MOVED, cursor="moved", lag_seconds=3600)
    with source.snapshot([lagging, declare({"id": "integer"}, name="whole")]) as snapshot:
        high = snapshot.safe_highs["shop.things"]
        assert high is not None
        assert high < snapshot.taken_at
        assert source.read(lagging, Extract("shop.things", Window()), snapshot).read_all().num_rows == 1
    assert snapshot.safe_highs["shop.whole"] is None


def test_the_one_grant_that_it_needs_is_named(moving: Shop) -> None:
    grant = "grant pg_read_all_stats to {}" if moving.kind == "postgresql" else "grant process on *.* to {}"
    source = _restricted(moving, grant)
    with source.snapshot([declare(MOVED, cursor="moved")]) as snapshot:
        assert snapshot.safe_highs["shop.things"] is not None


def test_the_clock_is_the_sources_own(shop: Shop) -> None:
    """Taken in the zone of the system, whatever the zones of server, session and worker are."""
    shop.time_zone = "Asia/Kathmandu"
    with shop.source().snapshot([]) as snapshot:
        taken: Snapshot = snapshot
    sql = {
        "postgresql": "select to_char(now() at time zone 'Asia/Kathmandu', 'YYYY-MM-DD HH24:MI')",
        "mysql": "select date_format(utc_timestamp() + interval 345 minute, '%Y-%m-%d %H:%i')",
    }
    assert taken.taken_at[:15] == shop.run(sql[shop.kind])[0][0][:15]
