"""The small frozen records that travel between tasks, each with its row counts.

    LandedFile -> PreparedFile -> StagedTable -> Verdict -> Release

No frame ever travels; a handle names a file or a table and says how many rows it holds, so that a
run's report is its handles laid side by side (law R3).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from datetime import date
from pathlib import Path
from typing import Any, Literal

from etl.windows import Window

Severity = Literal["critical", "warning", "info"]
# So many earlier runs are looked at for what is usual, at the most.
COMPARED_RUNS = 100


@dataclass(frozen=True, slots=True)
class Run:
    """One execution of a flow, as recorded in ``audit.runs``.

    Attributes:
        tables: Catalog names of the tables that the run reads.
        is_backfill: One business date of a backfill, whose dates may run side by side.
        parameters: What the flow was asked for, as JSON can hold it, without secrets (law P2).
        setup: What other processes that work for the run must have alike, each by a hash; empty where the
            flow's own process does all the work.
    """

    run_id: str
    pipeline: str
    business_date: date | None
    full_refresh: bool
    staging_schema: str
    flow_run_url: str | None = None
    code_version: str | None = None
    tables: tuple[str, ...] = ()
    is_backfill: bool = False
    parameters: Mapping[str, Any] = field(default_factory=dict)
    setup: tuple[tuple[str, str], ...] = ()

    @property
    def lock_name(self) -> str:
        """What no other run may hold meanwhile: the pipeline, or one date of a backfill (law R5)."""
        return f"{self.pipeline} {self.business_date}" if self.is_backfill else self.pipeline


@dataclass(frozen=True, slots=True)
class FileRef:
    """One file as a source found it (law X11).

    Attributes:
        path: Below the URL of the source.
        content_hash: SHA-256 of its bytes, by which the ledger knows it; empty where it could not be read.
        modified_at: As cursor text in UTC.
        fault: Why it cannot be loaded now; empty for a file that can.
    """

    path: str
    byte_count: int
    content_hash: str
    modified_at: str
    fault: str = ""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What a source promised when reading began (law X2).

    Attributes:
        source: Name of the source system in the catalog.
        snapshot_id: Exported snapshot that parallel readers join; None where the system has none.
        taken_at: The source's own clock, as cursor text in the source's time zone.
        safe_highs: Table name -> safe upper bound of its cursor; None for tables without a cursor.
        files: Table name -> files that are there, oldest first; for tables that are read from files.
        notes: What people should know of the tables, such as files that wait; for the run's log.
    """

    source: str
    snapshot_id: str | None
    taken_at: str
    safe_highs: dict[str, str | None]
    files: dict[str, tuple[FileRef, ...]] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class TablePlan:
    """What a run does with one source table, fixed before anything is read.

    Attributes:
        watermark: Where the run found the table's watermark; None before the first release.
        window: The rows to read.
        as_of: Instant of the source's clock for which the snapshot speaks: deletes and differences
            found by comparison are effective then.
        compares_keys: All keys are read and compared, which tells deletes (law X8) and rows that
            changed behind the window (law X1); only at the frontier, never for days long past.
        absent: Columns that the source no longer has, and what is derived from them: their values
            carry forward, which NULL would not say (laws S6, S14).
        values: Values of the parameters of a declared query, as text.
        files: The files to read, for a table that is read from files.
        moves_watermark: False for a backfill, which leaves the watermark alone (law X7).
        speaks_of_now: The window ends at or behind the watermark's place, so that the table's state now
            is what the run is about.
        replays: The rows are those of quarantine entries (law Q3): as they were ``kept``, or read again
            from the ``source``.
    """

    table: str
    watermark: str | None
    window: Window
    as_of: str
    compares_keys: bool
    absent: tuple[str, ...] = ()
    values: tuple[tuple[str, str], ...] = ()
    files: tuple[FileRef, ...] = ()
    moves_watermark: bool = True
    speaks_of_now: bool = True
    replays: Literal["kept", "source"] | None = None


@dataclass(frozen=True, slots=True)
class Extract:
    """What to read of one table: a window of rows, one key range of it, all keys, or named rows.

    Attributes:
        table: Catalog name, such as ``shop.customers``.
        kind: ``rows`` of the window; ``keys`` = key and cursor of every row (law X8, compare).
        window: The window of a ``rows`` extract.
        key_range: Half-open range over the first key column, as text; None for all.
        part: Names the piece in file names, task names and logs, such as ``1of4`` or ``keys``.
        values: Values of the parameters of a declared query, as text.
        file: The file to read, for a table that is read from files.
    """

    table: str
    window: Window
    kind: Literal["rows", "keys"] = "rows"
    key_range: tuple[str | None, str | None] | None = None
    part: str = "1of1"
    values: tuple[tuple[str, str], ...] = ()
    file: FileRef | None = None


@dataclass(frozen=True, slots=True)
class LandedFile:
    """An immutable Arrow IPC file (lz4) with what the source answered, in the source's own types.

    Attributes:
        fault: Why nothing of a source's file could be landed; it goes to quarantine as a whole (law X11).
        drifts: How the file differs from the declaration where the table's policy lets it pass (law X12).
    """

    extract: Extract
    path: Path
    row_count: int
    byte_count: int
    seconds: float
    zero_date_count: int = 0
    fault: str = ""
    drifts: tuple[str, ...] = ()

    @property
    def table(self) -> str:
        """Catalog name of the table."""
        return self.extract.table


