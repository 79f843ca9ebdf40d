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
Each mart reads the fact once, and sorts it where it counts orders or customers: both are many lines. More
memory for sorting was tried on 900,000 lines, on a busy machine: `work_mem` of 32 MB took 4.7 and 5.2 CPU
seconds, 128 MB 5.3 and 4.9, 512 MB 5.8 in its one round. It did not help there, so it stays. A mart is built
only by a run whose tables it reads.
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
