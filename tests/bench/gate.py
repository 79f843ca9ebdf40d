"""What the gate costs: twelve rules against one hand-written statement that asks the same.

The import of Great Expectations and the making of pages are not in it; all else that a judgement does is.
"""

from __future__ import annotations

import resource
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import psycopg2

from etl.embedded import EmbeddedServer
from etl.handles import StagedTable
from etl.settings import get_settings
from etl.warehouse import open_warehouse
from tests.bench.options import Options
from tests.bench.page import Section, spread
from tests.gate.staging import CATALOG, StagedShop
from tests.servers import temporary_folder

if TYPE_CHECKING:
    from expectations.gate import Judgement

TABLE = "shop.order_items"
SUITE = Path(__file__).with_name("gate.suite.yaml")

# The twelve rules in one scan, and the uniqueness of the key in another.
HAND_WRITTEN = """
with repeated as (
    select count(*) as keys from (
        select order_item_id from stg_shop__order_items group by order_item_id having count(*) > 1
    ) as k
)

select
    count(*),
    count(*) filter (where order_item_id is null),
    (select keys from repeated),
    count(*) filter (where order_id is null),
    count(*) filter (where line_number < 1),
    count(*) filter (where product_id is null),
    count(*) filter (where quantity < 1 or quantity > 1000),
    count(*) filter (where unit_price < 0),
    count(*) filter (where discount_amount < 0),
    count(*) filter (where quantity not in (1, 2, 3, 4, 5, 6, 7, 8, 9)),
    count(*) filter (where not discount_amount <= quantity * unit_price),
    avg(unit_price)
from stg_shop__order_items
"""
ROWS = """
select
    n, (n + 1) / 2, 2 - n % 2, n % 1000, n % 9 + 1, 10 + n % 90, 1.00, now()
from generate_series(1, {rows}) as n
"""
SPOIL = """
update stg_shop__order_items set
    quantity = case when _row % 3 = 0 then -1 else quantity end,
    unit_price = case when _row % 3 = 1 then -1 else unit_price end,
    product_id = case when _row % 3 = 2 then null else product_id end
where (_row * 7919) % 1000 < {per_mille}
"""
# What it takes by hand to move the bad rows away: found and taken in one statement.
MOVED_BY_HAND = """
with taken as (
    delete from stg_shop__order_items
    where
        line_number < 1 or product_id is null or quantity < 1 or quantity > 1000 or unit_price < 0
        or not discount_amount <= quantity * unit_price
    returning *
)

insert into bad_lines select to_jsonb(t) from taken as t
"""


@dataclass(frozen=True)
class Case:
    """Rows of a thousand that are bad, and what is done with them."""

    name: str
    per_mille: int
    is_quarantined: bool
    aim: str = ""


CASES = (
    Case("all rows pass", 0, False, "2.0"),
    Case("1 % bad, named one by one", 10, False),
    Case("1 % bad, quarantined", 10, True, "3.0"),
    Case("30 % bad, quarantined", 300, True),
)
_HEADER = ("", "by hand, s", "gate, s", "ratio", "aim", "the process grows by")
_TEXT = """
The twelve rules of `tests/bench/gate.suite.yaml` on order lines in an embedded PostgreSQL: once by hand, as
one statement that fuses what can be fused, and once through the gate, from the opened context to the stored
result. Only the import of Great Expectations (4 s, once per process) and the building of pages (once per
run) are left out. Where rows are quarantined, both sides find them and move them with their whole payload.
"""
_NOTE = """
What makes the difference to Great Expectations alone: it asks the database once per rule for the rows that
break it and makes an object of each row in Python. For the four broken rules of the benchmark that took 4.0
to 6.3 s with 1 % bad rows, and 11.1 s and 280 MB more with 30 % (1 M rows, in one series). Now it only
decides and counts; one scan by the same conditions gives the numbers of the rows of all broken rules, as
one array per combination of rules (`expectations/blame.py`), and quarantine takes them as arrays too.

What a unique index of the staged table holds is not counted again; settling makes one of the grain, and this
table has none. All statements of the gate run in one process each, as a plan in several would hash the
sub-selects of rules over other tables in each of them. A run imports Great Expectations while it reads.

A judgement costs 0.3 s of the processor for a suite of 20 rules on an empty table, most of it spent by
Great Expectations on its own objects, and 0.02 s more per rule: small tables pay for rules and not for
rows.
"""


