"""PostgreSQL as a source: one exported snapshot, rows by ``COPY`` as CSV."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, closing, contextmanager

import psycopg2
import pyarrow as pa
from psycopg2.extensions import connection as Connection

from etl.catalog import SourceSystem, SourceTable
from etl.errors import TransientError
from etl.handles import Extract, Snapshot
from etl.settings import Settings
from etl.sources.clocks import SourceClock, high_text, local_text, safe_instant
from etl.sources.connections import Address, connect_postgresql
from etl.sources.copy_pump import copied_blocks
from etl.sources.csv_blocks import BatchShaper
from etl.sources.dialect import postgresql_dialect
from etl.sources.drift import absent_columns, check_drift
from etl.sources.failures import source_failures
from etl.sources.key_sets import key_batches, postgresql_key_condition
from etl.sources.known_tables import Described, KnownTables
from etl.sources.metadata import SourceColumn
from etl.sources.partitions import cut_evenly
from etl.sources.postgresql_sessions import SEE_SESSIONS, await_writers, literal, one_row, read_clock
from etl.sources.predicates import ends_of, extract_conditions, select
from etl.sources.relation import (
    Relation,
    is_first_part,
    kept_columns,
    needed_columns,
    refuse_null_cursors,
)
from etl.sources.relation_postgresql import (
    described,
    refuse_partitions_beside_their_table,
    relation_of,
)
from etl.sources.select_list import LandedColumn, selected_columns, text_risks
from etl.windows import Window

_KEYS_PER_STATEMENT = 50_000


class PostgreSQLSource:
    """See :class:`etl.sources.Source`; docs/sources.md says which types land as what."""

    def __init__(self, system: SourceSystem, address: Address, settings: Settings) -> None:
        self._system, self._address, self._settings = system, address, settings
        self._known = KnownTables()

    @contextmanager
    def snapshot(self, tables: list[SourceTable]) -> Iterator[Snapshot]:
        """Find the safe bounds, then export one snapshot that lasts as long as the context (law X2)."""
        with closing(connect_postgresql(self._address, self._settings)) as connection:
            with self._failures("opening a snapshot"):
                found = {t.qualified_name: described(connection, t) for t in tables}
                refuse_partitions_beside_their_table(connection, tables)
                clock = read_clock(connection)
                highs = {
                    t.qualified_name: self._safe_high(connection, t, found[t.qualified_name], clock)
                    for t in tables
                }
                snapshot_id = one_row(connection, "begin; select pg_export_snapshot()")[0]
            taken_at = local_text(clock.now, self._system.time_zone)
            with self._known.during(found):
                yield Snapshot(self._system.name, snapshot_id, taken_at, highs)

    def check_columns(self, table: SourceTable) -> list[str]:
        """Hold the source's columns against the catalog (law X12)."""
        return check_drift(table, self._columns(table), postgresql_dialect())

    def absent_columns(self, table: SourceTable) -> tuple[str, ...]:
        """Declared columns that the source lacks (law X12)."""
        return absent_columns(table, self._columns(table), postgresql_dialect())

    def cursor_zone(self, table: SourceTable) -> str:
        """Time zone in which this table's window bounds and cursor texts are written."""
        relation = Relation(table, "", self._columns(table), postgresql_dialect())
        return relation.cursor_zone(self._system.time_zone)

    def plan_extracts(self, table: SourceTable, extract: Extract, snapshot: Snapshot) -> tuple[Extract, ...]:
        """Cut a large extract evenly over the range of a key or of the cursor (law X13)."""
        if Relation(table, "", self._columns(table), postgresql_dialect()).ranged is None:
            return (extract,)
        with self._session(table, "planning its parts", snapshot) as connection, closing(connection):
            relation = relation_of(connection, table, extract)
            conditions = extract_conditions(relation, extract)
            explained = one_row(
                connection, f"explain (format json) {select(['1'], relation.sql, conditions)}"
            )
            estimated = explained[0][0]["Plan"]["Plan Rows"]
            if estimated <= self._settings.partition_rows:
                return (extract,)
            if extract.window.low is None and relation.is_ranged_by_number:
                # The whole table: counting it would take as long as a good part of reading it.
                count, (low, high) = int(estimated), one_row(connection, ends_of(relation))
            else:
                count, low, high = one_row(connection, select(relation.measures, relation.sql, conditions))
        return cut_evenly(extract, count, low, high, self._settings.partition_rows)

    def read(self, table: SourceTable, extract: Extract, snapshot: Snapshot) -> pa.RecordBatchReader:
        """Stream one extract out of the snapshot."""
        with self._session(
            table, f"reading {extract.kind} {extract.window} {extract.part}", snapshot
        ) as connection:
            relation = relation_of(connection, table, extract)
            if is_first_part(extract) and relation.may_lack_cursors:
                lacking = select(["count(*)"], relation.sql, [relation.lacks_cursor_sql])
                refuse_null_cursors(table, one_row(connection, lacking)[0])
            conditions = extract_conditions(relation, extract)
            selected = _selected(connection, relation, extract, conditions)
        shaper = BatchShaper(table, selected, kept_columns(table, extract, selected), self._system.time_zone)
        statement = select([c.expression for c in selected], relation.sql, conditions)
        return self._stream(connection, [statement], shaper, table)

    def read_keys(self, table: SourceTable, keys: pa.Table, snapshot: Snapshot) -> pa.RecordBatchReader:
        """Stream the rows with these keys, whatever their cursor."""
        with self._session(table, f"reading {len(keys)} rows by key", snapshot) as connection:
            relation = relation_of(connection, table)
            batches = key_batches(relation, keys, self._system.time_zone, _KEYS_PER_STATEMENT)
            conditions = [postgresql_key_condition(relation, batch) for batch in batches]
            extract = Extract(table.qualified_name, Window())
            selected = _selected(connection, relation, extract, [f"({' or '.join(conditions) or 'false'})"])
        shaper = BatchShaper(table, selected, [c.name for c in selected], self._system.time_zone)
        statements = [select([c.expression for c in selected], relation.sql, [c]) for c in conditions]
        return self._stream(connection, statements, shaper, table)

    def _stream(
        self, connection: Connection, statements: list[str], shaper: BatchShaper, table: SourceTable
    ) -> pa.RecordBatchReader:
        def batches() -> Iterator[pa.RecordBatch]:
            with self._failures(f"{table.qualified_name}: reading rows"), closing(connection):
                for statement in statements:
                    for block in copied_blocks(connection, statement, self._settings.batch_rows):
                        yield shaper.shape(block)

        return pa.RecordBatchReader.from_batches(shaper.schema, batches())

    def _safe_high(
        self, connection: Connection, table: SourceTable, found: Described, clock: SourceClock
    ) -> str | None:
        if table.cursor is None:
            return None
        relation = Relation(table, *found, postgresql_dialect(literal(connection)))
        safe = safe_instant(table, clock, SEE_SESSIONS)
        if table.cursor_kind == "timestamp":
            return high_text(safe, relation.known[table.cursor], self._system.time_zone)
        highest = one_row(connection, select([f"max({relation.cursor_sql})"], relation.sql))[0]
        await_writers(connection, table, clock, self._settings.lock_timeout_seconds)
        return None if highest is None else str(int(highest) + 1)

    def _columns(self, table: SourceTable) -> dict[str, SourceColumn]:
        if known := self._known.get(table.qualified_name):
            return known[1]
        with self._session(table, "checking its columns") as connection, closing(connection):
            return described(connection, table)[1]

    @contextmanager
    def _session(
        self, table: SourceTable, doing: str, snapshot: Snapshot | None = None
    ) -> Iterator[Connection]:
        """A session, within the snapshot if one is given; it stays open unless something failed."""
        connection = connect_postgresql(self._address, self._settings)
        try:
            with self._failures(f"{table.qualified_name}: {doing}"):
                if snapshot is not None:
                    self._join(connection, snapshot)
                yield connection
        except BaseException:
            connection.close()
            raise

    def _join(self, connection: Connection, snapshot: Snapshot) -> None:
        try:
            with connection.cursor() as cursor:
                cursor.execute("begin")
                cursor.execute("set transaction snapshot %s", (snapshot.snapshot_id,))
        except (psycopg2.errors.UndefinedObject, psycopg2.errors.InvalidParameterValue):
            raise TransientError(
                f"The snapshot {snapshot.snapshot_id} of the source '{self._system.name}' ended with the "
                "session that took it.",
                "Run again; a new snapshot is taken.",
            ) from None

    def _failures(self, doing: str) -> AbstractContextManager[None]:
        return source_failures(f"Source '{self._system.name}', {doing}", self._address.secret)


def _selected(
    connection: Connection, relation: Relation, extract: Extract, conditions: list[str]
) -> list[LandedColumn]:
    """The select list; a column with a value that its Arrow type cannot hold lands as text, in this read."""
    table, dialect = relation.table, relation.dialect
    selected = needed_columns(table, extract, selected_columns(table, relation.columns, dialect))
    risks = text_risks(selected, table, relation.columns, dialect)
    if not risks:
        return selected
    found = one_row(
        connection, select([f"bool_or({risk})" for risk in risks.values()], relation.sql, conditions)
    )
    as_text = frozenset(name for name, is_found in zip(risks, found, strict=True) if is_found)
    return needed_columns(table, extract, selected_columns(table, relation.columns, dialect, as_text))
