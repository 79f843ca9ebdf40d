"""Quality: the newest verdict on each table, rules that failed, and what waits in quarantine."""

from __future__ import annotations

from dataclasses import dataclass

from etl.reports.drawing import Chart
from etl.reports.reading import Reader
from etl.reports.tables import Column, ReportTable, Row

_VERDICTS = (
    Column("table_name", "Table"),
    Column("verdict", "Verdict", "status"),
    Column("score_pct", "Quality", "pct"),
    Column("row_count", "Rows judged", "count"),
    Column("quarantined", "Quarantined", "count"),
    Column("docs_page", "Data Docs", "judgement"),
    Column("pipeline", "Pipeline"),
    Column("started_at", "Run of", "instant"),
    Column("run_id", "Receipt", "receipt"),
)
# What a rule that failed says, also in a receipt.
RULE_COLUMNS = (
    Column("table_name", "Table"),
    Column("rule", "Rule"),
    Column("column_name", "Column"),
    Column("severity", "Severity", "status"),
    Column("result", "Result"),
    Column("unexpected_count", "Rows", "count"),
    Column("element_count", "Of", "count"),
    Column("observed", "Observed"),
)
_FAILING = (
    Column("business_date", "Business date", "date"),
    *RULE_COLUMNS,
    Column("pipeline", "Pipeline"),
    Column("run_id", "Receipt", "receipt"),
)
_QUARANTINE = (
    Column("table_name", "Table"),
    Column("rule", "Rule"),
    Column("row_count", "Rows", "count"),
    Column("run_count", "From runs", "count"),
)


@dataclass(frozen=True, slots=True)
class Quality:
    """What the gate said in the newest runs.

    Attributes:
        verdicts: The newest verdict on each table, closed gates first.
        failing: Rules that failed or could not be checked in the newest runs, the newest run first.
        quarantine: Rows that wait, by table and rule.
    """

    verdicts: tuple[Row, ...]
    failing: tuple[Row, ...]
    quarantine: tuple[Row, ...]

    @property
    def verdicts_table(self) -> ReportTable:
        """The newest verdict on each table."""
        note = "The newest judgement of each table, with its page in the Data Docs; closed gates first."
        return ReportTable("verdicts", "Newest verdicts", note, _VERDICTS, self.verdicts)

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

    @property
    def tables(self) -> tuple[ReportTable, ...]:
        """Tables with a file of their own."""
        return (self.verdicts_table, self.failing_table, self.quarantine_table)

    def failing_of(self, run_id: str) -> ReportTable:
        """Rules that failed in one run."""
        rows = tuple(row for row in self.failing if row["run_id"] == run_id)
        return ReportTable("failing-rules", "Failing rules", "Of this run.", _FAILING, rows)

    def charts(self) -> dict[str, Chart]:
        """No chart: scores and failing rules over time stand on the page of monitoring."""
        return {}


def read_quality(reader: Reader, runs: tuple[Row, ...]) -> Quality:
    """Read the newest verdicts, and what failed in these runs."""
    run_ids = [run["run_id"] for run in runs]
    return Quality(
        reader.rows("newest_verdicts"),
        reader.rows("failing_rules", run_ids=run_ids),
        reader.rows("open_quarantine"),
    )
