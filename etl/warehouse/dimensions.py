"""Dimensions: events are appended to the history, versions derived from it, differences applied.

The final table is a pure function of the set of events (law S1): any order, batching or repetition
of the same events gives the same versions, and nothing is written where nothing changed (law S9).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Literal

from etl.catalog import Catalog, Dimension, EventSource, SourceTable
from etl.errors import ReleaseRefused
from etl.handles import TableOutcome
from etl.warehouse.database import Session, from_json
from etl.warehouse.declared import dimension_columns
from etl.warehouse.guard import Guarded, enough_present, hold_guard
from etl.warehouse.staging import require_whole

Mode = Literal["sequence", "observed", "snapshot"]


@dataclass(frozen=True, slots=True)
class MergeScope:
    """Where a merge works: the release's session, its staging schema, its run, and when it was recorded."""

    session: Session
    catalog: Catalog
    staging: str
    run_id: str
    business_time_zone: str
    recorded_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Events:
    """Staged rows that are events of a dimension, with the upper end of their window in UTC."""

    source: EventSource
    table: SourceTable
    window_end: datetime
    compares_keys: bool
    absent: tuple[str, ...] = ()
    is_replay: bool = False


def open_merge(scope: MergeScope, dimension: Dimension) -> None:
    """Create the list of members that this release touches; it lives in the staging schema."""
    scope.session.execute(
        scope.session.render(
            "merges/dimension/affected_table.sql",
            staging=scope.staging,
            affected=affected_relation(dimension),
            dimension=dimension.relation,
            key=dimension.key,
        ),
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
        require_whole(scope.session, scope.staging, keys_relation)
        removed = append_deletes(scope, dimension, events, keys_relation)
    if _may_hold_known(scope, dimension, names):
        names["relation"] = _find_told(scope, dimension, names, values)
    *steps, last = scope.session.render_named("merges/dimension/append_events.sql", **names).values()
    for step in steps:
        scope.session.execute(step, values)
    telling, late = scope.session.row(last, values)
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
    statement = scope.session.render(
        "merges/dimension/append_deletes.sql", keys_relation=keys_relation, **names
    )
    return scope.session.count(statement, {**values, "absent": list(dimension.attributes)})


def infer_members(scope: MergeScope, dimension: Dimension, relation: str, key: dict[str, str]) -> int:
    """Make members of natural keys that a staged relation names and nobody delivered yet (law S17).

    Args:
        key: Natural key column of the dimension -> column of the relation.
    """
    named = scope.session.render(
        "merges/dimension/named_keys.sql", schema=scope.staging, relation=relation, columns=key
    )
    statement = scope.session.render(
        "merges/dimension/append_inferred.sql",
        named=named,
        entity=dimension.name,
        key=dimension.key,
        staging=scope.staging,
        affected=affected_relation(dimension),
    )
    return scope.session.count(
        statement,
        {
            "absent": list(dimension.attributes),
            "run_id": scope.run_id,
            "recorded_at": scope.recorded_at,
        },
    )


def derive_versions(scope: MergeScope, dimension: Dimension, merged: Collection[Dimension] = ()) -> None:
    """Derive the versions of the affected members from their events, with snowflake keys (law S1).

    On PostgreSQL from the instant that ``append_events.sql`` noted for each member, on MySQL from their
    beginning.

    Args:
        merged: Dimensions of this release; nobody leads to those of their versions that wait for removal.
    """
    scope.session.analyze(scope.staging, affected_relation(dimension))
    groups, carry = _presence_groups(scope, dimension)
    by_type = {f"type_{scd}": dimension.attributes_of(scd) for scd in (0, 1, 2, 3)}
    statement = scope.session.render(
        "merges/dimension/derive_versions.sql",
        **_names(scope, dimension),
        groups=groups,
        carry=carry,
        derived=list(dimension_columns(dimension)),
        snowflakes=dimension.snowflakes,
        **by_type,
    )
    scope.session.execute(statement)
    for column in dimension.snowflakes:
        scope.session.execute(_snowflake_statements(scope, dimension, column, merged)["resolve"])
    analyze(scope, _versions(dimension), [*dimension.key, "valid_from", "valid_to", dimension.surrogate])


def repoint_snowflakes(scope: MergeScope, dimension: Dimension, merged: Collection[Dimension]) -> int:
    """Lead members to the latest versions of what they name, as facts follow moved versions (law S8).

    Args:
        merged: Dimensions of this release; those that this one leads to were applied before.

    Returns:
        Versions that lead elsewhere now, once for each key; of members that were not read, too.
    """
    names = {other.name for other in merged}
    repointed = 0
    for column, snowflake in dimension.snowflakes.items():
        other = scope.catalog.dimensions[snowflake.dimension]
        if other.name in names and has_affected(scope, other):
            statement = _snowflake_statements(scope, dimension, column, merged)["repoint"]
            scope.session.execute(statement, {"run_id": scope.run_id})
            repointed += scope.session.rowcount
    return repointed


def apply_versions(scope: MergeScope, dimension: Dimension) -> TableOutcome:
    """Make the affected members equal to their derived versions; obsolete ones wait for ``finish``."""
    sql, values = _apply_statements(scope, dimension), {"run_id": scope.run_id}
    ending, changing, expired = scope.session.row(sql["count_touched"])
    if ending or changing:
        _check_guard(scope, dimension, sql, ending, changing)
    scope.session.execute(sql["find_removed"])
    scope.session.execute(sql["close_removed"])
    scope.session.execute(sql["update_changed"], values)
    updated = scope.session.rowcount
    scope.session.execute(sql["insert_missing"], values)
    inserted = scope.session.rowcount
    total = scope.session.count(sql["count_versions"])
    return TableOutcome(
        dimension.relation,
        "dimension",
        inserted=inserted,
        updated=updated - expired,
        expired=expired,
        unchanged=total - inserted - updated,
    )


def finish_merge(scope: MergeScope, dimension: Dimension, outcome: TableOutcome) -> TableOutcome:
    """Remove obsolete versions, to which no fact and no member leads any more, and hold law S2."""
    sql = _apply_statements(scope, dimension)
    scope.session.execute(sql["remove_obsolete"])
    removed = scope.session.rowcount
    broken = scope.session.count(sql["count_broken"])
    if broken:
        raise ReleaseRefused(
            f"{broken} members of {dimension.relation} would have overlapping versions,"
            " or gaps that no delete made.",
            "This is a fault of the project: nothing was published; keep the staging data and report it.",
        )
    return replace(outcome, removed=removed)


def has_affected(scope: MergeScope, dimension: Dimension) -> bool:
    """Whether this release touches any member of the dimension."""
    return scope.session.has_rows(scope.staging, affected_relation(dimension))


def removed_relation(dimension: Dimension) -> str:
    """Name of the list of versions that wait for their removal in the staging schema."""
    return f"removed_{dimension.name}"


def count_rows(scope: MergeScope, relation: str) -> int:
    """Rows of a relation in the release's staging schema."""
    return scope.session.count(f"select count(*) from {scope.session.identifier(scope.staging, relation)}")


def analyze(scope: MergeScope, relation: str, columns: Iterable[str]) -> None:
    """Make the statistics of the columns by which a relation of the staging schema is joined."""
    scope.session.analyze(scope.staging, relation, columns)


def affected_relation(dimension: Dimension) -> str:
    """Name of the list of touched members in the staging schema."""
    return f"affected_{dimension.name}"


def _may_hold_known(scope: MergeScope, dimension: Dimension, names: dict[str, Any]) -> bool:
    """Whether staged rows may stand in the history already; events of a log are looked up by their key."""
    if names["mode"] == "sequence" or names["is_replay"]:
        return False
    return scope.session.has_rows("history", dimension.name)


def _find_told(scope: MergeScope, dimension: Dimension, names: dict[str, Any], values: dict[str, Any]) -> str:
    """Keep the staged rows that may say something new; the name of the relation that holds them."""
    told = f"told_{dimension.name}"
    scope.session.execute(scope.session.render("merges/dimension/find_told.sql", told=told, **names), values)
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
        "effective_column": source.effective_at,
        "sequence_column": source.sequence,
        "operation": _operation(scope.session, table),
        "is_replay": events.is_replay,
        "novel": f"novel_{dimension.name}",
        # Values of types 0, 1 and 3 come from events of other versions (law S12); and versions from before
        # the catalog had a snowflake have yet to find out where it leads them.
        "looks_back": bool(dimension.snowflakes) or any(dimension.attributes_of(s) for s in (0, 1, 3)),
        "is_one_per_key": bool(table.grain) and set(table.grain) <= set(dimension.key),
    }
    values = {
        "source": table.qualified_name,
        "window_end": events.window_end,
        "existence": source.existence,
        "absent": [a for a in dimension.attributes if a not in columns],
        "all_attributes": list(dimension.attributes),
        "run_id": scope.run_id,
        "recorded_at": scope.recorded_at,
    }
    return names, values


