"""Law X9: one tampering is found in its range and repaired, on a real warehouse through the real release."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from copy import deepcopy
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from etl.catalog import Catalog
from etl.catalog_files import load_catalog
from etl.errors import ReleaseRefused
from etl.settings import Settings
from etl.transforms.calendar import calendar
from etl.warehouse.database import from_json
from etl.warehouse.reconciliation import Reconciliation
from etl.warehouse.reconciling import comparing
from etl.warehouse.reconciling.comparing import RangeSize
from etl.warehouse.reconciling.images import Image, NoImage, image_of
from tests.systems import BOTH_SYSTEMS
from tests.warehouse.holding import keep_instead, load_judged
from tests.warehouse.reconciling import Reconciling, stopped
from tests.warehouse.rows import cursor_of, customer, line, order, price, product
from tests.warehouse.world import Batch, World

pytestmark = BOTH_SYSTEMS

EXAMPLES = max(int(os.environ.get("ETL_TEST_EXAMPLES", "500")) // 25, 5)
START = datetime(2026, 5, 1, tzinfo=UTC)
AS_OF = "2026-06-01 00:00:00.000000"
ODD = 'amount; drop "x" 100%'
Row = dict[str, Any]
Rows = dict[str, list[Row]]

STAMP = {"type": "timestamp", "nullable": False}
ID = {"type": "bigint", "nullable": False}


def _table(name: str, key: list[str], columns: Mapping[str, Any], **more: Any) -> dict[str, Any]:
    declared = {"name": name, "source": "s", "description": name, "table": name, "key": key}
    return {**declared, "columns": columns, **more}


CATALOG = Catalog.model_validate(
    {
        "sources": {"s": {"name": "s", "description": "a database", "url_setting": "shop_url"}},
        "tables": {
            "s.copied": _table(
                "copied",
                ["id", "part"],
                {
                    "id": ID,
                    "part": {"type": "integer"},
                    "value": {"type": "text"},
                    ODD: {"type": "decimal(8,2)"},
                },
                replica={},
            ),
            "s.moving": _table(
                "moving",
                ["id"],
                {"id": ID, "value": {"type": "text"}, "updated_at": STAMP},
                cursor="updated_at",
                deletes="compare",
                replica={},
            ),
            "s.members": _table(
                "members",
                ["id"],
                {
                    "id": ID,
                    "value": {"type": "text"},
                    "city": {"type": "text"},
                    "born": {"type": "text"},
                    "updated_at": STAMP,
                },
                cursor="updated_at",
                deletes="compare",
            ),
            "s.prices": _table(
                "prices",
                ["seq"],
                {"seq": ID, "id": ID, "value": {"type": "decimal(8,2)"}, "since": STAMP, "updated_at": STAMP},
                cursor="updated_at",
            ),
            "s.visits": _table(
                "visits",
                ["id"],
                {
                    "id": ID,
                    "member": {"type": "bigint"},
                    "value": {"type": "text"},
                    "at": STAMP,
                    "updated_at": STAMP,
                },
                cursor="updated_at",
                deletes="compare",
            ),
        },
        "dimensions": {
            "member": {
                "name": "member",
                "description": "members",
                "key": {"id": "bigint"},
                "events": [
                    {"table": "s.members", "effective_at": "updated_at"},
                    {
                        "table": "s.prices",
                        "effective_at": "since",
                        "sequence": "seq",
                        "existence": False,
                        "columns": {"price": "value", "value": "no", "city": "no", "born": "no"},
                    },
                ],
                "attributes": {
                    "value": {"type": "text", "scd": 1},
                    "city": {"type": "text", "scd": 2},
                    "born": {"type": "text", "scd": 0},
                    "price": {"type": "decimal(8,2)", "scd": 2},
                },
            }
        },
        "facts": {
            "visits": {
                "name": "visits",
                "description": "visits",
                "grain": ["visit_id"],
                "tables": ["s.visits"],
                "at": "at",
                "dates": {"date_key": "at"},
                "latest_by": "updated_at",
                "lookups": {"member_key": {"dimension": "member", "key": {"id": "member"}}},
                "columns": {
                    "visit_id": {"type": "bigint", "column": "id"},
                    "member": {"type": "bigint"},
                    "value": {"type": "text"},
                    "at": {"type": "timestamp"},
                    "updated_at": {"type": "timestamp"},
                },
            }
        },
    }
)


@dataclass(frozen=True)
class Target:
    """Where a table's rows stand: relation, its columns -> those of the table, and what is not told."""

    relation: str
    columns: Mapping[str, str]
    where: str = "true"
    added: Mapping[str, Any] | None = None


