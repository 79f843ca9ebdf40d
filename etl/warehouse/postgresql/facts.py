"""Facts: rows are made from staged tables by one SQL file per fact, then applied as a difference.

A fact's folder ``merges/<relation>/`` holds ``rows.sql`` (the rows of this release, one per grain)
and ``apply.sql`` (named statements); the names of both are filled in from the catalog.
"""

from __future__ import annotations

from typing import Any

from etl.catalog import Dimension, Fact, Lookup
from etl.errors import ReleaseRefused
from etl.handles import TableOutcome
from etl.identifiers import quote_postgresql
from etl.settings import Settings
from etl.warehouse.postgresql.dimensions import MergeScope, affected_relation, has_affected, removed_relation
from etl.warehouse.postgresql.statements import render, render_named

MEMBER_OF_NULL = {"unknown": -1, "not_applicable": -2}


def repoint_fact(scope: MergeScope, fact: Fact, dimensions: list[Dimension]) -> dict[str, int]:
    """Give facts in moved ranges the version that holds at their time now (law S8).

    Returns:
        Dimension name -> fact rows that changed.
    """
    statements = _apply_statements(scope, fact, [])
    repointed = {}
    for dimension in dimensions:
        if has_affected(scope, dimension):
            scope.cursor.execute(statements[f"repoint_{dimension.name}"], {"run_id": scope.run_id})
            repointed[dimension.name] = scope.cursor.rowcount
    return repointed


def merge_fact(scope: MergeScope, fact: Fact, settings: Settings) -> TableOutcome:
    """Make the rows of this release and bring them into the fact (laws F1 to F3, S9).

    Raises:
        ReleaseRefused: Fewer or more rows were written than the difference called for (law R3).
    """
    measures = _measures(scope, fact)
    scope.cursor.execute(
        render(f"merges/{fact.relation}/rows.sql", **_names(scope, fact, measures)),
        {"cancelled": list(fact.cancelled_statuses), "business_time_zone": settings.business_time_zone},
    )
    scope.cursor.execute(f"analyze {quote_postgresql(scope.staging, _rows(fact))}")
    statements = _apply_statements(scope, fact, measures)
    inserted, updated, unchanged = _one(scope, statements["count_changes"])
    written = [
        _write(scope, statements[name]) for name in ("update_changed", "insert_missing", "remove_vanished")
    ]
    if written[:2] != [updated, inserted]:
        raise ReleaseRefused(
            f"{fact.relation}: {updated} rows to update and {inserted} to insert,"
            f" but {written[0]} and {written[1]} were written.",
            "This is a fault of the project: nothing was published; keep the staging data and report it.",
        )
    return TableOutcome(
        fact.relation, "fact", inserted=inserted, updated=updated, unchanged=unchanged, removed=written[2]
    )


def source_outcomes(scope: MergeScope, fact: Fact) -> list[TableOutcome]:
    """What became of the staged rows of each source table of the fact (law R3)."""
    outcomes = []
    for number, name in enumerate(fact.tables):
        table = scope.catalog.tables[name]
        statement = render(
            "merges/fact_source_outcome.sql",
            staging=scope.staging,
            relation=table.relation,
            rows=_rows(fact),
            grain=table.grain,
            is_line=number == 0,
        )
        inserted, updated, unchanged = _one(scope, statement)
        outcomes.append(TableOutcome(name, "source", inserted=inserted, updated=updated, unchanged=unchanged))
    return outcomes


def _names(scope: MergeScope, fact: Fact, measures: list[str]) -> dict[str, Any]:
    return {
        "staging": scope.staging,
        "rows": _rows(fact),
        "measures": measures,
        "lookups": {name: _lookup(scope, lookup, affected=False) for name, lookup in fact.lookups.items()},
        "repoints": {name: _lookup(scope, lookup, affected=True) for name, lookup in fact.lookups.items()},
    }


def _lookup(scope: MergeScope, lookup: Lookup, *, affected: bool) -> dict[str, Any]:
    """What the lookup macro needs; for a re-pointing the members are those that the release touched."""
    dimension = scope.catalog.dimensions[lookup.dimension]
    relation = affected_relation(dimension) if affected else scope.catalog.tables[lookup.table].relation
    return {
        "dimension": dimension.name,
        "relation": dimension.relation,
        "surrogate": dimension.surrogate,
        "columns": {column: column for column in lookup.key} if affected else lookup.key,
        "carries": lookup.carries,
        "removed": quote_postgresql(scope.staging, removed_relation(dimension)),
        "named_in": quote_postgresql(scope.staging, relation),
        "if_null": MEMBER_OF_NULL[lookup.if_null],
    }


def _measures(scope: MergeScope, fact: Fact) -> list[str]:
    """Columns of the fact that its rows carry: all but the identity, the grain and the run ids."""
    scope.cursor.execute(
        "select column_name from information_schema.columns"
        " where table_schema = 'warehouse' and table_name = %s and is_identity = 'NO'"
        " order by ordinal_position",
        (fact.relation,),
    )
    own = {*fact.grain, "inserted_run_id", "updated_run_id"}
    return [name for (name,) in scope.cursor.fetchall() if name not in own]


def _apply_statements(scope: MergeScope, fact: Fact, measures: list[str]) -> dict[str, str]:
    return render_named(f"merges/{fact.relation}/apply.sql", **_names(scope, fact, measures))


def _rows(fact: Fact) -> str:
    return f"rows_{fact.name}"


def _write(scope: MergeScope, statement: str) -> int:
    scope.cursor.execute(statement, {"run_id": scope.run_id})
    return scope.cursor.rowcount


def _one(scope: MergeScope, statement: str) -> tuple[int, ...]:
    scope.cursor.execute(statement)
    row = scope.cursor.fetchone()
    assert row is not None
    return tuple(row)
