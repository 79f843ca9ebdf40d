"""Changed rows brought into a copy that stands: by our flow's second run, and by peers."""

from __future__ import annotations

import statistics
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from tests.bench.copying import (
    SOURCE,
    Job,
    Runs,
    clear,
    dlt,
    ingestr_command,
    ingestr_environment,
    ours,
    run_measured,
)
from tests.bench.fingerprints import fingerprint, source_fingerprint
from tests.bench.full_copy import cost_cells, ratio
from tests.bench.options import Options
from tests.bench.page import Section, spread
from tests.bench.peers.environments import PeerAbsent
from tests.bench.world import BenchWorld, opened_world

TABLE = "order_items"
OURS = "this project"
SELDOM = "this project, all keys compared once a day"
INGESTR = "ingestr 0.15.9: merge"
_REPLICATE = f"from flows.replicate_database import replicate_database as run; run('{SOURCE}', ['{TABLE}'])"
_TIMES = 3
_HEADER = (
    "what",
    "seconds, whole process",
    "x ingestr",
    "seconds, begin of run to commit",
    "CPU s",
    "servers' CPU s",
    "all CPU x ingestr",
    "peak MB",
    "rows equal",
)
_TEXT = """
`order_items` stands copied; then every hundredth or tenth row changes, scattered over the whole table, with
its `updated_at`. Measured is the next run: of `replicate-database`, which finds the changes by its
watermark, of ingestr with `merge` and the time of the first change as its beginning, and of dlt with
`upsert`. The copies were vacuumed before the first round. After each, the copy is held against the source by
a hash over all columns.

Where a discovered table has a cursor, ours also compares all keys with the source in each run, so that
deleted rows are found, which neither peer does; that part grows with the table. The second line is the same
flow with `compare_every_hours: 24` in the table's file, between two comparisons. The aims are meant for the
time from the begin of the run to the commit: at most 1.0 x ingestr at 1 %, 0.8 x at 10 %; with as many
changed rows in a table {times} times as large at most 1.2 x.
"""
_WHY = """
Comparing all keys reads the whole table on both sides, so its cost grows with it. Next: compare sums of
hashes by range of keys, and read only the keys of ranges that differ. Without a comparison little grows: the
statements that look the changed rows up in the copy, one page for each row, to compare them (`create … table
rows_…`) and to update them, as fewer of a larger table's pages lie in the server's buffers, which all copies
of this benchmark share.

The ratio to ingestr is missed by what a run costs whatever it brings: ours opens and records a run, holds
declarations against the source, judges with Great Expectations and asks the Prefect API some twenty times
(*Start-up*), before and after the work itself. Of the work that grows with the changed rows, about
half is one update in the server, as in every merge; comparing each row with the copy before, so that one
that says nothing new is not written (law S9), and profiling what came share the rest. Next: a worker that
keeps its imports from run to run.
"""
_CHANGE = """
update order_items set
    quantity = quantity % 9 + 1,
    note = concat('changed ', order_item_id),
    updated_at = now(6) - interval order_item_id % 50000 microsecond
where order_item_id % {every} = {rest}
"""


@dataclass(frozen=True)
class Way:
    """How a copy is made and kept: the job of the first run and of the next, with a name for its folders."""

    name: str
    database: str
    first: Callable[[BenchWorld, str], Job]
    following: Callable[[BenchWorld, str, str], Job]
    relation: str


def measure(options: Options) -> Section:
    """1 % and 10 % of the table, and as many rows as 1 % in a larger one."""
    larger = options.lines * _TIMES
    with opened_world() as world:
        ways, absent = _copied(world, WAYS, options.lines)
        few, many = (_rounds(world, ways, every, options.rounds) for every in (100, 10))
        same, _ = _copied(world, [way for way in WAYS if way.name not in absent], larger)
        as_few = _rounds(world, same, 100 * _TIMES, options.rounds)
    rows = [
        _caption(f"1 of 100 of {options.lines:,} rows, {options.rounds} rounds"),
        *_rows(few),
        _caption(f"1 of 10 of {options.lines:,} rows, {options.rounds} rounds"),
        *_rows(many),
        _caption(f"1 of {100 * _TIMES} of {larger:,} rows, {options.rounds} rounds"),
        *_rows(as_few),
    ]
    return Section(
        "Changed rows into a copy that stands",
        f"make bench ARGS='incremental --lines {options.lines} --rounds {options.rounds}'",
        _TEXT.format(times=_TIMES),
        _HEADER,
        [*rows, *([name, why, *[""] * (len(_HEADER) - 2)] for name, why in absent.items())],
        _grown(few, as_few) + _WHY,
    )


def _grown(few: dict[str, Runs], as_few: dict[str, Runs]) -> str:
    """What as many changed rows cost in the larger table, and where that went."""
    grown = []
    for name, small in few.items():
        large = as_few[name]
        told = f"{name} {statistics.median(large.seconds) / statistics.median(small.seconds):.2f} x"
        if small.run_seconds:
            inside = statistics.median(large.run_seconds) / statistics.median(small.run_seconds)
            told += f" (from begin to commit {inside:.2f} x)"
        grown.append(told)
    told = f"As many changes in the larger table took, by the whole process: {', '.join(grown)}."
    small, large = few[SELDOM], as_few[SELDOM]
    return f"""{told}

Where the time of the last round went without a comparison of all keys:

- in the smaller table, by its log: {small.phases[-1]}; statements of the warehouse: {small.statements[-1]};
- in the larger one: {large.phases[-1]}; statements: {large.statements[-1]}.
"""