RUNS = {"_inserted_run_id": "x", "_updated_run_id": "x"}
TARGETS = {
    "s.copied": Target(
        "replica.s__copied", {"id": "id", "part": "part", "value": "value", ODD: ODD}, added=RUNS
    ),
    "s.moving": Target(
        "replica.s__moving", {"id": "id", "value": "value", "updated_at": "updated_at"}, added=RUNS
    ),
    "s.members": Target(
        "warehouse.dim_member",
        {"id": "id", "value": "value", "city": "city"},
        "is_current and not is_inferred and member_key > 0",
        {"valid_from": START, "valid_to": datetime(9999, 12, 31, tzinfo=UTC), "is_inferred": False}
        | {"inserted_run_id": "x", "updated_run_id": "x"},
    ),
    "s.prices": Target(
        "history.member",
        {"id": "id", "effective_at": "since", "sequence": "seq", "price": "value"},
        "source = 's.prices'",
        {"source": "s.prices", "operation": "upsert", "recorded_at": START, "run_id": "x"},
    ),
    "s.visits": Target(
        "warehouse.fact_visits",
        {"visit_id": "id", "member": "member", "value": "value", "at": "at", "updated_at": "updated_at"},
        added={"inserted_run_id": "x", "updated_run_id": "x"},
    ),
}
VALUES = {"s.prices": "price"}
NEW = {
    "s.copied": "new",
    "s.moving": "new",
    "s.members": "new",
    "s.prices": Decimal("99.99"),
    "s.visits": "new",
}
Tampering = tuple[str, str, int]


