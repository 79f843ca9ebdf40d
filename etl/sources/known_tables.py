"""What the tables of open snapshots look like, so that questions about them need no session each."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from threading import Lock

from etl.sources.metadata import SourceColumn

# What stands behind "from", and the columns by their own names.
Described = tuple[str, dict[str, SourceColumn]]


class KnownTables:
    """The descriptions that open snapshots brought, forgotten as each snapshot ends.

    A source is shared by the threads of a process, several of which may have a snapshot open: a snapshot
    that ends takes nothing from the others. Where two know a table, the later one's description counts.
    """

    def __init__(self) -> None:
        self._lock = Lock()
        # Replaced and never changed, so that it can be read without the lock.
        self._open: tuple[dict[str, Described], ...] = ()

    @contextmanager
    def during(self, described: dict[str, Described]) -> Iterator[None]:
        """Know these tables, by their catalog names, as long as the context lasts."""
        with self._lock:
            self._open = (*self._open, described)
        try:
            yield
        finally:
            with self._lock:
                self._open = tuple(known for known in self._open if known is not described)

    def get(self, name: str) -> Described | None:
        """The description of a table; None if no open snapshot has it."""
        return next((known[name] for known in reversed(self._open) if name in known), None)
