"""A warehouse worth looking at: 45 days of sales, a segment with a hostile name, runs of every kind."""

from __future__ import annotations

import json
import random
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal

from etl.warehouse.database import Session
from etl.warehouse.marts import refresh_marts
from tests.marts.warehouse import OpenWarehouse, Row, insert, insert_audit
from tests.site import sample_operation, sample_profiles, sample_subjects

NEWEST = date(2026, 11, 18)
DAYS, PRODUCTS, CUSTOMERS = 45, 20, 120
SEGMENTS = (
    "Premium",
    "Standard",
    "Basic",
    "Wholesale",
    "=HYPERLINK(\"http://x.example\")<script>alert('x')</script>",
)
TABLES = ("shop.customers", "shop.order_items", "shop.orders", "shop.products")
SECRET_PERSON = "Zebulon Quackenbush"


def fill(warehouse: OpenWarehouse) -> None:
    """Insert the sample, build the marts and commit."""
    session = warehouse.session
    chance = random.Random(7)
    insert(session, "dim_product", [_product(key) for key in range(1, PRODUCTS + 1)])
    insert(session, "dim_customer", [_customer(key) for key in range(1, CUSTOMERS + 1)])
    sample_subjects.insert_stores(session)
    insert(session, "fact_sales", [line for day in range(DAYS) for line in _sales_of(day, chance)])
    insert(session, "fact_sales", list(sample_subjects.older_orders(CUSTOMERS)))
    insert_runs(session)
    sample_subjects.insert_stock(session, PRODUCTS)
    sample_subjects.insert_visits(session)
    sample_subjects.insert_scores(session, CUSTOMERS)
    sample_subjects.insert_loads(session, _run(9)["run_id"])
    sample_profiles.insert_profiles(session, [_run(number)["run_id"] for number in (8, 9)])
    sample_operation.insert_operation(session, sample_runs())
    refresh_marts(session, session.database.sql.folder / "marts")
    warehouse.commit()


def insert_runs(session: Session) -> None:
    """Nine runs: good ones, one whose gate closed, a failed and a killed one."""
    runs = sample_runs()
    insert_audit(session, "runs", runs)
    finished = [run for run in runs if run["status"] in ("succeeded", "gate_closed")]
    insert_audit(session, "run_tables", [row for run in finished for row in _run_tables(run)])
    insert_audit(session, "quality_results", [row for run in finished for row in _results(run)])
    payload = f'{{"full_name": "{SECRET_PERSON}"}}'
    common = {
        "run_id": runs[-1]["run_id"],
        "table_name": "shop.customers",
        "row_key": "{}",
        "payload": payload,
        "shown_key": "counted_at=2026-02-27T12:00:00+00:00, product_id=4, source_file=·, store_id=·",
    }
    insert_audit(
        session,
        "quarantine",
        [
            {**common, "rules": ["email_is_valid", "country_is_known"]},
            {**common, "rules": ["email_is_valid"]},
        ],
    )


def sample_runs() -> list[Row]:
    """The nine runs, the oldest first."""
    return [_run(number) for number in range(1, 10)]


def insert_hourly_runs(session: Session, count: int) -> None:
    """So many succeeded runs of an hourly pipeline, newer than all others."""
    hours = [
        datetime.combine(NEWEST + timedelta(days=2), time(), UTC) + timedelta(hours=n) for n in range(count)
    ]
    names = {"pipeline": "hourly-inventory", "status": "succeeded", "staging_schema": "staging_hourly"}
    rows = [{"run_id": f"h{n}", "started_at": at, "finished_at": at, **names} for n, at in enumerate(hours)]
    insert_audit(session, "runs", rows)


def _product(key: int) -> Row:
    return {
        "product_key": key,
        "product_id": key,
        "product_name": f"Product {key}",
        "category": f"Category {key % 6}",
        "unit_cost": Decimal(key),
    }


def _customer(key: int) -> Row:
    segment = SEGMENTS[min(key % 9 % 5, 4 if key % 40 == 4 else 3)]
    return {
        "customer_key": key,
        "customer_id": 1_000 + key,
        "customer_segment": segment,
        "full_name": SECRET_PERSON,
        "city": "Lyon",
    }


def _sales_of(day: int, chance: random.Random) -> list[Row]:
    on = NEWEST - timedelta(days=DAYS - 1 - day)
    orders = 0 if day == 30 else 12 + 9 * (on.isoweekday() > 5) + chance.randrange(8)
    return [line for number in range(orders) for line in _order(day * 1_000 + number, on, chance)]


