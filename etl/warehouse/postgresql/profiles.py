"""Profiles of staged tables: one statement per column over its distinct values (see ``etl/profiles.py``).

A large table is sampled by a hash of its grain, so that the same rows are looked at in whatever order
and parts they were loaded.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from psycopg2.extensions import cursor as Cursor
from psycopg2.extras import Json, RealDictCursor, execute_values

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
from etl.warehouse.postgresql.statements import identifier, render_named

# A profile is worth a moment of the run, not more.
TIMEOUT_SECONDS = 120
# Beyond ASCII, all counts as letters: what is none there is rare, and no such character is shown.
LETTER = "[A-Za-z\\u0080-\\U0010FFFF]"
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
    cursor: Cursor, staged: StagedTable, table: SourceTable, most_rows: int
) -> list[ProfiledColumn]:
    """Look at the rows of a staged table, column by column; nothing is changed.

    Args:
        cursor: Of a transaction of its own; its statement timeout becomes that of profiles.
        staged: The table as it was settled.
        table: Its declaration.
        most_rows: Of a table with more rows, about so many are looked at.
    """
    cursor.execute("set local statement_timeout = %s", (f"{TIMEOUT_SECONDS}s",))
    rows = identifier(staged.schema, staged.relation)
    every = -(-staged.row_count // most_rows)
    if every > 1:
        grain = table.grain or tuple(table.staged_columns)
        names = {**_names(staged, rows), "grain": grain}
        cursor.execute(render_named("staging/profile.sql", **names)["sample"], {"every": every})
        rows = "profiled_rows"
    personal = table.personal_columns
    return [
        _profiled(cursor, staged, _Place(rows, name, position, name in personal), column)
        for position, (name, column) in enumerate(table.staged_columns.items(), 1)
    ]


def keep_profile(cursor: Cursor, run: Run, staged: StagedTable, columns: list[ProfiledColumn]) -> None:
    """Store a profile; one of the same run and table is replaced, as of a task that is tried again."""
    for audit_table in ("profiles", "profile_drifts"):
        cursor.execute(
            f"delete from audit.{audit_table} where run_id = %s and table_name = %s",
            (run.run_id, staged.table),
        )
    execute_values(
        cursor,
        f"insert into audit.profiles (run_id, table_name, column_name, {', '.join(_COLUMNS)}) values %s",
        [(run.run_id, staged.table, column.name, *_stored(column)) for column in columns],
    )


def find_drifts(
    cursor: Cursor, run: Run, staged: StagedTable, columns: list[ProfiledColumn]
) -> list[ProfileDrift]:
    """How the table differs from its newest earlier profile of a comparable run that succeeded.

    Comparable is a run of the same pipeline that read the table from its beginning as this one did, or
    what changed as this one did.
    """
    if not columns or not staged.row_count:
        return []
    cursor.execute(
        render_named("staging/profile.sql", **{**_names(staged, ""), "grain": ()})["earlier"],
        {
            "pipeline": run.pipeline,
            "is_backfill": run.is_backfill,
            "run_id": run.run_id,
            "table_name": staged.table,
            "is_whole": columns[0].is_whole,
        },
    )
    row = cursor.fetchone()
    return drifts_between(read_profile(cursor, row[0], staged.table), columns) if row else []


def keep_profile_drifts(cursor: Cursor, run: Run, table: str, drifts: list[ProfileDrift]) -> None:
    """Store what moved."""
    execute_values(
        cursor,
        "insert into audit.profile_drifts (run_id, table_name, column_name, drift, before, after)"
        " values %s on conflict do nothing",
        [(run.run_id, table, d.column, d.drift, d.before, d.after) for d in drifts],
    )


def read_profile(cursor: Cursor, run_id: str, table: str) -> list[ProfiledColumn]:
    """A profile as it was stored."""
    with cursor.connection.cursor(cursor_factory=RealDictCursor) as reading:
        reading.execute(
            f"select column_name as name, {', '.join(_COLUMNS)} from audit.profiles"
            " where run_id = %s and table_name = %s order by position",
            (run_id, table),
        )
        return [_read(dict(row)) for row in reading.fetchall()]


def newest_profile(cursor: Cursor, table: str) -> KeptProfile | None:
    """The newest profile that tells enough, a whole one if there is one; None where no run kept any.

    Runs whose gate was closed count too: what is drafted from them is looked at by a person.
    """
    cursor.execute(
        "select r.run_id, r.started_at::date from audit.runs as r"
        " inner join audit.profiles as p on p.run_id = r.run_id"
        " where p.table_name = %s and p.position = 1 and p.row_count > 0"
        " order by p.row_count >= %s desc, p.is_whole desc, r.started_at desc, r.run_id desc limit 1",
        (table, LEAST_ROWS),
    )
    row = cursor.fetchone()
    return KeptProfile(row[0], row[1], tuple(read_profile(cursor, row[0], table))) if row else None


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
        "column": "",
        "value": "null",
        "forms": FORMS.values(),
        "holds_email": HOLDS_EMAIL,
        "quantiles": QUANTILES,
        "grain": (),
        **unsaid,
        **more,
    }


def _profiled(cursor: Cursor, staged: StagedTable, place: _Place, column: Column) -> ProfiledColumn:
    kind = column.type.partition("(")[0]
    is_opaque = kind in _OPAQUE
    names = _names(
        staged,
        place.rows,
        value=_value(place.name, kind),
        is_text=kind == "text",
        is_number=kind in _NUMBERS,
        is_measured=kind in _MEASURED,
        shows_values=not (place.is_personal or is_opaque),
    )
    values = {"longest": LONGEST_VALUE, "letter": LETTER, "max_set": MAX_SET}
    with cursor.connection.cursor(cursor_factory=RealDictCursor) as asking:
        asking.execute(render_named("staging/profile.sql", **names)["column"], values)
        seen = dict(asking.fetchone() or {})
    return _made(place, column, staged, seen)


def _value(name: str, kind: str) -> str:
    """The value by which rows are told apart; texts by code point, which no setting of the server moves."""
    quoted = f"s.{identifier(name)}"
    if kind in _OPAQUE:
        return f"md5({quoted}::text)"
    return quoted if kind in _MEASURED else f'{quoted}::text collate "C"'


def _made(place: _Place, column: Column, staged: StagedTable, seen: Mapping[str, Any]) -> ProfiledColumn:
    given, distinct = seen["given_count"], seen["distinct_count"]
    sampled = given + seen["null_count"]
    forms = {form: seen.get(f"form_{number}") or 0 for number, form in enumerate(FORMS, 1)}
    # An address gives a person away, whatever the catalog says of the column and stands around it.
    is_personal = place.is_personal or bool(seen.get("holds_email"))
    shown = {} if is_personal else seen
    quantiles = shown.get("quantiles")
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
        top_values=counted(shown.get("top_values"), "value"),
        patterns=counted(shown.get("patterns"), "pattern"),
    )


def _stored(column: ProfiledColumn) -> list[Any]:
    listed = {"top_values": "value", "patterns": "pattern"}
    values: list[Any] = []
    for name in _COLUMNS:
        value = getattr(column, name)
        if name in listed and value is not None:
            value = Json([{listed[name]: text, "count": count} for text, count in value])
        values.append(list(value) if name == "quantiles" and value is not None else value)
    return values


def _read(row: dict[str, Any]) -> ProfiledColumn:
    quantiles = row["quantiles"]
    return ProfiledColumn(
        **{
            **row,
            "quantiles": tuple(quantiles) if quantiles is not None else None,
            "top_values": counted(row["top_values"], "value"),
            "patterns": counted(row["patterns"], "pattern"),
        }
    )
