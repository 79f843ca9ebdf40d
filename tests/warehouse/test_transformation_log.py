"""The transformation log is kept, of runs that published nothing, too; what steps drop is accounted for."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from etl.catalog import Catalog, Dimension, SourceSystem, SourceTable
from etl.handles import Extract, Run, StagedTable, TablePlan
from etl.landing import land
from etl.preparing import prepare
from etl.settings import Settings
from etl.warehouse import open_database
from etl.warehouse.database import from_json
from etl.warehouse.warehouse import DatabaseWarehouse
from etl.windows import Window
from tests.systems import BOTH_SYSTEMS
from tests.warehouse.settling import Row, reader_of

pytestmark = BOTH_SYSTEMS

AS_OF = "2026-06-01 00:00:00.000000"
THINGS = SourceTable.model_validate(
    {
        "name": "things",
        "source": "t",
        "description": "Things",
        "table": "things",
        "key": ["id"],
        "columns": {
            "id": {"type": "bigint", "nullable": False},
            "name": {"type": "text"},
            "price_text": {"type": "text"},
        },
        "prepare": [
            {"step": "clean_text", "columns": ["name"]},
            {"step": "drop_missing", "columns": ["name"]},
            {"step": "parse_number", "column": "price_text", "into": "price"},
        ],
        "settle": [
            {"step": "deduplicate", "match": ["name"], "keep": ["id"]},
            {"step": "fill_from_rows", "column": "price", "method": "median"},
        ],
        "derived": {
            "price": {"type": "decimal(8,2)"},
            "double_price": {"type": "decimal(9,2)", "expression": "2 * price"},
        },
    }
)
ROWS: list[Row] = [
    {"id": 1, "name": " a ", "price_text": "1.00"},
    {"id": 2, "name": "a", "price_text": "7.00"},
    {"id": 3, "name": "b", "price_text": None},
    {"id": 4, "name": None, "price_text": "2.00"},
    {"id": 5, "name": "c", "price_text": "two"},
    {"id": 6, "name": "c", "price_text": "4.00"},
]
LOG = [
    (1, "clean_text", ["name"], 6, 6, 1, 1, 1),
    (2, "drop_missing", ["name"], 6, 5, 0, 1, 0),
    (3, "parse_number", ["price"], 5, 4, 3, 5, 1),
    (4, "deduplicate", ["name"], 4, 3, 0, 0, 0),
    (5, "fill_from_rows", ["price"], 3, 3, 1, 1, 0),
    (6, "expression", ["double_price"], 3, 3, 3, 3, 0),
]


class Story:
    """A warehouse with one dimension of things."""

    def __init__(self, url: str, settings: Settings) -> None:
        dimension = Dimension.model_validate(
            {
                "name": "thing",
                "description": "Things",
                "key": {"id": "bigint"},
                "events": [{"table": "t.things"}],
                "attributes": {
                    "name": {"type": "text", "scd": 1},
                    "price": {"type": "decimal(8,2)", "scd": 1},
                    "double_price": {"type": "decimal(9,2)", "scd": 1},
                },
            }
        )
        source = SourceSystem.model_validate({"name": "t", "description": "T"})
        catalog = Catalog(
            sources={"t": source}, tables={"t.things": THINGS}, dimensions={"thing": dimension}, facts={}
        )
        self._folder = settings.landing
        self._database = open_database(url, settings)
        self.warehouse = DatabaseWarehouse(self._database, catalog)
        self.warehouse.migrate()

    def staged(self) -> tuple[Run, StagedTable]:
        """The rows in two parts, each sent twice as a retried task does."""
        run_id = uuid.uuid4().hex
        run = Run(run_id, "things", None, False, f"staging_{run_id}")
        self.warehouse.begin_run(run, [THINGS])
        for number, rows in enumerate((ROWS[::2], ROWS[1::2]), 1):
            extract = Extract("t.things", Window(), part=f"{number}of2")
            landed = land(reader_of(THINGS, rows, 2), extract, self._folder / run_id)
            prepared = prepare(landed, THINGS, self._folder / run_id, "US")
            self.warehouse.stage_part(prepared, run)
            self.warehouse.stage_part(prepared, run)
        return run, self.warehouse.settle(TablePlan("t.things", None, Window(), AS_OF, False), run)

    def query(self, statement: str, *values: Any) -> list[tuple[Any, ...]]:
        with self._database.session() as session:
            session.execute(statement, values)
            return session.fetchall()

    def log_of(self, run: Run) -> list[tuple[Any, ...]]:
        log = self.query(
            "select position, step, columns, rows_before, rows_after, changed, nulls_before, nulls_after"
            " from audit.transformations where run_id = %s and table_name = 't.things' order by position",
            run.run_id,
        )
        return [(position, step, from_json(columns), *counts) for position, step, columns, *counts in log]


@pytest.fixture
def story(warehouse_database: str, tmp_path: Path) -> Iterator[Story]:
    yield Story(
        warehouse_database, Settings(_env_file=None, state_dir=tmp_path, warehouse_url=warehouse_database)
    )


def test_the_release_keeps_the_log_and_accounts_for_what_steps_dropped(story: Story) -> None:
    """Law R3: six rows = one rejected + one dropped in preparation + one as a duplicate + three merged."""
    run, staged = story.staged()
    assert [count.step for count in staged.steps] == ["deduplicate", "fill_from_rows", "expression"]
    story.warehouse.publish(run, [staged], [])
    assert story.log_of(run) == LOG
    assert story.query(
        "select extracted, rejected, dropped, quarantined, inserted from audit.run_tables"
        " where run_id = %s and name = 't.things'",
        run.run_id,
    ) == [(6, 1, 2, 0, 3)]
    assert story.query(
        "select id, name, price, double_price from warehouse.dim_thing where thing_key > 0 order by id"
    ) == [
        (1, "a", Decimal("1.00"), Decimal("2.00")),
        (3, "b", Decimal("2.50"), Decimal("5.00")),
        (6, "c", Decimal("4.00"), Decimal("8.00")),
    ]
    story.warehouse.end_run(run, "failed", "a signal after the release", [])
    assert story.log_of(run) == LOG


def test_a_run_that_published_nothing_keeps_its_log(story: Story) -> None:
    run, _ = story.staged()
    story.warehouse.end_run(run, "gate_closed", "closed", [])
    assert story.log_of(run) == LOG
    story.warehouse.end_run(run, "gate_closed", "said twice, after its staging is gone", [])
    assert story.log_of(run) == LOG
