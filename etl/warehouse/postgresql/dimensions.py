"""Dimensions: events are appended to the history, versions derived from it, differences applied.

The final table is a pure function of the set of events (law S1): any order, batching or repetition
of the same events gives the same versions, and nothing is written where nothing changed (law S9).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any, Literal

from psycopg2.extensions import cursor as Cursor

from etl.catalog import Catalog, Dimension, EventSource, SourceTable
from etl.errors import ReleaseRefused
from etl.handles import TableOutcome
from etl.identifiers import quote_postgresql
from etl.warehouse.postgresql.declared import dimension_columns
from etl.warehouse.postgresql.guard import Guarded, enough_present, hold_guard
from etl.warehouse.postgresql.staging import require_whole
from etl.warehouse.postgresql.statements import identifier, render, render_named

Mode = Literal["sequence", "observed", "snapshot"]


@dataclass(frozen=True, slots=True)
class MergeScope:
    """Where a merge works: the release's cursor, its staging schema and its run."""

    cursor: Cursor
    catalog: Catalog
    staging: str
    run_id: str
    business_time_zone: str


@dataclass(frozen=True, slots=True)
class Events:
    """Staged rows that are events of a dimension, with the upper end of their window in UTC."""

    source: EventSource
    table: SourceTable
    window_end: str
    compares_keys: bool
    absent: tuple[str, ...] = ()
    is_replay: bool = False


def open_merge(scope: MergeScope, dimension: Dimension) -> None:
    """Create the list of members that this release touches; it lives in the staging schema."""
    scope.cursor.execute(
        render(
            "merges/dimension/affected_table.sql",
            staging=scope.staging,
            affected=affected_relation(dimension),
            dimension=dimension.relation,
            key=dimension.key,
        ),
        {},
    )


def append_events(scope: MergeScope, dimension: Dimension, events: Events) -> TableOutcome:
    """Append what the staged rows say new, and a delete for each key that is gone (laws S1, S3, X8).

    Returns:
        The source table's outcome: inserted = rows that made events, unchanged = rows that said
        nothing new, expired = members whose key is gone, late = events before a known version.
    """
    names, values = _event_names(scope, dimension, events)
    removed = 0
    if events.compares_keys:
        keys_relation = events.table.keys_relation
        require_whole(scope.cursor, scope.staging, keys_relation)
        removed = append_deletes(scope, dimension, events, keys_relation)
    if _may_hold_known(scope, dimension, names):
        names["relation"] = _find_told(scope, dimension, names, values)
    for statement in render_named("merges/dimension/append_events.sql", **names).values():
        scope.cursor.execute(statement, values)
    telling, late = _row(scope.cursor)
    staged = count_rows(scope, events.table.relation)
    return TableOutcome(
        events.table.qualified_name,
        "source",
        inserted=telling,
        unchanged=staged - telling,
        expired=removed,
        late=late,
    )


def append_deletes(scope: MergeScope, dimension: Dimension, events: Events, keys_relation: str) -> int:
    """Append a delete for each current member whose key a staged relation lacks; returns how many."""
    names, values = _event_names(scope, dimension, events)
    statement = render("merges/dimension/append_deletes.sql", keys_relation=keys_relation, **names)
    scope.cursor.execute(statement, {**values, "absent": list(dimension.attributes)})
    return int(_row(scope.cursor)[0])


def infer_members(scope: MergeScope, dimension: Dimension, relation: str, key: dict[str, str]) -> int:
    """Make members of natural keys that a staged relation names and nobody delivered yet (law S17).

    Args:
        key: Natural key column of the dimension -> column of the relation.
    """
    named = render("merges/dimension/named_keys.sql", schema=scope.staging, relation=relation, columns=key)
    statement = render(
        "merges/dimension/append_inferred.sql",
        named=named,
        entity=dimension.name,
        key=dimension.key,
        staging=scope.staging,
        affected=affected_relation(dimension),
    )
    scope.cursor.execute(statement, {"absent": list(dimension.attributes), "run_id": scope.run_id})
    return int(_row(scope.cursor)[0])


