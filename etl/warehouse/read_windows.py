"""What each run was about to read: a window per table, kept when it is planned."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from etl.catalog import Catalog
from etl.handles import Run, TablePlan
from etl.warehouse.database import Session, listed
from etl.windows import instant_of

_COLUMNS = (
    *("run_id", "table_name", "low", "high", "as_of", "compares_keys", "moves_watermark"),
    *("as_of_at", "high_at"),
)


def keep_windows(
    session: Session, catalog: Catalog, run: Run, plans: list[TablePlan], cursor_zones: Mapping[str, str]
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
    session.insert("audit.windows", _COLUMNS, rows, key=("run_id", "table_name"))


def compared_at(session: Session, tables: list[str]) -> dict[str, str]:
    """Table name -> ``as_of`` of the newest released run that compared all its keys."""
    session.execute(
        "select w.table_name, w.as_of from audit.windows as w"
        " inner join audit.runs as r on w.run_id = r.run_id"
        f" where w.compares_keys and r.status = 'succeeded' and w.table_name in ({listed(tables)})"
        " order by w.as_of_at",
        tables,
    )
    # The newest of each table comes last, and stays.
    return dict(session.fetchall())


def _instant(text: str | None, zone: str) -> datetime | None:
    """None for numbers and for what has no end."""
    if text is None or text.lstrip("-").isdigit():
        return None
    return instant_of(text, zone)
