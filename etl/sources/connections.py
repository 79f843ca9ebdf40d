"""Connections to source systems: addresses out of URLs, and sessions that answer alike everywhere.

A URL of PostgreSQL takes every parameter of libpq, such as ``?host=/socket/dir&sslmode=verify-full``; one of
MySQL ``ssl_mode``, ``ssl_ca``, ``ssl_cert``, ``ssl_key`` and ``unix_socket``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, cast
from urllib.parse import parse_qsl, unquote, urlsplit

import psycopg2
from mysql import connector as mysql_connector
from mysql.connector.abstracts import MySQLConnectionAbstract
from psycopg2.extensions import connection as Connection

from etl.catalog import SourceSystem
from etl.errors import ConfigError, SourceError
from etl.settings import Settings
from etl.sources.failures import source_failures

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
_MYSQL_PARAMETERS = ("ssl_ca", "ssl_cert", "ssl_key", "unix_socket")
_MODE_PARAMETERS = ("ssl_mode", "sslmode", "ssl-mode")
_IGNORED_PARAMETERS = ("charset",)
_MYSQL_PORT = 3306
READER_NAME = "storehouse"


@dataclass(frozen=True, slots=True)
class Address:
    """Where a source system is and how to log in; its repr holds no secret (law P2).

    Attributes:
        system: Name in the catalog, for messages.
        arguments: Keyword arguments of the driver's ``connect``.
        secret: The password, so that it can be kept out of messages.
        tls_required: The server must be asked whether the connection is encrypted.
    """

    system: str
    arguments: dict[str, Any]
    secret: str
    tls_required: bool = False

    def __repr__(self) -> str:
        return f"Address({self.system!r})"


def postgresql_address(system: SourceSystem, url: str, settings: Settings) -> Address:
    """Read a URL of PostgreSQL; libpq knows its parameters, TLS modes among them (law P4)."""
    try:
        parts = psycopg2.extensions.parse_dsn("postgresql:" + url.partition(":")[2])
    except psycopg2.Error:
        raise _unreadable(system) from None
    arguments = {
        "connect_timeout": settings.connect_timeout_seconds,
        "application_name": READER_NAME,
        "keepalives_idle": 30,
        "keepalives_interval": 10,
        "keepalives_count": 6,
        **parts,
    }
    return Address(system.name, arguments, str(parts.get("password") or ""))


def mysql_address(system: SourceSystem, url: str, settings: Settings) -> Address:
    """Read a URL of MySQL or MariaDB.

    Raises:
        ConfigError: The URL cannot be read, or has a parameter or TLS mode that is not known.
    """
    try:
        parts = urlsplit(url)
        port = parts.port or _MYSQL_PORT
    except ValueError:
        raise _unreadable(system) from None
    given = dict(parse_qsl(parts.query))
    unknown = set(given) - {*_MYSQL_PARAMETERS, *_MODE_PARAMETERS, *_IGNORED_PARAMETERS}
    if unknown or not parts.path.strip("/"):
        fault = (
            f"has parameters that are not known: {', '.join(sorted(unknown))}"
            if unknown
            else "names no database"
        )
        raise ConfigError(f"{system.variable} {fault}.", "See docs/sources.md for the form of the URL.")
    password = unquote(parts.password or "")
    mode = next((given[name] for name in _MODE_PARAMETERS if name in given), "preferred")
    arguments = {
        "host": unquote(parts.hostname or "localhost"),
        "port": port,
        "user": unquote(parts.username or ""),
        "password": password,
        "database": unquote(parts.path.strip("/")),
        "charset": "utf8mb4",
        # Known to MySQL and MariaDB alike; the driver's default is known to MySQL 8 only.
        "collation": "utf8mb4_general_ci",
        "connection_timeout": settings.connect_timeout_seconds,
        "autocommit": True,
        # Beyond the limit of a statement: only a server that is gone without a word is silent for so long.
        "read_timeout": settings.statement_timeout_seconds + 60,
        **{name: given[name] for name in _MYSQL_PARAMETERS if name in given},
        **_mysql_tls(system, mode, given),
    }
    required = _TLS_MODES[_plain_mode(mode)] not in ("disabled", "preferred")
    return Address(system.name, arguments, password, required)


def connect_postgresql(address: Address, settings: Settings) -> Connection:
    """Open a session that only reads, in UTC, with texts that do not depend on the server's settings.

    Raises:
        SourceError: The server refuses the account or the TLS mode.
        TransientError: The server cannot be reached.
    """
    with source_failures(f"Connecting to the source '{address.system}'", address.secret):
        connection: Connection = psycopg2.connect(**address.arguments)
        connection.set_session(isolation_level="REPEATABLE READ", readonly=True, autocommit=True)
        connection.set_client_encoding("UTF8")
        session = _postgresql_session(settings)
        with connection.cursor() as cursor:
            # In one question: there are sessions for each table.
            settled = ", ".join(["set_config(%s, %s, false)"] * len(session))
            cursor.execute(f"select {settled}", [part for pair in session.items() for part in pair])
    return connection


def connect_mysql(address: Address, settings: Settings) -> MySQLConnectionAbstract:
    """Open a session for control and metadata.

    Raises:
        SourceError: The server refuses the account, or the connection is not encrypted though it must be.
        TransientError: The server cannot be reached.
    """
    with source_failures(f"Connecting to the source '{address.system}'", address.secret):
        connection = cast(MySQLConnectionAbstract, mysql_connector.connect(**address.arguments))
        with connection.cursor() as cursor:
            for statement in mysql_session(settings, connection.server_info):
                cursor.execute(statement)
            cursor.execute("show session status like 'Ssl_cipher'")
            found: Any = cursor.fetchall()
    if address.tls_required and not (found and found[0][1]):
        raise SourceError(
            f"Connecting to the source '{address.system}': the URL demands TLS, the connection has none.",
            "Set up TLS on the server, or change ssl_mode in the URL.",
        )
    return connection


def mysql_session(settings: Settings, server_info: str | None) -> list[str]:
    """Statements that make every reading session alike, whatever the server's settings are."""
    seconds = settings.statement_timeout_seconds
    limit = (
        f"max_statement_time = {seconds}"
        if "mariadb" in (server_info or "").lower()
        else f"max_execution_time = {seconds * 1000}"
    )
    return [
        # An empty mode: zero dates are shown, backslashes escape, double quotes are texts.
        # The server must wait while the reader of the rows is busy; its default is a minute.
        f"set session sql_mode = '', time_zone = '+00:00', net_write_timeout = {seconds}, {limit},"
        f" lock_wait_timeout = {max(settings.lock_timeout_seconds, 1)}",
        "set session transaction isolation level repeatable read",
    ]


