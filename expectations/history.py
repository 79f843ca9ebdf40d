"""Bounds of a rule from what it measured in earlier runs, by robust statistics (law Q4).

The middle is the median, the width the median absolute deviation: half of the runs may be odd before
they move either. A level that stays changed is usual again once it fills half of the runs.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import ceil, floor, isfinite, log10
from statistics import median
from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from etl.handles import COMPARED_RUNS

# Makes the median absolute deviation of a normal distribution its standard deviation.
NORMAL = 1.4826
DIGITS = 6


class History(BaseModel):
    """How a rule about the whole table gets its bounds: median +/- the widest of three margins.

    Attributes:
        runs: The newest comparable runs that are looked at.
        warm_up: With fewer runs than this the rule only measures.
        spread: Margin in standard deviations, as the median absolute deviation estimates them.
        at_least_pct: The margin is never less than this share of the median.
        at_least: Nor less than this, in the unit of the measure.
        sides: Which of the two bounds is held.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    runs: int = Field(30, ge=3, le=COMPARED_RUNS)
    warm_up: int = Field(7, ge=3)
    spread: float = Field(5, gt=0)
    at_least_pct: float = Field(0, ge=0)
    at_least: float = Field(0, ge=0)
    sides: Literal["both", "lower", "upper"] = "both"

    @model_validator(mode="after")
    def _can_be_used(self) -> Self:
        if self.warm_up > self.runs:
            raise ValueError(f"warm_up is {self.warm_up}, but only {self.runs} runs are looked at")
        if not (self.at_least_pct or self.at_least):
            # Seven equal runs have no spread at all, and the eighth would fail by a single row.
            raise ValueError("give at_least_pct or at_least, the least margin around the median")
        return self

    @property
    def sentence(self) -> str:
        """What is demanded, in words."""
        least = [f"{self.at_least_pct:g} %"] * bool(self.at_least_pct)
        least += [f"{self.at_least:g}"] * bool(self.at_least)
        side = {"both": "within", "lower": "not below", "upper": "not above"}[self.sides]
        return (
            f"{side} {self.spread:g} robust standard deviations of the median of the last {self.runs} "
            f"comparable runs, and at least {' or '.join(least)}"
        )


@dataclass(frozen=True, slots=True)
class Usual:
    """What earlier runs say of a measure.

    Attributes:
        runs: Comparable runs that were found.
        lowest, highest: Bounds; None on a side that is not held, and on both while warming up.
    """

    runs: int
    warm_up: int
    lowest: float | None = None
    highest: float | None = None

    @property
    def is_warming_up(self) -> bool:
        """Whether there are too few runs to say what is usual."""
        return self.runs < self.warm_up

    @property
    def sentence(self) -> str:
        """The bounds, or how far the warm-up is."""
        if self.is_warming_up:
            return f"warming up, {self.runs} of {self.warm_up} runs"
        ends = ("" if end is None else f"{end:,.10g}" for end in (self.lowest, self.highest))
        return f"usual is {' to '.join(ends).strip()} by {self.runs} runs"


def usual(history: History, values: Sequence[float]) -> Usual:
    """The bounds that earlier values set.

    Args:
        values: What comparable runs measured, the newest first.
    """
    newest = [value for value in values if isfinite(value)][: history.runs]
    if len(newest) < history.warm_up:
        return Usual(len(newest), history.warm_up)
    middle = median(newest)
    deviation = NORMAL * median(abs(value - middle) for value in newest)
    margin = max(history.spread * deviation, history.at_least_pct / 100 * abs(middle), history.at_least)
    lowest, highest = _outward(middle - margin, floor), _outward(middle + margin, ceil)
    if min(newest) >= 0:
        # Counts, shares and ages have no values below 0; a bound there would only puzzle.
        lowest = max(lowest, 0.0)
    return Usual(
        len(newest),
        history.warm_up,
        None if history.sides == "upper" else lowest,
        None if history.sides == "lower" else highest,
    )


def _outward(value: float, to_whole: Callable[[float], int]) -> float:
    """Rounded to the digits that are stored and shown, never into the margin."""
    if value == 0:
        return 0.0
    scale = 10.0 ** (DIGITS - 1 - floor(log10(abs(value))))
    # First the noise of binary fractions goes: 0.15 must not become 0.150001.
    return to_whole(round(value * scale, 3)) / scale
