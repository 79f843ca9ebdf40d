"""What a warehouse that reads the shop at the end of each day must come to, computed from the simulation."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any, Protocol
from unicodedata import normalize

import numpy as np

from demo.customers import Customers
from demo.defects import Kind, Occurrence
from demo.order_book import CANCELLED, OrderBook
from demo.plan import DAY, ShopPlan, datetime_of
from demo.products import Products
from demo.row_log import RowLog
from demo.stores import Stores
from demo.versions import Event, Version, derive_versions, observed_events

CUSTOMER_TYPE_2 = ("address_line1", "address_line2", "city", "state", "postal_code", "country")
PRODUCT_TYPE_2 = ("brand", "category", "unit_cost", "list_price")
STORE_TYPE_2 = ("region", "manager_name")


@dataclass(frozen=True)
class Sums:
    """Counts and sums of the orders of one business date.

    Units: amounts in the shop's currency; ``total`` = gross - line_discount - order_discount + tax + shipping
    wherever the orders add up.
    """

    orders: int
    lines: int
    gross: Decimal
    line_discount: Decimal
    order_discount: Decimal
    tax: Decimal
    shipping: Decimal
    total: Decimal


class _Part(Protocol):
    """A part of the shop that notes what it injects."""

    occurrences: list[Occurrence]


class Ledger:
    """Expected sums, members, versions and numbers of defects.

    Every question names the last business day that was played and read. ``days`` are the days at
    whose end the warehouse looked; by default each from day 1 on.
    """

    def __init__(
        self,
        plan: ShopPlan,
        customers: Customers,
        products: Products,
        stores: Stores,
        orders: OrderBook,
        others: Iterable[_Part] = (),
    ) -> None:
        self._plan = plan
        self._customers = customers
        self._products = products
        self._stores = stores
        self._orders = orders
        self._others = tuple(others)

    def occurrences(self, kind: Kind, up_to_day: int) -> list[Occurrence]:
        """The defects of a kind that can be seen by the end of a day."""
        every: tuple[_Part, ...] = (
            self._customers,
            self._products,
            self._stores,
            self._orders,
            *self._others,
        )
        return [o for part in every for o in part.occurrences if o.kind == kind and o.day <= up_to_day]

    def injected(self, kind: Kind, up_to_day: int) -> int:
        """Number of defects of a kind that can be seen by the end of a day."""
        return len(self.occurrences(kind, up_to_day))

    def source_sums(self, up_to_day: int) -> dict[date, Sums]:
        """What the shop's own tables add up to per business date, defects included."""
        quantity, discount = self._orders.line_state(up_to_day)
        known = self._orders.known(up_to_day)
        chosen = np.zeros(len(self._orders.order_id), dtype=bool)
        chosen[known] = True
        lines = chosen[self._orders.lines.order] & (quantity != 0)
        return self._sums(
            up_to_day, known, lines, quantity, discount, self._orders.amounts(up_to_day, known).total
        )

    def passing_sums(self, up_to_day: int, with_cancelled: bool = True) -> dict[date, Sums]:
        """What must arrive in ``fact_sales`` per business date.

        Orders whose total is wrong stay out whole, negative lines and second copies of a line by
        themselves; the order's tax, shipping and discount then fall on the lines that are left (law F3).
        """
        quantity, discount = self._orders.line_state(up_to_day)
        known = self._orders.known(up_to_day)
        good = known[self._orders.defect[known] != "total_mismatch"]
        if not with_cancelled:
            good = good[self._status(up_to_day, good) != CANCELLED]
        chosen = np.zeros(len(self._orders.order_id), dtype=bool)
        chosen[good] = True
        lines = chosen[self._orders.lines.order] & (quantity > 0) & ~self._orders.lines.is_duplicate
        return self._sums(up_to_day, good, lines, quantity, discount, None)

    def cancelled_orders(self, up_to_day: int) -> int:
        """Number of orders that stand cancelled at the end of a day, those of the history included."""
        known = self._orders.known(up_to_day)
        return int(np.count_nonzero(self._status(up_to_day, known) == CANCELLED))

    def customers_known(self, up_to_day: int) -> int:
        """Number of customers whose row was there at the end of at least one day from day 1 on."""
        return sum(1 for _ in self._seen(self._customers.log, range(1, up_to_day + 1)))

    def customers_alive(self, up_to_day: int) -> int:
        """Number of rows of ``customers`` at the end of a day."""
        log = self._customers.log
        return sum(1 for key in log if log.state(key, up_to_day) is not None)

    def inferred_customers(self, up_to_day: int) -> list[int]:
        """Customers whom an order named before their own row came, in the order of their ids (law S17)."""
        return sorted(
            int(self._orders.customer_id[position])
            for position in self._orders.with_defect("early_order")
            if self._orders.ordered_at[position] < self._plan.end_of(up_to_day)
        )

    def unknown_products(self, up_to_day: int) -> list[int]:
        """Products that order lines name and that do not exist."""
        lines = self._orders.lines
        listed = lines.product_id > len(self._products.listed_at)
        known = self._orders.timeline.arrived_at[lines.order] < self._plan.end_of(up_to_day)
        return sorted(int(product) for product in np.unique(lines.product_id[listed & known]))

    def customer_versions(
        self, up_to_day: int, days: Sequence[int] | None = None
    ) -> dict[int, list[Version]]:
        """Versions of ``dim_customer`` by customer_id, with their type 2 attributes as prepared."""
        looks = days or range(1, up_to_day + 1)
        inferred = set(self.inferred_customers(up_to_day))
        log = self._customers.log
        keys = [int(key) for key in self._seen(log, looks)]
        return {
            key: derive_versions(
                (_cleaned(event) for event in observed_events(self._plan, log, key, looks, CUSTOMER_TYPE_2)),
                CUSTOMER_TYPE_2,
                key in inferred,
            )
            for key in sorted({*keys, *inferred})
        }

    def store_versions(self, up_to_day: int, days: Sequence[int] | None = None) -> dict[int, list[Version]]:
        """Versions of ``dim_store`` by store_id."""
        looks, log = days or range(1, up_to_day + 1), self._stores.log
        return {
            int(key): derive_versions(
                observed_events(self._plan, log, key, looks, STORE_TYPE_2), STORE_TYPE_2
            )
            for key in self._seen(log, looks)
        }

    def product_versions(self, up_to_day: int, days: Sequence[int] | None = None) -> dict[int, list[Version]]:
        """Versions of ``dim_product`` by product_id, from the products' own rows and the price list."""
        looks, log = days or range(1, up_to_day + 1), self._products.log
        prices = self._price_events(looks[-1])
        known = {
            int(key): derive_versions(
                [*observed_events(self._plan, log, key, looks, ("brand", "category")), *prices[int(key)]],
                PRODUCT_TYPE_2,
            )
            for key in self._seen(log, looks)
        }
        return known | {
            key: derive_versions([], PRODUCT_TYPE_2, True) for key in self.unknown_products(looks[-1])
        }

    def _price_events(self, day: int) -> defaultdict[int, list[Event]]:
        events: defaultdict[int, list[Event]] = defaultdict(list)
        for recorded, product, valid_from, cost, price in zip(*self._products.prices.columns(), strict=True):
            if recorded < self._plan.end_of(day):
                values = {"unit_cost": _money(cost), "list_price": _money(price)}
                events[int(product)].append(Event(int(valid_from), None, values))
        return events

    def _seen(self, log: RowLog, days: Iterable[int]) -> Iterable[Any]:
        looks = list(days)
        return (key for key in log if any(log.state(key, day) is not None for day in looks))

    def _status(self, day: int, orders: np.ndarray) -> np.ndarray:
        return self._orders.timeline.at(self._plan.end_of(day), orders)[0]

    def _sums(
        self,
        day: int,
        orders: np.ndarray,
        lines: np.ndarray,
        quantity: np.ndarray,
        discount: np.ndarray,
        stated_total: np.ndarray | None,
    ) -> dict[date, Sums]:
        """Sums per business date of ``orders`` (positions) and of their ``lines`` (a mask)."""
        book = self._orders
        dates, of_order = np.unique(book.ordered_at[orders] // DAY, return_inverse=True)
        of_line = np.searchsorted(dates, (book.ordered_at // DAY)[book.lines.order[lines]])
        add_orders, add_lines = _adder(of_order, len(dates)), _adder(of_line, len(dates))
        amounts = book.amounts(day, orders)
        gross = add_lines((quantity * book.lines.unit_price)[lines])
        line_discount = add_lines(discount[lines])
        order_discount, tax, shipping = map(add_orders, (amounts.discount, amounts.tax, amounts.shipping))
        total = gross - line_discount - order_discount + tax + shipping
        columns = (
            gross,
            line_discount,
            order_discount,
            tax,
            shipping,
            total if stated_total is None else add_orders(stated_total),
        )
        counts = add_orders(np.ones_like(of_order)), add_lines(np.ones_like(of_line))
        return {
            datetime_of(int(value) * DAY).date(): Sums(
                int(counts[0][n]), int(counts[1][n]), *(_money(column[n]) for column in columns)
            )
            for n, value in enumerate(dates)
        }


def _adder(group: np.ndarray, number: int) -> Callable[[np.ndarray], np.ndarray]:
    def add(values: np.ndarray) -> np.ndarray:
        total = np.zeros(number, dtype=np.int64)
        np.add.at(total, group, values)
        return total

    return add


def _money(cents: int) -> Decimal:
    return Decimal(int(cents)).scaleb(-2)


def _cleaned(event: Event) -> Event:
    """The event with its texts as ``catalog/tables/shop/customers.yaml`` prepares them."""
    values = {name: _clean(value) for name, value in event.values.items()}
    country = values.get("country")
    if country is not None:
        values["country"] = country.upper()
    return Event(event.at, event.exists, values)


def _clean(text: str | None) -> str | None:
    return " ".join(normalize("NFC", text).split()) or None if text is not None else None
