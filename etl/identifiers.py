"""Quoting of identifiers, the only place where a name becomes part of a statement (law P1).

Any Unicode text is a possible name, quotes and semicolons included; two different names never
quote to the same text. Values are never quoted here: they are always parameters.
"""

from __future__ import annotations

from etl.errors import ConfigError


def quote_postgresql(*parts: str) -> str:
    """``"schema"."name"`` with doubled quotes; one part for a plain name."""
    return ".".join(_quote(part, '"') for part in parts)


def quote_mysql(*parts: str) -> str:
    """```schema`.`name``` with doubled backticks; one part for a plain name."""
    return ".".join(_quote(part, "`") for part in parts)


def _quote(name: str, mark: str) -> str:
    if not name or "\x00" in name:
        raise ConfigError(
            f"{name!r} cannot be the name of a table or column.",
            "Use a name of at least one character, without NUL.",
        )
    return mark + name.replace(mark, mark * 2) + mark