@pytest.fixture(scope="module")
def settings_(warehouse_url: str, tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """Settings of the module's warehouse."""
    return Settings(_env_file=None, state_dir=tmp_path_factory.mktemp("state"), warehouse_url=warehouse_url)


@pytest.fixture(scope="module")
def world(settings_: Settings, warehouse_url: str) -> Iterator[World]:
    """A warehouse with a copy, a dimension, its price list and a fact."""
    opened = World(warehouse_url, settings_, CATALOG)
    opened.warehouse.load_calendar(calendar(date(2026, 1, 1), date(2026, 12, 31), 1, "US"))
    yield opened
    opened.close()


@st.composite
def sources(draw: st.DrawFn) -> Rows:
    """Rows of every table; members first, so that visits name some of them, and some that are not there."""
    ids = draw(st.lists(st.integers(1, 60), min_size=3, max_size=18, unique=True))
    texts = st.sampled_from(["", "a", "b, c", "(", '"', None])

    def when() -> dict[str, Any]:
        at = START + timedelta(days=draw(st.integers(0, 25)), hours=draw(st.integers(0, 23)))
        return {"updated_at": at, "_cursor": cursor_of(at)}

    amounts = st.decimals(-5, 5, places=2)
    prices = [
        {
            "seq": seq,
            "id": draw(st.sampled_from(ids)),
            "value": draw(amounts),
            "since": START - timedelta(days=seq),
        }
        for seq in range(1, draw(st.integers(2, 15)))
    ]
    return {
        "s.copied": [
            {"id": i, "part": part, "value": draw(texts), ODD: draw(amounts)} for i in ids for part in (1, 2)
        ],
        "s.moving": [{"id": i, "value": draw(texts), **when()} for i in ids],
        "s.members": [
            {"id": i, "value": draw(texts), "city": draw(texts), "born": "x", **when()} for i in ids
        ],
        "s.prices": [{**row, **when()} for row in prices],
        "s.visits": [
            {
                "id": i,
                "member": draw(st.sampled_from([1, 2, 70, None])),
                "value": draw(texts),
                "at": START,
                **when(),
            }
            for i in draw(st.lists(st.integers(1, 200), min_size=3, max_size=40, unique=True))
        ],
    }


@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    rows=sources(),
    name=st.sampled_from(sorted(TARGETS)),
    what=st.tuples(st.sampled_from(["change", "remove", "add"]), st.sampled_from(["source", "warehouse"])),
    at=st.integers(0, 1000),
    size=st.builds(RangeSize, st.integers(1, 30), st.integers(1, 20)),
)
def test_one_tampering_is_found_in_its_range_and_repaired(
    world: World, rows: Rows, name: str, what: tuple[str, str], at: int, size: RangeSize
) -> None:
    how, side = what
    _reset(world)
    _load(world, rows)
    clean = Reconciling(world, rows, size)
    assert [str(each) for each in clean.found if each.status != "agrees"] == []
    for each in clean.found:
        assert each.verified_through == str(max(_first_parts(rows, each.table)))
        assert len(each.ranges) <= size.max_ranges
    clean.end()

    source = deepcopy(rows)
    key = _tamper(world, source, name, how, side, at)
    union = sorted({*_first_parts(rows, name), *_first_parts(source, name), key})
    dirty = Reconciling(world, source, size)
    expected = _expected(name, how, side)
    by_name = {each.table: each for each in dirty.found}
    assert {n: each.status for n, each in by_name.items() if n != name} == dict.fromkeys(
        TARGETS.keys() - {name}, "agrees"
    )
    found = by_name[name]
    assert {"missing": found.missing, "extra": found.extra, "changed": found.changed, "kept": found.kept} == (
        {"missing": 0, "extra": 0, "changed": 0, "kept": 0} | {expected: 1}
    )
    if expected == "kept":
        assert found.status == "agrees"
    else:
        (wrong,) = found.differing
        assert (wrong.low is None or int(wrong.low) <= key) and (wrong.high is None or key < int(wrong.high))
        below = [part for part in union if wrong.low is not None and part < int(wrong.low)]
        assert found.verified_through == (str(max(below)) if below else None)
        assert any(f" {key}" in example for example in found.examples)
    dirty.repair()
    assert {each.status for each in dirty.found} <= {"agrees", "repaired"}
    assert (by_name[name].status == "differs") == (
        {e.table for e in dirty.found if e.status == "repaired"} == {name}
    )
    dirty.end()
    if expected != "kept":
        told = {table: _told(source, table) for table in TARGETS}
        if (name, how, side) == ("s.prices", "add", "source"):
            # Its first event, of whatever table, makes a member.
            told["s.members"] = sorted([*told["s.members"], repr((key, None, None))])
        assert {table: _held(world, table) for table in TARGETS} == told
    # An event that was put into the history behind the dimension's back is kept: its member is not made.
    unmade = {key} if (expected, side) == ("kept", "warehouse") else set()
    assert {row[0] for row in world.rebuild_difference("member")} == unmade


@pytest.fixture
def shop(settings: Settings) -> Iterator[World]:
    """The shop's own catalog."""
    assert settings.warehouse_url is not None
    world = World(settings.warehouse_url.get_secret_value(), settings, load_catalog(settings.catalog_dir))
    yield world
    world.close()


def _sales(count: int) -> Rows:
    orders = [order(n, "2026-05-01 10:00", shipping_amount=Decimal("0.10")) for n in range(1, count + 1)]
    return {
        "shop.customers": [customer(1, "2026-04-01 10:00"), customer(2, "2026-04-01 10:00")],
        "shop.products": [product(1, "2026-04-01 10:00")],
        "shop.product_prices": [price(1, 1, "2026-04-01 10:00", "3.00")],
        "shop.orders": orders,
        "shop.order_items": [line(n, number) for n in range(1, count + 1) for number in (1, 2, 3)],
    }


