"""Rows that are odd in themselves wait whole, and what belongs to them follows (laws Q2, P1)."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from etl.catalog import SourceTable
from etl.warehouse.database import from_json
from tests.systems import BOTH_SYSTEMS
from tests.warehouse.settling import Row, Settling, plan_of

pytestmark = BOTH_SYSTEMS

NOON = datetime(2026, 5, 1, 12, 0, 0, 500_000, UTC)
LONG_TEXT = "ü" * 1_000_000
LONG_RULE = "r" * 1_000 + ' "; drop table x; --'
ODD = 'select "ü"; drop table y; -- 100%'
KEYS: dict[str, tuple[str, Any, str]] = {
    "timestamp": ("timestamp", NOON, "2026-05-01T12:00:00.5+00:00"),
    "decimal": ("decimal(38,18)", Decimal("0.100000000000000001"), "0.100000000000000001"),
    "bytes": ("bytes", b"\x00\xff", "\\x00ff"),
    "date": ("date", NOON.date(), "2026-05-01"),
    "text": ("text", "it's \\ 100%; é", "it's \\ 100%; é"),
    "double": ("double", 0.1, "0.1"),
}


def odd_table(name: str, key_type: str, **more: Any) -> SourceTable:
    """A table whose key has an odd name and this type."""
    columns = {ODD: {"type": key_type}, "id": {"type": "bigint"}, "note": {"type": "text"}}
    declared = {"name": name, "source": "t", "description": "T", "table": name, "columns": columns}
    return SourceTable.model_validate({**declared, "key": [ODD], **more})


@pytest.mark.parametrize(
    ("key_type", "value", "landed"),
    [
        ("timestamp", NOON, "2026-05-01T12:00:00.500000Z"),
        ("timestamp", NOON, "2026-05-01 14:00:00.5+02"),
        ("bigint", 7, " 7"),
        ("decimal(10,2)", Decimal("7.50"), "7.5"),
        ("uuid", "6f1c0d3e-8a52-4d4a-9f31-0a8d2b1c4e5f", "6F1C0D3E-8A52-4D4A-9F31-0A8D2B1C4E5F"),
    ],
)
def test_children_follow_a_rejected_parent_however_its_key_was_written(
    settling: Settling, key_type: str, value: Any, landed: str
) -> None:
    """Law Q2; of a rejected row nothing is known but what the source said."""
    parents = odd_table("parents", key_type)
    children = odd_table("children", key_type, key=["id"], parent={"table": "t.parents", "keys": {ODD: ODD}})
    with settling.run_over([parents, children]) as (run, warehouse):
        settling.stage(run, children, [{ODD: value, "id": 1, "note": "child"}])
        for told in (landed, "no key at all"):
            settling.execute(
                f"insert into {settling.name(run.staging_schema, '_rejected')}"
                " (table_name, payload, column_name, reason) values ('t.parents', %s, 'note', 'reason')",
                ({ODD: told},),
            )
        warehouse.settle(plan_of(parents), run)
        followed = warehouse.follow_parents(warehouse.settle(plan_of(children), run))
    assert (followed.row_count, followed.quarantined_count, followed.dropped_count) == (0, 1, 0)


@pytest.mark.parametrize("kind", KEYS)
def test_children_follow_their_parent_whatever_the_type_of_its_key(settling: Settling, kind: str) -> None:
    key_type, value, told = KEYS[kind]
    parents = odd_table("parents", key_type)
    children = odd_table("children", key_type, key=["id"], parent={"table": "t.parents", "keys": {ODD: ODD}})
    rows: list[Row] = [{ODD: value, "id": 1, "note": LONG_TEXT}]
    with settling.run_over([parents, children]) as (run, warehouse):
        settling.stage(run, parents, rows)
        settling.stage(run, children, [*rows, {"id": 2, "note": "names no parent"}])
        staged = warehouse.settle(plan_of(parents), run)
        assert warehouse.quarantine(staged, {LONG_RULE: [1], "other": [1]}) == 1
        followed = warehouse.follow_parents(warehouse.settle(plan_of(children), run))
        key = f"coalesce({settling.member('row_key', 'id')}, {settling.member('row_key', ODD)})"
        told_of = settling.query(
            f"select table_name, {key}, rules, {settling.member('payload', 'note')}"
            f" from {settling.name(run.staging_schema, '_quarantine')} order by 1"
        )
    held = [(table, key, from_json(rules), note) for table, key, rules, note in told_of]
    assert (followed.row_count, followed.quarantined_count, followed.dropped_count) == (1, 1, 0)
    assert held == [
        ("t.children", "1", ["parent_is_held_back"], LONG_TEXT),
        ("t.parents", told, ["other", LONG_RULE], LONG_TEXT),
    ]
