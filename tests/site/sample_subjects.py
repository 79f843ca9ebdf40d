"""What the other pages of the sample show: stock, visits, scores, older orders, files and steps."""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal

from etl.warehouse.database import Session
from tests.marts.warehouse import Row, insert, insert_audit

NEWEST = date(2026, 11, 18)
STORES = ("Harbour", "Market square", "Old town", "=cmd|'/c calc'!A1<script>alert(2)</script>")
CHANNELS = ("organic", "cpc", "email", "social", None)
PAGE_TYPES = ("home", "product", "cart", "checkout")
SEGMENTS = ("Champions", "Loyal", "Potential", "New", "At risk", "Lost")
BROKEN_FILE = "inventory/2026-11-18T09.csv"


def insert_stores(session: Session) -> None:
    """Four stores, one of them with a hostile name."""
    stores = [
        {"store_key": n, "store_id": n, "store_name": name, "region": "North"}
        for n, name in enumerate(STORES, 1)
    ]
    insert(session, "dim_store", stores)


def insert_stock(session: Session, products: int) -> None:
    """A count of each product in each store at two hours; one store's is a day old."""
    chance = random.Random(11)
    counted = datetime.combine(NEWEST, time(9), UTC)
    counts = [
        {
            "product_id": product,
            "store_id": store,
            "product_key": product,
            "store_key": store,
            "counted_at": counted - timedelta(hours=hour + 24 * (store == 3)),
            "on_hand_quantity": chance.choice([0, 1, 3, 8, 20, 60]),
            "reserved_quantity": chance.choice([None, 0, 1]),
            "reorder_point_quantity": chance.choice([None, 5, 10]),
        }
        for store in range(1, len(STORES) + 1)
        for product in range(1, products + 1)
        for hour in (0, 1)
    ]
    insert(session, "fact_inventory_snapshots", counts)


def insert_visits(session: Session) -> None:
    """Visits of 40 days by five channels, some of which came as far as a purchase."""
    chance = random.Random(12)
    sessions: list[Row] = []
    pages: list[Row] = []
    purchases: list[Row] = []
    for visit in _visits(chance):
        sessions.append(visit)
        depth = chance.choices([1, 2, 3, 4], [40, 30, 18, 12])[0]
        for step in range(depth):
            pages.append(_page(visit, step))
        if depth == 4 and chance.random() < 0.6:
            purchases.append(_purchase(visit, len(purchases)))
    insert(session, "fact_web_sessions", sessions)
    insert(session, "fact_page_views", pages)
    insert(session, "fact_conversions", purchases)


def insert_scores(session: Session, customers: int) -> None:
    """Four weekly scorings in which some customers move by one segment."""
    chance = random.Random(13)
    places = {1_000 + n: chance.randrange(6) for n in range(1, customers + 1)}
    rows = []
    for week in range(4):
        scored = datetime.combine(date(2026, 10, 26) + timedelta(weeks=week), time(), UTC)
        for customer, place in places.items():
            moved = min(max(place + chance.choice([0] * 8 + [-1, 1]), 0), 5) if week else place
            places[customer] = moved
            if week or customer % 30:
                rows.append(
                    {
                        "customer_id": customer,
                        "scored_at": scored,
                        "customer_key": customer - 1_000,
                        "recency_days": 12 * moved + chance.randrange(12),
                        "order_count": 6 - moved,
                        "net_amount": Decimal(chance.randrange(20, 900)) * (6 - moved),
                        "rfm_segment": SEGMENTS[moved],
                    }
                )
    insert(session, "fact_customer_scores", rows)


def older_orders(customers: int) -> Iterator[Row]:
    """One order a month for some customers, from February on."""
    chance = random.Random(14)
    for month in range(2, 9):
        for customer in range(1, customers + 1):
            if customer % 7 <= month - 2 and chance.random() < 0.45:
                yield {
                    "order_id": 900_000 + 1_000 * month + customer,
                    "date": date(2026, month, 1 + customer % 28),
                    "customer_key": customer,
                    "gross": Decimal(chance.randrange(10, 90)),
                }


def insert_loads(session: Session, run_id: str) -> None:
    """Files that were loaded and one that was not, and the steps of two tables."""
    common = {"run_id": run_id, "table_name": "drop.stock_csv", "byte_count": 48_213}
    hours = [
        {
            **common,
            "content_hash": f"{hour:064x}",
            "path": f"inventory/2026-11-18T{hour:02}.csv",
            "modified_at": datetime.combine(NEWEST, time(hour, 1), UTC),
            "row_count": 1_200 + hour,
            "status": "loaded",
        }
        for hour in range(9)
    ]
    broken = {
        **hours[0],
        "content_hash": "f" * 64,
        "path": BROKEN_FILE,
        "row_count": 0,
        "status": "quarantined",
        "reason": "The header in line 1 lacks the columns counted_at, exported_at; it has: a, b, <script>.",
    }
    insert_audit(session, "files", [*hours, broken])
    counts = {"rows_before": 1_204, "rows_after": 1_204, "nulls_before": 14, "nulls_after": 14}
    steps = [
        ("shop.customers", 1, "clean_text", ["first_name", "last_name", "city"], 31),
        ("shop.customers", 2, "validate_email", ["email", "is_email_valid"], 1_204),
        ("analytics.conversions", 1, "convert_currency", ["revenue_usd_amount", "exchange_rate"], 2_408),
    ]
    rows = [
        {"run_id": run_id, "table_name": t, "position": p, "step": s, "columns": c, "changed": n, **counts}
        for t, p, s, c, n in steps
    ]
    insert_audit(session, "transformations", rows)


def _visits(chance: random.Random) -> Iterator[Row]:
    for day in range(40):
        on = NEWEST - timedelta(days=39 - day)
        for number in range(18 + chance.randrange(14)):
            yield {
                "session_id": f"s{day:02}-{number:03}",
                "started_at": datetime.combine(on, time(8 + number % 12), UTC),
                "duration_seconds": 30 + chance.randrange(900),
                "utm_medium": chance.choice(CHANNELS),
            }


def _page(visit: Row, step: int) -> Row:
    return {
        "page_view_id": f"{visit['session_id']}-{step}",
        "session_id": visit["session_id"],
        "viewed_at": visit["started_at"] + timedelta(seconds=step),
        "page_type": PAGE_TYPES[step],
    }


def _purchase(visit: Row, number: int) -> Row:
    return {
        "conversion_id": f"c{number}",
        "session_id": visit["session_id"],
        "order_id": 30_000 + number,
        "converted_at": visit["started_at"] + timedelta(minutes=5),
        "revenue_amount": Decimal(20 + number % 70),
    }
