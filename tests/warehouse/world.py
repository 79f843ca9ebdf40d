"""A warehouse on a real server whose staged rows a test writes down, released through the real release."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from typing import Any

import psycopg2
from psycopg2.extras import execute_values

from etl.catalog import Catalog
from etl.handles import Release, Run, StagedTable, TablePlan
from etl.identifiers import quote_postgresql
from etl.settings import Settings
from etl.warehouse.postgresql.dimensions import MergeScope, derive_versions, open_merge
from etl.warehouse.postgresql.warehouse import PostgreSQLWarehouse
from etl.windows import Window

PIPELINE = "test"


@dataclass
class Batch:
    """Rows of one run: table -> rows as mappings; keys: table -> the keys the source still has.

    ``lost`` says how many rows of a table were extracted and never arrived, ``absent`` which of its
    columns the source no longer has. A backfill leaves watermarks alone.
    """

    rows: Mapping[str, Sequence[dict[str, Any]]]
    keys: Mapping[str, Sequence[dict[str, Any]]] = field(default_factory=dict)
    as_of: str = "2026-06-01 00:00:00.000000"
    lost: dict[str, int] = field(default_factory=dict)
    absent: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    is_backfill: bool = False


class World:
    """A migrated warehouse and the loads a story makes."""

    def __init__(self, url: str, settings: Settings, catalog: Catalog) -> None:
        self.url, self.catalog = url, catalog
        self.warehouse = PostgreSQLWarehouse(url, settings, catalog)
        self.warehouse.migrate()
        self.connection = psycopg2.connect(url, options="-c timezone=UTC")
        self.connection.autocommit = True
        self._next_id = 1

    def load(self, batch: Batch) -> Release:
        """Stage the rows and release them as one run."""
        run = self.new_run()
        names = [*batch.rows, *(name for name in batch.keys if name not in batch.rows)]
        tables = [self.catalog.tables[name] for name in names]
        self.warehouse.begin_run(run, tables)
        staged = []
        for name in names:
            settled = self.stage_table(run, name, batch)
            lost = settled.extracted_count + batch.lost.get(name, 0)
            staged.append(self.warehouse.follow_parents(replace(settled, extracted_count=lost)))
        release = self.warehouse.publish(run, staged, [])
        self.warehouse.end_run(run, "succeeded", "", [])
        return release

    def stage_table(self, run: Run, name: str, batch: Batch) -> StagedTable:
        """Stage and settle the rows of one table of a batch."""
        known, absent = self.warehouse.watermarks(), batch.absent.get(name, ())
        window = Window(None, batch.as_of)
        # The end of a window may be a number; what it speaks for is an instant always.
        as_of = Batch.as_of if batch.as_of.isdigit() else batch.as_of
        plan = TablePlan(name, known.get(name), window, as_of, name in batch.keys, absent)
        self.stage(run, name, batch)
        return self.warehouse.settle(replace(plan, moves_watermark=not batch.is_backfill), run)

    def staged_then_lost(self, name: str, rows: Sequence[dict[str, Any]]) -> tuple[Run, StagedTable]:
        """Stage rows and their keys, settle them, then lose the keys as a crash of the server does."""
        run = self.new_run()
        table = self.catalog.tables[name]
        self.warehouse.begin_run(run, [table])
        keys = [{**{c: row[c] for c in table.key}, "_cursor": row["_cursor"]} for row in rows]
        self.stage(run, name, Batch({name: rows}, {name: keys}))
        known = self.warehouse.watermarks()
        as_of = "2026-07-01 00:00:00.000000"
        staged = self.warehouse.settle(
            TablePlan(name, known.get(name), Window(None, as_of), as_of, True), run
        )
        with self.connection.cursor() as cursor:
            cursor.execute(f"truncate {quote_postgresql(run.staging_schema, table.keys_relation)}")
        return run, staged

    def publish_lost(self, run: tuple[Run, StagedTable]) -> Release:
        """Try to release what was lost."""
        return self.warehouse.publish(run[0], [run[1]], [])

    def missed(self, name: str, keys: Sequence[dict[str, Any]], high: str) -> list[dict[str, Any]]:
        """Keys that a run with these keys at the source would read behind its window."""
        run = self.new_run()
        self.warehouse.begin_run(run, [self.catalog.tables[name]])
        self.stage(run, name, Batch({name: []}, {name: keys}))
        found = self.warehouse.find_missed(TablePlan(name, None, Window(None, high), high, True), run)
        self.warehouse.end_run(run, "failed", "only a look", [])
        return list(found.to_pylist())

    def query(self, statement: str, values: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """Rows of a query."""
        with self.connection.cursor() as cursor:
            cursor.execute(statement, values)
            return list(cursor.fetchall())

    def new_member_ids(self, count: int) -> int:
        """First of so many ids that no member has yet."""
        first = self._next_id
        self._next_id += count
        return first

    def rebuild_difference(self, entity: str) -> list[tuple[Any, ...]]:
        """Rows in which the live dimension differs from one derived anew from the whole history (law S19)."""
        dimension = self.catalog.dimensions[entity]
        columns = [*dimension.key, "valid_from", "valid_to", *dimension.attributes]
        names = ", ".join(quote_postgresql(c) for c in columns)
        with (
            closing(psycopg2.connect(self.url, options="-c timezone=UTC")) as connection,
            connection.cursor() as cursor,
        ):
            cursor.execute("create schema rebuild")
            scope = MergeScope(cursor, self.catalog, "rebuild", "rebuild", "UTC")
            open_merge(scope, dimension)
            keys = ", ".join(quote_postgresql(c) for c in dimension.key)
            cursor.execute(
                f"insert into rebuild.affected_{entity} select distinct {keys} from history.{entity}"
            )
            derive_versions(scope, dimension)
            live = f"select {names} from warehouse.{dimension.relation} where {dimension.surrogate} > 0"
            derived = f"select {names} from rebuild.versions_{entity}"
            cursor.execute(f"({live} except {derived}) union all ({derived} except {live})")
            return list(cursor.fetchall())

    def close(self) -> None:
        """Close the test's own connection."""
        self.connection.close()

    def new_run(self) -> Run:
        """A run of its own name."""
        run_id = uuid.uuid4().hex
        return Run(run_id, PIPELINE, None, False, f"staging_{run_id}")

    def stage(self, run: Run, name: str, batch: Batch) -> None:
        """Stage the rows of a table, and its keys where the batch has some."""
        table = self.catalog.tables[name]
        rows = batch.rows.get(name, ())
        self._insert(run.staging_schema, table.relation, [*table.prepared_columns, "_cursor"], rows)
        with self.connection.cursor() as cursor:
            cursor.execute(
                f"insert into {quote_postgresql(run.staging_schema, '_parts')} values (%s, '1of1', %s, 0, 0)",
                (table.relation, len(rows)),
            )
        if name in batch.keys:
            with self.connection.cursor() as cursor:
                parts = quote_postgresql(run.staging_schema, "_parts")
                cursor.execute(
                    f"insert into {parts} values (%s, 'keys', %s, 0, 0)",
                    (table.keys_relation, len(batch.keys[name])),
                )
            self._insert(run.staging_schema, table.keys_relation, [*table.key, "_cursor"], batch.keys[name])

    def _insert(self, schema: str, relation: str, columns: list[str], rows: Sequence[dict[str, Any]]) -> None:
        names = ", ".join(quote_postgresql(c) for c in columns)
        with self.connection.cursor() as cursor:
            into = f"{quote_postgresql(schema, relation)} ({names})".replace("%", "%%")
            statement = f"insert into {into} values %s"
            if rows:
                execute_values(cursor, statement, [[row.get(c) for c in columns] for row in rows])