def _operation(session: Session, table: SourceTable) -> str:
    """A soft delete is a row whose flag says so (law X8); ``s`` is the staged row."""
    if table.deleted_when is None:
        return "'upsert'"
    return f"case when {session.identifier('s', table.deleted_when)} then 'delete' else 'upsert' end"


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
    scope.session.execute(scope.session.render("merges/dimension/signatures.sql", **_names(scope, dimension)))
    signatures = [(operation, set(from_json(absent))) for operation, absent in scope.session.fetchall()]
    partial = [absent for operation, absent in signatures if operation == "upsert"]
    groups: dict[tuple[bool, ...], list[str]] = {}
    for attribute in dimension.attributes:
        groups.setdefault(tuple(attribute in absent for absent in partial), []).append(attribute)
    return list(groups.values()), any(operation != "upsert" or absent for operation, absent in signatures)


def _snowflake_statements(
    scope: MergeScope, dimension: Dimension, column: str, merged: Collection[Dimension]
) -> dict[str, str]:
    snowflake = dimension.snowflakes[column]
    other = scope.catalog.dimensions[snowflake.dimension]
    return scope.session.render_named(
        "merges/dimension/resolve_snowflake.sql",
        **_names(scope, dimension),
        column=column,
        attribute=snowflake.attribute,
        other=other.relation,
        other_surrogate=other.surrogate,
        other_key=next(iter(other.key)),
        other_affected=affected_relation(other),
        other_removed=removed_relation(other) if other in merged else None,
    )


def _apply_statements(scope: MergeScope, dimension: Dimension) -> dict[str, str]:
    columns = ["valid_to", "is_inferred", *dimension.snowflakes, *dimension_columns(dimension)]
    return scope.session.render_named(
        "merges/dimension/apply_versions.sql", **_names(scope, dimension), columns=columns
    )


def _check_guard(
    scope: MergeScope, dimension: Dimension, sql: dict[str, str], ending: int, changing: int
) -> None:
    """Hold what ends or changes against the current members, of which no more are counted than matter."""
    guard = dimension.guard
    enough = enough_present(guard, ending, changing)
    present = scope.session.count(sql["count_members"], {"enough": enough})
    guarded = Guarded(
        f"current members of {dimension.relation}", f"catalog/dimensions/{dimension.name}.yaml", guard
    )
    hold_guard(guarded, present, ending, changing)


def _versions(dimension: Dimension) -> str:
    return f"versions_{dimension.name}"
