"""``make demo``: makes a shop, lives through its business days and shows what the warehouse made of them.

A second time it plays the days that are left, or runs the last one again, which changes nothing.
"""

from __future__ import annotations

import argparse
import logging
import sys
import time
from collections.abc import Iterator

from rich.console import Console

from demo.shop import Shop, ShopPlan, next_day
from demo.summary import show_summary
from deployments.services import ensure_server
from etl.catalog_files import load_catalog
from etl.embedded import source_url, warehouse_url
from etl.errors import StorehouseError
from etl.handles import Release
from etl.settings import get_settings

# What the table of rows needs; narrower terminals break its lines.
_LEAST_WIDTH = 120


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
    """Make the demo's shop unless it is there, or ETL_SHOP_URL names another one."""
    settings = get_settings()
    if settings.shop_url is None:
        with console.status("Making the shop"):
            _opened_shop(
                console, plan, source_url(load_catalog(settings.catalog_dir).sources["shop"], settings)
            )


def _demo(console: Console, plan: ShopPlan) -> bool:
    settings = get_settings()
    with console.status("Starting the databases"):
        shop_url = source_url(load_catalog(settings.catalog_dir).sources["shop"], settings)
        warehouse = warehouse_url(settings)
    with console.status("Making the shop"):
        shop = _opened_shop(console, plan, shop_url)
    with console.status("Starting Prefect"):
        console.print(f"Prefect answers at {ensure_server().removesuffix('/api')}.")
    releases = list(_live(console, shop, shop_url))
    return show_summary(console, settings, warehouse, shop, plan.days, releases)


def _opened_shop(console: Console, plan: ShopPlan, url: str) -> Shop:
    shop = Shop(plan)
    if next_day(url) is None:
        shop.create(url)
        console.print(f"A shop with {len(shop.orders.known(0)):,} orders was made.")
    return shop


def _live(console: Console, shop: Shop, shop_url: str) -> Iterator[Release]:
    """Bring the day that was played last, in case it was not, then play and bring the days that are left."""
    turn = next_day(shop_url) or 1
    for day in range(max(turn - 1, 1), shop.plan.days + 1):
        if day >= turn:
            shop.play(shop_url, day)
        started = time.monotonic()
        release = _bring(shop, day)
        said = f"Day {day}, {shop.plan.date_of(day)}{', again' if day < turn else ''}"
        console.print(f"{said}: {_changes(release)} rows changed, {time.monotonic() - started:.1f} s.")
        yield release


def _bring(shop: Shop, day: int) -> Release:
    from flows.daily_sales import daily_sales  # Prefect reads its server's address on import

    _quieten_terminal()
    return daily_sales(business_date=shop.plan.date_of(day))


def _quieten_terminal() -> None:
    """Show only what went wrong; every line of the log still stands in the Prefect UI."""
    for handler in logging.getLogger().handlers:
        handler.setLevel(logging.WARNING)


def _changes(release: Release) -> str:
    targets = (o for o in release.outcomes if o.role in {"dimension", "fact"})
    return f"{sum(o.inserted + o.updated + o.expired + o.removed for o in targets):,}"


if __name__ == "__main__":
    sys.exit(main())
