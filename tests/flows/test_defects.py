"""One run over a shop in which every kind of defect is seeded finds each, with its keys, and nothing else."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from demo.drop.counts import CountFile
from demo.shop import Shop
from etl.catalog_files import load_catalog
from etl.settings import PROJECT_DIR
from flows.load_tables import load_tables
from tests.conftest import fresh_postgresql
from tests.flows.defect_kinds import KINDS, Defect, Found
from tests.flows.spoilt_world import (
    PLAN,
    SpoiltRecords,
    SpoiltShop,
    drop_counts,
    places_of,
    web_analytics,
)
from tests.flows.world import FlowWorld

# The runs take a minute; on a machine that does much else, several.
pytestmark = pytest.mark.timeout(900)

Finding = tuple[Any, ...]
SHOP = tuple(t for t in load_catalog(PROJECT_DIR / "catalog").tables if t.startswith("shop."))
OTHERS = ("drop.stock_csv", "drop.stock_excel", "drop.stock_json", "drop.stock_xml")
WEB = ("analytics.sessions", "analytics.page_views", "analytics.conversions")
FIRST = 7_000_000
STOCK_KEY = ("source_file", "product_id")
KEYS = {
    "shop.customers": ("customer_id",),
    "shop.products": ("product_id",),
    "shop.product_prices": ("price_id",),
    "shop.stores": ("store_id",),
    "shop.orders": ("order_id",),
    "shop.order_items": ("order_id", "line_number"),
    "analytics.sessions": ("session_id",),
    "analytics.page_views": ("page_view_id",),
    "analytics.conversions": ("conversion_id",),
    **dict.fromkeys(OTHERS, STOCK_KEY),
}
# Rules that are no rules of a suite: they hold rows back before the gate judges.
BEFORE_THE_GATE = {
    "parent_is_held_back", "duplicates_conflict", "currency_is_unknown", "rate_is_missing", "key_is_missing",
}  # fmt: skip
LOADED = {
    "shop.customers": "select customer_id from warehouse.dim_customer where not is_inferred",
    "shop.products": "select product_id from warehouse.dim_product where not is_inferred",
    "shop.stores": "select store_id from warehouse.dim_store where not is_inferred",
    "shop.orders": "select order_id from warehouse.fact_sales",
    "shop.order_items": "select order_id from warehouse.fact_sales where line_number = 2",
    "analytics.sessions": "select substr(session_id, 3) from warehouse.fact_web_sessions",
    "analytics.page_views": "select split_part(page_view_id, '-', 2) from warehouse.fact_page_views"
    " where page_view_id like '%-2'",
    "analytics.conversions": "select substr(conversion_id, 3) from warehouse.fact_conversions",
}


@dataclass
class SeededRun:
    """What a run over the seeded defects must find, by kind, and what it found.

    Attributes:
        reasons: Reason of each rejected row and file.
        rule_counts: How many rows each critical rule said that it blames.
        loaded: Numbers of the seeded rows that were published, by table.
    """

    expected: dict[str, Counter[Finding]]
    found: Counter[Finding]
    reasons: dict[Finding, str]
    rule_counts: Counter[tuple[str, str]]
    loaded: dict[str, set[int]]
    closed_gates: list[str]
    unaccounted: list[tuple[Any, ...]]

    @classmethod
    def of(cls, world: FlowWorld) -> SeededRun:
        """Run over the sound shop, spoil it, and run again."""
        world.call(load_tables, tables=[*SHOP, "rates.daily"])
        before = Findings.read(world).rows
        expected = seed(world)
        found = Findings.read(world)
        loaded = {
            table: {int(n) for (n,) in world.query(query) if n is not None} for table, query in LOADED.items()
        }
        return cls(
            expected,
            found.rows - before,
            found.reasons,
            found.rule_counts,
            loaded,
            [name for (name,) in world.query("select table_name from audit.verdicts where not is_open")],
            world.query(UNACCOUNTED),
        )


UNACCOUNTED = """
    select name, extracted, rejected, dropped, quarantined, inserted, updated, unchanged
    from audit.run_tables
    where role = 'source' and extracted != rejected + dropped + quarantined + inserted + updated + unchanged
