"""Which pages a visit goes through, as columns over all visits."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from demo.order_book import Lines
from demo.products import Products
from demo.sales import draw_known
from demo.words import plain_letters, word_list

PAGE_TYPES = ("home", "category", "product", "cart", "checkout", "confirmation")
HOME, CATEGORY, PRODUCT, CART, CHECKOUT, CONFIRMATION = range(6)
# How far a visit goes.
BROWSE, TO_CART, TO_CHECKOUT, PURCHASE = range(4)
# Shares of the depths of visits that end without an order.
IDLE_DEPTHS = (0.83, 0.12, 0.05)

_TAIL_URLS = ("/cart", "/checkout", "/checkout/thanks")
_LANDINGS = (0.45, 0.2, 0.35)
_STEPS = (0.06, 0.34, 0.6)
_LONGEST = 12
_MOST_BOUGHT_PRODUCTS = 4


@dataclass
class PageViews:
    """All page views, those of a session together and in order; sessions ascending.

    Attributes:
        session: Position of the session.
        target: Product id of a product page, position of the category of a category page, else 0.
        seconds: Whole seconds on the page; those of a session's last page are not known to anybody.
        viewed_at: Instants; set when the sessions are placed in time.
    """

    session: np.ndarray
    page_type: np.ndarray
    target: np.ndarray
    seconds: np.ndarray
    viewed_at: np.ndarray

    def first_of_session(self) -> np.ndarray:
        """Position of the first page view of each session."""
        starts: np.ndarray = np.flatnonzero(np.diff(self.session, prepend=-1))
        return starts

    def count_of_session(self) -> np.ndarray:
        """Number of page views of each session."""
        return np.bincount(self.session)

    def url(self, position: int) -> str:
        """Path of the page."""
        kind, target = int(self.page_type[position]), int(self.target[position])
        if kind >= CART:
            return _TAIL_URLS[kind - CART]
        return {HOME: "/", PRODUCT: f"/p/{target}"}.get(kind) or f"/c/{_category_slug(target)}"


def make_page_views(
    rng: np.random.Generator, depth: np.ndarray, order: np.ndarray, lines: Lines, products: Products
) -> PageViews:
    """The pages of visits of given depths; ``order`` is the position of each visit's order or -1.

    A visit begins with pages of browsing; one that goes further has looked at a product just before,
    and one that buys at the products that it buys.
    """
    bought, counts = _bought(order, lines, len(products.listed_at))
    browsing = np.minimum(rng.geometric(0.28, len(depth)), _LONGEST) + np.maximum(counts - 1, 0)
    browsing = np.where(depth > BROWSE, np.maximum(browsing, counts + 1), browsing)
    size = browsing + depth
    session = np.repeat(np.arange(len(depth)), size)
    number = np.arange(len(session)) - np.repeat(np.cumsum(size) - size, size)
    step = number - browsing[session]  # 0 for the first page behind the browsing
    page_type = np.where(step >= 0, CART + step, _browsing_types(rng, number))
    needed = np.where(depth > BROWSE, np.maximum(counts, 1), 0)[session]
    page_type = np.where((step < 0) & (step >= -needed), PRODUCT, page_type)
    target = _targets(rng, page_type, products)
    is_bought = (step < 0) & (step >= -counts[session])
    target[is_bought] = bought
    seconds = np.minimum(rng.lognormal(3.3, 0.9, len(session)), 600).astype(np.int64) + 1
    return PageViews(session, page_type, target, seconds, np.zeros(len(session), dtype=np.int64))


def _bought(order: np.ndarray, lines: Lines, known_products: int) -> tuple[np.ndarray, np.ndarray]:
    """Products of the visits' orders, visit by visit, and how many each visit has of them."""
    visit_of_order = np.full(int(lines.order[-1]) + 1, -1)
    visit_of_order[order[order >= 0]] = np.flatnonzero(order >= 0)
    is_shown = (visit_of_order[lines.order] >= 0) & ~lines.is_duplicate
    is_shown &= (lines.product_id <= known_products) & (lines.line_number <= _MOST_BOUGHT_PRODUCTS)
    visit = visit_of_order[lines.order[is_shown]]
    sequence = np.argsort(visit, kind="stable")
    return lines.product_id[is_shown][sequence], np.bincount(visit, minlength=len(order))


def _browsing_types(rng: np.random.Generator, number: np.ndarray) -> np.ndarray:
    landing, step = (rng.choice(3, len(number), p=shares) for shares in (_LANDINGS, _STEPS))
    types: np.ndarray = np.where(number == 0, landing, step)
    return types


def _targets(rng: np.random.Generator, page_type: np.ndarray, products: Products) -> np.ndarray:
    """A product that has been listed for long, or a category; popular products more often."""
    settled = np.full(len(page_type), products.listed_at[len(products.listed_at) * 9 // 10])
    rank = rng.permutation(len(products.listed_at)) + 1.0
    product = 1 + draw_known(rng, rank**-0.8, products.listed_at, settled)
    category = rng.integers(0, len(word_list("catalogue")["categories"]), len(page_type))
    return np.where(page_type == PRODUCT, product, np.where(page_type == CATEGORY, category, 0))


def _category_slug(position: int) -> str:
    return plain_letters(list(word_list("catalogue")["categories"])[position])
