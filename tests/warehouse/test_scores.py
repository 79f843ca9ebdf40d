"""Scores of customers against a reference model, and the sentences of ``score_customers.sql`` one by one."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from etl.catalog_files import load_catalog
from etl.settings import Settings
from etl.warehouse import open_database
from etl.warehouse.database import Session
from etl.warehouse.warehouse import DatabaseWarehouse
from tests.marts.warehouse import Row, fact_row

pytestmark = pytest.mark.parametrize("system", ["postgresql", "mysql"], indirect=True)

AS_OF = datetime(2026, 6, 29, tzinfo=UTC)


@dataclass(frozen=True)
class Purchase:
    """An order of one line."""

    customer: int
    hours_before: int
    net: int
    is_cancelled: bool


PURCHASES = st.lists(
    st.builds(
        Purchase,
        customer=st.integers(1, 12),
        hours_before=st.integers(-30, 100 * 24),
        net=st.integers(1, 40),
        is_cancelled=st.sampled_from([False] * 4 + [True]),
    ),
    max_size=40,
)


@pytest.fixture(scope="module")
def warehouse(warehouse_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Session]:
    """A warehouse without customers; each use leaves it so."""
    own = Settings(_env_file=None, state_dir=tmp_path_factory.mktemp("scores"), warehouse_url=warehouse_url)
    database = open_database(warehouse_url, own)
    DatabaseWarehouse(database, load_catalog(own.catalog_dir)).migrate()
    with database.own_session() as session:
        yield session


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(purchases=PURCHASES, seed=st.integers(0, 9))
def test_scores_are_those_of_the_model_in_whatever_order_orders_came(
    warehouse: Session, purchases: list[Purchase], seed: int
) -> None:
    """Laws F5, F6, R4: a pure function of the orders before the instant."""
    numbered = list(enumerate(purchases, 1))
    random.Random(seed).shuffle(numbered)
    found = scores(warehouse, [customer(n) for n in range(1, 13)], [sale(p, n) for n, p in numbered])
    assert found == expected(purchases)


def test_who_is_not_scored(warehouse: Session) -> None:
    """Without an order, deleted before the instant, or named by an order only (law S17)."""
    gone = {"valid_to": AS_OF - timedelta(days=1)}
    members = [customer(1), customer(2), customer(3, **gone), customer(4, is_inferred=True), customer(5)]
    bought = [sale(Purchase(n, 24, 1, is_cancelled=False), n) for n in (2, 3, 4)]
    at_the_instant = sale(Purchase(5, 0, 1, is_cancelled=False), 9)
    assert [row["customer_id"] for row in scores(warehouse, members, [*bought, at_the_instant])] == [2]


def test_who_was_deleted_later_is_scored_as_of_before(warehouse: Session) -> None:
    later = customer(1, valid_to=AS_OF + timedelta(microseconds=1))
    assert len(scores(warehouse, [later], [sale(Purchase(1, 24, 1, is_cancelled=False), 1)])) == 1


def test_versions_and_lines_are_one_customer_and_one_order(warehouse: Session) -> None:
    moved = AS_OF - timedelta(days=10)
    members = [customer(1, valid_to=moved), customer(1, valid_from=moved, customer_key=2)]
    lines = [
        sale(Purchase(1, 24 * 20, 5, is_cancelled=False), 1),
        sale(Purchase(1, 24 * 20, 6, is_cancelled=False), 1, line_number=2),
        sale(Purchase(1, 47, 7, is_cancelled=False), 2, customer_key=2),
    ]
    (row,) = scores(warehouse, members, lines)
    assert (row["order_count"], row["net_amount"], row["recency_days"]) == (2, Decimal(18), 1)


def scores(session: Session, members: list[Row], sales: list[Row]) -> list[Row]:
    """What the query of the catalog says, by customer; nothing of the rows stays."""
    query = session.database.source_query("select * from warehouse.score_customers(:as_of) order by 1")
    try:
        insert(session, "warehouse.dim_customer", members)
        insert(session, "warehouse.fact_sales", [{**fact_row(row), "date_key": -1} for row in sales])
        return session.rows(query.replace(":as_of", "%(as_of)s"), {"as_of": AS_OF})
    finally:
        session.execute("delete from warehouse.fact_sales")
        session.execute("delete from warehouse.dim_customer where customer_key > 0")


def insert(session: Session, relation: str, rows: list[Row]) -> None:
    columns = list(rows[0]) if rows else []
    session.insert(relation, columns, [[row[name] for name in columns] for row in rows])


def customer(number: int, **said: Any) -> Row:
    version = {"valid_from": datetime(2000, 1, 1, tzinfo=UTC), "valid_to": datetime(9999, 12, 31, tzinfo=UTC)}
    return {"customer_key": number, "customer_id": number, "is_inferred": False, **version, **said}


def sale(purchase: Purchase, order: int, **said: Any) -> Row:
    return {
        "order_id": order,
        "customer_key": purchase.customer,
        "ordered_at": AS_OF - timedelta(hours=purchase.hours_before),
        "gross": Decimal(purchase.net),
        "is_cancelled": purchase.is_cancelled,
        **said,
    }


def expected(purchases: list[Purchase]) -> list[Row]:
    """The documented rules in Python."""
    counted = [p for p in purchases if p.hours_before > 0 and not p.is_cancelled]
    found: dict[int, Row] = {}
    for number in sorted({p.customer for p in counted}):
        own = [p for p in counted if p.customer == number]
        found[number] = {
            "last": -min(p.hours_before for p in own),
            "count": len(own),
            "net": sum(p.net for p in own),
        }
    recency = fifths(found, ("last", "count"))
    frequency = fifths(found, ("count", "net", "last"))
    monetary = fifths(found, ("net", "count", "last"))
    return [
        {
            "customer_id": number,
            "scored_at": AS_OF,
            "recency_days": -row["last"] // 24,
            "order_count": row["count"],
            "net_amount": Decimal(row["net"]),
            "recency_score": recency[number],
            "frequency_score": frequency[number],
            "monetary_score": monetary[number],
            "rfm_segment": segment(row["count"], recency[number], frequency[number], monetary[number]),
        }
        for number, row in found.items()
    ]


def fifths(found: dict[int, Row], by: tuple[str, ...]) -> dict[int, int]:
    """The worst fifth is 1; where five do not divide, the first fifths are larger by one."""
    ranked = sorted(found, key=lambda number: (*(found[number][name] for name in by), number))
    size, larger = divmod(len(ranked), 5)
    ends = [size * n + min(n, larger) for n in range(1, 6)]
    return {number: 1 + sum(end <= place for end in ends) for place, number in enumerate(ranked)}


def segment(orders: int, recency: int, frequency: int, monetary: int) -> str:
    if orders == 1 and recency >= 4:
        return "New"
    if min(recency, frequency, monetary) >= 4:
        return "Champions"
    if orders > 1 and recency >= 3 and frequency >= 3:
        return "Loyal"
    if recency >= 3:
        return "Potential"
    return "At risk" if max(frequency, monetary) >= 3 else "Lost"
