"""The only code that talks to the warehouse: one interface, one package per system behind it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import date, datetime
from typing import Protocol

import pyarrow as pa

from etl.catalog import Catalog, SourceTable
from etl.errors import ConfigError
from etl.handles import PreparedFile, Reach, Release, Run, StagedTable, TableOutcome, TablePlan, Verdict
from etl.held_back import HeldBackGroup, HeldBackRow, ReplayBatch, Selection
from etl.incidents import OpenMatter, RunEnd, SentAlert
from etl.profiles import KeptProfile, ProfileDrift
from etl.settings import Settings
from etl.warehouse.database import Database, Session
from etl.warehouse.reconciliation import Reconciliation


class Warehouse(Protocol):
    """Where the data ends up: staging, releases, audit and marts."""

    url: str
    database: Database

    def migrate(self) -> list[str]:
        """Bring the schema up to date; returns the revisions applied, none when it already was."""
        ...

    def lock(self, run: Run) -> AbstractContextManager[None]:
        """Hold the pipeline, and the tables it reads, for one run (law R5).

        The dates of a backfill hold the tables together: they leave the watermarks alone, and their
        releases still come one after the other.

        Raises:
            PipelineBusy: Another run held it for longer than ``Settings.lock_timeout_seconds``.
        """
        ...

    def as_source(self, table: SourceTable) -> SourceTable:
        """A table of a source that is the warehouse itself, as its server is to be asked for it."""
        ...

    def begin_run(self, run: Run, tables: list[SourceTable]) -> None:
        """Record the run, mark and sweep what killed runs left, and create its staging tables (law R7)."""
        ...

    def end_run(self, run: Run, status: str, error: str, verdicts: list[Verdict]) -> None:
        """Drop the run's staging; record how it ended, with its verdicts, if it published nothing."""
        ...

    def watermarks(self) -> dict[str, str]:
        """Table name -> end of its last released window (law X6)."""
        ...

    def loaded_files(self, tables: list[str]) -> dict[str, set[str]]:
        """Table name -> content hashes of the files that are loaded (law X11)."""
        ...

    def tables_with_rows(self, tables: list[str]) -> set[str]:
        """Tables of which the warehouse may hold rows that the source no longer has (law X8)."""
        ...

    def compared_at(self, tables: list[str]) -> dict[str, str]:
        """Table name -> instant of the source's clock for which all its keys were last compared (law X8)."""
        ...

    def keep_drifts(self, run: Run, table: str, drifts: list[str]) -> None:
        """Record how the source differs from the catalog where the table's policy lets it pass (law X12)."""
        ...

    def keep_windows(self, run: Run, plans: list[TablePlan], cursor_zones: Mapping[str, str]) -> None:
        """Record what the run is about to read, so that it is known of a run that fails, too.

        Args:
            cursor_zones: Table name -> time zone in which its window is written.
        """
        ...

    def load_calendar(self, days: pa.Table) -> int:
        """Bring the days into ``dim_date``; returns how many were new or changed (law F7)."""
        ...

    def stage_part(self, prepared: PreparedFile, run: Run) -> None:
        """Load one prepared file and its rejects into staging; again for the same part it does nothing."""
        ...

    def measured_before(self, run: Run, table: str, reach: Reach) -> dict[str, list[float]]:
        """Rule name -> what it measured of the table in earlier runs like this one, newest first (law Q4).

        Like it are succeeded runs of the same pipeline that are no backfill, and read as much: the whole
        table, or a window about as long, or about as many files.
        """
        ...

    def find_missed(self, plan: TablePlan, run: Run) -> pa.Table:
        """Keys of rows that the source has and the warehouse has not seen in their present state (law X1)."""
        ...

    def settle(self, plan: TablePlan, run: Run) -> StagedTable:
        """Close the staged table once all its parts are in: keys, duplicates, orphans (laws S10, S11, Q2)."""
        ...

    def profile(self, staged: StagedTable, run: Run) -> list[ProfileDrift]:
        """Keep what the settled rows of a table look like; returns how they left the run before.

        Kept at once, also for runs that publish nothing; nothing is kept where
        ``Settings.profile_rows`` is 0.
        """
        ...

    def keep_profile_drifts(self, run: Run, table: str, drifts: list[ProfileDrift]) -> None:
        """Record what moved, or that a table could not be profiled."""
        ...

    def newest_profile(self, table: str) -> KeptProfile | None:
        """The newest profile of a table that says enough to draft rules from; None where there is none."""
        ...

    def follow_parents(self, staged: StagedTable) -> StagedTable:
        """Let rows follow their quarantined or rejected parents (law Q2); needs the parents judged."""
        ...

    def quarantine(self, staged: StagedTable, failed: Mapping[str, list[int]]) -> int:
        """Move blamed rows from staging to the run's quarantine; returns how many."""
        ...

    def held_back_rules(self) -> dict[str, int]:
        """Rule -> open quarantine entries that broke it; 0 where all that did are settled."""
        ...

    def held_back_groups(self, selection: Selection) -> list[HeldBackGroup]:
        """Open quarantine entries counted by table, rule and run."""
        ...

    def held_back_rows(self, selection: Selection, limit: int) -> list[HeldBackRow]:
        """Open quarantine entries without their payload, the oldest first."""
        ...

    def held_back_row(self, entry_id: int) -> HeldBackRow | None:
        """One quarantine entry with its payload, whatever became of it."""
        ...

    def discard(self, selection: Selection, reason: str) -> int:
        """Settle open quarantine entries without loading them; returns how many."""
        ...

    def replay_batches(self, selection: Selection) -> list[ReplayBatch]:
        """Open entries that can be loaded as they were kept, by the run that held them back (law Q3)."""
        ...

    def incomplete_entries(self, selection: Selection, from_source: bool) -> dict[str, int]:
        """Table -> open entries that are to be read from their source again."""
        ...

    def stage_kept(self, run: Run, batch: ReplayBatch, selection: Selection) -> list[TablePlan]:
        """Stage the rows of a batch's entries that are still open.

        Returns:
            A plan for each table of the run; none when nothing is left to replay.
        """
        ...

    def choose_to_read(self, run: Run, selection: Selection, from_source: bool) -> int:
        """Choose the open entries of the run's tables that are read again; returns how many."""
        ...

    def keys_to_read(self, run: Run, table: str) -> pa.Table:
        """Keys of the rows of a table that the chosen entries, or entries of its children, name."""
        ...

    def publish(self, run: Run, staged: list[StagedTable], verdicts: list[Verdict]) -> Release:
        """Show everything of a run in one transaction (law R2); again for the same run it only reports."""
        ...

    def why_not_reconciled(self, table: str) -> str | None:
        """Why a table cannot be held against the warehouse; None where it can (law X9)."""
        ...

    def reconcile(self, run: Run, staged: Sequence[StagedTable]) -> list[Reconciliation]:
        """Hold tables that were staged whole against the warehouse, and record what was found (law X9).

        Tables that the warehouse cannot be held against, or that were never loaded, are left out. After
        :meth:`repair`, the same staged rows are held against it again.
        """
        ...

    def narrow(self, run: Run, staged: Sequence[StagedTable]) -> list[StagedTable]:
        """Leave of the staged tables that differ the ranges that do; says which tables are to be loaded."""
        ...

    def repair(self, run: Run, staged: list[StagedTable], verdicts: list[Verdict]) -> Release:
        """Publish narrowed tables so that the warehouse holds what they say, whatever was done to it."""
        ...

    def refresh_marts(self, run: Run) -> list[TableOutcome]:
        """Rebuild the marts that read what the run's tables can change, or that are not there (law F8)."""
        ...

    def reader(self) -> AbstractContextManager[Session]:
        """A session for reports, which only read, and see one state of the warehouse."""
        ...

    def released_dates(self, pipeline: str) -> set[date]:
        """Business dates of a backfill that were released, by which it is resumed."""
        ...

    def note_incidents(self, end: RunEnd) -> None:
        """Keep what a run showed of incidents: begun, seen again, over."""
        ...

    def telling(self) -> AbstractContextManager[list[OpenMatter]]:
        """What people may have to be told of; nobody else tells of anything meanwhile."""
        ...

    def keep_alerts(self, sent: Iterable[SentAlert]) -> None:
        """Record messages, those that did not come through included."""
        ...

    def live_runs(self) -> set[str]:
        """Ids of the runs that may still go on."""
        ...

    def sweep_staging(self) -> list[str]:
        """Mark killed runs of any pipeline and drop their staging schemas; returns the schemas (law R7).

        A run is dead when nobody holds its lock.
        """
        ...

    def forget_runs(self, before: datetime) -> dict[str, int]:
        """Delete what the audit tables say of runs that ended before an instant.

        Watermarks, the ledger of files, open quarantine and each table's newest reconciliation stay, and so
        do the runs that they name.

        Returns:
            Audit table -> rows deleted.
        """
        ...

    def analyze(self) -> list[str]:
        """Make the statistics anew of tables that changed since theirs were made; the names of the tables."""
        ...


def open_warehouse(url: str, settings: Settings, catalog: Catalog) -> Warehouse:
    """The warehouse behind a URL, chosen by its scheme.

    Raises:
        ConfigError: The scheme is not one of a warehouse; the URL itself is not shown.
    """
    from etl.warehouse.warehouse import DatabaseWarehouse

    return DatabaseWarehouse(open_database(url, settings), catalog)


def open_database(url: str, settings: Settings) -> Database:
    """The server behind a URL, chosen by its scheme.

    Raises:
        ConfigError: The scheme is not one of a warehouse; the URL itself is not shown.
    """
    scheme = url.split(":", 1)[0].split("+", 1)[0]
    if scheme in {"postgresql", "postgres"}:
        from etl.warehouse.postgresql.database import PostgreSQL

        return PostgreSQL(url, settings)
    if scheme in {"mysql", "mariadb"}:
        from etl.warehouse.mysql.database import MySQL

        return MySQL(url, settings)
    raise ConfigError(
        f"ETL_WAREHOUSE_URL begins with '{scheme}:', which is no system that can be the warehouse.",
        "Use a URL of the form postgresql://user:password@host:5432/database, or"
        " mysql+mysqlconnector://user:password@host:3306/prefix.",
    )
