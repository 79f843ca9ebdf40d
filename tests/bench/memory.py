"""Peak memory of every process of ours, as tables grow."""

from __future__ import annotations

import shutil

from tests.bench.copying import SOURCE, Runs, clear, ours, run_measured
from tests.bench.options import Options
from tests.bench.page import Section
from tests.bench.whole_job import daily_sales, load_shop, make_shop
from tests.bench.world import BenchWorld, opened_world

REPLICATE, DAILY_SALES = "replicate-database", "daily-sales"
_COPIED = (1_000_000, 10_000_000, 30_000_000)
_LOADED = (1_000_000, 10_000_000)
# What the source, the landed and prepared files, staging and copy take at once, measured generously.
_BYTES_PER_LINE = 1_100
_AIM_MB = 600
_HEADER = ("flow", "order lines", "largest process, MB", "each process at its highest, MB", "seconds")
_TEXT = f"""
The resident memory of each process of ours at its highest (`VmHWM`), for the flows' first runs on tables of
growing size; of processes of one kind the highest. The servers are not in it. Aim: each at most {_AIM_MB}
MB, and flat.
"""
_NOTE = """
The copy's memory is what its libraries take (230 MB before the first row, 80 MB more for Great Expectations,
which is imported while rows are read) and what partitions that are read side by side hold, whatever the size
of the table. Arrow files are read, not mapped: mapped pages counted as memory of the process until its file
was closed, 215 of 734 MB at 5 M lines. Charts are drawn by a process of their own (`vega_engine.py`): its
JavaScript engine took 80 to 100 MB of the flow's.
"""


def measure(options: Options) -> Section:
    """Each size once: 1 M, 10 M and 30 M lines, or as far as ``--lines`` and the disk allow."""
    rows = []
    with opened_world() as world:
        for lines in _sizes(_COPIED, options):
            rows.append(_row(world, REPLICATE, lines))
        world.query_mysql(f"drop database {SOURCE}")
        for lines in _sizes(_LOADED, options):
            rows.append(_row(world, DAILY_SALES, lines))
    return Section("Memory", f"make bench ARGS='memory --lines {options.lines}'", _TEXT, _HEADER, rows, _NOTE)


def _sizes(sizes: tuple[int, ...], options: Options) -> list[int]:
    """The sizes, in the proportion of ``--lines`` to its default where that is less."""
    share = min(1.0, options.lines / Options.lines)
    return [int(size * share) for size in sizes]


def _row(world: BenchWorld, flow: str, lines: int) -> list[str]:
    if (free := shutil.disk_usage(world.folder).free) < lines * _BYTES_PER_LINE:
        return [flow, f"{lines:,}", f"left out: {free / 2**30:.0f} GiB of disk are free", "", ""]
    runs = Runs()
    if flow == DAILY_SALES:
        make_shop(world, lines)
        load_shop(world, daily_sales, runs)
    else:
        _replicate(world, lines, runs)
    (run,) = runs.measured
    print(f"  {flow} {lines:,}: {run.peak_mb:.0f} MB, {run.seconds:.1f} s", flush=True)
    highest = sorted(run.peaks_mb.items(), key=lambda named: -named[1])
    each = ", ".join(f"{name} {peak:,.0f}" for name, peak in highest if peak >= 1)
    return [flow, f"{lines:,}", f"{run.peak_mb:,.0f}", each, f"{run.seconds:.1f}"]


def _replicate(world: BenchWorld, lines: int, runs: Runs) -> None:
    world.run_sql(SOURCE, "copied.sql", {"lines": lines, "orders": lines // 3})
    clear(world)
    run_measured(world, ours(world, world.new_database("copied")), "copied", runs)
    world.query("postgres", "drop database copied with (force)")
    clear(world)
