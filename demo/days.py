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

_SUNDAY = 7


def live(console: Console, shop: Shop, shop_url: str, places: Places) -> Iterator[Release]:
    """Bring the day that was played last, in case it was not, then play and bring the days that are left.

    Customers are scored at the end of each week, and at the very end.
    """
    turn = next_day(shop_url) or 1
    for day in range(max(turn - 1, 1), shop.plan.days + 1):
        if day >= turn:
            shop.play(shop_url, day)
            places.deliver(shop, day)
        started = time.monotonic()
        brought = []
        for what, bring in _daily_flows(shop.plan.date_of(day)).items():
            release = bring()
            brought.append(f"{what} {_changes(release)}")
            yield release
        said = f"Day {day}, {shop.plan.date_of(day)}{', again' if day < turn else ''}"
        console.print(f"{said}: rows changed: {', '.join(brought)}; {time.monotonic() - started:.1f} s.")
        if shop.plan.date_of(day).isoweekday() == _SUNDAY or day == shop.plan.days:
            yield _score(console, shop.plan.date_of(day))


def hold_against_shop(console: Console) -> None:
    """Read the shop whole and hold the warehouse against it, row by row (law X9)."""
    from flows.reconcile import reconcile
    from tasks.resources import tables_of

    started = time.monotonic()
    found = reconcile(tables_of("shop"))
    rows, waiting = sum(each.source_count for each in found), sum(each.held_back for each in found)
    console.print(
        f"Held against the shop: {len(found)} tables with {rows:,} rows agree, {waiting:,} are held back;"
        f" {time.monotonic() - started:.1f} s."
    )


def _score(console: Console, day: date) -> Release:
    """Score the customers as of the end of a day."""
    from flows.weekly_customer_analysis import weekly_customer_analysis

    started = time.monotonic()
    release = weekly_customer_analysis(day)
    said = f"Customers scored as of {day}: rows changed: {_changes(release)}"
    console.print(f"{said}; {time.monotonic() - started:.1f} s.")
    return release


def _daily_flows(day: date) -> dict[str, Callable[[], Release]]:
    """What runs each day: sales bring customers and products, and rates what money is worth."""
    from flows.daily_exchange_rates import (
        daily_exchange_rates,
    )  # Prefect reads its server's address on import
    from flows.daily_sales import daily_sales
    from flows.daily_web_analytics import daily_web_analytics
    from flows.hourly_inventory import hourly_inventory

    _quieten_terminal()
    return {
        "sales": lambda: daily_sales(day),
        "rates": daily_exchange_rates,
        "inventory": hourly_inventory,
        "web": lambda: daily_web_analytics(day),
    }


def _quieten_terminal() -> None:
    """Show only what fails; every line of the log, and what is held back, still stands in the Prefect UI."""
    for handler in logging.getLogger().handlers:
        handler.setLevel(logging.ERROR)


def _changes(release: Release) -> str:
    targets = (o for o in release.outcomes if o.role in {"dimension", "fact"})
    return f"{sum(o.inserted + o.updated + o.expired + o.removed for o in targets):,}"
