"""Profiles of staged tables: one statement per column over its distinct values (see ``etl/profiles.py``).

A large table is sampled by a hash of its grain, so that the same rows are looked at in whatever order
and parts they were loaded.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from etl.catalog import Column, SourceTable
from etl.handles import Run, StagedTable
from etl.profile_drift import LEAST_ROWS, drifts_between
from etl.profiles import (
    FORMS,
    HOLDS_EMAIL,
    LONGEST_VALUE,
    MAX_SET,
    QUANTILES,
    KeptProfile,
    ProfiledColumn,
    ProfileDrift,
    counted,
)
from etl.warehouse.database import Session, from_json

# A profile is worth a moment of the run, not more.
TIMEOUT_SECONDS = 120
_MEASURED = ("smallint", "integer", "bigint", "double", "date", "timestamp", "time", "decimal")
_NUMBERS = ("smallint", "integer", "bigint", "double", "decimal")
_OPAQUE = ("json", "bytes")
_NO_KEYS = ("double", "json", "boolean")
_COLUMNS = (
    *("position", "data_type", "is_personal", "is_whole", "row_count", "sampled_count", "null_count"),
    *("distinct_count", "is_key_candidate", "lowest", "highest", "mean", "deviation", "quantiles"),
    *("shortest", "longest", "form", "top_values", "patterns"),
)


def profile_table(
    session: Session, staged: StagedTable, table: SourceTable, most_rows: int
) -> list[ProfiledColumn]:
    """Look at the rows of a staged table, column by column; nothing is changed.

    Args:
        session: Of a transaction of its own; its statement timeout becomes that of profiles.
        staged: The table as it was settled.
        table: Its declaration.
        most_rows: Of a table with more rows, about so many are looked at.
    """
    session.limit(TIMEOUT_SECONDS)
    rows = session.identifier(staged.schema, staged.relation)
    every = -(-staged.row_count // most_rows)
    if every > 1:
        grain = table.grain or tuple(table.staged_columns)
        names = {**_names(staged, rows), "grain": grain, "staged": table.staged_types}
        session.execute(session.render_named("staging/profile.sql", **names)["sample"], {"every": every})
        rows = session.database.temporary("profiled_rows")
    personal = table.personal_columns
    return [
        _profiled(session, staged, _Place(rows, name, position, name in personal), column)
        for position, (name, column) in enumerate(table.staged_columns.items(), 1)
    ]


def keep_profile(session: Session, run: Run, staged: StagedTable, columns: list[ProfiledColumn]) -> None:
    """Store a profile; one of the same run and table is replaced, as of a task that is tried again."""
    for audit_table in ("profiles", "profile_drifts"):
        session.execute(
            f"delete from audit.{audit_table} where run_id = %s and table_name = %s",
            (run.run_id, staged.table),
        )
    session.insert(
        "audit.profiles",
        ("run_id", "table_name", "column_name", *_COLUMNS),
        [(run.run_id, staged.table, column.name, *_stored(column)) for column in columns],
    )


def find_drifts(
    session: Session, run: Run, staged: StagedTable, columns: list[ProfiledColumn]
) -> list[ProfileDrift]:
    """How the table differs from its newest earlier profile of a comparable run that succeeded.

    Comparable is a run of the same pipeline that read the table from its beginning as this one did, or
    what changed as this one did.
    """
    if not columns or not staged.row_count:
        return []
    session.execute(
        session.render_named("staging/profile.sql", **_names(staged, ""))["earlier"],
        {
            "pipeline": run.pipeline,
            "is_backfill": run.is_backfill,
            "run_id": run.run_id,
            "table_name": staged.table,
            "is_whole": columns[0].is_whole,
        },
    )
    row = session.fetchone()
    return drifts_between(read_profile(session, row[0], staged.table), columns) if row else []


def keep_profile_drifts(session: Session, run: Run, table: str, drifts: list[ProfileDrift]) -> None:
    """Store what moved."""
    key = ("run_id", "table_name", "column_name", "drift")
    session.insert(
        "audit.profile_drifts",
        (*key, "before", "after"),
        [(run.run_id, table, d.column, d.drift, d.before, d.after) for d in drifts],
        key=key,
    )


def read_profile(session: Session, run_id: str, table: str) -> list[ProfiledColumn]:
    """A profile as it was stored."""
    columns = session.identifiers(_COLUMNS)
    rows = session.rows(
        f"select column_name as name, {columns} from audit.profiles"
        f" where run_id = %s and table_name = %s order by {session.identifier('position')}",
        (run_id, table),
    )
    return [_read(row) for row in rows]


def newest_profile(session: Session, table: str) -> KeptProfile | None:
    """The newest profile that tells enough, a whole one if there is one; None where no run kept any.

    Runs whose gate was closed count too: what is drafted from them is looked at by a person.
    """
    session.execute(
        "select r.run_id, r.started_at from audit.runs as r"
        " inner join audit.profiles as p on p.run_id = r.run_id"
        " where p.table_name = %s and p.position = 1 and p.row_count > 0"
        " order by p.row_count >= %s desc, p.is_whole desc, r.started_at desc, r.run_id desc limit 1",
        (table, LEAST_ROWS),
    )
    row = session.fetchone()
    return KeptProfile(row[0], row[1].date(), tuple(read_profile(session, row[0], table))) if row else None


@dataclass(frozen=True, slots=True)
class _Place:
    """One column among those of a table, and the relation that its values are read from."""

    rows: str
    name: str
    position: int
    is_personal: bool


def _names(staged: StagedTable, rows: str, **more: Any) -> dict[str, Any]:
    unsaid = {"is_text": False, "is_number": False, "is_measured": False, "shows_values": False}
    return {
        "schema": staged.schema,
        "relation": staged.relation,
        "rows": rows,
        "column": "_row",
        "type": "",
        "staged": {},
        "is_opaque": False,
        "forms": FORMS.values(),
        "holds_email": HOLDS_EMAIL,
        "quantiles": QUANTILES,
        "grain": (),
        **unsaid,
        **more,
    }


def _profiled(session: Session, staged: StagedTable, place: _Place, column: Column) -> ProfiledColumn:
    kind = column.type.partition("(")[0]
    is_opaque = kind in _OPAQUE
    names = _names(
        staged,
        place.rows,
        column=place.name,
        type=column.type,
        is_opaque=is_opaque,
        is_text=kind == "text",
        is_number=kind in _NUMBERS,
        is_measured=kind in _MEASURED,
        shows_values=not (place.is_personal or is_opaque),
    )
    values = {"longest": LONGEST_VALUE, "max_set": MAX_SET}
    (seen,) = session.rows(session.render_named("staging/profile.sql", **names)["column"], values)
    return _made(place, column, staged, seen)


def _made(place: _Place, column: Column, staged: StagedTable, seen: Mapping[str, Any]) -> ProfiledColumn:
    given, distinct = seen["given_count"], seen["distinct_count"]
    sampled = given + seen["null_count"]
    forms = {form: seen.get(f"form_{number}") or 0 for number, form in enumerate(FORMS, 1)}
    # An address gives a person away, whatever the catalog says of the column and stands around it.
    is_personal = place.is_personal or bool(seen.get("holds_email"))
    shown = {} if is_personal else seen
    quantiles = from_json(shown.get("quantiles"))
    is_key = sampled > 1 and distinct == sampled and column.type not in _NO_KEYS
    return ProfiledColumn(
        name=place.name,
        position=place.position,
        data_type=column.type,
        is_personal=is_personal,
        is_whole=staged.plan is None or staged.plan.window.low is None,
        row_count=staged.row_count,
        sampled_count=sampled,
        null_count=seen["null_count"],
        distinct_count=distinct,
        is_key_candidate=is_key,
        lowest=shown.get("lowest"),
        highest=shown.get("highest"),
        mean=shown.get("mean"),
        deviation=shown.get("deviation"),
        quantiles=tuple(quantiles) if quantiles and quantiles[0] is not None else None,
        shortest=seen.get("shortest"),
        longest=seen.get("longest"),
        form=next((form for form, count in forms.items() if given and count == given), None),
        top_values=counted(from_json(shown.get("top_values")), "value"),
        patterns=counted(from_json(shown.get("patterns")), "pattern"),
    )


def _stored(column: ProfiledColumn) -> list[Any]:
    listed = {"top_values": "value", "patterns": "pattern"}
    values: list[Any] = []
    for name in _COLUMNS:
        value = getattr(column, name)
        if name in listed and value is not None:
            value = [{listed[name]: text, "count": count} for text, count in value]
        values.append(list(value) if name == "quantiles" and value is not None else value)
    return values


def _read(row: dict[str, Any]) -> ProfiledColumn:
    quantiles = from_json(row["quantiles"])
    return ProfiledColumn(
        **{
            **row,
            "quantiles": tuple(quantiles) if quantiles is not None else None,
            "top_values": counted(from_json(row["top_values"]), "value"),
            "patterns": counted(from_json(row["patterns"]), "pattern"),
        }
    )
