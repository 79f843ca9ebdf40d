"""Expression columns of staged tables: PostgreSQL computes them when a row is loaded or changed."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg2
from psycopg2.extensions import cursor as Cursor

from etl.catalog import SourceTable
from etl.catalog_types import postgresql_type
from etl.errors import ConfigError, ContractError
from etl.warehouse.postgresql.statements import render

# SQLSTATE: the statement itself is wrong, names something that is not there, or is not supported.
_REFUSALS = {"42", "0A"}
_DATA_EXCEPTION = "22"


def add_expression_columns(cursor: Cursor, schema: str, table: SourceTable) -> None:
    """Add the expression columns to an empty staged table.

    Raises:
        ConfigError: PostgreSQL refuses an expression: its type, an unknown function, or a value that
            depends on more than the row.
    """
    for name, expression in table.generated_columns.items():
        statement = render(
            "staging/expression_column.sql",
            schema=schema,
            relation=table.relation,
            column=name,
            type=postgresql_type(table.derived[name].type),
            expression=expression.replace("%", "%%"),
        )
        try:
            cursor.execute(statement, {})
        except psycopg2.Error as error:
            if (error.pgcode or "")[:2] not in _REFUSALS:
                raise
            raise _refused(table, name, error) from None


@contextmanager
def explained_values(table: SourceTable) -> Iterator[None]:
    """Explain a value with which PostgreSQL cannot compute, where it may come from an expression.

    Raises:
        ContractError: An expression met such a value, or a result does not fit its column.
    """
    try:
        yield
    except psycopg2.Error as error:
        if (error.pgcode or "")[:2] != _DATA_EXCEPTION:
            raise
        raise _cannot_compute(table, " ".join((error.pgerror or str(error)).split())) from None
    except ContractError as error:
        raise _cannot_compute(table, error.problem) from None


def _refused(table: SourceTable, name: str, error: psycopg2.Error) -> ConfigError:
    message = (error.diag.message_primary or str(error)).strip()
    return ConfigError(
        f"{table.qualified_name}: derived.{name}.expression: PostgreSQL refuses "
        f"{table.derived[name].expression!r} as {table.derived[name].type}: {message}.",
        "Correct the expression or the type in the table's catalog file. What depends on the time zone of "
        "the session is not immutable: the day of an instant is (ordered_at at time zone 'UTC')::date.",
    )


def _cannot_compute(table: SourceTable, message: str) -> ContractError:
    expressions = [f"{name} = {table.derived[name].expression}" for name in table.generated_columns]
    computed = [*expressions, *(f"{step.step} {', '.join(step.counted)}" for step in table.settle)]
    return ContractError(
        f"{table.qualified_name}: a value cannot be computed: {message}. Computed are: "
        f"{'; '.join(computed) or 'no columns'}.",
        "Let the expression give NULL where it has no value: a / nullif(b, 0); declare the type wide enough; "
        "or refuse such rows before, by a step of 'prepare'.",
    )
