"""Values inside JSON columns: ``path`` of a catalog column as an expression of the source.

A missing value and the JSON ``null`` are NULL, a string comes without its quotes, an object or array as
its JSON text. A part of digits is an index (from 0) where it meets an array, else a key like any other.
"""

from __future__ import annotations

import json
from itertools import groupby

from etl.sources.dialect import Dialect
from etl.sources.metadata import SourceColumn


def path_expression(column: SourceColumn, path: tuple[str, ...], dialect: Dialect) -> str:
    """The text at ``path``; its parts are values, bound by the driver (law P1)."""
    quoted = dialect.quote(column.name)
    if dialect.is_mysql:
        return _mysql_text(quoted, path, dialect)
    document = quoted if column.family == "json" else f"{quoted}::json"
    return f"({document} #>> array[{', '.join(map(dialect.literal, path))}]::text[])"


def _mysql_text(document: str, path: tuple[str, ...], dialect: Dialect) -> str:
    for is_index, parts in groupby(path, key=lambda part: part.isascii() and part.isdigit()):
        if not is_index:
            document = _member(
                document, "".join(f".{json.dumps(key, ensure_ascii=False)}" for key in parts), dialect
            )
            continue
        for part in parts:
            # An index on what is no array would give the thing itself.
            item, member = (
                _member(document, step, dialect) for step in (f"[{int(part)}]", f".{json.dumps(part)}")
            )
            document = f"case json_type({document}) when 'ARRAY' then {item} else {member} end"
    return f"case json_type({document}) when 'NULL' then null else json_unquote({document}) end"


def _member(document: str, steps: str, dialect: Dialect) -> str:
    return f"json_extract({document}, {dialect.literal(f'${steps}')})"