def derive_versions(scope: MergeScope, dimension: Dimension) -> None:
    """Derive the versions of the affected members from their whole history, with snowflake keys."""
    groups, carry = _presence_groups(scope, dimension)
    by_type = {f"type_{scd}": dimension.attributes_of(scd) for scd in (0, 1, 2, 3)}
    scope.cursor.execute(f"analyze {quote_postgresql(scope.staging, affected_relation(dimension))}")
    statement = render(
        "merges/dimension/derive_versions.sql",
        **_names(scope, dimension),
        groups=groups,
        carry=carry,
        derived=list(dimension_columns(dimension)),
        snowflakes=dimension.snowflakes,
        **by_type,
    )
    scope.cursor.execute(statement, {})
    for column in dimension.snowflakes:
        _resolve_snowflake(scope, dimension, column)
    analyze(scope, _versions(dimension), [*dimension.key, "valid_from", "valid_to"])


def apply_versions(scope: MergeScope, dimension: Dimension) -> TableOutcome:
    """Make the affected members equal to their derived versions; obsolete ones wait for ``finish``."""
    sql, values = _apply_statements(scope, dimension), {"run_id": scope.run_id}
    _check_guard(scope, dimension, sql)
    expired = _count(scope.cursor, sql["count_expired"])
    scope.cursor.execute(sql["find_removed"], {})
    scope.cursor.execute(sql["close_removed"], {})
    scope.cursor.execute(sql["update_changed"], values)
    updated = scope.cursor.rowcount
    scope.cursor.execute(sql["insert_missing"], values)
    inserted = scope.cursor.rowcount
    total = count_rows(scope, _versions(dimension))
    return TableOutcome(
        dimension.relation,
        "dimension",
        inserted=inserted,
        updated=updated - expired,
        expired=expired,
        unchanged=total - inserted - updated,
    )


def finish_merge(scope: MergeScope, dimension: Dimension, outcome: TableOutcome) -> TableOutcome:
    """Remove obsolete versions, once no fact points to them, and hold the members against law S2."""
    sql = _apply_statements(scope, dimension)
    scope.cursor.execute(sql["remove_obsolete"], {})
    removed = scope.cursor.rowcount
    broken = _count(scope.cursor, sql["count_broken"])
    if broken:
        raise ReleaseRefused(
            f"{broken} members of {dimension.relation} would have overlapping versions,"
            " or gaps that no delete made.",
            "This is a fault of the project: nothing was published; keep the staging data and report it.",
        )
    return replace(outcome, removed=removed)


def has_affected(scope: MergeScope, dimension: Dimension) -> bool:
    """Whether this release touches any member of the dimension."""
    scope.cursor.execute(
        f"select exists (select from {quote_postgresql(scope.staging, affected_relation(dimension))})"
    )
    return bool(_row(scope.cursor)[0])


def removed_relation(dimension: Dimension) -> str:
    """Name of the list of versions that wait for their removal in the staging schema."""
    return f"removed_{dimension.name}"


def count_rows(scope: MergeScope, relation: str) -> int:
    """Rows of a relation in the release's staging schema."""
    return _count(scope.cursor, f"select count(*) from {identifier(scope.staging, relation)}")


def analyze(scope: MergeScope, relation: str, columns: Iterable[str]) -> None:
    """Make the statistics of the columns by which a relation of the staging schema is joined."""
    names = ", ".join(quote_postgresql(column) for column in columns)
    scope.cursor.execute(f"analyze {quote_postgresql(scope.staging, relation)} ({names})")


def affected_relation(dimension: Dimension) -> str:
    """Name of the list of touched members in the staging schema."""
    return f"affected_{dimension.name}"


def _may_hold_known(scope: MergeScope, dimension: Dimension, names: dict[str, Any]) -> bool:
    """Whether staged rows may stand in the history already; events of a log are looked up by their key."""
    if names["mode"] == "sequence" or names["is_replay"]:
        return False
    scope.cursor.execute(f"select exists (select from {quote_postgresql('history', dimension.name)})")
    return bool(_row(scope.cursor)[0])


def _find_told(scope: MergeScope, dimension: Dimension, names: dict[str, Any], values: dict[str, Any]) -> str:
    """Keep the staged rows that may say something new; the name of the relation that holds them."""
    told = f"told_{dimension.name}"
    scope.cursor.execute(f"drop table if exists {quote_postgresql(scope.staging, told)}")
    scope.cursor.execute(render("merges/dimension/find_told.sql", told=told, **names), values)
    analyze(scope, told, dimension.key)
    return told


