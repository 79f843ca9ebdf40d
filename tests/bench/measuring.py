"""Measures a command as whole processes: seconds, processor seconds, and the memory of the largest one."""

from __future__ import annotations

import os
import resource
import subprocess
import tempfile
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
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
        peaks_mb: Largest resident memory of each kind of process, by what it runs.
    """

    seconds: float
    cpu_seconds: float
    peak_mb: float
    output: str
    peaks_mb: Mapping[str, float] = field(default_factory=dict)


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
    peaks = {name: found / 2**20 for name, found in peak.bytes_by_name.items()}
    return Measurement(seconds, cpu, max(peaks.values(), default=0), said, peaks)


def cpu_seconds(process: psutil.Process) -> float:
    """Of a process and all its descendants, those that ended included."""
    own = process.cpu_times()
    ended = own.children_user + own.children_system
    return float(own.user + own.system + ended + sum(_cpu_or_nothing(c) for c in process.children()))


def _cpu_or_nothing(process: psutil.Process) -> float:
    try:
        return cpu_seconds(process)
    except psutil.NoSuchProcess:  # it ended meanwhile, and counts in its parent from then on
        return 0


class _PeakOfTree(threading.Thread):
    """Looks at a process and its children twenty times a second; each remembers its own highest mark."""

    def __init__(self, pid: int) -> None:
        super().__init__(daemon=True)
        self.bytes_by_name: dict[str, int] = {}
        self._pid = pid
        self._ended = threading.Event()

    def run(self) -> None:
        while not self._ended.wait(_SAMPLE_SECONDS):
            try:
                root = psutil.Process(self._pid)
                for process in [root, *root.children(recursive=True)]:
                    name, mark = _what_it_runs(process.cmdline()), _high_water_mark(process.pid)
                    self.bytes_by_name[name] = max(self.bytes_by_name.get(name, 0), mark)
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


def _what_it_runs(command: Sequence[str]) -> str:
    """Of Python the module or script, of others the program; a text of Python is the flow itself."""
    program, *arguments = command or ["?"]
    if not Path(program).name.startswith("python"):
        return Path(program).name
    for at, word in enumerate(arguments):
        if word == "-c":
            return "flow" if "flows." in arguments[at + 1] else "helper of Python"
        if word == "-m":
            return arguments[at + 1]
        if not word.startswith("-"):
            return Path(word).name
    return "python"
