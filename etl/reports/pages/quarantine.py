"""Quarantine: what waits, by table, rule and run, and row by row; without a value of any row but its key."""

from __future__ import annotations

from dataclasses import dataclass

from etl.reports.drawing import Chart
from etl.reports.reading import Reader, in_words
from etl.reports.tables import Column, ReportTable, Row

ROW_LIMIT = 1_000
_GROUPS = (
    Column("table_name", "Table"),
    Column("rule", "Rule"),
    Column("row_count", "Rows", "count"),
    Column("age_days", "Days", "count"),
    Column("started_at", "Held back", "instant"),
    Column("pipeline", "Pipeline"),
    Column("run_id", "Receipt", "receipt"),
)
_ROWS = (
    Column("quarantine_id", "Entry"),
    Column("table_name", "Table"),
    Column("rules", "Rules"),
    Column("shown_key", "Key"),
    Column("run", "Run"),
    Column("pipeline", "Pipeline", is_detail=True),
    Column("started_at", "Held back", "instant"),
    Column("age_days", "Days", "count"),
    Column("run_id", "Receipt", "receipt"),
)


@dataclass(frozen=True, slots=True)
class Quarantine:
    """What waits in quarantine, the oldest first.

    Attributes:
        groups: By table, rule and run.
        rows: One by one, ``ROW_LIMIT`` at most.
    """

    groups: tuple[Row, ...]
    rows: tuple[Row, ...]

    @property
    def groups_table(self) -> ReportTable:
        """Counts and ages."""
        note = (
            "One row per table, rule and run that held rows back; a row may count under two rules."
            " Days are those up to the newest run."
        )
        return ReportTable("quarantine-groups", "By table, rule and run", note, _GROUPS, self.groups)

    @property
    def rows_table(self) -> ReportTable:
        """The rows without their values."""
        note = (
            "One line per row, the oldest first. Of a key, numbers and times that are not personal are shown."
        )
        if len(self.rows) == ROW_LIMIT:
            note += f" Here are the oldest {ROW_LIMIT:,}; 'make quarantine' lists and filters all of them."
        return ReportTable("quarantine-rows", "Row by row", note, _ROWS, self.rows)

    @property
    def tables(self) -> tuple[ReportTable, ...]:
        """Tables with a file of their own."""
        return (self.groups_table, self.rows_table)

    def charts(self) -> dict[str, Chart]:
        """None: the counts are few and stand in the table."""
        return {}


def read_quarantine(reader: Reader) -> Quarantine:
    """Read what waits."""
    rows = reader.rows("quarantine_rows", row_limit=ROW_LIMIT)
    return Quarantine(
        reader.rows("quarantine_groups"), tuple({**row, "rules": in_words(row["rules"])} for row in rows)
    )
