"""Connections to the warehouse wait for their next use, and are then as if they were new."""

from __future__ import annotations

import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from threading import Barrier
from time import sleep

import psycopg2
import pytest
from psycopg2.extensions import connection as Connection

from etl.errors import ReleaseRefused, TransientError
from etl.settings import Settings
from etl.warehouse.postgresql import connection as connections
from etl.warehouse.postgresql.connection import close_idle_connections, connect


@pytest.fixture(autouse=True)
def _none_waits() -> Iterator[None]:
    close_idle_connections()
    yield
    close_idle_connections()


def backend(connection: Connection) -> int:
    """The server's process behind a connection."""
    return int(connection.info.backend_pid)


def shown(connection: Connection, name: str) -> str:
    """A setting of the session."""
    with connection.cursor() as cursor:
        cursor.execute(f"show {name}")
        row = cursor.fetchone()
    assert row is not None
    return str(row[0])


def test_the_next_block_gets_the_same_session(postgres_url: str, settings: Settings) -> None:
    with connect(postgres_url, settings) as first:
        number = backend(first)
    with connect(postgres_url, settings) as second:
        assert backend(second) == number


def test_nothing_of_the_block_before_is_left(postgres_url: str, settings: Settings) -> None:
    with connect(postgres_url, settings) as first:
        first.set_session(isolation_level="REPEATABLE READ", readonly=True)
        with first.cursor() as cursor:
            cursor.execute("set search_path = pg_catalog; set timezone = 'Asia/Tokyo'; set work_mem = '1MB'")
    with connect(postgres_url, settings, autocommit=True) as second:
        assert shown(second, "search_path") == '"$user", public'
        assert shown(second, "transaction_isolation") == "read committed"
        assert shown(second, "transaction_read_only") == "off"
        # Those with which the project opens its sessions, and not the server's own.
        assert shown(second, "timezone") == "UTC"
        assert shown(second, "statement_timeout") == "1h"
    with connect(postgres_url, settings) as third:
        assert not third.autocommit


def test_a_block_that_fails_leaves_no_session(postgres_url: str, settings: Settings) -> None:
    with pytest.raises(ReleaseRefused), connect(postgres_url, settings) as first:
        number = backend(first)
        with first.cursor() as cursor:
            cursor.execute("create table left_behind (id int)")
            cursor.execute("select from where")
    with connect(postgres_url, settings) as second, second.cursor() as cursor:
        assert backend(second) != number
        cursor.execute("select to_regclass('left_behind')")
        assert cursor.fetchone() == (None,)


def test_a_process_that_is_forked_leaves_its_parents_sessions_alone(
    postgres_url: str, settings: Settings
) -> None:
    with connect(postgres_url, settings) as first:
        number = backend(first)
    child = os.fork()
    if not child:
        failed = 1
        try:
            with connect(postgres_url, settings) as own:
                failed = int(backend(own) == number)
            close_idle_connections()
        finally:
            os._exit(failed)
    assert os.waitpid(child, 0)[1] == 0
    with connect(postgres_url, settings) as second:
        assert backend(second) == number


def test_a_session_that_the_server_ended_is_replaced(postgres_url: str, settings: Settings) -> None:
    with connect(postgres_url, settings) as first:
        number = backend(first)
    with psycopg2.connect(postgres_url) as other, other.cursor() as cursor:
        cursor.execute("select pg_terminate_backend(%s, 5000)", (number,))
    with connect(postgres_url, settings) as second:
        assert backend(second) != number
        assert shown(second, "timezone") == "UTC"


def test_one_that_is_lost_in_its_block_is_a_passing_failure(postgres_url: str, settings: Settings) -> None:
    with pytest.raises(TransientError), connect(postgres_url, settings) as first, first.cursor() as cursor:
        cursor.execute("select pg_terminate_backend(pg_backend_pid())")


def test_other_databases_and_settings_have_sessions_of_their_own(
    postgres_url: str, postgres_database: str, settings: Settings
) -> None:
    patient = settings.model_copy(update={"lock_timeout_seconds": 99})
    with connect(postgres_url, settings) as first:
        number = backend(first)
    with connect(postgres_database, settings) as second, connect(postgres_url, patient) as third:
        assert number not in (backend(second), backend(third))
        assert shown(third, "lock_timeout") == "99s"


def test_threads_share_none_and_few_wait(postgres_url: str, settings: Settings) -> None:
    side_by_side = 2 * connections.MOST_IDLE
    all_open = Barrier(side_by_side)

    def work(_: int) -> int:
        with connect(postgres_url, settings) as connection:
            all_open.wait(30)
            return backend(connection)

    with ThreadPoolExecutor(side_by_side) as pool:
        used = list(pool.map(work, range(side_by_side)))

    assert len(set(used)) == side_by_side
    assert _left(postgres_url, used, connections.MOST_IDLE) == connections.MOST_IDLE


def _left(url: str, backends: list[int], wanted: int) -> int:
    """How many of these sessions the server has, which takes a moment to end one."""
    with closing(psycopg2.connect(url)) as other, other.cursor() as cursor:
        other.autocommit = True
        for _ in range(100):
            cursor.execute("select count(*) from pg_stat_activity where pid = any(%s)", (backends,))
            (left,) = cursor.fetchone() or (0,)
            if left <= wanted:
                break
            sleep(0.1)
    return int(left)
