"""The demo's shop: a deterministic simulation that can be put into PostgreSQL and MySQL."""

from __future__ import annotations

from datetime import date
from functools import cached_property
from typing import Any

from demo.customers import make_customers
from demo.database import ShopDatabase, apply, shop_database
from demo.drop.counts import Drop, make_drop
from demo.drop.stock import make_stock
from demo.fact_ledger import FactLedger
from demo.ledger import Ledger
from demo.plan import ShopPlan
from demo.products import make_products
from demo.rates import Rates, make_rates
from demo.sales import make_orders
from demo.stores import make_stores
from demo.tables import SCHEMAS, Changes
from demo.web.conversions import Conversions, make_conversions
from demo.web.records import WebRecords
from demo.web.visits import Visits, make_visits
from etl.errors import ConfigError

_STATE_SQL = "select scale, seed, first_day, days, next_day from demo_state"

__all__ = ["Shop", "ShopPlan", "next_day", "stored_plan"]


class Shop:
    """A shop with its history and its business days; equal plans give equal rows on every system."""

    def __init__(self, plan: ShopPlan) -> None:
        self.plan = plan
        self.customers = make_customers(plan)
        self.products = make_products(plan)
        self.stores = make_stores(plan)
        self.orders = make_orders(plan, self.customers, self.products, self.stores)

    @cached_property
    def ledger(self) -> Ledger:
        """What a warehouse that reads this shop must come to."""
        parts = self.visits, self.conversions, self.drop
        return Ledger(self.plan, self.customers, self.products, self.stores, self.orders, parts)

    @cached_property
    def facts(self) -> FactLedger:
        """What the facts that are not read from the shop's database must come to."""
        return FactLedger(self.plan, self.visits, self.conversions, self.drop, self.rates)

    @cached_property
    def rates(self) -> Rates:
        """The exchange rates of its time."""
        return make_rates(self.plan)

    @cached_property
    def visits(self) -> Visits:
        """Who visits it on the web."""
        return make_visits(self.plan, self.customers, self.products, self.orders)

    @cached_property
    def conversions(self) -> Conversions:
        """Which visits brought which orders."""
        return make_conversions(self.plan, self.visits, self.orders, self.rates)

    @cached_property
    def web_records(self) -> WebRecords:
        """What its web analytics tells."""
        return WebRecords(self.visits, self.conversions, self.orders)

    @cached_property
    def drop(self) -> Drop:
        """The files that its stores drop."""
        return make_drop(self.plan, make_stock(self.plan, self.products, self.stores, self.orders))

    def create(self, url: str) -> None:
        """Make the tables anew and load the opening state: everything before the first business day.

        Raises:
            ConfigError: The database has such tables that the demo did not make; nothing is touched.
            SourceError: As ``shop_database``.
        """
        with shop_database(url) as database:
            _refuse_foreign_tables(database)
            database.run_script("shop.sql")
            for changes in self.opening():
                apply(database, changes)
            database.run_script("shop_indexes.sql")
            database.query("insert into demo_state values (%s, %s, %s, %s, 1)", self._stored_plan())

    def check_stored(self, url: str) -> None:
        """Raise when the database holds a shop of another plan.

        Raises:
            ConfigError: It does.
        """
        with shop_database(url) as database:
            self._check_plan(database)

    def play(self, url: str, day_number: int) -> None:
        """Do one business day to the shop's database, in one transaction that also counts the day.

        Raises:
            ConfigError: It is not this day's turn, or the database holds a shop of another plan.
        """
        with shop_database(url) as database:
            self._check_turn(database, day_number)
            for changes in self.day(day_number):
                apply(database, changes)
            database.query("update demo_state set next_day = %s", (day_number + 1,))

    def opening(self) -> list[Changes]:
        """All rows of the opening state."""
        logs = (
            self.products.brands,
            self.products.categories,
            self.stores.log,
            self.customers.log,
            self.products.log,
        )
        prices = Changes("product_prices", inserted=self.products.prices.rows(0, self.plan.opening))
        return [*(Changes(log.table, inserted=log.rows(0)) for log in logs), prices, *self.orders.opening()]

    def day(self, day_number: int) -> list[Changes]:
        """What a business day does to each table."""
        logs = (
            self.products.brands,
            self.products.categories,
            self.stores.log,
            self.customers.log,
            self.products.log,
        )
        window = self.plan.start_of(day_number), self.plan.end_of(day_number)
        prices = Changes("product_prices", inserted=self.products.prices.rows(*window))
        return [*(log.changes(day_number) for log in logs), prices, *self.orders.changes(day_number)]

    def _check_turn(self, database: ShopDatabase, day_number: int) -> None:
        turn = self._check_plan(database)
        if day_number != turn or day_number > self.plan.days:
            raise ConfigError(
                f"Business day {day_number} cannot be played: day {turn} of {self.plan.days} is next.",
                "Play the days one after the other, each once.",
            )

    def _check_plan(self, database: ShopDatabase) -> int:
        """Raise when the database holds a shop of another plan; the day whose turn it is."""
        *stored, turn = database.query(_STATE_SQL)[0]
        if [float(stored[0]), *stored[1:]] != list(self._stored_plan()):
            scale, seed, first_day, days = stored
            raise ConfigError(
                f"The shop's database holds a shop of scale {scale}, seed {seed} and {days} days "
                f"from {first_day}; asked for is {self.plan}.",
                "Use the same options again, or remove the demo with 'make clean' first.",
            )
        return int(turn)

    def _stored_plan(self) -> tuple[float, int, date, int]:
        plan = self.plan
        return round(plan.scale, 4), plan.seed, plan.first_day, plan.days


def _refuse_foreign_tables(database: ShopDatabase) -> None:
    """The demo replaces tables, so it must never meet those of a real shop."""
    if database.has_table("demo_state"):
        return
    foreign = [name for name in SCHEMAS if database.has_table(name)]
    if foreign:
        raise ConfigError(
            f"ETL_SHOP_URL names a database with tables {', '.join(foreign)} that the demo did not make; "
            "making the demo's shop would replace them.",
            "Unset ETL_SHOP_URL for the demo, or name an empty database; a real shop needs no 'make demo'.",
        )


def next_day(url: str) -> int | None:
    """Number of the business day to play next; None where there is no shop yet."""
    state = _state(url)
    return int(state[-1]) if state else None


def stored_plan(url: str) -> ShopPlan | None:
    """Plan of the shop in a database; None where there is no shop yet."""
    state = _state(url)
    return ShopPlan(float(state[0]), *state[1:4]) if state else None


def _state(url: str) -> tuple[Any, ...] | None:
    with shop_database(url) as database:
        if not database.has_table("demo_state"):
            return None
        return next(iter(database.query(_STATE_SQL)), None)
