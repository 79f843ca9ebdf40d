"""The SQL files of ``sql/warehouse/postgresql``, with the catalog's names filled in.

Files are Jinja templates; names go through the one quoting function (law P1), values are always
parameters of the driver. A file may hold several statements, each under a line ``-- name: <name>``.
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


def render(file: str, **names: Any) -> str:
    """One SQL file as a single statement or script."""
    return _environment().get_template(file).render(names)


def render_named(file: str, **names: Any) -> dict[str, str]:
    """The statements of one SQL file by their names."""
    parts = NAME_LINE.split(render(file, **names))
    return dict(zip(parts[1::2], parts[2::2], strict=True))


@lru_cache(maxsize=1)
def _environment() -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(SQL_DIR), undefined=jinja2.StrictUndefined, autoescape=False
    )
    environment.filters.update(ident=_identifier, idents=_identifiers, equal=_equal_keys, literal=_literal)
    return environment


def _identifier(*parts: str) -> str:
    """The quoted name; a per cent sign, which the driver would read, is written as its code (law P1)."""
    quoted = quote_postgresql(*parts)
    if "%" not in quoted:
        return quoted
    return ".".join(f"U&{_coded(quote_postgresql(part))}" for part in parts)


def _coded(quoted: str) -> str:
    return quoted.replace("\\", "\\\\").replace("%", "\\0025")


def _identifiers(names: Iterable[str], alias: str = "", prefix: str = "") -> str:
    dot = f"{alias}." if alias else ""
    return ", ".join(dot + _identifier(prefix + name) for name in names)


def _equal_keys(names: Iterable[str], left: str, right: str) -> str:
    """Composite keys are compared column by column (law S11)."""
    return " and ".join(f"{left}.{_identifier(name)} = {right}.{_identifier(name)}" for name in names)


def _literal(text: str) -> str:
    quoted = adapt(text)
    quoted.encoding = "utf-8"
    return str(quoted.getquoted().decode("utf-8").replace("%", "%%"))
