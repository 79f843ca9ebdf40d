"""Locks by name, made of GET_LOCK: alone or shared, first come, first served (law R5).

A name is a gate and some slots. Who wants it alone takes the gate and waits until the slots are free; who
shares it passes the gate with a slot. As long as somebody holds the gate, nobody new comes in, so that who
waits to be alone comes before sharers that come later. The server frees all when the session ends.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from hashlib import sha256
from typing import Any

# As many as may share a lock at once; the next one waits.
SLOTS = 32
_SLOT_SECONDS = 1.0

Ask = Callable[[str, tuple[Any, ...]], Any]


class NamedLocks:
    """The locks of one session.

    Args:
        ask: Gives the first value of a query's one row.
        scope: Keeps the warehouses of a server apart.
    """

    def __init__(self, ask: Ask, scope: str) -> None:
        self._ask, self._scope = ask, scope
        self._held: list[str] = []
        self._gates: set[str] = set()

    def hold(self, name: str, seconds: float) -> bool:
        """Take a lock alone; freed by :meth:`free`, as often as it was taken."""
        gate, deadline = self._key(name), time.monotonic() + seconds
        if not self._get(gate, seconds):
            return False
        if not self._await_slots(name, deadline):
            self._release(gate)
            return False
        self._held.append(gate)
        return True

    def free(self) -> None:
        """Free all that was taken by :meth:`hold`."""
        held, self._held = self._held, []
        for gate in held:
            self._release(gate)

    def take_alone(self, name: str, seconds: float) -> bool:
        """Take a lock alone until the session ends.

        Who waited in vain for sharers, and did wait, keeps the gate until the session ends, or asks again:
        a patience of many short waits would else let sharers in between.
        """
        gate, deadline = self._key(name), time.monotonic() + seconds
        if gate not in self._gates and not self._get(gate, seconds):
            return False
        self._gates.add(gate)
        if self._await_slots(name, deadline):
            return True
        if seconds <= 0:
            self._gates.remove(gate)
            self._release(gate)
        return False

    def take_shared(self, name: str, seconds: float) -> bool:
        """Take a lock together with others until the session ends."""
        gate, deadline = self._key(name), time.monotonic() + seconds
        if not self._get(gate, seconds):
            return False
        try:
            if self._get_one([self._key(name, slot) for slot in range(SLOTS)]):
                return True
            # All slots are taken: the first that comes free among those that are looked at in turn.
            slot = 0
            while (left := deadline - time.monotonic()) > 0:
                if self._get(self._key(name, slot % SLOTS), min(left, _SLOT_SECONDS)):
                    return True
                slot += 1
            return False
        finally:
            self._release(gate)

    def _await_slots(self, name: str, deadline: float) -> bool:
        """Whether nobody else shares the lock, or did not any more when the time was up; holds the gate."""
        slots = [self._key(name, slot) for slot in range(SLOTS)]
        # A slot of this session is no hindrance.
        taken = " + ".join(["(coalesce(is_used_lock(%s), connection_id()) <> connection_id())"] * SLOTS)
        if not self._ask(f"select {taken}", tuple(slots)):
            return True
        for slot in slots:
            if not self._get(slot, deadline - time.monotonic()):
                return False
            self._release(slot)
        return True

    def _get_one(self, keys: list[str]) -> bool:
        """Take the first that is free; the server evaluates no more of them than needed."""
        tries = " ".join(f"when get_lock(%s, 0) = 1 then {place}" for place in range(len(keys)))
        return self._ask(f"select case {tries} end", tuple(keys)) is not None

    def _get(self, key: str, seconds: float) -> bool:
        # Less than nothing would mean to wait for ever.
        return bool(self._ask("select get_lock(%s, %s)", (key, max(seconds, 0.0))))

    def _release(self, key: str) -> None:
        self._ask("select release_lock(%s)", (key,))

    def _key(self, name: str, slot: int | None = None) -> str:
        """At most 64 characters; names of locks are those of the whole server."""
        digest = sha256(f"{self._scope}\0{name}".encode()).hexdigest()[:48]
        return f"etl:{digest}" if slot is None else f"etl:{digest}:{slot}"
