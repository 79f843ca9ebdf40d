"""A MariaDB or MySQL server of the tests' own: a free port of this machine, a temporary folder."""

from __future__ import annotations

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from mysql import connector as mysql_connector

PROGRAMS = ("mariadbd", "mysqld")
FOLDERS = os.pathsep.join((os.environ.get("PATH", ""), "/usr/sbin", "/usr/libexec", "/usr/local/sbin"))
# The packages with the programs only: no service is set up, none is started.
DEBIAN_PACKAGES = ("mariadb-server-core", "mariadb-client-core")
USER, PASSWORD = "tester", "password-of-the-tests"
START_SECONDS = 60


class ServerMissing(Exception):
    """No such server on this machine, and none could be installed; says how to get one."""


@dataclass(frozen=True)
class MySqlServer:
    """A running server.

    Attributes:
        url: ``mysql://user:password@host:port/`` of an account that may do everything.
    """

    url: str
    port: int
    process: subprocess.Popen[bytes]

    @classmethod
    def start(cls, folder: Path, options: Sequence[str] = ()) -> MySqlServer:
        """Make a data folder below ``folder`` and start a server on it.

        Args:
            options: Of the server; they replace those of a server for tests, which forgets in a crash.

        Raises:
            ServerMissing: There is no program for it.
        """
        program = _find_program() or _install_program()
        account = ["--user=" + _server_user(folder)] if os.geteuid() == 0 else []
        data = folder / "mysql"
        # A server that starts removes what others have in a folder for temporary tables that they share.
        environment = {**os.environ, "TMPDIR": str(folder)}
        _make_data(program, data, account, environment)
        (folder / "init.sql").write_text(
            f"create user '{USER}'@'%' identified by '{PASSWORD}';\n"
            f"grant all privileges on *.* to '{USER}'@'%' with grant option;\n",
            encoding="utf-8",
        )
        port = _free_port()
        process = subprocess.Popen(
            [program, "--no-defaults", *account, f"--datadir={data}", *_options(folder, port), *options],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env=environment,
        )
        _wait_until_ready(process, port, folder / "mysql.log")
        return cls(f"mysql://{USER}:{PASSWORD}@127.0.0.1:{port}/", port, process)

    def stop(self) -> None:
        """Stop the server; its data is not needed any more."""
        self.process.kill()
        self.process.wait()


@contextmanager
def temporary_folder() -> Iterator[Path]:
    """A folder with a short path (for sockets) that a server with an account of its own can enter."""
    folder = Path(tempfile.mkdtemp(prefix="storehouse-test-"))
    folder.chmod(0o755)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _find_program() -> str | None:
    return next((found for name in PROGRAMS if (found := shutil.which(name, path=FOLDERS))), None)


def _install_program() -> str:
    command = f"apt-get install {' '.join(DEBIAN_PACKAGES)}"
    how = f"No MySQL-protocol server: as root on Debian '{command}', or set ETL_TEST_MYSQL_URL."
    apt = shutil.which("apt-get")
    if os.geteuid() != 0 or apt is None:
        raise ServerMissing(how)
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    for arguments in (["update", "-q"], ["install", "-qy", "--no-install-recommends", *DEBIAN_PACKAGES]):
        done = subprocess.run([apt, *arguments], env=environment, check=False, capture_output=True, text=True)
    program = _find_program()
    if program is None:
        last = (done.stderr.strip().splitlines() or ["it said nothing"])[-1]
        raise ServerMissing(f"{how} apt-get failed: {last}")
    return program


def _server_user(folder: Path) -> str:
    """An account for the server, which refuses to run as root; owns what the server writes."""
    names = {account.pw_name for account in pwd.getpwall()}
    user = "mysql" if "mysql" in names else "nobody"
    shutil.chown(folder, user)
    return user


def _make_data(program: str, data: Path, account: list[str], environment: dict[str, str]) -> None:
    if installer := shutil.which("mariadb-install-db"):
        command = [
            installer,
            "--no-defaults",
            *account,
            f"--datadir={data}",
            "--skip-test-db",
            "--skip-name-resolve",
        ]
    else:
        command = [program, "--no-defaults", "--initialize-insecure", *account, f"--datadir={data}"]
    done = subprocess.run(command, env=environment, check=False, capture_output=True, text=True)
    if done.returncode != 0:
        raise RuntimeError(f"{command[0]} failed: {done.stdout[-500:]} {done.stderr[-500:]}")


def _options(folder: Path, port: int) -> list[str]:
    return [
        "--bind-address=127.0.0.1",
        f"--port={port}",
        f"--socket={folder}/mysql.sock",
        f"--pid-file={folder}/mysql.pid",
        f"--log-error={folder}/mysql.log",
        f"--init-file={folder}/init.sql",
        "--skip-name-resolve",
        "--local-infile=ON",
        "--character-set-server=utf8mb4",
        "--innodb-buffer-pool-size=128M",
        "--innodb-flush-log-at-trx-commit=0",
        "--innodb-doublewrite=0",
        "--sync-binlog=0",
    ]


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wait_until_ready(process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        try:
            mysql_connector.connect(host="127.0.0.1", port=port, user=USER, password=PASSWORD).close()
        except mysql_connector.Error:
            time.sleep(0.1)
        else:
            return
    process.kill()
    said = log.read_text(encoding="utf-8", errors="replace")[-800:] if log.exists() else "it wrote no log"
    raise RuntimeError(f"The server did not start: {said}")
