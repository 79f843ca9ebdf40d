"""The shop's tables, with the columns that ``catalog/tables/shop`` reads under their names at the source."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

Row = dict[str, Any]
Key = int | str

_TEXT, _ID, _FLAG, _TIME = pa.string(), pa.int64(), pa.bool_(), pa.timestamp("us")
_PRICE, _AMOUNT = pa.decimal128(10, 2), pa.decimal128(12, 2)


def _texts(names: str) -> list[tuple[str, pa.DataType]]:
    return [(name, _TEXT) for name in names.split()]


SCHEMAS: dict[str, pa.Schema] = {
    "brands": pa.schema(_texts("brand_name brand_description country_of_origin")),
    "categories": pa.schema(_texts("category_name category_description department")),
    "stores": pa.schema(
        [
            ("store_id", _ID),
            *_texts("store_name store_type address_line1 address_line2 city state postal_code country"),
            *_texts("region district manager_name phone email"),
            ("opening_date", pa.date32()),
            ("store_size_sqft", pa.int32()),
            ("is_active", _FLAG),
            ("updated_at", _TIME),
        ]
    ),
    "customers": pa.schema(
        [
            ("customer_id", _ID),
            *_texts("first_name last_name email phone"),
            ("birth_date", pa.date32()),
            *_texts("gender address_line1 address_line2 city state postal_code country customer_segment"),
            ("registration_date", pa.date32()),
            ("is_active", _FLAG),
            ("updated_at", _TIME),
        ]
    ),
    "products": pa.schema(
        [
            ("product_id", _ID),
            *_texts(
                "product_name product_description sku brand category subcategory product_line size color"
            ),
            ("weight", pa.decimal128(8, 3)),
            ("supplier_name", _TEXT),
            ("is_active", _FLAG),
            ("updated_at", _TIME),
        ]
    ),
    "product_prices": pa.schema(
        [
            ("price_id", _ID),
            ("product_id", _ID),
            ("valid_from", _TIME),
            ("unit_cost", _PRICE),
            ("list_price", _PRICE),
            ("recorded_at", _TIME),
        ]
    ),
    "orders": pa.schema(
        [
            ("order_id", _ID),
            ("customer_id", _ID),
            ("store_id", _ID),
            ("order_date", _TIME),
            ("status", _TEXT),
            ("discount_amount", _AMOUNT),
            ("tax_amount", _AMOUNT),
            ("shipping_cost", _AMOUNT),
            ("total_amount", _AMOUNT),
            ("updated_at", _TIME),
        ]
    ),
    "order_items": pa.schema(
        [
            ("order_item_id", _ID),
            ("order_id", _ID),
            ("line_number", pa.int32()),
            ("product_id", _ID),
            ("quantity", pa.int32()),
            ("unit_price", _PRICE),
            ("discount_amount", _PRICE),
        ]
    ),
}
KEYS = {name: schema.names[0] for name, schema in SCHEMAS.items()}


@dataclass(frozen=True)
class Changes:
    """What one day does to one table; ``updated`` may hold fewer columns than the table, key first."""

    table: str
    inserted: pa.Table | None = None
    updated: pa.Table | None = None
    deleted: pa.Table | None = None


def decimals(units: np.ndarray, kind: pa.Decimal128Type) -> pa.Array:
    """Exact decimals from whole numbers of the last digit (cents for two decimals)."""
    words = np.empty((len(units), 2), dtype=np.int64)
    words[:, 0] = units
    words[:, 1] = units >> 63
    return pa.Array.from_buffers(kind, len(units), [None, pa.py_buffer(words)])


def instants(values: np.ndarray) -> pa.Array:
    """Timestamps without a zone from microseconds since 1970."""
    return pa.array(values, type=pa.int64()).cast(pa.timestamp("us"))
