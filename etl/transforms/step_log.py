"""Runs along the steps of one batch: what each did, and which rows it refused (law R3)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from etl.catalog import Step
from etl.handles import StepCount
from etl.landed_columns import FAULT, FAULT_COLUMN
from etl.transforms.frames import column_of


@dataclass(frozen=True, slots=True)
class Refusal:
    """Rows that a step refused: for each its index, the column to blame and the reason."""

    rows: list[int]
    columns: list[str]
    reasons: list[str]


@dataclass(frozen=True, slots=True)
class Transformed:
    """What all steps made of a batch.

    Attributes:
        frame: The rows that are left, under the index that they came with.
        refusals: Those that steps refused; what is in neither was dropped.
        counts: One for each step, in order.
    """

    frame: pd.DataFrame
    refusals: tuple[Refusal, ...]
    counts: tuple[StepCount, ...]


class StepLog:
    """Keeps the rows that are left between two steps, and counts what each step did."""

    def __init__(self, frame: pd.DataFrame) -> None:
        self.frame = frame
        self._refusals: list[Refusal] = []
        self._counts: list[StepCount] = []

    @property
    def transformed(self) -> Transformed:
        """What the steps so far made."""
        return Transformed(self.frame, tuple(self._refusals), tuple(self._counts))

    def add(self, position: int, step: Step, after: pd.DataFrame) -> None:
        """Take over what a step returned."""
        before, self.frame = self.frame, after
        if FAULT in after.columns:
            self._refuse(after)
        self._counts.append(_counted(position, step, before, self.frame))

    def _refuse(self, after: pd.DataFrame) -> None:
        is_refused = after[FAULT].notna()
        refused = after[is_refused]
        self._refusals.append(Refusal(list(refused.index), list(refused[FAULT_COLUMN]), list(refused[FAULT])))
        self.frame = after[~is_refused].drop(columns=[FAULT, FAULT_COLUMN])


def no_rows(steps: Iterable[Step]) -> Iterator[StepCount]:
    """What the steps did to no rows at all, to which counts are added."""
    for position, step in enumerate(steps, 1):
        yield StepCount(position, step.step, step.counted, 0, 0, 0, 0, 0)


def added(first: StepCount, second: StepCount) -> StepCount:
    """What one step did to two batches together."""
    return replace(
        first,
        rows_before=first.rows_before + second.rows_before,
        rows_after=first.rows_after + second.rows_after,
        changed=first.changed + second.changed,
        nulls_before=first.nulls_before + second.nulls_before,
        nulls_after=first.nulls_after + second.nulls_after,
    )


def _counted(position: int, step: Step, before: pd.DataFrame, after: pd.DataFrame) -> StepCount:
    kept = before if len(before) == len(after) else before.loc[after.index]
    changed = nulls_before = nulls_after = 0
    for name in step.counted:
        values = column_of(after, name, step.step)
        nulls_after += values.null_count
        if name not in before.columns:
            nulls_before += len(before)
            changed += len(values) - values.null_count
            continue
        nulls_before += column_of(before, name, step.step).null_count
        changed += _differences(column_of(kept, name, step.step), values)
    return StepCount(
        position=position,
        step=step.step,
        columns=step.counted,
        rows_before=len(before),
        rows_after=len(after),
        changed=changed,
        nulls_before=nulls_before,
        nulls_after=nulls_after,
    )


def _differences(before: pa.Array, after: pa.Array) -> int:
    if before is after:
        return 0
    values = pc.sum(pc.not_equal(before, after)).as_py() or 0
    if before.null_count == 0 and after.null_count == 0:
        return int(values)
    return int(values) + (pc.sum(pc.xor(pc.is_null(before), pc.is_null(after))).as_py() or 0)
