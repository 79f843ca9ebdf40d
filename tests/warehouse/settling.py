"""Rows through the real way into staging: landed, prepared in batches, copied in parts, settled."""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg2
import pyarrow as pa

from etl.catalog import Catalog, SourceTable
from etl.catalog.step_checks import table_problems
from etl.catalog_types import arrow_type
from etl.handles import Extract, Run, StagedTable, TablePlan
from etl.identifiers import quote_postgresql
from etl.landing import land
from etl.preparing import prepare
from etl.settings import Settings
from etl.warehouse.postgresql.warehouse import PostgreSQLWarehouse
from etl.windows import Window

Row = dict[str, Any]
COLUMNS = {
    "id": {"type": "bigint", "nullable": False},
    "shelf": {"type": "text"},
    "name": {"type": "text"},
    "email": {"type": "text"},
    "amount": {"type": "decimal(12,2)"},
    "quantity": {"type": "integer"},
    "weight": {"type": "double"},
    "currency": {"type": "text"},
    "at": {"type": "timestamp"},
    "day": {"type": "date"},
}


def things(*settle: dict[str, Any], **derived: dict[str, Any]) -> SourceTable:
    """A table with columns of every kind that steps ask for."""
    declared = SourceTable.model_validate(
        {
            "name": "things", "source": "t", "description": "T", "table": "things", "key": ["id"],
            "columns": COLUMNS, "settle": settle, "derived": derived,
        }
    )  # fmt: skip
    assert list(table_problems(declared)) == []
    return declared


@dataclass(frozen=True)
class Settled:
    """What became of the rows: those that are staged by key, and the rules of those held back by key."""

    rows: list[Row]
    held_back: dict[Any, list[str]]
    staged: StagedTable
    log: list[tuple[Any, ...]]

    def column(self, name: str) -> dict[Any, Any]:
        """Key -> value of one column."""
        return {row["id"]: row[name] for row in self.rows}


class Settling:
    """A migrated warehouse in which tables of a test are staged and settled, one run each."""

    def __init__(self, url: str, settings: Settings, folder: Path) -> None:
        self.url, self._settings, self._folder = url, settings, folder
        self.warehouse_of({}).migrate()

    def warehouse_of(self, tables: dict[str, SourceTable]) -> PostgreSQLWarehouse:
        """The warehouse with a catalog of the test's own."""
        catalog = Catalog(sources={}, tables=tables, dimensions={}, facts={})
        return PostgreSQLWarehouse(self.url, self._settings, catalog)

    def settle(
        self, table: SourceTable, rows: Sequence[Row], batch_rows: int = 1000, parts: int = 1
    ) -> Settled:
        """Stage and settle rows as they were landed; law R3 is held against every run."""
        with self.run_over([table]) as (run, warehouse):
            self.stage(run, table, rows, batch_rows, parts)
            staged = warehouse.settle(plan_of(table), run)
            return self._read(table, run, staged, len(rows))

    def settle_beside(
        self, table: SourceTable, rows: Sequence[Row], other: SourceTable, others: Sequence[Row], first: bool
    ) -> Settled:
        """The same beside another table of the run, which is settled first or last."""
        with self.run_over([table, other]) as (run, warehouse):
            self.stage(run, table, rows)
            self.stage(run, other, others)
            if first:
                warehouse.settle(plan_of(other), run)
            staged = warehouse.settle(plan_of(table), run)
            if not first:
                warehouse.settle(plan_of(other), run)
            return self._read(table, run, staged, len(rows))

    @contextmanager
    def run_over(self, tables: Sequence[SourceTable]) -> Iterator[tuple[Run, PostgreSQLWarehouse]]:
        """A run over tables, which publishes nothing."""
        warehouse = self.warehouse_of({table.qualified_name: table for table in tables})
        run = _new_run()
        warehouse.begin_run(run, list(tables))
        try:
            yield run, warehouse
        finally:
            warehouse.end_run(run, "failed", "only a look", [])

    def stage(
        self, run: Run, table: SourceTable, rows: Sequence[Row], batch_rows: int = 1000, parts: int = 1
    ) -> None:
        """Land, prepare and copy rows part by part, each twice as a retried task does."""
        warehouse = self.warehouse_of({table.qualified_name: table})
        folder = self._folder / run.run_id
        for number in range(parts):
            extract = Extract(table.qualified_name, Window(), part=f"{number + 1}of{parts}")
            landed = land(reader_of(table, rows[number::parts], batch_rows), extract, folder)
            prepared = prepare(landed, table, folder, "US")
            warehouse.stage_part(prepared, run)
            warehouse.stage_part(prepared, run)

    def execute(self, statement: str, values: Sequence[Any] = ()) -> None:
        """Run a statement and commit."""
        with closing(psycopg2.connect(self.url)) as connection, connection, connection.cursor() as cursor:
            cursor.execute(statement, values)

    def query(self, statement: str, values: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """Rows of a query."""
        with (
            closing(psycopg2.connect(self.url, options="-c timezone=UTC")) as connection,
            connection.cursor() as cursor,
        ):
            cursor.execute(statement, values or None)
            return list(cursor.fetchall())

    def _read(self, table: SourceTable, run: Run, staged: StagedTable, landed: int) -> Settled:
        names = list(table.staged_columns)
        columns = ", ".join(map(quote_postgresql, names))
        relation = quote_postgresql(run.staging_schema, table.relation)
        rows = [dict(zip(names, row, strict=True)) for row in self.query(f"select {columns} from {relation}")]
        schema = quote_postgresql(run.staging_schema)
        own = (table.qualified_name,)
        held = self.query(
            f"select row_key, rules, payload from {schema}._quarantine where table_name = %s", own
        )
        log = self.query(
            "select position, step, columns, sum(rows_before)::int, sum(rows_after)::int, sum(changed)::int,"
            f" sum(nulls_before)::int, sum(nulls_after)::int from {schema}._steps where table_name = %s"
            " group by position, step, columns order by position",
            own,
        )
        gone = staged.rejected_count + staged.dropped_count + staged.quarantined_count
        assert landed == staged.extracted_count == gone + staged.row_count
        assert (staged.row_count, staged.quarantined_count) == (len(rows), len(held))
        return Settled(
            rows=sorted(rows, key=lambda row: str(row["id"])),
            held_back={key["id"]: rules for key, rules, _ in held},
            staged=staged,
            log=[(position, step, tuple(names), *counts) for position, step, names, *counts in log],
        )


def plan_of(table: SourceTable) -> TablePlan:
    """Everything the source has."""
    return TablePlan(table.qualified_name, None, Window(), "2026-06-01 00:00:00.000000", False)


def _new_run() -> Run:
    run_id = uuid.uuid4().hex
    return Run(run_id, "settling", None, False, f"staging_{run_id}")


def reader_of(table: SourceTable, rows: Sequence[Row], batch_rows: int) -> pa.RecordBatchReader:
    """The rows as a source answers them, in batches and in the types of the catalog."""
    schema = pa.schema({name: arrow_type(column.type) for name, column in table.columns.items()})

    def batches() -> Iterator[pa.RecordBatch]:
        for start in range(0, len(rows), batch_rows):
            whole = [
                {name: row.get(name) for name in schema.names} for row in rows[start : start + batch_rows]
            ]
            yield pa.RecordBatch.from_pylist(whole, schema=schema)

    return pa.RecordBatchReader.from_batches(schema, batches())
