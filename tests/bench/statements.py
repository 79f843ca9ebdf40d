"""Which statements of a run took longest, as the log of the warehouse's server tells it."""

from __future__ import annotations

import re
from collections import defaultdict

import sqlalchemy as sa

from etl.embedded import EmbeddedServer
from etl.identifiers import quote_postgresql
from tests.bench.warehouses import execute

_LEAST_MS = 5
_LEAST_SHARE = 0.04
_SHOWN_CHARACTERS = 45
_LOGGED = re.compile(r"LOG:  duration: ([\d.]+) ms  (?:statement|execute [^:]*): (.*(?:\n\t.*)*)")
_STAGING = re.compile(r"\bstaging_[0-9a-f]{32}\.")


def log_statements(url: str) -> None:
    """Have the server log, of sessions that begin from now on in this database, what is not short."""
    name = quote_postgresql(str(sa.make_url(url).database))
    execute(url, f"alter database {name} set log_min_duration_statement = {_LEAST_MS}")


class StatementLog:
    """What the server's log tells from now on."""

    def __init__(self, server: EmbeddedServer) -> None:
        self._path = server.data_dir / "server.log"
        self._start = self._path.stat().st_size

    def longest(self) -> str:
        """Seconds of the statements that took a good part of all, of those that begin alike together."""
        with self._path.open("rb") as log:
            log.seek(self._start)
            text = log.read().decode("utf-8", "replace")
        seconds = defaultdict[str, float](float)
        for milliseconds, statement in _LOGGED.findall(text):
            seconds[_label(statement)] += float(milliseconds) / 1_000
        least = _LEAST_SHARE * sum(seconds.values())
        long = sorted((item for item in seconds.items() if item[1] >= least), key=lambda item: -item[1])
        return ", ".join(f"`{label}` {taken:.2f} s" for label, taken in long) or "none of them is long"


def _label(statement: str) -> str:
    """How a statement begins, without comments and what differs from run to run."""
    told = re.sub(r"--.*|[\"`]", "", statement)
    told = _STAGING.sub("", " ".join(told.split()))
    return told if len(told) <= _SHOWN_CHARACTERS else told[:_SHOWN_CHARACTERS].rpartition(" ")[0] + " …"
