"""How a request says who asks; credentials come from the settings and stand in no message (law P2)."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

import requests
from pydantic import SecretStr
from requests.auth import AuthBase, HTTPBasicAuth

from etl.catalog import SourceSystem
from etl.catalog.rest import ApiKeyAuth, BasicAuth, BearerAuth, OAuth2Auth
from etl.errors import ConfigError, SourceError, TransientError
from etl.settings import Settings

# A token is renewed this long before the server says that it ends.
_EARLY_SECONDS = 30
_USUAL_LIFE_SECONDS = 3_600

Send = Callable[[requests.Request], requests.Response]


class Credentials(AuthBase):
    """Adds to each request what the API wants; without any, no file of the user's home is asked either."""

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        """The request with its credentials."""
        return request

    def renew(self) -> bool:
        """Get new credentials after a refusal; False when there are no others."""
        return False


def credentials_for(system: SourceSystem, settings: Settings, send: Send) -> Credentials:
    """The credentials that the catalog declares for a system.

    Args:
        send: Sends a request without credentials, for a token.

    Raises:
        ConfigError: A secret is not set; names its variable.
    """

    def secret(what: str) -> SecretStr:
        found = settings.secret(f"{system.name}_{what}")
        if found is None:
            variable = f"ETL_{system.name}_{what}".upper()
            raise ConfigError(
                f"The source '{system.name}' needs {variable}, which is not set.",
                f"Set {variable} in .env, or write it to the file secrets/{system.name}_{what} "
                "of the state folder.",
            )
        return found

    match system.rest.auth if system.rest else None:
        case None:
            return Credentials()
        case BearerAuth():
            return _Header("Authorization", secret("token"), "Bearer ")
        case BasicAuth():
            return _Basic(secret("user"), secret("password"))
        case ApiKeyAuth(location="header", name=name):
            return _Header(name, secret("api_key"))
        case ApiKeyAuth(name=name):
            return _Parameter(name, secret("api_key"))
        case OAuth2Auth() as declared:
            return _ClientCredentials(declared, (secret("client_id"), secret("client_secret")), send)


class _Header(Credentials):
    def __init__(self, name: str, value: SecretStr, prefix: str = "") -> None:
        self._name, self._value, self._prefix = name, value, prefix

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.headers[self._name] = self._prefix + self._value.get_secret_value()
        return request


class _Basic(Credentials):
    def __init__(self, user: SecretStr, password: SecretStr) -> None:
        self._auth = HTTPBasicAuth(user.get_secret_value(), password.get_secret_value())

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        self._auth(request)
        return request


class _Parameter(Credentials):
    def __init__(self, name: str, value: SecretStr) -> None:
        self._name, self._value = name, value

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.prepare_url(request.url, {self._name: self._value.get_secret_value()})
        return request


class _ClientCredentials(Credentials):
    """OAuth 2 client credentials (RFC 6749, 4.4): one token for all threads, renewed when it ends."""

    def __init__(self, declared: OAuth2Auth, client: tuple[SecretStr, SecretStr], send: Send) -> None:
        self._declared, self._client, self._send = declared, client, send
        self._lock = threading.Lock()
        self._token, self._ends_at = "", 0.0

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        with self._lock:
            if time.monotonic() >= self._ends_at:
                self._fetch()
            request.headers["Authorization"] = f"Bearer {self._token}"
        return request

    def renew(self) -> bool:
        with self._lock:
            self._ends_at = 0.0
        return True

    def _fetch(self) -> None:
        form = {"grant_type": "client_credentials"}
        if self._declared.scope:
            form["scope"] = self._declared.scope
        user, password = (part.get_secret_value() for part in self._client)
        request = requests.Request(
            "POST", self._declared.token_url, data=form, auth=HTTPBasicAuth(user, password)
        )
        answer = self._send(request)
        if answer.status_code != requests.codes.ok:
            kind = TransientError if answer.status_code >= 500 else SourceError
            raise kind(
                f"The token address of the API answered {answer.status_code}.",
                "Check client id, client secret, scope and token_url.",
            )
        try:
            body = answer.json()
            self._token = str(body["access_token"])
            life = float(body.get("expires_in") or _USUAL_LIFE_SECONDS)
        except (ValueError, KeyError, TypeError, AttributeError):
            raise SourceError(
                "The token address of the API answered without an access_token.", "Check token_url."
            ) from None
        self._ends_at = time.monotonic() + max(life - _EARLY_SECONDS, life / 2)
