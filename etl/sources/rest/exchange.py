"""One request and its whole answer, to one host only, through a session with pooled connections."""

from __future__ import annotations

import ssl
import time
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urljoin

import requests
from requests.adapters import HTTPAdapter
from urllib3.exceptions import LocationParseError
from urllib3.util import parse_url

from etl.catalog import RestApi, SourceSystem
from etl.errors import ConfigError
from etl.settings import Settings
from etl.sources.rest.failures import NETWORK_ERRORS, Refused, TryAgain, network_failure
from etl.sources.rest.pacing import Pacer

_CHUNK_BYTES = 64 * 1024
_PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back, whole.

    Attributes:
        headers: Without regard to case.
        url: What was asked for, as it was sent, without credentials.
        sent_at: When it was asked for, by the monotonic clock.
    """

    status: int
    headers: Mapping[str, str]
    body: bytes
    url: str
    sent_at: float


class Auth(requests.auth.AuthBase):
    """Adds nothing to a request; its kinds add credentials."""

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        """Add the credentials."""
        return request

    def renew(self, sent_at: float) -> bool:
        """Drop a token that was refused; False where there is none, or where that would not help.

        Args:
            sent_at: When the refused request was sent, by the monotonic clock.
        """
        return False


def origin_of(url: str) -> str:
    """Scheme, host and port of a URL, as they are connected to; empty where it cannot be read as one."""
    try:
        parts = parse_url(url)
    except LocationParseError:
        return ""
    scheme = (parts.scheme or "").lower()
    return f"{scheme}://{(parts.host or '').lower()}:{parts.port or _PORTS.get(scheme, 0)}"


def joined(url: str, target: str) -> str:
    """Where a place leads that was named on the way from ``url``.

    Raises:
        Refused: It cannot be read as a place.
    """
    try:
        return urljoin(url, target)
    except ValueError:
        raise Refused("the API names a next place that is no URL", "Ask who runs the API.") from None


class Exchange:
    """Sends requests to one origin and refuses to speak to any other, so that no credential goes astray.

    Args:
        url: Any URL of that origin.
        system: The source system, whose settings hold a private authority and a proxy.
        pacer: What all requests wait for.
    """

    def __init__(self, url: str, system: SourceSystem, settings: Settings, pacer: Pacer) -> None:
        self._pacer = pacer
        self._origin = origin_of(url)
        self._api = system.rest or RestApi()
        self._session = _session(settings, self._api)
        self._authority = _authority(system, settings)
        proxy = settings.secret(f"{system.name}_proxy_url")
        self._proxies = dict.fromkeys(_PORTS, proxy.get_secret_value()) if proxy else {}

    def send(self, request: requests.Request, auth: Auth, reads_body: bool = True) -> Answer:
        """Send a request once and read its answer to the end; redirects are answers.

        Raises:
            TryAgain: No answer, or only a part of one.
            Refused: Another host, an answer beyond the limit, a certificate without trust.
            StorehouseError: A token could not be had.
        """
        prepared = self._prepared(request)
        url = prepared.url or ""
        self._require_own(url)
        signed = auth(prepared)
        self._pacer.wait()
        sent_at = time.monotonic()
        try:
            with self._ask(signed) as response:
                body = self._read(response) if reads_body else b""
                return Answer(response.status_code, response.headers, body, url, sent_at)
        except NETWORK_ERRORS as error:
            raise network_failure(error) from None

    def _prepared(self, request: requests.Request) -> requests.PreparedRequest:
        try:
            return self._session.prepare_request(request)
        except (ValueError, *NETWORK_ERRORS) as error:
            raise Refused(
                f"the request cannot be made ({type(error).__name__})",
                "Correct the URL, the endpoint's path, or the headers of the API.",
            ) from None

    def _ask(self, request: requests.PreparedRequest) -> requests.Response:
        """Ask by the adapter: a session would read the whole body of a redirect, however large."""
        return self._session.get_adapter(request.url or "").send(
            request,
            stream=True,
            timeout=self._api.timeout_seconds,
            verify=self._authority,
            proxies=self._proxies,
        )

    def _require_own(self, url: str) -> None:
        if (other := origin_of(url)) != self._origin:
            raise Refused(
                f"the API leads to another place, {other}, and credentials go to {self._origin} only",
                "If the API has moved, correct its URL (https for http, say); else ask who runs it.",
            )

    def _read(self, response: requests.Response) -> bytes:
        chunks: list[bytes] = []
        size, deadline = 0, time.monotonic() + self._api.answer_seconds
        while chunk := response.raw.read1(_CHUNK_BYTES, decode_content=True):
            chunks.append(chunk)
            size += len(chunk)
            if size > self._api.max_body_bytes:
                raise Refused(
                    f"the answer is larger than {self._api.max_body_bytes:,} bytes",
                    "Ask for smaller pages, or raise max_body_bytes in the source's catalog file.",
                )
            if time.monotonic() > deadline:
                raise TryAgain(f"the answer was not complete after {self._api.answer_seconds:g} s")
        return b"".join(chunks)


def _session(settings: Settings, api: RestApi) -> requests.Session:
    session = requests.Session()
    # Proxies, authorities and accounts of the environment are not read: only the settings are.
    session.trust_env = False
    session.headers.update({"Accept": "application/json", "User-Agent": "storehouse", **api.headers})
    adapter = HTTPAdapter(pool_connections=2, pool_maxsize=settings.task_workers)
    session.mount("https://", adapter)
    session.mount("http://", adapter)
    return session


def _authority(system: SourceSystem, settings: Settings) -> str | bool:
    """A file with the certificates to trust; True for those of the public authorities."""
    setting = settings.secret(f"{system.name}_ca_file")
    if setting is None:
        return True
    file = setting.get_secret_value()
    try:
        ssl.create_default_context(cafile=file)
    except (OSError, ssl.SSLError) as error:
        raise ConfigError(
            f"ETL_{system.name.upper()}_CA_FILE names {file}, which cannot be read as certificates: {error}.",
            "Name a file with the certificate of the authority in PEM form.",
        ) from None
    return file
