"""The warehouse of a database: the facade that tasks talk to; each call is a transaction of its own."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import date, datetime

import pyarrow as pa

from etl.catalog import Catalog, SourceTable
from etl.catalog.feeding import analyzed_columns, changed_relations
from etl.catalog_types import arrow_type
from etl.errors import ContractError
from etl.handles import PreparedFile, Reach, Release, Run, StagedTable, TableOutcome, TablePlan, Verdict
from etl.held_back import HeldBackGroup, HeldBackRow, ReplayBatch, Selection
from etl.incidents import OpenMatter, RunEnd, SentAlert
from etl.profiles import KeptProfile, ProfileDrift
from etl.warehouse import (
    audit,
    incidents,
    leftovers,
    locks,
    maintenance,
    migrations,
    profiles,
    quarantine,
    read_windows,
    release,
    replays,
    staging,
)
from etl.warehouse.calendar_loading import load_calendar
from etl.warehouse.database import Database, Isolation, Session
from etl.warehouse.dimensions import MergeScope
from etl.warehouse.marts import refresh_marts
from etl.warehouse.measured import measured_before
from etl.warehouse.reconciliation import Reconciliation
from etl.warehouse.reconciling import mending
from etl.warehouse.reconciling.comparing import USUAL_SIZE, RangeSize, compare_tables
from etl.warehouse.reconciling.images import NoImage, image_of
from etl.warehouse.reconciling.keeping import keep_reconciliations
from etl.warehouse.reconciling.subjects import subjects_of
from etl.warehouse.seen import has_rows, seen_by
from etl.warehouse.step_log import keep_steps
from etl.warehouse.whole_steps import apply_whole_steps


class DatabaseWarehouse:
    """See :class:`etl.warehouse.Warehouse`, which this implements."""

    def __init__(self, database: Database, catalog: Catalog) -> None:
        self.url = database.url
        self.database = database
        self._settings = database.settings
        self._catalog = catalog

    def migrate(self) -> list[str]:
        """Bring the schema up to date."""
        with self.database.explained("The warehouse's schema"):
            return migrations.migrate(self.database, self._catalog)

    @contextmanager
    def lock(self, run: Run) -> Iterator[None]:
        """Hold pipeline and tables by locks of a session, which end with its process (law R5)."""
        with self.database.own_session() as session:
            with self.database.explained("The warehouse"):
                locks.hold(session, locks.locks_of(run), self._settings.lock_timeout_seconds)
            yield

    def as_source(self, table: SourceTable) -> SourceTable:
        """The table with its query or its name as the server knows it."""
        if table.query is not None:
            return table.model_copy(update={"query": self.database.source_query(table.query)})
        schema, dot, name = (table.table or "").partition(".")
        return table.model_copy(update={"table": f"{self.database.schema(schema)}.{name}"}) if dot else table

    def begin_run(self, run: Run, tables: list[SourceTable]) -> None:
        """Record the run, sweep what killed runs left, create its staging tables.

        The record comes first, so that it stays where the tables cannot be made.
        """
        with self.database.session() as session:
            for left in leftovers.find_leftovers(session):
                if left.lock_name == run.lock_name:
                    leftovers.bury(session, left)
            audit.start_run(session, run)
        with self.database.session() as session:
            staging.create_staging(session, run, tables)

    def end_run(self, run: Run, status: str, error: str, verdicts: list[Verdict]) -> None:
        """Record a run that published nothing; a run that did publish keeps its record."""
        with self.database.session() as session:
            if audit.released_outcomes(session, run) is None:
                audit.keep_verdicts(session, run, verdicts)
                score = audit.overall_score(verdicts) if verdicts else None
                audit.finish_run(session, run, status, score, error)
                keep_steps(session, run)
            session.drop_schema(run.staging_schema)

    def watermarks(self) -> dict[str, str]:
        """Table name -> end of its last released window."""
        with self.database.session() as session:
            return audit.watermarks(session)

    def loaded_files(self, tables: list[str]) -> dict[str, set[str]]:
        """Table name -> content hashes of the files that are loaded."""
        with self.database.session() as session:
            return audit.loaded_files(session, tables)

    def tables_with_rows(self, tables: list[str]) -> set[str]:
        """Tables of which rows were merged, or may have been where nothing tells."""
        with self.database.session() as session:
            return {
                name
                for name in tables
                if not (seen := seen_by(self._catalog, self._catalog.tables[name]))
                or has_rows(session, seen, name)
            }

    def compared_at(self, tables: list[str]) -> dict[str, str]:
        """When all keys of each table were last compared by a run that released."""
        with self.database.session() as session:
            return read_windows.compared_at(session, tables)

    def keep_drifts(self, run: Run, table: str, drifts: list[str]) -> None:
        """Record how the source differs from the catalog where the table's policy lets it pass."""
        with self.database.session() as session:
            audit.keep_drifts(session, run, table, drifts)

    def keep_windows(self, run: Run, plans: list[TablePlan], cursor_zones: Mapping[str, str]) -> None:
        """Record what the run is about to read."""
        with self.database.session() as session:
            read_windows.keep_windows(session, self._catalog, run, plans, cursor_zones)

    def load_calendar(self, days: pa.Table) -> int:
        """Bring the days into ``dim_date``."""
        with self.database.session() as session:
            return load_calendar(session, days)

    def stage_part(self, prepared: PreparedFile, run: Run) -> None:
        """Load one prepared file into staging."""
        with self.database.session() as session:
            staging.load_part(session, prepared, self._catalog.tables[prepared.table], run.staging_schema)

    def measured_before(self, run: Run, table: str, reach: Reach) -> dict[str, list[float]]:
        """Rule name -> what it measured of the table in earlier runs like this one."""
        with self.database.session() as session:
            return measured_before(session, run, table, reach)

    def find_missed(self, plan: TablePlan, run: Run) -> pa.Table:
        """Keys whose present row the warehouse has not seen; none where nothing is merged by this key."""
        table = self._catalog.tables[plan.table]
        rows: list[tuple[object, ...]] = []
        if plan.compares_keys and (seen := seen_by(self._catalog, table)):
            with self.database.session() as session:
                rows = staging.find_missed(session, table, seen, run.staging_schema, plan.window.high)
        return _key_table(table, rows)

    def settle(self, plan: TablePlan, run: Run) -> StagedTable:
        """Close the staged table once all its parts are in."""
        started = time.monotonic()
        table = self._catalog.tables[plan.table]
        with self.database.session() as session:
            totals = staging.part_totals(session, run.staging_schema, table.relation)
            staging.require_whole(session, run.staging_schema, table.relation)
            if plan.compares_keys:
                staging.require_whole(session, run.staging_schema, table.keys_relation)
                keys = staging.part_totals(session, run.staging_schema, table.keys_relation)
                _refuse_unreadable_keys(plan.table, keys.rejected_count)
            staged = StagedTable(
                table=plan.table,
                schema=run.staging_schema,
                relation=table.relation,
                row_count=totals.row_count,
                extracted_count=totals.row_count + totals.rejected_count + totals.dropped_count,
                rejected_count=totals.rejected_count,
                dropped_count=totals.dropped_count,
                plan=plan,
            )
            analyzed = analyzed_columns(self._catalog, table)
            settled = staging.settle_table(session, staged, table, analyzed)
            settled = apply_whole_steps(session, settled, self._catalog.tables)
            if table.settle:  # columns that steps fill held nothing before
                session.analyze(staged.schema, staged.relation, analyzed)
        return replace(settled, seconds=round(totals.seconds + time.monotonic() - started, 3))

    def profile(self, staged: StagedTable, run: Run) -> list[ProfileDrift]:
        """Keep what the settled rows look like, and how they left the run before."""
        if not self._settings.profile_rows:
            return []
        table = self._catalog.tables[staged.table]
        with self.database.session() as session:
            columns = profiles.profile_table(session, staged, table, self._settings.profile_rows)
            profiles.keep_profile(session, run, staged, columns)
            drifts = profiles.find_drifts(session, run, staged, columns)
            profiles.keep_profile_drifts(session, run, staged.table, drifts)
        return drifts

    def keep_profile_drifts(self, run: Run, table: str, drifts: list[ProfileDrift]) -> None:
        """Record what moved."""
        with self.database.session() as session:
            profiles.keep_profile_drifts(session, run, table, drifts)

    def newest_profile(self, table: str) -> KeptProfile | None:
        """The newest profile of a table that says enough."""
        with self.database.session() as session:
            return profiles.newest_profile(session, table)

    def follow_parents(self, staged: StagedTable) -> StagedTable:
        """Move rows whose parent is held back into quarantine."""
        table = self._catalog.tables[staged.table]
        if table.parent is None:
            return staged
        parent = self._catalog.tables[table.parent.table]
        with self.database.session() as session:
            return staging.follow_parents(session, staged, table, parent)

    def quarantine(self, staged: StagedTable, failed: Mapping[str, list[int]]) -> int:
        """Move blamed rows from staging to the run's quarantine."""
        with self.database.session() as session:
            return staging.quarantine_rows(session, staged, self._catalog.tables[staged.table], dict(failed))

    def held_back_rules(self) -> dict[str, int]:
        """Rule -> open quarantine entries that broke it."""
        with self.database.session() as session:
            return quarantine.read_rules(session)

    def held_back_groups(self, selection: Selection) -> list[HeldBackGroup]:
        """Open quarantine entries counted by table, rule and run."""
        with self.database.session() as session:
            return quarantine.read_groups(session, selection)

    def held_back_rows(self, selection: Selection, limit: int) -> list[HeldBackRow]:
        """Open quarantine entries without their payload."""
        with self.database.session() as session:
            return quarantine.read_entries(session, self._catalog, selection, limit)

    def held_back_row(self, entry_id: int) -> HeldBackRow | None:
        """One quarantine entry with its payload."""
        with self.database.session() as session:
            return quarantine.read_entry(session, self._catalog, entry_id)

    def discard(self, selection: Selection, reason: str) -> int:
        """Settle open quarantine entries without loading them."""
        with self.database.session() as session:
            return quarantine.discard(session, selection, reason)

    def replay_batches(self, selection: Selection) -> list[ReplayBatch]:
        """Open entries that can be loaded as they were kept."""
        with self.database.session() as session:
            return replays.find_batches(session, self._catalog, selection)

    def incomplete_entries(self, selection: Selection, from_source: bool) -> dict[str, int]:
        """Open entries that are to be read from their source again."""
        with self.database.session() as session:
            return replays.find_incomplete(session, self._catalog, selection, from_source)

    def stage_kept(self, run: Run, batch: ReplayBatch, selection: Selection) -> list[TablePlan]:
        """Stage the rows of a batch's entries, all tables in one transaction."""
        with self.database.session() as session:
            return replays.stage_kept(session, self._catalog, run, batch, selection)

    def choose_to_read(self, run: Run, selection: Selection, from_source: bool) -> int:
        """Choose the open entries of the run's tables that are read again."""
        with self.database.session() as session:
            return replays.choose_to_read(session, self._catalog, run, selection, from_source)

    def keys_to_read(self, run: Run, table: str) -> pa.Table:
        """Keys of the rows of a table that the chosen entries name."""
        declared = self._catalog.tables[table]
        with self.database.session() as session:
            return _key_table(declared, replays.keys_to_read(session, self._catalog, run, declared))

    def publish(self, run: Run, staged: list[StagedTable], verdicts: list[Verdict]) -> Release:
        """Everything a run makes visible, in one transaction."""
        with self.database.session() as session:
            return release.publish(session, self._catalog, self._settings, run, staged, verdicts)

    def why_not_reconciled(self, table: str) -> str | None:
        """Why a table cannot be held against the warehouse; None where it can."""
        image = image_of(self.database.sql, self._catalog, self._catalog.tables[table])
        return image.reason if isinstance(image, NoImage) else None

    def reconcile(
        self, run: Run, staged: Sequence[StagedTable], size: RangeSize = USUAL_SIZE
    ) -> list[Reconciliation]:
        """Hold whole staged tables against one state of the warehouse, and record what was found."""
        with self._one_state() as session:
            found = compare_tables(self._scope(session, run), run, staged, size)
            return keep_reconciliations(session, run, found)

    def narrow(self, run: Run, staged: Sequence[StagedTable]) -> list[StagedTable]:
        """Leave of the staged tables that differ the ranges that do."""
        subjects = subjects_of(self.database.sql, self._catalog, run, staged)
        with self.database.session() as session:
            return mending.narrow(session, self._catalog, subjects, staged)

    def repair(self, run: Run, staged: list[StagedTable], verdicts: list[Verdict]) -> Release:
        """Release the narrowed tables, and with them what a load would not see, in one transaction."""
        subjects = subjects_of(self.database.sql, self._catalog, run, staged)
        with self.database.session() as session:
            release.take_turn(session)
            if audit.released_outcomes(session, run) is None:
                mending.mend(self._scope(session, run), subjects)
            return release.publish(session, self._catalog, self._settings, run, staged, verdicts)

    def refresh_marts(self, run: Run) -> list[TableOutcome]:
        """Rebuild the marts that the run's tables can change aside, swap them, add them to its record."""
        changed = changed_relations(self._catalog, run.tables) if run.tables else None
        with self.database.session() as session:
            outcomes = refresh_marts(session, self.database.sql.folder / "marts", changed)
            audit.keep_outcomes(session, run, tuple(outcomes))
        return outcomes

    @contextmanager
    def reader(self) -> Iterator[Session]:
        """A session of one state of the warehouse, which only reads."""
        with self.database.session(isolation="read only") as session:
            yield session

    def released_dates(self, pipeline: str) -> set[date]:
        """Business dates of a backfill that were released."""
        with self.database.session() as session:
            return audit.released_dates(session, pipeline)

    def note_incidents(self, end: RunEnd) -> None:
        """Keep what a run showed of incidents."""
        with self.database.session() as session:
            incidents.note(session, end, self._catalog.tables)

    @contextmanager
    def telling(self) -> Iterator[list[OpenMatter]]:
        """What people may have to be told of, under a lock that two runs that end at once take in turn."""
        with self.database.session() as session:
            session.hold("storehouse:alerts")
            yield incidents.matters(session)

    def keep_alerts(self, sent: Iterable[SentAlert]) -> None:
        """Record messages."""
        with self.database.session() as session:
            incidents.keep(session, sent)

    def live_runs(self) -> set[str]:
        """Ids of the runs that stand as running."""
        with self.database.session() as session:
            return {run.run_id for run in leftovers.find_leftovers(session)}

    def sweep_staging(self) -> list[str]:
        """Bury dead runs of all pipelines, each in a transaction of its own."""
        with self.database.session() as session:
            found = leftovers.find_leftovers(session)
        swept = []
        for run in found:
            with self.database.session() as session:
                if leftovers.bury_if_dead(session, run):
                    swept.append(run.staging_schema)
        return swept

    def forget_runs(self, before: datetime) -> dict[str, int]:
        """Delete what the audit tables say of runs that ended before an instant."""
        with self.database.session() as session:
            return maintenance.forget_runs(session, before)

    def analyze(self) -> list[str]:
        """Make the statistics of changed tables anew, one transaction per table."""
        # A session tells what it changed ten seconds later, or when it ends.
        self.database.forget_idle()
        with self.database.session(autocommit=True) as session:
            return maintenance.analyze_changed(session)

    @contextmanager
    def _one_state(self) -> Iterator[Session]:
        """A session that copies what it wants from one state of the warehouse.

        Where no copy can be made of a snapshot, releases wait until it ends.
        """
        isolation: Isolation = "snapshot" if self.database.copies_snapshots else "usual"
        with self.database.session(isolation=isolation) as session:
            if isolation == "usual":
                release.take_turn(session)
            yield session

    def _scope(self, session: Session, run: Run) -> MergeScope:
        return release.merge_scope(session, self._catalog, self._settings, run)


def _refuse_unreadable_keys(table: str, count: int) -> None:
    """A key that cannot be read is not a key that is gone (law X8)."""
    if count:
        raise ContractError(
            f"{table}: {count} keys at the source are NULL or of another type, so they cannot be compared.",
            "Mend the rows at the source, or the type of the key in the table's catalog file.",
        )


def _key_table(table: SourceTable, rows: Sequence[tuple[object, ...]]) -> pa.Table:
    columns = {
        name: pa.array([row[i] for row in rows], arrow_type(table.columns[name].type))
        for i, name in enumerate(table.key)
    }
    return pa.table(columns)
