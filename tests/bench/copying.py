"""The ways to copy a database from MariaDB to PostgreSQL: ours, those of the peers, and bare limits."""

from __future__ import annotations

import shlex
import shutil
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from etl.settings import PROJECT_DIR
from tests.bench.fingerprints import COLUMNS, Fingerprint, fingerprint, source_fingerprint
from tests.bench.measuring import Measurement, measure
from tests.bench.peers.environments import PeerAbsent, peer_folder, program
from tests.bench.phases import phases
from tests.bench.statements import StatementLog, log_statements
from tests.bench.world import BenchWorld
from tests.servers import PASSWORD, USER

SOURCE = "bench"
TABLES = tuple(COLUMNS)
OURS = "this project: replicate-database"
PIPE = "shell pipe: mariadb, sed, psql; as text"
ARROW_PIPE = "two processes: connectorx to pgpq to COPY"
READY_FILE = "limit: ready binary file by COPY"

_SHOWN_CHARACTERS = 150
_DECLARED = "declared"
PEERS_DIR = Path(__file__).with_name("peers")
_REPLICATE = f"from flows.replicate_database import replicate_database; replicate_database('{SOURCE}')"
_TYPES = {
    "order_item_id": "bigint not null",
    "order_id": "bigint not null",
    "customer_id": "bigint",
    "store_id": "bigint",
    "product_id": "bigint",
    "line_number": "integer not null",
    "quantity": "integer not null",
    "status": "text not null",
    "note": "text",
}
_TYPES_OF_KINDS = {"decimal": "numeric(12, 2)", "time": "timestamp not null"}


# A command, and its whole environment.
Job = tuple[Sequence[str], Mapping[str, str]]


@dataclass(frozen=True)
class Way:
    """A way to copy the tables of one database into an empty one.

    Attributes:
        job: What to run, for the URL of a target.
        relation: Where it puts a table.
        is_peer: Another tool, whose fastest is compared with.
        makes_tables: It makes the tables; otherwise they stand there without index before it begins.
    """

    name: str
    job: Callable[[BenchWorld, str], Job]
    relation: str = "{table}"
    is_peer: bool = False
    makes_tables: bool = True


@dataclass
class Runs:
    """What was measured of one way, round by round.

    Attributes:
        server_seconds: Processor seconds of the servers.
        differs: Tables of which some copy differed from its source.
        phases: Of our flow: where the time went, by its log.
        statements: Of our flow: which statements of the warehouse took longest.
        start_seconds: Of our flow: from the start of the process to the beginning of the run's record.
        run_seconds: Of our flow: from there to its end, which commits with the release.
    """

    measured: list[Measurement] = field(default_factory=list)
    server_seconds: list[float] = field(default_factory=list)
    differs: set[str] = field(default_factory=set)
    phases: list[str] = field(default_factory=list)
    statements: list[str] = field(default_factory=list)
    start_seconds: list[float] = field(default_factory=list)
    run_seconds: list[float] = field(default_factory=list)

    @property
    def seconds(self) -> list[float]:
        """Of each round."""
        return [run.seconds for run in self.measured]

    @property
    def all_cpu_seconds(self) -> list[float]:
        """Of each round, with the servers."""
        return [
            run.cpu_seconds + servers for run, servers in zip(self.measured, self.server_seconds, strict=True)
        ]

    def told(self) -> str:
        """The newest round in a line, for who waits."""
        run = self.measured[-1]
        return (
            f"{run.seconds:.2f} s, {run.cpu_seconds:.1f} CPU s and {self.server_seconds[-1]:.1f} of servers, "
            f"{run.peak_mb:.0f} MB{', other rows' if self.differs else ''}"
        )


def take_turns(
    ways: Mapping[str, Callable[[Runs], None]], rounds: int, is_peer: Callable[[str], bool]
) -> tuple[dict[str, Runs], dict[str, str]]:
    """Each way in each round; what was measured, and why others could not be.

    Raises:
        RuntimeError: A way failed that is no peer.
    """
    runs: dict[str, Runs] = {name: Runs() for name in ways}
    absent: dict[str, str] = {}
    for _ in range(rounds):
        for name in [name for name in ways if name not in absent]:
            try:
                ways[name](runs[name])
            except PeerAbsent as why:
                absent[name] = f"absent: {why}"
            except RuntimeError as why:
                if not is_peer(name):
                    raise
                absent[name] = f"failed: {str(why).strip().splitlines()[-1][:_SHOWN_CHARACTERS]}"
            else:
                print(f"  {name}: {runs[name].told()}", flush=True)
    return {name: found for name, found in runs.items() if name not in absent}, absent


