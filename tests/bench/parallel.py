"""What workers give: the same copy, cut into eight partitions by key range, with 1, 2 and 4 of them."""

from __future__ import annotations

from functools import partial

from tests.bench.copying import SOURCE, Way, ours
from tests.bench.full_copy import cost_cells, in_turn, ratio
from tests.bench.options import Options
from tests.bench.page import Section, spread
from tests.bench.world import opened_world

_WORKERS = (1, 2, 4)
_PARTITIONS = 8
_HEADER = ("ETL_TASK_WORKERS", "seconds", "x one worker", "CPU s", "servers' CPU s", "peak MB", "rows equal")
_TEXT = """
`replicate-database` on {lines:,} lines, read in {partitions} partitions by key range under one snapshot
(`ETL_PARTITION_ROWS={rows}`). Whatever the number of workers and partitions, the copy must be the same, row
by row and column by column (law X13): each is held against the source by its hash.

Both database servers stand on the same cores as the workers here: with two cores there is little to gain,
as one reading, one COPY and one flow fill them. On a machine of its own each server leaves its share to the
workers.
"""


def measure(options: Options) -> Section:
    """Each number of workers, in turn."""
    rows = options.lines // _PARTITIONS
    ways = [
        Way(
            str(workers),
            partial(ours, ETL_TASK_WORKERS=str(workers), ETL_PARTITION_ROWS=str(rows)),
            "replica.bench__{table}",
        )
        for workers in _WORKERS
    ]
    with opened_world() as world:
        world.run_sql(SOURCE, "copied.sql", {"lines": options.lines, "orders": options.lines // 3})
        runs, _ = in_turn(world, ways, options.rounds)
    return Section(
        "Workers and partitions",
        f"make bench ARGS='parallel --lines {options.lines} --rounds {options.rounds}'",
        _TEXT.format(lines=options.lines, partitions=_PARTITIONS, rows=rows),
        _HEADER,
        [
            [name, spread(found.seconds), ratio(found, runs[ways[0].name]), *cost_cells(found)]
            for name, found in runs.items()
        ],
    )
