"""Monitoring: how runs went over time, how fresh each table is, what waits, differs or is wrong now.

Every age counts back from the newest run and never from the time at which the page is written.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from etl.reports.drawing import Chart
from etl.reports.pages import trends
from etl.reports.reading import Reader
from etl.reports.tables import Column, ReportTable, Row

_RECEIPT = Column("run_id", "Receipt", "receipt")
_TREND = (
    Column("started_at", "Started", "instant"),
    Column("pipeline", "Pipeline"),
    Column("business_date", "Business date", "date"),
    Column("status", "Status", "status"),
    Column("quality_score_pct", "Quality", "pct"),
    Column("critical_count", "Critical rules failing", "count"),
    Column("warning_count", "Warnings failing", "count"),
    Column("info_count", "Infos failing", "count"),
    Column("extracted", "Rows extracted", "count"),
    Column("inserted", "Inserted", "count"),
    Column("updated", "Updated", "count"),
    Column("seconds", "Seconds", "seconds"),
    _RECEIPT,
)
_FRESHNESS = (
    Column("table_name", "Table"),
    Column("newest_status", "Newest run", "status"),
    Column("attempts_since", "Runs since success", "count"),
    Column("succeeded_at", "Last success", "instant"),
    Column("hours_since_success", "Hours ago", "hours"),
    Column("as_of_at", "Speaks as of", "instant"),
    Column("behind_hours", "Hours behind its source", "hours"),
    Column("lag_seconds", "Held back, seconds", "count"),
    Column("watermark", "Watermark"),
    Column("pipeline", "Pipeline"),
    _RECEIPT,
)
_WORK = (
    Column("name", "Table"),
    Column("role", "Role"),
    Column("extracted", "Extracted", "count"),
    Column("usual_extracted", "Usually", "count"),
    Column("written", "Written", "count"),
    Column("usual_written", "Usually", "count"),
    Column("seconds", "Seconds", "seconds"),
    Column("usual_seconds", "Usually", "seconds"),
    Column("rejected", "Rejected", "count"),
    Column("quarantined", "Quarantined", "count"),
    Column("score_pct", "Quality", "pct"),
    Column("docs_page", "Data Docs", "judgement"),
    Column("drift_count", "Profile drifts", "count"),
    Column("pipeline", "Pipeline"),
    Column("started_at", "Run of", "instant"),
    _RECEIPT,
)
_AGES = (
    Column("table_name", "Table"),
    Column("row_count", "Rows", "count"),
    *(Column(name, mark.label, "count") for name, mark in trends.AGES),
    Column("oldest_days", "Oldest, days", "days"),
    Column("oldest_at", "Since the run of", "instant"),
)
_CLOSINGS = (
    Column("started_at", "Run of", "instant"),
    Column("pipeline", "Pipeline"),
    Column("business_date", "Business date", "date"),
    Column("rules", "Because of"),
    Column("table_names", "Tables"),
    Column("quality_score_pct", "Quality", "pct"),
    _RECEIPT,
)
_RECONCILIATIONS = (
    Column("table_name", "Table"),
    Column("status", "State", "status"),
    Column("source_count", "Rows at the source", "count"),
    Column("target_count", "Rows here", "count"),
    Column("held_back", "Held back", "count"),
    Column("newer", "Newer there", "count"),
    Column("kept", "Kept here", "count"),
    Column("missing", "Missing", "count"),
    Column("extra", "Extra", "count"),
    Column("changed", "Changed", "count"),
    Column("differing_range_count", "Ranges that differ", "count"),
    Column("range_count", "Of", "count"),
    Column("verified_through", "Verified through"),
    Column("as_of", "As of", "instant"),
    Column("started_at", "Run of", "instant"),
    Column("seconds", "Seconds", "seconds", is_detail=True),
    Column("target", "Held against", is_detail=True),
    _RECEIPT,
)
_GRAVITY = ("succeeded", "running", "gate_closed", "killed", "failed")
_INCIDENTS = (
    Column("state", "State", "status"),
    Column("severity", "Severity", "status"),
    Column("kind", "What"),
    Column("table_name", "Table"),
    Column("summary", "Summary"),
    Column("opened_at", "Since", "instant"),
    Column("last_seen_at", "Last seen", "instant", is_detail=True),
    Column("seen_count", "Times seen", "count"),
    Column("sent_count", "Messages sent", "count"),
    Column("unsent_count", "Not sent", "count"),
    Column("closed_at", "Over", "instant"),
    Column("pipeline", "Pipeline", is_detail=True),
    _RECEIPT,
)


@dataclass(frozen=True, slots=True)
class Monitoring:
    """Trends of runs, and the newest state of each table.

    Attributes:
        runs: The newest runs of each pipeline, the oldest first.
        freshness: Source tables, those longest without success first.
        work: Rows and seconds of each table, newest and usual.
        ages: Open quarantine by table and age.
        closings: Runs whose gate closed, the newest first.
        reconciliations: Newest state of each table that was held against its source.
        incidents: Open ones, then those that were over last.
    """

    runs: tuple[Row, ...]
    freshness: tuple[Row, ...]
    work: tuple[Row, ...]
    ages: tuple[Row, ...]
    closings: tuple[Row, ...]
    reconciliations: tuple[Row, ...]
    incidents: tuple[Row, ...]

    @property
    def newest_runs(self) -> tuple[Row, ...]:
        """The newest run of each pipeline that has ended, by pipeline."""
        ended = {run["pipeline"]: run for run in self.runs if run["status"] != "running"}
        return tuple(ended[name] for name in sorted(ended))

    @property
    def succeeded_count(self) -> int:
        """Pipelines whose newest run succeeded."""
        return sum(run["status"] == "succeeded" for run in self.newest_runs)

    @property
    def lowest_score(self) -> Row | None:
        """The newest judged run of a pipeline with the lowest score; None where nothing was judged."""
        judged = {run["pipeline"]: run for run in self.runs if run["quality_score_pct"] is not None}
        return min(judged.values(), key=lambda run: run["quality_score_pct"], default=None)

    @property
    def open_incidents(self) -> tuple[Row, ...]:
        """What is wrong now."""
        return tuple(row for row in self.incidents if row["state"] == "open")

    @property
    def waiting_count(self) -> int:
        """Rows in quarantine."""
        return sum(row["row_count"] for row in self.ages)

    @property
    def oldest_days(self) -> Decimal | None:
        """Age of the oldest row in quarantine; None while there is none."""
        oldest: Decimal | None = max((row["oldest_days"] for row in self.ages), default=None)
        return oldest

    @property
    def agreeing_count(self) -> int:
        """Reconciled tables that agree with their source, repaired ones included."""
        return sum(row["status"] != "differs" for row in self.reconciliations)

    @property
    def drift_count(self) -> int:
        """Profile drifts in the newest release of each table."""
        return sum(row["drift_count"] or 0 for row in self.work)

    def runs_by_pipeline(self) -> dict[str, list[Row]]:
        """Runs of each pipeline, the oldest first; pipelines by name.

        What one flow run released in parts, as a replay does, is one: the gravest of them, else the last.
        The days of a backfill are runs of their own.
        """
        names = sorted({run["pipeline"] for run in self.runs})
        return {name: _together([r for r in self.runs if r["pipeline"] == name]) for name in names}

    @property
    def trend_table(self) -> ReportTable:
        """What the charts over time are drawn from, the newest run first."""
        note = "One row per run: the thirty newest of each pipeline, the newest first."
        return ReportTable("run-trend", "Figures by run", note, _TREND, self.runs[::-1])

    @property
    def freshness_table(self) -> ReportTable:
        """How fresh each source table is."""
        note = (
            "Hours ago: from the last success to the begin of the newest run of all. Behind its source: how"
            " much older the instant is for which the table speaks than the newest one of the same source."
            " Held back: what lies between that instant and the end of its window, such as open transactions."
        )
        return ReportTable("freshness", "Lag and freshness by table", note, _FRESHNESS, self.freshness)

    @property
    def work_table(self) -> ReportTable:
        """Rows and seconds of each table."""
        note = (
            "The newest release of each table; usually = the median of the thirty before. Written: inserted,"
            " updated, expired and removed. The file run-tables.csv of the page Runs has every run."
        )
        return ReportTable("table-work", "Rows and seconds by table", note, _WORK, self.work)

    @property
    def ages_table(self) -> ReportTable:
        """How long rows wait in quarantine."""
        note = "Rows that wait, by the age of the run that held them back, counted back from the newest run."
        return ReportTable("quarantine-ages", "Ages in quarantine by table", note, _AGES, self.ages)

    @property
    def closings_table(self) -> ReportTable:
        """When the gate closed, and why."""
        note = (
            "One row per run whose gate closed, the fifty newest, with the critical rules that failed and the"
            " rules that could not be checked."
        )
        return ReportTable("gate-closings", "Gate closings", note, _CLOSINGS, self.closings)

    @property
    def reconciliations_table(self) -> ReportTable:
        """Source held against the warehouse."""
        note = (
            "The newest reconciliation of each table; those that differ first. Held back, newer and kept rows"
            " are not compared: they wait or were rejected, changed since the last load, or are gone at the"
            " source."
        )
        return ReportTable("reconciliations", "Reconciliation", note, _RECONCILIATIONS, self.reconciliations)

    @property
    def incidents_table(self) -> ReportTable:
        """What is wrong, and what was."""
        note = (
            "What is wrong from one run until a later one: those that are open, then the twenty last ones."
            " Messages of the newest run are sent after this page is written."
        )
        return ReportTable("incidents", "Incidents", note, _INCIDENTS, self.incidents)

    @property
    def tables(self) -> tuple[ReportTable, ...]:
        """Tables with a file of their own."""
        return (
            *(self.trend_table, self.freshness_table, self.work_table, self.ages_table),
            *(self.closings_table, self.reconciliations_table, self.incidents_table),
        )

    def charts(self) -> dict[str, Chart]:
        """Trends by run and pipeline, freshness by table, ages of quarantine."""
        runs = trends.charted(self.runs)
        drawn = {
            "score": trends.score_chart(runs),
            "failing": trends.failing_chart(runs),
            "run_rows": trends.work_chart(runs, "extracted", "Rows extracted by run"),
            "run_seconds": trends.work_chart(runs, "seconds", "Seconds by run"),
            "freshness": trends.freshness_chart(self.freshness),
            "ages": trends.ages_chart(self.ages),
        }
        return {name: chart for name, chart in drawn.items() if chart is not None}


def _together(runs: list[Row]) -> list[Row]:
    parts: dict[str, Row] = {}
    for run in runs:
        whole = run["run_id"] if run["is_backfill"] else run["flow_run_url"] or run["run_id"]
        if whole not in parts or _GRAVITY.index(run["status"]) >= _GRAVITY.index(parts[whole]["status"]):
            parts[whole] = run
    return list(parts.values())


def read_monitoring(reader: Reader, runs: Sequence[Row]) -> Monitoring:
    """Read the newest state of each table; the runs stand the newest first."""
    return Monitoring(
        tuple(runs[::-1]),
        reader.rows("freshness"),
        reader.rows("table_work"),
        reader.rows("quarantine_ages"),
        reader.rows("gate_closings"),
        reader.rows("reconciliations"),
        reader.rows("incidents"),
    )
