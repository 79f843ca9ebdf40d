"""Facts: rows are made from staged tables, then applied as a difference.

A folder ``merges/<relation>/``, or ``merges/fact/`` for a fact whose columns the catalog declares, holds
``rows.sql`` (the rows of this release, one per grain) and ``apply.sql`` (named statements); the names
of both are filled in from the catalog.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from etl.catalog import Dimension, Fact, Lookup
from etl.errors import ReleaseRefused
from etl.handles import StagedTable, TableOutcome
from etl.warehouse.dimensions import (
    MergeScope,
    affected_relation,
    analyze,
    has_affected,
    removed_relation,
)
from etl.warehouse.generated_facts import generated_names
from etl.warehouse.gone import Target, remove_gone
from etl.warehouse.guard import Guarded
from etl.warehouse.staging import require_whole

MEMBER_OF_NULL = {"unknown": -1, "not_applicable": -2}


def repoint_fact(scope: MergeScope, fact: Fact, dimensions: list[Dimension]) -> int:
    """Give facts in moved ranges the version that holds at their time now (law S8).

    Returns:
        Fact rows that changed, once for each lookup.
    """
    touched = {dimension.name for dimension in dimensions if has_affected(scope, dimension)}
    repointed = 0
    for column, lookup in fact.lookups.items():
        if lookup.dimension in touched:
            repointed += _write(scope, _repoint_statement(scope, fact, column))
    return repointed


def merge_fact(scope: MergeScope, fact: Fact, staged: Mapping[str, StagedTable]) -> TableOutcome:
    """Make the rows of this release and bring them into the fact (laws F1 to F3, S9).

    Raises:
        ReleaseRefused: Fewer or more rows were written than the difference called for (law R3).
    """
    names = make_rows(scope, fact, staged)
    statements = scope.session.render_named(f"merges/{_folder(fact)}/apply.sql", **names)
    inserted, updated, unchanged = scope.session.row(statements["count_changes"])
    # First what leaves the fact: an empty one is done with at once.
    vanished = _write(scope, statements["remove_vanished"])
    written = [_write(scope, statements["update_changed"])]
    with scope.session.filled_whole("warehouse", fact.relation, inserted):
        written.append(_write(scope, statements["insert_missing"]))
    if written != [updated, inserted]:
        raise ReleaseRefused(
            f"{fact.relation}: {updated} rows to update and {inserted} to insert,"
            f" but {written[0]} and {written[1]} were written.",
            "This is a fault of the project: nothing was published; keep the staging data and report it.",
        )
    removed = vanished + sum(_remove_gone(scope, fact, staged[name]) for name in _compared(fact, staged))
    return TableOutcome(
        fact.relation, "fact", inserted=inserted, updated=updated, unchanged=unchanged, removed=removed
    )


def make_rows(scope: MergeScope, fact: Fact, staged: Mapping[str, StagedTable]) -> dict[str, Any]:
    """Make the rows of the staged tables, as the fact should hold them, in the staging schema.

    Returns:
        The names with which the statements of the fact are filled in.
    """
    names = _names(scope, fact, staged)
    statement = scope.session.render(f"merges/{_folder(fact)}/rows.sql", **names)
    scope.session.execute(statement, _values(scope, fact))
    analyze(scope, rows_relation(fact), [*fact.grain, "_change"])
    return names


def source_outcomes(scope: MergeScope, fact: Fact, staged: Mapping[str, StagedTable]) -> list[TableOutcome]:
    """What became of the staged rows of each source table of the fact (law R3)."""
    return _generated_outcomes(scope, fact, staged) if fact.columns else _own_outcomes(scope, fact)


def _repoint_statement(scope: MergeScope, fact: Fact, column: str) -> str:
    if not fact.columns:
        names = _names(scope, fact, {})
        return scope.session.render_named(f"merges/{_folder(fact)}/apply.sql", **names)[f"repoint_{column}"]
    return scope.session.render(
        "merges/fact/repoint.sql",
        fact=fact.relation,
        column=column,
        found=_lookup(scope, fact.lookups[column], named_in=None),
        at=fact.at,
        at_type=fact.columns[fact.at].type if fact.at else None,
    )


def _compared(fact: Fact, staged: Mapping[str, StagedTable]) -> list[str]:
    """Tables of the fact whose keys were compared in this run."""
    plans = {name: staged[name].plan for name in fact.tables if fact.columns and name in staged}
    return [name for name, plan in plans.items() if plan and plan.compares_keys]


def _remove_gone(scope: MergeScope, fact: Fact, staged: StagedTable) -> int:
    """Rows whose key the source no longer has leave the fact (law X8)."""
    table = scope.catalog.tables[staged.table]
    keys = table.keys_relation
    require_whole(scope.session, scope.staging, keys)
    target = Target("warehouse", fact.relation, {name: fact.staged_column(name) for name in fact.grain})
    guarded = Guarded(f"rows of {fact.relation}", f"catalog/facts/{fact.name}.yaml", fact.guard)
    return remove_gone(scope, table, target, (keys, table.relation), guarded)


def _generated_outcomes(
    scope: MergeScope, fact: Fact, staged: Mapping[str, StagedTable]
) -> list[TableOutcome]:
    statements = scope.session.render_named("merges/fact/apply.sql", **_names(scope, fact, staged))
    scope.session.execute(statements["count_sources"])
    counts = {row[0]: row[1:] for row in scope.session.fetchall()}
    outcomes = []
    for number, table in enumerate((name for name in fact.tables if name in staged), 1):
        inserted, updated, unchanged, dropped = counts.get(number, (0, 0, 0, 0))
        outcome = TableOutcome(table, "source", inserted=inserted, updated=updated, unchanged=unchanged)
        outcomes.append(replace(outcome, dropped=dropped))
    return outcomes


def _own_outcomes(scope: MergeScope, fact: Fact) -> list[TableOutcome]:
    outcomes = []
    for number, name in enumerate(fact.tables):
        table = scope.catalog.tables[name]
        statement = scope.session.render(
            "merges/fact_source_outcome.sql",
            staging=scope.staging,
            relation=table.relation,
            rows=rows_relation(fact),
            grain=table.grain,
            is_line=number == 0,
        )
        inserted, updated, unchanged = scope.session.row(statement)
        outcomes.append(TableOutcome(name, "source", inserted=inserted, updated=updated, unchanged=unchanged))
    return outcomes


def _folder(fact: Fact) -> str:
    return "fact" if fact.columns else fact.relation


def _names(scope: MergeScope, fact: Fact, staged: Mapping[str, StagedTable]) -> dict[str, Any]:
    names = {"staging": scope.staging, "rows": rows_relation(fact)}
    if fact.columns:
        lookups = {name: _lookup(scope, lookup, named_in="told") for name, lookup in fact.lookups.items()}
        return {**names, **generated_names(scope.session, scope.catalog, fact, staged), "lookups": lookups}
    return {
        **names,
        "measures": _own_measures(scope, fact),
        "lookups": {name: _lookup(scope, x, named_in=_staged(scope, x)) for name, x in fact.lookups.items()},
        "repoints": {name: _lookup(scope, x, named_in=None) for name, x in fact.lookups.items()},
    }


def _staged(scope: MergeScope, lookup: Lookup) -> str:
    assert lookup.table is not None
    return scope.session.identifier(scope.staging, scope.catalog.tables[lookup.table].relation)


def _lookup(scope: MergeScope, lookup: Lookup, *, named_in: str | None) -> dict[str, Any]:
    """What the lookup macro needs; without ``named_in`` the members are those that the release touched."""
    dimension = scope.catalog.dimensions[lookup.dimension]
    return {
        "dimension": dimension.name,
        "relation": dimension.relation,
        "surrogate": dimension.surrogate,
        "columns": lookup.key if named_in else {column: column for column in lookup.key},
        "carries": lookup.carries,
        "removed": scope.session.identifier(scope.staging, removed_relation(dimension)),
        "named_in": named_in or scope.session.identifier(scope.staging, affected_relation(dimension)),
        "if_null": MEMBER_OF_NULL[lookup.if_null],
    }


def _own_measures(scope: MergeScope, fact: Fact) -> list[str]:
    """Columns of the fact that its rows carry: all but the identity, the grain and the run ids."""
    names = {"schema": "warehouse", "relation": fact.relation}
    scope.session.execute(scope.session.render("generated/written_columns.sql", **names))
    own = {*fact.grain, "inserted_run_id", "updated_run_id"}
    return [name for (name,) in scope.session.fetchall() if name not in own]


def rows_relation(fact: Fact) -> str:
    """Name of the fact's rows in the staging schema."""
    return f"rows_{fact.relation}"


def _values(scope: MergeScope, fact: Fact) -> dict[str, Any]:
    return {
        "run_id": scope.run_id,
        "business_time_zone": scope.business_time_zone,
        "cancelled": list(fact.cancelled_statuses),
    }


def _write(scope: MergeScope, statement: str) -> int:
    scope.session.execute(statement, {"run_id": scope.run_id, "business_time_zone": scope.business_time_zone})
    return scope.session.rowcount
