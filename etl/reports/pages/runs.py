"""Runs, and what each did to each table; a receipt per run has the rest."""

from __future__ import annotations

from dataclasses import dataclass

from etl.reports.drawing import Chart
from etl.reports.reading import Reader
from etl.reports.tables import Column, ReportTable, Row

SHOWN, READ = 15, 30
_RUNS = (
    Column("started_at", "Started", "instant"),
    Column("run_id", "Receipt", "receipt"),
    Column("pipeline", "Pipeline"),
    Column("business_date", "Business date", "date"),
    Column("status", "Status", "status"),
    Column("seconds", "Seconds", "seconds"),
    Column("extracted", "Extracted", "count"),
    Column("rejected", "Rejected", "count"),
    Column("quarantined", "Quarantined", "count"),
    Column("inserted", "Inserted", "count"),
    Column("updated", "Updated", "count"),
    Column("quality_score_pct", "Quality", "pct"),
    Column("failing_rule_count", "Failing rules", "count"),
    Column("flow_run_url", "Prefect", "link"),
    Column("code_version", "Code", is_detail=True),
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


@dataclass(frozen=True, slots=True)
class Runs:
    """The newest runs of each pipeline, the newest first, and their tables.

    Attributes:
        runs: Those with a receipt.
        run_tables: What each of these did to each table.
        trend: These and as many before them, for figures over time.
    """

    runs: tuple[Row, ...]
    run_tables: tuple[Row, ...]
    trend: tuple[Row, ...]

    @property
    def newest_judged(self) -> Row:
        """The newest run in which rules were asked; the newest of all where there is none yet."""
        return next((run for run in self.runs if run["rule_count"]), self.runs[0])

    @property
    def runs_table(self) -> ReportTable:
        """Runs, the newest first."""
        note = (
            "The fifteen newest runs of each pipeline, the newest first; inserted and updated count rows of"
            " dimensions and facts."
        )
        return ReportTable("runs", "Newest runs", note, _RUNS, self.runs)

    @property
    def run_tables_table(self) -> ReportTable:
        """Tables of all runs shown, with the run first."""
        columns = (Column("run_id", "Run"), *_RUN_TABLES)
        return ReportTable(
            "run-tables", "Tables of each run", "One row per run and table.", columns, self.run_tables
        )

    @property
    def tables(self) -> tuple[ReportTable, ...]:
        """Tables with a file of their own."""
        return (self.runs_table, self.run_tables_table)

    def tables_of(self, run_id: str) -> ReportTable:
        """What one run did to each table."""
        rows = tuple(row for row in self.run_tables if row["run_id"] == run_id)
        note = "Rows of a source are all accounted for; counts that are zero throughout are left out."
        return ReportTable("run-tables", "Tables of the run", note, _RUN_TABLES, rows).without_empty_counts()

    def charts(self) -> dict[str, Chart]:
        """No chart: figures over time stand on the page of monitoring."""
        return {}


def read_runs(reader: Reader) -> Runs:
    """Read the newest runs and their tables."""
    trend = reader.rows("runs", newest=READ)
    runs = tuple(run for run in trend if run["age"] <= SHOWN)
    return Runs(runs, reader.rows("run_tables", run_ids=[row["run_id"] for row in runs]), trend)
