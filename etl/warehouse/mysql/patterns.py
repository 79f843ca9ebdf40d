"""Regular expressions of PostgreSQL as MySQL (ICU) and MariaDB (PCRE) read them."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

# At the beginning of a pattern; what else may stand there changes what ^, $ and . mean.
_OPTIONS = re.compile(r"\(\?([a-z]+)\)")
_HARMLESS = {"i", "c", "s", "t"}
_TOKEN = re.compile(r"\\.|\[|\(\?(?:[:=!]|<[=!])?|.", re.DOTALL)
_CLASS_END = re.compile(r"\[\^?\]?(?:\[:\w+:\]|\\.|[^\]\\])*\]", re.DOTALL)
# Both let a dot be any character only where they are told to; in PostgreSQL it is.
_DOT_IS_ALL = "s"
_PLACES = set("AZyYmM")
_ONE_SIGN = re.compile(rf"\\.|{_CLASS_END.pattern}", re.DOTALL)
_OF_SEVERAL_LENGTHS = re.compile(r"\||[*+?}]\?|\)[*+?{]|\(\?<?[=!]|\\")
_MAYBE_EMPTY = re.compile(r"(?:.(?:[*?]|\{0+(?:,[0-9]*)?\}))*", re.DOTALL)
_ESCAPES = {
    "Z": r"\z",
    "y": r"\b",
    "Y": r"\B",
    "m": r"\b(?=\w)",
    "M": r"\b(?<=\w)",
    "b": r"\x08",
    "B": r"\\",
    "v": r"\x0b",
    "d": "[0-9]",
    "D": "[^0-9]",
    **{sign: f"\\{sign}" for sign in "AwWsSaefnrt0123456789"},
}
# Within a class of characters.
_INNER_ESCAPES = {"d": "0-9", "B": r"\\", "b": r"\x08", **{sign: f"\\{sign}" for sign in "wsaefnrt"}}


def translated(pattern: str) -> str:
    """The pattern that matches the same texts.

    Raises:
        ValueError: It says something that the others have no words for.
    """
    if pattern.startswith("***"):
        raise ValueError("a pattern that begins with *** is PostgreSQL's alone")
    options, rest = "", pattern
    if found := _OPTIONS.match(pattern):
        if set(found[1]) - _HARMLESS:
            raise ValueError(f"the option {found[0]} of a pattern is PostgreSQL's alone")
        options, rest = "i" if "i" in found[1] else "", pattern[found.end() :]
    return f"(?{_DOT_IS_ALL}{options}){''.join(_parts(rest, pattern))}"


def translated_for_parts(pattern: str) -> str:
    """The pattern that matches the same parts of each text.

    Of the matches that begin at one place PostgreSQL takes the longest, the others the first that they
    find. It is the longest where each sign of the pattern stands for one of the text, as often as can be.

    Raises:
        ValueError: As above; or the parts may be others, as may be how often nothing matches.
    """
    signs = _ONE_SIGN.sub(lambda found: _as_sign(found[0]), _OPTIONS.sub("", pattern, count=1))
    signs = re.sub(r"[\^$]|\(\?<?[=!][^()]*\)", "", signs)
    if _OF_SEVERAL_LENGTHS.search(signs):
        raise ValueError(
            f"the pattern {pattern!r} may match other parts in MySQL, which does not look for the longest:"
            " leave out |, lazy quantifiers, references, and quantifiers of groups"
        )
    if _MAYBE_EMPTY.fullmatch(re.sub(r"\(\?:|[()]", "", signs)):
        raise ValueError(
            f"the pattern {pattern!r} may match an empty text, which MySQL replaces in another way"
        )
    return translated(pattern)


def _as_sign(token: str) -> str:
    if token[1:] in _PLACES:
        return ""
    return token if token.startswith("\\") and token[1:].isdigit() else "x"


def _parts(rest: str, pattern: str) -> Iterator[str]:
    place = 0
    while found := _TOKEN.match(rest, place):
        token = found[0]
        if token == "[":
            found = _CLASS_END.match(rest, place)
            if found is None:
                raise ValueError(f"a bracket of the pattern {pattern!r} is not closed")
            yield _bracket(found[0])
        elif token == "(?":
            raise ValueError(f"the pattern {pattern!r} has options in its middle")
        else:
            yield _token(token)
        place = found.end()


def _token(token: str) -> str:
    # A dollar would also match before a line break at the end.
    if token == "$":
        return r"\z"
    return _escape(token) if token.startswith("\\") else token


def _escape(token: str, escapes: dict[str, str] = _ESCAPES) -> str:
    sign = token[1:]
    if not sign.isalnum():
        return token
    if sign not in escapes:
        raise ValueError(f"{token} in a pattern is PostgreSQL's alone")
    return escapes[sign]


def _bracket(text: str) -> str:
    """A class of characters; signs that have a meaning of their own in ICU's sets get a backslash."""
    begin = re.match(r"\[\^?", text)
    assert begin is not None
    inner = text[begin.end() : -1]
    if re.search(r"\[[.=]|\[:[<>]:\]", inner):
        raise ValueError(f"{text} in a pattern is PostgreSQL's alone")
    write: Callable[[re.Match[str]], str] = lambda found: _in_bracket(found[0])  # noqa: E731
    return begin[0] + re.sub(r"\[:\w+:\]|\\.|.", write, inner, flags=re.DOTALL) + "]"


def _in_bracket(token: str) -> str:
    if token.startswith("[:"):
        return token
    if token.startswith("\\"):
        return _escape(token, _INNER_ESCAPES)
    return f"\\{token}" if token in "[]&" else token
