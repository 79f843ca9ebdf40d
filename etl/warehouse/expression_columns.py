"""Expression columns of staged tables: the server computes them when a row is loaded or changed."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from etl.catalog import SourceTable
from etl.errors import ConfigError, ContractError
from etl.warehouse.database import Database, Session


def add_expression_columns(session: Session, schema: str, table: SourceTable) -> None:
    """Add the expression columns to an empty staged table.

    Raises:
        ConfigError: The server refuses an expression: its type, an unknown function, or a value that
            depends on more than the row.
    """
    types = {name: column.type for name, column in table.staged_columns.items()}
    for name, expression in table.generated_columns.items():
        statement = session.render(
            "staging/expression_column.sql",
            schema=schema,
            relation=table.relation,
            column=name,
            type=table.derived[name].type,
            expression=_written(session.database, table, name, expression, types).replace("%", "%%"),
        )
        try:
            session.execute(statement)
        except session.database.errors as error:
            if session.database.refusal_of(error) not in ("wrong", "other kind"):
                raise
            raise _refused(table, name, session.database, session.database.message_of(error)) from None


@contextmanager
def explained_values(session: Session, table: SourceTable) -> Iterator[None]:
    """Explain a value with which the server cannot compute, where it may come from an expression.

    Raises:
        ContractError: An expression met such a value, or a result does not fit its column.
    """
    try:
        yield
    except session.database.errors as error:
        if session.database.refusal_of(error) != "value":
            raise
        raise _cannot_compute(table, session.database.explain(error, "The server").problem) from None
    except ContractError as error:
        raise _cannot_compute(table, error.problem) from None


def _written(
    database: Database, table: SourceTable, name: str, expression: str, types: dict[str, str]
) -> str:
    try:
        return database.expression(expression, types, table.derived[name].type)
    except ValueError as error:
        raise _refused(table, name, database, str(error)) from None


def _refused(table: SourceTable, name: str, database: Database, why: str) -> ConfigError:
    return ConfigError(
        f"{table.qualified_name}: derived.{name}.expression: {database.title} refuses "
        f"{table.derived[name].expression!r} as {table.derived[name].type}: {why}.",
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
