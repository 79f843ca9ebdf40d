"""The shop's price list: rows are added, also for times past, and never changed."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from demo.plan import DAY
from demo.tables import SCHEMAS, decimals, instants

_FIRST_PRICE_ID = 1_001
_OLDEST = -10_000 * DAY


class PriceList:
    """The append-only price list; instants in microseconds, amounts in cents."""

    def __init__(self) -> None:
        self._rows: list[tuple[int, int, int, int, int]] = []
        self._latest: dict[int, tuple[int, int]] = {}

    def add(
        self, product_id: int, valid_from: int, cost: int, price: int, recorded_at: int | None = None
    ) -> None:
        """Record a price; without ``recorded_at`` the shop learns of it when it begins to hold."""
        at = valid_from if recorded_at is None else recorded_at
        self._rows.append((at, product_id, valid_from, cost, price))
        self._latest[product_id] = (cost, price)

    def latest(self, product_id: int) -> tuple[int, int]:
        """Cost and price that were added last for the product."""
        return self._latest[product_id]

    def columns(self) -> tuple[np.ndarray, ...]:
        """Columns recorded_at, product_id, valid_from, cost, price, in the order of recording."""
        return tuple(np.array(sorted(self._rows), dtype=np.int64).T)

    def rows(self, low: int, high: int) -> pa.Table:
        """The rows of ``product_prices`` recorded in [low, high)."""
        recorded, product, valid_from, cost, price = self.columns()
        first, last = np.searchsorted(recorded, [low, high])
        part = slice(first, last)
        schema = SCHEMAS["product_prices"]
        kind = schema.field("unit_cost").type
        return pa.table(
            [
                pa.array(np.arange(first, last) + _FIRST_PRICE_ID),
                pa.array(product[part]),
                instants(valid_from[part]),
                decimals(cost[part], kind),
                decimals(price[part], kind),
                instants(recorded[part]),
            ],
            schema=schema,
        )

    def sold_at(self, product_id: np.ndarray, instant: np.ndarray) -> np.ndarray:
        """List price in cents that the shop knew at each instant: what the customer was asked to pay."""
        recorded, product, valid_from, _, price = self.columns()
        order = np.lexsort((recorded, valid_from, product))
        # A late row holds from the moment it was recorded; no later row of its product exists then.
        start = np.maximum(recorded, valid_from)[order]
        codes = _sort_code(product[order], start)
        found = np.searchsorted(codes, _sort_code(product_id, instant), side="right") - 1
        return price[order][found]


def _sort_code(product_id: np.ndarray, instant: np.ndarray) -> np.ndarray:
    """One number that sorts by product, then by instant to the millisecond."""
    code: np.ndarray = product_id * 10**13 + (instant - _OLDEST) // 1000
    return code
