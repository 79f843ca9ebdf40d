"""Programs that outlive the command that started them, known by a file with their process id."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import psutil

from etl.errors import ConfigError
from etl.settings import PROJECT_DIR

PATIENCE_SECONDS = 20
LAST_LOG_LINES = 6


@dataclass(frozen=True, slots=True)
class Service:
    """A program in the background.

    Attributes:
        name: Says what it is, and names its files ``<name>.pid`` and ``<name>.log``.
        folder: Where these files are.
    """

    name: str
    folder: Path

    @property
    def log(self) -> Path:
        """What the program says."""
        return self.folder / f"{self.name}.log"

    def start(self, arguments: Sequence[str], environment: Mapping[str, str]) -> None:
        """Start a Python module in a session of its own, which Ctrl-C in this terminal does not reach."""
        self.folder.mkdir(parents=True, exist_ok=True)
        with self.log.open("ab") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", *arguments],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                cwd=PROJECT_DIR,
                env={**os.environ, **environment},  # noqa: TID251 - handed on, not read
                start_new_session=True,
            )
        started = psutil.Process(process.pid).create_time()
        self._pid_file.write_text(f"{process.pid} {started}\n", encoding="utf-8")

    def running(self) -> psutil.Process | None:
        """The process, if it is the very one that was started and still lives."""
        try:
            pid, started = self._pid_file.read_text(encoding="utf-8").split()
            process = psutil.Process(int(pid))
            alive = process.create_time() == float(started) and process.status() != psutil.STATUS_ZOMBIE
        except (FileNotFoundError, ValueError, psutil.NoSuchProcess):
            return None
        return process if alive else None

    def listens_on(self, port: int) -> bool:
        """Whether this very program, and not another, listens on a TCP port of this machine."""
        try:
            process = self.running()
            connections = process.net_connections("tcp") if process else []
        except psutil.NoSuchProcess:
            return False
        return any(c.status == psutil.CONN_LISTEN and c.laddr[1] == port for c in connections)

    def check(self) -> None:
        """Raise when the program has ended by itself.

        Raises:
            ConfigError: With the last lines that it said.
        """
        if self.running() is None:
            lines = (
                self.log.read_text(encoding="utf-8", errors="replace").splitlines()
                if self.log.exists()
                else []
            )
            said = "\n    ".join(lines[-LAST_LOG_LINES:]) or "nothing"
            raise ConfigError(
                f"The {self.name} ended by itself. It said:\n    {said}", f"The whole log is {self.log}."
            )

    def stop(self) -> bool:
        """End the program and all that it started; False when it did not run."""
        process = self.running()
        if process is None:
            self._pid_file.unlink(missing_ok=True)
            return False
        family = [process, *process.children(recursive=True)]
        with suppress(psutil.NoSuchProcess):
            process.terminate()
        psutil.wait_procs(family, timeout=PATIENCE_SECONDS)
        for member in family:
            with suppress(psutil.NoSuchProcess):
                member.kill()
        psutil.wait_procs(family, timeout=PATIENCE_SECONDS)
        self._pid_file.unlink(missing_ok=True)
        return True

    @property
    def _pid_file(self) -> Path:
        return self.folder / f"{self.name}.pid"
