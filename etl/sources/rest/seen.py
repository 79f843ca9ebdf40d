"""What has been seen in the course of one read, however much it is, in bounded memory (law X13)."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from hashlib import blake2b
from types import TracebackType
from typing import Self

_DIGEST_BYTES = 16


class Seen:
    """A set of texts that is kept as digests in a temporary database, which moves to the disk as it grows."""

    def __enter__(self) -> Self:
        # Arrow may pull the batches of one read from several threads, one at a time.
        self._database = sqlite3.connect("", check_same_thread=False)
        for statement in (
            "pragma journal_mode = off",
            "pragma cache_size = -16000",
            "create table seen (digest blob primary key) without rowid",
        ):
            self._database.execute(statement)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._database.close()

    def add(self, texts: Iterable[str]) -> int:
        """Add texts, and say how many of them, taken once each, were there before."""
        digests = {
            (blake2b(t.encode("utf-8", "surrogatepass"), digest_size=_DIGEST_BYTES).digest(),) for t in texts
        }
        before = self._database.total_changes
        self._database.executemany("insert or ignore into seen values (?)", digests)
        return len(digests) - (self._database.total_changes - before)
