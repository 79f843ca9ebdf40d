"""Marts: what the refresh of each costs on a fact of so many lines, built aside and swapped."""

from __future__ import annotations

import uuid
from collections import defaultdict

from etl.handles import Run
from tests.bench.options import Options
from tests.bench.page import Section, spread
from tests.bench.sales import SalesWarehouse
from tests.bench.warehouses import opened_server, server_cpu_seconds

_TEXT = """
All marts anew on `fact_sales` with {lines:,} lines, in one transaction that builds them aside and swaps
them in. There are no counts of stock, visits or scores in this warehouse, so the marts of those have no
rows; the mart of the stock still asks for each of {pairs:,} pairs of product and store whether it was
counted.
"""
_NOTE = """
Each mart reads the fact once, that of the days twice, and sorts what it must tell apart, orders or customers:
both are many lines. The days sum amounts up by themselves, and sort only what tells orders apart: summed up
per order first, with ten sums each, 3,000,000 lines took 4.5 s of the processor, and now 2.7 s. Other ways to
count were tried and were no faster: to sum up per order before customers and months, to tell pairs apart by
hash before they are counted, numbers in the place of categories' names, months out of the number of the day.
Nor was more memory for sorting, 128 and 256 MB; plans in several processes, asked for by a lower cost of a
row handed on, took a fourth more of the processor and on two busy cores as long. A mart is built only by a
run whose tables it reads.
"""


def measure(options: Options) -> Section:
    """Refresh all marts, round by round."""
    seconds: dict[str, list[float]] = defaultdict(list)
    rows: dict[str, int] = {}
    totals: list[float] = []
    with opened_server() as (server, _):
        sales = SalesWarehouse(server, "sales", options.lines)
        sales.load(sales.orders(), "2025-12-02 00:00:00.000000")
        sales.settled_down()
        for _ in range(options.rounds):
            before = server_cpu_seconds(server)
            for outcome in sales.warehouse.refresh_marts(_new_run(sales)):
                seconds[outcome.name].append(outcome.seconds)
                rows[outcome.name] = outcome.inserted
            totals.append(server_cpu_seconds(server) - before)
    lines = [[name, f"{rows[name]:,}", spread(taken)] for name, taken in seconds.items()]
    whole = [sum(each) for each in zip(*seconds.values(), strict=True)]
    return Section(
        title="Marts",
        command=f"make bench ARGS='marts --lines {options.lines} --rounds {options.rounds}'",
        text=_TEXT.format(lines=options.lines, pairs=sales.sizes["products"] * sales.sizes["stores"]),
        header=("mart", "rows", "seconds"),
        rows=[*lines, ["all", "", spread(whole)]],
        note=f"All of them took {spread(totals)} CPU seconds of the database server.{_NOTE}",
    )


def _new_run(sales: SalesWarehouse) -> Run:
    run_id = uuid.uuid4().hex
    run = Run(run_id, "bench", None, False, f"staging_{run_id}")
    sales.warehouse.begin_run(run, [])
    return run
