"""Rows of a PostgreSQL ``COPY ... TO STDOUT`` as blocks of whole CSV rows, pumped by a thread."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from queue import Empty, Full, Queue
from threading import Event, Thread

import psycopg2
from psycopg2.extensions import connection as Connection

MAX_BLOCK_BYTES = 16 * 1024 * 1024
_BLOCKS_AHEAD = 2
_POLL_SECONDS = 0.2


class _Stopped(Exception):
    """The reader of the blocks has gone."""


def copied_blocks(connection: Connection, statement: str, batch_rows: int) -> Iterator[bytes]:
    """Run ``statement`` and yield its rows; closes the connection at the end, or when the reader goes.

    Memory is bounded by a few blocks (law X13): the server waits while the reader is busy.

    Raises:
        psycopg2.Error: What the server or the connection said.
    """
    pump = _Pump(connection, statement, batch_rows)
    thread = Thread(target=pump.run, name="copy", daemon=True)
    thread.start()
    try:
        yield from pump.blocks()
    finally:
        pump.stopped.set()
        if thread.is_alive():
            with suppress(psycopg2.Error):
                connection.cancel()
            thread.join()
        connection.close()


class _Pump:
    """Both ends of the queue; :meth:`write` is what psycopg2 hands each row to."""

    def __init__(self, connection: Connection, statement: str, batch_rows: int) -> None:
        self.stopped = Event()
        self._connection, self._statement, self._batch_rows = connection, statement, batch_rows
        self._queue: Queue[bytes | Exception | None] = Queue(_BLOCKS_AHEAD)
        self._rows: list[bytes] = []
        self._bytes = 0

    def run(self) -> None:
        """Copy until the end, an error, or the reader's leaving; the error travels through the queue."""
        try:
            with self._connection.cursor() as cursor:
                cursor.copy_expert(f"copy ({self._statement}) to stdout (format csv)", self)
            self._flush()
            self._put(None)
        except _Stopped:
            return
        except (
            Exception
        ) as error:  # whatever it is, it must reach the reader, or rows would be missing unseen
            with suppress(_Stopped):
                self._put(error)

    def write(self, row: bytes) -> int:
        """Take one row: libpq hands out CopyData messages one row at a time."""
        self._rows.append(row)
        self._bytes += len(row)
        if len(self._rows) >= self._batch_rows or self._bytes >= MAX_BLOCK_BYTES:
            self._flush()
        return len(row)

    def blocks(self) -> Iterator[bytes]:
        """What has been written, to its end.

        Raises:
            Exception: The one that ended the copy.
        """
        while True:
            try:
                item = self._queue.get(timeout=_POLL_SECONDS)
            except Empty:
                continue
            if item is None:
                return
            if isinstance(item, Exception):
                raise item
            yield item

    def _flush(self) -> None:
        if self._rows:
            self._put(b"".join(self._rows))
            self._rows, self._bytes = [], 0

    def _put(self, item: bytes | Exception | None) -> None:
        while not self.stopped.is_set():
            try:
                return self._queue.put(item, timeout=_POLL_SECONDS)
            except Full:
                continue
        raise _Stopped
