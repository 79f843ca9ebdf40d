"""Bulk loading of one file into MySQL and PostgreSQL: ours, by hand, and pandas."""

from __future__ import annotations

import argparse
import re
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

import numpy as np
import pyarrow as pa
import sqlalchemy as sa
from pyarrow import csv

from etl.arrow_files import arrow_batches
from etl.embedded import EmbeddedServer
from etl.settings import PROJECT_DIR, Settings
from etl.warehouse import open_database
from tests.bench.measuring import Measurement
from tests.bench.measuring import measure as measure_process
from tests.bench.options import Options
from tests.bench.page import Section, spread
from tests.bench.peers.environments import PeerAbsent, program
from tests.bench.warehouses import write_file
from tests.servers import PASSWORD, USER, MySqlServer, temporary_folder

RELATION = "marts.order_lines"
COLUMNS = {
    "line_id": "bigint",
    "order_id": "bigint",
    "product_id": "bigint",
    "quantity": "integer",
    "unit_price": "decimal(12,2)",
    "status": "text",
    "note": "text",
    "ordered_at": "timestamp",
}
_ALONE = "load alone: {} s"
_NOTES = ("", "a gift", "with a tab\tand a quote '", "über\nzwei Zeilen", "\\N 😀")
_HEADER = (
    "system",
    "what",
    "seconds, whole process",
    "x by hand, whole process",
    "seconds, load alone",
    "x by hand, load alone",
    "rows/s",
    "CPU s of the client",
    "MiB",
    "rows equal",
)
_TEXT = """
{rows:,} rows of eight columns, among them texts with tabs, line ends, backslashes and NULL, from one file
into an empty table with a primary key. By hand is what a database administrator would do with the same rows:
on MySQL `LOAD DATA LOCAL INFILE` of a ready tab-separated file by the `mariadb` client, on PostgreSQL
`\\copy` of a ready CSV file by psql; making these files is not counted. Ours reads the Arrow file of
preparation and streams it without a temporary file. What the servers use is not counted. pandas is `to_sql`
with `method="multi"` and 10,000 rows a statement. Aim: on MySQL a load of at most 1.2 x that by hand.

A whole process is measured from its start to its end. The load alone is what a run pays, whose flow has
imported what it needs before: of ours the time from the open session to the commit, of pandas from the file
on. The programs by hand have next to nothing to start: all of their time stands in both columns.
"""
_WHY = """
What our process takes longer as a whole is the import of Arrow, pandas, SQLAlchemy and the catalog's models.
The rows are written as text in a thread, while the server takes what came before.
"""


@dataclass(frozen=True)
class Way:
    """A way to load the file into a system."""

    system: str
    name: str
    command: Callable[[Path, str], Sequence[str]]


def measure(options: Options) -> Section:
    """A third of the lines as rows, each way in turn."""
    rows = options.lines // 3
    with temporary_folder() as folder:
        _write_files(rows, folder)
        server = MySqlServer.start(folder, ("--innodb-buffer-pool-size=1G", "--innodb-log-file-size=1G"))
        embedded = EmbeddedServer(folder / "postgresql", (("max_wal_size", "8GB"),))
        embedded.start()
        embedded.create_database("bench")
        urls = {
            "MySQL": server.url.replace("mysql://", "mysql+mysqlconnector://") + "bench",
            "PostgreSQL": embedded.url("bench"),
        }
        try:
            lines = _measured(urls, folder, rows, options.rounds)
        finally:
            server.stop()
            embedded.stop()
    return Section(
        title="Bulk loading of a file",
        command=f"make bench ARGS='loading --lines {options.lines} --rounds {options.rounds}'",
        text=_TEXT.format(rows=rows),
        header=_HEADER,
        rows=lines,
        note=_WHY,
    )


def load(url: str, file: Path, how: str) -> None:
    """Load the file and say how long; ``inserts`` as on a server that takes no files of clients."""
    database = open_database(url, Settings(_env_file=None))
    if how == "inserts":
        database.permits_local = False  # type: ignore[attr-defined]
    with database.session() as session:
        started = time.perf_counter()
        session.load(database.quote(*RELATION.split(".")), file, list(COLUMNS))
    print(_ALONE.format(time.perf_counter() - started))


def load_by_pandas(url: str, file: Path) -> None:
    """Load the file as one would with pandas, and say how long."""
    started = time.perf_counter()
    engine = sa.create_engine(url.rpartition("/")[0] + "/bench_marts")
    frame = pa.Table.from_batches(arrow_batches(file)).to_pandas()
    frame["ordered_at"] = frame["ordered_at"].dt.tz_localize(None)
    frame.to_sql("order_lines", engine, if_exists="append", index=False, method="multi", chunksize=10_000)
    print(_ALONE.format(time.perf_counter() - started))


def _measured(urls: dict[str, str], folder: Path, rows: int, rounds: int) -> list[list[str]]:
    runs: dict[Way, list[Measurement]] = {way: [] for way in WAYS}
    found: dict[Way, list[object]] = {}
    absent: dict[Way, str] = {}
    for _ in range(rounds):
        for way in WAYS:
            url = urls[way.system]
            _empty_table(url)
            try:
                runs[way].append(measure_process(way.command(folder, url), None, PROJECT_DIR))
            except PeerAbsent as why:
                absent[way] = f"absent: {why}"
                continue
            found[way] = _sums(url)
            print(f"  {way.system}, {way.name}: {runs[way][-1].seconds:.2f} s", flush=True)
    lines = []
    for way in WAYS:
        if way in absent:
            lines.append([way.system, way.name, absent[way], *[""] * (len(_HEADER) - 3)])
            continue
        seconds, inside = [run.seconds for run in runs[way]], [_inside(run) for run in runs[way]]
        by_hand = [run.seconds for run in runs[next(w for w in WAYS if w.system == way.system)]]
        lines.append(
            [
                way.system,
                way.name,
                spread(seconds),
                _ratios(seconds, by_hand),
                spread(inside),
                _ratios(inside, by_hand),
                f"{rows / statistics.median(seconds):,.0f}",
                spread([run.cpu_seconds for run in runs[way]]),
                f"{max(run.peak_mb for run in runs[way]):.0f}",
                "yes" if found[way] == found[WAYS[0]] else "**no**",
            ]
        )
    return lines


