"""Columns out of another staged table of the same run."""

from __future__ import annotations

from etl.catalog import JoinTable
from etl.errors import ConfigError
from etl.warehouse.step_scope import Effect, StepScope


def join_table(scope: StepScope, step: JoinTable) -> Effect:
    """Take columns from the row of the other table that has the same key; a row without partner gets NULL.

    The other table is being settled at the same time, maybe; it holds still meanwhile, and what settling
    would do to it makes no difference here.

    Raises:
        ConfigError: The run does not read the other table.
    """
    other = scope.tables[step.table]
    _require_staged(scope, step, other.relation)
    sql = scope.session.render_named(
        "staging/join_table.sql",
        other_relation=other.relation,
        keys=step.keys,
        columns=tuple(step.columns),
        made=step.makes,
        grain=other.grain,
        grain_types={name: other.staged_columns[name].type for name in other.grain},
        compared=other.compared_columns,
        **scope.names,
    )
    scope.session.execute(sql["lock"])
    return Effect(changed=scope.number(sql["join"]))


def _require_staged(scope: StepScope, step: JoinTable, relation: str) -> None:
    if not scope.session.exists(scope.staged.schema, relation):
        raise ConfigError(
            f"{scope.staged.table}: {step.step} takes columns from {step.table}, "
            "which this run does not read.",
            f"Let the run read {step.table} as well, or leave the step out.",
        )
