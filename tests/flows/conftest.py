"""A shop, a warehouse and a Prefect server of the test's own, and the real flow over them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from deployments import services
from deployments.services import LocalPrefect
from tests.conftest import fresh_postgresql
from tests.flows.world import FlowWorld


@pytest.fixture(scope="session")
def prefect_api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Address of a Prefect server for the whole session."""
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("PREFECT_API_URL", raising=False)
        # Two workers of the test run that start at once must not come to share a server.
        patch.setattr(services, "USUAL_PORT", 0)
        local = LocalPrefect(tmp_path_factory.mktemp("prefect"))
        yield local.ensure_server()
        local.server.stop()


@pytest.fixture
def world(postgres_server: str, prefect_api: str, tmp_path: Path) -> Iterator[FlowWorld]:
    """An empty warehouse and a small shop in PostgreSQL on the evening before its first day."""
    yield from _world(postgres_server, prefect_api, tmp_path)


@pytest.fixture
def second_world(postgres_server: str, prefect_api: str, tmp_path: Path) -> Iterator[FlowWorld]:
    """Another one of the same shop, to compare with."""
    yield from _world(postgres_server, prefect_api, tmp_path / "second")


def _world(server: str, prefect_api: str, folder: Path) -> Iterator[FlowWorld]:
    for warehouse_url in fresh_postgresql(server):
        for shop_url in fresh_postgresql(server):
            with FlowWorld.opened(warehouse_url, shop_url, folder / "state", prefect_api) as world:
                yield world
