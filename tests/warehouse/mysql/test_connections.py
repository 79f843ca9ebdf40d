"""Connections: their settings, those that wait, those that are lost, and transactions."""

from __future__ import annotations

import multiprocessing
import os
import signal
import socket
import time
import traceback
from collections.abc import Callable
from datetime import UTC, datetime
from typing import cast
from urllib.parse import quote, urlsplit, urlunsplit

import pytest
from mysql.connector.connection import MySQLConnection

from etl.catalog_files import load_catalog
from etl.errors import ConfigError, ReleaseRefused, TransientError
from etl.settings import Settings
from etl.warehouse.migrations import migrate
from etl.warehouse.mysql.connection import SQL_MODE, is_mariadb
from etl.warehouse.mysql.database import MySQL
from tests.conftest import fresh_mysql_warehouse, on_mysql
from tests.warehouse.mysql.conftest import SETTINGS

# What a server may say that would cut answers, hide warnings or make tables without transactions.
ODD = {
    "sql_mode": "'ANSI'",
    "time_zone": "'+05:00'",
    "sql_select_limit": "2",
    "max_error_count": "0",
    "sql_safe_updates": "1",
    "default_storage_engine": "MyISAM",
}


def with_parts(url: str, **parts: str) -> str:
    return urlunsplit(urlsplit(url)._replace(**parts))


def test_every_session_is_alike_whatever_the_server_or_the_block_before_has_set(
    database: MySQL, mysql_server: str
) -> None:
    with database.session() as session:
        is_maria = is_mariadb(session.connection)
    isolation = "tx_isolation" if is_maria else "transaction_isolation"
    # MariaDB does not keep what it says of tables.
    expiry = "0" if is_maria else "@@information_schema_stats_expiry"
    question = (
        "select @@sql_mode, @@time_zone, @@collation_connection, @@innodb_lock_wait_timeout, @@autocommit,"
        f" @@{isolation}, @@sql_notes, {expiry}, @own, is_used_lock('own'), @@max_error_count,"
        " @@sql_safe_updates, @@default_storage_engine, @@sql_select_limit > 1000000000"
    )
    on_mysql(mysql_server, f"set {', '.join(f'global {name} = {value}' for name, value in ODD.items())}")
    try:
        with database.session() as session:
            session.execute(question)
            first = session.fetchone()
            session.execute(
                "set session sql_mode = '', time_zone = '-05:00', innodb_lock_wait_timeout = 1,"
                " autocommit = 1, sql_notes = 1, @own = 1; set names latin1;"
                " set session transaction isolation level serializable;"
                " create temporary table audit.own (a bigint); select get_lock('own', 0)"
            )
            number = session.connection.connection_id
        with database.session() as session:
            assert session.connection.connection_id == number
            session.execute(question)
            assert session.fetchone() == first
            with pytest.raises(database.errors, match="own"):
                session.execute("select * from audit.own")
    finally:
        on_mysql(mysql_server, f"set {', '.join(f'global {name} = default' for name in ODD)}")
    assert first is not None
    assert set(SQL_MODE.split(",")) <= set(first[0].split(","))
    assert "NO_BACKSLASH_ESCAPES" not in first[0]
    assert first[1:] == (
        "+00:00",
        database.collation,
        5,
        0,
        "READ-COMMITTED",
        0,
        0,
        None,
        None,
        65_535,
        0,
        "InnoDB",
        1,
    )


def test_sessions_that_ended_well_wait_for_the_next_block(database: MySQL) -> None:
    with database.session() as session:
        number = session.single("select connection_id()")
    with database.session(autocommit=True) as session:
        assert session.single("select connection_id()") == number
        assert session.single("select @@autocommit") == 1
        with database.session() as another:
            assert another.single("select connection_id()") != number
    with pytest.raises(ZeroDivisionError), database.session() as session:
        failed = session.single("select connection_id()")
        raise ZeroDivisionError
    with database.session() as session:
        assert session.single("select connection_id()") != failed
    database.forget_idle()
    with database.session() as session:
        assert session.single("select connection_id()") not in (number, failed)


def test_one_that_the_server_has_ended_meanwhile_is_replaced(database: MySQL, mysql_server: str) -> None:
    with database.session() as session:
        number = session.single("select connection_id()")
    on_mysql(mysql_server, f"kill {number}")
    with database.session() as session:
        assert session.single("select connection_id()") != number


