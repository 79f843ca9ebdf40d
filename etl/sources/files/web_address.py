"""A web address below which files have exact names; there is no listing."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC
from email.utils import parsedate_to_datetime
from urllib.parse import quote, urlsplit, urlunsplit

import requests
from requests.adapters import HTTPAdapter
from urllib3.util import Retry

from etl.catalog import SourceSystem
from etl.errors import ConfigError, FileFault, SourceError, StorehouseError, TransientError
from etl.sources.files.patterns import has_wildcard
from etl.sources.files.places import CHUNK_BYTES, FoundFile

READ_TIMEOUT_SECONDS = 60
_RETRY = Retry(total=3, backoff_factor=0.5, status_forcelist=(429, 500, 502, 503, 504), raise_on_status=False)
_GONE = (404, 410)


class WebAddress:
    """See :class:`etl.sources.files.places.Place`."""

    def __init__(self, system: SourceSystem, url: str, connect_timeout_seconds: float) -> None:
        self._system = system
        self._url = url
        self._timeout = (connect_timeout_seconds, READ_TIMEOUT_SECONDS)

    def find(self, patterns: Sequence[str]) -> list[FoundFile]:
        """Ask for each file; one that is declared and not there is an error.

        Raises:
            ConfigError: A pattern is no exact name.
        """
        if vague := [pattern for pattern in patterns if has_wildcard(pattern)]:
            raise ConfigError(
                f"The source '{self._system.name}' is a web address, which lists no files for {vague[0]}.",
                "Write the exact names of the files as the table's 'pattern'.",
            )
        return [self._look(path) for path in dict.fromkeys(patterns)]

    def chunks(self, path: str) -> Iterator[bytes]:
        """Stream a file."""
        with self._answer(path) as answer:
            if answer.status_code in _GONE:
                raise FileFault("it is gone since it was listed", "Put it back.")
            yield from answer.iter_content(CHUNK_BYTES)

    def _look(self, path: str) -> FoundFile:
        with self._answer(path) as answer:
            if answer.status_code in _GONE:
                raise SourceError(
                    f"The source '{self._system.name}' has no file {path}: the server answered"
                    f" {answer.status_code}.",
                    f"Correct the table's 'pattern' or {self._system.variable}.",
                )
            modified = None
            with suppress(ValueError):
                modified = parsedate_to_datetime(answer.headers.get("Last-Modified", "")).astimezone(UTC)
            return FoundFile(path, modified_at=modified)

    @contextmanager
    def _answer(self, path: str) -> Iterator[requests.Response]:
        """A successful answer, or one that says that there is no such file."""
        with requests.Session() as session:
            for scheme in ("http://", "https://"):
                session.mount(scheme, HTTPAdapter(max_retries=_RETRY))
            try:
                with session.get(self._url_of(path), stream=True, timeout=self._timeout) as answer:
                    if not answer.ok and answer.status_code not in _GONE:
                        raise self._refusal(path, answer.status_code)
                    yield answer
            except requests.RequestException as error:
                # Only its kind: its text holds the URL, which may hold a secret (law P2).
                raise TransientError(
                    f"The source '{self._system.name}': {path}: {type(error).__name__}.",
                    f"See that the address in {self._system.variable} can be reached; it is tried again.",
                ) from None

    def _url_of(self, path: str) -> str:
        base = urlsplit(self._url)
        return urlunsplit(base._replace(path=f"{base.path.rstrip('/')}/{quote(path)}"))

    def _refusal(self, path: str, status: int) -> StorehouseError:
        problem = f"The source '{self._system.name}': {path}: the server answered {status}."
        if status >= 500 or status == 429:
            return TransientError(problem, "Wait; the call is tried again.")
        return SourceError(problem, f"Correct the address or the account in {self._system.variable}.")
