"""Columns out of another staged table of the same run."""

from __future__ import annotations

from etl.catalog import JoinTable
from etl.errors import ConfigError
from etl.identifiers import quote_postgresql
from etl.warehouse.postgresql.statements import render_named
from etl.warehouse.postgresql.step_scope import Effect, StepScope


def join_table(scope: StepScope, step: JoinTable) -> Effect:
    """Take columns from the row of the other table that has the same key; a row without partner gets NULL.

    The other table is being settled at the same time, maybe; it holds still meanwhile, and what settling
    would do to it makes no difference here.

    Raises:
        ConfigError: The run does not read the other table.
    """
    other = scope.tables[step.table]
    _require_staged(scope, step, other.relation)
    sql = render_named(
        "staging/join_table.sql",
        other_relation=other.relation,
        keys=step.keys,
        columns=tuple(step.columns),
        made=step.makes,
        grain=other.grain,
        compared=other.compared_columns,
        **scope.names,
    )
    scope.cursor.execute(sql["lock"], {})
    return Effect(changed=scope.number(sql["join"]))


def _require_staged(scope: StepScope, step: JoinTable, relation: str) -> None:
    scope.cursor.execute("select to_regclass(%s)", (quote_postgresql(scope.staged.schema, relation),))
    row = scope.cursor.fetchone()
    if row is None or row[0] is None:
        raise ConfigError(
            f"{scope.staged.table}: {step.step} takes columns from {step.table}, "
            "which this run does not read.",
            f"Let the run read {step.table} as well, or leave the step out.",
        )
