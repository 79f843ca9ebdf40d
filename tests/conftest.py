"""Real servers and a real browser for every test that wants one.

    postgres_url        URL of an empty database for the whole session
    postgres_database   URL of a fresh database for one test, dropped afterwards
    mysql_url           the same on a server that speaks the MySQL protocol,
    mysql_database      as mysql://user:password@host:port/database
    system              which system holds the warehouse: PostgreSQL, or what ETL_TEST_WAREHOUSE names;
                        a module marked with BOTH_SYSTEMS runs on each
    warehouse_url       URL of an empty warehouse on that system, for a module
    warehouse_database  the same for one test
    settings            Settings with a state folder and databases of its own
    chromium            path of a browser

A server named in ETL_TEST_POSTGRESQL_URL or ETL_TEST_MYSQL_URL is used; else PostgreSQL comes from
the wheel, and MariaDB or MySQL from the machine. What cannot be had skips its tests with a line
that says how to get it, and fails them where ETL_TEST_REQUIRE_SERVERS is set (as in .ci/run).
ETL_TEST_EXAMPLES is how many examples each property of the warehouse tries, or a share of it: 500.
"""

from __future__ import annotations

import os
import shutil
import signal
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NoReturn
from urllib.parse import quote, unquote, urlsplit, urlunsplit

import psycopg2
import pytest
from mysql import connector as mysql_connector

from etl.embedded import EmbeddedServer
from etl.identifiers import quote_mysql, quote_postgresql
from etl.settings import Settings
from tests.servers import MySqlServer, ServerMissing, temporary_folder

SPEED_OVER_SAFETY = (
    ("fsync", "off"),
    ("synchronous_commit", "off"),
    ("full_page_writes", "off"),
    ("shared_buffers", "128MB"),
)


def pytest_configure() -> None:
    """Let a terminated run stop its servers, as an interrupted one does."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[str]:
    """URL of a PostgreSQL server on which databases may be created."""
    if named := os.environ.get("ETL_TEST_POSTGRESQL_URL"):
        yield named
        return
    with temporary_folder() as folder:
        server = EmbeddedServer(folder / "postgresql", SPEED_OVER_SAFETY)
        server.start()
        yield server.url("postgres")
        server.stop()


@pytest.fixture(scope="session")
def postgres_url(postgres_server: str) -> Iterator[str]:
    """URL of an empty database that all tests of the session share."""
    yield from fresh_postgresql(postgres_server)


@pytest.fixture
def postgres_database(postgres_server: str) -> Iterator[str]:
    """URL of a database of this test alone."""
    yield from fresh_postgresql(postgres_server)


@pytest.fixture(scope="session")
def mysql_server() -> Iterator[str]:
    """URL of a server that speaks the MySQL protocol, with an account that may do everything."""
    if named := os.environ.get("ETL_TEST_MYSQL_URL"):
        yield named
        return
    with temporary_folder() as folder:
        try:
            server = MySqlServer.start(folder)
        except ServerMissing as missing:
            _cannot_be_had(str(missing))
        yield server.url
        server.stop()


@pytest.fixture(scope="session")
def mysql_url(mysql_server: str) -> Iterator[str]:
    """URL of an empty database that all tests of the session share."""
    yield from fresh_mysql(mysql_server)


@pytest.fixture
def mysql_database(mysql_server: str) -> Iterator[str]:
    """URL of a database of this test alone."""
    yield from fresh_mysql(mysql_server)


@pytest.fixture(scope="session")
def system(request: pytest.FixtureRequest) -> str:
    """The system that holds the warehouse."""
    return str(getattr(request, "param", os.environ.get("ETL_TEST_WAREHOUSE", "postgresql")))


@pytest.fixture(scope="module")
def warehouse_url(system: str, request: pytest.FixtureRequest) -> Iterator[str]:
    """URL of an empty warehouse that the tests of a module share."""
    yield from fresh_warehouse(system, request)


@pytest.fixture
def warehouse_database(system: str, request: pytest.FixtureRequest) -> Iterator[str]:
    """URL of a warehouse of this test alone."""
    yield from fresh_warehouse(system, request)


def fresh_warehouse(system: str, request: pytest.FixtureRequest) -> Iterator[str]:
    """URL of an empty warehouse of the caller's own on a system."""
    # Only the server that is asked for is started.
    if system == "postgresql":
        yield from fresh_postgresql(request.getfixturevalue("postgres_server"))
    else:
        yield from fresh_mysql_warehouse(request.getfixturevalue("mysql_server"))


@pytest.fixture
def settings(warehouse_database: str, postgres_server: str, tmp_path: Path) -> Iterator[Settings]:
    """Settings whose state folder is the test's own; the warehouse and the shop are empty databases."""
    for shop_url in fresh_postgresql(postgres_server):
        yield Settings(
            _env_file=None, state_dir=tmp_path / "state", warehouse_url=warehouse_database, shop_url=shop_url
        )


@pytest.fixture(scope="session")
def chromium() -> str:
    """Path of a Chromium or Chrome that runs without a display."""
    for name in ("chromium", "chromium-browser", "google-chrome"):
        if found := shutil.which(name):
            return found
    _cannot_be_had("No Chromium on this machine; on Debian: apt-get install chromium.")


def _cannot_be_had(reason: str) -> NoReturn:
    if os.environ.get("ETL_TEST_REQUIRE_SERVERS"):
        pytest.fail(reason, pytrace=False)
    pytest.skip(reason)


def fresh_postgresql(server_url: str, template_url: str | None = None) -> Iterator[str]:
    """A database of the caller's own, empty or a copy of another that nobody is connected to."""
    name = f"test_{uuid.uuid4().hex[:12]}"
    template = urlsplit(template_url).path.lstrip("/") if template_url else "template0"
    _on_postgresql(
        server_url, f"create database {quote_postgresql(name)} template {quote_postgresql(template)}"
    )
    yield _with_database(server_url, name)
    _on_postgresql(server_url, f"drop database {quote_postgresql(name)} with (force)")


def _on_postgresql(server_url: str, statement: str) -> None:
    connection = psycopg2.connect(server_url)
    connection.autocommit = True
    with connection.cursor() as cursor:
        cursor.execute(statement)
    connection.close()


def fresh_mysql(server_url: str) -> Iterator[str]:
    name = f"test_{uuid.uuid4().hex[:12]}"
    on_mysql(server_url, f"create database {quote_mysql(name)} character set utf8mb4")
    yield _with_database(server_url, name)
    on_mysql(server_url, f"drop database {quote_mysql(name)}")


def fresh_mysql_warehouse(server_url: str) -> Iterator[str]:
    """URL of a warehouse whose databases have a prefix of their own, and are dropped afterwards."""
    name = f"test_{uuid.uuid4().hex[:12]}"
    yield _with_database(server_url, name).replace("mysql://", "mysql+mysqlconnector://", 1)
    for (database,) in on_mysql(server_url, f"show databases like '{name}\\_%'"):
        on_mysql(server_url, f"drop database {quote_mysql(database)}")


def on_mysql(server_url: str, statement: str) -> list[Any]:
    url = urlsplit(server_url)
    connection = mysql_connector.connect(
        host=url.hostname,
        port=url.port or 3306,
        user=unquote(url.username or ""),
        password=unquote(url.password or ""),
    )
    cursor = connection.cursor()
    cursor.execute(statement)
    rows = list(cursor.fetchall()) if cursor.description else []
    connection.close()
    return rows


def _with_database(server_url: str, name: str) -> str:
    return urlunsplit(urlsplit(server_url)._replace(path=f"/{quote(name)}"))