def _caption(text: str) -> list[str]:
    return [f"**{text}**", *[""] * (len(_HEADER) - 1)]


def _copied(world: BenchWorld, ways: list[Way], lines: int) -> tuple[list[Way], dict[str, str]]:
    """Make the source, and the first copy of each way; those that could, and why others could not."""
    world.run_sql(SOURCE, "copied.sql", {"lines": lines, "orders": lines // 3})
    clear(world)
    able, absent = [], {}
    for way in ways:
        url = world.new_database(way.database)
        try:
            run_measured(world, way.first(world, url), way.database, Runs())
        except PeerAbsent as why:
            absent[way.name] = f"absent: {why}"
        else:
            able.append(way)
    _compare_daily(world.folder / "seldom" / "catalog")
    for way in able:
        if way.name == SELDOM:  # compares, and not again today
            url = world.postgresql.url(way.database)
            run_measured(world, way.following(world, url, ""), way.database, Runs())
        world.query(way.database, "vacuum analyze")  # as autovacuum leaves what stands for a while
    return able, absent


def _rounds(world: BenchWorld, ways: list[Way], every: int, rounds: int) -> dict[str, Runs]:
    runs = {way.name: Runs() for way in ways}
    for number in range(rounds):
        # The time of a change is now, as in a shop: one of the past would lie behind our watermark.
        ((since,),) = world.query_mysql("select cast(now() - interval 1 second as char)")
        world.query_mysql(_CHANGE.format(every=every, rest=number), database=SOURCE)
        source = source_fingerprint(world, SOURCE, TABLE)
        for way in ways:
            url = world.postgresql.url(way.database)
            run_measured(world, way.following(world, url, str(since)), way.database, runs[way.name])
            if fingerprint(world, way.database, TABLE, way.relation) != source:
                runs[way.name].differs.add(TABLE)
            print(f"  1 of {every}, {way.name}: {runs[way.name].told()}", flush=True)
    return runs


def _rows(runs: dict[str, Runs]) -> list[list[str]]:
    return [
        [
            f"**{name}**" if name in (OURS, SELDOM) else name,
            spread(found.seconds),
            ratio(found, runs.get(INGESTR)),
            _inside(found, runs.get(INGESTR)),
            *cost_cells(found, runs.get(INGESTR)),
        ]
        for name, found in runs.items()
    ]


def _inside(found: Runs, base: Runs | None) -> str:
    """Of our flow by its own record, with the ratio to the peer's whole process."""
    if not found.run_seconds:
        return ""
    shown = spread(found.run_seconds)
    if base is None:
        return shown
    ratios = [a / b for a, b in zip(found.run_seconds, base.seconds, strict=True)]
    return f"{shown}; {statistics.median(ratios):.2f} x ingestr"


def _ours(world: BenchWorld, url: str, since: str = "", folder: str = "state") -> Job:
    """The flow with folders of its own for what it keeps."""
    home = world.folder / folder
    for name in ("catalog", "suites"):
        (home / name).mkdir(parents=True, exist_ok=True)
    settings = {"ETL_STATE_DIR": home, "ETL_CATALOG_DIR": home / "catalog", "ETL_SUITES_DIR": home / "suites"}
    return ours(world, url, _REPLICATE, **{name: str(path) for name, path in settings.items()})


def _compare_daily(catalog: Path) -> None:
    """As the owner of a large table would say it, in the table's file."""
    path = catalog / "tables" / SOURCE / f"{TABLE}.yaml"
    text, line = path.read_text("utf-8"), "deletes: compare\n"
    if line not in text:
        raise RuntimeError(f"{path} no longer says '{line.strip()}'; the benchmark counts on it.")
    path.write_text(text.replace(line, f"{line}compare_every_hours: 24\n"), "utf-8")


def _ingestr(world: BenchWorld, url: str, since: str = "") -> Job:
    merge = ("--incremental-strategy", "merge", "--primary-key", "order_item_id")
    of_time = ("--incremental-key", "updated_at", "--interval-start", since.replace(" ", "T") + "Z")
    command = [*ingestr_command(world, url, TABLE), *merge, *(of_time if since else ())]
    return command, ingestr_environment(world, url)


def _dlt(world: BenchWorld, url: str, since: str = "") -> Job:
    return dlt(world, url, "upsert", tables=(TABLE,))


WAYS = [
    Way(INGESTR, "by_ingestr", _ingestr, _ingestr, f"public.{TABLE}"),
    Way(OURS, "by_ours", _ours, _ours, f"replica.{SOURCE}__{TABLE}"),
    Way(
        SELDOM,
        "by_seldom",
        partial(_ours, folder="seldom"),
        partial(_ours, folder="seldom"),
        f"replica.{SOURCE}__{TABLE}",
    ),
    Way("dlt 1.31: upsert", "by_dlt", _dlt, _dlt, f"copied.{TABLE}"),
]
