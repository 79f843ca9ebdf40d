"""Lines of a text file, decoded and of bounded length (law X13)."""

from __future__ import annotations

import codecs
import io
from collections.abc import Iterator

from etl.errors import FileFault
from etl.sources.files.unpacking import MAX_RECORD_BYTES, Metered

# UTF-32 first: its mark begins like that of UTF-16.
_MARKS = {
    codecs.BOM_UTF8: "utf-8-sig",
    codecs.BOM_UTF32_LE: "utf-32",
    codecs.BOM_UTF32_BE: "utf-32",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}
_LONGEST_MARK = 4


def open_text(stream: Metered, encoding: str) -> tuple[io.TextIOWrapper, str]:
    """The stream as text with its line ends as they are, and the encoding that holds.

    Bytes that are not of the encoding become lone surrogates, where the encoding allows it, so that they
    cost their row and not the file.

    Args:
        encoding: Declared; a byte order mark says more.
    """
    buffered = io.BufferedReader(stream, 1 << 20)
    start = buffered.peek(_LONGEST_MARK)[:_LONGEST_MARK]
    holds = next((name for mark, name in _MARKS.items() if start.startswith(mark)), encoding)
    return io.TextIOWrapper(buffered, encoding=holds, errors="surrogateescape", newline=""), holds


class Lines(Iterator[str]):
    """Lines with their ends as they are, so that a quoted field keeps its own.

    Attributes:
        number: Of the line that was read last, from 1.

    Args:
        stream: The bytes.
        encoding: As for :func:`open_text`.
        comment: Lines of which no record has begun yet, and that begin with it, are left out.
    """

    def __init__(self, stream: Metered, encoding: str, comment: str | None = None) -> None:
        self._stream = stream
        self._text, self._encoding = open_text(stream, encoding)
        self._comment = comment
        self.number = 0
        self._record: list[str] = []

    def begin_record(self) -> None:
        """The next line begins a record."""
        self._record.clear()
        self._stream.mark()

    @property
    def text(self) -> str:
        """The record so far, which may have several lines."""
        return "".join(self._record)

    def __next__(self) -> str:
        """The next line.

        Raises:
            StopIteration: There is none.
            FileFault: It is too long, or the bytes are not of the encoding and cannot be kept apart.
        """
        while True:
            line = self._read()
            if not line:
                raise StopIteration
            self.number += 1
            if self._record or not (self._comment and line.startswith(self._comment)):
                self._record.append(line)
                return line

    def _read(self) -> str:
        try:
            line = self._text.readline(MAX_RECORD_BYTES)
        except UnicodeError as error:
            raise FileFault(
                f"it is not {self._encoding}: {error}", "Correct 'encoding', or the file."
            ) from None
        if len(line) == MAX_RECORD_BYTES:
            raise FileFault(
                f"line {self.number + 1} is longer than {MAX_RECORD_BYTES:,} characters", "Mend the file."
            )
        return line
