"""Facts: order lines with four lookups by time, against one insert written by hand."""

from __future__ import annotations

import statistics
import time
import uuid

from etl.embedded import EmbeddedServer
from etl.handles import Run
from tests.bench.options import Options
from tests.bench.page import Section, spread
from tests.bench.sales import LINES_PER_ORDER, SalesWarehouse
from tests.bench.warehouses import Staged, Timing, opened_server, server_cpu_seconds
from tests.bench.world import SQL_DIR

_TEXT = """
`fact_sales` with {lines:,} lines of {orders:,} orders: customer, product and store in the version that held
at the time of the order, the date, and order amounts shared among the lines to the cent (law F3); from
staged rows to the commit, with settling, row accounting, checks and run record. By hand is one `insert`
with the same joins into a table with the same keys, checks and indexes but without foreign keys, whose
shares are rounded and need not add up. Then 1 % of the orders change, scattered over the table, and as many
in a table of a third of the lines: what they cost should grow with the change, and not with the table.
"""
_NOTE = """
An empty fact is filled whole: indexes, unique and foreign keys are made once, behind the rows; checked row by
row, the four foreign keys alone took longer than the rows, and the unique ones four times what they take at
once. Shares are computed in whole cents of eight bytes, each division once.
"""
_HEADER = ("what", "lines", "settle s", "release s", "server CPU s")
_BY_HAND = (
    "drop table if exists by_hand",
    "create table by_hand (like warehouse.fact_sales including all)",
)
_SUMS = "select count(*), sum(customer_key), sum(product_key), sum(store_key), sum(gross_amount) from {table}"


def measure(options: Options) -> Section:
    """First load, changed orders, and as many changed orders in a table of a third."""
    with opened_server() as (server, _):
        large = SalesWarehouse(server, "sales", options.lines)
        hand = [_by_hand(server, large) for _ in range(options.rounds)]
        first = [_load(server, large, large.orders(), 0)]
        is_same = large.execute(_SUMS.format(table="by_hand")) == large.execute(
            _SUMS.format(table="warehouse.fact_sales")
        )
        changed = [_change(server, large, 100, n) for n in range(1, options.rounds + 1)]
        small = SalesWarehouse(server, "small", options.lines // 3)
        _load(server, small, small.orders(), 0)
        changed_small = [_change(server, small, 33, n) for n in range(1, options.rounds + 1)]
    grown = statistics.median(cpu for _, cpu in changed) / statistics.median(cpu for _, cpu in changed_small)
    ratio = first[0][1] / statistics.median(cpu for _, cpu in hand)
    return Section(
        title="Facts",
        command=f"make bench ARGS='facts --lines {options.lines} --rounds {options.rounds}'",
        text=_TEXT.format(lines=options.lines, orders=options.lines // LINES_PER_ORDER),
        header=_HEADER,
        rows=[
            [
                "by hand: one insert", f"{options.lines:,}", "",
                spread([s for s, _ in hand]), spread([cpu for _, cpu in hand]),
            ],
            _row("first load", options.lines, first),
            _row("1 % of the orders changed", options.lines // 100, changed),
            _row("as many, in a table of a third", options.lines // 100, changed_small),
        ],
        note=(
            f"The first load took {ratio:.2f} x the CPU seconds of the insert by hand; the sums are"
            f" {'equal' if is_same else '**not equal**'}. The change took {grown:.2f} x in the larger"
            f" table.{_NOTE}"
        ),
    )  # fmt: skip


def _row(name: str, lines: int, taken: list[tuple[Timing, float]]) -> list[str]:
    return [
        name,
        f"{lines:,}",
        spread([timing.settle for timing, _ in taken]),
        spread([timing.publish for timing, _ in taken]),
        spread([cpu for _, cpu in taken]),
    ]


def _load(
    server: EmbeddedServer, sales: SalesWarehouse, tables: list[Staged], day: int
) -> tuple[Timing, float]:
    """One release; the making of the rows in staging is not in it."""
    sales.settled_down()
    seconds: list[float] = []
    timing = sales.load(
        tables, f"2025-12-{day + 2:02} 00:00:00.000000", lambda: seconds.append(server_cpu_seconds(server))
    )
    return timing, server_cpu_seconds(server) - seconds[0]


def _change(server: EmbeddedServer, sales: SalesWarehouse, every: int, number: int) -> tuple[Timing, float]:
    return _load(server, sales, sales.orders(every, number), number)


def _by_hand(server: EmbeddedServer, sales: SalesWarehouse) -> tuple[float, float]:
    sales.execute(*_BY_HAND)
    run_id = uuid.uuid4().hex
    run = Run(run_id, "bench", None, False, f"staging_{run_id}")
    tables = sales.orders()
    sales.warehouse.begin_run(run, [sales.catalog.tables[each.table] for each in tables])
    for each in tables:
        sales.stage(each, run)
    sales.execute(
        f"analyze {run.staging_schema}.stg_shop__orders, {run.staging_schema}.stg_shop__order_items"
    )
    statement = (SQL_DIR / "sales_by_hand.sql").read_text("utf-8").format(schema=run.staging_schema)
    sales.settled_down()
    started, cpu = time.perf_counter(), server_cpu_seconds(server)
    sales.execute(statement)
    taken = time.perf_counter() - started, server_cpu_seconds(server) - cpu
    sales.warehouse.end_run(run, "failed", "by hand", [])
    return taken
