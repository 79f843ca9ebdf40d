"""Profiles: what the rows of each table look like, and what moved from run to run.

Values of persons are in no profile (law P2), so that none can stand here.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import groupby
from typing import Any

from etl.reports.drawing import Chart
from etl.reports.reading import Reader
from etl.reports.tables import Column, ReportTable, Row
from etl.warehouse.database import from_json

_SHOWN_VALUES = 4
_COLUMNS = (
    Column("column_name", "Column"),
    Column("data_type", "Type"),
    Column("null_pct", "NULL", "pct"),
    Column("distinct_count", "Distinct", "count"),
    Column("key_candidate", "Key?"),
    Column("frequent", "Most frequent"),
    Column("lowest", "Lowest"),
    Column("median", "Median"),
    Column("highest", "Highest"),
)
_FILE = (
    Column("table_name", "Table"),
    *_COLUMNS,
    Column("mean", "Mean"),
    Column("form", "Form"),
    Column("shortest", "Shortest", "count"),
    Column("longest", "Longest", "count"),
    Column("row_count", "Rows", "count"),
    Column("sampled_count", "Looked at", "count"),
    Column("personal", "Personal"),
    Column("run_id", "Run"),
)
_DRIFTS = (
    Column("table_name", "Table"),
    Column("column_name", "Column"),
    Column("what", "What moved"),
    Column("before", "Before"),
    Column("after", "After"),
    Column("started_at", "Run of", "instant"),
    Column("pipeline", "Pipeline"),
    Column("run_id", "Run", is_detail=True),
)


@dataclass(frozen=True, slots=True)
class TableProfile:
    """The newest profile of one table.

    Attributes:
        head: Of the table and its run: a row of any of its columns.
    """

    head: Row
    columns: tuple[Row, ...]

    @property
    def is_sampled(self) -> bool:
        """Not all rows were looked at."""
        return bool(self.head["sampled_count"] < self.head["row_count"])

    @property
    def table(self) -> ReportTable:
        """The columns, as the page shows them."""
        return ReportTable("profiles", self.head["table_name"], "One row per column.", _COLUMNS, self.columns)


@dataclass(frozen=True, slots=True)
class Profiles:
    """The newest profile of each table, column by column, and the newest drifts."""

    columns: tuple[Row, ...]
    drifts: tuple[Row, ...]

    @property
    def by_table(self) -> tuple[TableProfile, ...]:
        """Profile by profile, in the order of the tables' names."""
        grouped = (tuple(rows) for _, rows in groupby(self.columns, key=lambda row: row["table_name"]))
        return tuple(TableProfile(rows[0], rows) for rows in grouped)

    @property
    def drift_table(self) -> ReportTable:
        """What moved, the newest run first."""
        note = (
            "What moved further than chance has it since the last comparable run that succeeded; the newest"
            " run first, the 200 newest."
        )
        return ReportTable("profile-drifts", "What moved", note, _DRIFTS, self.drifts)

    @property
    def tables(self) -> tuple[ReportTable, ...]:
        """Tables with a file of their own."""
        note = "One row per table and column, in the newest run that profiled the table."
        return (self.drift_table, ReportTable("profiles", "Profiles", note, _FILE, self.columns))

    def charts(self) -> dict[str, Chart]:
        """No chart: each share has a bar beside it."""
        return {}


def read_profiles(reader: Reader) -> Profiles:
    """Read the newest profile of each table, and the newest drifts."""
    columns = tuple(_profiled(row) for row in reader.rows("profiles"))
    drifts = tuple({**row, "what": row["drift"].replace("_", " ")} for row in reader.rows("profile_drifts"))
    return Profiles(columns, drifts)


def _profiled(row: Row) -> Row:
    """A column with its median, the third of five quantiles, and its most frequent values."""
    quantiles = from_json(row["quantiles"])
    lists = {name: from_json(row[name]) for name in ("top_values", "patterns")}
    row = {**row, **lists, "median": quantiles[2] if quantiles else None}
    return {**row, "frequent": _frequent(row)}


def _frequent(row: Row) -> str | None:
    """The first of the most frequent values with their shares; of values that all differ, their form."""
    given = row["sampled_count"] - row["null_count"]
    listed: list[dict[str, Any]] = row["top_values"] or []
    if row["personal"]:
        return "values are not kept"
    if listed and listed[0]["count"] > 1:
        first = [f"{each['value'] or '(empty)'} {_pct(each['count'], given)}" for each in listed]
        return ", ".join(first[:_SHOWN_VALUES])
    patterns = row["patterns"] or []
    return f"like {patterns[0]['pattern']}" if patterns else None


def _pct(count: int, rows: int) -> str:
    return f"{100 * count / rows:.0f} %"
