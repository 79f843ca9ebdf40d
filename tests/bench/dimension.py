"""Type 2 dimension of 1 M keys and 20 attributes: our release against dbt snapshots and dlt's scd2."""

from __future__ import annotations

import statistics
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TypeVar

import numpy as np
import psycopg2
import pyarrow as pa
import pyarrow.compute as pc

from etl.catalog import Catalog
from etl.embedded import EmbeddedServer
from etl.warehouse.postgresql.copying import copy_arrow
from tests.bench.options import Options
from tests.bench.page import Section, spread
from tests.bench.peers.dbt_snapshot import DbtProject
from tests.bench.peers.environments import PeerAbsent
from tests.bench.statements import StatementLog, log_statements
from tests.bench.warehouses import (
    BenchWarehouse,
    Staged,
    catalog_of,
    execute,
    opened_server,
    server_cpu_seconds,
    write_file,
)

ATTRIBUTES = (
    *(f"text_{n:02}" for n in range(1, 15)),
    "amount_1", "amount_2", "count_1", "count_2", "is_active", "born_on",
)  # fmt: skip
START = datetime(2026, 1, 1, tzinfo=UTC)
_T = TypeVar("_T")
DELTA_ROWS = 10_000
OLDER_VERSIONS = 9
KINDS = {"timed": "rows say since when they hold", "stated": "rows say only what holds"}

_SNAPSHOT, _DELTA = "snapshot, 1 % changed, 0.5 % new", "delta"
_TYPES = {"text": "text", "amount": "decimal(12,2)", "count": "bigint", "is": "boolean", "born": "date"}


_SQL_TYPES = {"timestamp": "timestamptz", "decimal(12,2)": "numeric(12,2)"}
_HASH = "select count(*), sum(hashtextextended(r::text, 0)::numeric) from ({rows}) as r"
_TEXT = """
A type 2 dimension of {keys:,} keys with {attributes} attributes, from a ready prepared Arrow file to the
commit: COPY into staging, settle, history table, versions, checks and run record. A snapshot holds all
keys, 1 % of them changed and 0.5 % new; a delta {delta:,} changed keys; late rows hold from a time before
the version that is current. Both ways are measured: rows that say since when they hold (dbt: strategy
timestamp), and rows that do not, whose attributes are compared (dbt: strategy check). dbt's seconds are
those that it counts for its statements, without the load of its source table and the start of its process;
those of its process contain its start, which ours do not. Its snapshot table has indexes on the key and on
dbt_scd_id. Afterwards all versions are held against dbt's by a hash. Aims: a snapshot at most 0.5 x
dbt's check, a delta at most 0.2 x; with {versions} versions per key at most 1.3 x of what it costs with one.
CPU seconds are those of all processes of the database server;
what it does in the background is in them, and one that ends while they are read can be missed, so a single
short round says little.
"""
_NOTE = """
A snapshot's rows are first looked up in the history, one look into an index per row; only the few that say
something new are placed, derived and merged. Of a delta, versions are derived anew from the start of the
version that its first new event may change: what lies before stays unread, so that a key with ten versions
costs about as much as one with two. Where an attribute looks back further (types 0, 1 and 3), where that
version does not begin with a whole record, or where rows are older than all versions, the whole history of
the key is derived (law S1). Of rows that no fact takes, statistics are made of their keys alone.

Of a snapshot, COPY into staging takes more than a third, which dbt's seconds leave out, and the looks into
the history another. Of a delta, updating the closed versions and deriving the new ones take a fifth each: a
checkpoint lies before each run, so that a closed version writes its whole page to the log, as it does for
dbt. The rest are many joins of the touched members with history or dimension, none of which stands out.
What a delta costs does not grow with the table, as dbt's does. Of a first load, history, versions and
dimension are each written once, where dbt writes one table. Next: few staged rows need not be looked up
before they are placed; what is placed looks for its member and its last events four times, where once would
do; a first load may write its history without a table of what is new.
"""
_HEADER = (
    "what",
    "rows",
    "seconds",
    "server CPU s",
    "dbt: seconds",
    "dbt: process",
    "dbt: server CPU s",
    "x dbt: seconds",
    "x dbt: process",
)
_OLDER = """
insert into history.timed (
    {columns}, effective_at, sequence, source, operation, source_cursor, recorded_at, run_id
)
select
    {older}, h.effective_at - n * interval '1 day', 0, h.source, h.operation, h.source_cursor,
    h.recorded_at, h.run_id
from (select distinct on (id) * from history.timed where id % 5 = 0 order by id, effective_at) as h
cross join generate_series(1, {versions}) as n;
insert into warehouse.dim_timed ({columns}, valid_from, valid_to, inserted_run_id, updated_run_id)
select
    {older}, h.valid_from - n * interval '1 day', h.valid_from - (n - 1) * interval '1 day',
    h.inserted_run_id, h.updated_run_id
from (
    select distinct on (id) * from warehouse.dim_timed
    where timed_key > 0 and id % 5 = 0 order by id, valid_from
) as h
cross join generate_series(1, {versions}) as n
"""


