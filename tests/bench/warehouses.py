"""A warehouse of a benchmark: runs are staged from ready files, or made in place, and released."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import psutil
import psycopg2
import pyarrow as pa

from etl.arrow_files import ArrowFileWriter
from etl.catalog import Catalog
from etl.embedded import EmbeddedServer
from etl.handles import Extract, LandedFile, PreparedFile, Release, Run, TablePlan
from etl.identifiers import quote_postgresql
from etl.settings import get_settings
from etl.warehouse import open_warehouse
from etl.windows import Window
from tests.servers import temporary_folder

_OPTIONS = (("shared_buffers", "2GB"), ("max_wal_size", "8GB"))


@contextmanager
def opened_server() -> Iterator[tuple[EmbeddedServer, Path]]:
    """A PostgreSQL server of its own, which keeps what it commits, and a folder that ends with it."""
    with temporary_folder() as folder:
        server = EmbeddedServer(folder / "postgresql", _OPTIONS)
        server.start()
        try:
            yield server, folder
        finally:
            server.stop()


@dataclass
class Staged:
    """What one table of a run is staged from: a prepared file, or a query for its columns and the cursor."""

    table: str
    path: Path | None = None
    query: str = ""
    row_count: int = 0


@dataclass(frozen=True)
class Timing:
    """Seconds of one run, and what the release did."""

    copy: float
    settle: float
    publish: float
    release: Release

    @property
    def total(self) -> float:
        """From the ready file to the commit."""
        return self.copy + self.settle + self.publish


class BenchWarehouse:
    """A migrated warehouse with a catalog."""

    def __init__(self, url: str, catalog: Catalog) -> None:
        self.url, self.catalog = url, catalog
        self.warehouse = open_warehouse(url, get_settings(), catalog)
        self.warehouse.migrate()

    def load(
        self, tables: Sequence[Staged], as_of: str, when_staged: Callable[[], None] = lambda: None
    ) -> Timing:
        """One run over tables; ``when_staged`` is called between their arrival in staging and all else."""
        run_id = uuid.uuid4().hex
        run = Run(run_id, "bench", None, False, f"staging_{run_id}")
        self.warehouse.begin_run(run, [self.catalog.tables[each.table] for each in tables])
        started = time.perf_counter()
        for each in tables:
            self.stage(each, run)
        when_staged()
        copied = time.perf_counter()
        known = self.warehouse.watermarks()
        plans = [
            TablePlan(each.table, known.get(each.table), Window(None, as_of), as_of, False) for each in tables
        ]
        staged = [self.warehouse.settle(plan, run) for plan in plans]
        settled = time.perf_counter()
        release = self.warehouse.publish(run, staged, [])
        published = time.perf_counter()
        self.warehouse.end_run(run, "succeeded", "", [])
        return Timing(copied - started, settled - copied, published - settled, release)

    def stage(self, staged: Staged, run: Run) -> None:
        """Bring the rows of one table into the staging of a run."""
        table = self.catalog.tables[staged.table]
        if staged.path is not None:
            self.warehouse.stage_part(prepared_file(staged), run)
            return
        columns = ", ".join(quote_postgresql(name) for name in [*table.prepared_columns, "_cursor"])
        relation = quote_postgresql(run.staging_schema, table.relation)
        parts = quote_postgresql(run.staging_schema, "_parts")
        self.execute(
            f"insert into {relation} ({columns}) {staged.query}",
            f"insert into {parts} select '{table.relation}', '1of1', count(*), 0, 0 from {relation}",
        )

    def execute(self, *statements: str) -> list[tuple[object, ...]]:
        """Run statements, each in a transaction of its own; the rows of the last one."""
        return execute(self.url, *statements)

    def settled_down(self) -> None:
        """Statistics and visibility as autovacuum leaves them, and nothing left to write."""
        self.execute("vacuum analyze", "checkpoint")


def execute(url: str, *statements: str) -> list[tuple[object, ...]]:
    """Run statements, each in a transaction of its own; the rows of the last one."""
    connection = psycopg2.connect(url, options="-c timezone=UTC")
    connection.autocommit = True
    rows: list[tuple[object, ...]] = []
    with connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)
            rows = cursor.fetchall() if cursor.description else []
    connection.close()
    return rows


def write_file(table: pa.Table, path: Path) -> Path:
    """A prepared file of these rows, in batches as they come out of preparing."""
    with ArrowFileWriter(path, table.schema) as writer:
        for batch in table.to_batches(max_chunksize=65_536):
            writer.write(batch)
    return path


def prepared_file(staged: Staged) -> PreparedFile:
    """The handle of a ready file without rejected rows."""
    assert staged.path is not None
    landed = LandedFile(Extract(staged.table, Window()), staged.path, staged.row_count, 0, 0.0)
    return PreparedFile(landed, staged.path, staged.row_count, staged.path, 0, 0.0)


def catalog_of(
    tables: Mapping[str, Mapping[str, object]], dimensions: Mapping[str, Mapping[str, object]]
) -> Catalog:
    """A catalog of one source, named ``bench``."""
    return Catalog.model_validate(
        {
            "sources": {"bench": {"name": "bench", "description": "Benchmark", "url_setting": "shop_url"}},
            "tables": {
                f"bench.{name}": {"name": name, "source": "bench", "description": name, "table": name, **rest}
                for name, rest in tables.items()
            },
            "dimensions": {
                name: {"name": name, "description": name, **rest} for name, rest in dimensions.items()
            },
            "facts": {},
        }
    )


def server_cpu_seconds(server: EmbeddedServer) -> float:
    """Processor seconds of all processes of a server, those that ended included."""
    first = psutil.Process(int((server.data_dir / "postmaster.pid").read_text().split()[0]))
    ended = first.cpu_times()
    seconds = float(ended.user + ended.system + ended.children_user + ended.children_system)
    for process in first.children(recursive=True):
        with suppress(psutil.Error):
            seconds += process.cpu_times().user + process.cpu_times().system
    return seconds