"""


@pytest.fixture(scope="module")
def seeded(
    postgres_server: str, prefect_api: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[SeededRun]:
    """One run over everything that is seeded."""
    for warehouse_url in fresh_postgresql(postgres_server):
        for shop_url in fresh_postgresql(postgres_server):
            folder, shop = tmp_path_factory.mktemp("defects"), Shop(PLAN)
            shop.create(shop_url)
            world = FlowWorld(warehouse_url, shop_url, folder, prefect_api, shop)
            places_of(world).deliver(shop, 0)
            yield SeededRun.of(world)


@pytest.mark.parametrize("kind", [defect.kind for defect in KINDS])
def test_each_kind_is_found_where_it_should_be_with_its_keys(seeded: SeededRun, kind: str) -> None:
    """Counts of a warning are shared by the kinds that raise it, so these add up in the test below."""
    defect = DEFECTS[kind]
    assert seeded.expected[kind] - seeded.found == Counter()
    for finding in seeded.expected[kind]:
        if finding[0] in ("rejected", "file") and finding[1] == defect.table:
            assert reason_of(defect) in seeded.reasons[finding]


def test_nothing_else_is_blamed(seeded: SeededRun) -> None:
    together: Counter[Finding] = sum(seeded.expected.values(), Counter())
    assert seeded.found - together == Counter()
    assert together - seeded.found == Counter()


def test_the_gate_stays_open_and_its_counts_are_those_of_the_quarantine(seeded: SeededRun) -> None:
    """Laws Q2 and R3."""
    assert seeded.closed_gates == []
    held = (f for f in seeded.found.elements() if f[0] == "quarantined")
    blamed = Counter((f[1], rule) for f in held for rule in f[3] if rule not in BEFORE_THE_GATE)
    assert seeded.rule_counts == blamed
    assert seeded.unaccounted == []


def test_rows_with_warnings_are_loaded_and_rows_held_back_are_not(seeded: SeededRun) -> None:
    for defect in KINDS:
        if defect.table not in LOADED or defect.change.get("has_lines") is False:
            continue
        numbers = set(range(first_number(defect), first_number(defect) + defect.rows))
        is_held = any(found.how in ("quarantined", "rejected") for found in defect.found)
        assert seeded.loaded[defect.table] & numbers == (set() if is_held else numbers), defect.kind


def test_there_are_kinds_enough() -> None:
    assert len(DEFECTS) == len(KINDS) >= 30


def test_the_documentation_names_each_kind() -> None:
    told = " ".join((PROJECT_DIR / "docs" / "quality.md").read_text(encoding="utf-8").split())
    assert [kind for kind in DEFECTS if kind not in told] == []


DEFECTS = {defect.kind: defect for defect in KINDS}


def first_number(defect: Defect) -> int:
    """Number of the first of its rows."""
    return FIRST + 1000 * list(DEFECTS).index(defect.kind)


def reason_of(defect: Defect) -> str:
    """A part of the reason for which its rows or its file are refused."""
    return next(found.names[-1] for found in defect.found if found.how in ("rejected", "file"))


def seed(world: FlowWorld) -> dict[str, Counter[Finding]]:
    """Spoil the shop, its web analytics and its files, run once, and say what must have been found."""
    shop, records = SpoiltShop(world.shop_url), SpoiltRecords()
    expected = {}
    for defect in KINDS:
        counts = None
        for number in range(first_number(defect), first_number(defect) + defect.rows):
            if defect.table.startswith("shop."):
                change = {**defect.change, **({defect.known_by: number} if defect.known_by else {})}
                shop.add(defect.table, number, change, defect.copy)
            elif defect.table.startswith("analytics."):
                records.add(defect.table, number, defect.change)
        if defect.form and defect.spoilt:
            counts = drop_counts(world, defect.form, first_number(defect), defect.spoilt)
        expected[defect.kind] = Counter(expectations(defect, counts))
    with web_analytics(world, records):
        world.call(load_tables, tables=[*SHOP, *OTHERS, *WEB], full_refresh=True)
    return expected


def expectations(defect: Defect, counts: CountFile | None) -> Iterator[Finding]:
    """What must be found of a kind."""
    for found in defect.found:
        if found.how == "file" and counts:
            yield "file", defect.table, counts.name
        for place in range(defect.rows):
            yield from _of_row(defect, found, _key(defect, place, counts), first_number(defect) + place)


def _key(defect: Defect, place: int, counts: CountFile | None) -> tuple[str, ...]:
    number = first_number(defect) + place
    if counts:
        return counts.name, str(counts.rows[place].product_id)
    by_table = {
        "shop.order_items": (str(number), "2"),
        "analytics.sessions": (f"s-{number}",),
        "analytics.page_views": (f"s-{number}-2",),
        "analytics.conversions": (f"c-{number}",),
    }
    return by_table.get(defect.table, (str(number),))


def _of_row(defect: Defect, found: Found, key: tuple[str, ...], number: int) -> Iterator[Finding]:
    table, copies = defect.table, 1 if defect.copy is None else 2
    if found.how == "quarantined":
        yield from [("quarantined", table, key, found.names)] * copies
        yield from _children(defect, number)
    elif found.how == "rejected":
        column = found.names[0] or None
        known = (str(number),) if defect.known_by else (key[0], *(_told(v, column) for v in key[1:]))
        yield "rejected", table, known, column
        yield from _children(defect, number)
    elif found.how == "recorded":
        yield from (("recorded", table, rule) for rule in found.names)
    elif found.how == "dropped":
        yield "dropped", table
    elif found.how == "lines":
        yield "dropped", "shop.order_items"
    elif found.how == "order":
        yield "quarantined", "shop.orders", (str(number),), found.names
        yield "quarantined", "shop.order_items", (str(number), "1"), ("parent_is_held_back",)


def _told(value: str, column: str | None) -> str:
    """The second part of a key as a rejected row tells it; one that cannot be read does not."""
    return "None" if column in (None, "line_number") else value


def _children(defect: Defect, number: int) -> Iterator[Finding]:
    """Lines and pages follow their order and their visit (law Q2)."""
    if defect.table == "shop.orders" and defect.known_by is None:
        yield "quarantined", "shop.order_items", (str(number), "1"), ("parent_is_held_back",)
    elif defect.table == "analytics.sessions":
        for position in ("1", "2"):
            page = f"s-{number}-{position}"
            yield "quarantined", "analytics.page_views", (page,), ("parent_is_held_back",)


@dataclass
class Findings:
    """Everything that the audit tables hold against rows; warnings and drops are those of the newest run."""

    rows: Counter[Finding]
    reasons: dict[Finding, str]
    rule_counts: Counter[tuple[str, str]]

    @classmethod
    def read(cls, world: FlowWorld) -> Findings:
        """Read the audit tables."""
        ((run,),) = world.query("select run_id from audit.runs order by started_at desc limit 1")
        held = world.query("select table_name, row_key, rules from audit.quarantine")
        rows: Counter[Finding] = Counter(
            ("quarantined", table, _values(table, key), tuple(sorted(rules))) for table, key, rules in held
        )
        reasons: dict[Finding, str] = {}
        for table, column, reason, payload in world.query(
            "select table_name, column_name, reason, payload from audit.rejected_rows"
        ):
            finding = "rejected", table, _rejected_key(table, payload), column
            rows[finding] += 1
            reasons[finding] = reason
        for table, path, reason in world.query(
            "select table_name, path, reason from audit.files where status = 'quarantined'"
        ):
            rows["file", table, path] += 1
            reasons["file", table, path] = reason
        rules = world.query(
            "select table_name, rule, severity, unexpected_count from audit.quality_results"
            " where run_id = %s and unexpected_count > 0",
            (run,),
        )
        critical: Counter[tuple[str, str]] = Counter()
        for table, rule, severity, count in rules:
            if severity == "critical":
                critical[table, rule] = count
            else:
                rows["recorded", table, rule] = count
        for table, dropped in world.query(
            "select name, dropped from audit.run_tables"
            " where run_id = %s and role = 'source' and dropped > 0",
            (run,),
        ):
            rows["dropped", table] = dropped
        return cls(rows, reasons, critical)


def _values(table: str, values: dict[str, Any]) -> tuple[str, ...]:
    return tuple(str(values[column]) for column in KEYS[table])


def _rejected_key(table: str, payload: dict[str, Any]) -> tuple[str, ...]:
    if payload.get(KEYS[table][0]) is None:
        return (str(payload.get("customer_id")),)
    return _values(table, payload)
