"""One page of an API: asked for until it comes, or an error (law X10)."""

from __future__ import annotations

import logging
from collections.abc import Collection, Mapping
from datetime import datetime
from urllib.parse import urlsplit

import requests

from etl.catalog import RestApi, SourceSystem
from etl.errors import ConfigError
from etl.settings import Settings
from etl.sources.rest.auth import auth_for
from etl.sources.rest.exchange import Answer, Exchange, joined, origin_of
from etl.sources.rest.pacing import pacer_for
from etl.sources.rest.redaction import Secrets
from etl.sources.rest.statuses import accept, http_date
from etl.sources.rest.tries import Tries

_REDIRECTS = (301, 302, 303, 307, 308)
_MOST_REDIRECTS = 5


class Client:
    """Speaks to the API of one system; threads share it.

    Args:
        url: Base URL; nothing is asked of another host.

    Raises:
        ConfigError: The URL or a credential is not set, or cannot be used; none is ever shown.
    """

    def __init__(self, system: SourceSystem, url: str, settings: Settings) -> None:
        self._base = _base_url(system, url)
        self._secrets = Secrets()
        self._auth = auth_for(system, settings, self._secrets)
        # At the level DEBUG urllib3 writes each URL, also those that the API made.
        logging.getLogger("urllib3.connectionpool").addFilter(self._secrets)
        pacer = pacer_for(origin_of(self._base), (system.rest or RestApi()).requests_per_second)
        self._exchange = Exchange(self._base, system, settings, pacer)
        self._tries = Tries(system, pacer)

    def url_of(self, path: str) -> str:
        """The URL of an endpoint."""
        return f"{self._base}/{path.lstrip('/')}"

    def get(
        self, url: str, params: Mapping[str, str], where: str, accepted: Collection[int] = (200,)
    ) -> Answer:
        """An answer with one of the accepted statuses.

        Args:
            where: What is done, for messages.

        Raises:
            TransientError: Every try failed, in a way that may pass.
            SourceError: The API refuses, or answers what cannot be used.
        """
        return self._tries.run(lambda: self._once(url, params, accepted), where)

    def clock(self, url: str, params: Mapping[str, str], where: str) -> datetime | None:
        """The API's own time, in UTC, when it answered; None where it sends no ``Date``.

        Raises:
            TransientError: As for :meth:`get`.
            SourceError: As for :meth:`get`.
        """
        answer = self._tries.run(lambda: self._once(url, params, (200,), reads_body=False), where)
        return http_date(answer.headers.get("Date"))

    def _once(
        self, url: str, params: Mapping[str, str], accepted: Collection[int], reads_body: bool = True
    ) -> Answer:
        answer = self._follow(url, params, reads_body)
        if answer.status == 401 and self._auth.renew(answer.sent_at):
            answer = self._follow(url, params, reads_body)
        return accept(answer, accepted, self._secrets)

    def _follow(self, url: str, params: Mapping[str, str], reads_body: bool) -> Answer:
        answer = self._send(url, params, reads_body)
        for _ in range(_MOST_REDIRECTS):
            if answer.status not in _REDIRECTS or "Location" not in answer.headers:
                return answer
            answer = self._send(joined(answer.url, answer.headers["Location"]), {}, reads_body)
        return answer

    def _send(self, url: str, params: Mapping[str, str], reads_body: bool) -> Answer:
        return self._exchange.send(requests.Request("GET", url, params=params), self._auth, reads_body)


def _base_url(system: SourceSystem, url: str) -> str:
    try:
        parts = urlsplit(url)
        is_usable = parts.scheme.lower() in ("http", "https") and bool(parts.hostname)
        is_usable = is_usable and not (parts.username or parts.password or parts.query or parts.fragment)
        is_usable = is_usable and bool(origin_of(url))
    except ValueError:
        is_usable = False
    if not is_usable:
        raise ConfigError(
            f"{system.variable} cannot be read as the URL of an API.",
            "Set it to https://host/path, without user, password and query; credentials have settings of "
            "their own (docs/rest.md).",
        )
    return url.rstrip("/")
