"""All orders of the shop as columns, and what the shop's database knows of them at the end of each day."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa

from demo.defects import Kind, Occurrence
from demo.plan import NEVER, ShopPlan
from demo.tables import SCHEMAS, Changes, decimals, instants

PLACED, PAID, SHIPPED, DELIVERED, CANCELLED, RETURNED = range(6)
# The tills of the stores write in another way than the shop on the web.
_WEB_STATUS = np.array(["placed", "paid", "shipped", "delivered", "cancelled", "returned"])
_TILL_STATUS = np.array(["Placed", "Paid", "Shipped", "Delivered", "CANCELLED", "Returned"])


@dataclass
class Timeline:
    """When each order went through its states; NEVER where it does not.

    Attributes:
        arrived_at: When the shop's database learnt of the order, mostly when it was placed.
        corrected_at: When its lines were corrected.
    """

    arrived_at: np.ndarray
    paid_at: np.ndarray
    shipped_at: np.ndarray
    delivered_at: np.ndarray
    cancelled_at: np.ndarray
    returned_at: np.ndarray
    corrected_at: np.ndarray

    def at(self, instant: int, orders: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Status and time of the last change of some orders, shortly before ``instant``."""
        updated = self.arrived_at[orders]
        status = np.where(self.paid_at[orders] == NEVER, DELIVERED, PLACED)
        steps = (self.paid_at, self.shipped_at, self.delivered_at, self.cancelled_at, self.returned_at)
        for code, times in enumerate(steps, start=PAID):
            reached = times[orders] < instant
            status = np.where(reached, code, status)
            updated = np.where(reached, times[orders], updated)
        corrected = self.corrected_at[orders]
        return status, np.where(corrected < instant, np.maximum(updated, corrected), updated)


@dataclass
class Amounts:
    """Amounts of all orders in cents; ``total`` is what stands in the order, right or wrong."""

    discount: np.ndarray
    tax: np.ndarray
    shipping: np.ndarray
    total: np.ndarray


@dataclass
class Lines:
    """All order lines; ``order`` is the position of the line's order, ascending.

    Attributes:
        quantity, discount: As first recorded; the discount in cents.
        new_quantity, new_discount: After the order's correction; quantity 0 means removed.
        is_duplicate: A second row for the same line.
    """

    order: np.ndarray
    line_number: np.ndarray
    product_id: np.ndarray
    unit_price: np.ndarray
    quantity: np.ndarray
    discount: np.ndarray
    new_quantity: np.ndarray
    new_discount: np.ndarray
    is_duplicate: np.ndarray


