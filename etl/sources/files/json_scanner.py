"""A JSON document read value by value, in memory of about one value (law X13).

Each value is decoded by Python's own decoder as soon as the text so far holds it whole. (The faster of
ijson's backends ends the process at a number of 5,000 digits, which a hostile file may hold: law P4.)
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, NoReturn

from etl.errors import FileFault
from etl.sources.files.lines import open_text
from etl.sources.files.unpacking import Metered

_CHUNK_CHARACTERS = 1 << 18
_LONGEST_TOKEN = 16
_SPACE = re.compile(r"[ \t\r\n]*")


@dataclass(frozen=True, slots=True)
class Found:
    """A record, or a field of the object that holds the records.

    Attributes:
        field: Name of the field; None for a record.
    """

    field: str | None
    value: Any


def find_records(stream: Metered, path: tuple[str, ...]) -> Iterator[Found]:
    """The records of a list at a path of keys, or the one object there, and the fields beside it, in order.

    Raises:
        FileFault: The document is broken, or has no such list or object.
    """
    document = _Document(stream)
    yield from _within(document, path)
    if document.next_sign():
        raise document.broken("there is more behind its end")


def refuse_constant(constant: str) -> NoReturn:
    """NaN and Infinity, which Python's decoder takes, are no JSON."""
    raise ValueError(f"{constant} is no JSON")


def _within(document: _Document, path: tuple[str, ...]) -> Iterator[Found]:
    if not path:
        yield from _here(document)
        return
    is_found = False
    for key in _keys(document):
        if key == path[0]:
            is_found = True
            yield from _within(document, path[1:])
        else:
            value = document.value()
            if len(path) == 1:
                yield Found(key, value)
    if not is_found:
        raise FileFault(f"it has no {path[0]!r}, where its records are expected", "Mend the file, or 'data'.")


def _here(document: _Document) -> Iterator[Found]:
    match document.next_sign():
        case "[":
            for _ in _items(document, "[", "]"):
                yield Found(None, document.value())
        case "{":
            yield Found(None, document.value())
        case _:
            raise FileFault("it has no list and no object where its records are expected", "Mend the file.")


def _keys(document: _Document) -> Iterator[str]:
    for _ in _items(document, "{", "}"):
        if document.next_sign() != '"':
            raise document.broken("a name is expected")
        key: str = document.value()
        document.take(":")
        yield key


def _items(document: _Document, opening: str, closing: str) -> Iterator[None]:
    """Stand before each item of a list or an object, to the end of it."""
    document.take(opening)
    if document.next_sign() != closing:
        yield None
        while document.next_sign() == ",":
            document.take(",")
            yield None
    document.take(closing)


class _Document:
    """The text around the place that has been reached."""

    def __init__(self, stream: Metered) -> None:
        self._stream = stream
        self._source, self._encoding = open_text(stream, "utf-8")
        self._text, self._at = "", 0
        self._decoder = json.JSONDecoder(parse_float=Decimal, parse_constant=refuse_constant)

    def next_sign(self) -> str:
        """The next sign that is no space; empty at the end of the text."""
        while True:
            matched = _SPACE.match(self._text, self._at)
            self._at = matched.end() if matched else self._at
            if self._at < len(self._text):
                return self._text[self._at]
            if not self._grow():
                return ""

    def take(self, sign: str) -> None:
        """Go beyond a sign that must come next."""
        if self.next_sign() != sign:
            raise self.broken(f"{sign!r} is expected")
        self._at += 1

    def value(self) -> Any:
        """Decode the value that comes next."""
        self.next_sign()
        while True:
            try:
                value, end = self._decoder.raw_decode(self._text, self._at)
            except json.JSONDecodeError as error:
                if not (self._may_go_on(error) and self._grow()):
                    raise self.broken(error.msg) from None
            except (ValueError, RecursionError, ArithmeticError) as error:
                raise self.broken(str(error)) from None
            else:
                # A number that ends with the text may go on behind it.
                if end < len(self._text) or not self._grow():
                    self._at = end
                    self._stream.mark()
                    return value

    def broken(self, why: str) -> FileFault:
        """The error for a document that is broken here."""
        near = self._text[self._at : self._at + 20]
        return FileFault(f"it is broken JSON: {why}, at {near!r}", "Put the whole file in its place.")

    def _may_go_on(self, error: json.JSONDecodeError) -> bool:
        """Whether the value is only cut off: by the end of the text, or within a string."""
        return error.pos > len(self._text) - _LONGEST_TOKEN or error.msg.startswith("Unterminated")

    def _grow(self) -> bool:
        """Read more, twice as much as is held, so that a long value is not decoded too often."""
        rest = self._text[self._at :]
        try:
            more = self._source.read(max(_CHUNK_CHARACTERS, len(rest)))
        except UnicodeError as error:
            raise FileFault(f"it is not {self._encoding}: {error}", "Save it as UTF-8.") from None
        self._text, self._at = rest + more, 0
        return bool(more)
