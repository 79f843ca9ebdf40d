"""What each run was about to read: a window per table, kept when it is planned."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from psycopg2.extensions import cursor as Cursor
from psycopg2.extras import execute_values

from etl.catalog import Catalog
from etl.handles import Run, TablePlan
from etl.windows import instant_of

_KEEP = (
    "insert into audit.windows (run_id, table_name, low, high, as_of, compares_keys, moves_watermark,"
    " as_of_at, high_at) values %s on conflict do nothing"
)
_COMPARED = (
    "select distinct on (w.table_name) w.table_name, w.as_of from audit.windows as w"
    " inner join audit.runs as r on w.run_id = r.run_id"
    " where w.compares_keys and r.status = 'succeeded' and w.table_name = any(%s)"
    " order by w.table_name, w.as_of_at desc"
)


def keep_windows(
    cursor: Cursor, catalog: Catalog, run: Run, plans: list[TablePlan], cursor_zones: Mapping[str, str]
) -> None:
    """Store the windows of a run, with the instants that they stand for where they stand for one.

    Args:
        cursor_zones: Table name -> time zone in which its window is written.
    """
    rows = [
        (
            run.run_id,
            plan.table,
            plan.window.low,
            plan.window.high,
            plan.as_of,
            plan.compares_keys,
            plan.moves_watermark,
            _instant(plan.as_of, catalog.sources[catalog.tables[plan.table].source].time_zone),
            _instant(plan.window.high, cursor_zones[plan.table]),
        )
        for plan in plans
    ]
    execute_values(cursor, _KEEP, rows)


def compared_at(cursor: Cursor, tables: list[str]) -> dict[str, str]:
    """Table name -> ``as_of`` of the newest released run that compared all its keys."""
    cursor.execute(_COMPARED, (tables,))
    return dict(cursor.fetchall())


def _instant(text: str | None, zone: str) -> datetime | None:
    """None for numbers and for what has no end."""
    if text is None or text.lstrip("-").isdigit():
        return None
    return instant_of(text, zone)
