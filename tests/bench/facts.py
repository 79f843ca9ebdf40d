"""Facts: order lines with four lookups by time, first load and changed orders, against SQL written by hand."""

from __future__ import annotations

from tests.bench.options import Options
from tests.bench.page import Section
from tests.bench.sales import SalesWarehouse
from tests.bench.warehouses import Staged, Timing, execute, opened_server, server_cpu_seconds
from tests.bench.world import SQL_DIR

_TEXT = """
`fact_sales` with {lines:,} lines of {orders:,} orders: customer, product and store in the version that held at
the time of the order, the date, order amounts shared among the lines to the cent (law F3), from staged rows
to the commit, with settling, row accounting, checks and run record. By hand is one `insert` with the same joins into
a table with the same unique key, checks and indexes, without foreign keys, and with shares that are
rounded and need not add up. Changed orders are 1 % of all, scattered over the table, and the same number in a
table of a third of the lines: what they cost should grow with the change, and not with the table.
"""
_NOTE = """
An empty fact is filled whole: foreign keys and indexes are made once, after the rows, which took three quarters of
the insert when each row was checked by itself. Shares are computed in whole cents of eight bytes, each
division once.
"""
_HEADER = ("what", "lines", "settle s", "release s", "server CPU s", "CPU x by hand")
_BY_HAND = (
    "drop table if exists by_hand",
    "create table by_hand (like warehouse.fact_sales including all)",
)


def measure(options: Options) -> Section:
    """First load, changed orders, and changed orders in a smaller table."""
    with opened_server() as (server, _):
        bench = _Bench(SalesWarehouse(server, options.lines), server_cpu=lambda: server_cpu_seconds(server))
        by_hand = bench.by_hand()
        rows = [bench.row("first load", bench.large.orders(), by_hand)]
        rows += [_hand_row(by_hand, options.lines)]
        for number in range(options.rounds):
            rows.append(bench.row("1 % of the orders changed", bench.large.orders(100, number + 1)))
    return Section(
        title="Facts",
        command="python -m tests.bench facts",
        text=_TEXT.format(lines=options.lines, orders=options.lines // 3),
        header=_HEADER,
        rows=rows,
        note=_NOTE,
    )
