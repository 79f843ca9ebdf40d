"""Everything the reports show, read from one snapshot of the warehouse."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from psycopg2.extensions import TRANSACTION_STATUS_IDLE
from psycopg2.extensions import connection as Connection
from psycopg2.extras import RealDictCursor

from etl.reports.tables import Column, Kind, ReportTable, Row

QUERIES = Path(__file__).parent / "queries"
SEGMENT_DAYS = 90
WEEK_DAYS = 7

_ARE_BUILT = """
select true from pg_class
where oid = to_regclass('marts.mart_daily_sales') and to_regclass('marts.mart_sales') is not null
"""

_MEASURES: tuple[tuple[str, str, Kind], ...] = (
    ("total_amount", "Total sales", "amount"),
    ("net_amount", "Net sales", "amount"),
    ("order_count", "Orders", "count"),
    ("avg_order_value_amount", "Average order", "amount"),
    ("customer_count", "Customers", "count"),
    ("margin_pct", "Margin", "pct"),
)
_DAILY = (
    Column("full_date", "Date", "date"),
    Column("day_name", "Day"),
    Column("order_count", "Orders", "count"),
    Column("total_amount", "Total", "amount"),
    Column("avg_order_value_amount", "Average order", "amount"),
    Column("net_amount", "Net", "amount"),
    Column("profit_amount", "Profit", "amount"),
    Column("margin_pct", "Margin", "pct"),
    Column("customer_count", "Customers", "count"),
    Column("line_count", "Lines", "count"),
    Column("gross_amount", "Gross", "amount"),
    Column("discount_amount", "Discount", "amount"),
    Column("tax_amount", "Tax", "amount"),
    Column("shipping_amount", "Shipping", "amount"),
    Column("cost_amount", "Cost", "amount"),
    Column("running_month_net_amount", "Net in month so far", "amount"),
)
_SEGMENTS = (
    Column("customer_segment", "Segment"),
    Column("customer_count", "Customers", "count"),
    Column("order_count", "Orders", "count"),
    Column("total_amount", "Revenue", "amount"),
    Column("share_pct", "Share", "pct"),
    Column("avg_order_value_amount", "Average order", "amount"),
    Column("net_amount", "Net", "amount"),
    Column("profit_amount", "Profit", "amount"),
    Column("margin_pct", "Margin", "pct"),
)
_RUNS = (
    Column("business_date", "Business date", "date"),
    Column("status", "Status", "status"),
    Column("started_at", "Started", "instant"),
    Column("seconds", "Seconds", "seconds"),
    Column("extracted", "Extracted", "count"),
    Column("rejected", "Rejected", "count"),
    Column("quarantined", "Quarantined", "count"),
    Column("inserted", "Inserted", "count"),
    Column("updated", "Updated", "count"),
    Column("quality_score_pct", "Quality", "pct"),
    Column("failing_rule_count", "Failing rules", "count"),
    Column("pipeline", "Pipeline"),
    Column("flow_run_url", "Prefect", "link"),
    Column("run_id", "Run", is_detail=True),
    Column("error", "Error", is_detail=True),
)
_COUNTS = (
    *("extracted", "rejected", "dropped", "quarantined", "inserted", "updated", "expired", "unchanged"),
    *("removed", "late", "repointed", "inferred"),
)
_RUN_TABLES = (
    Column("name", "Table"),
    Column("role", "Role"),
    *(Column(name, name.capitalize(), "count") for name in _COUNTS),
    Column("seconds", "Seconds", "seconds"),
)
_FAILING = (
    Column("business_date", "Business date", "date"),
    Column("table_name", "Table"),
    Column("rule", "Rule"),
    Column("column_name", "Column"),
    Column("severity", "Severity", "status"),
    Column("result", "Result"),
    Column("unexpected_count", "Rows", "count"),
    Column("element_count", "Of", "count"),
    Column("observed", "Observed"),
    Column("run_id", "Run", is_detail=True),
)
_QUARANTINE = (
    Column("table_name", "Table"),
    Column("rule", "Rule"),
    Column("row_count", "Rows", "count"),
    Column("run_count", "From runs", "count"),
)


@dataclass(frozen=True, slots=True)
class Measure:
    """One headline figure of the newest business date beside that of the same weekday a week before."""

    label: str
    kind: Kind
    value: Any
    week_before: Any

    @property
    def change(self) -> float | None:
        """Per cent of the value a week before, points for a percentage; None without a comparison."""
        if self.value is None or self.week_before is None:
            return None
        if self.kind == "pct":
            return float(self.value - self.week_before)
        return float(100 * (self.value - self.week_before) / self.week_before) if self.week_before else None

    @property
    def change_text(self) -> str:
        """The change with its sign and unit."""
        unit = "points" if self.kind == "pct" else "%"
        return "no comparison" if self.change is None else f"{self.change:+,.1f} {unit}"


@dataclass(frozen=True, slots=True)
class Figures:
    """What the reports show; rows as the warehouse gives them."""

    daily: tuple[Row, ...]
    segments: tuple[Row, ...]
    runs: tuple[Row, ...]
    run_tables: tuple[Row, ...]
    failing: tuple[Row, ...]
    quarantine: tuple[Row, ...]

    @property
    def newest_date(self) -> date | None:
        """Newest business date of the fact; None for an empty warehouse."""
        newest: date | None = self.daily[-1]["full_date"] if self.daily else None
        return newest

    @property
    def measures(self) -> tuple[Measure, ...]:
        """The headline figures; none for an empty warehouse."""
        if not self.daily:
            return ()
        newest = self.daily[-1]
        before = self.daily[-1 - WEEK_DAYS] if len(self.daily) > WEEK_DAYS else dict.fromkeys(newest)
        return tuple(Measure(label, kind, newest[name], before[name]) for name, label, kind in _MEASURES)

    @property
    def headline_table(self) -> ReportTable:
        """The headline figures as a table."""
        columns = (
            Column("measure", "Measure"),
            Column("value", "Value"),
            Column("before", "A week before"),
            Column("change", "Change"),
        )
        measures = [(m, Column("value", m.label, m.kind)) for m in self.measures]
        rows = tuple(
            {
                "measure": m.label,
                "value": c.shown({"value": m.value}),
                "before": c.shown({"value": m.week_before}),
                "change": m.change_text,
            }
            for m, c in measures
        )
        note = (
            f"Business date {self.newest_date}, against the same weekday a week before."
            if rows
            else "The warehouse holds no sales yet."
        )
        return ReportTable("headline", "Headline figures", note, columns, rows)

    @property
    def daily_table(self) -> ReportTable:
        """Up to 30 business dates, the newest first."""
        note = "One row per business date, cancelled orders left out; total = net + tax + shipping."
        return ReportTable("daily-sales", "Daily sales, 30 days", note, _DAILY, self.daily[::-1])

    @property
    def segment_table(self) -> ReportTable:
        """Segments by revenue."""
        note = "Segments as valid at the time of sale, customers once each; revenue = net + tax + shipping."
        if self.newest_date:
            note = f"{self.newest_date - timedelta(days=SEGMENT_DAYS - 1)} to {self.newest_date}. {note}"
        return ReportTable("segment-analysis", "Segment analysis, 90 days", note, _SEGMENTS, self.segments)

    @property
    def runs_table(self) -> ReportTable:
        """Runs, the newest first."""
        note = "One row per run, the newest first; inserted and updated count rows of dimensions and facts."
        return ReportTable("runs", "Newest runs", note, _RUNS, self.runs)

    @property
    def run_tables_table(self) -> ReportTable:
        """Tables of all runs shown, with the run first."""
        note = "One row per run and table."
        return ReportTable(
            "run-tables", "Tables of each run", note, (Column("run_id", "Run"), *_RUN_TABLES), self.run_tables
        )

    @property
    def failing_table(self) -> ReportTable:
        """Rules that failed, the newest run first."""
        note = "One row per run and rule that failed or could not be checked, the newest run first."
        return ReportTable("failing-rules", "Failing rules", note, _FAILING, self.failing)

    @property
    def quarantine_table(self) -> ReportTable:
        """Rows that wait in quarantine."""
        note = "Rows that the gate holds back, by the rule they broke; a row may count under two rules."
        return ReportTable("quarantine", "In quarantine", note, _QUARANTINE, self.quarantine)

    def tables_of(self, run_id: str) -> ReportTable:
        """What one run did to each table."""
        rows = tuple(row for row in self.run_tables if row["run_id"] == run_id)
        note = "Rows of a source are all accounted for; counts that are zero throughout are left out."
        return ReportTable("run-tables", "Tables of the run", note, _RUN_TABLES, rows).without_empty_counts()


def report_tables(connection: Connection, run_id: str) -> list[ReportTable]:
    """Headline, daily sales, segments, the run's tables and its failing rules, for who looks at a run.

    Args:
        connection: To the warehouse; nothing is written, and a transaction that this opens is ended.
        run_id: One of the newest runs.
    """
    figures = read_figures(connection)
    failing = tuple(row for row in figures.failing if row["run_id"] == run_id)
    return [
        figures.headline_table,
        figures.daily_table,
        figures.segment_table,
        figures.tables_of(run_id),
        ReportTable("failing-rules", "Failing rules", "Of this run.", _FAILING, failing),
    ]


def read_figures(connection: Connection) -> Figures:
    """Read everything from one snapshot, so that no page contradicts another.

    Marts that were never built are read as empty ones.
    """
    with _snapshot(connection), connection.cursor(cursor_factory=RealDictCursor) as cursor:
        cursor.execute(_ARE_BUILT)
        daily = _rows(cursor, "daily_sales") if cursor.fetchone() else ()
        runs = _rows(cursor, "runs")
        shown_runs = {"run_ids": [row["run_id"] for row in runs]}
        return Figures(
            daily=daily,
            segments=_rows(cursor, "segment_sales", {"newest_date": daily[-1]["full_date"]}) if daily else (),
            runs=runs,
            run_tables=_rows(cursor, "run_tables", shown_runs),
            failing=_rows(cursor, "failing_rules", shown_runs),
            quarantine=_rows(cursor, "open_quarantine"),
        )


@contextmanager
def _snapshot(connection: Connection) -> Iterator[None]:
    """One read-only snapshot, unless the caller is within a transaction already."""
    if connection.info.transaction_status != TRANSACTION_STATUS_IDLE:
        yield
        return
    isolation = "isolation level repeatable read, read only"
    with connection.cursor() as cursor:
        cursor.execute(f"begin {isolation}" if connection.autocommit else f"set transaction {isolation}")
        try:
            yield
        finally:
            if not connection.closed:
                cursor.execute("rollback")


def _rows(cursor: RealDictCursor, query: str, parameters: dict[str, Any] | None = None) -> tuple[Row, ...]:
    cursor.execute((QUERIES / f"{query}.sql").read_text(encoding="utf-8"), parameters)
    return tuple(dict(row) for row in cursor.fetchall())