def measure(options: Options) -> Section:
    """All cases, on a third as many rows as lines are asked for."""
    rows = options.lines // 3
    with _bench(rows) as bench:
        bench.judge()  # imports Great Expectations and warms the caches
        measured = [(case, *bench.measure(case, options.rounds)) for case in CASES]
    return Section(
        f"The gate: twelve rules on {rows:,} rows",
        f"make bench ARGS='gate --lines {options.lines} --rounds {options.rounds}'",
        _TEXT,
        _HEADER,
        [_cells(*row) for row in measured],
        _NOTE,
    )


def _cells(case: Case, by_hand: list[float], gate: list[float], grown: float) -> list[str]:
    ratios = [g / h for g, h in zip(gate, by_hand, strict=True)]
    return [case.name, spread(by_hand), spread(gate), spread(ratios), case.aim, f"{grown:.0f} MB"]


@contextmanager
def _bench(rows: int) -> Iterator[Bench]:
    with temporary_folder() as folder:
        server = EmbeddedServer(folder / "postgresql")
        server.start()
        try:
            server.create_database("bench")
            suites = folder / "suites"
            suites.mkdir()
            shutil.copy(SUITE, suites / f"{TABLE}.yaml")
            yield Bench(StagedShop(server.url("bench")), folder / "state", suites, rows).opened()
        finally:
            server.stop()


@dataclass(frozen=True)
class Bench:
    """A staged table and the two ways to judge it."""

    shop: StagedShop
    state_dir: Path
    suites_dir: Path
    rows: int

    def opened(self) -> Bench:
        """Make the schemas, and the table once for the first judgement."""
        self.shop.create(rows=1, tables=())
        self.shop.execute(f"create table {self.shop.schema}.bad_lines (payload jsonb)")
        names = {
            "relation": "of_no_use",
            "columns": {},
            "keys_relation": "",
            "key": {},
            "becomes_copy": False,
        }
        files = self.shop.database.sql
        self.shop.execute(files.render("staging/tables.sql", schema=self.shop.schema, **names))
        self.stage(0)
        return self

    def stage(self, per_mille: int) -> None:
        """The table anew, with so many bad rows of a thousand."""
        self.shop.execute("drop table if exists stg_shop__order_items")
        self.shop.execute("truncate bad_lines, _quarantine")
        self.shop.stage(CATALOG.tables[TABLE], ROWS.format(rows=self.rows))
        if per_mille:
            self.shop.execute(SPOIL.format(per_mille=per_mille))
        connection = psycopg2.connect(self.shop.url)
        connection.autocommit = True
        with connection.cursor() as cursor:
            cursor.execute(f"vacuum full analyze {self.shop.schema}.stg_shop__order_items")
            cursor.execute("checkpoint")
        connection.close()

    def measure(self, case: Case, rounds: int) -> tuple[list[float], list[float], float]:
        """Seconds by hand and of the gate, round by round in turn, and the MB that the process grew."""
        self.stage(case.per_mille)
        by_hand, gate = [], []
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        for _ in range(rounds):
            by_hand.append(self._timed(case, self._by_hand))
            gate.append(self._timed(case, self._gate))
        return by_hand, gate, (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024

    def _timed(self, case: Case, way: Callable[[Case], None]) -> float:
        if case.is_quarantined:
            self.stage(case.per_mille)
        started = time.perf_counter()
        way(case)
        return time.perf_counter() - started

    def _by_hand(self, case: Case) -> None:
        self.shop.execute(HAND_WRITTEN)
        if case.is_quarantined:
            self.shop.execute(MOVED_BY_HAND)

    def _gate(self, case: Case) -> None:
        judgement = self.judge()
        if case.is_quarantined:
            warehouse = open_warehouse(self.shop.url, get_settings(), CATALOG)
            warehouse.quarantine(self._staged(), judgement.failed_rows)

    def judge(self) -> Judgement:
        """One judgement, as a run makes it."""
        from expectations.gate import judge

        return judge(self._staged(), self.shop.database, self.suites_dir, self.state_dir, "bench")

    def _staged(self) -> StagedTable:
        return StagedTable(TABLE, self.shop.schema, "stg_shop__order_items", self.rows, self.rows, 0)
