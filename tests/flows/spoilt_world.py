"""A sound shop in which a test spoils rows: of the database, of the web analytics and of dropped files."""

from __future__ import annotations

import io
import os
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from threading import Thread
from typing import Any

import psycopg2
from openpyxl import load_workbook
from psycopg2 import sql

from demo.defects import Kind
from demo.drop.counts import Count, CountFile, Form
from demo.drop.forms import content_of
from demo.places import Places
from demo.plan import HOUR, SECOND, ShopPlan
from demo.web.records import Record, Span, WebRecords
from demo.web.server import AnalyticsServer, Limits
from etl.settings import Settings
from tests.flows.world import FlowWorld, execute

Row = dict[str, Any]
PLAN = ShopPlan(scale=0.2, days=1)
SOUND_SESSIONS = 150
STOCKED = 10
PURCHASE = {
    "product_id": 1,
    "quantity": 2,
    "unit_price": Decimal("10.00"),
    "discount_amount": Decimal("0.00"),
}

# What a careless shop's database would let in: no keys, no NOT NULL, and numbers of any length.
CARELESS = """
    alter table orders drop constraint orders_pkey;
    alter table orders alter order_id drop not null, alter order_date drop not null,
        alter total_amount type numeric, alter shipping_cost type double precision;
    alter table order_items drop constraint order_items_pkey;
    alter table order_items alter line_number drop not null;
    alter table products alter product_name drop not null, alter weight type numeric;
    alter table product_prices drop constraint product_prices_pkey
"""


def customer(number: int) -> Row:
    return {
        "customer_id": number, "first_name": "Ana", "last_name": "Costa", "email": f"ana{number}@example.com",
        "birth_date": "1980-01-01", "gender": "F", "country": "US", "customer_segment": "Consumer",
        "registration_date": "2020-01-01", "is_active": True, "updated_at": "2026-02-20",
    }  # fmt: skip


def product(number: int) -> Row:
    return {
        "product_id": number, "product_name": f"Lamp {number}", "sku": f"LMP-{number}", "weight": 1.5,
        "is_active": True, "updated_at": "2026-02-20",
    }  # fmt: skip


def price(number: int) -> Row:
    return {
        "price_id": number, "product_id": 1, "valid_from": "2026-02-21", "unit_cost": 5, "list_price": 9,
        "recorded_at": "2026-02-21",
    }  # fmt: skip


def store(number: int) -> Row:
    return {
        "store_id": number, "store_name": f"Store {number}", "region": "North", "is_active": True,
        "opening_date": "2020-01-01", "store_size_sqft": 2000, "updated_at": "2026-02-20",
    }  # fmt: skip


def order(number: int) -> Row:
    return {
        "order_id": number, "customer_id": 1, "store_id": None, "order_date": "2026-02-22", "status": "paid",
        "discount_amount": 0, "tax_amount": 2, "shipping_cost": 3, "total_amount": None,
        "updated_at": "2026-02-23",
    }  # fmt: skip


def line(number: int, line_number: int) -> Row:
    return {
        "order_item_id": 10 * number + line_number,
        "order_id": number,
        "line_number": line_number,
        **PURCHASE,
    }


SOUND = {
    "shop.customers": customer,
    "shop.products": product,
    "shop.product_prices": price,
    "shop.stores": store,
}


class SpoiltShop:
    """Puts spoilt rows into the shop's database; an order comes with the lines that its total tells of."""

    def __init__(self, url: str) -> None:
        self._url = url
        execute(url, CARELESS)

    def add(self, table: str, number: int, change: Row, copy: Row | None) -> None:
        """Add a row with this key that is sound but for the change; then a copy that differs in ``copy``."""
        if table == "shop.orders":
            self._add_order(number, change, copy)
        elif table == "shop.order_items":
            bad = {**line(number, 2), **change}
            self._insert("orders", {**order(number), "total_amount": _total(order(number), [PURCHASE, bad])})
            self._insert("order_items", line(number, 1))
            self._insert_twice("order_items", bad, copy)
        else:
            self._insert_twice(table.removeprefix("shop."), {**SOUND[table](number), **change}, copy)

    def _add_order(self, number: int, change: Row, copy: Row | None) -> None:
        has_lines = change.get("has_lines", True)
        row = {**order(number), **{k: v for k, v in change.items() if k != "has_lines"}}
        if row["total_amount"] is None:
            row["total_amount"] = _total(row, [PURCHASE] if has_lines else [])
        self._insert_twice("orders", row, copy)
        if has_lines:
            self._insert("order_items", line(number, 1))

    def _insert_twice(self, table: str, row: Row, copy: Row | None) -> None:
        self._insert(table, row)
        if copy is not None:
            self._insert(table, {**row, **copy})

    def _insert(self, table: str, row: Row) -> None:
        statement = sql.SQL("insert into {} ({}) values ({})").format(
            sql.Identifier(table),
            sql.SQL(", ").join(map(sql.Identifier, row)),
            sql.SQL(", ").join(sql.Placeholder() * len(row)),
        )
        with (
            closing(psycopg2.connect(self._url)) as connection,
            connection,
            connection.cursor() as cursor,
        ):
            cursor.execute(statement, list(row.values()))


def _total(row: Row, lines: list[Row]) -> Any:
    paid = sum(
        Decimal(x["quantity"]) * Decimal(x["unit_price"]) - Decimal(x["discount_amount"]) for x in lines
    )
    numbers = (row["tax_amount"], row["shipping_cost"], -row["discount_amount"])
    return paid + sum(Decimal(n).quantize(Decimal("0.01")) for n in numbers if Decimal(n).is_finite())


