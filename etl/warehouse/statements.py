"""The SQL files of a system, ``sql/warehouse/<folder>/``, with the catalog's names filled in.

Files are Jinja templates; names go through the one quoting function (law P1), values are always
parameters of the driver. A file may hold several statements, each under a line ``-- name: <name>``.
A per cent sign in a name is doubled, as the driver wants it of a statement with parameters: every
statement from here is executed with some, be they none.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import jinja2

from etl.settings import PROJECT_DIR

SQL_DIR = PROJECT_DIR / "sql" / "warehouse"
NAME_LINE = re.compile(r"^-- name: (\w+)\n", re.MULTILINE)
# Comments are for readers of the file; a name with a line break could end one (law P1).
_COMMENT_LINE = re.compile(r"^\s*--(?! name: ).*\n", re.MULTILINE)


class SqlFiles:
    """The files of one folder, and how its system writes names and texts.

    Args:
        folder: The folder of the system.
        quote: A name of one or more parts as the system quotes it.
        literal: A text as a literal.
    """

    def __init__(self, folder: Path, quote: Callable[..., str], literal: Callable[[str], str]) -> None:
        self.folder = folder
        self._quote = quote
        self._environment = jinja2.Environment(
            loader=jinja2.FunctionLoader(self._source), undefined=jinja2.StrictUndefined, autoescape=False
        )
        self.add_filters(
            ident=self.identifier,
            idents=self.identifiers,
            equal=self._equal_keys,
            literal=lambda text: literal(text).replace("%", "%%"),
        )

        # For documents: the order of their members, and a name as JSON has it.
        self._environment.filters["by_length"] = in_order_of_members
        self._environment.filters["quoted"] = lambda name: json.dumps(name, ensure_ascii=False)
        # Of the linter alone: Jinja's own breaks a name at its line ends, of which Unicode has many (law P1).
        self._environment.filters["indent"] = lambda sql, width=4: sql

    def add_filters(self, **filters: Callable[..., str]) -> None:
        """Let all files use these filters."""
        self._environment.filters.update(filters)

    def add_names(self, **names: object) -> None:
        """Let all files use these names."""
        self._environment.globals.update(names)

    def has(self, file: str) -> bool:
        """Whether there is such a file."""
        return (self.folder / file).is_file()

    def render(self, file: str, **names: Any) -> str:
        """One SQL file as a single statement or script."""
        return self._environment.get_template(file).render(names)

    def render_named(self, file: str, **names: Any) -> dict[str, str]:
        """The statements of one SQL file by their names."""
        parts = NAME_LINE.split(self.render(file, **names))
        return dict(zip(parts[1::2], parts[2::2], strict=True))

    def call(self, file: str, macro: str, *arguments: str) -> str:
        """What a macro of a file makes of some SQL."""
        return str(getattr(self._environment.get_template(file).module, macro)(*arguments))

    def fill(self, text: str, **names: Any) -> str:
        """A text of SQL that all systems read, with what they write differently filled in by filters."""
        return self._environment.from_string(_COMMENT_LINE.sub("", text).replace("%", "%%")).render(names)

    def identifier(self, *parts: str) -> str:
        """A quoted name for a statement that is executed with parameters."""
        return self._quote(*parts).replace("%", "%%")

    def identifiers(self, names: Iterable[str], alias: str = "", prefix: str = "") -> str:
        """Such names with commas between them; each behind an alias, each longer by a prefix."""
        dot = f"{alias}." if alias else ""
        return ", ".join(dot + self.identifier(prefix + name) for name in names)

    def _source(self, file: str) -> str:
        return _COMMENT_LINE.sub("", (self.folder / file).read_text(encoding="utf-8"))

    def _equal_keys(self, names: Iterable[str], left: str, right: str) -> str:
        """Composite keys are compared column by column (law S11)."""
        return " and ".join(
            f"{left}.{self.identifier(name)} = {right}.{self.identifier(name)}" for name in names
        )


def in_order_of_members(names: Iterable[str]) -> list[str]:
    """Names as members stand in a document of PostgreSQL or MySQL: short ones first, then by their bytes."""
    return sorted(names, key=lambda name: (len(name.encode()), name.encode()))
