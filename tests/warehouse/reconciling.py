"""One run of reconcile over rows that a test writes down, through the real staging and the real release."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
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
            with stopped(world, stops_at):
                self.compare()
        self.found = self.compare()

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


@contextmanager
def stopped(world: World, number: int) -> Iterator[None]:
    """Let the statement of this number fail before it is sent, if there are so many; ends quietly."""
    session, name = type(world.session), "run" if hasattr(world.session, "run") else "execute"
    send, left = getattr(session, name), number

    def counted(self: Any, *arguments: Any) -> None:
        nonlocal left
        left -= 1
        if left == 0:
            raise TransientError("The connection was lost.", "Try again.")
        send(self, *arguments)

    with pytest.MonkeyPatch.context() as patched, suppress(TransientError):
        patched.setattr(session, name, counted)
        yield
