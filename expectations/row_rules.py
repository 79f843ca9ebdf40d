"""Our own row expectations; each is a SQL condition, so that it rides the scan of the built-in ones.

Importing this module registers them with Great Expectations and costs its import.
"""

from __future__ import annotations

from typing import Any, ClassVar

import sqlalchemy as sa
from great_expectations.execution_engine.sqlalchemy_execution_engine import SqlAlchemyExecutionEngine
from great_expectations.expectations.expectation import ColumnMapExpectation, MulticolumnMapExpectation
from great_expectations.expectations.metrics.map_metric_provider.column_condition_partial import (
    column_condition_partial,
)
from great_expectations.expectations.metrics.map_metric_provider.column_map_metric_provider import (
    ColumnMapMetricProvider,
)
from great_expectations.expectations.metrics.map_metric_provider.multicolumn_condition_partial import (
    multicolumn_condition_partial,
)
from great_expectations.expectations.metrics.map_metric_provider.multicolumn_map_metric_provider import (
    MulticolumnMapMetricProvider,
)

from expectations.rules import BUSINESS_RULES
from expectations.sql import is_among


class ColumnValuesExistIn(ColumnMapMetricProvider):
    """Condition: the value is among the values of at least one candidate column."""

    condition_metric_name = "column_values.exist_in"
    condition_value_keys = ("candidates",)

    @column_condition_partial(engine=SqlAlchemyExecutionEngine)
    def _sqlalchemy(
        cls,
        column: sa.ColumnElement[Any],
        candidates: list[dict[str, str]],
        _sqlalchemy_engine: sa.Engine,
        **_: Any,
    ) -> sa.ColumnElement[bool]:
        return sa.or_(*(_is_in(column, candidate, _sqlalchemy_engine) for candidate in candidates))


def _is_in(
    column: sa.ColumnElement[Any], candidate: dict[str, str], engine: sa.Engine
) -> sa.ColumnElement[bool]:
    *schemas, name = candidate["relation"].split(".")
    relation = sa.table(name, sa.column(candidate["column"]), schema=next(iter(schemas), None))
    return is_among(column, relation, candidate["column"], engine)


class ExpectColumnValuesToExistIn(ColumnMapExpectation):
    """Each value exists in a column of at least one other table; NULL passes.

    Args:
        candidates: Mappings of ``relation`` and ``column``: tables of the run, others with their schema.
    """

    candidates: list[dict[str, str]]

    map_metric: ClassVar[str] = "column_values.exist_in"
    success_keys: ClassVar[tuple[str, ...]] = ("mostly", "candidates")


class RowsSatisfy(MulticolumnMapMetricProvider):
    """Condition: a SQL predicate, given in the suite or named in ``rules.py``."""

    condition_metric_name = "rows.satisfy"
    condition_value_keys = ("predicate", "business_rule")

    # The library left this decorator without types.
    @multicolumn_condition_partial(engine=SqlAlchemyExecutionEngine)  # type: ignore[untyped-decorator]
    def _sqlalchemy(
        cls,
        columns: list[sa.ColumnElement[Any]],
        predicate: str | None,
        business_rule: str | None,
        **_: Any,
    ) -> sa.ColumnElement[bool]:
        text = predicate or BUSINESS_RULES[str(business_rule)].predicate
        # On a line of its own, the bracket outlives a comment at the end of a predicate.
        return sa.literal_column(f"({text.strip()}\n)", sa.Boolean)


class ExpectRowsToSatisfy(MulticolumnMapExpectation):
    """Each row satisfies a SQL predicate; as in a CHECK constraint, NULL counts as satisfied.

    Args:
        column_list: Columns that the rule is about, for pages and messages; the engine wants two or more.
        predicate: The predicate itself; or
        business_rule: Name of one in ``rules.py``.
    """

    predicate: str | None = None
    business_rule: str | None = None
    ignore_row_if: str = "never"  # type: ignore[assignment]  # the base would leave rows of NULLs out

    map_metric: ClassVar[str] = "rows.satisfy"
    success_keys: ClassVar[tuple[str, ...]] = ("mostly", "predicate", "business_rule")