def expected(world: BenchWorld) -> dict[str, Fingerprint]:
    """What each copy must hold."""
    return {table: source_fingerprint(world, SOURCE, table) for table in TABLES}


def copy_once(world: BenchWorld, way: Way, source: Mapping[str, Fingerprint], runs: Runs) -> None:
    """Copy into a new database, measure, hold the rows against the source, and remove the copy.

    Raises:
        RuntimeError: The command failed.
    """
    url = world.new_database("copied")
    clear(world)
    if not way.makes_tables:
        make_tables(world, "copied")
    run_measured(world, way.job(world, url), "copied", runs)
    for table in TABLES:
        found = fingerprint(world, "copied", table, way.relation.format(table=table))
        if found != source[table]:
            runs.differs.add(table)
    world.query("postgres", "drop database copied with (force)")


def run_measured(world: BenchWorld, job: Job, database: str, runs: Runs) -> None:
    """Measure one command, after what earlier ones left unwritten is written."""
    world.query("postgres", "checkpoint")
    log, started, used = StatementLog(world.postgresql), time.time(), world.server_cpu_seconds()
    runs.measured.append(measure(*job, PROJECT_DIR))
    runs.server_seconds.append(world.server_cpu_seconds() - used)
    if not world.query(database, "select 1 from pg_namespace where nspname = 'audit'"):
        return
    run = runs.measured[-1]
    runs.phases.append(phases(run.output, started, run.seconds))
    runs.statements.append(log.longest())
    newest = "select started_at, finished_at from audit.runs order by started_at desc limit 1"
    seconds = (
        f"select extract(epoch from started_at), extract(epoch from finished_at - started_at) from ({newest})"
    )
    (begun, taken), *_ = world.query(database, seconds)
    runs.start_seconds.append(float(str(begun)) - started)
    runs.run_seconds.append(float(str(taken)))


def clear(world: BenchWorld) -> None:
    """Forget what the ways keep outside the databases, but not what :func:`declare` has declared."""
    world.clear_state()
    for folder in ("catalog", "suites", "seldom", "dlt", "ingestr"):
        shutil.rmtree(world.folder / folder, ignore_errors=True)
        declared = world.folder / _DECLARED / folder
        if declared.is_dir():
            shutil.copytree(declared, world.folder / folder)
        else:
            (world.folder / folder).mkdir()


def declare(world: BenchWorld) -> float:
    """Write catalog and suites of the source, once for all rounds; how many seconds that took."""
    shutil.rmtree(world.folder / _DECLARED, ignore_errors=True)
    clear(world)
    command = [sys.executable, "-m", "etl.discovery", SOURCE]
    taken = measure(command, ours(world, world.postgresql.url("postgres"))[1], PROJECT_DIR)
    for folder in ("catalog", "suites"):
        shutil.copytree(world.folder / folder, world.folder / _DECLARED / folder)
    return taken.seconds


def make_tables(world: BenchWorld, database: str) -> None:
    """Tables as the source has them, without index."""
    for table, columns in COLUMNS.items():
        types = [
            f"{name} {_TYPES.get(name) or _TYPES_OF_KINDS.get(kind, 'bigint')}"
            for name, kind in columns.items()
        ]
        world.query(database, f"create table {table} ({', '.join(types)})")


def ours(world: BenchWorld, url: str, call: str = _REPLICATE, **settings: str) -> Job:
    """Our flow as a fresh process, whose state is what earlier runs left since :func:`clear`."""
    log_statements(url)
    folders = {"ETL_CATALOG_DIR": world.folder / "catalog", "ETL_SUITES_DIR": world.folder / "suites"}
    given = {"ETL_BENCH_URL": world.mysql.url + SOURCE, **{name: str(path) for name, path in folders.items()}}
    return [sys.executable, "-c", call], world.environment(url, **{**given, **settings})


