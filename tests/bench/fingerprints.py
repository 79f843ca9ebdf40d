"""Whether two tables hold equal rows: their number and a sum of hashes over all columns, whatever the order.

Both servers write each row as the same text, so that a copy is held against its source and not against
another copy.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import cast

from tests.bench.world import BenchWorld

Fingerprint = tuple[int, int]

# What `sql/copied.sql` makes. Decimals have two digits, so that a hundredfold is whole; times have six.
COLUMNS: Mapping[str, Mapping[str, str]] = {
    "orders": {
        "order_id": "integer",
        "customer_id": "integer",
        "store_id": "integer",
        "ordered_at": "time",
        "status": "text",
        "discount_amount": "decimal",
        "tax_amount": "decimal",
        "shipping_amount": "decimal",
        "total_amount": "decimal",
        "updated_at": "time",
    },
    "order_items": {
        "order_item_id": "integer",
        "order_id": "integer",
        "line_number": "integer",
        "product_id": "integer",
        "quantity": "integer",
        "unit_price": "decimal",
        "discount_amount": "decimal",
        "note": "text",
        "updated_at": "time",
    },
}
_MYSQL = {
    "integer": "{}",
    "text": "{}",
    "decimal": "cast({} * 100 as decimal(20, 0))",
    "time": "date_format({}, '%Y-%m-%d %H:%i:%s.%f')",
}
_POSTGRESQL = {
    "integer": "{}::text",
    "text": "{}",
    "decimal": "trim_scale({} * 100)::text",
    "time": "to_char({}, 'YYYY-MM-DD HH24:MI:SS.US')",
}


def source_fingerprint(world: BenchWorld, database: str, table: str) -> Fingerprint:
    """Of a table of the shop."""
    hashed = f"cast(conv(left(md5({_row_text(table, _MYSQL)}), 15), 16, 10) as unsigned)"
    rows = world.query_mysql(f"select count(*), sum({hashed}) from {table}", database=database)
    return _whole(rows[0])


def fingerprint(world: BenchWorld, database: str, table: str, relation: str) -> Fingerprint:
    """Of a copy of a table in the warehouse's server."""
    hashed = f"('x' || left(md5({_row_text(table, _POSTGRESQL)}), 15))::bit(60)::bigint"
    return _whole(world.query(database, f"select count(*), sum({hashed}::numeric) from {relation}")[0])


def _row_text(table: str, forms: Mapping[str, str]) -> str:
    shown = [f"coalesce({forms[kind].format(name)}, '∅')" for name, kind in COLUMNS[table].items()]
    return f"concat_ws('|', {', '.join(shown)})"


def _whole(row: tuple[object, ...]) -> Fingerprint:
    count, total = row
    return int(cast("int", count)), round(cast("float", total or 0))
