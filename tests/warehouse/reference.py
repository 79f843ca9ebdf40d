"""The dimension as a small loop over sorted events: what the SQL must equal (laws S1 to S7, S12, S14)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

CARRIED = {"whole": "zabct", "half": "bt"}
TYPE_2 = "bc"


@dataclass(frozen=True)
class Event:
    """One event of one member; ``half`` carries only b and t and says nothing of existence."""

    source: str
    minute: int
    sequence: int
    gone: bool
    values: dict[str, str | None]


def versions_of(events: list[Event], start: datetime) -> list[tuple[Any, ...]]:
    """Versions as (valid_from, valid_to or None, z, a, b, c, t, previous_t, t_changed_at)."""
    versions: list[dict[str, Any]] = []
    known: dict[str, str | None] = {}
    first: dict[str, str | None] = {}
    previous_t: str | None = None
    t_changed_at: datetime | None = None
    alive = None
    for at, state in _instants(events, start):
        gone, values = state
        now_alive = (alive is not False) if gone is None else not gone
        changed = [c for c in values if c in known and known[c] != values[c]]
        if "t" in changed:
            previous_t, t_changed_at = known["t"], at
        for column, value in values.items():
            first.setdefault(column, value)
        known.update(values)
        if now_alive and (not alive or any(c in TYPE_2 for c in changed)):
            if versions and versions[-1]["to"] is None:
                versions[-1]["to"] = at
            versions.append({"from": at, "to": None})
        if now_alive:
            versions[-1].update({c: known.get(c) for c in TYPE_2})
        elif alive and versions[-1]["to"] is None:
            versions[-1]["to"] = at
        alive = now_alive
    whole = (first.get("z"), known.get("a"))
    return [
        (v["from"], v["to"], *whole, v["b"], v["c"], known.get("t"), previous_t, t_changed_at)
        for v in versions
    ]


def _instants(
    events: list[Event], start: datetime
) -> list[tuple[datetime, tuple[bool | None, dict[str, str | None]]]]:
    """Several events of one instant collapse to the last of each column.

    Gone is None when none of them speaks of existence.
    """
    instants: dict[int, tuple[bool | None, dict[str, str | None]]] = {}
    for event in sorted(events, key=lambda e: (e.minute, e.sequence, f"s.{e.source}")):
        gone, values = instants.get(event.minute, (None, {}))
        says_gone = event.gone and event.source == "whole"
        if event.source == "whole":
            gone = says_gone
        if not says_gone:
            values = values | {c: event.values[c] for c in CARRIED[event.source]}
        instants[event.minute] = (gone, values)
    return [(start + timedelta(minutes=minute), instants[minute]) for minute in sorted(instants)]
