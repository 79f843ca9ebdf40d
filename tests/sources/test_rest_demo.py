"""The demo's web analytics, read by the project's own declarations: limits, failures and all (law X10)."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from threading import Thread

import pyarrow as pa
import pytest

from demo.plan import ShopPlan, datetime_of
from demo.shop import Shop
from demo.web.records import Span
from demo.web.server import AnalyticsServer, Limits
from etl.arrow_files import arrow_batches
from etl.catalog_files import load_catalog
from etl.handles import Extract
from etl.landing import land
from etl.preparing import prepare
from etl.settings import PROJECT_DIR, Settings
from etl.sources import open_source
from etl.windows import Window, cursor_text

DAY = 2
CATALOG = load_catalog(PROJECT_DIR / "catalog")


@pytest.fixture(scope="module")
def shop() -> Shop:
    return Shop(ShopPlan(scale=0.3))


@pytest.fixture(scope="module")
def settings(shop: Shop, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Settings]:
    limits = Limits(requests_per_second=6, fails_every=3)
    server = AnalyticsServer(shop.web_records, lambda: shop.plan.end_of(DAY), "a-token", limits=limits)
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    folder: Path = tmp_path_factory.mktemp("state")
    (folder / "secrets").mkdir()
    (folder / "secrets" / "analytics_url").write_text(server.url)
    (folder / "secrets" / "analytics_token").write_text("a-token")
    yield Settings(_env_file=None, state_dir=folder)
    server.shutdown()
    thread.join()
    server.server_close()


def test_sessions_page_views_and_conversions_arrive_whole(shop: Shop, settings: Settings) -> None:
    end = shop.plan.end_of(DAY)
    span = Span(shop.plan.end_of(DAY - 1), end, end)
    sessions, _ = shop.web_records.sessions(span, 0, 10**9)
    conversions, _ = shop.web_records.conversions(span, 0, 10**9)
    expected = {
        "sessions": sorted(session["session_id"] for session in sessions),
        "page_views": sorted(v["page_view_id"] for session in sessions for v in session["page_views"]),
        "conversions": sorted(conversion["conversion_id"] for conversion in conversions),
    }
    assert len(sessions) > 100
    assert {name: _read(name, shop, settings) for name in expected} == expected


def _read(name: str, shop: Shop, settings: Settings) -> list[str]:
    """Keys of the rows that are landed and prepared, or rejected."""
    table = CATALOG.tables[f"analytics.{name}"]
    source = open_source(CATALOG.sources["analytics"], settings)
    low, high = (cursor_text(datetime_of(shop.plan.end_of(day))) for day in (DAY - 1, DAY))
    extract = Extract(table.qualified_name, Window(low, high))
    with source.snapshot([table]) as snapshot:
        assert snapshot.safe_highs == {table.qualified_name: high}
        landed = land(source.read(table, extract, snapshot), extract, settings.landing)
    assert landed.drifts == ()
    prepared = prepare(landed, table, settings.landing, "US")
    assert landed.row_count == prepared.row_count + prepared.rejected_count
    keys = pa.concat_arrays([batch.column(table.key[0]) for batch in arrow_batches(landed.path)])
    return sorted(keys.to_pylist())
