"""Whole-table steps: SQL over the staged table, once it holds each row once and before the gate (law F5).

Whatever a step computes depends on the set of rows alone, never on how they came: neither parts nor
batches nor the order of loading change a result. Each step writes its line of the transformation log.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from etl.catalog import (
    ConvertCurrency,
    Deduplicate,
    FillFromRows,
    FlagOutliers,
    JoinTable,
    SourceTable,
    WholeStep,
)
from etl.handles import StagedTable, StepCount
from etl.warehouse.currencies import convert_currency
from etl.warehouse.database import Session
from etl.warehouse.duplicates import deduplicate
from etl.warehouse.expression_columns import explained_values
from etl.warehouse.joins import join_table
from etl.warehouse.step_log import stage_steps
from etl.warehouse.step_scope import Effect, StepScope

PART = "settle"


def apply_whole_steps(
    session: Session, staged: StagedTable, tables: Mapping[str, SourceTable]
) -> StagedTable:
    """Run the table's steps in their order; rows they drop or hold back leave the staged table.

    Replayed rows hold what steps had computed of their whole batch; only amounts are converted anew, as the
    rates may be there now.

    Raises:
        ConfigError: A step cannot run: there are no rates, another table is not read, or a block of rows is
            too large.
        ContractError: A value cannot be computed, or does not fit its column.
    """
    scope = StepScope(session, staged, tables)
    table = scope.table
    is_kept = staged.plan is not None and staged.plan.replays == "kept"
    counts: list[StepCount] = []
    with explained_values(session, table):
        for position, step in enumerate(table.settle, len(table.prepare) + 1):
            if is_kept and not isinstance(step, ConvertCurrency):
                continue
            effect, count = _counted(scope, step, position)
            counts.append(count)
            staged = replace(
                staged,
                row_count=count.rows_after,
                dropped_count=staged.dropped_count + effect.dropped,
                quarantined_count=staged.quarantined_count + effect.quarantined,
            )
        counts += _expressions(scope, len(table.prepare) + len(table.settle) + 1)
    stage_steps(session, staged.schema, staged.table, PART, counts)
    return replace(staged, steps=tuple(counts))


def _counted(scope: StepScope, step: WholeStep, position: int) -> tuple[Effect, StepCount]:
    rows_before, nulls_before = _values(scope, step.counted)
    effect = _apply(scope, step)
    rows_after, nulls_after = _values(scope, step.counted)
    return effect, StepCount(
        position=position,
        step=step.step,
        columns=step.counted,
        rows_before=rows_before,
        rows_after=rows_after,
        changed=effect.changed,
        nulls_before=nulls_before,
        nulls_after=nulls_after,
    )


def _apply(scope: StepScope, step: WholeStep) -> Effect:
    match step:
        case FillFromRows():
            return _fill_from_rows(scope, step)
        case FlagOutliers():
            return _flag_outliers(scope, step)
        case Deduplicate():
            return deduplicate(scope, step)
        case ConvertCurrency():
            return convert_currency(scope, step)
        case JoinTable():
            return join_table(scope, step)


def _fill_from_rows(scope: StepScope, step: FillFromRows) -> Effect:
    statement = scope.session.render(
        "staging/fill_from_rows.sql",
        column=step.column,
        kind=scope.kind_of(step.column),
        method=step.method,
        by=step.by,
        **scope.names,
    )
    return Effect(changed=scope.number(statement))


def _flag_outliers(scope: StepScope, step: FlagOutliers) -> Effect:
    sql = scope.session.render_named(
        "staging/flag_outliers.sql",
        column=step.column,
        into=step.into,
        kind=scope.kind_of(step.column),
        by=step.by,
        **scope.names,
    )
    flagged = scope.number(sql[f"flag_{step.method}"], {"threshold": step.threshold})
    return Effect(changed=flagged + scope.number(sql["flag_infinite"]))


def _expressions(scope: StepScope, first: int) -> list[StepCount]:
    """What the expression columns came to; they were NULL before, so to speak."""
    counts = []
    for position, name in enumerate(scope.table.generated_columns, first):
        rows, nulls = _values(scope, (name,))
        counts.append(StepCount(position, "expression", (name,), rows, rows, rows - nulls, rows, nulls))
    return counts


def _values(scope: StepScope, columns: tuple[str, ...]) -> tuple[int, int]:
    statement = scope.session.render("staging/count_values.sql", columns=columns, **scope.names)
    rows, nulls = scope.session.row(statement)
    return int(rows), int(nulls)