def measure(options: Options) -> Section:
    """First load, snapshots, deltas, late rows, and the delta again once every key has ten versions."""
    with opened_server() as (server, folder):
        bench = _Bench(server, folder, max(options.lines // 3, DELTA_ROWS * 4))
        bench.open()
        for kind in KINDS:
            bench.run("first load", kind, bench.first())
        for _ in range(options.rounds):
            bench.round(_SNAPSHOT, bench.snapshot())
        for _ in range(options.rounds):
            bench.round(_DELTA, bench.delta())
        bench.compare()
        for _ in range(options.rounds):
            bench.run("late rows", "timed", bench.late(), with_dbt=False)
        bench.grow()
        for _ in range(options.rounds):
            name = f"{_DELTA}, {OLDER_VERSIONS + 1} versions per key"
            bench.run(name, "timed", bench.delta(), with_dbt=False)
        return bench.section(options)


@dataclass
class _Costs:
    """What one case took, round by round; dbt's are empty where it does not take part.

    Attributes:
        statements: Which took longest in the last round.
    """

    rows: int = 0
    seconds: list[float] = field(default_factory=list)
    cpu: list[float] = field(default_factory=list)
    dbt: list[float] = field(default_factory=list)
    dbt_process: list[float] = field(default_factory=list)
    dbt_cpu: list[float] = field(default_factory=list)
    statements: str = ""

    def cells(self) -> list[str]:
        """As a row of the table, without its name."""
        ratios = [
            [mine / theirs for mine, theirs in zip(self.seconds, dbt, strict=False)]
            for dbt in (self.dbt, self.dbt_process)
        ]
        lists = (self.seconds, self.cpu, self.dbt, self.dbt_process, self.dbt_cpu, *ratios)
        return [f"{self.rows:,}", *(spread(values) if values else "" for values in lists)]


class _Bench:
    """The state of all members, and the warehouses that follow it."""

    def __init__(self, server: EmbeddedServer, folder: Path, keys: int) -> None:
        self._server, self._folder = server, folder
        self._count = keys
        self._keys = np.arange(1, keys + 1)
        self._versions = np.zeros(keys, dtype="int64")
        self._at = micros(START) + (self._keys % 86_400) * 1_000_000
        self._day, self._turn, self._step = 1, 0, 1
        self._costs: dict[tuple[str, str], _Costs] = {}
        self._differences: list[str] = []
        self._absent = ""

    def open(self) -> None:
        """Make the warehouse and the database of the peer."""
        for name in ("bench", "peer"):
            self._server.create_database(name)
        log_statements(self._server.url("bench"))
        self._ours = BenchWarehouse(self._server.url("bench"), catalog())
        self._peer_url = self._server.url("peer")
        self._dbt = DbtProject(self._folder / "dbt", self._peer_url)
        self._dbt.write(ATTRIBUTES)
        columns = self._ours.catalog.tables["bench.timed"].columns
        types = ", ".join(f"{name} {_SQL_TYPES.get(c.type, c.type)}" for name, c in columns.items())
        execute(self._peer_url, "create schema peer", f"create table peer.members ({types})")

    def first(self) -> pa.Table:
        """All members."""
        return members(self._keys, self._versions, self._at)

    def snapshot(self) -> pa.Table:
        """All members, one of a hundred changed and one of two hundred new."""
        self._change(self._keys % 100 == self._next_turn())
        new = len(self._keys) + 1 + np.arange(self._count // 200)
        self._keys = np.concatenate([self._keys, new])
        self._versions = np.concatenate([self._versions, np.zeros(len(new), dtype="int64")])
        self._at = np.concatenate([self._at, np.full(len(new), self._now())])
        return self.first()

    def delta(self) -> pa.Table:
        """Ten thousand changed members, scattered over all keys."""
        chosen = self._some()
        self._change(chosen)
        return members(self._keys[chosen], self._versions[chosen], self._at[chosen])

    def late(self) -> pa.Table:
        """As many members as they were at a time before their current version."""
        chosen = self._some()
        keys = self._keys[chosen]
        return members(keys, 1_000 + self._turn, np.full(len(keys), micros(START) - self._turn * 1_000_000))

    def _some(self) -> np.ndarray:
        return np.equal(self._keys % (self._count // DELTA_ROWS), self._next_turn())

    def _change(self, chosen: np.ndarray) -> None:
        self._versions[chosen] += 1
        self._at[chosen] = self._now()

    def _next_turn(self) -> int:
        self._turn = self._turn % 90 + self._step
        return self._turn

    def _now(self) -> int:
        return micros(START + timedelta(days=self._day))

    def round(self, case: str, rows: pa.Table) -> None:
        """One case in both ways."""
        for kind in KINDS:
            self.run(case, kind, rows)

    def run(self, case: str, kind: str, rows: pa.Table, *, with_dbt: bool = True) -> None:
        """Load rows into ours, and into dbt's snapshot."""
        path = write_file(rows, self._folder / "rows.arrow")
        costs = self._costs.setdefault((case, kind), _Costs(rows.num_rows))
        as_of = (START + timedelta(days=self._day, hours=12)).strftime("%Y-%m-%d %H:%M:%S.%f")
        self._day += 1
        staged = [Staged(f"bench.{kind}", path, row_count=rows.num_rows)]
        log = StatementLog(self._server)
        seconds, cpu = self._with_cpu(lambda: self._ours.load(staged, as_of).total)
        costs.statements = log.longest()
        costs.seconds.append(seconds)
        costs.cpu.append(cpu)
        print(f"{case} ({kind}): {seconds:.2f} s, server {cpu:.2f} CPU s", flush=True)
        self._ours.settled_down()
        if with_dbt and not self._absent:
            self._run_dbt(costs, kind, path)

    def _run_dbt(self, costs: _Costs, kind: str, path: Path) -> None:
        try:
            self._load_source(path)
            (seconds, process), cpu = self._with_cpu(lambda: self._dbt.snapshot(kind))
        except PeerAbsent as error:
            self._absent = str(error)
            return
        costs.dbt.append(seconds)
        costs.dbt_process.append(process)
        costs.dbt_cpu.append(cpu)
        print(f"   dbt {seconds:.2f} s, process {process:.2f} s, server {cpu:.2f} CPU s", flush=True)
        execute(self._peer_url, "vacuum analyze", "checkpoint")

    def _load_source(self, path: Path) -> None:
        execute(self._peer_url, "truncate peer.members")
        connection = psycopg2.connect(self._peer_url)
        copy_arrow(connection, "peer.members", path, ["id", *ATTRIBUTES, "updated_at"])
        connection.commit()
        connection.close()
        execute(self._peer_url, "analyze peer.members")

    def _with_cpu(self, work: Callable[[], _T]) -> tuple[_T, float]:
        before = server_cpu_seconds(self._server)
        result = work()
        return result, server_cpu_seconds(self._server) - before

    def compare(self) -> None:
        """Hold all versions against dbt's; the times of a comparison are those at which it was made."""
        if self._absent:
            return
        for kind in KINDS:
            values = ", ".join(["id", *ATTRIBUTES])
            ours = f"select {values}{', valid_from' if kind == 'timed' else ''} from warehouse.dim_{kind}"
            theirs = f"select {values}{', dbt_valid_from' if kind == 'timed' else ''} from peer.{kind}"
            found = [
                execute(self._ours.url, _HASH.format(rows=f"{ours} where {kind}_key > 0")),
                execute(self._peer_url, _HASH.format(rows=theirs)),
            ]
            print(f"versions ({kind}): ours {found[0]}, dbt {found[1]}", flush=True)
            if found[0] != found[1]:
                self._differences.append(f"**versions differ from dbt's ({kind})**")

    def grow(self) -> None:
        """Give each fifth member so many older versions, and change only such members from now on."""
        self._turn, self._step = 0, 5
        columns = ["id", *ATTRIBUTES]
        older = ", ".join(f"h.{c} || ' ' || n" if c == "text_03" else f"h.{c}" for c in columns)
        names = {"columns": ", ".join(columns), "older": older, "versions": OLDER_VERSIONS}
        self._ours.execute(*_OLDER.format(**names).split(";"))
        self._ours.settled_down()

    def _statements(self, case: str) -> str:
        return self._costs[case, "stated"].statements

    def section(self, options: Options) -> Section:
        """What was measured."""
        names = {"keys": self._count, "attributes": len(ATTRIBUTES), "delta": DELTA_ROWS}
        rows = [[f"{case}: {KINDS[kind]}", *costs.cells()] for (case, kind), costs in self._costs.items()]
        grown = [
            statistics.median(c.cpu) for (case, _), c in self._costs.items() if "versions per key" in case
        ]
        once = statistics.median(self._costs[_DELTA, "timed"].cpu)
        notes = [
            f"dbt is absent: {self._absent}." if self._absent else "The versions are equal to dbt's.",
            f"A delta with {OLDER_VERSIONS + 1} versions per key took {grown[0] / once:.2f} x the CPU seconds"
            " of one with few.",
            f"Where rows say only what holds, the longest statements of the last snapshot were"
            f" {self._statements(_SNAPSHOT)}; of the last delta {self._statements(_DELTA)}.",
        ]
        return Section(
            title="Type 2 dimension",
            command=f"make bench ARGS='dimension --lines {options.lines} --rounds {options.rounds}'",
            text=_TEXT.format(**names, versions=OLDER_VERSIONS + 1),
            header=_HEADER,
            rows=rows,
            note=" ".join(self._differences or notes) + "\n" + _NOTE,
        )


def catalog() -> Catalog:
    """The same dimension twice: fed by rows that say since when they hold, and by rows that do not."""
    types = {name: _TYPES[name.split("_")[0]] for name in ATTRIBUTES}
    columns = {
        "id": {"type": "bigint", "nullable": False},
        **{name: {"type": kind} for name, kind in types.items()},
        "updated_at": {"type": "timestamp"},
    }
    table = {"key": ["id"], "cursor": "updated_at", "columns": columns}
    shape = {
        "key": {"id": "bigint"},
        "attributes": {name: {"type": kind, "scd": 2} for name, kind in types.items()},
        "guard": {"end_pct": 100, "change_pct": 100},
    }
    return catalog_of(
        {"timed": table, "stated": table},
        {
            "timed": {**shape, "events": [{"table": "bench.timed", "effective_at": "updated_at"}]},
            "stated": {**shape, "events": [{"table": "bench.stated"}]},
        },
    )


def members(keys: np.ndarray, versions: np.ndarray | int, at: np.ndarray) -> pa.Table:
    """Prepared rows of members; a version differs from the one before in three of the attributes.

    Args:
        at: When each row was changed, in microseconds since 1970.
    """
    version = np.broadcast_to(np.asarray(versions), keys.shape)
    columns: dict[str, pa.Array] = {"id": pa.array(keys)}
    for number, name in enumerate(ATTRIBUTES):
        seed = keys * 31 + number * 1_000_003 + (version * 7_919 if number in (2, 9, 14) else 0)
        columns[name] = _values(name.split("_")[0], seed)
    instants = pa.array(at).cast(pa.timestamp("us", "UTC"))
    columns["updated_at"] = instants
    columns["_cursor"] = pc.strftime(instants, "%Y-%m-%d %H:%M:%S")
    return pa.table(columns)


def _values(kind: str, seed: np.ndarray) -> pa.Array:
    if kind == "text":
        words = pc.cast(pa.array(seed % 9_973), pa.string())
        return pc.binary_join_element_wise("Straße", words, "côté", " ")
    if kind == "amount":
        return pa.array(seed % 99_999).cast(pa.decimal128(21, 2)).cast(pa.decimal128(12, 2))
    if kind == "count":
        return pa.array(seed % 100_000)
    if kind == "is":
        return pa.array(seed % 7 > 0)
    return pa.array((seed % 20_000).astype("int32")).cast(pa.date32())


def micros(instant: datetime) -> int:
    """Microseconds since 1970."""
    return int(instant.timestamp()) * 1_000_000
