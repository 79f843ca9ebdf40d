"""Measures a command as whole processes: seconds, processor seconds, and the memory of the largest one."""

from __future__ import annotations

import os
import resource
import subprocess
import tempfile
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil

_SAMPLE_SECONDS = 0.05
_SHOWN_CHARACTERS = 4_000


@dataclass(frozen=True)
class Measurement:
    """What one run of a command took.

    Attributes:
        seconds: From the start of the process to its end.
        cpu_seconds: Of the command and all its processes; the servers are not in it.
        peak_mb: Largest resident memory that any one of its processes had, in MiB.
        output: What it printed.
    """

    seconds: float
    cpu_seconds: float
    peak_mb: float
    output: str


def measure(
    command: Sequence[str], environment: Mapping[str, str] | None = None, folder: Path | None = None
) -> Measurement:
    """Run a command to its end.

    Raises:
        RuntimeError: It failed; ends with what it printed.
    """
    with tempfile.TemporaryFile() as output:
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        started = time.perf_counter()
        process = subprocess.Popen(
            command,
            env=dict(environment or os.environ),
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
        peak = _PeakOfTree(process.pid)
        peak.start()
        code = process.wait()
        seconds = time.perf_counter() - started
        peak.stop()
        used = resource.getrusage(resource.RUSAGE_CHILDREN)
        output.seek(0)
        said = output.read().decode("utf-8", errors="replace")
    if code:
        raise RuntimeError(f"{command[0]} ended with code {code}:\n{said[-_SHOWN_CHARACTERS:]}")
    cpu = used.ru_utime + used.ru_stime - before.ru_utime - before.ru_stime
    return Measurement(seconds, cpu, peak.bytes / 2**20, said)


class _PeakOfTree(threading.Thread):
    """Looks at a process and its children twenty times a second; each remembers its own highest mark."""

    def __init__(self, pid: int) -> None:
        super().__init__(daemon=True)
        self.bytes = 0
        self._pid = pid
        self._ended = threading.Event()

    def run(self) -> None:
        while not self._ended.wait(_SAMPLE_SECONDS):
            try:
                root = psutil.Process(self._pid)
                for process in [root, *root.children(recursive=True)]:
                    self.bytes = max(self.bytes, _high_water_mark(process.pid))
            except psutil.Error:
                continue

    def stop(self) -> None:
        """End the looking."""
        self._ended.set()
        self.join()


def _high_water_mark(pid: int) -> int:
    """``VmHWM`` of Linux: what the process had at its highest so far, in bytes; 0 when it is gone."""
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM:")), 0)