def _order(order_id: int, on: date, chance: random.Random) -> list[Row]:
    customer, cancelled = chance.randrange(1, 121), chance.random() < 0.04
    lines = []
    for line in range(1, chance.randrange(2, 5)):
        gross = Decimal(chance.randrange(1_500, 90_000)) / 100
        lines.append(
            {
                "order_id": order_id,
                "line_number": line,
                "ordered_at": datetime.combine(on, time(8 + order_id % 12), UTC),
                "customer_key": customer,
                "product_key": chance.randrange(1, PRODUCTS + 1),
                "store_key": chance.randrange(1, 4),
                "quantity": chance.randrange(1, 4),
                "is_cancelled": cancelled,
                "order_status": "cancelled" if cancelled else "delivered",
                "gross": gross,
                "discount": round(gross * chance.choice([0, 0, 10]) / 100, 2),
                "tax": round(gross * 8 / 100, 2),
                "shipping": Decimal("4.90") if line == 1 else Decimal(0),
                "cost": round(gross * chance.randrange(55, 80) / 100, 2),
            }
        )
    return lines


def _run(number: int) -> Row:
    status = {3: "gate_closed", 5: "failed", 6: "killed"}.get(number, "succeeded")
    day = NEWEST - timedelta(days=9 - number)
    started = datetime.combine(day + timedelta(days=1), time(2), UTC)
    error = {
        3: "The gate is closed: total_adds_up failed for 212 of 2,431 rows.\nSecond line, not for the site.",
        5: "The shop's server at db.internal could not be reached: connection refused.",
    }.get(number)
    return {
        "run_id": f"{started:%Y%m%dT%H%M%S}-{number:04x}",
        "pipeline": "daily-sales",
        "business_date": day,
        "status": status,
        "started_at": started,
        "finished_at": started + timedelta(seconds=9 + number / 10),
        "quality_score_pct": None
        if status in ("failed", "killed")
        else Decimal("99.4") - (number == 3) * 11 - Decimal(number % 4) / 3,
        "staging_schema": f"staging_{number}",
        "flow_run_url": "javascript:alert(1)"
        if number == 2
        else f"http://127.0.0.1:4200/runs/flow-run/{number}",
        "error": error,
        "code_version": "v1.4-3-gabc1234",
        "parameters": json.dumps({"business_date": f"{day}", "full_refresh": False, "note": "<i>asked</i>"}),
    }


def _run_tables(run: Row) -> list[Row]:
    role_of = {
        **dict.fromkeys(TABLES, "source"),
        "dim_customer": "dimension",
        "dim_product": "dimension",
        "fact_sales": "fact",
    }
    rows: list[Row] = []
    for number, (name, role) in enumerate(role_of.items(), start=1):
        counts = {
            "extracted": 12_345 * number,
            "unchanged": 12_300 * number,
            "inserted": 40 * number,
            "quarantined": 5 * number,
        }
        if role != "source":
            counts = {
                "inserted": 31 * number,
                "updated": 7 * number,
                "expired": number,
                "unchanged": 900 * number,
            }
        rows.append(
            {"run_id": run["run_id"], "name": name, "role": role, "seconds": Decimal(number) / 7, **counts}
        )
    return [
        {
            **dict.fromkeys(("extracted", "inserted", "updated", "expired", "unchanged", "quarantined"), 0),
            **row,
        }
        for row in rows
    ]


def _results(run: Row) -> list[Row]:
    is_closed = run["status"] == "gate_closed"
    observed = "212 rows whose total is not net + tax + shipping, between 2026-11-09 and 2026-11-11"
    return [
        _result(
            run, "shop.orders.total_adds_up", "critical", not is_closed, 212 * is_closed, observed=observed
        ),
        _result(run, "shop.customers.email_is_valid", "warning", False, 14, column_name="email"),
        _result(
            run, "shop.customers.age_in_range", "info", True, 0, column_name="age", checked=not is_closed
        ),
        _result(run, "shop.customers.key_not_null", "critical", True, 0, column_name="customer_id"),
    ]


def _result(run: Row, name: str, severity: str, passed: bool, unexpected: int, **said: object) -> Row:
    table, _, rule = name.rpartition(".")
    return {
        "run_id": run["run_id"],
        "table_name": table,
        "suite": table,
        "rule": rule,
        "expectation": "row_rule",
        "column_name": None,
        "severity": severity,
        "weight": 1,
        "passed": passed,
        "checked": True,
        "unexpected_count": unexpected,
        "element_count": 2_431,
        "observed": f"{unexpected} of 2,431",
        **said,
    }
