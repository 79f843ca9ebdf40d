"""What the shop sells: brands, categories, products and what happens to their prices."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import numpy as np

from demo import people
from demo.defects import Kind, Occurrence, days_of, happens_to
from demo.people import Draws, pick
from demo.plan import DAY, HOUR, ShopPlan, instant_of, naive
from demo.prices import PriceList
from demo.row_log import RowLog
from demo.tables import Row
from demo.words import plain_letters, word_list

# No price changes so shortly before the opening, so that a price recorded late falls after all known ones.
_PRICES_AT_REST = 12 * DAY


@dataclass
class Products:
    """All products of a shop; ``listed_at`` holds one instant per product_id, ascending, product 1 first."""

    log: RowLog
    prices: PriceList
    brands: RowLog
    categories: RowLog
    listed_at: np.ndarray
    occurrences: list[Occurrence] = field(default_factory=list)


def make_products(plan: ShopPlan) -> Products:
    """All products with all that happens to them and to their prices."""
    rng = plan.rng("products")
    listed = _listings(plan, rng)
    brands, categories = _brands(), _categories()
    shares = np.array(
        [words["share"] for words in word_list("catalogue")["categories"].values()], dtype=float
    )
    category = rng.choice(list(word_list("catalogue")["categories"]), len(listed), p=shares / shares.sum())
    prices = PriceList()
    rows = []
    for number, u in enumerate(people.draws(rng, len(listed))):
        at = int(listed[number])
        rows.append(_product(number + 1, str(category[number]), at, u))
        _price_history(plan, prices, number + 1, str(category[number]), at, u)
    known = int(np.searchsorted(listed, plan.opening))
    products = Products(RowLog("products", rows[:known]), prices, brands, categories, listed)
    for row in rows[known:]:
        products.log.put((instant_of(row["updated_at"]) - plan.opening) // DAY + 1, row)
    _Stories(plan, products).tell()
    return products


def _listings(plan: ShopPlan, rng: np.random.Generator) -> np.ndarray:
    """Nine in ten were listed before the first order of the history; some are new each business day."""
    per_day = plan.count(1)
    opening = plan.count(300, 40) - per_day * plan.days
    older = int(opening * 0.9)
    return np.sort(
        np.concatenate(
            [
                rng.integers(plan.history_start - 600 * DAY, plan.history_start, older),
                rng.integers(plan.history_start, plan.opening - _PRICES_AT_REST, opening - older),
                *(
                    rng.integers(plan.start_of(d) + HOUR, plan.end_of(d) - HOUR, per_day)
                    for d in range(1, plan.days + 1)
                ),
            ]
        )
    )


def _brands() -> RowLog:
    words = word_list("catalogue")["brands"]
    columns = ("brand_name", "brand_description", "country_of_origin")
    return RowLog("brands", [dict(zip(columns, (name, *rest), strict=True)) for name, rest in words.items()])


def _categories() -> RowLog:
    words = word_list("catalogue")["categories"]
    rows = [
        {
            "category_name": name,
            "category_description": entry["description"],
            "department": entry["department"],
        }
        for name, entry in words.items()
    ]
    return RowLog("categories", rows)


def _product(product_id: int, category: str, listed_at: int, u: Draws) -> Row:
    words = word_list("catalogue")
    entry = words["categories"][category]
    brand, item, quality = (
        pick(list(words["brands"]), next(u)),
        pick(entry["items"], next(u)),
        pick(words["qualities"], next(u)),
    )
    light, heavy = entry["kg"]
    described = next(u)
    return {
        "product_id": product_id,
        "product_name": f"{quality} {item}" if described < 0.97 else f" {quality}  {item} ",
        "product_description": None
        if described < 0.1
        else f'{item} by {brand}; "{quality}".\n\t{entry["description"] or category}',
        "sku": f"{plain_letters(category)[:3].upper()}-{product_id:06d}",
        "brand": brand,
        "category": category,
        "subcategory": item,
        "product_line": pick(entry["lines"], next(u)),
        "size": pick(entry["sizes"], next(u)),
        "color": pick(words["colors"], next(u)),
        "weight": None
        if described > 0.95
        else Decimal(int(1000 * (light + (heavy - light) * next(u)))).scaleb(-3),
        "supplier_name": pick(words["suppliers"], next(u)),
        "is_active": described < 0.93,
        "updated_at": naive(listed_at),
    }


def _price_history(
    plan: ShopPlan, prices: PriceList, product_id: int, category: str, listed_at: int, u: Draws
) -> None:
    """The first price, from the instant of listing, and none to two rises within the history."""
    entry = word_list("catalogue")["categories"][category]
    low, high = entry["price"]
    price = _tidy(int(100 * low * (high / low) ** next(u)), next(u))
    cost = int(price * entry["cost_pct"] / 100 * (0.9 + 0.2 * next(u)))
    prices.add(product_id, listed_at, cost, price)
    begin, end = max(listed_at + DAY, plan.history_start), plan.opening - _PRICES_AT_REST
    for step in range(pick((0, 0, 1, 1, 2), next(u)) if begin + 40 * DAY < end else 0):
        half = (end - begin) // 2
        cost, price = _rise(cost, price, next(u))
        # Each rise in its own half of the history and at least a day apart from the other.
        prices.add(product_id, begin + step * half + int(next(u) * (half - DAY)), cost, price)


def _tidy(cents: int, u: float) -> int:
    """A price with an ending that shops like."""
    return max(cents // 100, 1) * 100 + pick((99, 95, 49, 0, 90), u)


def _rise(cost: int, price: int, u: float) -> tuple[int, int]:
    """A higher cost and a higher list price, never one that was there before."""
    return cost + max(1, int(cost * (0.01 + 0.06 * u))), price + max(10, int(price * (0.02 + 0.08 * u)))


class _Stories:
    """Tells what happens to the products; each story has a product of its own."""

    def __init__(self, plan: ShopPlan, products: Products) -> None:
        self._plan = plan
        self._products = products
        self._prices = products.prices
        self._rng = plan.rng("product stories")
        settled = np.searchsorted(products.listed_at, plan.opening - _PRICES_AT_REST)
        self._free = [int(key) for key in self._rng.permutation(np.arange(settled) + 1)]

    def tell(self) -> None:
        """Tell the special stories, then the everyday ones of the products that are left."""
        self._each("late_change", self._late_change)
        self._each("change_back", self._change_back)
        self._each("two_changes_in_a_day", self._two_changes)
        self._each("product_regrouped", self._regroup)
        for day in range(1, self._plan.days + 1):
            self._everyday(day)
        if self._plan.days > 2:
            self._products.brands.change(3, "Volt", brand_description="Power tools")
            self._products.categories.change(3, "Watches", department="Jewellery")

    def _each(self, kind: Kind, story: Callable[[int, int, int], int | None]) -> None:
        for number, day in enumerate(days_of(kind, self._plan)):
            if not happens_to(kind, number, "products"):
                continue
            key = self._free.pop()
            table = "products" if kind == "product_regrouped" else "product_prices"
            last_day = story(number, day, key)
            self._products.occurrences.append(Occurrence(kind, last_day or day, table, (key,)))

    def _late_change(self, _number: int, day: int, key: int) -> None:
        """The supplier's letter comes days after its prices began to hold."""
        at = self._moment(day)
        cost, price = _rise(*self._prices.latest(key), self._rng.random())
        self._prices.add(key, at - int(self._rng.integers(2 * DAY, 7 * DAY)), cost, price, recorded_at=at)

    def _change_back(self, _number: int, day: int, key: int) -> int:
        """A special offer that ends."""
        cost, price = self._prices.latest(key)
        back = int(self._rng.integers(day + 1, self._plan.days + 1))
        self._prices.add(key, self._moment(day), cost, price * 85 // 100)
        self._prices.add(key, self._moment(back), cost, price)
        return back

    def _two_changes(self, _number: int, day: int, key: int) -> None:
        """A rise and, hours later, a correction of it."""
        at = self._plan.start_of(day) + int(self._rng.integers(7 * HOUR, 11 * HOUR))
        for later in (0, int(self._rng.integers(3 * HOUR, 9 * HOUR))):
            self._prices.add(key, at + later, *_rise(*self._prices.latest(key), self._rng.random()))

    def _regroup(self, number: int, day: int, key: int) -> None:
        column, words = (("brand", "brands"), ("category", "categories"))[number % 2]
        before = self._products.log.row(key)[column]
        options: list[Any] = [name for name in word_list("catalogue")[words] if name != before]
        value = pick(options, self._rng.random())
        self._products.log.change(day, key, **{column: value}, updated_at=naive(self._moment(day)))

    def _everyday(self, day: int) -> None:
        """Some prices rise, some products get another text or leave the range."""
        rises, texts = self._plan.count(3), self._plan.count(2)
        keys = self._rng.choice(self._free, rises + texts, replace=False).tolist()
        for key in keys[:rises]:
            self._prices.add(key, self._moment(day), *_rise(*self._prices.latest(key), self._rng.random()))
        if day == 1:
            return  # a row that was never read before keeps its listing as its only time of change
        for key in keys[rises:]:
            left = self._rng.random() < 0.3
            change: Row = (
                {"is_active": False}
                if left
                else {"product_description": f"New in {self._plan.date_of(day):%B}"}
            )
            self._products.log.change(day, key, **change, updated_at=naive(self._moment(day)))

    def _moment(self, day: int) -> int:
        return self._plan.start_of(day) + int(self._rng.integers(6 * HOUR, 22 * HOUR))