@dataclass(frozen=True, slots=True)
class StepCount:
    """What one step did to a table, one row of the run's transformation log.

    Attributes:
        position: Place of the step among all of its table, from 1.
        columns: Those that the step writes, or judges where it writes none.
        changed: Values of these columns that differ from before, in the rows that are left.
        nulls_before: NULLs in these columns; a column that the step makes has only NULLs before.
    """

    position: int
    step: str
    columns: tuple[str, ...]
    rows_before: int
    rows_after: int
    changed: int
    nulls_before: int
    nulls_after: int


@dataclass(frozen=True, slots=True)
class PreparedFile:
    """An Arrow IPC file with the declared and derived columns, and one with the rejected rows.

    The rejects file has the columns ``payload`` (JSON text of the row as landed), ``column_name``
    and ``reason``. landed rows = row_count + rejected_count + dropped_count.
    """

    landed: LandedFile
    path: Path
    row_count: int
    rejects_path: Path
    rejected_count: int
    seconds: float
    steps: tuple[StepCount, ...] = ()
    dropped_count: int = 0

    @property
    def table(self) -> str:
        """Catalog name of the table."""
        return self.landed.table


@dataclass(frozen=True, slots=True)
class StagedTable:
    """One whole staged table of a run, all its parts loaded, duplicates and whole-table steps settled.

    extracted_count = rejected_count + dropped_count + quarantined_count + row_count.
    """

    table: str
    schema: str
    relation: str
    row_count: int
    extracted_count: int
    rejected_count: int
    dropped_count: int = 0
    quarantined_count: int = 0
    plan: TablePlan | None = None
    seconds: float = 0.0
    steps: tuple[StepCount, ...] = ()

    @property
    def is_replay(self) -> bool:
        """Whether the rows come back from quarantine."""
        return self.plan is not None and self.plan.replays is not None


@dataclass(frozen=True, slots=True)
class RuleResult:
    """What one expectation said about one staged table (law Q4).

    Attributes:
        rule: Stable name of the rule within its suite.
        passed: Held, within its tolerance.
        checked: False when it could not be evaluated; such a rule closes the gate (law Q2).
        unexpected_count: Rows that break it; None for rules that are not about rows.
        observed: Short text of what was observed, without personal data.
        observed_value: What a rule about the whole table measured; None for rules about rows.
        lowest, highest: The bounds, where they come from the history of runs.
    """

    rule: str
    expectation: str
    column: str | None
    severity: Severity
    weight: float
    passed: bool
    checked: bool
    unexpected_count: int | None
    element_count: int | None
    observed: str
    observed_value: float | None = None
    lowest: float | None = None
    highest: float | None = None


@dataclass(frozen=True, slots=True)
class Reach:
    """How much of a source table a run read, by which runs are compared (law Q4).

    Attributes:
        reads_whole: All there is, and not what changed since the run before.
        extent: Seconds of the window, or files; None where neither tells how much there should be.
    """

    reads_whole: bool = False
    extent: float | None = None


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the gate says about one staged table.

    Attributes:
        quarantined_count: Rows moved out of the staged table because a critical row rule blames them
            or because their parent row was quarantined (law Q2).
        docs_path: The page of this judgement in the Data Docs.
        docs_page: The same, relative to the folder of the Data Docs, with forward slashes.
    """

    table: str
    suite: str
    is_open: bool
    results: tuple[RuleResult, ...]
    row_count: int
    quarantined_count: int
    score_pct: float
    docs_path: Path | None
    seconds: float
    docs_page: str | None = None
    reach: Reach = Reach()


@dataclass(frozen=True, slots=True)
class TableOutcome:
    """What a release did, one row per source table or target (``audit.run_tables``)."""

    name: str
    role: Literal["source", "dimension", "fact", "replica", "mart"]
    extracted: int = 0
    rejected: int = 0
    dropped: int = 0
    quarantined: int = 0
    inserted: int = 0
    updated: int = 0
    expired: int = 0
    unchanged: int = 0
    removed: int = 0
    late: int = 0
    repointed: int = 0
    inferred: int = 0
    seconds: float = 0.0

    def __add__(self, other: TableOutcome) -> TableOutcome:
        """What two releases did to the same table."""
        counts = {
            each.name: getattr(self, each.name) + getattr(other, each.name)
            for each in fields(self)
            if each.name not in ("name", "role")
        }
        return replace(self, **counts)


@dataclass(frozen=True, slots=True)
class Release:
    """Everything that one run made visible in one transaction (law R2)."""

    run_id: str
    outcomes: tuple[TableOutcome, ...]
    score_pct: float
    seconds: float

    @classmethod
    def together(cls, releases: Sequence[Release]) -> Release:
        """Several releases as one account: counts added up, and the lowest score."""
        outcomes: dict[str, TableOutcome] = {}
        for outcome in (outcome for release in releases for outcome in release.outcomes):
            known = outcomes.get(outcome.name)
            outcomes[outcome.name] = known + outcome if known else outcome
        return cls(
            run_id=releases[-1].run_id,
            outcomes=tuple(outcomes.values()),
            score_pct=min(release.score_pct for release in releases),
            seconds=sum(release.seconds for release in releases),
        )