@pytest.mark.parametrize(
    ("tampering", "finding", "tells_order"),
    [
        ("update warehouse.fact_sales set unit_price = 7", "changed", False),
        ("update warehouse.fact_sales set order_status = 'lost'", "changed", True),
        ("update warehouse.fact_sales set product_key = -1", "changed", False),
        ("update warehouse.fact_sales set customer_key = 2, store_key = -1", "changed", True),
        ("delete from warehouse.fact_sales", "missing", True),
        ("update warehouse.fact_sales set line_number = 9", "extra", False),
    ],
)
def test_lines_of_the_sales_are_held_against_what_the_merge_makes_of_them(
    shop: World, tampering: str, finding: str, tells_order: bool
) -> None:
    rows = _sales(12)
    shop.load(Batch(rows, as_of=AS_OF))
    everything = (
        "select order_id, line_number, customer_key, product_key, store_key, order_status, unit_price,"
        " shipping_amount, profit_amount from warehouse.fact_sales order by 1, 2"
    )
    before = shop.query(everything)
    shop.execute(f"{tampering} where order_id = 7 and line_number = 2")
    run = Reconciling(shop, rows, RangeSize(6, 100))
    found = {each.table: each for each in run.found}
    lines = found["shop.order_items"]
    assert getattr(lines, finding) == 1
    assert lines.missing + lines.extra + lines.changed == (2 if finding == "extra" else 1)
    (wrong,) = lines.differing
    assert (wrong.low, lines.verified_through) == ("7", "6")
    assert (found["shop.orders"].status == "differs") == tells_order
    run.repair()
    differed = {"shop.order_items", "shop.orders"} if tells_order else {"shop.order_items"}
    assert {each.table for each in run.found if each.status == "repaired"} == differed
    assert {each.table for each in run.found if each.status == "differs"} == set()
    assert shop.query(everything) == before


def test_a_line_that_changed_at_the_source_without_its_order_is_brought_by_the_repair(shop: World) -> None:
    rows = _sales(4)
    shop.load(Batch(rows, as_of=AS_OF))
    rows["shop.order_items"][4]["quantity"] = 5
    run = Reconciling(shop, rows, RangeSize(3, 100))
    assert [str(each) for each in run.found if each.differing] == [
        "shop.order_items differs from warehouse.fact_sales: 3 changed in quantity (1), gross_amount (1),"
        " net_amount (1), shipping_amount (3), total_amount (3), cost_amount (1), profit_amount (1);"
        " ranges [2, 3) (2 of 4); changed: order_id 2, line_number 1; changed: order_id 2, line_number 2;"
        " changed: order_id 2, line_number 3"
    ]
    run.repair()
    assert {each.status for each in run.found} == {"agrees", "repaired"}
    quantity = "select quantity, cost_amount from warehouse.fact_sales where order_id = 2 and line_number = 2"
    assert shop.query(quantity) == [(5, Decimal("15.00"))]


def test_rows_that_wait_or_moved_on_are_counted_apart(shop: World) -> None:
    """What is held back or newer than the watermark is no difference, on either side."""
    rows = _sales(3)
    twice = [line(2, 2, "10.00"), line(2, 2, "11.00")]
    shop.load(Batch({**rows, "shop.order_items": [*rows["shop.order_items"], twice[1]]}, as_of=AS_OF))
    held = shop.query("select row_key from audit.quarantine")
    assert [from_json(row_key) for (row_key,) in held] == [{"order_id": 2, "line_number": 2}] * 2
    moved = order(3, "2026-05-01 10:00", order_status="paid back", _cursor="2026-06-01 00:00:00.000000")
    now = {**rows, "shop.orders": [*rows["shop.orders"][:2], moved]}
    lines = [
        {**row, "_cursor": moved["_cursor"]} if row["order_id"] == 3 else row
        for row in rows["shop.order_items"]
    ]
    now["shop.order_items"] = lines[:-1]
    now["shop.customers"] = [rows["shop.customers"][0], customer(2, "2026-06-01 10:00", city="Rome")]
    run = Reconciling(shop, now, RangeSize())
    counted = {each.table: (each.status, each.source_count, each.held_back, each.newer) for each in run.found}
    assert counted == {
        "shop.customers": ("agrees", 1, 0, 1),
        "shop.products": ("agrees", 1, 0, 0),
        "shop.product_prices": ("agrees", 1, 0, 0),
        "shop.orders": ("agrees", 2, 0, 1),
        "shop.order_items": ("agrees", 5, 1, 2),
    }
    run.end()
    shop.execute("update audit.quarantine set status = 'discarded', closed_reason = 'twice'")
    assert {each.status for each in Reconciling(shop, now, RangeSize()).found} == {"agrees"}


