"""Reads rows from MySQL or MariaDB in a process of its own; started by ``mysql_pump.py``, never imported.

The request is one line of JSON on standard input, which stays open: when it ends, the parent is gone,
and so is this process. The answer on standard output is a series of frames, each with its kind and length:

    F   fields of the described statement, JSON      B   a block of whole CSV rows
    A   answers to the questions, JSON               E   an error, JSON
    Z   the end; without it the answer is not whole

Why a process: on Debian 12 the driver's C extension cannot be loaded once Python's ``ssl`` is (it brings a
newer OpenSSL), and fetching takes Python's lock for each row. It imports nothing of the project, to start
fast.
"""

from __future__ import annotations

import json
import os
import struct
import sys
import threading
from collections.abc import Callable, Iterable
from contextlib import suppress
from itertools import chain, islice
from typing import Any, cast

# Optional parts of the driver that are not used here and take half of its start.
for _unused in ("dns", "opentelemetry"):
    sys.modules[_unused] = None  # type: ignore[assignment]  # None is what makes an import fail
with suppress(ImportError):
    import _mysql_connector  # type: ignore[import-not-found]  # noqa: F401  # before ssl: see above; it has no types
from mysql import connector  # noqa: E402  # after what must be settled before

_HEADER = struct.Struct("<cQ")
_LARGEST_FETCH = 1_024
_FIRST_FETCH = 16
_FETCH_BYTES = 4 * 1024 * 1024

Fetch = Callable[[], "tuple[Any, ...] | None"]


def main() -> None:
    """Answer one request; errors travel as a frame."""
    request = json.loads(sys.stdin.buffer.readline())
    threading.Thread(target=_leave_with_parent, daemon=True).start()
    try:
        connection = connector.connect(**request["arguments"])
        cursor = connection.cursor(raw=True)
        for statement in request["session"]:
            cursor.execute(statement)
        if request["tls_required"] and not _answer(cursor, "show session status like 'Ssl_cipher'")[1]:
            raise connector.Error(msg="the URL demands TLS, the connection has none", errno=2026)
        if request["describe"]:
            _send(b"F", json.dumps(_fields(connection, cursor, request["describe"])).encode())
        _send(b"A", json.dumps([_answer(cursor, question) for question in request["questions"]]).encode())
        for statement in request["statements"]:
            fetch = _fetcher(connection, cursor, statement)
            _send_rows(fetch, request["kinds"], request["batch_rows"], request["block_bytes"])
        _send(b"Z", b"")
    except Exception as error:  # the C extension has errors of its own; all of them must reach the parent
        told = {"errno": getattr(error, "errno", None), "message": str(getattr(error, "msg", None) or error)}
        _send(b"E", json.dumps(told).encode())
    # Not by way of the interpreter's end, for which the thread that waits for the parent holds a lock.
    os._exit(0)


def _leave_with_parent() -> None:
    sys.stdin.buffer.read()
    os._exit(1)


def _fields(connection: Any, cursor: Any, statement: str) -> list[list[Any]]:
    """Name, type, flags, character set and decimals (which only the C extension tells) of each column."""
    low_level = getattr(connection, "_cmysql", None)
    if low_level is None:
        cursor.execute(statement)
        cursor.fetchall()
        return [[d[0], d[1], d[7], d[8], None] for d in cursor.description]
    low_level.query(statement.encode("utf-8"))
    fields = low_level.fetch_fields()
    low_level.free_result()
    return [[f[4], f[8], f[9], f[6], f[10]] for f in fields]


def _answer(cursor: Any, question: str) -> list[str | None]:
    cursor.execute(question)
    row = cursor.fetchall()[0]
    return [None if value is None else value.decode("utf-8") for value in row]


def _fetcher(connection: Any, cursor: Any, statement: str) -> Fetch:
    """What hands out the next row, None at the end; at half the cost of a cursor where the extension runs."""
    low_level = getattr(connection, "_cmysql", None)
    if low_level is None:
        cursor.execute(statement)
        return cast(Fetch, cursor.fetchone)
    low_level.free_result()
    low_level.query(statement.encode("utf-8"), raw=True, buffered=False)
    return cast(Fetch, low_level.fetch_row)


def _send_rows(fetch: Fetch, kinds: list[str], batch_rows: int, block_bytes: int) -> None:
    """Send rows in blocks of ``batch_rows`` rows, or fewer when they are long (law X13)."""
    parts: list[bytes] = []
    count = size = 0
    wanted = _FIRST_FETCH
    rows = iter(fetch, None)
    while fetched := list(islice(rows, min(wanted, batch_rows - count))):
        part = _csv(fetched, kinds)
        parts.append(part)
        count += len(fetched)
        size += len(part)
        wanted = max(1, min(_LARGEST_FETCH, _FETCH_BYTES * len(fetched) // len(part)))
        if count >= batch_rows or size >= block_bytes:
            _send(b"B", b"".join(parts))
            parts, count, size = [], 0, 0
    if parts:
        _send(b"B", b"".join(parts))


def _csv(rows: list[tuple[Any, ...]], kinds: list[str]) -> bytes:
    """Rows as CSV: NULL is an empty field, a text is always quoted; ``csv`` fields bring their separator.

    Long texts are quoted here, because ``replace`` of MariaDB takes quadratic time in one with many quotes;
    short ones the server has quoted.
    """
    if kinds == ["csv"]:
        return b"".join(chain.from_iterable(rows))
    ends = [b","] * (len(kinds) - 1) + [b"\n"]
    columns = zip(kinds, ends, zip(*rows, strict=True), strict=True)
    return b"".join(chain.from_iterable(zip(*(_fields_of(*column) for column in columns), strict=True)))


def _fields_of(kind: str, end: bytes, values: tuple[Any, ...]) -> Iterable[bytes]:
    if kind == "csv":
        return values
    quoted_end = b'"' + end
    if kind == "bytes":
        return [end if v is None else b'"' + v.hex().encode() + quoted_end for v in values]
    return [end if v is None else b'"' + v.replace(b'"', b'""') + quoted_end for v in values]


def _send(kind: bytes, body: bytes) -> None:
    try:
        sys.stdout.buffer.write(_HEADER.pack(kind, len(body)))
        sys.stdout.buffer.write(body)
        sys.stdout.buffer.flush()
    except BrokenPipeError:
        os._exit(1)


if __name__ == "__main__":
    main()
