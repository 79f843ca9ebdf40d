"""A staged shop with 1,000 sound rows per table, and folders of a test's own."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.gate.staging import StagedShop, copy_of_suites


@pytest.fixture
def shop(postgres_database: str) -> StagedShop:
    """All tables of the shop staged in a fresh database: 1,000 sound rows each, 2,000 order lines."""
    staged = StagedShop(postgres_database)
    staged.create(rows=1_000)
    return staged


@pytest.fixture
def state_dir(tmp_path: Path) -> Path:
    """A state folder of the test's own, which the gate makes."""
    return tmp_path / "state"


@pytest.fixture
def suites_dir(tmp_path: Path) -> Path:
    """A copy of the project's suites that the test may change."""
    return copy_of_suites(tmp_path / "suites")
