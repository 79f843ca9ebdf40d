"""Our own expectations about whole tables; aggregates ride the scan of the row rules.

Importing this module registers them with Great Expectations and costs its import.
"""

from __future__ import annotations

from typing import Any, cast

import sqlalchemy as sa
from great_expectations.execution_engine.execution_engine import ExecutionEngine
from great_expectations.execution_engine.sqlalchemy_execution_engine import SqlAlchemyExecutionEngine
from great_expectations.expectations.expectation import BatchExpectation, ColumnAggregateExpectation
from great_expectations.expectations.metrics.column_aggregate_metric_provider import (
    ColumnAggregateMetricProvider,
    column_aggregate_partial,
)

from expectations.sql import hours_between

Answer = dict[str, Any]


class ColumnAgeHours(ColumnAggregateMetricProvider):
    """Hours from the newest value of a column to an instant; None without a value."""

    metric_name = "column.age_hours"
    value_keys = ("as_of",)

    @column_aggregate_partial(engine=SqlAlchemyExecutionEngine)
    def _sqlalchemy(cls, column: sa.ColumnElement[Any], as_of: str | None, **_: Any) -> sa.ColumnElement[Any]:
        if as_of is None:
            raise ValueError("the run does not say for which instant it speaks")
        return sa.func.round(hours_between(sa.func.max(column), sa.literal(as_of)), 3)


class ColumnShare(ColumnAggregateMetricProvider):
    """Share of the rows whose value is one of a set; None without a row."""

    metric_name = "column.share"
    value_keys = ("value_set",)

    @column_aggregate_partial(engine=SqlAlchemyExecutionEngine)
    def _sqlalchemy(
        cls, column: sa.ColumnElement[Any], value_set: list[Any], **_: Any
    ) -> sa.ColumnElement[Any]:
        return sa.func.round(sa.func.avg(sa.case((column.in_(value_set), 1.0), else_=0.0)), 6)


class _Between(ColumnAggregateExpectation):
    """One number about a column lies between two bounds; either may be left out."""

    min_value: float | None = None
    max_value: float | None = None
    strict_min: bool = False
    strict_max: bool = False

    def _validate(
        self,
        metrics: Answer,
        runtime_configuration: Answer | None = None,
        execution_engine: ExecutionEngine[Any] | None = None,
    ) -> Answer:
        answer: Answer = self._validate_metric_value_between(
            self.metric_dependencies[0], metrics, runtime_configuration, execution_engine
        )
        return answer


class ExpectColumnAgeHoursToBeBetween(_Between):
    """The newest value of a column of instants or dates is so many hours old (freshness).

    Args:
        as_of: The instant of the source's clock for which the run speaks (law X4); the gate gives it.
    """

    as_of: str | None = None

    metric_dependencies = ("column.age_hours",)
    success_keys = ("min_value", "strict_min", "max_value", "strict_max", "as_of")


class ExpectColumnShareToBeBetween(_Between):
    """So large a share of the rows has one of these values, from 0 to 1; NULL is none of them."""

    value_set: list[Any]

    metric_dependencies = ("column.share",)
    success_keys = ("min_value", "strict_min", "max_value", "strict_max", "value_set")


class ExpectColumnsToBeAsDeclared(BatchExpectation):
    """The table has exactly these columns, of these types.

    Args:
        columns: Name of each column and its type as the database writes it; or several, parted by "or".
    """

    columns: dict[str, str]

    metric_dependencies = ("table.column_types",)
    success_keys = ("columns",)

    def _validate(
        self,
        metrics: Answer,
        runtime_configuration: Answer | None = None,
        execution_engine: ExecutionEngine[Any] | None = None,
    ) -> Answer:
        dialect = cast(SqlAlchemyExecutionEngine, execution_engine).dialect
        found = {str(c["name"]): _written(c["type"], dialect) for c in metrics["table.column_types"]}
        different = sorted(
            name
            for name in {*self.columns, *found}
            if found.get(name) not in self.columns.get(name, "").split(" or ")
        )
        told = [f"{name}: {_difference(self.columns.get(name), found.get(name))}" for name in different]
        return {"success": not different, "result": {"observed_value": len(different), "details": told}}


def _written(kind: object, dialect: sa.Dialect) -> str:
    """The type as the database's own catalog writes it."""
    text = kind.compile(dialect=dialect) if isinstance(kind, sa.types.TypeEngine) else str(kind)
    return text.lower().replace(", ", ",")


def _difference(declared: str | None, found: str | None) -> str:
    if found is None:
        return "is missing"
    return f"is not declared ({found})" if declared is None else f"is {found} and not {declared}"
