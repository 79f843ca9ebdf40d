"""The servers of a benchmark, each its own: MariaDB as the shop, PostgreSQL as the warehouse, Prefect.

Both databases keep what they commit (fsync on) and have 2 GB of buffers.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
import psycopg2
from mysql import connector as mysql_connector

from deployments import services
from deployments.services import LocalPrefect
from etl.embedded import EmbeddedServer
from tests.bench.measuring import cpu_seconds
from tests.servers import PASSWORD, USER, MySqlServer, temporary_folder

SQL_DIR = Path(__file__).with_name("sql")
_MARIADB = (
    "--innodb-buffer-pool-size=2G",
    "--innodb-flush-log-at-trx-commit=1",
    "--innodb-doublewrite=1",
    "--innodb-log-file-size=1G",
)
_POSTGRESQL = (("shared_buffers", "2GB"), ("max_wal_size", "8GB"))


@dataclass(frozen=True)
class BenchWorld:
    """What a benchmark works with; ends with the context that opened it."""

    folder: Path
    mysql: MySqlServer
    postgresql: EmbeddedServer
    prefect_url: str

    def run_sql(self, database: str, file: str, values: Mapping[str, int]) -> None:
        """Make a database of the shop's server anew and run a file of this folder in it."""
        self.query_mysql(f"drop database if exists {database}", f"create database {database}")
        self.run_file(database, file, values)

    def run_file(self, database: str, file: str | Path, values: Mapping[str, int]) -> None:
        """Run a file, of this folder or by its path, in a database of the shop's server."""
        statements = (SQL_DIR / file).read_text("utf-8").format(**values).split(";\n")
        self.query_mysql(*filter(str.strip, statements), database=database)

    def query_mysql(self, *statements: str, database: str | None = None) -> list[tuple[object, ...]]:
        """Run statements on the shop's server; the rows of the last one."""
        at = {"host": "127.0.0.1", "port": self.mysql.port, "user": USER, "password": PASSWORD}
        connection: Any = mysql_connector.connect(**at, database=database, autocommit=True, charset="utf8mb4")
        rows: list[tuple[object, ...]] = []
        with connection.cursor() as cursor:
            for statement in statements:
                cursor.execute(statement)
                rows = list(cursor.fetchall()) if cursor.with_rows else []
        connection.close()
        return rows

    def query(self, database: str, statement: str) -> list[tuple[object, ...]]:
        """Run one statement in a database of the warehouse's server."""
        connection = psycopg2.connect(self.postgresql.url(database))
        connection.autocommit = True
        with connection.cursor() as cursor:
            cursor.execute(statement)
            rows = cursor.fetchall() if cursor.description else []
        connection.close()
        return rows

    def new_database(self, name: str) -> str:
        """URL of an empty database of the warehouse's server."""
        self.query("postgres", f"drop database if exists {name} with (force)")
        self.postgresql.create_database(name)
        return self.postgresql.url(name)

    def environment(self, warehouse_url: str, **more: str) -> dict[str, str]:
        """Of a process that runs flows: as here, with the warehouse and a state folder of its own."""
        state = self.folder / "state"
        return {
            **os.environ,
            "PREFECT_API_URL": self.prefect_url,
            "PREFECT_HOME": str(self.folder / "prefect"),
            "ETL_WAREHOUSE_URL": warehouse_url,
            "ETL_STATE_DIR": str(state),
            **more,
        }

    def server_cpu_seconds(self) -> float:
        """What the two database servers and Prefect's have used so far; backends that ended are in it."""
        postmaster = (self.postgresql.data_dir / "postmaster.pid").read_text("utf-8").split()[0]
        prefect = LocalPrefect(self.folder / "prefect").server.running()
        servers = [psutil.Process(self.mysql.process.pid), psutil.Process(int(postmaster)), prefect]
        return sum(cpu_seconds(server) for server in servers if server)

    def clear_state(self) -> None:
        """Forget what runs left outside the databases."""
        shutil.rmtree(self.folder / "state", ignore_errors=True)


@contextmanager
def opened_world() -> Iterator[BenchWorld]:
    """Start all servers, and stop them at the end."""
    with temporary_folder() as folder:
        mysql = MySqlServer.start(folder, _MARIADB)
        postgresql = EmbeddedServer(folder / "postgresql", _POSTGRESQL)
        postgresql.start()
        services.USUAL_PORT = 0  # never that of a server which people use
        prefect = LocalPrefect(folder / "prefect")
        try:
            yield BenchWorld(folder, mysql, postgresql, prefect.ensure_server())
        finally:
            prefect.server.stop()
            postgresql.stop()
            mysql.stop()
