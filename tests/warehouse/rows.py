"""Rows of the shop for stories: whole by default, so that a test names only what it is about."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

Row = dict[str, Any]


def at(text: str) -> datetime:
    """An instant in UTC, such as ``at("2026-05-01 10:00")``."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def cursor_of(instant: datetime) -> str:
    """The cursor text of an instant."""
    return instant.strftime("%Y-%m-%d %H:%M:%S.%f")


def customer(customer_id: int | None, updated_at: str, **values: Any) -> Row:
    """A customer as of a time."""
    row = {"customer_id": customer_id, "city": "Lyon", "is_active": True, "updated_at": at(updated_at)}
    return {**row, "_cursor": cursor_of(at(updated_at)), **values}


def product(product_id: int, updated_at: str, **values: Any) -> Row:
    """A product as of a time."""
    row = {
        "product_id": product_id,
        "product_name": "Lamp",
        "brand": "Ark",
        "category": "Light",
        "is_active": True,
    }
    return {**row, "updated_at": at(updated_at), "_cursor": cursor_of(at(updated_at)), **values}


def price(
    price_id: int, product_id: int, valid_from: str, cost: str, recorded_at: str = "2026-05-31 12:00"
) -> Row:
    """An entry of the price list: list price is twice the cost."""
    return {
        "price_id": price_id,
        "product_id": product_id,
        "valid_from": at(valid_from),
        "unit_cost": Decimal(cost),
        "list_price": Decimal(cost) * 2,
        "recorded_at": at(recorded_at),
        "_cursor": cursor_of(at(recorded_at)),
    }


def order(order_id: int, ordered_at: str, **values: Any) -> Row:
    """An order of customer 1 on the web, without order-level amounts."""
    zero = Decimal("0.00")
    row = {
        "order_id": order_id,
        "customer_id": 1,
        "store_id": None,
        "ordered_at": at(ordered_at),
        "order_status": "paid",
    }
    amounts = dict.fromkeys(("discount_amount", "tax_amount", "shipping_amount", "total_amount"), zero)
    return {**row, **amounts, "updated_at": at(ordered_at), "_cursor": cursor_of(at(ordered_at)), **values}


def line(order_id: int, line_number: int | None, unit_price: str = "10.00", **values: Any) -> Row:
    """One unit of product 1 on an order."""
    return {
        "order_item_id": order_id * 100 + (line_number or 0),
        "order_id": order_id,
        "line_number": line_number,
        "product_id": 1,
        "quantity": 1,
        "unit_price": Decimal(unit_price),
        "discount_amount": Decimal("0.00"),
        "order_updated_at": at("2026-05-01 00:00"),
        "_cursor": "2026-05-01 00:00:00.000000",
        **values,
    }
