"""``make demo``: makes a shop, lives through its business days and shows what the warehouse made of them.

A second time it plays the days that are left, or runs the last one again, which changes nothing.
"""

from __future__ import annotations

import argparse
import sys

from rich.console import Console

from demo.days import hold_against_shop, live
from demo.places import Places
from demo.shop import Shop, ShopPlan, next_day, stored_plan
from demo.summary import show_summary
from demo.web.service import answers_given, ensure_analytics
from deployments.services import ensure_server
from etl.catalog_files import load_catalog
from etl.embedded import source_url, warehouse_url
from etl.errors import StorehouseError
from etl.settings import Settings, get_settings

# What the table of rows needs; narrower terminals break its lines.
_LEAST_WIDTH = 124


def main() -> int:
    """Run the demo; the exit code says whether all of it went well."""
    options = _options()
    console = Console(width=max(Console().width, _LEAST_WIDTH))
    plan = ShopPlan(scale=options.scale, days=options.days)
    try:
        if options.shop_only:
            _make_shop(console, plan)
            return 0
        return 0 if _demo(console, plan) else 1
    except StorehouseError as error:
        print(error, file=sys.stderr)
        return 1


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m demo", description=__doc__)
    parser.add_argument("--scale", type=float, default=1.0, help="1 means 20,000 orders (default)")
    parser.add_argument("--days", type=int, default=7, help="business days of the shop (default 7)")
    parser.add_argument(
        "--shop-only", action="store_true", help="make the shop where there is none, run nothing"
    )
    return parser.parse_args()


def _make_shop(console: Console, plan: ShopPlan) -> None:
    """Make the demo's shop unless it is there, or ETL_SHOP_URL names another one.

    What it has beside its database comes with it, but for what the environment names elsewhere.
    """
    settings = get_settings()
    if settings.shop_url is not None:
        return
    places = Places(settings)
    with console.status("Making the shop"):
        url = _shop_url(settings)
        _opened_shop(console, stored_plan(url) or plan, url, places)
        if places.is_ours("analytics_url"):
            ensure_analytics(places)


def _demo(console: Console, plan: ShopPlan) -> bool:
    settings = get_settings()
    places = Places(settings)
    places.check_ours()
    with console.status("Starting the databases"):
        shop_url = _shop_url(settings)
        warehouse = warehouse_url(settings)
    with console.status("Making the shop"):
        shop = _opened_shop(console, plan, shop_url, places)
        analytics = ensure_analytics(places)
        console.print(
            f"Its web analytics answers at {analytics}, its stores drop their counts in {places.drop}."
        )
    with console.status("Starting Prefect"):
        console.print(f"Prefect answers at {ensure_server().removesuffix('/api')}.")
    releases = list(live(console, shop, shop_url, places))
    hold_against_shop(console)
    return show_summary(console, settings, warehouse, shop, releases, answers_given(analytics) or {})


def _shop_url(settings: Settings) -> str:
    return source_url(load_catalog(settings.catalog_dir).sources["shop"], settings)


def _opened_shop(console: Console, plan: ShopPlan, url: str, places: Places) -> Shop:
    """The shop, made where there is none, with its files up to where it has been played."""
    shop = Shop(plan)
    turn = next_day(url)
    if turn is None:
        shop.create(url)
        places.clear()
        console.print(f"A shop with {len(shop.orders.known(0)):,} orders was made.")
    else:
        shop.check_stored(url)
    places.deliver(shop, (turn or 1) - 1)
    return shop


if __name__ == "__main__":
    sys.exit(main())