def pipe(world: BenchWorld, url: str, with_keys: bool = False) -> Job:
    """The shell pipe; with the primary keys made after the rows where asked."""
    for name in ("mariadb", "sed", "psql"):
        program(name)
    source = ("127.0.0.1", str(world.mysql.port), USER, PASSWORD, SOURCE)
    return [str(PEERS_DIR / "pipe.sh"), *source, url, str(int(with_keys)), *TABLES], world.environment(url)


def dlt(
    world: BenchWorld, url: str, mode: str = "replace", source: str = SOURCE, tables: Sequence[str] = TABLES
) -> Job:
    """Dlt as its documentation has it for speed."""
    python = peer_folder("dlt") / "python"
    folder = world.folder / "dlt"
    environment = {
        **world.environment(url),
        "DLT_DATA_DIR": str(folder),
        "RUNTIME__DLTHUB_TELEMETRY": "false",
    }
    command = [str(python), str(PEERS_DIR / "dlt_copy.py"), world.mysql.url + source, url, str(folder), mode]
    return [*command, *tables], environment


def ingestr(world: BenchWorld, url: str, source: str = SOURCE, tables: Sequence[str] = TABLES) -> Job:
    """One process per table, one after the other."""
    commands = [[*ingestr_command(world, url, table, source), "--full-refresh"] for table in tables]
    return _one_after_the_other(commands), ingestr_environment(world, url)


def ingestr_command(world: BenchWorld, url: str, table: str, source: str = SOURCE) -> list[str]:
    """What ingestr is told for one table."""
    return [
        str(peer_folder("ingestr") / "ingestr"),
        "ingest",
        *("--source-uri", world.mysql.url + source, "--source-table", f"{source}.{table}"),
        *("--dest-uri", url, "--dest-table", f"public.{table}"),
        *("--yes", "--progress", "log"),
    ]


def ingestr_environment(world: BenchWorld, url: str) -> Mapping[str, str]:
    """Where it keeps what it knows, and that it tells nobody."""
    return {
        **world.environment(url),
        "PIPELINES_DIR": str(world.folder / "ingestr"),
        "DISABLE_TELEMETRY": "true",
    }


def _arrow_pipe(world: BenchWorld, url: str) -> Job:
    program("psql")
    python, source = str(peer_folder("connectorx") / "python"), world.mysql.url + SOURCE
    command = [str(PEERS_DIR / "arrow_pipe.sh"), python, str(PEERS_DIR), source, url, *TABLES]
    return command, world.environment(url)


def _ready_file(world: BenchWorld, url: str) -> Job:
    program("psql")
    command = [str(PEERS_DIR / "binary_file.sh"), str(world.folder / "ready"), url, *TABLES]
    return command, world.environment(url)


def _sling(world: BenchWorld, url: str) -> Job:
    sling = str(peer_folder("sling") / "sling")
    source, target = ("--src-conn", "SHOP", "--src-stream"), ("--tgt-conn", "COPIED", "--tgt-object")
    commands = [
        [sling, "run", *source, f"{SOURCE}.{table}", *target, f"public.{table}", "--mode", "full-refresh"]
        for table in TABLES
    ]
    environment = {**world.environment(url), "SHOP": world.mysql.url + SOURCE, "COPIED": url}
    return _one_after_the_other(commands), environment


def _one_after_the_other(commands: Sequence[Sequence[str]]) -> list[str]:
    return ["/bin/sh", "-ec", "\n".join(map(shlex.join, commands))]


WAYS = (
    Way(PIPE, pipe, makes_tables=False),
    Way(OURS, ours, "replica.bench__{table}"),
    Way(
        f"{PIPE}, then primary keys", lambda world, url: pipe(world, url, with_keys=True), makes_tables=False
    ),
    Way("dlt 1.31: connectorx, parquet, ADBC", dlt, "copied.{table}", is_peer=True),
    Way("ingestr 0.15.9", ingestr, "public.{table}", is_peer=True),
    Way("sling", _sling, "public.{table}", is_peer=True),
    Way(ARROW_PIPE, _arrow_pipe, makes_tables=False),
    Way(READY_FILE, _ready_file, makes_tables=False),
)
