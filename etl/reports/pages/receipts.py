"""Receipts: one page per run that is shown, with all that the run was asked for, read, judged and wrote."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from etl.reports.pages.loads import STEP_COLUMNS, read_steps
from etl.reports.pages.quality import RULE_COLUMNS
from etl.reports.reading import Reader
from etl.reports.tables import Column, ReportTable, Row
from etl.warehouse.database import from_json

FOLDER = "runs"
_ACCOUNTED = ("rejected", "dropped", "quarantined", "inserted", "updated", "unchanged")
_SAFE_NAME = re.compile(r"[A-Za-z0-9_-]{1,100}")

_WINDOWS = (
    Column("table_name", "Table"),
    Column("low", "From"),
    Column("high", "Up to, without"),
    Column("as_of", "Speaks as of"),
    Column("compares_keys", "Compares keys"),
    Column("moves_watermark", "Moves the watermark"),
)
_SOURCES = (
    Column("name", "Table"),
    Column("extracted", "Extracted", "count"),
    *(Column(name, name.capitalize(), "count") for name in _ACCOUNTED),
    Column("accounted", "Accounted for", "count"),
    Column("balance", "Balance", "status"),
    Column("seconds", "Seconds", "seconds"),
)
_TARGETS = (
    Column("name", "Table"),
    Column("role", "Role"),
    *(
        Column(name, name.capitalize(), "count")
        for name in (
            "inserted",
            "updated",
            "expired",
            "unchanged",
            "removed",
            "late",
            "repointed",
            "inferred",
        )
    ),
    Column("seconds", "Seconds", "seconds"),
)
_VERDICTS = (
    Column("table_name", "Table"),
    Column("verdict", "Verdict", "status"),
    Column("score_pct", "Quality", "pct"),
    Column("row_count", "Rows judged", "count"),
    Column("quarantined", "Quarantined", "count"),
    Column("seconds", "Seconds", "seconds"),
    Column("docs_page", "Data Docs", "judgement"),
)
_RECONCILED = (
    Column("table_name", "Table"),
    Column("status", "State", "status"),
    Column("source_count", "Rows at the source", "count"),
    Column("target_count", "Rows here", "count"),
    Column("missing", "Missing", "count"),
    Column("extra", "Extra", "count"),
    Column("changed", "Changed", "count"),
    Column("held_back", "Held back", "count"),
    Column("newer", "Newer there", "count"),
    Column("kept", "Kept here", "count"),
    Column("verified_through", "Verified through"),
    Column("target", "Held against"),
)
_RANGES = (
    Column("table_name", "Table"),
    Column("range_number", "Range", "count"),
    Column("low", "From"),
    Column("high", "Up to, without"),
    Column("source_count", "Rows at the source", "count"),
    Column("target_count", "Rows here", "count"),
    Column("missing", "Missing", "count"),
    Column("extra", "Extra", "count"),
    Column("changed", "Changed", "count"),
)
_QUARANTINE = (
    Column("table_name", "Table"),
    Column("rule", "Rule"),
    Column("row_count", "Rows", "count"),
    Column("status", "State now", "status"),
)
_FILES = (
    Column("path", "File"),
    Column("status", "Status", "status"),
    Column("reason", "Reason"),
    Column("row_count", "Rows", "count"),
    Column("byte_count", "Bytes", "count"),
    Column("table_name", "Table"),
)
_DRIFTS = (Column("table_name", "Table"), Column("kind", "Of the"), Column("drift", "Drift"))
# What is read for receipts: query -> title, note and columns of its table.
_PARTS = {
    "windows": (
        "Windows",
        "What the run was to read: from the first bound up to, and without, the second.",
        _WINDOWS,
    ),
    "verdicts": ("Verdicts", "What the gate said about each staged table.", _VERDICTS),
    "failing": ("Failing rules", "Rules that failed or could not be checked.", RULE_COLUMNS),
    "reconciled": (
        "Reconciliation",
        "Each table held against its source, those that differ first; what was held back, is newer or is kept"
        " was not compared.",
        _RECONCILED,
    ),
    "ranges": (
        "Ranges that differ",
        "The first 100 of the run; without bounds where a key may tell of a person.",
        _RANGES,
    ),
    "quarantine": (
        "Held back",
        "Rows that this run put into quarantine, by the rule they broke; a row may count under two rules.",
        _QUARANTINE,
    ),
    "files": (
        "Files",
        "Files that this run was the last to see; 200 at most, those held back first.",
        _FILES,
    ),
    "drifts": (
        "Drifts",
        "How a source differed from the catalog, or the rows of a column from those of the run before.",
        _DRIFTS,
    ),
    "transformations": ("Transformations", "One row per table and step of its preparation.", STEP_COLUMNS),
}


@dataclass(frozen=True, slots=True)
class Receipt:
    """One run.

    Attributes:
        run: Its row of the runs.
        parts: What was recorded of it, by section of the page; a section without rows is left out.
    """

    run: Row
    parts: dict[str, ReportTable]

    @property
    def parameters(self) -> list[tuple[str, str]]:
        """What the flow was asked for, as name and JSON text."""
        asked = from_json(self.run["parameters"]) or {}
        return [(name, _as_text(value)) for name, value in sorted(asked.items())]

    @property
    def title(self) -> str:
        """The run for people: its pipeline and its day."""
        day = self.run["business_date"]
        return f"{self.run['pipeline']}, {day}" if day else str(self.run["pipeline"])


@dataclass(frozen=True, slots=True)
class Receipts:
    """The receipts of all runs shown, the newest first."""

    receipts: tuple[Receipt, ...]

    def pages(self) -> dict[str, str]:
        """Run id -> name of its page in the folder of receipts."""
        return {receipt.run["run_id"]: page_name(receipt.run["run_id"]) for receipt in self.receipts}


def read_receipts(
    reader: Reader, runs: Sequence[Row], run_tables: Sequence[Row], failing: Sequence[Row]
) -> Receipts:
    """Read what is on record of these runs, beside what was read of them already.

    Args:
        run_tables: What the runs did to each table.
        failing: Rules that failed in them.
    """
    run_ids = [run["run_id"] for run in runs]
    read = {
        name: reader.rows(f"run_{name}", run_ids=run_ids)
        for name in _PARTS
        if name not in ("failing", "transformations")
    }
    read["transformations"] = read_steps(reader, "run_transformations", run_ids=run_ids)
    by_run = {name: _by_run(rows) for name, rows in {**read, "failing": failing}.items()}
    tables = _by_run(run_tables)
    return Receipts(
        tuple(
            Receipt(
                run,
                {
                    **_accounts(tables.get(run["run_id"], [])),
                    **_found({name: rows.get(run["run_id"], []) for name, rows in by_run.items()}),
                },
            )
            for run in runs
        )
    )


def page_name(run_id: str) -> str:
    """The file of a run's receipt; ids that could not be a file everywhere are named by their hash."""
    stem = run_id if _SAFE_NAME.fullmatch(run_id) else hashlib.sha256(run_id.encode()).hexdigest()
    return f"{stem}.html"


