"""Rows follow their parents: judged after them, held back with them, however those were lost (law Q2)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from etl.catalog_files import load_catalog
from etl.handles import Run, StagedTable, TablePlan
from etl.settings import PROJECT_DIR, Settings
from etl.warehouse.database import from_json
from etl.windows import Window
from tests.systems import BOTH_SYSTEMS
from tests.warehouse.world import Batch, World

pytestmark = BOTH_SYSTEMS
CATALOG = load_catalog(PROJECT_DIR / "catalog")
AS_OF = "2026-06-01 00:00:00.000000"
ORDERS, LINES = "shop.orders", "shop.order_items"


def order(order_id: int, **changed: Any) -> dict[str, Any]:
    sound = {
        "order_id": order_id,
        "ordered_at": "2026-05-01 10:00Z",
        "order_status": "paid",
        "discount_amount": 0,
        "tax_amount": 0,
        "shipping_amount": 0,
        "total_amount": 10,
        "updated_at": "2026-05-01 11:00Z",
        "_cursor": "2026-05-01 11:00:00.000000",
    }
    return {**sound, **changed}


def lines_of(order_id: int) -> list[dict[str, Any]]:
    return [
        {
            "order_item_id": 10 * order_id + number,
            "order_id": order_id,
            "line_number": number,
            "product_id": 1,
            "quantity": 1,
            "unit_price": 5,
            "discount_amount": 0,
            "order_updated_at": "2026-05-01 11:00Z",
            "_cursor": "2026-05-01 11:00:00.000000",
        }
        for number in (1, 2)
    ]


@dataclass
class Staged:
    """Orders and their lines, staged and settled in one run."""

    world: World
    run: Run
    orders: StagedTable

    @classmethod
    def of(cls, world: World, orders: list[dict[str, Any]], lines: list[dict[str, Any]]) -> Staged:
        run = world.new_run()
        batch = Batch({ORDERS: orders, LINES: lines})
        world.warehouse.begin_run(run, [CATALOG.tables[name] for name in batch.rows])
        for name in batch.rows:
            world.stage(run, name, batch)
        return cls(world, run, world.warehouse.settle(cls.plan(ORDERS), run))

    @staticmethod
    def plan(name: str) -> TablePlan:
        return TablePlan(name, None, Window(None, AS_OF), AS_OF, compares_keys=False)

    def reject(self, order_id: int) -> None:
        """What preparation refused: the landed row, with the names of the catalog."""
        self.world.execute(
            f"insert into {self.world.session.identifier(self.run.staging_schema, '_rejected')}"
            " values (%s, %s, 'total_amount', 'is not a number')",
            (ORDERS, {"order_id": order_id, "total_amount": "ten"}),
        )

    def followed(self) -> tuple[StagedTable, set[int], set[int]]:
        """The lines after they followed, the orders of those that stay and of those that are held back."""
        lines = self.world.warehouse.settle(self.plan(LINES), self.run)
        followed = self.world.warehouse.follow_parents(lines)
        schema = self.world.session.identifier(self.run.staging_schema)
        left = self.world.query(f"select distinct order_id from {schema}.stg_shop__order_items")
        held = self.world.query(
            f"select payload, rules from {schema}._quarantine where table_name = %s", (LINES,)
        )
        keys = {
            from_json(payload)["order_id"]
            for payload, rules in held
            if from_json(rules) == ["parent_is_held_back"]
        }
        return followed, {key for (key,) in left}, keys


@pytest.fixture
def world(warehouse_database: str, settings: Settings) -> Iterator[World]:
    """A migrated warehouse."""
    made = World(warehouse_database, settings, CATALOG)
    yield made
    made.close()


def test_lines_of_an_order_that_the_gate_blames_follow_it(world: World) -> None:
    staged = Staged.of(world, [order(1), order(2)], [*lines_of(1), *lines_of(2)])
    row = world.query(
        f"select _row from {world.session.identifier(staged.run.staging_schema)}.stg_shop__orders"
        " where order_id = 2"
    )
    assert world.warehouse.quarantine(staged.orders, {"a_rule": [row[0][0]], "another": [row[0][0]]}) == 1

    followed, left, held = staged.followed()

    assert (left, held) == ({1}, {2})
    assert (followed.row_count, followed.quarantined_count, followed.dropped_count) == (2, 2, 0)


def test_lines_of_an_order_that_preparation_rejected_follow_it(world: World) -> None:
    staged = Staged.of(world, [order(1)], [*lines_of(1), *lines_of(2)])
    staged.reject(2)

    followed, left, held = staged.followed()

    assert (left, held) == ({1}, {2})
    assert (followed.row_count, followed.quarantined_count) == (2, 2)


def test_lines_of_orders_that_contradict_each_other_follow_them(world: World) -> None:
    staged = Staged.of(world, [order(1), order(2), order(2, total_amount=11)], [*lines_of(1), *lines_of(2)])

    assert staged.followed()[1:] == ({1}, {2})


def test_an_order_that_is_there_and_was_also_rejected_holds_its_lines_back(world: World) -> None:
    """Two states of one order of which one could not be read: which of them the lines are of is not known."""
    staged = Staged.of(world, [order(1)], lines_of(1))
    staged.reject(1)

    assert staged.followed()[1:] == (set(), {1})


def test_lines_whose_order_is_neither_staged_nor_held_back_come_with_the_next_window(world: World) -> None:
    staged = Staged.of(world, [order(1)], [*lines_of(1), *lines_of(2)])

    followed, left, held = staged.followed()

    assert (left, held) == ({1}, set())
    assert (followed.row_count, followed.quarantined_count, followed.dropped_count) == (2, 0, 2)


def test_many_rows_are_moved_with_all_their_rules(world: World) -> None:
    """10,000 rows and three rules: each row once, with exactly the rules that it breaks."""
    staged = Staged.of(world, [order(number) for number in range(1, 10_001)], [])
    schema = world.session.identifier(staged.run.staging_schema)
    rows = [row for (row,) in world.query(f"select _row from {schema}.stg_shop__orders order by _row")]
    failed = {"every": rows, "half": rows[::2], "third": rows[::3]}

    assert world.warehouse.quarantine(staged.orders, failed) == 10_000

    assert world.query(f"select count(*) from {schema}.stg_shop__orders") == [(0,)]
    kept = world.query(f"select rules, count(*) from {schema}._quarantine group by rules")
    assert {tuple(from_json(rules)): count for rules, count in kept} == {
        ("every",): 3_333,
        ("every", "half"): 3_333,
        ("every", "half", "third"): 1_667,
        ("every", "third"): 1_667,
    }
