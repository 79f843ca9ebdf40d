"""The versions that a dimension must have after a set of events: a reference of laws S2, S3, S6 to S8."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import groupby
from operator import attrgetter
from typing import Any

from demo.plan import ShopPlan, datetime_of, instant_of
from demo.row_log import RowLog
from demo.tables import Key

OPEN_END = datetime(9999, 12, 31, tzinfo=UTC)
# Where an inferred member starts (law S17).
BEGINNING_OF_TIME = datetime(1000, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Version:
    """One version of a member: half-open [valid_from, valid_to) and its type 2 attributes."""

    valid_from: datetime
    valid_to: datetime
    attributes: dict[str, Any]


@dataclass(frozen=True)
class Event:
    """What became known of a key: an instant, and values or the end of the row.

    Attributes:
        exists: True for a row of the entity itself, False for a delete, None for a row of another
            table, which neither brings a member nor ends it.
    """

    at: int
    exists: bool | None
    values: dict[str, Any] = field(default_factory=dict)


def derive_versions(events: Iterable[Event], tracked: Sequence[str], inferred: bool = False) -> list[Version]:
    """Versions of one key from all its events, in whatever order they became known.

    Args:
        events: All that became known of the key.
        tracked: The type 2 attributes.
        inferred: A fact named the key before its first row came.
    """
    empty: dict[str, Any] = dict.fromkeys(tracked)
    opened: list[tuple[int | None, int | None, dict[str, Any]]] = [(None, None, empty)] if inferred else []
    values, exists, is_filled = empty, False, not inferred
    for at, group in groupby(sorted(events, key=attrgetter("at")), key=attrgetter("at")):
        for event in group:
            values = values | event.values
            exists = exists if event.exists is None else event.exists
        is_open = bool(opened) and opened[-1][1] is None
        if exists and not is_filled:
            opened[-1], is_filled = (None, None, values), True
        elif is_open and (not exists or opened[-1][2] != values) and is_filled:
            opened[-1] = (opened[-1][0], at, opened[-1][2])
            is_open = False
        if exists and is_filled and not (opened and opened[-1][1] is None):
            opened.append((at, None, values))
    return [
        Version(
            BEGINNING_OF_TIME if start is None else datetime_of(start),
            OPEN_END if end is None else datetime_of(end),
            attributes,
        )
        for start, end, attributes in opened
    ]


def observed_events(
    plan: ShopPlan, log: RowLog, key: Key, days: Sequence[int], tracked: Sequence[str]
) -> list[Event]:
    """What a reader learns of a row that looks once at the end of each of ``days``.

    A row that is gone ended when the window closed that missed it. One that is there again starts
    with its own time of change, or, where that is older than its end, when the window closed that saw it.
    A row that took an older time than it had holds from that time until what was known next, and again
    from when it was seen so.
    """
    events: list[Event] = []
    before, ended_at, newest = None, None, -1
    for day in days:
        row = log.state(key, day)
        if row is None and before is not None:
            ended_at = plan.end_of(day)
            events.append(Event(ended_at, False))
        elif row is not None and row != before:
            at = instant_of(row["updated_at"])
            is_old_return = before is None and ended_at is not None and at < ended_at
            is_older = before is not None and at < newest
            values = {name: row[name] for name in tracked}
            instants = [plan.end_of(day)] if is_old_return else [at, plan.end_of(day)] if is_older else [at]
            events += [Event(instant, True, values) for instant in instants]
            newest = max(newest, *instants)
        before = row
    return events
