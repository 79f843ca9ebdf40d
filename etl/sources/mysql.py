"""MySQL and MariaDB as a source: rows as CSV out of a reading process, each read in its own snapshot."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, closing, contextmanager
from itertools import groupby
from typing import Any

import pyarrow as pa
from mysql.connector.abstracts import MySQLConnectionAbstract, MySQLCursorAbstract

from etl.catalog import SourceSystem, SourceTable
from etl.handles import Extract, Snapshot
from etl.identifiers import quote_mysql
from etl.settings import Settings
from etl.sources.clocks import SourceClock, high_text, local_text, safe_instant
from etl.sources.connections import Address, connect_mysql, mysql_session
from etl.sources.csv_blocks import BatchShaper
from etl.sources.dialect import mysql_dialect
from etl.sources.drift import absent_columns, check_drift
from etl.sources.failures import source_failures
from etl.sources.key_sets import key_batches, mysql_key_condition
from etl.sources.known_tables import Described, KnownTables
from etl.sources.metadata import SourceColumn
from etl.sources.metadata_mysql import find_table, query_columns, table_columns
from etl.sources.mysql_pump import MySqlPump, ReadRequest
from etl.sources.mysql_sessions import SEE_SESSIONS, await_writers, read_clock
from etl.sources.partitions import cut_evenly
from etl.sources.predicates import ends_of, extract_conditions, select
from etl.sources.relation import (
    Relation,
    declared_query,
    is_first_part,
    kept_columns,
    needed_columns,
    refuse_null_cursors,
)
from etl.sources.select_list import LandedColumn, selected_columns

_SNAPSHOT = "start transaction with consistent snapshot, read only"
_KEYS_PER_STATEMENT = 2_000


class MySQLSource:
    """See :class:`etl.sources.Source`; docs/sources.md says which types land as what.

    No snapshot can be exported here: each read has its own, taken after the safe bounds were found. What is
    changed between two reads moves above the bound, out of this run's window and into the next one's.
    """

    def __init__(self, system: SourceSystem, address: Address, settings: Settings) -> None:
        self._system, self._address, self._settings = system, address, settings
        self._known = KnownTables()

    @contextmanager
    def snapshot(self, tables: list[SourceTable]) -> Iterator[Snapshot]:
        """Find the safe bounds (law X2)."""
        with self._session("finding the safe bounds") as connection:
            found = {t.qualified_name: self._described(connection, t) for t in tables}
            clock = read_clock(connection)
            highs = {
                t.qualified_name: self._safe_high(connection, t, found[t.qualified_name], clock)
                for t in tables
            }
        with self._known.during(found):
            yield Snapshot(self._system.name, None, local_text(clock.now, self._system.time_zone), highs)

    def check_columns(self, table: SourceTable) -> list[str]:
        """Hold the source's columns against the catalog (law X12)."""
        return check_drift(table, self._columns(table), mysql_dialect())

    def absent_columns(self, table: SourceTable) -> tuple[str, ...]:
        """Declared columns that the source lacks (law X12)."""
        return absent_columns(table, self._columns(table), mysql_dialect())

    def cursor_zone(self, table: SourceTable) -> str:
        """Time zone in which this table's window bounds and cursor texts are written."""
        return Relation(table, "", self._columns(table), mysql_dialect()).cursor_zone(self._system.time_zone)

    def plan_extracts(self, table: SourceTable, extract: Extract, snapshot: Snapshot) -> tuple[Extract, ...]:
        """Cut a large extract evenly over the range of a key or of the cursor (law X13)."""
        if Relation(table, "", self._columns(table), mysql_dialect()).ranged is None:
            return (extract,)
        with (
            self._session(f"{table.qualified_name}: planning its parts") as connection,
            connection.cursor() as cursor,
        ):
            relation = self._relation(connection, table, extract)
            conditions = extract_conditions(relation, extract)
            estimated = _estimated_rows(cursor, select(["1"], relation.sql, conditions))
            if estimated <= self._settings.partition_rows:
                return (extract,)
            if extract.window.low is None and relation.is_ranged_by_number and table.query is None:
                # The whole table: counting it would take as long as a good part of reading it. The rows of a
                # query would be sorted for each end; they are counted in one pass instead.
                count, (low, high) = estimated, _one_row(cursor, ends_of(relation))
            else:
                count, low, high = _one_row(cursor, select(relation.measures, relation.sql, conditions))
        return cut_evenly(extract, count, low, high, self._settings.partition_rows)

    def read(self, table: SourceTable, extract: Extract, snapshot: Snapshot) -> pa.RecordBatchReader:
        """Stream one extract out of a snapshot of its own."""
        doing = f"{table.qualified_name}: reading {extract.kind} {extract.window} {extract.part}"
        with self._session(doing) as connection:
            relation, info = self._relation(connection, table, extract), connection.server_info
        conditions = extract_conditions(relation, extract)
        checks = is_first_part(extract) and relation.may_lack_cursors
        questions = [select(["count(*)"], relation.sql, [relation.lacks_cursor_sql])] if checks else []
        selected = needed_columns(table, extract, selected_columns(table, relation.columns, relation.dialect))
        shaper = BatchShaper(table, selected, kept_columns(table, extract, selected), self._system.time_zone)
        expressions, kinds = _sent(selected)
        pump = self._pump(info, kinds, [select(expressions, relation.sql, conditions)], questions)
        with self._failures(doing), _closed_on_error(pump):
            for answer in pump.answers():
                refuse_null_cursors(table, int(answer[0] or 0))
        return self._stream(pump, shaper, doing)

    def read_keys(self, table: SourceTable, keys: pa.Table, snapshot: Snapshot) -> pa.RecordBatchReader:
        """Stream the rows with these keys, whatever their cursor."""
        doing = f"{table.qualified_name}: reading {len(keys)} rows by key"
        with self._session(doing) as connection:
            relation, info = self._relation(connection, table), connection.server_info
        selected = selected_columns(table, relation.columns, relation.dialect)
        shaper = BatchShaper(table, selected, [c.name for c in selected], self._system.time_zone)
        batches = key_batches(relation, keys, self._system.time_zone, _KEYS_PER_STATEMENT)
        expressions, kinds = _sent(selected)
        conditions = [mysql_key_condition(relation, batch) for batch in batches]
        pump = self._pump(info, kinds, [select(expressions, relation.sql, [c]) for c in conditions])
        with self._failures(doing), _closed_on_error(pump):
            pump.answers()
        return self._stream(pump, shaper, doing)

    def _stream(self, pump: MySqlPump, shaper: BatchShaper, doing: str) -> pa.RecordBatchReader:
        def batches() -> Iterator[pa.RecordBatch]:
            with self._failures(doing), closing(pump):
                for block in pump.blocks():
                    yield shaper.shape(block)

        return pa.RecordBatchReader.from_batches(shaper.schema, batches())

    def _pump(
        self, info: str | None, kinds: list[str], statements: list[str], questions: Sequence[str] = ()
    ) -> MySqlPump:
        session = [*mysql_session(self._settings, info), _SNAPSHOT]
        request = ReadRequest(session, "", questions, statements, kinds, self._settings.batch_rows)
        return MySqlPump(self._address, request)

    def _safe_high(
        self, connection: MySQLConnectionAbstract, table: SourceTable, found: Described, clock: SourceClock
    ) -> str | None:
        if table.cursor is None:
            return None
        relation = Relation(table, *found, mysql_dialect())
        safe = safe_instant(table, clock, SEE_SESSIONS)
        if table.cursor_kind == "timestamp":
            return high_text(safe, relation.known[table.cursor], self._system.time_zone)
        with connection.cursor() as cursor:
            highest = _one_row(cursor, select([f"max({relation.cursor_sql})"], relation.sql))[0]
        await_writers(connection, table, clock, self._settings.lock_timeout_seconds)
        return None if highest is None else str(int(highest) + 1)

    def _columns(self, table: SourceTable) -> dict[str, SourceColumn]:
        if known := self._known.get(table.qualified_name):
            return known[1]
        with self._session(f"{table.qualified_name}: checking its columns") as connection:
            return self._described(connection, table)[1]

    def _relation(
        self, connection: MySQLConnectionAbstract, table: SourceTable, extract: Extract | None = None
    ) -> Relation:
        sql, columns = self._known.get(table.qualified_name) or self._described(connection, table)
        if table.query is not None and extract is not None:
            sql = declared_query(table, dict(extract.values), mysql_dialect())
        return Relation(table, sql, columns, mysql_dialect())

    def _described(self, connection: MySQLConnectionAbstract, table: SourceTable) -> Described:
        """What stands behind ``from``, and its columns; those of a query the reading process is told."""
        if table.query is None:
            schema, name = find_table(connection, table)
            return quote_mysql(schema, name), table_columns(connection, schema, name)
        sql = declared_query(table, {}, mysql_dialect())
        session = mysql_session(self._settings, connection.server_info)
        request = ReadRequest(session, describe=f"{select(['*'], sql)} limit 0")
        with closing(MySqlPump(self._address, request)) as pump:
            return sql, query_columns(pump.fields())

    @contextmanager
    def _session(self, doing: str) -> Iterator[MySQLConnectionAbstract]:
        with self._failures(doing), closing(connect_mysql(self._address, self._settings)) as connection:
            yield connection

    def _failures(self, doing: str) -> AbstractContextManager[None]:
        return source_failures(f"Source '{self._system.name}', {doing}", self._address.secret)