class SpoiltRecords(WebRecords):
    """Sound sessions of two pages and a purchase each, and those that a test spoils."""

    def __init__(self) -> None:
        self.all_sessions: list[Record] = []
        self.all_conversions: list[Record] = []
        for number in range(SOUND_SESSIONS):
            self.add("analytics.conversions", number, {})

    def add(self, table: str, number: int, change: Mapping[str, Any]) -> None:
        """Add a session whose own record, second page or purchase is changed."""
        session = _session(number)
        if table == "analytics.sessions":
            session |= change
        elif table == "analytics.page_views":
            session["page_views"][1] |= change
        else:
            self.all_conversions.append({**_conversion(number), **change})
        self.all_sessions.append(session)

    def sessions(self, span: Span, start: int, count: int) -> tuple[list[Record], int]:
        """All of them, whatever the span."""
        return self.all_sessions[start : start + count], len(self.all_sessions)

    def conversions(self, span: Span, start: int, count: int) -> tuple[list[Record], int]:
        """All of them, whatever the span."""
        return self.all_conversions[start : start + count], len(self.all_conversions)


def _session(number: int) -> Record:
    return {
        "session_id": f"s-{number}", "customer_id": 1, "started_at": "2026-02-24T10:00:00Z",
        "ended_at": "2026-02-24T10:10:00Z", "updated_at": "2026-02-24T10:10:00Z",
        "device": {"type": "mobile", "browser": "Firefox"},
        "utm": {"source": "search", "medium": "cpc", "campaign": None}, "country": "PT", "landing_page": "/",
        "page_views": [_page(number, 1, "home", None), _page(number, 2, "product", 1)],
    }  # fmt: skip


def _page(number: int, position: int, page_type: str, product_id: int | None) -> Record:
    return {
        "page_view_id": f"s-{number}-{position}", "viewed_at": f"2026-02-24T10:0{position}:00Z", "url": "/",
        "page_type": page_type, "product_id": product_id, "seconds_on_page": 12,
    }  # fmt: skip


def _conversion(number: int) -> Record:
    return {
        "conversion_id": f"c-{number}", "session_id": f"s-{number}", "order_id": 100001,
        "converted_at": "2026-02-24T10:09:00Z", "updated_at": "2026-02-24T10:10:00Z", "revenue": "12.50",
        "currency": "USD",
    }  # fmt: skip


@contextmanager
def web_analytics(world: FlowWorld, records: WebRecords) -> Iterator[None]:
    """The service that tells of these records, where the settings of the world find it."""
    places = places_of(world)
    server = AnalyticsServer(records, lambda: PLAN.end_of(0) + HOUR, places.token(), limits=Limits(10**6, 0))
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        places.keep_secret("analytics_url", server.url)
        yield
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def places_of(world: FlowWorld) -> Places:
    """Where the files of the world lie."""
    return Places(Settings(_env_file=None, state_dir=world.state_dir))


@dataclass(frozen=True)
class Spoilt:
    """What is wrong with a file of stock counts.

    Attributes:
        rows: That many of its first rows are bad.
        change: Values of these rows.
        kind: How the demo's tills spoil a row or a file.
        text: Bytes in the written file, and what stands there instead.
        has_formula_error: The first quantity of a workbook is a formula that came to nothing.
    """

    rows: int = 0
    change: Row = field(default_factory=dict)
    kind: Kind | None = None
    text: tuple[bytes, bytes] | None = None
    has_formula_error: bool = False


def drop_counts(world: FlowWorld, form: Form, number: int, spoilt: Spoilt) -> CountFile:
    """Drop a file with counts of ten products in store 1 at an hour of its own."""
    counted_at = PLAN.start_of(-60) + number // 1000 % 1000 * HOUR
    sound = [Count(1, n, counted_at, 20, 2, 5, counted_at + HOUR) for n in range(1, STOCKED + 1)]
    rows = [row._replace(**spoilt.change) if n < spoilt.rows else row for n, row in enumerate(sound)]
    is_row_kind = spoilt.kind is not None and spoilt.rows > 0
    file = CountFile(
        day=0,
        name=f"inventory/spoilt-{number}.{form}",
        form=form,
        rows=tuple(rows),
        damage=None if is_row_kind else spoilt.kind,
        bad_rows=dict.fromkeys(range(spoilt.rows), spoilt.kind) if spoilt.kind and is_row_kind else {},
    )
    content = workbook_with_error(file) if spoilt.has_formula_error else content_of(file)
    if spoilt.text:
        assert spoilt.text[0] in content
        content = content.replace(*spoilt.text)
    drop_file(places_of(world).drop / file.name, content)
    return file


def drop_file(path: Path, content: bytes) -> None:
    """Leave a file that is no longer being written."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    os.utime(path, (PLAN.opening / SECOND,) * 2)


def workbook_with_error(counts: CountFile) -> bytes:
    """The counts as a workbook in which the first quantity is a formula that came to nothing."""
    book = load_workbook(io.BytesIO(content_of(counts)))
    cell = book.worksheets[0].cell(4, 1 + Count._fields.index("on_hand_quantity"))
    cell.value, cell.data_type = "#DIV/0!", "e"
    written = io.BytesIO()
    book.save(written)
    return written.getvalue()