def test_a_discarded_state_of_a_table_without_a_cursor_does_not_hide_a_newer_one(world: World) -> None:
    """The state that was discarded is not missed; another one of the same key is compared."""
    _reset(world)
    rows: Rows = {name: [] for name in TARGETS}
    rows["s.copied"] = [{"id": i, "part": 1, "value": "a", ODD: Decimal(i)} for i in (1, 2)]
    load_judged(world, Batch({"s.copied": rows["s.copied"]}, as_of=AS_OF), {"s.copied": "id = 2"})
    world.execute("update audit.quarantine set status = 'discarded', closed_reason = 'no'")
    (found,) = _found(world, rows, "s.copied")
    assert (found.status, found.source_count, found.held_back) == ("agrees", 1, 1)

    now = {**rows, "s.copied": [rows["s.copied"][0], {**rows["s.copied"][1], "value": "b"}]}
    (found,) = _found(world, now, "s.copied")
    assert (found.status, found.missing, found.held_back) == ("differs", 1, 0)
    world.load(Batch({"s.copied": now["s.copied"]}, as_of=AS_OF))
    (found,) = _found(world, now, "s.copied")
    assert (found.status, found.source_count) == ("agrees", 2)


def test_keys_of_persons_are_neither_told_nor_stored(shop: World) -> None:
    """Law P2; the key of a customer is a number, and declared personal. That of an order is not."""
    rows = _sales(3)
    shop.load(Batch(rows, as_of=AS_OF))
    assert shop.execute("update warehouse.dim_customer set city = 'Nowhere' where customer_key > 0")
    assert shop.execute("update warehouse.fact_sales set quantity = quantity + 1")
    run = Reconciling(shop, rows, RangeSize(rows_per_range=1))
    told = {each.table: each for each in run.found}
    assert told["shop.customers"].differing and "customer_id" not in str(told["shop.customers"])
    assert told["shop.order_items"].differing and "order_id" in str(told["shop.order_items"])
    bounds = (
        "select count(low), count(high) from audit.reconciled_ranges where run_id = %s and table_name = %s"
    )
    assert shop.query(bounds, [run.run.run_id, "shop.customers"]) == [(0, 0)]
    assert shop.query(bounds, [run.run.run_id, "shop.order_items"]) != [(0, 0)]
    run.end()


def test_a_key_kept_in_a_type_that_its_column_no_longer_has_equals_none(world: World) -> None:
    _reset(world)
    rows: Rows = {name: [] for name in TARGETS}
    rows["s.copied"] = [{"id": i, "part": 1, "value": "a", ODD: Decimal(i)} for i in (1, 2)]
    load_judged(world, Batch({"s.copied": rows["s.copied"]}, as_of=AS_OF), {"s.copied": "id = 2"})
    keep_instead(world, {"id": 2, "part": 1}, part="first")
    (found,) = _found(world, rows, "s.copied")
    assert (found.status, found.missing) == ("differs", 1)


def _found(world: World, rows: Rows, name: str) -> list[Reconciliation]:
    run = Reconciling(world, rows, RangeSize())
    run.end()
    return [each for each in run.found if each.table == name]


def test_rows_that_contradict_each_other_now_are_held_back_on_both_sides(world: World) -> None:
    """Law S10: the source tells a member twice, so that nothing can be said of it."""
    _reset(world)
    rows: Rows = {name: [] for name in TARGETS}
    told = {"city": "Lyon", "born": "x", "updated_at": START, "_cursor": cursor_of(START)}
    rows["s.members"] = [{"id": i, "value": "a", **told} for i in (1, 2, 3)]
    _load(world, rows)
    twice = [*rows["s.members"], {"id": 2, "value": "b", **told}]
    run = Reconciling(world, {**rows, "s.members": twice}, RangeSize())
    counted = {each.table: (each.status, each.source_count, each.held_back) for each in run.found}
    assert counted["s.members"] == ("agrees", 2, 2)
    run.end()


