"""The guard against mass changes: how much of a target one release may end or change (law S13)."""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil

from etl.catalog import Guard
from etl.errors import ReleaseRefused

_ALL = 2**62


@dataclass(frozen=True, slots=True)
class Guarded:
    """What is guarded.

    Attributes:
        rows: Its rows in words.
        file: The catalog file with the guard.
        spares_few: Fewer rows than ``minimum_members`` may all end; else they may change, but not all end.
    """

    rows: str
    file: str
    guard: Guard
    spares_few: bool = False


def hold_guard(guarded: Guarded, present: int, ending: int, changing: int = 0) -> None:
    """Refuse a release that would end or change too much.

    Raises:
        ReleaseRefused: With the counts and the limit.
    """
    guard = guarded.guard
    if present < guard.minimum_members and (guarded.spares_few or ending < present):
        return
    for what, count, limit in (("end", ending, guard.end_pct), ("change", changing, guard.change_pct)):
        if count * 100 > limit * present:
            raise ReleaseRefused(
                f"This release would {what} {count} of the {present} {guarded.rows};"
                f" the guard allows {limit:g} % (law S13).",
                f"If the change is meant, raise guard.{what}_pct in {guarded.file} and run again.",
            )


def enough_present(guard: Guard, ending: int, changing: int) -> int:
    """So many rows that the guard lets the release pass, however many more there are; or all."""
    enough = guard.minimum_members
    for count, limit in ((ending, guard.end_pct), (changing, guard.change_pct)):
        if count and not limit:
            return _ALL
        if count:
            enough = max(enough, ceil(count * 100 / limit) + 1)
    return enough
