"""Statements as the SQL files write them, made into those that the server takes.

One pass over a text parts it at semicolons, finds the places of the values, undoubles per cent signs, and
puts the prefix of the warehouse before its schemas. Texts, comments and quoted names keep what they hold,
but for the per cent signs, which are doubled everywhere.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from etl.identifiers import quote_mysql
from etl.warehouse.mysql.literals import literal

SCHEMAS = ("audit", "history", "marts", "marts__new", "replica", "warehouse")
_NAMES = "|".join(SCHEMAS)
_TOKENS = re.compile(
    rf"""
    (?P<kept>
        '(?:[^'\\]|\\.|'')*' | "(?:[^"\\]|\\.|"")*"
        | --(?=[\s\x00-\x1f]|$)[^\n]* | \#[^\n]* | /\*.*?\*/
    )
    # A schema before a dot, not itself behind one; or where it is made or dropped.
    | (?:
        \b(?i:database|schema)\s+(?:(?i:if\s+(?:not\s+)?exists)\s+)?
        (?:`(?P<made_quoted>{_NAMES}|staging_(?:[^`]|``)*)` | (?P<made>(?:{_NAMES}|staging_\w+)\b))
        | (?<![.\w$])`(?P<quoted>{_NAMES}|staging_(?:[^`]|``)*)`(?=\.)
        | (?<![.\w$@`])(?P<bare>{_NAMES}|staging_\w+)(?=\.)
    )
    | (?P<name>`(?:[^`]|``)*`)
    | %\((?P<value>[^)]*)\)s | (?P<next>%s)
    | (?P<percent>%%)
    | (?P<stray>%)
    | (?P<end>;)
    """,
    re.VERBOSE | re.DOTALL,
)


@dataclass(frozen=True, slots=True)
class Statement:
    """One statement: pieces of text, and between them names of values, or None for the next one.

    Attributes:
        first_line: Of the script, from 1 on, where the statement begins.
    """

    pieces: tuple[str, ...]
    values: tuple[str | None, ...]
    first_line: int


def filled(script: str, values: Mapping[str, Any] | Sequence[Any], prefix: str) -> list[tuple[str, int]]:
    """The statements of a script with their values, and the lines at which they begin.

    Raises:
        ValueError: A per cent sign is not doubled, or values are too many or too few.
    """
    statements = parted(script, prefix)
    if isinstance(values, Mapping):
        texts = {name: literal(value) for name, value in values.items()}
        return [(_fill(s, [_named(texts, name) for name in s.values]), s.first_line) for s in statements]
    rest = [literal(value) for value in values]
    if len(rest) != sum(len(s.values) for s in statements):
        raise ValueError(f"{len(rest)} values are not as many as the statement has places.")
    result = []
    for statement in statements:
        count = len(statement.values)
        result.append((_fill(statement, rest[:count]), statement.first_line))
        rest = rest[count:]
    return result


@lru_cache(maxsize=512)
def parted(script: str, prefix: str) -> tuple[Statement, ...]:
    """The statements of a script; empty ones are none.

    Raises:
        ValueError: A per cent sign is not doubled.
    """
    made = _Parts()
    place = 0
    for token in _TOKENS.finditer(script):
        made.add(script[place : token.start()])
        place = token.end()
        _add_token(made, token, prefix)
    made.add(script[place:])
    made.end()
    return tuple(made.statements)


class _Parts:
    """Statements while they are made."""

    def __init__(self) -> None:
        self.statements: list[Statement] = []
        self._pieces, self._values = [""], list[str | None]()
        self._line = self._first_line = 1

    def add(self, text: str) -> None:
        """Text as it is; a statement begins with its first word."""
        line = self._line
        self._line += text.count("\n")
        if not self._pieces[0] and not self._values:
            stripped = text.lstrip()
            self._first_line = line + text.count("\n", 0, len(text) - len(stripped))
            text = stripped
        self._pieces[-1] += text

    def add_value(self, name: str | None) -> None:
        """The place of a value."""
        self._values.append(name)
        self._pieces.append("")

    def end(self) -> None:
        """The end of a statement."""
        if self._values or _has_words(self._pieces[0]):
            pieces = (*self._pieces[:-1], self._pieces[-1].rstrip())
            self.statements.append(Statement(pieces, tuple(self._values), self._first_line))
        self._pieces, self._values = [""], []


def _add_token(made: _Parts, token: re.Match[str], prefix: str) -> None:
    kind, text = token.lastgroup, token[0]
    if kind == "end":
        made.end()
    elif kind == "value":
        made.add_value(token["value"])
    elif kind == "next":
        made.add_value(None)
    elif kind == "percent":
        made.add("%")
    elif kind == "stray":
        raise ValueError("A per cent sign of a statement is not doubled.")
    elif kind in ("kept", "name"):
        made.add(_undoubled(text))
    else:
        made.add(_prefixed(token, prefix))


def _prefixed(token: re.Match[str], prefix: str) -> str:
    group = next(n for n in ("made_quoted", "made", "quoted", "bare") if token[n] is not None)
    before = token[0][: token.start(group) - token.start()]
    after = token[0][token.end(group) - token.start() :]
    if prefix and group in ("made", "bare"):
        return f"{before}{quote_mysql(prefix + token[group])}{after}"
    return before + prefix.replace("`", "``") + _undoubled(token[group]) + after


def _undoubled(text: str) -> str:
    if "%" in text.replace("%%", ""):
        raise ValueError("A per cent sign of a statement is not doubled.")
    return text.replace("%%", "%")


def _named(texts: Mapping[str, str], name: str | None) -> str:
    if name is None:
        raise ValueError("A statement has places without names, but its values have names.")
    return texts[name]


def _fill(statement: Statement, texts: Sequence[str]) -> str:
    parts = [statement.pieces[0]]
    for text, piece in zip(texts, statement.pieces[1:], strict=True):
        # Two minus signs would begin a comment.
        parts.append(f" {text}" if text.startswith("-") else text)
        parts.append(piece)
    return "".join(parts)


def _has_words(text: str) -> bool:
    """Whether there is more than space and comments."""
    return any(token.strip() for token in _COMMENTS.split(text))


_COMMENTS = re.compile(r"--(?=\s|$)[^\n]*|#[^\n]*|/\*(?!!).*?\*/", re.DOTALL)
