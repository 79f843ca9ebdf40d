"""What one partition costs, step by step, and what a row takes on disk: the figures of docs/scale.md.

    python -m tests.bench partition_cost [--lines 3000000] [--rounds 3]

The steps are called as the tasks call them, one after the other in this process, without Prefect; what the
servers work for each is measured apart from what the worker does.
"""

from __future__ import annotations

import resource
import time
import uuid
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import astuple, dataclass, field
from datetime import date
from functools import partial

import psutil
from pydantic import SecretStr

from etl.catalog_files import load_catalog
from etl.handles import Extract, Run, Snapshot, StagedTable, TablePlan
from etl.landing import land_once
from etl.preparing import prepare
from etl.settings import PROJECT_DIR, Settings
from etl.sources.connect import source_for
from etl.transforms.calendar import calendar
from etl.warehouse import open_warehouse
from etl.windows import Window
from tests.bench.options import Options
from tests.bench.page import Section, spread
from tests.bench.world import BenchWorld, opened_world

TABLES = ("shop.order_items", "shop.orders")
PARTITION_ROWS = 1_000_000
MILLION = 1_000_000
_YEARS = (date(2024, 1, 1), date(2027, 12, 31))
STEPS = ("extract", "prepare", "stage", "settle", "release")
# The project's declarations have other names than tests/bench/sql/copied.sql.
RENAME = """
alter table orders
    rename column ordered_at to order_date,
    rename column shipping_amount to shipping_cost
"""
TEXT = """
Order lines and their orders (three lines to an order) from MariaDB into `fact_sales`, by the declarations of
the project: lines in partitions of {rows:,}, orders with them, one after the other. Seconds, and processor
seconds of the worker's process, of the source and of the warehouse, for each million **order lines**, orders
included. `settle` is set-wise work on the staged tables; `release` merges members and facts, the first time,
into empty tables. The gate is measured by itself. Servers and worker share the machine.
"""


@dataclass(frozen=True)
class Cost:
    """Of one step: seconds by the clock, and processor seconds of the three that work for it."""

    seconds: float
    worker: float
    source: float
    warehouse: float


@dataclass
class Bytes:
    """What a row takes, landed and in the warehouse."""

    landed: list[float] = field(default_factory=list)
    prepared: list[float] = field(default_factory=list)
    staged: list[float] = field(default_factory=list)
    fact: list[float] = field(default_factory=list)


