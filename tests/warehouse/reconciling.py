"""One run of reconcile over rows that a test writes down, through the real staging and the real release."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from typing import Any

import pytest

from etl.errors import TransientError
from etl.handles import StagedTable, TablePlan
from etl.warehouse.reconciliation import Reconciliation
from etl.warehouse.reconciling.comparing import RangeSize
from etl.windows import Window
from tests.warehouse.world import Batch, World

LATER = "2026-06-02 00:00:00.000000"


class Reconciling:
    """One run of reconcile over rows that a source has.

    Args:
        stops_at: The statement at which a first try to compare them ends.

    Attributes:
        statement_count: Statements of the first comparison that was not stopped.
    """

    def __init__(
        self,
        world: World,
        rows: Mapping[str, Sequence[dict[str, Any]]],
        size: RangeSize,
        *,
        stops_at: int | None = None,
    ) -> None:
        self.world, self.size = world, size
        self.run = replace(world.new_run(), tables=tuple(rows))
        world.warehouse.begin_run(self.run, [world.catalog.tables[name] for name in rows])
        known = world.warehouse.watermarks()
        self.staged: list[StagedTable] = []
        for name in rows:
            plan = TablePlan(name, known.get(name), Window(), LATER, False, moves_watermark=False)
            world.stage(self.run, name, Batch(rows))
            self.staged.append(world.warehouse.settle(plan, self.run))
        if stops_at is not None:
            with stopped(world, stops_at) as stopping:
                self.compare()
            assert stopping.has_struck
        with stopped(world, None) as whole:
            self.found = self.compare()
        self.statement_count = whole.count

    def compare(self) -> list[Reconciliation]:
        """Hold what is staged against the warehouse."""
        return self.world.warehouse.reconcile(self.run, self.staged, self.size)

    def repair(self) -> None:
        """Load what differs again and compare once more."""
        narrowed = self.world.warehouse.narrow(self.run, self.staged)
        self.world.warehouse.repair(self.run, narrowed, [])
        self.found = self.compare()

    def end(self) -> None:
        """Drop what it staged."""
        self.world.warehouse.end_run(self.run, "succeeded", "", [])


class Lost(TransientError):
    """What ends a statement that is stopped."""


@dataclass
class Stopping:
    """How many statements there were, the one that failed included."""

    number: int | None
    count: int = 0

    @property
    def has_struck(self) -> bool:
        """Whether there were so many that one failed."""
        return self.count == self.number


@contextmanager
def stopped(world: World, number: int | None) -> Iterator[Stopping]:
    """Let the statement of this number fail before it is sent, which ends the block quietly.

    Args:
        number: From 1 on; None counts only.
    """
    session, name = type(world.session), "run" if hasattr(world.session, "run") else "execute"
    send, stopping = getattr(session, name), Stopping(number)

    def counted(self: Any, *arguments: Any) -> None:
        stopping.count += 1
        if stopping.has_struck:
            raise Lost("The connection was lost.", "Try again.")
        send(self, *arguments)

    with pytest.MonkeyPatch.context() as patched, suppress(Lost):
        patched.setattr(session, name, counted)
        yield stopping