def test_a_forked_process_leaves_the_connections_of_its_parent_alone(database: MySQL) -> None:
    with database.session() as waiting:
        number = waiting.single("select connection_id()")
    with database.own_session() as closed:
        pass
    with database.own_session() as session:
        assert session.lock("held", shared=False, seconds=1)
        assert _in_child(lambda: str(_number_in(database) != number)) == "True"

        def ends_like_a_program_and_frees_all_that_it_has() -> str:
            nonlocal session, closed
            database.forget_idle()
            del session, closed
            return "freed"

        assert _in_child(ends_like_a_program_and_frees_all_that_it_has) == "freed"
        assert session.single("select 1") == 1
        with database.own_session() as another:
            assert not another.lock("held", shared=False, seconds=0)
    assert _number_in(database) == number


def _number_in(database: MySQL) -> int:
    with database.session() as session:
        return int(session.single("select connection_id()"))


def _in_child(act: Callable[[], str]) -> str:
    """What it gives in a forked process, or the error; nothing of this process ends there."""
    reading, writing = os.pipe()
    if (child := os.fork()) == 0:
        try:
            answer = act()
        except BaseException:
            answer = traceback.format_exc()
        os.write(writing, answer.encode())
        os._exit(0)
    os.close(writing)
    with os.fdopen(reading) as answers:
        found = answers.read()
    assert os.waitpid(child, 0)[1] == 0
    return found


def test_what_a_block_did_is_undone_when_it_ends_in_an_error(database: MySQL) -> None:
    with database.session(autocommit=True) as session:
        session.execute("create table warehouse.t (a bigint)")
    with pytest.raises(ZeroDivisionError), database.session() as session:
        session.insert("warehouse.t", ["a"], [[1]])
        session.hold("lock")
        raise ZeroDivisionError
    with database.session() as session:
        assert not session.has_rows("warehouse", "t")
        assert session.try_hold("lock")


def test_the_usual_session_sees_what_was_committed_and_a_snapshot_does_not(database: MySQL) -> None:
    with database.session(autocommit=True) as session:
        session.execute("create table warehouse.t (a bigint)")
    with (
        database.session() as usual,
        database.session(isolation="snapshot") as snapshot,
        database.session(isolation="read only") as reading,
    ):
        assert not usual.has_rows("warehouse", "t")
        with database.session() as writer:
            writer.insert("warehouse.t", ["a"], [[1]])
        assert usual.has_rows("warehouse", "t")
        assert not snapshot.has_rows("warehouse", "t")
        assert not reading.has_rows("warehouse", "t")
        snapshot.insert("warehouse.t", ["a"], [[2]])
        with pytest.raises(database.errors, match="READ ONLY"):
            reading.insert("warehouse.t", ["a"], [[3]])
    with database.session() as session:
        assert session.single("select sum(a) from warehouse.t") == 3


def test_a_connection_lost_in_a_block_is_transient(database: MySQL, mysql_server: str) -> None:
    with pytest.raises(TransientError), database.session() as session:
        on_mysql(mysql_server, f"kill {session.single('select connection_id()')}")
        session.execute("select 1")
    with pytest.raises(TransientError), database.session() as session:
        on_mysql(mysql_server, f"kill {session.single('select connection_id()')}")


class Signalled(BaseException):
    """What a signal raises."""


def test_a_signal_ends_a_statement_with_its_locks_at_once(database: MySQL) -> None:
    def interrupt(*_: object) -> None:
        raise Signalled

    before = signal.signal(signal.SIGALRM, interrupt)
    began = time.monotonic()
    try:
        with pytest.raises(Signalled), database.session() as session:
            session.hold("lock")
            signal.setitimer(signal.ITIMER_REAL, 0.3)
            session.execute("select sleep(60)")
    finally:
        signal.signal(signal.SIGALRM, before)
    with database.session() as session:
        assert session.single("select 1") == 1
        session.hold("lock")
    assert time.monotonic() - began < 10


def test_an_error_beside_a_long_answer_does_not_wait_for_its_end(database: MySQL) -> None:
    began = time.monotonic()
    with pytest.raises(ZeroDivisionError), database.session() as session:
        numbers = (
            "with recursive n as (select 1 as i union all select i + 1 from n where i < 900)"
            " select a.i from n as a cross join n as b cross join n as c"
        )
        for _ in session.stream(numbers):
            raise ZeroDivisionError
    assert time.monotonic() - began < 20


def test_of_two_that_wait_for_each_other_one_is_transient(database: MySQL) -> None:
    """A deadlock, told at once by the server, and never one of two that could go on."""
    with database.session(autocommit=True) as session:
        session.execute("create table warehouse.t (a bigint primary key, b bigint)")
        session.insert("warehouse.t", ["a", "b"], [[1, 0], [2, 0]])
    with pytest.raises(TransientError, match=r"[Dd]eadlock"), database.session() as first:
        first.execute("update warehouse.t set b = 1 where a = 1")
        forked = multiprocessing.get_context("fork").Process(target=_lock_in_reverse, args=(database,))
        forked.start()
        try:
            # What it waits for is told in another table by each server.
            time.sleep(1.5)
            first.execute("update warehouse.t set b = 1 where a = 2")
        finally:
            forked.kill()
            forked.join()