def test_a_repair_that_would_remove_too_much_is_refused(world: World) -> None:
    """Law S13: rows that only the warehouse has leave it within the guard."""
    _reset(world)
    rows: Rows = {name: [] for name in TARGETS}
    rows["s.copied"] = [{"id": i, "part": 1, "value": "a", ODD: Decimal(1)} for i in range(40)]
    _load(world, rows)
    run = Reconciling(world, {**rows, "s.copied": rows["s.copied"][:30]}, RangeSize())
    with pytest.raises(ReleaseRefused, match=r"would end 10 of the 40 rows of replica\.s__copied"):
        run.repair()
    assert world.query("select count(*) from replica.s__copied") == [(40,)]
    stored = (
        "select status, missing, extra, verified_through from audit.reconciliations"
        " where run_id = %s and extra > 0"
    )
    assert world.query(stored, [run.run.run_id]) == [("differs", 0, 10, None)]
    run.end()


@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(draws=st.data())
def test_what_is_interrupted_at_any_statement_is_done_again(world: World, draws: st.DataObject) -> None:
    """Where making a table ends a transaction, what was done before is not undone with the rest."""
    _reset(world)
    at = {"updated_at": START, "_cursor": cursor_of(START)}
    later = {"updated_at": START, "_cursor": "2026-06-01 12:00:00.000000"}
    rows: Rows = {name: [] for name in TARGETS}
    rows["s.copied"] = [{"id": i, "part": 1, "value": "a", ODD: Decimal(i)} for i in range(9)]
    rows["s.moving"] = [{"id": i, "value": "a", **(later if i == 8 else at)} for i in range(9)]
    rows["s.members"] = [{"id": i, "value": "a", "city": "b", "born": "c", **at} for i in range(9)]
    load_judged(world, Batch(rows, as_of=AS_OF), {"s.moving": "id = 7"})
    for relation, of_one in (("s__copied", "id = 3"), ("s__moving", "id = 4")):
        world.execute(f"update replica.{relation} set value = 'b' where {of_one}")
    world.execute("update warehouse.dim_member set city = 'x' where id = 5")
    rows["s.members"].append({**rows["s.members"][8], "value": "another"})

    run = Reconciling(world, rows, RangeSize(3, 5))
    expected = [_of_the_data(each) for each in run.found]
    compared = st.integers(1, run.statement_count)
    with stopped(world, None) as narrowing:
        world.warehouse.narrow(run.run, run.staged)
    run.end()
    run = Reconciling(world, rows, RangeSize(3, 5), stops_at=draws.draw(compared))
    assert [_of_the_data(each) for each in run.found] == expected
    with stopped(world, draws.draw(st.integers(1, narrowing.count))) as stopping:
        world.warehouse.narrow(run.run, run.staged)
    assert stopping.has_struck
    world.warehouse.repair(run.run, world.warehouse.narrow(run.run, run.staged), [])
    with stopped(world, draws.draw(compared)) as stopping:
        run.compare()
    assert stopping.has_struck
    assert {each.table: each.status for each in run.compare()} == {
        **dict.fromkeys(TARGETS, "agrees"),
        **dict.fromkeys(("s.copied", "s.moving", "s.members"), "repaired"),
    }
    run.end()


def _of_the_data(found: Reconciliation) -> Reconciliation:
    return replace(found, is_repaired=False, seconds=0.0)


