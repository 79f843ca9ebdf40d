"""Credentials: from the settings onto requests, and nowhere else (law P2)."""

from __future__ import annotations

import time
from base64 import b64encode
from threading import Lock
from urllib.parse import parse_qsl, quote_plus, urlencode, urlsplit, urlunsplit

import requests

from etl.catalog import SourceSystem
from etl.catalog.rest import ApiKeyAuth, BasicAuth, BearerAuth, OAuth2Auth
from etl.errors import ConfigError, SourceError
from etl.settings import Settings
from etl.sources.rest.exchange import Auth, Exchange
from etl.sources.rest.json_text import parse
from etl.sources.rest.pacing import Pacer
from etl.sources.rest.redaction import Secrets
from etl.sources.rest.statuses import accept
from etl.sources.rest.tries import Tries

_DEFAULT_TOKEN_SECONDS = 300.0
# A token is renewed before it ends, so that none ends on its way.
_USED_SHARE = 0.9


def auth_for(system: SourceSystem, settings: Settings, secrets: Secrets) -> Auth:
    """What signs the requests to a system.

    Raises:
        ConfigError: A credential is not set, or cannot be sent.
    """

    def secret(name: str) -> str:
        return _secret(system, settings, secrets, name)

    match system.rest and system.rest.auth:
        case BearerAuth():
            return HeaderAuth("Authorization", f"Bearer {secret('token')}")
        case BasicAuth():
            return HeaderAuth("Authorization", _basic(secret("user"), secret("password"), secrets))
        case ApiKeyAuth(location="header") as declared:
            return HeaderAuth(declared.name, secret("api_key"))
        case ApiKeyAuth() as declared:
            return QueryAuth(declared.name, secret("api_key"))
        case OAuth2Auth() as declared:
            request = _token_request(declared, secret("client_id"), secret("client_secret"), secrets)
            return TokenAuth(system, settings, request, secrets)
    return Auth()


class HeaderAuth(Auth):
    """A credential in a header."""

    def __init__(self, name: str, value: str) -> None:
        self._name, self._value = name, value

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        """Set the header."""
        request.headers[self._name] = self._value
        return request


class QueryAuth(Auth):
    """A credential in a parameter of the query, also of URLs that an API made and that have it already."""

    def __init__(self, name: str, value: str) -> None:
        self._name, self._value = name, value

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        """Set the parameter."""
        parts = urlsplit(request.url or "")
        pairs = [(k, v) for k, v in parse_qsl(str(parts.query), keep_blank_values=True) if k != self._name]
        request.url = urlunsplit(parts._replace(query=urlencode([*pairs, (self._name, self._value)])))
        return request


class TokenAuth(Auth):
    """A bearer token that is fetched when it is needed, and anew when it has expired or was refused.

    Args:
        request: Asks for a token.
    """

    def __init__(
        self, system: SourceSystem, settings: Settings, request: requests.Request, secrets: Secrets
    ) -> None:
        pacer = Pacer(None)
        self._request, self._secrets = request, secrets
        self._exchange = Exchange(request.url, system, settings, pacer)
        self._tries = Tries(system, pacer)
        self._where = f"Source '{system.name}', fetching a token"
        self._lock = Lock()
        self._token, self._fetched_at, self._expires_at = "", 0.0, 0.0

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        """Set the header; other threads wait while one fetches a token."""
        with self._lock:
            if time.monotonic() >= self._expires_at:
                self._fetch()
            request.headers["Authorization"] = f"Bearer {self._token}"
        return request

    def renew(self, sent_at: float) -> bool:
        """Drop the token, unless another thread has fetched it since."""
        with self._lock:
            if self._fetched_at <= sent_at:
                self._expires_at = 0.0
        return True

    def _fetch(self) -> None:
        asked_at = time.monotonic()
        answer = self._tries.run(
            lambda: accept(self._exchange.send(self._request, Auth()), (200,), self._secrets), self._where
        )
        try:
            said = parse(answer.body)
            token, expires_in = said["access_token"], said.get("expires_in")
        except (ValueError, TypeError, KeyError):
            token, expires_in = None, None
        if not isinstance(token, str) or not _is_sendable(token):
            raise SourceError(
                f"{self._where}: the answer holds no 'access_token' that could be sent.",
                "Correct token_url in the source's catalog file.",
            )
        self._secrets.add(token)
        self._token, self._fetched_at = token, time.monotonic()
        self._expires_at = asked_at + _USED_SHARE * _seconds(expires_in)


def _token_request(
    declared: OAuth2Auth, client_id: str, client_secret: str, secrets: Secrets
) -> requests.Request:
    """RFC 6749, 4.4.2; within Basic, id and secret are encoded as in a form (2.3.1)."""
    form = {"grant_type": "client_credentials", **declared.params}
    if declared.scope:
        form["scope"] = declared.scope
    if declared.client_auth == "body":
        form |= {"client_id": client_id, "client_secret": client_secret}
        return requests.Request("POST", declared.token_url, data=form)
    header = _basic(quote_plus(client_id), quote_plus(client_secret), secrets)
    return requests.Request("POST", declared.token_url, data=form, headers={"Authorization": header})


def _seconds(expires_in: object) -> float:
    try:
        return max(float(str(expires_in)), 0.0)
    except ValueError:
        return _DEFAULT_TOKEN_SECONDS


def _basic(user: str, password: str, secrets: Secrets) -> str:
    encoded = b64encode(f"{user}:{password}".encode()).decode()
    secrets.add(encoded)
    return f"Basic {encoded}"


def _secret(system: SourceSystem, settings: Settings, secrets: Secrets, name: str) -> str:
    variable = f"ETL_{system.name.upper()}_{name.upper()}"
    found = settings.secret(f"{system.name}_{name}")
    if found is None:
        raise ConfigError(
            f"The source '{system.name}' needs {variable}, which is not set.",
            f"Set {variable} in .env, or write it to secrets/{system.name}_{name} in the state folder.",
        )
    value = found.get_secret_value()
    if name in ("token", "api_key") and not _is_sendable(value):
        raise ConfigError(
            f"{variable} holds blanks, line ends or other signs that no header can carry.",
            "Set it to the credential alone.",
        )
    if name != "user":
        secrets.add(value)
    return value


def _is_sendable(value: str) -> bool:
    return bool(value) and all("!" <= sign <= "~" for sign in value)
