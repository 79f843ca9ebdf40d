"""How often values occur, as the library's rules that they are unique count it.

Where a unique index holds that no values repeat, nobody counts: settling has just made one of the grain, and
to group 1 M rows once more took 0.5 to 2 s. A row with NULL among its values is like no other, to an index as
to the library.

In MySQL the library sorts whole rows to tell combinations apart (15 s for 1 M rows, where the columns alone
take 1.5 s) and calls two alike that have NULL in the same place; and it sorts texts without a limit, of which
the server compares the first 1,024 bytes. For PostgreSQL it does none of that.

Importing this module puts this counting in the place of the library's.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

import sqlalchemy as sa
from great_expectations.execution_engine.sqlalchemy_execution_engine import SqlAlchemyExecutionEngine
from great_expectations.expectations import metrics, registry  # noqa: F401  metrics: registers the library's

from expectations.sql import MYSQL, is_held_unique, rows_of, told_apart

COUNTED = ("column_values.count_per_value.map", "compound_columns.count.map")


def _counting(library: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(library)
    def counted(*, execution_engine: SqlAlchemyExecutionEngine, **more: Any) -> Any:
        """Each row's columns, and in the last one how many rows are like it; none where none can repeat."""
        found, compute, accessor = library(execution_engine=execution_engine, **more)
        columns: list[sa.ColumnElement[Any]] = [
            sa.column(name) for name in accessor.get("column_list") or [accessor["column"]]
        ]
        count, batch_id = list(found.c)[-1].name, compute["batch_id"]
        if is_held_unique(columns, execution_engine, batch_id):
            rows = rows_of(execution_engine, batch_id)
            none = sa.select(*columns, sa.literal(1).label(count)).select_from(rows).where(sa.false())
            return none.alias(found.name), compute, accessor
        if execution_engine.dialect_name != MYSQL:
            return found, compute, accessor
        alike = sa.func.count().over(partition_by=told_apart(columns, execution_engine, batch_id))
        is_given = sa.and_(*(column.is_not(None) for column in columns))
        narrow = found.element.with_only_columns(*columns, sa.case((is_given, alike), else_=1).label(count))
        return narrow.alias(found.name), compute, accessor

    return counted


for _name in COUNTED:
    _metric, _library = registry.get_sqlalchemy_metric_provider(_name)
    # Registering it would make the library warn that there are two.
    registry._get_metric_definition(_name)["providers"]["SqlAlchemyExecutionEngine"] = (
        _metric,
        _counting(_library),
    )
