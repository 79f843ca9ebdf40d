"""Loads: the ledger of files (law X11), and what each step of preparation did."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from etl.reports.drawing import Chart
from etl.reports.reading import Reader, in_words
from etl.reports.tables import Column, ReportTable, Row

_FILES = (
    Column("path", "File"),
    Column("status", "Status", "status"),
    Column("reason", "Reason"),
    Column("row_count", "Rows", "count"),
    Column("byte_count", "Bytes", "count"),
    Column("modified_at", "Changed", "instant"),
    Column("seen_at", "Seen by the run of", "instant"),
    Column("table_name", "Table"),
    Column("content_hash", "SHA-256", is_detail=True),
    Column("run_id", "Run", is_detail=True),
)
# What each step did, also in a receipt.
STEP_COLUMNS = (
    Column("table_name", "Table"),
    Column("position", "Step no.", "count"),
    Column("step", "Step"),
    Column("column_names", "Columns"),
    Column("rows_before", "Rows before", "count"),
    Column("rows_after", "Rows after", "count"),
    Column("changed", "Values changed", "count"),
    Column("nulls_before", "NULL before", "count"),
    Column("nulls_after", "NULL after", "count"),
)
_STEPS = (
    *STEP_COLUMNS,
    Column("started_at", "Run of", "instant"),
    Column("run_id", "Run", is_detail=True),
)


@dataclass(frozen=True, slots=True)
class Loads:
    """Files that releases saw, those held back first, and the newest log of each table's steps."""

    files: tuple[Row, ...]
    steps: tuple[Row, ...]

    @property
    def held_back_count(self) -> int:
        """Files that wait in quarantine, of those shown."""
        return sum(row["status"] == "quarantined" for row in self.files)

    @property
    def file_table(self) -> ReportTable:
        """The ledger."""
        note = (
            "Each content is loaded once, also under another name. Files that cannot be loaded come first"
            " and are tried again in each run; the 200 newest."
        )
        return ReportTable("files", "Files", note, _FILES, self.files)

    @property
    def step_table(self) -> ReportTable:
        """The transformation log."""
        note = "One row per table and step of its preparation, in the newest run that read the table."
        return ReportTable("transformations", "Transformation log", note, _STEPS, self.steps)

    @property
    def tables(self) -> tuple[ReportTable, ...]:
        """Tables with a file of their own."""
        return (self.file_table, self.step_table)

    def charts(self) -> dict[str, Chart]:
        """No chart."""
        return {}


def read_loads(reader: Reader) -> Loads:
    """Read the ledger and the newest log of each table."""
    return Loads(reader.rows("files"), read_steps(reader, "transformations"))


def read_steps(reader: Reader, query: str, **parameters: Any) -> tuple[Row, ...]:
    """Rows of a log of steps, with the names of their columns as one text."""
    rows = reader.rows(query, **parameters)
    return tuple({**row, "column_names": in_words(row["columns"])} for row in rows)
