"""The four ways in which rows come from staging into a copy, on each system, through the real release."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Any

import pytest

from etl.catalog import Catalog
from etl.errors import ReleaseRefused
from etl.handles import TableOutcome
from etl.settings import Settings
from tests.systems import BOTH_SYSTEMS
from tests.warehouse.world import Batch, World

pytestmark = BOTH_SYSTEMS

COLUMNS: dict[str, Any] = {
    "id": {"type": "bigint", "nullable": False},
    "label": {"type": "text"},
    "amount": {"type": "decimal(20,4)"},
    "is_on": {"type": "boolean"},
    "day": {"type": "date"},
    "at": {"type": "timestamp"},
    "hour": {"type": "time"},
    "ratio": {"type": "double"},
    "small": {"type": "smallint"},
    "code": {"type": "uuid"},
    "raw": {"type": "bytes"},
    "seq": {"type": "bigint", "nullable": False},
}
EVERY_TYPE: dict[str, Any] = {
    "label": "tab\tline\nback\\slash 'quote' \"double\" \\N 100% 😀",
    "amount": Decimal("-1234567890123456.7891"),
    "is_on": True,
    "day": date(1999, 12, 31),
    "at": datetime(2026, 3, 29, 1, 59, 59, 999999, tzinfo=UTC),
    "hour": time(23, 59, 59, 999999),
    "ratio": 0.1 + 0.2,
    "small": -32768,
    "code": "6f9619ff-8b86-d011-b42d-00c04fc964ff",
    "raw": b"\x00\\'\n\xff",
}
METHODS: dict[str, dict[str, Any]] = {
    "merged": {"method": "merge"},
    "upserted": {"method": "upsert"},
    "ignored": {"method": "insert", "on_duplicate": "ignore", "batch_rows": 2},
    "updated": {"method": "insert", "on_duplicate": "update", "batch_rows": 2},
    "appended": {"method": "bulk"},
    "logged": {"method": "bulk"},
}
FIRST, LATER = "10", "20"


def _table(name: str, load: dict[str, Any], **more: Any) -> dict[str, Any]:
    has_key = name != "logged"
    return {
        "name": name,
        "source": "s",
        "description": name,
        "table": name,
        "key": ["id"] if has_key else [],
        "cursor": "seq",
        "cursor_kind": "integer",
        "columns": COLUMNS,
        "replica": {"load": load, "whole_row": not has_key, "guard": {"end_pct": 100}},
        **more,
    }


@pytest.fixture(scope="module")
def world(warehouse_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """A copy for each method."""
    tables = {f"s.{name}": _table(name, load) for name, load in METHODS.items()}
    gone = {"gone": {"type": "boolean"}}
    tables["s.flagged"] = _table(
        "flagged", METHODS["upserted"], columns=COLUMNS | gone, deletes="soft", deleted_when="gone"
    )
    tables["s.compared"] = _table("compared", METHODS["upserted"], deletes="compare")
    source = {"name": "s", "description": "a database", "url_setting": "shop_url"}
    catalog = Catalog.model_validate(
        {"sources": {"s": source}, "tables": tables, "dimensions": {}, "facts": {}}
    )
    settings = Settings(
        _env_file=None, state_dir=tmp_path_factory.mktemp("state"), warehouse_url=warehouse_url
    )
    world = World(warehouse_url, settings, catalog)
    yield world
    world.close()


@pytest.fixture(autouse=True)
def empty(world: World) -> None:
    """Copies without rows, and sources that were never read."""
    for name in [*METHODS, "flagged", "compared"]:
        world.execute(f"delete from replica.s__{name}")
    world.execute("delete from audit.watermarks")


def row(number: int, label: str | None = "first", **values: Any) -> dict[str, Any]:
    """A row whose cursor is its number."""
    return {"id": number, "label": label, "seq": number, "_cursor": str(number), **values}


def load(world: World, name: str, rows: list[dict[str, Any]], high: str) -> TableOutcome:
    """Release rows of a table; what became of its copy."""
    release = world.load(Batch({f"s.{name}": rows}, as_of=high))
    (outcome,) = [o for o in release.outcomes if o.role == "replica"]
    return outcome


def labels(world: World, name: str) -> list[tuple[Any, ...]]:
    """Rows of a copy in order."""
    return world.query(f"select id, label from replica.s__{name} order by id, label")


def counted(outcome: TableOutcome) -> tuple[int, int, int, int]:
    """Inserted, updated, unchanged, removed."""
    return outcome.inserted, outcome.updated, outcome.unchanged, outcome.removed


@pytest.mark.parametrize("name", METHODS)
def test_a_value_of_every_type_comes_back_as_it_was(world: World, name: str) -> None:
    empty, nothing = row(2, ""), dict.fromkeys(EVERY_TYPE) | {"id": 3, "seq": 3, "_cursor": "3"}
    load(world, name, [row(1, **EVERY_TYPE), empty, nothing], FIRST)
    names = ", ".join(world.session.identifier(column) for column in EVERY_TYPE)
    first, second, third = world.query(f"select {names} from replica.s__{name} order by id")
    kept = [bytes(value) if isinstance(value, memoryview) else value for value in first]
    assert kept == list(EVERY_TYPE.values())
    assert second[0] == ""
    assert third == (None,) * len(EVERY_TYPE)


@pytest.mark.parametrize(
    ("name", "expected", "there"),
    [
        ("merged", (1, 1, 1, 0), [(1, "first"), (2, "second"), (3, "first"), (4, "first")]),
        ("upserted", (1, 2, 0, 0), [(1, "first"), (2, "second"), (3, "first"), (4, "first")]),
        ("updated", (1, 2, 0, 0), [(1, "first"), (2, "second"), (3, "first"), (4, "first")]),
        ("ignored", (1, 0, 2, 0), [(1, "first"), (2, "first"), (3, "first"), (4, "first")]),
    ],
)
def test_a_key_that_is_there(
    world: World, name: str, expected: tuple[int, ...], there: list[tuple[Any, ...]]
) -> None:
    assert counted(load(world, name, [row(n) for n in (1, 2, 3)], FIRST)) == (3, 0, 0, 0)
    assert counted(load(world, name, [row(2, "second"), row(3), row(4)], LATER)) == expected
    assert labels(world, name) == there


@pytest.mark.parametrize("name", ["merged", "updated", "ignored"])
def test_batches_leave_no_row_out(world: World, name: str) -> None:
    rows = [row(n, f"n{n}") for n in range(1, 8)]
    assert counted(load(world, name, rows, FIRST)) == (7, 0, 0, 0)
    assert labels(world, name) == [(n, f"n{n}") for n in range(1, 8)]


def test_bulk_appends_and_refuses_a_key_that_is_there(world: World) -> None:
    load(world, "appended", [row(1), row(2)], FIRST)
    assert counted(load(world, "appended", [row(3)], LATER)) == (1, 0, 0, 0)
    with pytest.raises(ReleaseRefused, match="1 of 2 rows to append have a key that is there already"):
        load(world, "appended", [row(3, "again"), row(4)], "30")
    assert labels(world, "appended") == [(1, "first"), (2, "first"), (3, "first")]


def test_bulk_appends_rows_without_a_key_equal_ones_too(world: World) -> None:
    load(world, "logged", [row(1), row(1)], FIRST)
    load(world, "logged", [row(1)], LATER)
    assert labels(world, "logged") == [(1, "first")] * 3


def test_a_row_that_says_it_is_deleted_leaves_an_upserted_copy(world: World) -> None:
    """Laws X8, R3."""
    load(world, "flagged", [row(n, gone=False) for n in (1, 2)], FIRST)
    deleted = [row(2, gone=True), row(9, gone=True), row(3, gone=False)]
    assert counted(load(world, "flagged", deleted, LATER)) == (1, 0, 1, 1)
    assert labels(world, "flagged") == [(1, "first"), (3, "first")]


def test_a_row_that_the_source_no_longer_has_leaves_an_upserted_copy(world: World) -> None:
    """Law X8."""
    load(world, "compared", [row(n) for n in (1, 2)], FIRST)
    keys = [{"id": n, "_cursor": str(n)} for n in (1, 3)]
    release = world.load(Batch({"s.compared": [row(3)]}, {"s.compared": keys}, as_of=LATER))
    assert [counted(o) for o in release.outcomes if o.role == "replica"] == [(1, 0, 0, 1)]
    assert labels(world, "compared") == [(1, "first"), (3, "first")]