def _event_names(
    scope: MergeScope, dimension: Dimension, events: Events
) -> tuple[dict[str, Any], dict[str, Any]]:
    source, table = events.source, events.table
    columns = {a: source.columns.get(a, a) for a in dimension.attributes}
    columns = {a: c for a, c in columns.items() if c in table.staged_columns and c not in events.absent}
    mode: Mode = "snapshot" if source.effective_at is None else "sequence" if source.sequence else "observed"
    names = _names(scope, dimension) | {
        "relation": table.relation,
        "columns": columns,
        "mode": mode,
        "existence": source.existence,
        "effective_at": identifier("s", source.effective_at)
        if source.effective_at
        else "%(window_end)s::timestamptz",
        "sequence": identifier("s", source.sequence) if source.sequence else "0::bigint",
        "operation": _operation(table),
        "is_replay": events.is_replay,
        "novel": f"novel_{dimension.name}",
        "is_one_per_key": bool(table.grain) and set(table.grain) <= set(dimension.key),
    }
    values = {
        "source": table.qualified_name,
        "window_end": events.window_end,
        "existence": source.existence,
        "absent": [a for a in dimension.attributes if a not in columns],
        "all_attributes": list(dimension.attributes),
        "run_id": scope.run_id,
    }
    return names, values


def _operation(table: SourceTable) -> str:
    """A soft delete is a row whose flag says so (law X8); ``s`` is the staged row."""
    if table.deleted_when is None:
        return "'upsert'"
    return f"case when {identifier('s', table.deleted_when)} then 'delete' else 'upsert' end"


def _names(scope: MergeScope, dimension: Dimension) -> dict[str, Any]:
    return {
        "staging": scope.staging,
        "entity": dimension.name,
        "dimension": dimension.relation,
        "surrogate": dimension.surrogate,
        "key": dimension.key,
        "affected": affected_relation(dimension),
        "versions": _versions(dimension),
        "removed": removed_relation(dimension),
    }


def _presence_groups(scope: MergeScope, dimension: Dimension) -> tuple[list[list[str]], bool]:
    """Attributes that always come together, and whether values must be carried forward at all (law S6)."""
    scope.cursor.execute(render("merges/dimension/signatures.sql", **_names(scope, dimension)), {})
    signatures = [(operation, set(absent)) for operation, absent in scope.cursor.fetchall()]
    partial = [absent for operation, absent in signatures if operation == "upsert"]
    groups: dict[tuple[bool, ...], list[str]] = {}
    for attribute in dimension.attributes:
        groups.setdefault(tuple(attribute in absent for absent in partial), []).append(attribute)
    return list(groups.values()), any(operation != "upsert" or absent for operation, absent in signatures)


def _resolve_snowflake(scope: MergeScope, dimension: Dimension, column: str) -> None:
    snowflake = dimension.snowflakes[column]
    other = scope.catalog.dimensions[snowflake.dimension]
    scope.cursor.execute(
        render(
            "merges/dimension/resolve_snowflake.sql",
            **_names(scope, dimension),
            column=column,
            attribute=snowflake.attribute,
            other=other.relation,
            other_surrogate=other.surrogate,
            other_key=next(iter(other.key)),
        ),
        {},
    )


def _apply_statements(scope: MergeScope, dimension: Dimension) -> dict[str, str]:
    columns = ["valid_to", "is_inferred", *dimension.snowflakes, *dimension_columns(dimension)]
    return render_named("merges/dimension/apply_versions.sql", **_names(scope, dimension), columns=columns)


def _check_guard(scope: MergeScope, dimension: Dimension, sql: dict[str, str]) -> None:
    """Hold what ends or changes against the current members, of which no more are counted than matter."""
    scope.cursor.execute(sql["count_touched"], {})
    ending, changing = _row(scope.cursor)
    if not ending and not changing:
        return
    guard = dimension.guard
    scope.cursor.execute(sql["count_members"], {"enough": enough_present(guard, ending, changing)})
    guarded = Guarded(
        f"current members of {dimension.relation}", f"catalog/dimensions/{dimension.name}.yaml", guard
    )
    hold_guard(guarded, _row(scope.cursor)[0], ending, changing)


def _versions(dimension: Dimension) -> str:
    return f"versions_{dimension.name}"


def _row(cursor: Cursor) -> tuple[Any, ...]:
    row = cursor.fetchone()
    assert row is not None
    return tuple(row)


def _count(cursor: Cursor, statement: str) -> int:
    cursor.execute(statement, {})
    return int(_row(cursor)[0])