def _inside(run: Measurement) -> float:
    """Seconds of the load alone, where the process says them; a program by hand does nothing else."""
    told = re.search(_ALONE.format(r"([\d.]+)"), run.output)
    return float(told[1]) if told else run.seconds


def _ratios(seconds: list[float], by_hand: list[float]) -> str:
    ratios = [a / b for a, b in zip(seconds, by_hand, strict=False)]
    return spread(ratios) if ratios else ""


def _write_files(rows: int, folder: Path) -> None:
    at = np.arange(rows)
    table = pa.table(
        {
            "line_id": pa.array(at),
            "order_id": pa.array(at // 3),
            "product_id": pa.array(at * 7919 % 20_000),
            "quantity": pa.array((at % 5 + 1).astype("int32")),
            "unit_price": pa.array([Decimal(int(i) % 100_000) / 100 for i in at], pa.decimal128(12, 2)),
            "status": pa.array([("paid", "shipped", "returned")[i % 3] for i in at]),
            "note": pa.array([_NOTES[i % 5] if i % 7 else None for i in at]),
            "ordered_at": pa.array(at * 1_000_003 + 1_700_000_000_000_000, pa.timestamp("us", "UTC")),
        }
    )
    write_file(table, folder / "lines.arrow")
    told = table.set_column(7, "ordered_at", table["ordered_at"].cast(pa.timestamp("us")).cast(pa.string()))
    csv.write_csv(told, folder / "lines.csv", csv.WriteOptions(include_header=False))
    with (folder / "lines.tsv").open("w", encoding="utf-8", newline="") as file:
        escapes = str.maketrans({"\\": "\\\\", "\t": "\\t", "\n": "\\n"})
        for batch in told.to_batches(100_000):
            columns = [column.cast(pa.string()).to_pylist() for column in batch.columns]
            for row in zip(*columns, strict=True):
                file.write("\t".join("\\N" if v is None else v.translate(escapes) for v in row) + "\n")


def _empty_table(url: str) -> None:
    database = open_database(url, Settings(_env_file=None))
    with database.own_session() as session:
        session.drop_schema("marts")
        session.execute(f"create schema {database.quote(database.schema('marts'))}")
        types = [
            f"{name} {database.type_of(kind)}{' not null primary key' if name == 'line_id' else ''}"
            for name, kind in COLUMNS.items()
        ]
        session.execute(f"create table {RELATION} ({', '.join(types)})")


def _sums(url: str) -> list[object]:
    """Counts and sums that tell rows apart, the same on both systems."""
    with open_database(url, Settings(_env_file=None)).session() as session:
        row = session.rows(
            "select count(*) as n, sum(line_id * quantity) as q, sum(unit_price) as p, count(note) as notes,"
            " sum(char_length(note)) as characters, sum(char_length(status)) as states,"
            f" min(ordered_at) as first_at, max(ordered_at) as last_at from {RELATION}"
        )[0]
        return [int(v) if isinstance(v, Decimal) and v == int(v) else v for v in row.values()]


def _by_mariadb(folder: Path, url: str) -> list[str]:
    program("mariadb")
    address = sa.make_url(url)
    names = ", ".join(COLUMNS)
    statement = (
        f"load data local infile '{folder}/lines.tsv' into table order_lines character set utf8mb4 ({names})"
    )
    login = [f"--user={USER}", f"--password={PASSWORD}", "--host=127.0.0.1", f"--port={address.port}"]
    return ["mariadb", *login, "--local-infile=1", "bench_marts", "-e", statement]


def _by_psql(folder: Path, url: str) -> list[str]:
    program("psql")
    copy = f"\\copy {RELATION} from '{folder}/lines.csv' with (format csv)"
    return ["psql", url, "--no-psqlrc", "--quiet", "-c", "set time zone 'UTC'", "-c", copy]


def _ours(how: str) -> Callable[[Path, str], list[str]]:
    return lambda folder, url: [
        *(sys.executable, "-m", "tests.bench.loading", how, url, str(folder / "lines.arrow"))
    ]


WAYS = (
    Way("MySQL", "by hand: LOAD DATA LOCAL INFILE of a ready file", _by_mariadb),
    Way("MySQL", "this project: LOAD DATA LOCAL out of the Arrow file", _ours("bulk")),
    Way("MySQL", "this project: batched inserts, where the server takes no files", _ours("inserts")),
    Way("MySQL", "pandas: to_sql", _ours("pandas")),
    Way("PostgreSQL", "by hand: \\copy of a ready file", _by_psql),
    Way("PostgreSQL", "this project: binary COPY out of the Arrow file", _ours("bulk")),
)


def main() -> None:
    """One load, as a process of its own."""
    parser = argparse.ArgumentParser()
    parser.add_argument("how", choices=["bulk", "inserts", "pandas"])
    parser.add_argument("url")
    parser.add_argument("file", type=Path)
    given = parser.parse_args()
    if given.how == "pandas":
        load_by_pandas(given.url, given.file)
    else:
        load(given.url, given.file, given.how)


if __name__ == "__main__":
    main()
