"""What a run reads: a window per table, from the watermarks, the snapshot and the business day."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from etl.catalog import Catalog, SourceTable
from etl.handles import Snapshot, TablePlan
from etl.settings import Settings
from etl.windows import BusinessDay, Window, business_day, plan_window, precedes


@dataclass(frozen=True, slots=True)
class Request:
    """What a run was asked for.

    Attributes:
        business_date: The day whose end bounds the windows; None for everything up to now.
        full_refresh: Read everything again from the beginning; releases stay differences (law R4).
    """

    business_date: date | None = None
    full_refresh: bool = False


def plan_tables(
    catalog: Catalog,
    settings: Settings,
    snapshot: Snapshot,
    watermarks: dict[str, str],
    request: Request,
) -> list[TablePlan]:
    """Plan the tables of the snapshot's source.

    Tables that are compared or read whole say what is there now, so a day that lies behind their
    watermark leaves them out: today's state tells nothing of that day.

    Args:
        watermarks: Table name -> end of its last released window.
        request: What the run was asked for.
    """
    system = catalog.sources[snapshot.source]
    day = request.business_date
    asked = business_day(day, settings.business_time_zone, system.time_zone) if day else None
    plans = []
    for name, table in catalog.tables.items():
        if table.source == snapshot.source:
            plan = _plan(table, snapshot, watermarks.get(name), asked, full=request.full_refresh)
            if table.cursor or plan.compares_keys:
                plans.append(plan)
    return plans


def _plan(
    table: SourceTable, snapshot: Snapshot, watermark: str | None, day: BusinessDay | None, *, full: bool
) -> TablePlan:
    start = None if full else watermark
    as_of = day.high if day and precedes(day.high, snapshot.taken_at) else snapshot.taken_at
    if table.cursor is None:
        window = Window(None, as_of)
    elif table.cursor_kind == "integer":
        window = Window(start, snapshot.safe_highs[table.qualified_name])
    else:
        window = plan_window(start, snapshot.safe_highs[table.qualified_name], day)
    at_frontier = watermark is None or window.high is None or not precedes(window.high, watermark)
    reads_state = table.deletes == "compare" or table.cursor is None
    return TablePlan(table.qualified_name, watermark, window, as_of, reads_state and at_frontier)
