"""Turns what drivers raise into the errors of this project, without a secret in any message (law P2)."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg2
from mysql import connector as mysql_connector

from etl.errors import SourceError, StorehouseError, TransientError

# Classes and codes of SQLSTATE that may be gone a moment later: connection, resources, operator
# intervention (timeouts among them), serialization, locks, and a snapshot that is too old.
_TRANSIENT_STATES = ("08", "53", "57", "40", "55P03", "72")
_REFUSALS = (
    "authentication failed",
    "no password supplied",
    "no pg_hba.conf entry",
    "does not exist",
    "not permitted to log in",
    "permission denied",
    "certificate",
    "does not support SSL",
    "SSL error",
    "root.crt",
)
_TRANSIENT_ERRNOS = frozenset(
    (
        *(1040, 1203, 1226),  # too many connections
        *(1053, 1077, 1078, 1079, 1080),  # shutting down
        *(
            1152,
            1153,
            1158,
            1159,
            1160,
            1161,
            2002,
            2003,
            2004,
            2005,
            2006,
            2012,
            2013,
            2027,
            2055,
        ),  # connection
        *(1205, 1213, 1412),  # lock wait, deadlock, definition changed
        *(1317, 1927, 1969, 3024, 4031),  # killed or timed out
    )
)
_PRIVILEGE_ERRNOS = frozenset((1044, 1045, 1142, 1143, 1227, 1698, 3118, 4151))
_MYSQL_TLS_ERRNOS = frozenset((2026,))


@contextmanager
def source_failures(where: str, secret: str = "") -> Iterator[None]:
    """Raise errors of a driver as :class:`TransientError` or :class:`SourceError`.

    Args:
        where: What was done and with which table, for the message (law P5).
        secret: Password that must not appear, whatever the driver says.
    """
    try:
        yield
    except psycopg2.Error as error:
        # "from None": the driver's own traceback and message may hold what the URL holds.
        raise postgresql_failure(error, where, secret) from None
    except mysql_connector.Error as error:
        raise mysql_failure(error.errno, str(error.msg or error), where, secret) from None


def postgresql_failure(error: psycopg2.Error, where: str, secret: str = "") -> StorehouseError:
    """The error of this project for one of psycopg2's."""
    state = error.pgcode or ""
    said = _said(str(error), secret)
    # Without a state, the error comes from the client: no connection, or a lost one.
    lost = not state and not isinstance(error, psycopg2.ProgrammingError)
    if state.startswith(_TRANSIENT_STATES) or (lost and not any(word in said for word in _REFUSALS)):
        return TransientError(
            f"{where}: {said}", "Look whether the server runs and can be reached; the call is tried again."
        )
    if state in ("42501", "28000", "28P01") or lost:
        return SourceError(
            f"{where}: {said}",
            "Correct user, password, TLS mode or database in the URL, or grant what is missing.",
        )
    return SourceError(
        f"{where}: {said}", "Mend the source, or the declaration in catalog/tables that asks for it."
    )


def mysql_failure(errno: int | None, message: str, where: str, secret: str = "") -> StorehouseError:
    """The error of this project for one of MySQL's."""
    said = f"{_said(message, secret)} (MySQL error {errno})"
    is_refused = errno in _PRIVILEGE_ERRNOS or errno in _MYSQL_TLS_ERRNOS or "certificate" in said.lower()
    if errno in _TRANSIENT_ERRNOS and not is_refused:
        return TransientError(
            f"{where}: {said}", "Look whether the server runs and can be reached; the call is tried again."
        )
    if is_refused:
        return SourceError(
            f"{where}: {said}", "Correct user, password or ssl_ca in the URL, or grant what is missing."
        )
    return SourceError(
        f"{where}: {said}", "Mend the source, or the declaration in catalog/tables that asks for it."
    )


def _said(message: str, secret: str) -> str:
    """The driver's words on one line, without the password and without the statement."""
    lines = [
        line.strip()
        for line in message.splitlines()
        if line.strip() and not line.startswith(("LINE ", "CONTEXT"))
    ]
    text = "; ".join(line for line in lines if set(line) != {"^"}) or "the driver gave no reason"
    return text.replace(secret, "***") if secret else text
