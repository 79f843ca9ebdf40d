"""Locks by name: one writer per pipeline and table (law R5); they end with the session that holds them."""

from __future__ import annotations

import time
from dataclasses import dataclass

from etl.errors import PipelineBusy
from etl.handles import Run
from etl.warehouse.database import Session

# A signal that cancels a run is seen between two waits in the server's queue.
WAIT_SECONDS = 2.0


@dataclass(frozen=True, slots=True)
class Lock:
    """A lock by its name.

    Attributes:
        whose: Says which run holds it, for messages: "Another run <whose> goes on".
        shared: Held together with others who share it.
    """

    name: str
    whose: str
    shared: bool = False


def locks_of(run: Run) -> list[Lock]:
    """What a run holds: its pipeline and the tables that it reads, in one order for all."""
    tables = [
        Lock(f"storehouse:table:{name}", f"reading {name}", run.is_backfill) for name in sorted(run.tables)
    ]
    return [pipeline_lock(run), *tables]


def pipeline_lock(run: Run) -> Lock:
    """What no two runs hold at once."""
    return Lock(f"storehouse:{run.lock_name}", f"of {run.lock_name}")


def hold(session: Session, locks: list[Lock], patience_seconds: int) -> None:
    """Take locks for the session, first come, first served.

    Who waits stands in the server's queue, so that the days of a backfill, which come and go and
    share their tables, let a run in that wants them for itself.

    Raises:
        PipelineBusy: Others held one of them for too long.
    """
    deadline = time.monotonic() + patience_seconds
    for lock in locks:
        while not _is_taken(session, lock, min(WAIT_SECONDS, deadline - time.monotonic())):
            if time.monotonic() >= deadline:
                raise PipelineBusy(
                    f"Another run {lock.whose} goes on, for longer than the"
                    f" {patience_seconds} s that this one waited (law R5).",
                    "Wait until it has ended, or cancel it in Prefect; a killed run leaves no lock behind.",
                )


def try_lock(session: Session, lock: Lock) -> bool:
    """Take a lock for the transaction if nobody holds it now."""
    return session.try_hold(lock.name)


def _is_taken(session: Session, lock: Lock, seconds: float) -> bool:
    return session.lock(lock.name, shared=lock.shared, seconds=seconds)
