"""How much of each product lies in each store: less with each sale at its till, more with each delivery."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from demo.order_book import OrderBook
from demo.plan import HOUR, ShopPlan
from demo.products import Products
from demo.stores import Stores

# Hours of the day, in UTC, at which every store counts.
COUNTING_HOURS = (8, 12, 16, 20)
# What a store keeps of a large shop.
_MOST_PRODUCTS = 300
# The lorry brings each product every so many days.
_DELIVERY_DAYS = 4
_OUT_OF_STOCK = 0.3
_FIRST_DAY = 0


@dataclass(frozen=True)
class Stock:
    """Stock levels of the day before the first business day and of the business days.

    Attributes:
        on_hand: Pieces by [day, counting hour, store - 1, product - 1].
        reserved: Pieces put aside for customers, in the same order.
        reorder_point: Level at which a store orders anew, by [store - 1, product - 1].
        listed_at: When each of these products was listed; before, nobody counts it.
    """

    on_hand: np.ndarray
    reserved: np.ndarray
    reorder_point: np.ndarray
    listed_at: np.ndarray


def make_stock(plan: ShopPlan, products: Products, stores: Stores, orders: OrderBook) -> Stock:
    """The levels that the sales of the stores and the deliveries in the morning lead to."""
    rng = plan.rng("stock")
    listed = products.listed_at[:_MOST_PRODUCTS]
    shape = (len(list(stores.log)), len(listed))
    sold = _sold(plan, orders, shape)
    reorder_point = rng.integers(3, 16, shape)
    level = np.maximum(reorder_point + rng.integers(-4, 50, shape), 0)
    # What the suppliers cannot deliver these days has no turn.
    turn = np.where(rng.random(shape) < _OUT_OF_STOCK, -1, rng.integers(0, _DELIVERY_DAYS, shape))
    on_hand = np.empty((plan.days + 1, len(COUNTING_HOURS), *shape), dtype=np.int64)
    for day in range(_FIRST_DAY, plan.days + 1):
        whole_day = sold[day].sum(axis=0)
        comes = (level <= reorder_point) & (turn == day % _DELIVERY_DAYS)
        ordered = np.where(comes, reorder_point + 20, 0)
        # Nothing is sold that is not there: a store that will run out has its delivery that morning.
        level = np.maximum(level + ordered, whole_day)
        on_hand[day] = level - np.cumsum(sold[day, :-1], axis=0)
        level = level - whole_day
    return Stock(on_hand, np.minimum(rng.integers(0, 4, on_hand.shape), on_hand), reorder_point, listed)


def _sold(plan: ShopPlan, orders: OrderBook, shape: tuple[int, int]) -> np.ndarray:
    """Pieces sold by [day, hours up to each count and after the last, store - 1, product - 1]."""
    sold = np.zeros((plan.days + 1, len(COUNTING_HOURS) + 1, *shape), dtype=np.int64)
    lines = orders.lines
    at, store = orders.ordered_at[lines.order], orders.store_id[lines.order]
    is_sale = (store > 0) & (at >= plan.start_of(_FIRST_DAY)) & ~lines.is_duplicate
    is_sale &= (lines.quantity > 0) & (lines.product_id <= shape[1])
    since = at[is_sale] - plan.start_of(_FIRST_DAY)
    hour = np.searchsorted(np.array(COUNTING_HOURS) * HOUR, since % (24 * HOUR), side="left")
    place = (since // (24 * HOUR), hour, store[is_sale] - 1, lines.product_id[is_sale] - 1)
    np.add.at(sold, place, lines.quantity[is_sale])
    return sold