def _lock_in_reverse(database: MySQL) -> None:
    with database.session() as second:
        # With more changes than the other, so that this one is not chosen to be undone.
        second.execute("update warehouse.t set b = b + 1 where a = 2")
        second.insert("warehouse.t", ["a", "b"], [[n, n] for n in range(10, 200)])
        second.execute("update warehouse.t set b = b + 1 where a = 1")


def test_wrong_accounts_servers_and_urls_are_told_without_secrets(mysql_server: str) -> None:
    parts = urlsplit(mysql_server)
    host = f"{parts.hostname}:{parts.port}"
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        nobody = f"127.0.0.1:{probe.getsockname()[1]}"
    cases = [
        (with_parts(mysql_server, netloc=f"tester:s3cret@{host}"), ConfigError, "refuses the account"),
        (with_parts(mysql_server, netloc=f"tester:s3cret@{nobody}"), TransientError, "cannot be reached"),
        (with_parts(mysql_server, query="ssl_mode=required"), ConfigError, "demands TLS"),
    ]
    for url, kind, message in cases:
        with pytest.raises(kind, match=message) as caught, MySQL(url, SETTINGS).session():
            pass
        assert "s3cret" not in repr(caught.value)
        assert caught.value.__cause__ is None
    for url, message in [
        (f"mysql://tester:s3cret@{host}:x/", "cannot be read"),
        (with_parts(mysql_server, query="nonsense=s3cret"), "not known: nonsense"),
        (with_parts(mysql_server, path="/staging_x"), "staging_"),
        (with_parts(mysql_server, path="/staging"), "staging_"),
        (with_parts(mysql_server, path=f"/{'d' * 24}"), "24 characters.*23 at most"),
    ]:
        with pytest.raises(ConfigError, match=message) as refused:
            MySQL(url, SETTINGS)
        assert "s3cret" not in repr(refused.value)


def test_names_begin_with_the_database_of_the_url(mysql_server: str) -> None:
    plain = MySQL(mysql_server, SETTINGS)
    named = MySQL(with_parts(mysql_server, path=f"/{quote('my `dw')}"), SETTINGS)
    assert (plain.prefix, plain.schema("audit")) == ("", "audit")
    assert (named.prefix, named.schema("audit")) == ("my `dw_", "my `dw_audit")
    with named.session(autocommit=True) as session:
        session.execute("create database audit; create table audit.t (a bigint)")
        try:
            assert session.schemas("") == {"audit"}
            assert session.exists("audit", "t")
            assert session.has_rows("audit", "t") is False
        finally:
            session.drop_schema("audit")
    named.forget_idle()


def test_databases_that_are_there_get_the_collation_of_keys(mysql_server: str, settings: Settings) -> None:
    """Law S11: ``a`` and ``A`` are two keys, whatever the databases were made with."""
    for url in fresh_mysql_warehouse(mysql_server):
        database = MySQL(url, settings)
        with database.session(autocommit=True) as session:
            for schema in ("audit", "history", "warehouse", "marts", "replica"):
                session.execute(f"create database {schema} character set latin1")
        migrate(database, load_catalog(settings.catalog_dir))
        with database.session() as session:
            collations = {
                session.single(
                    "select default_collation_name from information_schema.schemata where schema_name = %s",
                    (database.schema(schema),),
                )
                for schema in ("audit", "history", "warehouse", "marts", "replica")
            }
        assert collations == {database.collation}
        database.forget_idle()


def test_a_warning_that_the_server_does_not_show_is_an_error(database: MySQL) -> None:
    with pytest.raises(ReleaseRefused, match="shows 0 of them"), database.session() as session:
        session.execute("set session max_error_count = 0")
        session.execute("select 'abc' + 0")
        session.fetchall()


def test_an_engine_and_a_session_share_a_transaction(database: MySQL) -> None:
    engine = database.engine()
    with engine.begin() as connection:
        session = database.session_on(cast("MySQLConnection", connection.connection.driver_connection))
        session.execute("create table warehouse.t (at datetime(6))")
        session.insert("warehouse.t", ["at"], [[datetime(2026, 1, 1, tzinfo=UTC)]])
        schema = database.schema("warehouse")
        rows = connection.exec_driver_sql(f"select count(*) from `{schema}`.t").fetchall()
        assert [tuple(row) for row in rows] == [(1,)]
    engine.dispose()
    with database.session() as session:
        assert session.has_rows("warehouse", "t")