def measure(options: Options) -> Section:
    """Load the lines once a round into an empty warehouse."""
    costs: dict[str, list[Cost]] = defaultdict(list)
    sizes = Bytes()
    with opened_world() as world:
        world.run_sql("shop", "copied.sql", {"orders": options.lines // 3, "lines": options.lines})
        world.query_mysql(RENAME, database="shop")
        for _ in range(options.rounds):
            one = _Round(world, options.lines, sizes).load()
            for step in STEPS:
                costs[step].append(one[step])
    return Section(
        title="What a partition costs",
        command=f"make bench ARGS='partition_cost --lines {options.lines} --rounds {options.rounds}'",
        text=TEXT.format(rows=min(PARTITION_ROWS, options.lines)),
        header=("step", "seconds", "worker, CPU s", "source, CPU s", "warehouse, CPU s"),
        rows=[_row(step, costs[step], options.lines) for step in STEPS],
        note=_note(sizes),
    )


class _Round:
    """One load into a warehouse of its own."""

    def __init__(self, world: BenchWorld, lines: int, sizes: Bytes) -> None:
        world.clear_state()
        self._world, self._lines, self._sizes = world, lines, sizes
        self._settings = Settings(
            _env_file=None,
            warehouse_url=SecretStr(world.new_database("partition_cost")),
            shop_url=SecretStr(f"{world.mysql.url}shop"),
            state_dir=world.folder / "state",
            partition_rows=PARTITION_ROWS,
        )
        self._catalog = load_catalog(PROJECT_DIR / "catalog")
        self._warehouse = open_warehouse(
            world.postgresql.url("partition_cost"), self._settings, self._catalog
        )
        self._source = source_for(self._catalog.sources["shop"], self._settings)
        self._spent: dict[str, list[Cost]] = defaultdict(list)

    def load(self) -> dict[str, Cost]:
        """Bring and release all lines; the cost of each step, all partitions together."""
        run = self._opened_run()
        tables = [self._catalog.tables[name] for name in TABLES]
        with self._source.snapshot(tables) as snapshot:
            for table in tables:
                whole = Extract(table.qualified_name, Window(None, snapshot.safe_highs[table.qualified_name]))
                for extract in self._source.plan_extracts(table, whole, snapshot):
                    self._bring(extract, snapshot, run)
        self._sizes.staged.append(self._size(f"{run.staging_schema}.stg_shop__order_items"))
        staged = [self._settled(name, snapshot, run) for name in TABLES]
        with self._measured("release"):
            self._warehouse.publish(run, staged, [])
        self._sizes.fact.append(self._size("warehouse.fact_sales"))
        self._warehouse.end_run(run, "succeeded", "", [])
        return {step: _sum(costs) for step, costs in self._spent.items()}

    def _opened_run(self) -> Run:
        run_id = uuid.uuid4().hex
        run = Run(run_id, "partition-cost", None, False, f"staging_{run_id}", tables=TABLES)
        self._warehouse.migrate()
        self._warehouse.load_calendar(calendar(*_YEARS, 1, "US"))
        self._warehouse.begin_run(run, [self._catalog.tables[name] for name in TABLES])
        return run

    def _bring(self, extract: Extract, snapshot: Snapshot, run: Run) -> None:
        table = self._catalog.tables[extract.table]
        folder = self._settings.landing / run.run_id
        with self._measured("extract"):
            landed = land_once(partial(self._source.read, table, extract, snapshot), extract, folder)
        with self._measured("prepare"):
            prepared = prepare(landed, table, folder, self._settings.default_phone_region)
        with self._measured("stage"):
            self._warehouse.stage_part(prepared, run)
        if extract.table == TABLES[0]:
            self._sizes.landed.append(landed.byte_count / landed.row_count)
            self._sizes.prepared.append(prepared.path.stat().st_size / landed.row_count)

    def _settled(self, name: str, snapshot: Snapshot, run: Run) -> StagedTable:
        window = Window(None, snapshot.safe_highs[name])
        plan = TablePlan(name, None, window, snapshot.taken_at, compares_keys=False)
        with self._measured("settle"):
            return self._warehouse.settle(plan, run)

    def _size(self, relation: str) -> float:
        ((size,),) = self._world.query("partition_cost", f"select pg_total_relation_size('{relation}')")
        return int(str(size)) / self._lines

    @contextmanager
    def _measured(self, step: str) -> Iterator[None]:
        before, started = self._processors(), time.perf_counter()
        yield
        seconds = time.perf_counter() - started
        used = [after - earlier for after, earlier in zip(self._processors(), before, strict=True)]
        self._spent[step].append(Cost(seconds, *used))

    def _processors(self) -> tuple[float, float, float]:
        """Processor seconds so far: of this process and the readers it started, and of the two servers."""
        own = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
        postmaster = int((self._world.postgresql.data_dir / "postmaster.pid").read_text().split()[0])
        return (
            sum(usage.ru_utime + usage.ru_stime for usage in own),
            _of_tree(self._world.mysql.process.pid),
            _of_tree(postmaster),
        )


def _of_tree(pid: int) -> float:
    """Of a server with its sessions, those that have ended included."""
    root = psutil.Process(pid)
    spent = 0.0
    for process in [root, *root.children()]:
        times = process.cpu_times()
        spent += times.user + times.system + times.children_user + times.children_system
    return spent


def _sum(costs: list[Cost]) -> Cost:
    return Cost(*(sum(values) for values in zip(*map(astuple, costs), strict=True)))


def _row(step: str, costs: list[Cost], lines: int) -> list[str]:
    per_million = [[value * MILLION / lines for value in astuple(cost)] for cost in costs]
    return [step, *(spread(values) for values in zip(*per_million, strict=True))]


def _note(sizes: Bytes) -> str:
    return (
        f"A line takes {spread(sizes.landed, 0)} bytes landed and {spread(sizes.prepared, 0)} prepared (lz4),"
        f" {spread(sizes.staged, 0)} staged, and {spread(sizes.fact, 0)} in `fact_sales` with its indexes."
    )