def _sent(selected: Sequence[LandedColumn]) -> tuple[list[str], list[str]]:
    """Expressions to select, and how each is sent: neighbours that need no quotes are one piece of CSV."""
    expressions, kinds = [], []
    for kind, run in groupby(selected, key=lambda column: column.sent):
        columns = [column.expression for column in run]
        pieces = ["concat(" + ", ',', ".join(columns) + ", ',')"] if kind == "csv" else columns
        expressions += pieces
        kinds += [kind] * len(pieces)
    if kinds[-1] == "csv":
        expressions[-1] = expressions[-1].removesuffix("',')") + r"'\n')"
    return expressions, kinds


def _estimated_rows(cursor: MySQLCursorAbstract, statement: str) -> int:
    """The most rows that one step of the plan is expected to read; no more than a hint."""
    cursor.execute(f"explain {statement}")
    plan: Any = cursor.fetchall()
    at = [column[0].lower() for column in cursor.description or ()].index("rows")
    return max((int(step[at] or 0) for step in plan), default=0)


def _one_row(cursor: MySQLCursorAbstract, statement: str) -> tuple[Any, ...]:
    cursor.execute(statement)
    rows: Any = cursor.fetchall()
    return tuple(rows[0])


@contextmanager
def _closed_on_error(pump: MySqlPump) -> Iterator[None]:
    try:
        yield
    except BaseException:
        pump.close()
        raise
