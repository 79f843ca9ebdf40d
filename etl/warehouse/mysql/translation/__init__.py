"""SQL of one value, written for PostgreSQL, as MySQL and MariaDB write it; it means the same, or is refused.

Catalog and suites hold one text for all systems. sqlglot reads it; what is written for each of its parts
stands in ``values``, ``texts``, ``times`` and ``queries``, and a part that has no place there is refused,
because a statement that both systems take may mean two things: ``least(1, null)``, ``7 / 2``, ``day - 1``.
On which of them it means ``kinds`` tells, and ``comparing`` what may stand beside what. Importing any of
it costs the import of sqlglot.
"""

from __future__ import annotations

from collections.abc import Mapping

import sqlglot
from sqlglot import exp
from sqlglot.errors import SqlglotError

from etl.catalog_types import postgresql_type
from etl.warehouse.mysql.translation.kinds import NUMBERS, WHOLE, kind_of_type, name_of
from etl.warehouse.mysql.translation.queries import QUERIES
from etl.warehouse.mysql.translation.texts import TEXTS
from etl.warehouse.mysql.translation.times import TIMES
from etl.warehouse.mysql.translation.values import VALUES
from etl.warehouse.mysql.translation.writer import Writer

_WRITERS = {**VALUES, **TEXTS, **TIMES, **QUERIES}


def parsed(text: str) -> exp.Expression:
    """What a text of one value says.

    Raises:
        ValueError: It is not SQL of one value.
    """
    try:
        # In brackets, as it will stand in a statement; on a line of its own, where a comment may end it.
        statements = sqlglot.parse(f"select (\n{text}\n)", read="postgres")
    except SqlglotError as error:
        raise ValueError(f"syntax error: {str(error).splitlines()[0]}") from None
    select = statements[0]
    if len(statements) != 1 or not isinstance(select, exp.Select) or len(select.expressions) != 1:
        raise ValueError("it is not one SQL expression")
    value = select.expressions[0]
    is_alone = [name for name, part in select.args.items() if part] == ["expressions"]
    if not is_alone or not isinstance(value, (exp.Paren, exp.Subquery)):
        raise ValueError("it is not one SQL expression")
    return value.this if isinstance(value, exp.Paren) else value


def tables_of(value: exp.Expression) -> set[tuple[str, str]]:
    """Schema, empty where none is named, and name of each table that it looks into."""
    own = {name_of(query.args["alias"].this) for query in value.find_all(exp.CTE)}
    parts = ([name_of(part) for part in table.parts] for table in value.find_all(exp.Table))
    places = {(names[-2] if len(names) > 1 else "", names[-1]) for names in parts}
    return {(schema, name) for schema, name in places if schema or name not in own}


def translated(value: exp.Expression, types: Mapping[str, set[str]]) -> str:
    """The same for MySQL and MariaDB, in a session that speaks UTC.

    Args:
        types: The types of columns of each name.

    Raises:
        ValueError: It says something that would mean something else, or cannot be told without types.
    """
    return Writer(value, types, _WRITERS).write(value)


def translated_column(value: exp.Expression, types: Mapping[str, str], column_type: str) -> str:
    """The same of a column that is made of others of its row, whatever the time zone of a session.

    Raises:
        ValueError: As above, or PostgreSQL would not keep it in a column of the type.
    """
    writer = Writer(value, {name: {each} for name, each in types.items()}, _WRITERS, is_of_row=True)
    kind, target = writer.kind(value), kind_of_type(column_type)
    if kind in {"text", "boolean", "uuid"} and target not in {kind, "text"}:
        raise writer.refused(value, f"is a {kind}; cast it to the type of its column")
    are_numbers = {kind, target} <= NUMBERS and not (kind == "float" and target in WHOLE)
    are_moments = kind in {"date", "local"} and target == "instant"
    if kind in {target, "null"} or are_numbers or are_moments:
        return writer.write(value)
    return writer.write(exp.cast(value, postgresql_type(column_type), dialect="postgres"))
