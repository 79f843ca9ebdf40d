"""Reads rows from MySQL or MariaDB in a process of its own; started by ``mysql_pump.py``, never imported.

The request is one line of JSON on standard input, which stays open: when it ends, the parent is gone, and
so is this process. The answer on standard output is a series of frames, each with a header of kind and length:

    A   answers to the questions, JSON      F   fields of the described statement, JSON
    B   a block of whole CSV rows           E   an error, JSON      Z   the end; without it the answer is not whole

Why a process: the driver's C extension cannot be loaded on Debian 12 once Python's ``ssl`` is (it brings a newer
OpenSSL), and fetching a row takes Python's lock each time. It imports nothing of the project, to start fast.
"""

from __future__ import annotations

import json
import os
import struct
import sys
import threading
from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import Any

# Optional parts of the driver that are not used here and take half of its start.
for _unused in ("dns", "opentelemetry"):
    sys.modules[_unused] = None  # type: ignore[assignment]  # None is what makes an import fail
with suppress(ImportError):
    import _mysql_connector  # type: ignore[import-not-found]  # noqa: F401  # before ssl: see above; it has no types
from mysql import connector

_HEADER = struct.Struct("<cQ")
_LARGEST_FETCH = 1_024
_FIRST_FETCH = 16
_FETCH_BYTES = 4 * 1024 * 1024


def main() -> None:
    """Answer one request; errors travel as a frame."""
    request = json.loads(sys.stdin.buffer.readline())
    threading.Thread(target=_leave_with_parent, daemon=True).start()
    try:
        connection = connector.connect(**request["arguments"])
        cursor = connection.cursor(raw=True)
        for statement in request["session"]:
            cursor.execute(statement)
        if request["describe"]:
            _send(b"F", json.dumps(_fields(connection, cursor, request["describe"])).encode())
        _send(b"A", json.dumps([_answer(cursor, question) for question in request["questions"]]).encode())
        for statement in request["statements"]:
            cursor.execute(statement)
            _send_rows(cursor, request["kinds"], request["batch_rows"], request["block_bytes"])
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


def _send_rows(cursor: Any, kinds: list[str], batch_rows: int, block_bytes: int) -> None:
    """Send rows in blocks of ``batch_rows`` rows, or fewer when they are long (law X13)."""
    rows: list[bytes] = []
    size, longest = 0, _FETCH_BYTES // _FIRST_FETCH
    while fetched := cursor.fetchmany(
        max(1, min(_LARGEST_FETCH, batch_rows - len(rows), _FETCH_BYTES // longest))
    ):
        lines = _csv_lines(fetched, kinds)
        rows += lines
        size += sum(map(len, lines))
        longest = max(256, *map(len, lines))
        if len(rows) >= batch_rows or size >= block_bytes:
            _send_block(rows)
            rows, size = [], 0
    if rows:
        _send_block(rows)


def _csv_lines(rows: list[tuple[Any, ...]], kinds: list[str]) -> list[bytes]:
    """Rows as CSV: NULL is an empty field, a text is always quoted.

    Quoted here, because ``replace`` of MariaDB takes quadratic time in a long text with many quotes.
    """
    columns = [_FIELDS[kind](values) for kind, values in zip(kinds, zip(*rows, strict=True), strict=True)]
    return [b",".join(fields) for fields in zip(*columns, strict=True)]


def _pieces(values: tuple[bytes, ...]) -> Iterable[bytes]:
    return values


def _texts(values: tuple[bytes | None, ...]) -> Iterable[bytes]:
    return [b"" if v is None else b'"%b"' % v.replace(b'"', b'""') for v in values]


def _bytes(values: tuple[bytes | None, ...]) -> Iterable[bytes]:
    return [b"" if v is None else b'"%b"' % v.hex().encode() for v in values]


_FIELDS: dict[str, Callable[[tuple[Any, ...]], Iterable[bytes]]] = {
    "csv": _pieces,
    "text": _texts,
    "bytes": _bytes,
}


def _send_block(rows: list[bytes]) -> None:
    rows.append(b"")
    _send(b"B", b"\n".join(rows))


def _send(kind: bytes, body: bytes) -> None:
    try:
        sys.stdout.buffer.write(_HEADER.pack(kind, len(body)))
        sys.stdout.buffer.write(body)
        sys.stdout.buffer.flush()
    except BrokenPipeError:
        os._exit(1)


if __name__ == "__main__":
    main()
