"""What a run reads: a window per table, from the watermarks, the snapshot and the business day."""

from __future__ import annotations

from collections.abc import Mapping
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


@dataclass(frozen=True, slots=True)
class KnownTable:
    """What is known of a table before it is read.

    Attributes:
        watermark: End of its last released window; None before the first one.
        cursor_zone: Time zone in which its window bounds are written.
        absent: Declared columns that the source lacks, where the table's policy lets that pass (law X12).
    """

    watermark: str | None
    cursor_zone: str
    absent: tuple[str, ...] = ()


def plan_tables(
    catalog: Catalog,
    settings: Settings,
    snapshot: Snapshot,
    known: Mapping[str, KnownTable],
    request: Request,
) -> list[TablePlan]:
    """Plan the tables of the snapshot's source.

    Tables that are compared or read whole say what is there now, so a day that lies behind their
    watermark leaves them out: today's state tells nothing of that day.

    Args:
        known: What is known of each table before it is read.
        request: What the run was asked for.
    """
    system = catalog.sources[snapshot.source]

    def day_in(zone: str) -> BusinessDay | None:
        day = request.business_date
        return business_day(day, settings.business_time_zone, zone) if day else None

    asked = day_in(system.time_zone)
    as_of = asked.high if asked and precedes(asked.high, snapshot.taken_at) else snapshot.taken_at
    plans = []
    for name, table in known.items():
        window = _window(catalog.tables[name], snapshot, as_of, day_in(table.cursor_zone), table, request)
        plan = _plan(catalog.tables[name], table, window, as_of)
        if catalog.tables[name].cursor or plan.compares_keys:
            plans.append(plan)
    return plans


def _window(
    table: SourceTable,
    snapshot: Snapshot,
    as_of: str,
    day: BusinessDay | None,
    known: KnownTable,
    request: Request,
) -> Window:
    start = None if request.full_refresh else known.watermark
    safe_high = snapshot.safe_highs[table.qualified_name]
    if table.cursor is None:
        return Window(None, as_of)
    if table.cursor_kind == "integer":
        return Window(start, safe_high)
    return plan_window(start, safe_high, day)


def _plan(table: SourceTable, known: KnownTable, window: Window, as_of: str) -> TablePlan:
    at_frontier = known.watermark is None or window.high is None or not precedes(window.high, known.watermark)
    reads_state = table.deletes == "compare" or table.cursor is None
    return TablePlan(
        table=table.qualified_name,
        watermark=known.watermark,
        window=window,
        as_of=as_of,
        compares_keys=reads_state and at_frontier,
        absent=table.unknown_without(known.absent),
    )
