"""Law X9 for keys and values of every type: both sides are read alike, and what differs is mended."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Any

import pytest

from etl.catalog import Catalog
from etl.settings import Settings
from etl.warehouse.reconciliation import Reconciliation
from etl.warehouse.reconciling.comparing import RangeSize
from tests.systems import BOTH_SYSTEMS
from tests.warehouse.reconciling import Reconciling
from tests.warehouse.world import Batch, World

pytestmark = BOTH_SYSTEMS

# Type of a key -> its values in order, and how they are told to people.
KEYS: dict[str, list[tuple[Any, str]]] = {
    "bigint": [(-(2**63), str(-(2**63))), (0, "0"), (2**63 - 1, str(2**63 - 1))],
    "integer": [(-5, "-5"), (10, "10"), (9_000, "9000")],
    "smallint": [(-5, "-5"), (10, "10"), (9_000, "9000")],
    "text": [("A", "A"), ("a", "a"), ("a ", "a "), ("ä", "ä")],
    "boolean": [(False, "false"), (True, "true")],
    "date": [(date(1999, 12, 31), "1999-12-31"), (date(2026, 5, 3), "2026-05-03")],
    "timestamp": [
        (datetime(2026, 5, 1, 10, tzinfo=UTC), "2026-05-01 10:00:00+00"),
        (datetime(2026, 5, 1, 10, 0, 0, 500_000, tzinfo=UTC), "2026-05-01 10:00:00.5+00"),
        (datetime(2026, 5, 1, 10, 0, 0, 500_001, tzinfo=UTC), "2026-05-01 10:00:00.500001+00"),
    ],
    "time": [(time(0, 0), "00:00:00"), (time(23, 59, 59, 10), "23:59:59.00001")],
    "decimal(8,2)": [(Decimal("-1.50"), "-1.50"), (Decimal("3.00"), "3.00")],
    "uuid": [(f"{n}aaaaaaa-0000-4000-8000-000000000000",) * 2 for n in (1, 2, 3)],
    "bytes": [(b"\x00", "\\x00"), (b"\xff'\\", "\\xff275c")],
}
VALUES: dict[str, list[Any]] = {
    "bigint": [2**63 - 1, 2**63 - 1],
    "integer": [-(2**31), 7],
    "smallint": [-(2**15), 7],
    "text": ["NULL, '\\ \" 100% ☃ ", ""],
    "boolean": [True, False],
    "date": [date(1, 1, 1), date(9999, 12, 31)],
    "timestamp": [datetime(1, 1, 2, tzinfo=UTC), datetime(9999, 12, 30, 1, 2, 3, 4, tzinfo=UTC)],
    "time": [time(0, 0), time(23, 59, 59, 999_999)],
    "double": [0.1, 1e-40],
    "decimal(38,10)": [Decimal("9999999999999999.0123456789"), Decimal("-0.0000000001")],
    "decimal(65,0)": [Decimal("9" * 65)] * 2,
    "json": ['{"a": [1, "2", null]}', "null"],
    "uuid": ["00000000-0000-4000-8000-00000000000a", "00000000-0000-4000-8000-00000000000b"],
    "bytes": [b"\x00\xff'\\", b""],
}


def _named(column_type: str) -> str:
    return "a_" + column_type.translate(str.maketrans("(,", "__", ")"))


def _table(name: str, key: list[str], columns: dict[str, str]) -> dict[str, Any]:
    declared = {name: {"type": kind, "nullable": name not in key} for name, kind in columns.items()}
    named = {"name": name, "source": "s", "description": name, "table": name}
    return {**named, "key": key, "columns": declared, "replica": {"whole_row": not key}}


CATALOG = Catalog.model_validate(
    {
        "sources": {"s": {"name": "s", "description": "a database", "url_setting": "shop_url"}},
        "tables": {
            **{
                f"s.by_{_named(kind)}": _table(f"by_{_named(kind)}", ["k"], {"k": kind, "v": "text"})
                for kind in KEYS
            },
            "s.wide": _table("wide", ["id"], {"id": "bigint", **{_named(kind): kind for kind in VALUES}}),
            "s.bare": _table("bare", [], {_named(kind): kind for kind in VALUES}),
        },
        "dimensions": {},
        "facts": {},
    }
)
FULL = {_named(kind): values for kind, values in VALUES.items()}
# Rows of values, without any, and one of them twice.
WIDE = [{"id": n, **{name: values[n] for name, values in FULL.items()}} for n in (0, 1)] + [
    {"id": 2, **dict.fromkeys(FULL)}
]
BARE = [{name: row[name] for name in FULL} for row in [*WIDE, WIDE[0]]]


@pytest.fixture(scope="module")
def world(warehouse_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """A warehouse of copies."""
    settings = Settings(
        _env_file=None, state_dir=tmp_path_factory.mktemp("state"), warehouse_url=warehouse_url
    )
    opened = World(warehouse_url, settings, CATALOG)
    yield opened
    opened.close()


@pytest.mark.parametrize("kind", KEYS)
def test_ranges_are_told_by_keys_of_any_type(world: World, kind: str) -> None:
    name = f"s.by_{_named(kind)}"
    texts = [text for _, text in KEYS[kind]]
    rows = {name: [{"k": key, "v": text} for key, text in KEYS[kind]]}
    world.load(Batch(rows))
    run = Reconciling(world, rows, RangeSize(1, 100))
    (found,) = run.found
    assert (found.status, found.verified_through) == ("agrees", texts[-1])
    assert [(each.low, each.high, each.last) for each in found.ranges] == list(
        zip([None, *texts[1:]], [*texts[1:], None], texts, strict=True)
    )
    run.end()

    world.execute(f"update replica.s__by_{_named(kind)} set v = 'other' where v = %s", (texts[1],))
    run = Reconciling(world, rows, RangeSize(1, 100))
    (found,) = run.found
    assert ([each.last for each in found.differing], found.verified_through) == ([texts[1]], texts[0])
    run.repair()
    assert [each.status for each in run.found] == ["repaired"]
    run.end()


def test_values_of_every_type_are_compared(world: World) -> None:
    found = _found(world, "s.wide", WIDE)
    assert (found.status, found.source_count) == ("agrees", 3)
    columns = ", ".join(f"{name} = null" for name in FULL)
    world.execute(f"update replica.s__wide set {columns} where id = 1")
    found = _found(world, "s.wide", WIDE, load=False)
    assert (found.changed, found.changed_columns) == (1, dict.fromkeys(FULL, 1))
    sums = found.ranges[0].source.sums
    assert (Decimal(sums["a_integer"] or 0), Decimal(sums["a_decimal_38_10"] or 0)) == (
        Decimal(7 - 2**31),
        sum(VALUES["decimal(38,10)"]),
    )
    run = Reconciling(world, {"s.wide": WIDE}, RangeSize())
    run.repair()
    assert [each.status for each in run.found] == ["repaired"]
    run.end()


def test_equal_rows_without_a_key_are_counted(world: World) -> None:
    found = _found(world, "s.bare", BARE)
    assert (found.status, found.source_count) == ("agrees", 4)
    ((newest,),) = world.query("select max(_row_id) from replica.s__bare")
    world.execute("delete from replica.s__bare where _row_id = %s", (newest,))
    found = _found(world, "s.bare", BARE, load=False)
    assert (found.status, found.missing, found.extra, found.changed) == ("differs", 1, 0, 0)
    run = Reconciling(world, {"s.bare": BARE}, RangeSize())
    run.repair()
    assert [each.status for each in run.found] == ["repaired"]
    run.end()


def _found(world: World, name: str, rows: list[dict[str, Any]], *, load: bool = True) -> Reconciliation:
    if load:
        world.load(Batch({name: rows}))
    run = Reconciling(world, {name: rows}, RangeSize())
    run.end()
    (found,) = run.found
    return found
