"""A warehouse on a real server whose staged rows a test writes down, released through the real release."""

from __future__ import annotations

import uuid
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any, Literal

from etl.catalog import Catalog, Column
from etl.handles import Release, Run, StagedTable, TablePlan
from etl.settings import Settings
from etl.warehouse import open_database
from etl.warehouse.database import Values
from etl.warehouse.declared import dimension_columns
from etl.warehouse.dimensions import MergeScope, derive_versions, open_merge
from etl.warehouse.warehouse import DatabaseWarehouse
from etl.windows import Window

PIPELINE = "test"


@dataclass
class Batch:
    """Rows of one run: table -> rows as mappings; keys: table -> the keys the source still has.

    ``lost`` says how many rows of a table were extracted and never arrived, ``absent`` which of its
    columns the source no longer has. A backfill leaves watermarks alone; rows that are replayed ``kept``
    were seen when the window ended.
    """

    rows: Mapping[str, Sequence[dict[str, Any]]]
    keys: Mapping[str, Sequence[dict[str, Any]]] = field(default_factory=dict)
    as_of: str = "2026-06-01 00:00:00.000000"
    lost: dict[str, int] = field(default_factory=dict)
    absent: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    is_backfill: bool = False
    replays: Literal["kept"] | None = None


class World:
    """A migrated warehouse and the loads a story makes."""

    def __init__(self, url: str, settings: Settings, catalog: Catalog) -> None:
        self.url, self.catalog = url, catalog
        self.database = open_database(url, settings)
        self.warehouse = DatabaseWarehouse(self.database, catalog)
        self.warehouse.migrate()
        self._opened = ExitStack()
        self.session = self._opened.enter_context(self.database.own_session())
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
        moves = not batch.is_backfill and batch.replays is None
        return self.warehouse.settle(replace(plan, moves_watermark=moves, replays=batch.replays), run)

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
        self.execute(f"truncate table {self.session.identifier(run.staging_schema, table.keys_relation)}")
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

    def query(self, statement: str, values: Values = ()) -> list[tuple[Any, ...]]:
        """Rows of a query; a per cent sign in it is doubled."""
        self.session.execute(statement, values)
        return self.session.fetchall()

    def written(self, *relations: str) -> list[list[tuple[Any, ...]]]:
        """All rows of relations of the warehouse, with what tells that one was written again.

        PostgreSQL numbers the transaction that wrote a row. Elsewhere the run that wrote it stands in the
        row itself: each statement that changes a row writes that, too.
        """
        mark = "xmin::text, " if self.database.folder == "postgresql" else ""
        return [
            sorted(self.query(f"select {mark}t.* from warehouse.{relation} as t"), key=repr)
            for relation in relations
        ]

    def execute(self, statement: str, values: Values = ()) -> int:
        """Execute a statement; returns how many rows it wrote."""
        self.session.execute(statement, values)
        return self.session.rowcount

    def new_member_ids(self, count: int) -> int:
        """First of so many ids that no member has yet."""
        first = self._next_id
        self._next_id += count
        return first

    def rebuild_difference(self, entity: str) -> list[tuple[Any, ...]]:
        """Rows in which the live dimension differs from one derived anew from the whole history (law S19)."""
        dimension = self.catalog.dimensions[entity]
        columns = [*dimension.key, "valid_from", "valid_to", "is_inferred", *dimension_columns(dimension)]
        columns += dimension.snowflakes
        schema = "staging_rebuild"
        with self.database.own_session() as session:
            session.drop_schema(schema)
            session.execute(f"create schema {self.database.quote(self.database.schema(schema))}")
            scope = MergeScope(session, self.catalog, schema, "rebuild", "UTC")
            open_merge(scope, dimension)
            keys = ", ".join(session.identifier(c) for c in dimension.key)
            session.execute(
                f"insert into {schema}.affected_{entity} select distinct {keys} from history.{entity}"
            )
            derive_versions(scope, dimension)
            names = ", ".join(session.identifier(c) for c in columns)
            live = f"select {names} from warehouse.{dimension.relation} where {dimension.surrogate} > 0"
            session.execute(live)
            there = Counter(session.fetchall())
            session.execute(f"select {names} from {schema}.versions_{entity}")
            derived = Counter(session.fetchall())
            session.drop_schema(schema)
            return [*(there - derived), *(derived - there)]

    def close(self) -> None:
        """Close the test's own connection."""
        self._opened.close()

    def new_run(self) -> Run:
        """A run of its own name."""
        run_id = uuid.uuid4().hex
        return Run(run_id, PIPELINE, None, False, f"staging_{run_id}")

    def stage(self, run: Run, name: str, batch: Batch) -> None:
        """Stage the rows of a table, and its keys where the batch has some."""
        table = self.catalog.tables[name]
        rows = batch.rows.get(name, ())
        self._insert(run.staging_schema, table.relation, _typed(table.prepared_columns), rows)
        self._note(run, table.relation, "1of1", len(rows))
        if name in batch.keys:
            self._note(run, table.keys_relation, "keys", len(batch.keys[name]))
            keys = _typed({column: table.columns[column] for column in table.key})
            self._insert(run.staging_schema, table.keys_relation, keys, batch.keys[name])

    def _note(self, run: Run, relation: str, part: str, count: int) -> None:
        columns = ("relation", "part", "row_count", "rejected_count", "seconds")
        self.session.insert(
            self.session.identifier(run.staging_schema, "_parts"), columns, [(relation, part, count, 0, 0)]
        )

    def _insert(
        self, schema: str, relation: str, types: dict[str, str], rows: Sequence[dict[str, Any]]
    ) -> None:
        if rows:
            values = [
                [_value(row.get(name), column_type) for name, column_type in types.items()] for row in rows
            ]
            self.session.insert(self.session.identifier(schema, relation), list(types), values)


def _typed(columns: Mapping[str, Column]) -> dict[str, str]:
    """Columns of a staged relation that are loaded, with their types."""
    return {**{name: column.type for name, column in columns.items()}, "_cursor": "text"}


def _value(value: Any, column_type: str) -> Any:
    """An instant may be written as a text; without a zone it is UTC."""
    if column_type != "timestamp" or not isinstance(value, str):
        return value
    instant = datetime.fromisoformat(value)
    return instant if instant.tzinfo else instant.replace(tzinfo=UTC)
