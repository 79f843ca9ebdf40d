"""A staged shop with 1,000 sound rows per table, and folders of a test's own."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.gate.staging import CATALOG, SHOP, StagedShop, copy_of_suites


@pytest.fixture
def shop(postgres_database: str) -> StagedShop:
    """All tables of the shop staged in a fresh database: 1,000 sound rows each, 2,000 order lines."""
    staged = StagedShop(postgres_database)
    staged.create(rows=1_000, tables=SHOP)
    return staged


@pytest.fixture
def everything(postgres_database: str) -> StagedShop:
    """All tables of the catalog staged in a fresh database, as those of the shop."""
    staged = StagedShop(postgres_database)
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
