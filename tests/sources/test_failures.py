"""The right kind of error for each failure, and never a secret in one (laws P2, P5)."""

from __future__ import annotations

import os
import socket
import threading
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from etl.catalog import SourceSystem
from etl.errors import ConfigError, SourceError, StorehouseError, TransientError
from etl.handles import Extract
from etl.settings import Settings
from etl.sources import open_source
from etl.windows import Window
from tests.sources.shops import Shop, column, declare

SECRET = "Pa55!w0rd%&/:@"
QUOTED = "Pa55!w0rd%25%26%2F%3A%40"
TABLE = declare({"id": "integer"})


def _opened(url: str, state_dir: Path) -> Any:
    settings = Settings(_env_file=None, shop_url=url, state_dir=state_dir, connect_timeout_seconds=2)
    return open_source(SourceSystem(name="shop", description="x", url_setting="shop_url"), settings)


def _failure(url: str, state_dir: Path) -> StorehouseError:
    with pytest.raises(StorehouseError) as caught:
        _opened(url, state_dir).check_columns(TABLE)
    shown = "".join(traceback.format_exception(caught.value)) + repr(caught.value)
    assert SECRET not in shown
    assert QUOTED not in shown
    assert "What to do" in str(caught.value)
    return caught.value


def _closed_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.mark.parametrize(
    "scheme", ["mysql", "mariadb", "mysql+mysqlconnector", "postgresql", "postgres", "postgresql+psycopg2"]
)
def test_a_server_that_is_down(tmp_path: Path, scheme: str) -> None:
    failure = _failure(f"{scheme}://someone:{QUOTED}@127.0.0.1:{_closed_port()}/shop", tmp_path)
    assert isinstance(failure, TransientError)
    assert "'shop'" in failure.problem


def test_a_wrong_password(mysql_shop: Shop, tmp_path: Path) -> None:
    host = mysql_shop.url.rpartition("@")[2]
    failure = _failure(f"mysql://tester:{QUOTED}@{host}", tmp_path)
    assert isinstance(failure, SourceError)
    assert "Access denied" in failure.problem


def test_an_unknown_user_or_database(postgresql_shop: Shop, mysql_shop: Shop, tmp_path: Path) -> None:
    failures = [
        _failure(postgresql_shop.url.replace("postgres@", f"nobody_here:{QUOTED}@"), tmp_path),
        _failure(postgresql_shop.url.replace("/test_", "/no_test_"), tmp_path),
        _failure(mysql_shop.url.replace("/test_", "/no_test_"), tmp_path),
    ]
    assert [type(failure) for failure in failures] == [SourceError] * 3


def test_a_privilege_that_is_missing(postgresql_shop: Shop, tmp_path: Path) -> None:
    postgresql_shop.run(
        "create table things (id int)", f"create role reads_nothing login password '{SECRET}'"
    )
    try:
        source = _opened(postgresql_shop.url.replace("postgres@", f"reads_nothing:{QUOTED}@"), tmp_path)
        with (
            source.snapshot([]) as snapshot,
            pytest.raises(SourceError, match=r"shop\.things.*permission denied"),
        ):
            source.read(TABLE, Extract("shop.things", Window()), snapshot).read_all()
    finally:
        postgresql_shop.run("drop role reads_nothing")


def test_a_privilege_on_the_declared_columns_is_enough(postgresql_shop: Shop) -> None:
    postgresql_shop.run(
        "create table things (id int, moved timestamp, secret text)", "insert into things values (1)"
    )
    url = postgresql_shop.account(
        "revoke select on things from {}", "grant select (id, moved) on things to {}"
    )
    table = declare(
        {"id": "integer", "moved": "timestamp"}, cursor="moved", null_cursor="always", lag_seconds=0
    )
    assert column(Shop("postgresql", url, postgresql_shop.state_dir).read(table), "id") == [1]


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("oracle://u:{}@h/d", "scheme"),
        ("no url at all {}", "scheme"),
        ("mysql://u:{}@h:port/d", "cannot be read"),
        ("postgresql://u:{}@h:1:2:3/d?what", "cannot be read"),
        ("mysql://u:{}@h/", "names no database"),
        ("mysql://u:{}@h/d?sll_ca=x", "sll_ca"),
        ("mysql://u:{}@h/d?ssl_mode=sometimes", "ssl_mode"),
        ("mysql://u:{}@h/d?ssl_mode=verify_identity", "ssl_ca"),
    ],
)
def test_a_url_that_cannot_be_used(tmp_path: Path, url: str, said: str) -> None:
    failure = _failure(url.format(QUOTED), tmp_path)
    assert isinstance(failure, ConfigError)
    assert "ETL_SHOP_URL" in failure.problem
    assert said in failure.problem


