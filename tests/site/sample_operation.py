"""What the pages of operation show: windows, verdicts, drifts, reconciliations, incidents and messages."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal

from etl.warehouse.database import Session
from tests.marts.warehouse import Row, insert_audit

SECRET_SECOND_LINE = "Detail for the log only"
# Pages that the test's Data Docs have; that of the closed gate was pruned.
DOCS_PAGES = ("validations/shop/customers/run 9/page.html", "validations/shop/orders/run 9/page.html")
PRUNED_PAGE = "validations/shop/orders/run 3/page.html"


def insert_operation(session: Session, runs: list[Row]) -> None:
    """Records of nine runs of two tables, of which the third closed its gate and two read nothing."""
    insert_audit(session, "windows", [row for run in runs for row in _windows(run)])
    insert_audit(session, "verdicts", [row for run in runs for row in _verdicts(run)])
    newest = runs[-1]
    insert_audit(
        session,
        "source_drifts",
        [{"run_id": newest["run_id"], "table_name": "shop.customers", "drift": "new column <b>nickname</b>"}],
    )
    drifted = {"run_id": newest["run_id"], "table_name": "shop.orders", "before": "0.01", "after": "0.2"}
    insert_audit(
        session,
        "profile_drifts",
        [
            {**drifted, "column_name": "coupon_code", "drift": "null_share"},
            {**drifted, "column_name": "order_status", "drift": "top_values"},
        ],
    )
    insert_audit(
        session,
        "watermarks",
        [
            {
                "pipeline": "daily-sales",
                "table_name": name,
                "value": f"{_end_of(newest):%Y-%m-%d} 00:00:00.000000",
                "run_id": newest["run_id"],
            }
            for name in ("shop.customers", "shop.orders")
        ],
    )
    _insert_reconciliations(session, runs)
    _insert_ranges(session, runs)
    _insert_incidents(session, runs)


def _windows(run: Row) -> list[Row]:
    """What each run but the killed one planned; the orders are read behind by an hour that is held back."""
    end = _end_of(run)
    common = {
        "run_id": run["run_id"],
        "low": f"{end - timedelta(days=1):%Y-%m-%d} 00:00:00.000000",
        "as_of": f"{end:%Y-%m-%d} 00:00:00.000000",
        "as_of_at": end,
        "compares_keys": False,
        "moves_watermark": True,
    }
    held_back = end - timedelta(hours=1)
    windows = [
        {**common, "table_name": "shop.customers", "high": common["as_of"], "high_at": end},
        {**common, "table_name": "shop.orders", "high": f"{held_back:%Y-%m-%d %H:%M:%S}.000000"},
    ]
    windows[1] |= {"high_at": held_back, "compares_keys": True}
    return [] if run["status"] == "killed" else windows


def _verdicts(run: Row) -> list[Row]:
    if run["quality_score_pct"] is None:
        return []
    is_closed = run["status"] == "gate_closed"
    pages = {False: DOCS_PAGES, True: (DOCS_PAGES[0], PRUNED_PAGE)}[is_closed]
    common = {"run_id": run["run_id"], "row_count": 2_431, "seconds": Decimal("1.25")}
    return [
        {**common, "table_name": "shop.customers", "is_open": True, "quarantined": 5, "score_pct": 98}
        | {"docs_page": pages[0]},
        {**common, "table_name": "shop.orders", "is_open": not is_closed, "quarantined": 0, "score_pct": 100}
        | {"docs_page": pages[1]},
    ]


def _insert_reconciliations(session: Session, runs: list[Row]) -> None:
    """Orders that differed and were repaired later; customers that differ now."""
    counts = {"source_count": 5_000, "target_count": 4_990, "held_back": 7, "range_count": 12}
    counts |= {"newer": 2, "kept": 1}
    agree = {"missing": 0, "extra": 0, "changed": 0, "differing_range_count": 0}
    rows = [
        (
            runs[6],
            "shop.orders",
            "differs",
            {"missing": 2, "extra": 0, "changed": 1, "differing_range_count": 2},
        ),
        (runs[8], "shop.orders", "repaired", agree),
        (
            runs[8],
            "shop.customers",
            "differs",
            {"missing": 3, "extra": 0, "changed": 4, "differing_range_count": 2},
        ),
    ]
    insert_audit(
        session,
        "reconciliations",
        [
            {
                **counts,
                **found,
                "run_id": run["run_id"],
                "table_name": table,
                "target": table.replace("shop.", "fact_"),
                "status": status,
                "as_of": run["started_at"],
                "verified_through": None if table == "shop.customers" else "2026-11-18",
                "seconds": Decimal("3.5"),
            }
            for run, table, status, found in rows
        ],
    )


def _insert_ranges(session: Session, runs: list[Row]) -> None:
    """Three ranges of the customers that differ now: one agrees, one lacks rows, one has another hash."""
    counts = {"source_count": 100, "target_count": 100, "missing": 0, "extra": 0, "changed": 0}
    insert_audit(
        session,
        "reconciled_ranges",
        [
            {
                **counts,
                **found,
                "run_id": runs[8]["run_id"],
                "table_name": "shop.customers",
                "range_number": number,
                "low": str(number * 100),
                "high": str(number * 100 + 100),
                "source_hash": 1,
                "source_sums": "{}",
                "target_sums": "{}",
            }
            for number, found in enumerate(
                (
                    {"target_hash": 1},
                    {"target_hash": 1, "missing": 3, "target_count": 97},
                    {"target_hash": 2, "changed": 4},
                ),
                start=1,
            )
        ],
    )


def _insert_incidents(session: Session, runs: list[Row]) -> None:
    """One that is open, whose message was not taken at first, and one that is over."""
    common = {"pipeline": "daily-sales", "opened_run_id": runs[2]["run_id"]}
    rows = [
        {
            **common,
            "table_name": "shop.customers",
            "kind": "email_is_valid",
            "severity": "warning",
            "summary": f"14 of 2,431 rows\n{SECRET_SECOND_LINE}",
            "opened_at": runs[2]["finished_at"],
            "last_seen_at": runs[8]["finished_at"],
            "seen_count": 6,
        },
        {
            **common,
            "table_name": "shop.orders",
            "kind": "gate_closed",
            "severity": "critical",
            "summary": "total_adds_up failed",
            "opened_at": runs[2]["finished_at"],
            "last_seen_at": runs[2]["finished_at"],
            "seen_count": 1,
            "closed_at": runs[3]["finished_at"],
            "closed_run_id": runs[3]["run_id"],
        },
    ]
    insert_audit(session, "incidents", rows)
    message = {"kind": "opened", "route": "all", "answer": "taken"}
    insert_audit(
        session,
        "alerts",
        [
            {**message, "incident_id": 1, "is_sent": False, "answer": "no answer"},
            {**message, "incident_id": 1, "is_sent": True},
            {**message, "incident_id": 2, "is_sent": True},
            {**message, "incident_id": 2, "is_sent": True, "kind": "recovered"},
        ],
    )


def _end_of(run: Row) -> datetime:
    return datetime.combine(run["business_date"] + timedelta(days=1), datetime.min.time(), UTC)