@dataclass
class OrderBook:
    """All orders of a shop, in the order of their time.

    Attributes:
        customer_id, store_id: 0 for a guest and for an order on the web.
        defect: Kind of the order's only defect, "" for none.
        first, corrected: Amounts before and after the correction of the order's lines.
    """

    plan: ShopPlan
    order_id: np.ndarray
    customer_id: np.ndarray
    store_id: np.ndarray
    ordered_at: np.ndarray
    timeline: Timeline
    defect: np.ndarray
    lines: Lines
    first: Amounts
    corrected: Amounts
    occurrences: list[Occurrence] = field(default_factory=list)

    def with_defect(self, kind: Kind) -> np.ndarray:
        """Positions of the orders with this defect."""
        return np.flatnonzero(self.defect == kind)

    def known(self, day: int) -> np.ndarray:
        """Positions of the orders that the database knows at the end of ``day``."""
        return np.flatnonzero(self.timeline.arrived_at < self.plan.end_of(day))

    def is_corrected(self, day: int) -> np.ndarray:
        """For each order whether its lines stand corrected at the end of ``day``."""
        return self.timeline.corrected_at < self.plan.end_of(day)

    def line_state(self, day: int) -> tuple[np.ndarray, np.ndarray]:
        """Quantity and discount of every line at the end of ``day``; quantity 0 means removed."""
        corrected = self.is_corrected(day)[self.lines.order]
        return (
            np.where(corrected, self.lines.new_quantity, self.lines.quantity),
            np.where(corrected, self.lines.new_discount, self.lines.discount),
        )

    def amounts(self, day: int, orders: np.ndarray) -> Amounts:
        """Amounts of some orders at the end of ``day``."""
        corrected = self.is_corrected(day)[orders]
        pairs = (
            (getattr(self.first, name), getattr(self.corrected, name))
            for name in ("discount", "tax", "shipping", "total")
        )
        return Amounts(*(np.where(corrected, after[orders], before[orders]) for before, after in pairs))

    def opening(self) -> list[Changes]:
        """All orders and lines from before the first business day."""
        orders = self.known(0)
        return [
            Changes("orders", inserted=self._orders(0, orders)),
            Changes("order_items", inserted=self._items(0, orders)),
        ]

    def changes(self, day: int) -> list[Changes]:
        """What ``day`` does to orders and lines."""
        before = self.known(day - 1)
        new = np.setdiff1d(self.known(day), before, assume_unique=True)
        moved = before[self._updated(day, before) != self._updated(day - 1, before)]
        at = self.timeline.corrected_at
        lines = np.flatnonzero(
            ((at >= self.plan.start_of(day)) & (at < self.plan.end_of(day)))[self.lines.order]
        )
        removed = self.lines.new_quantity[lines] == 0
        changed = self.lines.new_quantity[lines] != self.lines.quantity[lines]
        return [
            Changes("orders", self._orders(day, new), self._orders(day, moved)),
            Changes(
                "order_items",
                self._items(day, new),
                self._item_rows(day, lines[changed & ~removed]),
                self._item_rows(day, lines[removed]).select(["order_item_id"]),
            ),
        ]

    def _updated(self, day: int, orders: np.ndarray) -> np.ndarray:
        return self.timeline.at(self.plan.end_of(day), orders)[1]

    def _orders(self, day: int, orders: np.ndarray) -> pa.Table:
        status, updated = self.timeline.at(self.plan.end_of(day), orders)
        amounts = self.amounts(day, orders)
        store, customer, order_id = self.store_id[orders], self.customer_id[orders], self.order_id[orders]
        # Old tills leave a discount of nothing empty.
        no_discount = (amounts.discount == 0) & (order_id % 29 == 0)
        schema = SCHEMAS["orders"]
        kind = schema.field("total_amount").type
        columns = [
            pa.array(order_id),
            pa.array(customer, mask=customer == 0),
            pa.array(store, mask=store == 0),
            instants(self.ordered_at[orders]),
            pa.array(
                np.where(store == 0, _WEB_STATUS[status], _TILL_STATUS[status]).astype(object),
                type=pa.string(),
            ),
            _masked(decimals(amounts.discount, kind), no_discount),
            decimals(amounts.tax, kind),
            decimals(amounts.shipping, kind),
            decimals(amounts.total, kind),
            instants(updated),
        ]
        return pa.table(columns, schema=schema)

    def _items(self, day: int, orders: np.ndarray) -> pa.Table:
        chosen = np.zeros(len(self.order_id), dtype=bool)
        chosen[orders] = True
        return self._item_rows(day, np.flatnonzero(chosen[self.lines.order]))

    def _item_rows(self, day: int, lines: np.ndarray) -> pa.Table:
        quantity, discount = (values[lines] for values in self.line_state(day))
        no_discount = (discount == 0) & (lines % 31 == 0)
        schema = SCHEMAS["order_items"]
        kind = schema.field("unit_price").type
        columns = [
            pa.array(lines + 1),
            pa.array(self.order_id[self.lines.order[lines]]),
            pa.array(self.lines.line_number[lines].astype(np.int32)),
            pa.array(self.lines.product_id[lines]),
            pa.array(quantity.astype(np.int32)),
            decimals(self.lines.unit_price[lines], kind),
            _masked(decimals(discount, kind), no_discount),
        ]
        return pa.table(columns, schema=schema)


def _masked(values: pa.Array, is_null: np.ndarray) -> pa.Array:
    return pa.compute.if_else(pa.array(is_null), pa.scalar(None, values.type), values)
