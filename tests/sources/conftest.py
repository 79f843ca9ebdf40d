"""``shop`` runs a test on PostgreSQL and on a MySQL-protocol server; the others on one of them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.sources.shops import Shop


@pytest.fixture
def postgresql_shop(postgres_database: str, tmp_path: Path) -> Iterator[Shop]:
    yield from _shop(Shop("postgresql", postgres_database, tmp_path))


@pytest.fixture
def mysql_shop(mysql_database: str, tmp_path: Path) -> Iterator[Shop]:
    yield from _shop(Shop("mysql", mysql_database, tmp_path))


@pytest.fixture(params=["postgresql", "mysql"])
def shop(request: pytest.FixtureRequest) -> Shop:
    made: Shop = request.getfixturevalue(f"{request.param}_shop")
    return made


def _shop(shop: Shop) -> Iterator[Shop]:
    yield shop
    shop.close()
