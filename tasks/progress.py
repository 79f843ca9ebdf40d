"""Progress of long steps: a bar in the terminal and an artifact in Prefect."""

from __future__ import annotations

import re
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import cast
from uuid import UUID

from prefect.artifacts import create_progress_artifact, update_progress_artifact
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
)
from rich.progress import (
    Progress as Bar,
)

from etl.handles import Run

# An artifact of a shorter step, or one that is told more often, costs more than anybody sees.
TOLD_SECONDS = 1.0


def artifact_key(pipeline: str, what: str) -> str:
    """Name of an artifact of a pipeline; Prefect takes lower-case letters, digits and dashes only."""
    return re.sub(r"[^a-z0-9]+", "-", f"{pipeline} {what}".lower()).strip("-")


class Progress:
    """How far a step has come; Prefect is told of one that lasts, once a second at most, and of its end."""

    def __init__(self, bar: Bar, task: TaskID, total: int, run: Run, step: str) -> None:
        self._bar, self._task, self._total, self._done = bar, task, max(total, 1), 0
        self._key = artifact_key(run.pipeline, step)
        self._description = f"{step}, {total} pieces"
        self._artifact: UUID | None = None
        self._told_at = time.monotonic()

    def advance(self) -> None:
        """One more piece is done."""
        self._done = min(self._done + 1, self._total)
        self._bar.advance(self._task)
        is_due = time.monotonic() - self._told_at >= TOLD_SECONDS
        if is_due or (self._artifact and self._done == self._total):
            self._tell(100 * self._done / self._total)
            self._told_at = time.monotonic()

    def _tell(self, percent: float) -> None:
        if self._artifact is None:
            created = create_progress_artifact(percent, key=self._key, description=self._description)
            self._artifact = cast("UUID", created)
        else:
            update_progress_artifact(self._artifact, progress=percent)


@contextmanager
def open_progress(run: Run, step: str, total: int) -> Iterator[Progress]:
    """Show a step with so many pieces; in a terminal as a bar that goes away when it is done."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Bar(*columns, transient=True, disable=not sys.stderr.isatty()) as bar:
        yield Progress(bar, bar.add_task(step, total=total), total, run, step)
