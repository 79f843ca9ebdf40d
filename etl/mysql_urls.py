"""URLs of MySQL and MariaDB, as the driver takes them.

They take ``ssl_mode``, ``ssl_ca``, ``ssl_cert``, ``ssl_key`` and ``unix_socket``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from etl.errors import ConfigError
from etl.settings import Settings

_TLS_MODES = {
    "disabled": "disabled",
    "disable": "disabled",
    "preferred": "preferred",
    "prefer": "preferred",
    "required": "required",
    "require": "required",
    "verify_ca": "verify_ca",
    "verify_identity": "verify_identity",
    "verify_full": "verify_identity",
}
_PARAMETERS = ("ssl_ca", "ssl_cert", "ssl_key", "unix_socket")
_MODE_PARAMETERS = ("ssl_mode", "sslmode", "ssl-mode")
_IGNORED_PARAMETERS = ("charset",)
_PORT = 3306


@dataclass(frozen=True, slots=True)
class MySqlUrl:
    """A URL that was read; its repr holds no secret (law P2).

    Attributes:
        arguments: Keyword arguments of the driver's ``connect``, but for the database.
        database: Its path, empty where there is none.
        password: So that it can be kept out of messages.
        tls_required: The server must be asked whether the connection is encrypted.
    """

    arguments: dict[str, Any]
    database: str
    password: str
    tls_required: bool

    def __repr__(self) -> str:
        return f"MySqlUrl(database={self.database!r})"


def is_mysql_url(url: str) -> bool:
    """Whether it names a server of MySQL or MariaDB, with any driver."""
    return urlsplit(url).scheme.partition("+")[0] in {"mysql", "mariadb"}


def read_mysql_url(variable: str, url: str, settings: Settings) -> MySqlUrl:
    """Read a URL of MySQL or MariaDB.

    Args:
        variable: Where it stands, for messages.

    Raises:
        ConfigError: The URL cannot be read, or has a parameter or TLS mode that is not known.
    """
    try:
        parts = urlsplit(url)
        port = parts.port or _PORT
    except ValueError:
        raise ConfigError(
            f"{variable} cannot be read as a URL.",
            "Use scheme://user:password@host:port/database, with special characters of the password as %XX.",
        ) from None
    given = dict(parse_qsl(parts.query))
    if unknown := set(given) - {*_PARAMETERS, *_MODE_PARAMETERS, *_IGNORED_PARAMETERS}:
        raise ConfigError(
            f"{variable} has parameters that are not known: {', '.join(sorted(unknown))}.",
            "See docs/sources.md for the form of the URL.",
        )
    password = unquote(parts.password or "")
    mode = next((given[name] for name in _MODE_PARAMETERS if name in given), "preferred")
    arguments = {
        "host": unquote(parts.hostname or "localhost"),
        "port": port,
        "user": unquote(parts.username or ""),
        "password": password,
        "charset": "utf8mb4",
        # Known to MySQL and MariaDB alike; the driver's default is known to MySQL 8 only.
        "collation": "utf8mb4_general_ci",
        "connection_timeout": settings.connect_timeout_seconds,
        "autocommit": True,
        # Beyond the limit of a statement: only a server that is gone without a word is silent for so long.
        "read_timeout": settings.statement_timeout_seconds + 60,
        **{name: given[name] for name in _PARAMETERS if name in given},
        **_tls_arguments(variable, mode, given),
    }
    required = _TLS_MODES[_plain_mode(mode)] not in ("disabled", "preferred")
    return MySqlUrl(arguments, unquote(parts.path.strip("/")), password, required)


def _tls_arguments(variable: str, mode: str, given: dict[str, str]) -> dict[str, Any]:
    known = _TLS_MODES.get(_plain_mode(mode))
    if known is None:
        raise ConfigError(
            f"{variable}: ssl_mode has a value that is not known.",
            "Use disabled, preferred, required, verify_ca or verify_identity.",
        )
    if known == "disabled":
        return {"ssl_disabled": True}
    verifies = known in ("verify_ca", "verify_identity")
    if verifies and "ssl_ca" not in given:
        raise ConfigError(
            f"{variable}: ssl_mode {known} needs ssl_ca.",
            "Add ssl_ca=<file with the certificate authority>.",
        )
    return {"ssl_verify_cert": True, "ssl_verify_identity": known == "verify_identity"} if verifies else {}


def _plain_mode(mode: str) -> str:
    return mode.lower().replace("-", "_")