def _postgresql_session(settings: Settings) -> dict[str, str]:
    return {
        "TimeZone": "UTC",
        "DateStyle": "ISO, YMD",
        "IntervalStyle": "iso_8601",
        "extra_float_digits": "1",
        "standard_conforming_strings": "on",
        "statement_timeout": f"{settings.statement_timeout_seconds}s",
        "lock_timeout": f"{settings.lock_timeout_seconds}s",
        "idle_in_transaction_session_timeout": "0",
    }


def _mysql_tls(system: SourceSystem, mode: str, given: dict[str, str]) -> dict[str, Any]:
    known = _TLS_MODES.get(_plain_mode(mode))
    if known is None:
        raise ConfigError(
            f"{system.variable}: ssl_mode has a value that is not known.",
            "Use disabled, preferred, required, verify_ca or verify_identity.",
        )
    if known == "disabled":
        return {"ssl_disabled": True}
    verifies = known in ("verify_ca", "verify_identity")
    if verifies and "ssl_ca" not in given:
        raise ConfigError(
            f"{system.variable}: ssl_mode {known} needs ssl_ca.",
            "Add ssl_ca=<file with the certificate authority>.",
        )
    return {"ssl_verify_cert": True, "ssl_verify_identity": known == "verify_identity"} if verifies else {}


def _plain_mode(mode: str) -> str:
    return mode.lower().replace("-", "_")


def _unreadable(system: SourceSystem) -> ConfigError:
    return ConfigError(
        f"{system.variable} cannot be read as a URL.",
        "Use scheme://user:password@host:port/database, with special characters of the password as %XX.",
    )
