"""A whole database copied, by our flow and by others, in turn."""

from __future__ import annotations

import shlex
import statistics
import subprocess
from collections.abc import Sequence
from functools import partial

from tests.bench.copying import (
    OURS,
    PIPE,
    SOURCE,
    TABLES,
    WAYS,
    Runs,
    Way,
    clear,
    copy_once,
    declare,
    expected,
    make_tables,
    pipe,
    take_turns,
)
from tests.bench.options import Options
from tests.bench.page import Section, spread
from tests.bench.world import BenchWorld, opened_world

_HEADER = (
    "what",
    "seconds",
    "x shell pipe",
    "x fastest peer",
    "rows/s",
    "CPU s",
    "servers' CPU s",
    "all CPU x shell pipe",
    "peak MB",
    "rows equal",
)
_TEXT = """
`orders` and `order_items` (three lines an order; ids, decimals, times with microseconds, texts with
accents, quotes, tabs, newlines and NULLs) from MariaDB into an empty PostgreSQL on the same machine, both
with fsync and 2 GB of buffers. Each way is a fresh process, measured from its start to its end, in turn
with the others in each round; each copy is held against its source by the number of rows and a hash over
all columns. Medians, with the range of the rounds; ratios are medians of the ratios within a round. CPU
seconds and the memory of the largest process are those of the way's own processes; what the two database
servers and Prefect's use meanwhile stands beside them.

Ours is the flow `replicate-database` for the first time, against a Prefect server that runs: it holds the
tables against the catalog, lands, prepares, stages, profiles, judges, makes primary keys, records the run
and renews the pages. Catalog and suites were written once before by `make discover`, which looks at the data.
The pipe, dlt and the limits make no index; ingestr makes a primary key.

Aims: at most 1.0 x the shell pipe and 0.6 x the fastest peer; at 10 M lines 0.8 x the shell pipe; at most
600 MB.
"""

_WHY = """
The way of the rows (extract, prepare, stage) takes about as long as the pipe. What the aims are missed by
is what the pipe leaves out: declarations held against the source, judging, profiling, keys, the record,
pages, and what Prefect and Great Expectations cost whatever a run brings (*Start-up*). Great Expectations is
imported while rows are read, uniqueness that an index holds is not counted again, and the process no longer
looks for garbage at its end. Next: judge tables that do not depend on each other side by side, and a worker
that keeps its imports from run to run.
"""


def measure(options: Options) -> Section:
    """All ways, in turn."""
    with opened_world() as world:
        return measure_in(world, options, "full_copy", options)


def measure_in(world: BenchWorld, size: Options, name: str, asked: Options) -> Section:
    """The section of a benchmark of this name that was asked for as ``asked`` and takes this size."""
    world.run_sql(SOURCE, "copied.sql", {"lines": size.lines, "orders": size.lines // 3})
    declaring = declare(world)
    _make_ready_files(world)
    runs, absent = in_turn(world, WAYS, size.rounds)
    rows = _rows(runs, size.lines + size.lines // 3)
    return Section(
        f"A whole database, MariaDB to PostgreSQL: {size.lines:,} lines, {size.lines // 3:,} orders",
        f"make bench ARGS='{name} --lines {asked.lines} --rounds {asked.rounds}'",
        _TEXT if size is asked else "",
        _HEADER,
        rows + [[name, why, *[""] * (len(_HEADER) - 2)] for name, why in absent.items()],
        where_time_goes(runs[OURS], f"at {size.lines:,} lines")
        + f" `make discover` had taken {declaring:.1f} s."
        + (f"\n{_WHY}" if size is asked else ""),
    )


def in_turn(world: BenchWorld, ways: Sequence[Way], rounds: int) -> tuple[dict[str, Runs], dict[str, str]]:
    """Each way in each round; what was measured, and why others could not be."""
    source, peers = expected(world), {way.name for way in ways if way.is_peer}
    turns = {way.name: partial(copy_once, world, way, source) for way in ways}
    return take_turns(turns, rounds, peers.__contains__)


def fastest(runs: dict[str, Runs]) -> Runs | None:
    """The fastest by the median."""
    return min(runs.values(), key=lambda found: statistics.median(found.seconds), default=None)


def ratio(runs: Runs, base: Runs | None) -> str:
    """Of the seconds."""
    return median_ratio(runs.seconds, base.seconds) if base else ""


def median_ratio(values: Sequence[float], bases: Sequence[float]) -> str:
    """Median of the ratios within the rounds."""
    return f"{statistics.median(a / b for a, b in zip(values, bases, strict=True)):.2f}"


def _rows(runs: dict[str, Runs], row_count: int) -> list[list[str]]:
    peers = [way.name for way in WAYS if way.is_peer and way.name in runs and not runs[way.name].differs]
    fastest_peer = fastest({name: runs[name] for name in peers})
    return [
        [
            f"**{name}**" if name == OURS else name,
            spread(found.seconds),
            ratio(found, runs.get(PIPE)),
            ratio(found, fastest_peer),
            f"{row_count / statistics.median(found.seconds):,.0f}",
            *cost_cells(found, runs.get(PIPE)),
        ]
        for name, found in runs.items()
    ]


def cost_cells(found: Runs, base: Runs | None) -> list[str]:
    """Processor seconds of the processes and of the servers, their ratio, memory, whether rows were equal."""
    return [
        f"{statistics.median(run.cpu_seconds for run in found.measured):.1f}",
        f"{statistics.median(found.server_seconds):.1f}",
        median_ratio(found.all_cpu_seconds, base.all_cpu_seconds) if base else "",
        f"{max(run.peak_mb for run in found.measured):,.0f}",
        f"no: {', '.join(sorted(found.differs))}" if found.differs else "yes",
    ]


def where_time_goes(runs: Runs, what: str) -> str:
    """Of one of our flows, by its own record and, for the last round, by its log."""
    start, run = statistics.median(runs.start_seconds), statistics.median(runs.run_seconds)
    rest = statistics.median(runs.seconds) - start - run
    return (
        f"Of our time {what}, {start:.1f} s go by before the run begins, {run:.1f} s from there to its "
        f"commit, and {rest:.1f} s after it. By the log of the last round, from end to end of each kind of "
        f"task: {runs.phases[-1]}. The statements of the warehouse that took longest, of all sessions "
        f"together: {runs.statements[-1]}."
    )


def _make_ready_files(world: BenchWorld) -> None:
    """What the limit reads: binary files of the tables, from a copy by the shell pipe."""
    url = world.new_database("ready")
    clear(world)
    make_tables(world, "ready")
    folder = world.folder / "ready"
    folder.mkdir(exist_ok=True)
    command, environment = pipe(world, url)
    subprocess.run(command, env=environment, check=True)
    for table in TABLES:
        copied = f"\\copy {table} to {shlex.quote(str(folder / table))}.copy with (format binary)"
        subprocess.run(["psql", "--quiet", "--command", copied, url], check=True)
    world.query("postgres", "drop database ready with (force)")
