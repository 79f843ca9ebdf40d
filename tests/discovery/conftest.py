"""Two odd databases for the whole session, which tests only read, and places to discover them into."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.conftest import fresh_mysql, fresh_postgresql
from tests.discovery.databases import Database, Place

Discoverer = Callable[[Database], Place]


@pytest.fixture(scope="session")
def odd_postgresql(postgres_server: str) -> Iterator[Database]:
    """PostgreSQL, with ``odd_postgresql.sql`` in it."""
    for url in fresh_postgresql(postgres_server):
        with Database.opened(url) as database:
            database.run_script("odd_postgresql.sql")
            yield database


@pytest.fixture(scope="session")
def odd_mysql(mysql_server: str) -> Iterator[Database]:
    """MariaDB or MySQL, with ``odd_mysql.sql`` in it."""
    for url in fresh_mysql(mysql_server):
        with Database.opened(url) as database:
            database.run_script("odd_mysql.sql")
            yield database


@pytest.fixture(params=["postgresql", "mysql"])
def odd(request: pytest.FixtureRequest) -> Database:
    """Each of the two."""
    made: Database = request.getfixturevalue(f"odd_{request.param}")
    return made


@pytest.fixture(params=["postgresql", "mysql"])
def database(request: pytest.FixtureRequest) -> Iterator[Database]:
    """An empty database of the test's own, on each system."""
    kind = "postgres" if request.param == "postgresql" else "mysql"
    with Database.opened(request.getfixturevalue(f"{kind}_database")) as database:
        yield database


@pytest.fixture
def discovering(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Discoverer:
    """Makes a place with an empty catalog for a database."""

    def place(database: Database) -> Place:
        monkeypatch.setenv("ETL_ODD_URL", database.url)
        return Place.made(tmp_path)

    return place
