"""Lives through the business days of the demo's shop and brings each of them into the warehouse."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator
from datetime import date

from rich.console import Console

from demo.places import Places
from demo.shop import Shop, next_day
from etl.handles import Release


def live(console: Console, shop: Shop, shop_url: str, places: Places) -> Iterator[Release]:
    """Bring the day that was played last, in case it was not, then play and bring the days that are left."""
    turn = next_day(shop_url) or 1
    for day in range(max(turn - 1, 1), shop.plan.days + 1):
        if day >= turn:
            shop.play(shop_url, day)
            places.deliver(shop, day)
        started = time.monotonic()
        brought = []
        for what, bring in _daily_flows().items():
            release = bring(shop.plan.date_of(day))
            brought.append(f"{what} {_changes(release)}")
            yield release
        said = f"Day {day}, {shop.plan.date_of(day)}{', again' if day < turn else ''}"
        console.print(f"{said}: rows changed: {', '.join(brought)}; {time.monotonic() - started:.1f} s.")


def _daily_flows() -> dict[str, Callable[[date], Release]]:
    """What runs each day: sales bring customers and products, and rates what money is worth."""
    from flows.daily_sales import daily_sales  # Prefect reads its server's address on import

    _quieten_terminal()
    return {"sales": daily_sales}


def _quieten_terminal() -> None:
    """Show only what went wrong; every line of the log still stands in the Prefect UI."""
    for handler in logging.getLogger().handlers:
        handler.setLevel(logging.WARNING)


def _changes(release: Release) -> str:
    targets = (o for o in release.outcomes if o.role in {"dimension", "fact"})
    return f"{sum(o.inserted + o.updated + o.expired + o.removed for o in targets):,}"