def test_tls_that_the_server_does_not_have(postgresql_shop: Shop, mysql_shop: Shop, tmp_path: Path) -> None:
    if postgresql_shop.run("show ssl")[0][0] != "off":
        pytest.skip("This PostgreSQL has TLS.")
    if mysql_shop.run("show variables like 'have_ssl'") not in ([("DISABLED",)], [("have_ssl", "DISABLED")]):
        pytest.skip("This MySQL-protocol server has TLS.")
    failures = [
        _failure(f"{mysql_shop.url}?ssl_mode=required", tmp_path),
        _failure(f"{postgresql_shop.url}&sslmode=verify-full&sslrootcert=/nowhere", tmp_path),
    ]
    assert isinstance(failures[0], SourceError)
    assert isinstance(failures[1], SourceError | TransientError)


def _end_session(shop: Shop) -> None:
    if shop.kind == "postgresql":
        shop.run(
            "select pg_terminate_backend(pid) from pg_stat_activity"
            " where query ~* '^copy' and pid <> pg_backend_pid()"
        )
        return
    ids = shop.run(
        "select id from information_schema.processlist"
        " where db = database() and info like '%concat%' and id <> connection_id()"
    )
    shop.run(*(f"kill {row[0]}" for row in ids))


def _broken_off(shop: Shop, breaking: Callable[[], None]) -> None:
    """Rows that stop coming are an error, never a shorter table."""
    shop.run("create table things (id int primary key, value varchar(200))")
    shop.run("insert into things values (%s, %s)", values=[(n, "x" * 200) for n in range(60_000)])
    source, table = shop.source(batch_rows=100), declare({"id": "integer", "value": "text"})
    with source.snapshot([table]) as snapshot:
        reader = source.read(table, Extract("shop.things", Window()), snapshot)
        reader.read_next_batch()
        breaking()
        with pytest.raises(TransientError, match=r"shop\.things"):
            reader.read_all()


def test_a_session_ended_in_the_middle_is_no_end_of_the_table(shop: Shop) -> None:
    _broken_off(shop, lambda: _end_session(shop))


def test_a_reading_process_killed_in_the_middle_is_no_end_of_the_table(mysql_shop: Shop) -> None:
    _broken_off(mysql_shop, _kill_readers)


def _kill_readers() -> None:
    for command in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            is_reader = b"mysql_reader.py" in command.read_bytes()
            parent = (
                int((command.parent / "stat").read_text().rpartition(")")[2].split()[1]) if is_reader else 0
            )
        except OSError:
            continue
        if parent == os.getpid():
            os.kill(int(command.parent.name), 9)


def test_a_statement_that_takes_too_long(shop: Shop) -> None:
    sleep = "pg_sleep(30)::text" if shop.kind == "postgresql" else "concat(sleep(30), '')"
    table = declare({"id": "integer", "value": "text"}, query=f"select 1 as id, {sleep} as value")
    source = shop.source(statement_timeout_seconds=1)
    started = time.monotonic()
    with pytest.raises(TransientError), source.snapshot([]) as snapshot:
        source.read(table, Extract("shop.things", Window()), snapshot).read_all()
    assert time.monotonic() - started < 15


def test_other_threads_run_while_the_server_is_silent(shop: Shop) -> None:
    sleep = "pg_sleep(1)::text" if shop.kind == "postgresql" else "concat(sleep(1), '')"
    table = declare({"id": "integer", "value": "text"}, query=f"select 1 as id, {sleep} as value")
    ticks, done = [], threading.Event()

    def tick() -> None:
        while not done.wait(0.01):
            ticks.append(1)

    source = shop.source()
    with source.snapshot([]) as snapshot:
        reader = source.read(table, Extract("shop.things", Window()), snapshot)
        ticker = threading.Thread(target=tick)
        ticker.start()
        reader.read_all()
        done.set()
        ticker.join()
    assert len(ticks) > 20
