"""Patterns of paths: ``*`` and ``?`` within a name, ``**`` for any folders between; all else is literal.

As in a shell, a name that begins with a point is matched only by a pattern that says the point.
"""

from __future__ import annotations

import re
from functools import lru_cache

ANY_FOLDERS = "**"
_SIGNS = {"*": "[^/]*", "?": "[^/]"}


def matches(path: str, pattern: str) -> bool:
    """Whether a path below the source's URL is meant by a pattern."""
    return _steps_match(path.split("/"), pattern.split("/"))


def name_matches(name: str, step: str) -> bool:
    """Whether the name of a file or folder is meant by one step of a pattern."""
    return _step_regex(step).fullmatch(name) is not None


def has_wildcard(pattern: str) -> bool:
    """Whether a pattern can mean more than one path."""
    return any(sign in pattern for sign in _SIGNS)


def fixed_start(pattern: str) -> str:
    """The folders before the first wildcard, without a slash at the end."""
    folders = pattern.split("/")[:-1]
    fixed = next((at for at, step in enumerate(folders) if has_wildcard(step)), len(folders))
    return "/".join(folders[:fixed])


def _steps_match(names: list[str], steps: list[str]) -> bool:
    if not steps or not names:
        return not steps and not names
    if steps[0] == ANY_FOLDERS and len(steps) > 1:
        goes_on = len(names) > 1 and not names[0].startswith(".") and _steps_match(names[1:], steps)
        return goes_on or _steps_match(names, steps[1:])
    return name_matches(names[0], steps[0]) and _steps_match(names[1:], steps[1:])


@lru_cache(maxsize=256)
def _step_regex(step: str) -> re.Pattern[str]:
    unhidden = r"(?!\.)" if step[:1] in _SIGNS else ""
    return re.compile(unhidden + "".join(_SIGNS.get(sign, re.escape(sign)) for sign in step), re.DOTALL)
