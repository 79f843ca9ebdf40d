"""Tries of one request: which failures are met again, and how long is waited (law X10).

urllib3's own Retry ends where the headers have arrived. Here a try is the whole exchange, an answer that
breaks off included; each try keeps to the rate limit; a wait that the API asks for holds all threads;
and its end, where it is a date, is read by the API's clock.
"""

from __future__ import annotations

import logging
import random
import time
from collections.abc import Callable

from etl.catalog import RestApi, SourceSystem
from etl.errors import TransientError
from etl.sources.rest.exchange import Answer
from etl.sources.rest.failures import TryAgain, told_at
from etl.sources.rest.pacing import Pacer

_LOGGER = logging.getLogger(__name__)


class Tries:
    """Tries requests to one API again, as often and as patiently as its declaration says."""

    def __init__(self, system: SourceSystem, pacer: Pacer) -> None:
        self._api, self._pacer = system.rest or RestApi(), pacer

    def run(self, exchange: Callable[[], Answer], where: str) -> Answer:
        """The first answer that is none of the passing failures.

        Args:
            exchange: Sends the request once.
            where: What is done, for messages.

        Raises:
            TransientError: All tries failed, or the API asks for a longer wait than is declared.
            SourceError: The failure will not pass.
        """
        for number in range(1, self._api.max_tries + 1):
            try:
                with told_at(where):
                    return exchange()
            except TryAgain as failed:
                failure = failed
            self._require_patience(failure, where)
            if number < self._api.max_tries:
                _LOGGER.info("%s: %s; try %s of %s", where, failure.reason, number, self._api.max_tries)
                self._wait(failure, number)
        raise TransientError(
            f"{where}: {failure.reason}; tried {self._api.max_tries} times.",
            "Look whether the API runs and can be reached; the extraction is tried again from its start.",
        )

    def _require_patience(self, failure: TryAgain, where: str) -> None:
        asked = failure.after_seconds
        if asked is not None and asked > self._api.longest_wait_seconds:
            raise TransientError(
                f"{where}: {failure.reason}; the API asks to wait {asked:,.0f} s, and "
                f"longest_wait_seconds is {self._api.longest_wait_seconds:g}.",
                "Run again after that time, or raise longest_wait_seconds in the source's catalog file.",
            )

    def _wait(self, failure: TryAgain, number: int) -> None:
        if failure.after_seconds is not None:
            self._pacer.hold(failure.after_seconds)
            return
        longest = min(self._api.backoff_seconds * 2.0 ** (number - 1), self._api.longest_wait_seconds)
        time.sleep(random.uniform(longest / 2, longest))
