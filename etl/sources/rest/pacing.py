"""How fast an API is asked: its rate limit, and what it holds back by Retry-After."""

from __future__ import annotations

import time
from threading import Lock


class Pacer:
    """Lets one request through at a time, whatever the number of threads.

    Args:
        requests_per_second: Most requests per second; None for as many as come.
    """

    def __init__(self, requests_per_second: float | None) -> None:
        self._interval = 1 / requests_per_second if requests_per_second else 0.0
        self._next = 0.0
        self._lock = Lock()

    def wait(self) -> None:
        """Return when the next request may go out."""
        while (left := self._claim()) > 0:
            time.sleep(left)

    def hold(self, seconds: float) -> None:
        """Let no request of any thread out for so long."""
        with self._lock:
            self._next = max(self._next, time.monotonic() + seconds)

    def _claim(self) -> float:
        """Take the next place, or say how long it is until then."""
        with self._lock:
            now = time.monotonic()
            left = self._next - now
            if left <= 0:
                self._next = now + self._interval
            return left


_PACERS: dict[tuple[str, float | None], Pacer] = {}
_LOCK = Lock()


def pacer_for(origin: str, requests_per_second: float | None) -> Pacer:
    """The one pacer of this process for an API, whoever asks it."""
    with _LOCK:
        return _PACERS.setdefault((origin, requests_per_second), Pacer(requests_per_second))