def _by_run(rows: Sequence[Row]) -> dict[str, list[Row]]:
    grouped: dict[str, list[Row]] = {}
    for row in rows:
        grouped.setdefault(row["run_id"], []).append(row)
    return grouped


def _found(rows: dict[str, list[Row]]) -> dict[str, ReportTable]:
    return {
        name: ReportTable(f"run-{name}", title, note, columns, tuple(rows[name]))
        for name, (title, note, columns) in _PARTS.items()
        if rows[name]
    }


def _accounts(rows: list[Row]) -> dict[str, ReportTable]:
    """Row accounting of the sources with its sum (law R3), and what was written."""
    sources = tuple(_accounted(row) for row in rows if row["role"] == "source")
    targets = tuple(row for row in rows if row["role"] != "source")
    note = (
        "Every row is accounted for: extracted = rejected + dropped + quarantined + inserted + updated"
        " + unchanged."
    )
    found = {
        "sources": ReportTable("run-sources", "Row accounting", note, _SOURCES, sources),
        "targets": ReportTable(
            "run-targets",
            "Written",
            "Counts that are zero throughout are left out.",
            _TARGETS,
            targets,
        ).without_empty_counts(),
    }
    return {name: table for name, table in found.items() if table.rows}


def _accounted(row: Row) -> Row:
    total = sum(row[name] for name in _ACCOUNTED)
    return {**row, "accounted": total, "balance": "agrees" if total == row["extracted"] else "differs"}


def _as_text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
