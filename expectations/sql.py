"""SQL that PostgreSQL and MySQL write in different ways, for the conditions of rules.

Importing this module makes ``length`` count characters wherever SQLAlchemy writes it, and costs its import.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

import sqlalchemy as sa
from great_expectations.execution_engine.sqlalchemy_execution_engine import SqlAlchemyExecutionEngine
from sqlalchemy.dialects.mysql import LONGTEXT, MEDIUMTEXT, TEXT, TINYTEXT
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import FunctionElement, GenericFunction

MYSQL = "mysql"
# Less than the megabyte that every server lets pass at once.
_NUMBERS_PER_TEXT = 50_000
_LONG = (LONGTEXT, MEDIUMTEXT, TEXT, TINYTEXT)


class length(GenericFunction[int]):
    """Characters of a text; MySQL's function of the name counts bytes."""

    type = sa.Integer()
    inherit_cache = True


@compiles(length, MYSQL)
def _length_in_mysql(element: length, compiler: Any, **more: Any) -> str:
    return f"char_length({compiler.process(element.clauses, **more)})"


class hours_between(FunctionElement[Any]):
    """Hours from the first instant to the second."""

    type = sa.Numeric()
    inherit_cache = True

    def __init__(self, earlier: sa.ColumnElement[Any], later: sa.ColumnElement[Any]) -> None:
        instant = sa.DateTime(timezone=True)
        super().__init__(sa.cast(earlier, instant), sa.cast(later, instant))


@compiles(hours_between)
def _hours_by_epoch(element: hours_between, compiler: Any, **more: Any) -> str:
    earlier, later = (compiler.process(end, **more) for end in element.clauses)
    return f"extract(epoch from {later} - {earlier}) / 3600"


@compiles(hours_between, MYSQL)
def _hours_by_microseconds(element: hours_between, compiler: Any, **more: Any) -> str:
    earlier, later = (
        f"cast({compiler.process(end.clause, **more)} as datetime(6))" for end in element.clauses
    )
    return f"timestampdiff(microsecond, {earlier}, {later}) / 3600000000"


class all_of(FunctionElement[Any]):
    """All numbers of a group, in one value; see :func:`as_list`."""

    inherit_cache = True


@compiles(all_of)
def _as_array(element: all_of, compiler: Any, **more: Any) -> str:
    return f"array_agg({compiler.process(element.clauses, **more)})"


@compiles(all_of, MYSQL)
def _as_text(element: all_of, compiler: Any, **more: Any) -> str:
    return f"group_concat({compiler.process(element.clauses, **more)})"


def as_list(numbers: list[int] | str) -> list[int]:
    """The numbers that :class:`all_of` has put together."""
    return list(map(int, numbers.split(","))) if isinstance(numbers, str) else numbers


def parted(number: sa.ColumnElement[int], dialect: str) -> list[sa.ColumnElement[Any]]:
    """By what to group beside all else, so that the numbers of a group are not too many for an answer."""
    return [sa.func.floor(number / _NUMBERS_PER_TEXT)] if dialect == MYSQL else []


def is_among(
    column: sa.ColumnElement[Any], relation: sa.TableClause, name: str, engine: sa.Engine
) -> sa.ColumnElement[bool]:
    """Condition: the value is among those of a column of another table.

    MySQL and MariaDB look texts without a limit up row by row, through all rows; hashes of texts are
    looked up like keys.
    """
    values = relation.c[name]
    outer: sa.ColumnElement[Any] = column
    inner: sa.ColumnElement[Any] = values
    if engine.dialect.name == MYSQL and name in _long_texts(
        sa.inspect(engine), relation.name, relation.schema
    ):
        outer, inner = _hash(column), _hash(values)
    # Without the filter one NULL among the values would make `in` NULL, and every row pass.
    return outer.in_(sa.select(inner).where(values.is_not(None)).correlate(None))


def is_repeated(
    columns: Sequence[sa.ColumnElement[Any]],
    filters: Sequence[sa.ColumnElement[bool]],
    engine: SqlAlchemyExecutionEngine,
    batch_id: str,
) -> sa.ColumnElement[bool]:
    """Condition: other rows of the batch, of those that the filters leave, have the same values.

    A row with NULL among them is like no other.
    """
    if engine.dialect_name == MYSQL:
        # Groups to be looked up would be those of all rows, on disk.
        given = sa.and_(*(column.is_not(None) for column in columns))
        counted = sa.case((sa.and_(*filters, given), 1), else_=0)
        alike = sa.func.sum(counted).over(partition_by=told_apart(columns, engine, batch_id))
        return sa.and_(given, alike > 1)
    rows = rows_of(engine, batch_id)
    repeated = (
        sa.select(*columns).select_from(rows).where(*filters).group_by(*columns).having(sa.func.count() > 1)
    )
    return sa.tuple_(*columns).in_(repeated) if len(columns) > 1 else columns[0].in_(repeated)


def is_held_unique(
    columns: Sequence[sa.ColumnElement[Any]], engine: SqlAlchemyExecutionEngine, batch_id: str
) -> bool:
    """Whether a unique index over these columns, or some of them, holds for all rows of the batch.

    Not one with a condition, which holds for some rows only, nor one over expressions, which have no column's
    name.
    """
    names = {column.key for column in columns}
    return any(
        index["unique"]
        and names.issuperset(index["column_names"])
        and not index.get("dialect_options", {}).get("postgresql_where")
        for index in engine.get_inspector().get_indexes(_relation(engine, batch_id))
    )


def told_apart(
    columns: Sequence[sa.ColumnElement[Any]], engine: SqlAlchemyExecutionEngine, batch_id: str
) -> list[sa.ColumnElement[Any]]:
    """By what MySQL can tell the values of columns of a batch apart, however long they are."""
    long = _long_texts(engine.get_inspector(), _relation(engine, batch_id), None)
    return [_hash(column) if column.name in long else column for column in columns]


def rows_of(engine: SqlAlchemyExecutionEngine, batch_id: str) -> sa.FromClause:
    """The rows of a batch, to select from."""
    return cast(sa.FromClause, engine.get_domain_records({"batch_id": batch_id}))


def _relation(engine: SqlAlchemyExecutionEngine, batch_id: str) -> str:
    batch: Any = engine.batch_manager.batch_data_cache[batch_id]
    return str(batch.source_table_name)


def _long_texts(inspector: sa.Inspector, relation: str, schema: str | None) -> set[str]:
    columns = inspector.get_columns(relation, schema)
    return {str(column["name"]) for column in columns if isinstance(column["type"], _LONG)}


def _hash(text: sa.ColumnElement[Any]) -> sa.ColumnElement[Any]:
    return sa.func.sha2(text, sa.literal_column("256"))
