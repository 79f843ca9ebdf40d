"""Connections to source systems: addresses out of URLs, and sessions that answer alike everywhere.

A URL of PostgreSQL takes every parameter of libpq, such as ``?host=/socket/dir&sslmode=verify-full``; see
``etl/mysql_urls.py`` for those of MySQL.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, cast

import psycopg2
from mysql import connector as mysql_connector
from mysql.connector.abstracts import MySQLConnectionAbstract
from psycopg2.extensions import connection as Connection

from etl.catalog import SourceSystem
from etl.errors import ConfigError, SourceError
from etl.mysql_urls import read_mysql_url
from etl.settings import Settings
from etl.sources.failures import source_failures

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
    read = read_mysql_url(system.variable, url, settings)
    if not read.database:
        raise ConfigError(
            f"{system.variable} names no database.", "See docs/sources.md for the form of the URL."
        )
    return Address(
        system.name, {**read.arguments, "database": read.database}, read.password, read.tls_required
    )


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


def _unreadable(system: SourceSystem) -> ConfigError:
    return ConfigError(
        f"{system.variable} cannot be read as a URL.",
        "Use scheme://user:password@host:port/database, with special characters of the password as %XX.",
    )
