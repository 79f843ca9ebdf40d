"""Makes the orders of a shop: when, by whom, of what, for how much, and what is wrong with some of them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from demo.customers import Customers
from demo.defects import Kind, Occurrence, days_of
from demo.order_book import Amounts, Lines, OrderBook, Timeline
from demo.plan import DAY, HISTORY_DAYS, HOUR, NEVER, SECOND, ShopPlan
from demo.products import Products
from demo.stores import Stores
from demo.words import word_list

UNKNOWN_PRODUCT_ID = 9_000_001
_FIRST_ORDER_ID = 100_001
# So few orders on a business day that its defects stay a few per cent of them, in a small shop too.
_LEAST_ORDERS_A_DAY = 24

_WEEKDAYS = np.array([0.95, 0.9, 0.92, 1.0, 1.2, 1.25, 0.85])
_MONTHS = np.array([0.85, 0.88, 0.95, 1.0, 1.02, 1.0, 0.9, 0.85, 1.0, 1.05, 1.35, 1.6])
_HOURS = np.array(
    [2, 1, 1, 1, 1, 2, 4, 8, 14, 20, 26, 30, 34, 30, 27, 26, 28, 34, 38, 40, 38, 28, 14, 6], dtype=float
)
_BASKET = np.array([0.29, 0.25, 0.18, 0.12, 0.07, 0.05, 0.03, 0.01])
_QUANTITIES = np.array([0.7, 0.18, 0.07, 0.03, 0.02])
_LINE_DISCOUNTS = np.array([0, 5, 10, 15, 20])

_TILL_KINDS = ("duplicate_line", "late_order")
_WEB_KINDS = ("early_order", "removed_line", "corrected_quantity")
_MANY_LINES_KINDS = ("negative_quantity", "removed_line")
_NEXT_DAY_KINDS = ("late_order", "removed_line", "corrected_quantity")
_ORDER_KINDS: tuple[Kind, ...] = (
    "negative_quantity",
    "unknown_product",
    "duplicate_line",
    "total_mismatch",
    "late_order",
    "early_order",
    "removed_line",
    "corrected_quantity",
)


@dataclass(frozen=True)
class _Heads:
    """What an order has without its lines; ``country`` decides about the tax."""

    ordered_at: np.ndarray
    customer_id: np.ndarray
    store_id: np.ndarray
    country: np.ndarray
    defect: np.ndarray

    def has(self, *kinds: str) -> np.ndarray:
        return np.isin(self.defect, kinds)


def make_orders(plan: ShopPlan, customers: Customers, products: Products, stores: Stores) -> OrderBook:
    """All orders of the history and of the business days."""
    rng = plan.rng("orders")
    ordered_at = _times(plan, rng)
    defect = _choose_defects(plan, rng, ordered_at)
    heads = _heads(plan, rng, ordered_at, defect, customers, stores)
    lines = _lines(rng, heads, products)
    book = OrderBook(
        plan,
        np.arange(len(ordered_at)) + _FIRST_ORDER_ID,
        heads.customer_id,
        heads.store_id,
        ordered_at,
        _timeline(plan, rng, heads),
        defect,
        lines,
        *_amounts(rng, heads, lines),
    )
    _note_occurrences(book)
    return book


def _times(plan: ShopPlan, rng: np.random.Generator) -> np.ndarray:
    """More on Saturdays and before Christmas, more at noon and in the evening, slowly growing."""
    days = np.arange(1 - HISTORY_DAYS, plan.days + 1)
    dates = [plan.date_of(int(day)) for day in days]
    weight = np.array([_WEEKDAYS[date.weekday()] * _MONTHS[date.month - 1] for date in dates])
    weight *= np.linspace(0.85, 1.15, len(days))
    steps = np.floor(np.cumsum(weight / weight.sum()) * plan.count(20_000) + 0.5)
    number = np.diff(steps, prepend=0).astype(np.int64)
    number = np.where(days >= 1, np.maximum(number, _LEAST_ORDERS_A_DAY), number)
    day_start = np.repeat(np.array([plan.start_of(int(day)) for day in days]), number)
    return np.sort(day_start + times_of_day(rng, len(day_start)))


def times_of_day(rng: np.random.Generator, number: int) -> np.ndarray:
    """Times after midnight: more at noon and in the evening, few at night."""
    hour = rng.choice(24, number, p=_HOURS / _HOURS.sum())
    moments: np.ndarray = hour * HOUR + rng.integers(0, HOUR, number)
    return moments


def _choose_defects(plan: ShopPlan, rng: np.random.Generator, ordered_at: np.ndarray) -> np.ndarray:
    defect = np.full(len(ordered_at), "", dtype="U20")
    for day in range(1, plan.days + 1):
        kinds = [kind for kind in _ORDER_KINDS for begun in days_of(kind, plan) if begun == day]
        first, last = np.searchsorted(ordered_at, [plan.start_of(day), plan.end_of(day)])
        defect[rng.choice(np.arange(first, last), len(kinds), replace=False)] = kinds
    return defect


def _heads(
    plan: ShopPlan,
    rng: np.random.Generator,
    ordered_at: np.ndarray,
    defect: np.ndarray,
    customers: Customers,
    stores: Stores,
) -> _Heads:
    number = len(ordered_at)
    weight = np.minimum(rng.pareto(1.3, len(customers.registered_at)) + 0.05, 60)
    customer = 1 + draw_known(rng, weight, customers.registered_at, ordered_at)
    _replace_early(plan, customer, ordered_at, defect, customers)
    country = customers.country[customer - 1]
    store = stores.in_country(country, rng.random(number))
    in_store = (rng.random(number) < 0.35) & (store > 0)
    in_store = (in_store | np.isin(defect, _TILL_KINDS)) & ~np.isin(defect, _WEB_KINDS)
    guest = rng.random(number) < np.where(in_store, 0.35, 0.08)
    away = (ordered_at >= customers.absent_from[customer - 1]) & (
        ordered_at < customers.absent_to[customer - 1]
    )
    guest = (guest & (defect != "early_order")) | away
    # A till of a country without a store is that of store 1.
    return _Heads(
        ordered_at, np.where(guest, 0, customer), np.where(in_store, np.maximum(store, 1), 0), country, defect
    )


def draw_known(rng: np.random.Generator, weight: np.ndarray, since: np.ndarray, at: np.ndarray) -> np.ndarray:
    """For each instant a position among those that are there by then, as likely as their weights say."""
    reach = np.concatenate([[0.0], np.cumsum(weight)])
    there = np.searchsorted(since, at, side="right")
    drawn = np.searchsorted(reach[1:], rng.random(len(at)) * reach[there], side="right")
    position: np.ndarray = np.minimum(drawn, there - 1)
    return position


def _replace_early(
    plan: ShopPlan, customer: np.ndarray, ordered_at: np.ndarray, defect: np.ndarray, customers: Customers
) -> None:
    """Give the early orders to customers who register on the day after."""
    early = np.flatnonzero(defect == "early_order")
    day = (ordered_at[early] - plan.opening) // DAY + 1
    for value in np.unique(day):
        orders = early[day == value]
        customer[orders] = customers.new_on(plan, int(value) + 1)[: len(orders)]


def _lines(rng: np.random.Generator, heads: _Heads, products: Products) -> Lines:
    size = rng.choice(len(_BASKET), len(heads.ordered_at), p=_BASKET) + 1
    size = np.where(heads.has(*_MANY_LINES_KINDS), np.maximum(size, 2), size)
    order = np.repeat(np.arange(len(size)), size)
    start = np.cumsum(size) - size
    rank = rng.permutation(len(products.listed_at)) + 1.0
    product = 1 + draw_known(rng, rank**-0.8, products.listed_at, heads.ordered_at[order])
    price = products.prices.sold_at(product, heads.ordered_at[order])
    quantity = rng.choice(len(_QUANTITIES), len(order), p=_QUANTITIES) + 1
    for position in np.flatnonzero(heads.has("negative_quantity")):
        cheapest = start[position] + np.argmin(price[start[position] : start[position] + size[position]])
        quantity[cheapest] = -1
    percent = np.where(rng.random(len(order)) < 0.15, rng.choice(_LINE_DISCOUNTS, len(order)), 0)
    percent = np.where(quantity < 0, 0, percent)
    new_quantity = quantity.copy()
    new_quantity[start[heads.has("removed_line")]] = 0
    new_quantity[start[heads.has("corrected_quantity")]] += 1
    unknown = start[heads.has("unknown_product")]
    product[unknown] = UNKNOWN_PRODUCT_ID + np.arange(len(unknown))
    rows = np.sort(np.concatenate([np.arange(len(order)), start[heads.has("duplicate_line")]]))
    again = np.concatenate([[False], rows[1:] == rows[:-1]])
    return Lines(
        order[rows],
        (np.arange(len(order)) - start[order] + 1)[rows],
        product[rows],
        price[rows],
        quantity[rows],
        _percent(price * quantity, percent)[rows],
        new_quantity[rows],
        _percent(price * new_quantity, percent)[rows],
        again,
    )


def _amounts(rng: np.random.Generator, heads: _Heads, lines: Lines) -> tuple[Amounts, Amounts]:
    """Amounts of the orders before and after the correction of their lines."""
    number = len(heads.ordered_at)
    tax_bp = np.array([words["tax_bp"] for words in word_list("people")["countries"].values()])[heads.country]
    net, new_net = (
        _per_order(
            np.where(lines.is_duplicate, 0, quantity * lines.unit_price - discount), lines.order, number
        )
        for quantity, discount in ((lines.quantity, lines.discount), (lines.new_quantity, lines.new_discount))
    )
    coupon = (rng.random(number) < 0.06) & (heads.defect == "")
    discount = np.where(coupon, _percent(net, np.full(number, 10)), 0)
    fee = np.array([495, 795, 1250])[rng.choice(3, number, p=[0.7, 0.2, 0.1])]
    shipping = np.where((heads.store_id > 0) | (net >= 7_500), 0, fee)
    wrong = np.where(heads.has("total_mismatch"), rng.integers(100, 5_000, number), 0)
    taxes = [(((amount - discount) * tax_bp) + 5_000) // 10_000 for amount in (net, new_net)]
    totals = [
        amount - discount + tax + shipping + wrong for amount, tax in zip((net, new_net), taxes, strict=True)
    ]
    before, after = (
        Amounts(discount, tax, shipping, total) for tax, total in zip(taxes, totals, strict=True)
    )
    return before, after


def _percent(cents: np.ndarray, percent: np.ndarray) -> np.ndarray:
    """Per cent of an amount, rounded half up to the cent."""
    share: np.ndarray = (cents * percent + 50) // 100
    return share


def _per_order(cents: np.ndarray, order: np.ndarray, number: int) -> np.ndarray:
    """Sums per order, exact."""
    total = np.zeros(number, dtype=np.int64)
    np.add.at(total, order, cents)
    return total


def _timeline(plan: ShopPlan, rng: np.random.Generator, heads: _Heads) -> Timeline:
    """Orders on the web are paid, shipped and delivered; those in stores are delivered at once."""
    number = len(heads.ordered_at)
    u = rng.random((6, number))
    till = heads.store_id > 0
    sound = heads.defect == ""
    next_day = plan.opening + ((heads.ordered_at - plan.opening) // DAY + 1) * DAY
    arrived = np.where(heads.has("late_order"), next_day + _span(u[5], 5, 8), heads.ordered_at)
    paid = arrived + 20 * SECOND + (u[0] ** 6 * 20 * HOUR).astype(np.int64)
    shipped = paid + _span(u[1], 8, 48)
    delivered = shipped + _span(u[2], 20, 96)
    cancels = ~till & sound & (u[3] < 0.03)
    returns = ~cancels & sound & (u[3] > 0.975)
    returned = np.where(till, arrived, delivered) + _span(u[4], 60, 300)
    corrected = np.where(
        heads.has("removed_line", "corrected_quantity"), next_day + _span(u[5], 7, 22), NEVER
    )
    return Timeline(
        arrived,
        np.where(till, NEVER, paid),
        np.where(till | cancels, NEVER, shipped),
        np.where(till | cancels, NEVER, delivered),
        np.where(cancels, paid + _span(u[1], 1, 30), NEVER),
        np.where(returns, returned, NEVER),
        corrected,
    )


def _span(u: np.ndarray, low_hours: int, high_hours: int) -> np.ndarray:
    return ((low_hours + u * (high_hours - low_hours)) * HOUR).astype(np.int64)


def _note_occurrences(book: OrderBook) -> None:
    for kind in _ORDER_KINDS:
        for position in book.with_defect(kind):
            day = int((book.ordered_at[position] - book.plan.opening) // DAY + 1 + (kind in _NEXT_DAY_KINDS))
            order_id = int(book.order_id[position])
            line = _line_of(book, kind, int(position))
            table = "orders" if line is None else "order_items"
            book.occurrences.append(
                Occurrence(kind, day, table, (order_id,) if line is None else (order_id, line))
            )


def _line_of(book: OrderBook, kind: Kind, position: int) -> int | None:
    """Number of the line that a defect of lines is about."""
    first, last = np.searchsorted(book.lines.order, [position, position + 1])
    if kind == "negative_quantity":
        return int(book.lines.line_number[first + np.argmin(book.lines.quantity[first:last])])
    return 1 if kind in ("unknown_product", "duplicate_line", "removed_line", "corrected_quantity") else None
