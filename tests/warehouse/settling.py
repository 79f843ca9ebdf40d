"""Rows through the real way into staging: landed, prepared in batches, copied in parts, settled."""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa

from etl.catalog import Catalog, SourceTable
from etl.catalog.step_checks import table_problems
from etl.catalog_types import arrow_type
from etl.handles import Extract, Run, StagedTable, TablePlan
from etl.landing import land
from etl.preparing import prepare
from etl.settings import Settings
from etl.warehouse import open_database
from etl.warehouse.database import Session, Values, from_json
from etl.warehouse.warehouse import DatabaseWarehouse
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
        self._folder = folder
        self.database = open_database(url, settings)
        self.warehouse_of({}).migrate()

    def warehouse_of(self, tables: dict[str, SourceTable]) -> DatabaseWarehouse:
        """The warehouse with a catalog of the test's own."""
        catalog = Catalog(sources={}, tables=tables, dimensions={}, facts={})
        return DatabaseWarehouse(self.database, catalog)

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
    def run_over(self, tables: Sequence[SourceTable]) -> Iterator[tuple[Run, DatabaseWarehouse]]:
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

    def name(self, *parts: str) -> str:
        """A quoted name, as statements have it."""
        return self.database.sql.identifier(*parts)

    def member(self, document: str, name: str) -> str:
        """SQL of a member of a document as a text."""
        return self.database.json_text(document, name)

    def execute(self, statement: str, values: Values = ()) -> None:
        """Run a statement and commit; a per cent sign in it is doubled."""
        with self.database.session() as session:
            session.execute(statement, values)

    def query(self, statement: str, values: Values = ()) -> list[tuple[Any, ...]]:
        """Rows of a query; a per cent sign in it is doubled."""
        with self.database.session() as session:
            session.execute(statement, values)
            return session.fetchall()

    def held_back(self, run: Run) -> list[tuple[str, dict[str, Any], list[str], dict[str, Any]]]:
        """Table, key, rules and payload of each row that waits in the run's staging."""
        schema = self.database.sql.identifier(run.staging_schema)
        return [
            (table, *map(from_json, documents))
            for table, *documents in self.query(
                f"select table_name, row_key, rules, payload from {schema}._quarantine"
            )
        ]

    def _read(self, table: SourceTable, run: Run, staged: StagedTable, landed: int) -> Settled:
        with self.database.session() as session:
            rows = _staged_rows(session, run, table)
            log = _log(session, run, table)
        held = [row for row in self.held_back(run) if row[0] == table.qualified_name]
        gone = staged.rejected_count + staged.dropped_count + staged.quarantined_count
        assert landed == staged.extracted_count == gone + staged.row_count
        assert (staged.row_count, staged.quarantined_count) == (len(rows), len(held))
        return Settled(
            rows=sorted(rows, key=lambda row: str(row["id"])),
            held_back={key["id"]: rules for _, key, rules, _ in held},
            staged=staged,
            log=log,
        )


def _staged_rows(session: Session, run: Run, table: SourceTable) -> list[Row]:
    columns = ", ".join(map(session.identifier, table.staged_columns))
    return session.rows(f"select {columns} from {session.identifier(run.staging_schema, table.relation)}")


def _log(session: Session, run: Run, table: SourceTable) -> list[tuple[Any, ...]]:
    """The steps of all parts together."""
    session.execute(
        "select position, step, columns, sum(rows_before), sum(rows_after), sum(changed),"
        f" sum(nulls_before), sum(nulls_after) from {session.identifier(run.staging_schema, '_steps')}"
        " where table_name = %s group by position, step, columns order by position",
        (table.qualified_name,),
    )
    return [
        (position, step, tuple(from_json(names)), *map(int, counts))
        for position, step, names, *counts in session.fetchall()
    ]


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
