"""Locks by name between sessions: alone or shared, in order, and gone with their sessions."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, suppress

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from mysql.connector import Error as DriverError

from etl.errors import TransientError
from etl.warehouse.mysql.database import MySQL
from etl.warehouse.mysql.locks import SLOTS
from etl.warehouse.mysql.session import MySQLSession
from tests.conftest import on_mysql
from tests.warehouse.mysql.conftest import SETTINGS

LONG = "storehouse:table:" + "ä" * 300


class Sessions:
    """Sessions of their own, each with a thread in which it waits."""

    def __init__(self, database: MySQL, stack: ExitStack) -> None:
        self._database, self._stack = database, stack
        self.opened: list[MySQLSession] = []
        self._closing: list[ExitStack] = []
        self._pool = stack.enter_context(ThreadPoolExecutor(16))

    def open(self) -> MySQLSession:
        closing = self._stack.enter_context(ExitStack())
        session = closing.enter_context(self._database.own_session())
        self.opened.append(session)
        self._closing.append(closing)
        return session

    def close(self, session: MySQLSession) -> None:
        self._closing[self.opened.index(session)].close()

    def wait(
        self, session: MySQLSession, *, shared: bool, name: str = LONG, seconds: float = 10
    ) -> Future[bool]:
        """Begin to wait; returns when the session stands in the queue, or has the lock."""
        started = threading.Event()

        def ask() -> bool:
            started.set()
            return session.lock(name, shared=shared, seconds=seconds)

        waiting = self._pool.submit(ask)
        started.wait()
        time.sleep(0.15)
        return waiting


@pytest.fixture
def sessions(database: MySQL) -> Iterator[Sessions]:
    with ExitStack() as stack:
        yield Sessions(database, stack)


def test_alone_or_shared_but_not_both(sessions: Sessions) -> None:
    one, two, three = sessions.open(), sessions.open(), sessions.open()
    assert one.lock(LONG, shared=True, seconds=0)
    assert two.lock(LONG, shared=True, seconds=0)
    assert not three.lock(LONG, shared=False, seconds=0)
    assert three.lock(LONG + "!", shared=False, seconds=0)
    sessions.close(one)
    assert not three.lock(LONG, shared=False, seconds=0)
    sessions.close(two)
    assert three.lock(LONG, shared=False, seconds=1)
    four = sessions.open()
    assert not four.lock(LONG, shared=True, seconds=0)
    assert not four.lock(LONG, shared=False, seconds=0.3)
    # What a session has it may take again, and alone after shared.
    assert three.lock(LONG, shared=False, seconds=0)
    sessions.close(three)
    assert four.lock(LONG, shared=True, seconds=1)
    assert four.lock(LONG, shared=False, seconds=0)


def test_who_waits_to_be_alone_comes_before_sharers_that_come_later(sessions: Sessions) -> None:
    first, alone, later = sessions.open(), sessions.open(), sessions.open()
    assert first.lock(LONG, shared=True, seconds=0)
    waiting = sessions.wait(alone, shared=False)
    behind = sessions.wait(later, shared=True)
    assert not behind.done()
    sessions.close(first)
    assert waiting.result(5)
    assert not behind.done()
    sessions.close(alone)
    assert behind.result(5)


def test_many_short_waits_are_one_long_one(sessions: Sessions) -> None:
    """A run asks again and again, so that a signal is seen; sharers that come between are behind it."""
    first, alone, later = sessions.open(), sessions.open(), sessions.open()
    assert first.lock(LONG, shared=True, seconds=0)
    assert not alone.lock(LONG, shared=False, seconds=0.1)
    assert not later.lock(LONG, shared=True, seconds=0.2)
    sessions.close(first)
    assert alone.lock(LONG, shared=False, seconds=1)
    # Who gave up has left when its session ends.
    sessions.close(alone)
    assert later.lock(LONG, shared=True, seconds=1)


def test_a_look_without_a_wait_keeps_nobody_out(sessions: Sessions) -> None:
    first, looking, later = sessions.open(), sessions.open(), sessions.open()
    assert first.lock(LONG, shared=True, seconds=0)
    assert not looking.lock(LONG, shared=False, seconds=0)
    assert later.lock(LONG, shared=True, seconds=0)


def test_sharers_beyond_the_slots_wait_for_one(sessions: Sessions) -> None:
    sharers = [sessions.open() for _ in range(SLOTS)]
    assert all(session.lock(LONG, shared=True, seconds=0) for session in sharers)
    late = sessions.open()
    assert not late.lock(LONG, shared=True, seconds=0.1)
    waiting = sessions.wait(late, shared=True)
    sessions.close(sharers[3])
    assert waiting.result(9)


def test_a_killed_session_leaves_no_lock(sessions: Sessions, mysql_server: str) -> None:
    killed, next_one = sessions.open(), sessions.open()
    assert killed.lock(LONG, shared=False, seconds=0)
    on_mysql(mysql_server, f"kill {killed.connection.connection_id}")
    assert next_one.lock(LONG, shared=False, seconds=5)
    with suppress(DriverError):
        killed.execute("select 1")


class Undone(Exception):
    """Ends a transaction badly."""


def test_a_held_lock_ends_with_the_transaction(database: MySQL) -> None:
    with database.session() as one:
        one.hold(LONG)
        one.hold(LONG)
        assert one.try_hold("other")
        with suppress(Undone), database.session() as two:
            assert not two.try_hold(LONG)
            assert not two.try_hold("other")
            one.commit()
            assert two.try_hold(LONG)
            raise Undone
        assert one.try_hold(LONG)
    with database.session() as three:
        assert three.try_hold(LONG)
        assert three.try_hold("other")


def test_one_that_is_held_for_too_long_is_transient(mysql_server: str) -> None:
    hasty = MySQL(mysql_server, SETTINGS.model_copy(update={"lock_timeout_seconds": 1}))
    with hasty.session() as one:
        one.hold(LONG)
        with pytest.raises(TransientError, match="patience"), hasty.session() as two:
            two.hold(LONG)
    hasty.forget_idle()


def test_what_a_transaction_holds_and_what_a_session_locks_are_the_same(
    database: MySQL, sessions: Sessions
) -> None:
    sharer, alone = sessions.open(), sessions.open()
    assert sharer.lock(LONG, shared=True, seconds=0)
    with database.session() as session:
        assert not session.try_hold(LONG)
        sessions.close(sharer)
        session.hold(LONG)
        assert not alone.lock(LONG, shared=True, seconds=0)
        assert not alone.lock(LONG, shared=False, seconds=0)
    assert alone.lock(LONG, shared=False, seconds=1)


def test_warehouses_of_one_server_do_not_meet(database: MySQL, mysql_server: str) -> None:
    other = MySQL(mysql_server, SETTINGS)
    with database.session() as one, other.session() as two:
        assert one.try_hold(LONG)
        assert two.try_hold(LONG)
    other.forget_idle()


def test_who_waits_in_a_statement_is_not_what_another_waits_for(database: MySQL) -> None:
    """Counters moved by many sessions, each under the lock: none is lost."""
    with database.session(autocommit=True) as session:
        session.execute("create table warehouse.t (n bigint)")
        session.insert("warehouse.t", ["n"], [[0]])

    def add() -> None:
        for _ in range(10):
            with database.session() as session:
                session.hold("counter")
                seen = session.single("select n from warehouse.t")
                session.execute("update warehouse.t set n = %s", (seen + 1,))

    threads = [threading.Thread(target=add) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with database.session() as session:
        assert session.single("select n from warehouse.t") == 40


@settings(deadline=None, max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    steps=st.lists(
        st.tuples(st.integers(0, 3), st.sampled_from(["shared", "alone", "close"]), st.sampled_from("ab")),
        max_size=14,
    )
)
def test_what_is_granted_is_what_a_book_of_holders_would_grant(
    database: MySQL, steps: list[tuple[int, str, str]]
) -> None:
    held: dict[tuple[int, str], set[str]] = {}
    with ExitStack() as stack:
        sessions = Sessions(database, stack)
        current = [sessions.open() for _ in range(4)]
        for number, step, name in steps:
            if step == "close":
                sessions.close(current[number])
                current[number] = sessions.open()
                held = {key: kinds for key, kinds in held.items() if key[0] != number}
                # The server may need a moment.
                time.sleep(0.02)
                continue
            others = [
                kind
                for (who, what), kinds in held.items()
                if who != number and what == name
                for kind in kinds
            ]
            expected = "alone" not in others and (step == "shared" or not others)
            assert current[number].lock(name, shared=step == "shared", seconds=0) == expected
            if expected:
                held.setdefault((number, name), set()).add(step)
