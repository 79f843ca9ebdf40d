"""The parent's end of ``mysql_reader.py``: starts it, hands it a request, and takes its frames."""

from __future__ import annotations

import json
import struct
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO, Any, cast

from mysql import connector as mysql_connector

from etl.sources.connections import Address

MAX_BLOCK_BYTES = 16 * 1024 * 1024
_PROGRAM = Path(__file__).with_name("mysql_reader.py")
_HEADER = struct.Struct("<cQ")
_LOST_CONNECTION = 2013


@dataclass(frozen=True, slots=True)
class ReadRequest:
    """What a reading process is asked for.

    Attributes:
        session: Statements that set up the session and open its snapshot.
        describe: A statement whose fields are wanted.
        questions: Statements of one row, answered before the rows, within the same snapshot.
        statements: Statements whose rows are wanted.
        kinds: How each of their columns is sent: ``csv`` as it is, ``text`` and ``bytes`` to be quoted.
        batch_rows: Rows of a block.
        block_bytes: Size at which a block ends before it has so many rows.
    """

    session: list[str]
    describe: str = ""
    questions: Sequence[str] = ()
    statements: Sequence[str] = ()
    kinds: Sequence[str] = ()
    batch_rows: int = 1
    block_bytes: int = MAX_BLOCK_BYTES


class MySqlPump:
    """One request to a reading process, which ends with :meth:`close` or with this process.

    Args:
        address: Where to read; travels through the process's standard input, never its arguments (law P2).
        request: What is asked for.
    """

    def __init__(self, address: Address, request: ReadRequest) -> None:
        # -P: the folder of the program, which has a module named mysql, must not come first on the path.
        self._process = subprocess.Popen(
            [sys.executable, "-P", str(_PROGRAM)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            # Ctrl-C at the terminal is for the parent, which ends this process.
            start_new_session=True,
        )
        with suppress(BrokenPipeError):
            line = json.dumps(
                {"arguments": address.arguments, "tls_required": address.tls_required, **asdict(request)}
            )
            self._input.write(line.encode() + b"\n")
            self._input.flush()

    def fields(self) -> list[tuple[str, int, int, int, int | None]]:
        """Name, type, flags, character set and decimals of each column of the described statement.

        Raises:
            mysql.connector.Error: What the server, or the loss of the process, has said.
        """
        return [
            (name, code, flags, charset, decimals)
            for name, code, flags, charset, decimals in json.loads(self._frame(b"F"))
        ]

    def answers(self) -> list[list[str | None]]:
        """One row of texts for each question.

        Raises:
            mysql.connector.Error: As for :meth:`fields`.
        """
        return cast("list[list[str | None]]", json.loads(self._frame(b"A")))

    def blocks(self) -> Iterator[bytes]:
        """Blocks of whole CSV rows, to the end.

        Raises:
            mysql.connector.Error: As for :meth:`fields`; rows that stop before the end are a lost connection.
        """
        while (frame := self._next_frame())[0] == b"B":
            yield frame[1]
        if frame[0] != b"Z":
            raise _lost("an answer out of order")

    def close(self) -> None:
        """End the process; at once, also when it waits for the server."""
        self._process.kill()
        with suppress(BrokenPipeError):
            self._input.close()
        self._output.close()
        self._process.wait()

    @property
    def _input(self) -> IO[bytes]:
        return cast("IO[bytes]", self._process.stdin)

    @property
    def _output(self) -> IO[bytes]:
        return cast("IO[bytes]", self._process.stdout)

    def _frame(self, kind: bytes) -> bytes:
        found, body = self._next_frame()
        if found != kind:
            raise _lost("an answer out of order")
        return body

    def _next_frame(self) -> tuple[bytes, bytes]:
        header = self._output.read(_HEADER.size)
        if len(header) < _HEADER.size:
            raise _lost(f"it ended with code {self._process.wait()}")
        kind, length = _HEADER.unpack(header)
        body = self._output.read(length)
        if len(body) < length:
            raise _lost("its answer broke off")
        if kind == b"E":
            told: dict[str, Any] = json.loads(body)
            raise mysql_connector.Error(msg=told["message"], errno=told["errno"])
        return kind, body


def _lost(what: str) -> mysql_connector.Error:
    return mysql_connector.OperationalError(
        msg=f"the reading process was lost: {what}", errno=_LOST_CONNECTION
    )
