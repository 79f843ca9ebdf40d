"""The SQL files of ``sql/warehouse/postgresql``, with the catalog's names filled in.

Files are Jinja templates; names go through the one quoting function (law P1), values are always
parameters of the driver. A file may hold several statements, each under a line ``-- name: <name>``.
A per cent sign in a name is doubled, as the driver wants it of a statement with parameters: every
statement from here is executed with some, be they none: ``execute(statement, {})``.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache
from typing import Any

import jinja2
from psycopg2.extensions import adapt

from etl.identifiers import quote_postgresql
from etl.settings import PROJECT_DIR

SQL_DIR = PROJECT_DIR / "sql" / "warehouse" / "postgresql"
NAME_LINE = re.compile(r"^-- name: (\w+)\n", re.MULTILINE)
# Comments are for readers of the file; a name with a line break could end one (law P1).
_COMMENT_LINE = re.compile(r"^\s*--(?! name: ).*\n", re.MULTILINE)


def render(file: str, **names: Any) -> str:
    """One SQL file as a single statement or script."""
    return _environment().get_template(file).render(names)


def render_named(file: str, **names: Any) -> dict[str, str]:
    """The statements of one SQL file by their names."""
    parts = NAME_LINE.split(render(file, **names))
    return dict(zip(parts[1::2], parts[2::2], strict=True))


def identifier(*parts: str) -> str:
    """A quoted name for a statement that is executed with parameters."""
    return quote_postgresql(*parts).replace("%", "%%")


@lru_cache(maxsize=1)
def _environment() -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.FunctionLoader(_source), undefined=jinja2.StrictUndefined, autoescape=False
    )
    environment.filters.update(ident=identifier, idents=_identifiers, equal=_equal_keys, literal=_literal)
    return environment


def _source(file: str) -> str:
    return _COMMENT_LINE.sub("", (SQL_DIR / file).read_text(encoding="utf-8"))


def _identifiers(names: Iterable[str], alias: str = "", prefix: str = "") -> str:
    dot = f"{alias}." if alias else ""
    return ", ".join(dot + identifier(prefix + name) for name in names)


def _equal_keys(names: Iterable[str], left: str, right: str) -> str:
    """Composite keys are compared column by column (law S11)."""
    return " and ".join(f"{left}.{identifier(name)} = {right}.{identifier(name)}" for name in names)


def _literal(text: str) -> str:
    quoted = adapt(text)
    quoted.encoding = "utf-8"
    return str(quoted.getquoted().decode("utf-8").replace("%", "%%"))
