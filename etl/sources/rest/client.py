"""One request to an API: authentication, rate, retries, limits; what is no success is an error (law X10)."""

from __future__ import annotations

import json
import random
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, NoReturn
from urllib.parse import urljoin, urlsplit

import requests
from requests.adapters import HTTPAdapter
from urllib3.exceptions import HTTPError, InvalidHeader
from urllib3.util import Retry

from etl.catalog import RestApi, SourceSystem
from etl.errors import ConfigError, SourceError, StorehouseError, TransientError
from etl.settings import Settings
from etl.sources.rest.auth import credentials_for

_PASSING_STATUSES = frozenset((408, 425, 429, 500, 502, 503, 504))
_REDIRECTS = frozenset((301, 302, 303, 307, 308))
_MOST_REDIRECTS = 5
_POOL_CONNECTIONS = 16
_CHUNK_BYTES = 1 << 16


@dataclass(frozen=True, slots=True)
class Answer:
    """A successful answer.

    Attributes:
        body: The JSON, with decimals for numbers that are not whole (law F2).
        next_link: Target of the ``Link`` header with ``rel="next"`` (RFC 8288).
        date: The server's ``Date`` header.
    """

    body: Any
    next_link: str | None
    date: str | None


class RateLimit:
    """Lets one request pass at a time, so many a second; shared by all threads of a run."""

    def __init__(self, requests_per_second: float | None) -> None:
        self._gap_seconds = 1 / requests_per_second if requests_per_second else 0.0
        self._lock = threading.Lock()
        self._next_at = 0.0

    def wait(self) -> None:
        """Wait for this request's turn."""
        with self._lock:
            now = time.monotonic()
            turn = max(now, self._next_at)
            self._next_at = turn + self._gap_seconds
        time.sleep(turn - now)


class ApiClient:
    """Speaks to one API; safe to share between threads.

    Args:
        url: Base URL; nothing is asked of another host.
    """

    def __init__(self, system: SourceSystem, url: str, settings: Settings) -> None:
        self._system, self._api = system, system.rest or RestApi()
        self._base = f"{url.rstrip('/')}/"
        _require_web(system, url)
        self._rate = RateLimit(self._api.requests_per_second)
        self._session = requests.Session()
        self._session.headers.update({"Accept": "application/json", **self._api.headers})
        adapter = HTTPAdapter(pool_maxsize=_POOL_CONNECTIONS, max_retries=0)
        for scheme in ("https://", "http://"):
            self._session.mount(scheme, adapter)
        authority = settings.secret(f"{system.name}_ca_file")
        self._verify: bool | str = authority.get_secret_value() if authority else True
        self._credentials = credentials_for(system, settings, self._send_for_token)

    def get(self, target: str, params: Mapping[str, str], doing: str) -> Answer:
        """GET a path below the base URL, or a URL of the same host, until it succeeds or has failed often.

        Args:
            doing: What the request is for, for messages.

        Raises:
            TransientError: It still fails after all tries, or the server asks for a long wait.
            SourceError: The API refuses it, or its answer is not JSON.
        """
        url = self._same_host(urljoin(self._base, target), doing)
        renewed = False
        for tries_left in range(self._api.max_tries - 1, -1, -1):
            try:
                return self._try(url, params, doing)
            except _Unauthorized as refused:
                if renewed or not self._credentials.renew():
                    raise refused.as_error(doing) from None
                renewed = True
            except _Passing as passing:
                wait = passing.wait_seconds
                if not tries_left or (wait or 0) > self._api.longest_wait_seconds:
                    raise passing.as_error(doing, self._api.max_tries - tries_left) from None
                time.sleep(self._backoff(self._api.max_tries - 1 - tries_left) if wait is None else wait)
        raise TransientError(f"{doing}: no answer.", "Run again.")

    def _try(self, url: str, params: Mapping[str, str], doing: str) -> Answer:
        try:
            for _ in range(_MOST_REDIRECTS):
                self._rate.wait()
                with self._session.get(
                    url,
                    params=dict(params),
                    auth=self._credentials,
                    timeout=self._api.timeout_seconds,
                    allow_redirects=False,
                    stream=True,
                    verify=self._verify,
                ) as response:
                    if response.status_code not in _REDIRECTS:
                        return self._answer(response, doing)
                    # Credentials must never follow to another host.
                    url = self._same_host(urljoin(url, response.headers.get("Location", "")), doing)
                    params = {}
        except (requests.Timeout, requests.ConnectionError) as error:
            if isinstance(error, requests.exceptions.SSLError):
                raise SourceError(
                    f"{doing}: the server's certificate cannot be verified.",
                    f"Correct the URL, or name its authority in ETL_{self._system.name.upper()}_CA_FILE.",
                ) from None
            raise _Passing(f"the server cannot be reached ({type(error).__name__})") from None
        except (requests.RequestException, HTTPError) as error:
            raise _Passing(f"the answer broke off ({type(error).__name__})") from None
        raise SourceError(f"{doing}: more than {_MOST_REDIRECTS} redirects.", "Correct the path.")

    def _answer(self, response: requests.Response, doing: str) -> Answer:
        status = response.status_code
        if status == requests.codes.unauthorized:
            raise _Unauthorized
        if status in _PASSING_STATUSES:
            raise _Passing(f"the server answered {status}", _retry_after(response))
        if status != requests.codes.ok:
            raise SourceError(
                f"{doing}: the server answered {status}, expected 200.",
                "Correct path and parameters in the table's catalog file, or what the account may read.",
            )
        body = self._whole_body(response, doing)
        link = response.links.get("next", {}).get("url")
        return Answer(_json(body), link, response.headers.get("Date"))

    def _whole_body(self, response: requests.Response, doing: str) -> bytes:
        chunks, size = [], 0
        for chunk in response.iter_content(_CHUNK_BYTES):
            size += len(chunk)
            if size > self._api.max_body_bytes:
                raise SourceError(
                    f"{doing}: the answer has more than {self._api.max_body_bytes:,} bytes.",
                    "Ask for smaller pages, or raise rest.max_body_bytes in the source's catalog file.",
                )
            chunks.append(chunk)
        return b"".join(chunks)

    def _send_for_token(self, request: requests.Request) -> requests.Response:
        try:
            return self._session.send(
                self._session.prepare_request(request),
                timeout=self._api.timeout_seconds,
                allow_redirects=False,
                verify=self._verify,
            )
        except requests.RequestException as error:
            raise _Passing(f"the token address cannot be reached ({type(error).__name__})") from None

    def _same_host(self, url: str, doing: str) -> str:
        """The URL, if it leads to the host and by the scheme of the base URL."""
        try:
            wanted, found = (urlsplit(u)[:2] for u in (self._base, url))
        except ValueError:
            wanted, found = ("", ""), ("x", "")
        if wanted != found:
            raise SourceError(
                f"{doing}: the API leads to another host, where its credentials must not go.",
                f"Correct {self._system.variable}, or the pagination in the table's catalog file.",
            )
        return url

    def _backoff(self, failures: int) -> float:
        seconds = self._api.backoff_seconds * 2**failures
        return float(min(seconds, self._api.longest_wait_seconds)) * random.uniform(0.5, 1)


