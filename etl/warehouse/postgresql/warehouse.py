"""The PostgreSQL warehouse: the facade that tasks talk to; each call is a transaction of its own."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import date, datetime

import pyarrow as pa
from psycopg2.extensions import connection as Connection
from psycopg2.extensions import cursor as Cursor

from etl.catalog import Catalog, SourceTable
from etl.catalog.feeding import changed_relations
from etl.catalog_types import arrow_type
from etl.errors import ContractError
from etl.handles import PreparedFile, Reach, Release, Run, StagedTable, TableOutcome, TablePlan, Verdict
from etl.held_back import HeldBackGroup, HeldBackRow, ReplayBatch, Selection
from etl.incidents import OpenMatter, RunEnd, SentAlert
from etl.profiles import KeptProfile, ProfileDrift
from etl.settings import Settings
from etl.warehouse.postgresql import (
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
from etl.warehouse.postgresql.calendar_loading import load_calendar
from etl.warehouse.postgresql.connection import (
    close_idle_connections,
    connect,
    explained_errors,
    open_connection,
)
from etl.warehouse.postgresql.dimensions import MergeScope
from etl.warehouse.postgresql.marts import refresh_marts
from etl.warehouse.postgresql.measured import measured_before
from etl.warehouse.postgresql.reconciling import mending
from etl.warehouse.postgresql.reconciling.comparing import USUAL_SIZE, RangeSize, compare_tables
from etl.warehouse.postgresql.reconciling.images import NoImage, image_of
from etl.warehouse.postgresql.reconciling.keeping import keep_reconciliations
from etl.warehouse.postgresql.reconciling.subjects import subjects_of
from etl.warehouse.postgresql.seen import has_rows, seen_by
from etl.warehouse.postgresql.statements import SQL_DIR
from etl.warehouse.postgresql.step_log import keep_steps
from etl.warehouse.postgresql.whole_steps import apply_whole_steps
from etl.warehouse.reconciliation import Reconciliation


class PostgreSQLWarehouse:
    """See :class:`etl.warehouse.Warehouse`, which this implements."""

    def __init__(self, url: str, settings: Settings, catalog: Catalog) -> None:
        self.url = url
        self._settings = settings
        self._catalog = catalog

    def migrate(self) -> list[str]:
        """Bring the schema up to date."""
        with explained_errors("The warehouse's schema"):
            return migrations.migrate(self.url, self._settings, self._catalog)

    @contextmanager
    def lock(self, run: Run) -> Iterator[None]:
        """Hold pipeline and tables by advisory locks of a session, which end with its process (law R5)."""
        with explained_errors("The warehouse"):
            connection = open_connection(self.url, self._settings)
        try:
            with explained_errors("The warehouse"):
                connection.autocommit = True
                locks.hold(connection, locks.locks_of(run), self._settings.lock_timeout_seconds)
            yield
        finally:
            connection.close()

    def begin_run(self, run: Run, tables: list[SourceTable]) -> None:
        """Record the run, sweep what killed runs left, create its staging tables."""
        with connect(self.url, self._settings) as connection, connection.cursor() as cursor:
            for left in leftovers.find_leftovers(cursor):
                if left.lock_name == run.lock_name:
                    leftovers.bury(cursor, left)
            audit.start_run(cursor, run)
            staging.create_staging(cursor, run, tables)

    def end_run(self, run: Run, status: str, error: str, verdicts: list[Verdict]) -> None:
        """Record a run that published nothing; a run that did publish keeps its record."""
        with connect(self.url, self._settings) as connection, connection.cursor() as cursor:
            if audit.released_outcomes(cursor, run) is None:
                audit.keep_verdicts(cursor, run, verdicts)
                score = audit.overall_score(verdicts) if verdicts else None
                audit.finish_run(cursor, run, status, score, error)
                keep_steps(cursor, run)
            staging.drop_staging(cursor, run.staging_schema)

    def watermarks(self) -> dict[str, str]:
        """Table name -> end of its last released window."""
        with connect(self.url, self._settings) as connection, connection.cursor() as cursor:
            return audit.watermarks(cursor)

    def loaded_files(self, tables: list[str]) -> dict[str, set[str]]:
        """Table name -> content hashes of the files that are loaded."""
        with connect(self.url, self._settings) as connection, connection.cursor() as cursor:
            return audit.loaded_files(cursor, tables)

    def tables_with_rows(self, tables: list[str]) -> set[str]:
        """Tables of which rows were merged, or may have been where nothing tells."""
        with connect(self.url, self._settings) as connection, connection.cursor() as cursor:
            return {
                name
                for name in tables
                if not (seen := seen_by(self._catalog, self._catalog.tables[name]))
                or has_rows(cursor, seen, name)
            }

    def compared_at(self, tables: list[str]) -> dict[str, str]:
        """When all keys of each table were last compared by a run that released."""
        with connect(self.url, self._settings) as connection, connection.cursor() as cursor:
            return read_windows.compared_at(cursor, tables)

    def keep_drifts(self, run: Run, table: str, drifts: list[str]) -> None:
        """Record how the source differs from the catalog where the table's policy lets it pass."""
        with connect(self.url, self._settings) as connection, connection.cursor() as cursor:
            audit.keep_drifts(cursor, run, table, drifts)

    def keep_windows(self, run: Run, plans: list[TablePlan], cursor_zones: Mapping[str, str]) -> None:
        """Record what the run is about to read."""
        with connect(self.url, self._settings) as connection, connection.cursor() as cursor:
            read_windows.keep_windows(cursor, self._catalog, run, plans, cursor_zones)

    def load_calendar(self, days: pa.Table) -> int:
        """Bring the days into ``dim_date``."""
        with connect(self.url, self._settings) as connection:
            return load_calendar(connection, days)

    def stage_part(self, prepared: PreparedFile, run: Run) -> None:
        """COPY one prepared file into staging."""
        with connect(self.url, self._settings) as connection:
            staging.load_part(connection, prepared, self._catalog.tables[prepared.table], run.staging_schema)

    def measured_before(self, run: Run, table: str, reach: Reach) -> dict[str, list[float]]:
        """Rule name -> what it measured of the table in earlier runs like this one."""
        with connect(self.url, self._settings) as connection, connection.cursor() as cursor:
            return measured_before(cursor, run, table, reach)

    def find_missed(self, plan: TablePlan, run: Run) -> pa.Table:
        """Keys whose present row the warehouse has not seen; none where nothing is merged by this key."""
        table = self._catalog.tables[plan.table]
        rows: list[tuple[object, ...]] = []
        if plan.compares_keys and (seen := seen_by(self._catalog, table)):
            with connect(self.url, self._settings) as connection, connection.cursor() as cursor:
                rows = staging.find_missed(cursor, table, seen, run.staging_schema, plan.window.high)
        return _key_table(table, rows)

    def settle(self, plan: TablePlan, run: Run) -> StagedTable:
        """Close the staged table once all its parts are in."""
        started = time.monotonic()
        table = self._catalog.tables[plan.table]
        with connect(self.url, self._settings) as connection, connection.cursor() as cursor:
            totals = staging.part_totals(cursor, run.staging_schema, table.relation)
            staging.require_whole(cursor, run.staging_schema, table.relation)
            if plan.compares_keys:
                staging.require_whole(cursor, run.staging_schema, table.keys_relation)
                keys = staging.part_totals(cursor, run.staging_schema, table.keys_relation)
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
            settled = staging.settle_table(cursor, staged, table)
            settled = apply_whole_steps(cursor, settled, self._catalog.tables)
        return replace(settled, seconds=round(totals.seconds + time.monotonic() - started, 3))

    def profile(self, staged: StagedTable, run: Run) -> list[ProfileDrift]:
        """Keep what the settled rows look like, and how they left the run before."""
        if not self._settings.profile_rows:
            return []
        table = self._catalog.tables[staged.table]
        with connect(self.url, self._settings) as connection, connection.cursor() as cursor:
            columns = profiles.profile_table(cursor, staged, table, self._settings.profile_rows)
            profiles.keep_profile(cursor, run, staged, columns)
            drifts = profiles.find_drifts(cursor, run, staged, columns)
            profiles.keep_profile_drifts(cursor, run, staged.table, drifts)
        return drifts

    def keep_profile_drifts(self, run: Run, table: str, drifts: list[ProfileDrift]) -> None:
        """Record what moved."""
        with connect(self.url, self._settings) as connection, connection.cursor() as cursor:
            profiles.keep_profile_drifts(cursor, run, table, drifts)

    def newest_profile(self, table: str) -> KeptProfile | None:
        """The newest profile of a table that says enough."""
        with connect(self.url, self._settings) as connection, connection.cursor() as cursor:
            return profiles.newest_profile(cursor, table)

    def follow_parents(self, staged: StagedTable) -> StagedTable:
        """Move rows whose parent is held back into quarantine."""
        table = self._catalog.tables[staged.table]
        if table.parent is None:
            return staged
        parent = self._catalog.tables[table.parent.table]
        with connect(self.url, self._settings) as connection, connection.cursor() as cursor:
            return staging.follow_parents(cursor, staged, table, parent)

    def quarantine(self, staged: StagedTable, failed: Mapping[str, list[int]]) -> int:
        """Move blamed rows from staging to the run's quarantine."""
        with connect(self.url, self._settings) as connection, connection.cursor() as cursor:
            return staging.quarantine_rows(cursor, staged, self._catalog.tables[staged.table], dict(failed))

    def held_back_rules(self) -> dict[str, int]:
        """Rule -> open quarantine entries that broke it."""
        with connect(self.url, self._settings) as connection, connection.cursor() as cursor:
            return quarantine.read_rules(cursor)

    def held_back_groups(self, selection: Selection) -> list[HeldBackGroup]:
        """Open quarantine entries counted by table, rule and run."""
        with connect(self.url, self._settings) as connection, connection.cursor() as cursor:
            return quarantine.read_groups(cursor, selection)

    def held_back_rows(self, selection: Selection, limit: int) -> list[HeldBackRow]:
        """Open quarantine entries without their payload."""
        with connect(self.url, self._settings) as connection, connection.cursor() as cursor:
            return quarantine.read_entries(cursor, self._catalog, selection, limit)

    def held_back_row(self, entry_id: int) -> HeldBackRow | None:
        """One quarantine entry with its payload."""
        with connect(self.url, self._settings) as connection, connection.cursor() as cursor:
            return quarantine.read_entry(cursor, self._catalog, entry_id)

    def discard(self, selection: Selection, reason: str) -> int:
        """Settle open quarantine entries without loading them."""
        with connect(self.url, self._settings) as connection, connection.cursor() as cursor:
            return quarantine.discard(cursor, selection, reason)

    def replay_batches(self, selection: Selection) -> list[ReplayBatch]:
        """Open entries that can be loaded as they were kept."""
        with connect(self.url, self._settings) as connection, connection.cursor() as cursor:
            return replays.find_batches(cursor, self._catalog, selection)

    def incomplete_entries(self, selection: Selection, from_source: bool) -> dict[str, int]:
        """Open entries that are to be read from their source again."""
        with connect(self.url, self._settings) as connection, connection.cursor() as cursor:
            return replays.find_incomplete(cursor, self._catalog, selection, from_source)

    def stage_kept(self, run: Run, batch: ReplayBatch, selection: Selection) -> list[TablePlan]:
        """Stage the rows of a batch's entries, all tables in one transaction."""
        with connect(self.url, self._settings) as connection, connection.cursor() as cursor:
            return replays.stage_kept(cursor, self._catalog, run, batch, selection)

    def choose_to_read(self, run: Run, selection: Selection, from_source: bool) -> int:
        """Choose the open entries of the run's tables that are read again."""
        with connect(self.url, self._settings) as connection, connection.cursor() as cursor:
            return replays.choose_to_read(cursor, self._catalog, run, selection, from_source)

    def keys_to_read(self, run: Run, table: str) -> pa.Table:
        """Keys of the rows of a table that the chosen entries name."""
        declared = self._catalog.tables[table]
        with connect(self.url, self._settings) as connection, connection.cursor() as cursor:
            return _key_table(declared, replays.keys_to_read(cursor, self._catalog, run, declared))

    def publish(self, run: Run, staged: list[StagedTable], verdicts: list[Verdict]) -> Release:
        """Everything a run makes visible, in one transaction."""
        with connect(self.url, self._settings) as connection, connection.cursor() as cursor:
            return release.publish(cursor, self._catalog, self._settings, run, staged, verdicts)

    def why_not_reconciled(self, table: str) -> str | None:
        """Why a table cannot be held against the warehouse; None where it can."""
        image = image_of(self._catalog, self._catalog.tables[table])
        return image.reason if isinstance(image, NoImage) else None

    def reconcile(
        self, run: Run, staged: Sequence[StagedTable], size: RangeSize = USUAL_SIZE
    ) -> list[Reconciliation]:
        """Hold whole staged tables against one state of the warehouse, and record what was found."""
        with connect(self.url, self._settings) as connection:
            connection.set_session(isolation_level="REPEATABLE READ")
            with connection.cursor() as cursor:
                found = compare_tables(self._scope(cursor, run), run, staged, size)
                return keep_reconciliations(cursor, run, found)

    def narrow(self, run: Run, staged: Sequence[StagedTable]) -> list[StagedTable]:
        """Leave of the staged tables that differ the ranges that do."""
        subjects = subjects_of(self._catalog, run, staged)
        with connect(self.url, self._settings) as connection, connection.cursor() as cursor:
            return mending.narrow(cursor, self._catalog, subjects, staged)

    def repair(self, run: Run, staged: list[StagedTable], verdicts: list[Verdict]) -> Release:
        """Release the narrowed tables, and with them what a load would not see, in one transaction."""
        subjects = subjects_of(self._catalog, run, staged)
        with connect(self.url, self._settings) as connection, connection.cursor() as cursor:
            release.take_turn(cursor)
            if audit.released_outcomes(cursor, run) is None:
                mending.mend(self._scope(cursor, run), subjects)
            return release.publish(cursor, self._catalog, self._settings, run, staged, verdicts)

    def refresh_marts(self, run: Run) -> list[TableOutcome]:
        """Rebuild the marts that the run's tables can change aside, swap them, add them to its record."""
        changed = changed_relations(self._catalog, run.tables) if run.tables else None
        with connect(self.url, self._settings) as connection:
            outcomes = refresh_marts(connection, SQL_DIR / "marts", changed)
            with connection.cursor() as cursor:
                audit.keep_outcomes(cursor, run, tuple(outcomes))
        return outcomes

    @contextmanager
    def reader(self) -> Iterator[Connection]:
        """A connection whose transaction only reads."""
        with connect(self.url, self._settings) as connection:
            connection.set_session(readonly=True)
            yield connection

    def released_dates(self, pipeline: str) -> set[date]:
        """Business dates of a backfill that were released."""
        with connect(self.url, self._settings) as connection, connection.cursor() as cursor:
            return audit.released_dates(cursor, pipeline)

    def note_incidents(self, end: RunEnd) -> None:
        """Keep what a run showed of incidents."""
        with connect(self.url, self._settings) as connection, connection.cursor() as cursor:
            incidents.note(cursor, end, self._catalog.tables)

    @contextmanager
    def telling(self) -> Iterator[list[OpenMatter]]:
        """What people may have to be told of, under a lock that two runs that end at once take in turn."""
        with connect(self.url, self._settings) as connection, connection.cursor() as cursor:
            cursor.execute("select pg_advisory_xact_lock(hashtextextended('storehouse:alerts', 0))")
            yield incidents.matters(cursor)

    def keep_alerts(self, sent: Iterable[SentAlert]) -> None:
        """Record messages."""
        with connect(self.url, self._settings) as connection, connection.cursor() as cursor:
            incidents.keep(cursor, sent)

    def live_runs(self) -> set[str]:
        """Ids of the runs that stand as running."""
        with connect(self.url, self._settings) as connection, connection.cursor() as cursor:
            return {run.run_id for run in leftovers.find_leftovers(cursor)}

    def sweep_staging(self) -> list[str]:
        """Bury dead runs of all pipelines, each in a transaction of its own."""
        with connect(self.url, self._settings) as connection, connection.cursor() as cursor:
            found = leftovers.find_leftovers(cursor)
        swept = []
        for run in found:
            with connect(self.url, self._settings) as connection, connection.cursor() as cursor:
                if leftovers.bury_if_dead(cursor, run):
                    swept.append(run.staging_schema)
        return swept

    def forget_runs(self, before: datetime) -> dict[str, int]:
        """Delete what the audit tables say of runs that ended before an instant."""
        with connect(self.url, self._settings) as connection, connection.cursor() as cursor:
            return maintenance.forget_runs(cursor, before)

    def analyze(self) -> list[str]:
        """Make the statistics of changed tables anew, one transaction per table."""
        # A session tells what it changed ten seconds later, or when it ends.
        close_idle_connections()
        with (
            connect(self.url, self._settings, autocommit=True) as connection,
            connection.cursor() as cursor,
        ):
            return maintenance.analyze_changed(cursor)

    def _scope(self, cursor: Cursor, run: Run) -> MergeScope:
        zone = self._settings.business_time_zone
        return MergeScope(cursor, self._catalog, run.staging_schema, run.run_id, zone)


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
