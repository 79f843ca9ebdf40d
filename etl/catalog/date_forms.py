"""The forms of dates and instants in text, written as strptime has them."""

from __future__ import annotations

import re

DATE_DIRECTIVES = frozenset("YymdbBaA%")
TIME_DIRECTIVES = frozenset("HIpMSfz")
_PIECE = re.compile(r"%(.?)|([^%]+)", re.DOTALL)
_PARTS_OF_A_DATE = ("Yy", "mbB", "d")
_PARTS_OF_A_TIME = ("HI", "p", "M", "S", "f", "z")


def pieces_of(form: str) -> list[tuple[str, str]]:
    """The pieces of a form in order: a directive without its ``%``, or plain text; the other is empty."""
    return [(piece[1] or "", piece[2] or "") for piece in _PIECE.finditer(form)]


def directives_of(form: str) -> set[str]:
    """The directives of a form, without ``%``."""
    return {directive for directive, text in pieces_of(form) if not text}


def require_whole_date(form: str) -> None:
    """See that each part of the date is there once, and nothing that is not known.

    Raises:
        ValueError: Something is missing, doubled or unknown.
    """
    directives = [directive for directive, text in pieces_of(form) if not text]
    unknown = [d for d in directives if d not in DATE_DIRECTIVES | TIME_DIRECTIVES]
    if unknown:
        known = " ".join(f"%{d}" for d in sorted(DATE_DIRECTIVES | TIME_DIRECTIVES))
        raise ValueError(f"'{form}': '%{unknown[0]}' is not known; there are {known}")
    for part in _PARTS_OF_A_DATE:
        if sum(directives.count(d) for d in part) != 1:
            raise ValueError(f"'{form}' needs {_any_of(part)}, once")
    for part in _PARTS_OF_A_TIME:
        if sum(directives.count(d) for d in part) > 1:
            raise ValueError(f"'{form}' has {_any_of(part)} more than once")
    if ("I" in directives) != ("p" in directives):
        raise ValueError(f"'{form}': %I, an hour of twelve, and %p go together")


def _any_of(part: str) -> str:
    return " or ".join(f"%{directive}" for directive in part)
