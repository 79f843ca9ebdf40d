"""``python -m demo.web``: serves the web analytics of the demo's shop until it is stopped.

It listens on the port that is asked for, or on any other where that is taken, and leaves its address in
``secrets/analytics_url`` of the state folder.
"""

from __future__ import annotations

import argparse
import sys

from demo.places import Places
from demo.shop import Shop, next_day, stored_plan
from demo.web.server import AnalyticsServer
from etl.catalog_files import load_catalog
from etl.embedded import source_url
from etl.errors import ConfigError, StorehouseError
from etl.settings import get_settings


def main() -> int:
    """Serve; the exit code says why it ended."""
    parser = argparse.ArgumentParser(prog="python -m demo.web", description=__doc__)
    parser.add_argument("--port", type=int, default=0)
    try:
        places = Places(get_settings())
        with _server(places, parser.parse_args().port) as server:
            places.keep_secret("analytics_url", server.url)
            server.serve_forever()
    except StorehouseError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


def _server(places: Places, port: int) -> AnalyticsServer:
    url = source_url(load_catalog(places.settings.catalog_dir).sources["shop"], places.settings)
    plan = stored_plan(url)
    if plan is None:
        raise ConfigError("There is no shop to serve the web analytics of.", "Make one with 'make demo'.")
    shop = Shop(plan)

    def clock() -> int:
        return plan.start_of(next_day(url) or 1)

    try:
        return AnalyticsServer(shop.web_records, clock, places.token(), port)
    except OSError:
        return AnalyticsServer(shop.web_records, clock, places.token())


if __name__ == "__main__":
    sys.exit(main())