class _Unauthorized(Exception):
    """The server does not know who asks."""

    def as_error(self, doing: str) -> StorehouseError:
        return SourceError(
            f"{doing}: the server answered 401: it does not accept the credentials.",
            "Correct the credentials of the source; docs/rest.md names their variables.",
        )


class _Passing(Exception):
    """What may be gone with the next try; ``kind`` is the error when it is not."""

    def __init__(
        self,
        what: str,
        wait_seconds: float | None = None,
        kind: type[StorehouseError] = TransientError,
    ) -> None:
        super().__init__(what)
        self.what, self.wait_seconds, self.kind = what, wait_seconds, kind

    def as_error(self, doing: str, tries: int) -> StorehouseError:
        asks = f" and asks to wait {self.wait_seconds:.0f} s" if self.wait_seconds else ""
        return self.kind(
            f"{doing}: {self.what}{asks}; tried {tries} times.",
            "Look at what the API answers there, and run again when it is well; "
            "lower rest.requests_per_second where it says that there are too many requests.",
        )


def _require_web(system: SourceSystem, url: str) -> None:
    if urlsplit(url).scheme not in ("https", "http") or not urlsplit(url).hostname:
        raise ConfigError(
            f"{system.variable} is no address of an API.", "Use https://host/path, without credentials in it."
        )
    if urlsplit(url).username or urlsplit(url).query:
        raise ConfigError(
            f"{system.variable} holds credentials or parameters.",
            "Name host and path only; docs/rest.md says where credentials stand.",
        )


def _retry_after(response: requests.Response) -> float | None:
    """Seconds that the server asks to wait, given as a number or as a date."""
    header = response.headers.get("Retry-After")
    if header is None:
        return None
    try:
        return max(0.0, Retry().parse_retry_after(header))
    except (InvalidHeader, ValueError, OverflowError):
        return None


def _json(body: bytes) -> Any:
    try:
        return json.loads(body, parse_float=Decimal, parse_constant=_refuse)
    except (ValueError, RecursionError):
        raise _Passing(f"the answer is not JSON ({len(body):,} bytes)", kind=SourceError) from None


def _refuse(constant: str) -> NoReturn:
    raise ValueError(constant)
