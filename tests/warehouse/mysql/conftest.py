"""A server that speaks the MySQL protocol, and a warehouse without tables for each test."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from etl.settings import Settings
from etl.warehouse.mysql.database import MySQL
from tests.conftest import fresh_mysql_warehouse, fresh_postgresql
from tests.warehouse.settling import Settling

SETTINGS = Settings(_env_file=None, lock_timeout_seconds=5, business_time_zone="Europe/Berlin")


@pytest.fixture(scope="module")
def both(
    postgres_server: str, mysql_server: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[list[Settling]]:
    """A warehouse on PostgreSQL and one on MySQL, to be compared with each other."""
    folder = tmp_path_factory.mktemp("both")
    for url in fresh_postgresql(postgres_server):
        for other in fresh_mysql_warehouse(mysql_server):
            yield [
                Settling(one, Settings(_env_file=None, state_dir=folder, warehouse_url=one), folder)
                for one in (url, other)
            ]


@pytest.fixture
def database(mysql_server: str) -> Iterator[MySQL]:
    """With the schemas ``audit`` and ``warehouse``."""
    for url in fresh_mysql_warehouse(mysql_server):
        opened = MySQL(url, SETTINGS)
        with opened.session(autocommit=True) as session:
            for schema in ("audit", "warehouse"):
                session.execute(f"create database {schema} collate {opened.collation}")
        yield opened
        opened.forget_idle()
