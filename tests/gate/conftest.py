"""A staged shop with 1,000 sound rows per table, on each system in turn, and folders of a test's own."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.gate.staging import CATALOG, SHOP, StagedShop, copy_of_suites
from tests.systems import SYSTEMS


@pytest.fixture(scope="session", params=SYSTEMS)
def system(request: pytest.FixtureRequest) -> str:
    """The system that holds the warehouse."""
    return str(request.param)


@pytest.fixture
def empty_shop(warehouse_database: str) -> StagedShop:
    """A warehouse of the test's own, in which nothing is made yet."""
    return StagedShop(warehouse_database)


@pytest.fixture
def shop(empty_shop: StagedShop) -> StagedShop:
    """All tables of the shop staged in a fresh warehouse: 1,000 sound rows each, 2,000 order lines."""
    staged = empty_shop
    staged.create(rows=1_000, tables=SHOP)
    return staged


@pytest.fixture
def everything(empty_shop: StagedShop) -> StagedShop:
    """All tables of the catalog staged in a fresh warehouse, as those of the shop."""
    staged = empty_shop
    staged.create(rows=1_000, tables=CATALOG.tables)
    return staged


@pytest.fixture
def state_dir(tmp_path: Path) -> Path:
    """A state folder of the test's own, which the gate makes."""
    return tmp_path / "state"


@pytest.fixture
def suites_dir(tmp_path: Path) -> Path:
    """A copy of the project's suites that the test may change."""
    return copy_of_suites(tmp_path / "suites")