def test_a_comparison_sees_one_state_of_the_warehouse(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """By a snapshot, or because releases wait until it ends."""
    _reset(world)
    rows: Rows = {name: [] for name in TARGETS}
    rows["s.copied"] = [{"id": i, "part": 1, "value": "a", ODD: Decimal(i)} for i in (1, 2)]
    _load(world, rows)
    seen = []
    compare = comparing.compare_tables

    def meanwhile(*arguments: Any) -> list[Reconciliation]:
        with world.database.session() as session:
            seen.append(session.try_hold("storehouse:release"))
            if seen[-1]:
                session.execute("delete from replica.s__copied")
        return compare(*arguments)

    monkeypatch.setattr("etl.warehouse.warehouse.compare_tables", meanwhile)
    run = Reconciling(world, rows, RangeSize())
    assert {each.status for each in run.found} == {"agrees"}
    assert seen == [world.database.copies_snapshots]
    run.end()


def test_each_table_of_the_catalog_has_an_image_or_a_reason(shop: World) -> None:
    sql = shop.database.sql
    images = {name: image_of(sql, shop.catalog, table) for name, table in shop.catalog.tables.items()}
    assert {name: image.target for name, image in images.items() if isinstance(image, Image)} == {
        "analytics.conversions": "warehouse.fact_conversions",
        "analytics.page_views": "warehouse.fact_page_views",
        "analytics.sessions": "warehouse.fact_web_sessions",
        "shop.brands": "warehouse.dim_brand",
        "shop.categories": "warehouse.dim_category",
        "shop.customers": "warehouse.dim_customer",
        "shop.order_items": "warehouse.fact_sales",
        "shop.orders": "warehouse.fact_sales",
        "shop.product_prices": "history.product",
        "shop.products": "warehouse.dim_product",
        "shop.stores": "warehouse.dim_store",
    }
    reasons = {name: image.reason for name, image in images.items() if isinstance(image, NoImage)}
    assert set(reasons) == set(images) - {n for n, image in images.items() if isinstance(image, Image)}
    assert all(reasons.values())


def _load(world: World, rows: Rows) -> None:
    compared = [name for name in rows if world.catalog.tables[name].deletes == "compare"]
    keys = {name: [{"id": r["id"], "_cursor": r["_cursor"]} for r in rows[name]] for name in compared}
    world.load(Batch(rows, keys, AS_OF))


def _reset(world: World) -> None:
    for relation in ("replica.s__copied", "replica.s__moving", "history.member", "warehouse.fact_visits"):
        world.execute(f"delete from {relation}")
    world.execute("delete from audit.watermarks")
    world.execute("delete from audit.quarantine")
    world.execute("delete from warehouse.dim_member where member_key > 0")


def _first_parts(rows: Rows, name: str) -> list[int]:
    return [row["id"] for row in rows[name]]


def _expected(name: str, how: str, side: str) -> str:
    if how == "change":
        return "changed"
    if (how == "remove") == (side == "warehouse"):
        return "missing"
    return "kept" if CATALOG.tables[name].deletes == "ignore" and name == "s.prices" else "extra"


def _tamper(world: World, rows: Rows, name: str, how: str, side: str, at: int) -> int:
    """Change, remove or add one row, behind the cursor's back; the first part of its key."""
    row = rows[name][at % len(rows[name])]
    added = {**row, "id": row["id"] + 1000, **({"seq": 999} if name == "s.prices" else {})}
    if side == "source":
        if how == "add":
            rows[name].append(added)
        elif how == "remove":
            rows[name].remove(row)
        else:
            row["value"] = NEW[name]
        return int(added["id"] if how == "add" else row["id"])
    _tamper_warehouse(world, name, how, added if how == "add" else row)
    return int(added["id"] if how == "add" else row["id"])


def _tamper_warehouse(world: World, name: str, how: str, row: Row) -> None:
    target, table = TARGETS[name], CATALOG.tables[name]
    if how == "add":
        values = {**{column: row[own] for column, own in target.columns.items()}, **(target.added or {})}
        world.session.insert(target.relation, list(values), [list(values.values())])
        return
    key = {column: own for column, own in target.columns.items() if own in table.key}
    where = " and ".join(f"{world.session.identifier(column)} = %s" for column in key)
    what = f"update {target.relation} set {VALUES.get(name, 'value')} = %s" if how == "change" else ""
    what = what or f"delete from {target.relation}"
    new = [NEW[name]] if how == "change" else []
    if name == "s.members" and how == "remove":
        world.execute("update warehouse.fact_visits set member_key = -1 where member = %s", [row["id"]])
    world.execute(f"{what} where {target.where} and {where}", [*new, *(row[own] for own in key.values())])


def _held(world: World, name: str) -> list[str]:
    target = TARGETS[name]
    columns = ", ".join(world.session.identifier(column) for column in target.columns)
    return sorted(
        map(repr, world.query(f"select {columns} from {target.relation} where {target.where} and %s", [True]))
    )


def _told(rows: Rows, name: str) -> list[str]:
    columns = TARGETS[name].columns.values()
    return sorted(repr(tuple(row[own] for own in columns)) for row in rows[name])
