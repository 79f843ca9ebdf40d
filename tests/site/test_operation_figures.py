"""What monitoring and receipts read: against rows that can be checked by hand."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from etl.reports.figures import read_figures
from etl.reports.pages import trends
from etl.reports.pages.receipts import page_name
from tests.marts.warehouse import OpenWarehouse, Row, empty_warehouse, insert_audit
from tests.site import sample, sample_operation

BEGIN = datetime(2026, 6, 1, 2, tzinfo=UTC)


@pytest.fixture
def warehouse(postgres_database: str) -> Iterator[OpenWarehouse]:
    """A committed warehouse with the nine runs of the sample and all that is on record of them."""
    with empty_warehouse(postgres_database) as opened:
        sample.insert_runs(opened.session)
        sample_operation.insert_operation(opened.session, sample.sample_runs())
        opened.commit()
        yield opened


@pytest.fixture
def bare(postgres_database: str) -> Iterator[OpenWarehouse]:
    """A warehouse without runs."""
    with empty_warehouse(postgres_database) as opened:
        yield opened


def test_the_headline_of_nine_runs(warehouse: OpenWarehouse) -> None:
    now = read_figures(warehouse.session).monitoring
    assert (now.succeeded_count, len(now.newest_runs)) == (1, 1)
    assert now.lowest_score is not None
    assert round(now.lowest_score["quality_score_pct"], 2) == Decimal("99.07")
    assert [row["kind"] for row in now.open_incidents] == ["email_is_valid"]
    assert (now.waiting_count, now.oldest_days) == (2, Decimal(0))
    assert (now.agreeing_count, len(now.reconciliations), now.drift_count) == (1, 2, 2)


def test_a_running_run_is_not_yet_how_a_pipeline_ended(warehouse: OpenWarehouse) -> None:
    later = sample.sample_runs()[-1] | {"run_id": "later", "status": "running", "finished_at": None}
    later |= {"started_at": later["started_at"] + timedelta(days=1), "quality_score_pct": None}
    insert_audit(warehouse.session, "runs", [later])
    now = read_figures(warehouse.session).monitoring
    assert [run["run_id"] for run in now.newest_runs] == [sample.sample_runs()[-1]["run_id"]]
    assert now.runs[-1]["run_id"] == "later"


def test_failing_rules_over_time_by_severity(warehouse: OpenWarehouse) -> None:
    trend = read_figures(warehouse.session).monitoring.trend_table.rows
    counts = [(row["critical_count"], row["warning_count"], row["info_count"]) for row in trend]
    held, unknown, closed = (0, 1, 0), (None, None, None), (1, 1, 1)
    assert counts == [held, held, held, unknown, unknown, held, closed, held, held]


def test_freshness_counts_from_the_last_success_and_within_the_source(warehouse: OpenWarehouse) -> None:
    _execute(warehouse, "update audit.runs set status = 'failed' where run_id like '20261119%'")
    sample.insert_hourly_runs(warehouse.session, 1)
    end = datetime(2026, 11, 20, tzinfo=UTC)
    others = {"run_id": "h0", "as_of": "", "compares_keys": False, "moves_watermark": True}
    stock = {"table_name": "drop.stock_csv", "as_of_at": end, "high_at": None}
    backfilled = {"table_name": "shop.stores", "as_of_at": end, "moves_watermark": False}
    insert_audit(warehouse.session, "windows", [{**others, **stock}, {**others, **backfilled}])
    rows = {row["table_name"]: row for row in read_figures(warehouse.session).monitoring.freshness}
    assert list(rows) == ["shop.customers", "shop.orders", "drop.stock_csv"]
    names = ("newest_status", "attempts_since", "hours_since_success", "behind_hours", "lag_seconds")
    found = {table: tuple(row[name] for name in names) for table, row in rows.items()}
    # The eighth run ended on the 18th at 02:00:09.8 and the newest one began on the 20th at midnight.
    assert found == {
        "shop.customers": ("failed", 1, Decimal("45.997"), 24, 0),
        "shop.orders": ("failed", 1, Decimal("45.997"), 24, 3600),
        "drop.stock_csv": ("succeeded", 0, 0, 0, None),
    }
    assert rows["shop.orders"]["as_of_at"] == datetime(2026, 11, 18, tzinfo=UTC)
    assert rows["shop.orders"]["watermark"] == "2026-11-19 00:00:00.000000"


def test_a_table_that_never_succeeded_comes_first(warehouse: OpenWarehouse) -> None:
    window = {"run_id": sample.sample_runs()[4]["run_id"], "as_of": "", "as_of_at": BEGIN}
    flags = {"compares_keys": False, "moves_watermark": True}
    insert_audit(warehouse.session, "windows", [{**window, **flags, "table_name": "shop.stores"}])
    first = read_figures(warehouse.session).monitoring.freshness[0]
    assert (first["table_name"], first["attempts_since"], first["succeeded_at"]) == ("shop.stores", 1, None)


def test_rows_and_seconds_are_held_against_the_median_of_earlier_releases(bare: OpenWarehouse) -> None:
    extracted = {"a": 100, "b": 200, "c": 7_777, "d": 9, "e": 900}
    statuses = {"c": "failed", "d": "backfill"}
    runs = [
        _run(name, place, status=statuses.get(name, "succeeded").replace("backfill", "succeeded"))
        | {"is_backfill": statuses.get(name) == "backfill"}
        for place, name in enumerate(extracted)
    ]
    insert_audit(bare.session, "runs", runs)
    counts = dict.fromkeys(("inserted", "updated", "expired", "removed"), 2)
    insert_audit(
        bare.session,
        "run_tables",
        [
            {
                "run_id": run,
                "name": "shop.orders",
                "role": "source",
                "extracted": n,
                "seconds": n / 10,
                **counts,
            }
            for run, n in extracted.items()
        ],
    )
    (row,) = read_figures(bare.session).monitoring.work
    assert (row["run_id"], row["extracted"], row["usual_extracted"], row["written"]) == ("e", 900, 150, 8)
    assert (row["seconds"], row["usual_seconds"]) == (90, 15)


def test_quarantine_ages_count_back_from_the_newest_run(bare: OpenWarehouse) -> None:
    days = {"now": 0, "yesterday": 1, "week": 7, "old": 28, "closed": 50}
    insert_audit(bare.session, "runs", [_run(name, 50 - age) for name, age in days.items()])
    rows = [
        {"run_id": name, "table_name": "shop.orders", "row_key": "{}", "rules": ["r"], "payload": "{}"}
        | {"status": "discarded" if name == "closed" else "open"}
        for name in days
    ]
    insert_audit(bare.session, "quarantine", rows)
    (row,) = read_figures(bare.session).monitoring.ages
    assert [row[name] for name, _ in trends.AGES] == [1, 1, 1, 1]
    assert (row["row_count"], row["oldest_days"], row["oldest_at"]) == (4, 28, BEGIN + timedelta(days=22))


def test_gate_closings_with_their_tables_and_rules(warehouse: OpenWarehouse) -> None:
    (row,) = read_figures(warehouse.session).monitoring.closings
    assert (row["table_names"], row["rules"]) == (
        "shop.orders",
        "shop.customers.age_in_range, shop.orders.total_adds_up",
    )


def test_the_newest_reconciliation_of_each_table(warehouse: OpenWarehouse) -> None:
    names = ("table_name", "status", "missing", "changed", "differing_range_count", "verified_through")
    rows = read_figures(warehouse.session).monitoring.reconciliations
    assert [tuple(row[name] for name in names) for row in rows] == [
        ("shop.customers", "differs", 3, 4, 2, None),
        ("shop.orders", "repaired", 0, 0, 0, "2026-11-18"),
    ]


def test_open_incidents_first_with_their_messages(warehouse: OpenWarehouse) -> None:
    names = ("state", "kind", "summary", "seen_count", "sent_count", "unsent_count")
    rows = read_figures(warehouse.session).monitoring.incidents
    assert [tuple(row[name] for name in names) for row in rows] == [
        ("open", "email_is_valid", "14 of 2,431 rows", 6, 1, 1),
        ("over", "gate_closed", "total_adds_up failed", 1, 2, 0),
    ]


def test_incidents_that_are_over_are_bounded_and_open_ones_are_not(bare: OpenWarehouse) -> None:
    common = {"pipeline": "p", "kind": "k", "severity": "info", "summary": "s", "opened_at": BEGIN}
    rows = [
        {**common, "table_name": f"t{n}", "closed_at": BEGIN + timedelta(hours=n) if n < 30 else None}
        for n in range(60)
    ]
    insert_audit(bare.session, "incidents", rows)
    found = [(row["state"], row["table_name"]) for row in read_figures(bare.session).monitoring.incidents]
    assert [table for state, table in found if state == "over"] == [f"t{n}" for n in range(29, 9, -1)]
    assert sum(state == "open" for state, _ in found) == 30


def test_newest_verdicts_with_closed_gates_first(warehouse: OpenWarehouse) -> None:
    _execute(warehouse, "delete from audit.verdicts where table_name = 'shop.orders' and run_id > '20261114'")
    rows = read_figures(warehouse.session).quality.verdicts
    assert [(row["table_name"], row["verdict"], row["started_at"].day) for row in rows] == [
        ("shop.orders", "closed", 13),
        ("shop.customers", "passed", 19),
    ]


def test_receipts_are_those_of_the_runs_shown_and_hold_what_is_theirs(warehouse: OpenWarehouse) -> None:
    sample.insert_hourly_runs(warehouse.session, 40)
    figures = read_figures(warehouse.session)
    receipts = {receipt.run["run_id"]: receipt for receipt in figures.receipts.receipts}
    assert list(receipts) == [run["run_id"] for run in figures.runs.runs]
    assert len(receipts) == 15 + 9
    assert (len(figures.monitoring.runs), figures.monitoring.runs[-1]["run_id"]) == (30 + 9, "h39")
    closed = receipts[sample.sample_runs()[2]["run_id"]]
    assert [row["verdict"] for row in closed.parts["verdicts"].rows] == ["closed", "passed"]
    assert "quarantine" not in closed.parts
    newest = receipts[sample.sample_runs()[8]["run_id"]]
    held_back = [(row["rule"], row["row_count"], row["status"]) for row in newest.parts["quarantine"].rows]
    assert held_back == [("email_is_valid", 2, "open"), ("country_is_known", 1, "open")]
    assert newest.parameters == [
        *[("business_date", "2026-11-18"), ("full_refresh", "false"), ("note", "<i>asked</i>")]
    ]
    assert [row["drift"] for row in newest.parts["drifts"].rows] == [
        *("new column <b>nickname</b>", "coupon_code: null_share", "order_status: top_values")
    ]


def test_a_receipt_names_the_tables_that_differ_from_their_source_first_and_the_ranges(
    warehouse: OpenWarehouse,
) -> None:
    newest = sample.sample_runs()[8]["run_id"]
    receipts = {
        receipt.run["run_id"]: receipt for receipt in read_figures(warehouse.session).receipts.receipts
    }
    parts = receipts[newest].parts
    assert [
        (row["table_name"], row["status"], row["missing"], row["changed"]) for row in parts["reconciled"].rows
    ] == [("shop.customers", "differs", 3, 4), ("shop.orders", "repaired", 0, 0)]
    assert [(row["range_number"], row["low"], row["missing"]) for row in parts["ranges"].rows] == [
        (2, "200", 3),
        (3, "300", 0),
    ]


def test_what_one_flow_run_released_in_parts_is_one_square_the_gravest(warehouse: OpenWarehouse) -> None:
    runs = sample.sample_runs()
    parts = [run["run_id"] for run in runs[1:5]]
    _execute(warehouse, f"update audit.runs set flow_run_url = 'f' where run_id = any(array{parts})")
    squares = read_figures(warehouse.session).monitoring.runs_by_pipeline()["daily-sales"]
    gravest = next(run for run in runs[1:5] if run["status"] == "failed")
    assert [run["run_id"] for run in squares] == [
        runs[0]["run_id"],
        gravest["run_id"],
        *[run["run_id"] for run in runs[5:]],
    ]
    _execute(warehouse, "update audit.runs set is_backfill = true")
    assert len(read_figures(warehouse.session).monitoring.runs_by_pipeline()["daily-sales"]) == len(runs)


def test_a_sum_that_does_not_add_up_is_seen(warehouse: OpenWarehouse) -> None:
    newest = sample.sample_runs()[8]["run_id"]
    _execute(warehouse, "update audit.run_tables set dropped = 1 where name = 'shop.orders'")
    receipts = {
        receipt.run["run_id"]: receipt for receipt in read_figures(warehouse.session).receipts.receipts
    }
    balances = {
        row["name"]: (row["accounted"], row["balance"]) for row in receipts[newest].parts["sources"].rows
    }
    assert balances["shop.orders"] == (37_036, "differs")
    assert {balance for name, (_, balance) in balances.items() if name != "shop.orders"} == {"agrees"}


@pytest.mark.parametrize("run_id", ["../../etc/passwd", "a/b", "", "x" * 300, "a b"])
def test_a_run_id_that_is_no_file_name_is_named_by_its_hash(run_id: str) -> None:
    assert page_name(run_id).removesuffix(".html").isalnum()
    assert len(page_name(run_id)) == 64 + len(".html")
    assert page_name("0f3a-B_9") == "0f3a-B_9.html"


def test_charts_are_bounded_where_backfills_make_many_pipelines() -> None:
    runs = [{"pipeline": f"backfill {n % 40}", "place": n} for n in range(80)]
    assert [run["place"] for run in trends.charted(runs)] == [*range(28, 40), *range(68, 80)]


def _run(run_id: str, day: int, **said: Any) -> Row:
    started = BEGIN + timedelta(days=day)
    names = {"pipeline": "daily-sales", "status": "succeeded", "staging_schema": "s"}
    return {"run_id": run_id, "started_at": started, "finished_at": started, **names, **said}


def _execute(warehouse: OpenWarehouse, statement: str) -> None:
    warehouse.session.execute(statement.replace("%", "%%"))
