"""The systems that can hold the warehouse, for tests that must hold on each of them."""

from __future__ import annotations

import pytest

SYSTEMS = ("postgresql", "mysql")
# For a module or a test: what its warehouse fixtures give is an empty warehouse of each system in turn.
BOTH_SYSTEMS = pytest.mark.parametrize("system", SYSTEMS, indirect=True, scope="session")
# For what only one of them promises.
ON_POSTGRESQL = pytest.mark.parametrize("system", ["postgresql"], indirect=True, scope="session")
ON_MYSQL = pytest.mark.parametrize("system", ["mysql"], indirect=True, scope="session")
