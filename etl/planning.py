"""What a run reads: a window per table, from the watermarks, the snapshot and the business day."""

from __future__ import annotations

from collections.abc import Mapping, Set
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta

from etl.catalog import Catalog, SourceTable
from etl.errors import ConfigError
from etl.handles import FileRef, Reach, Snapshot, TablePlan
from etl.settings import Settings
from etl.windows import BusinessDay, Window, business_day, plan_window, precedes


@dataclass(frozen=True, slots=True)
class Request:
    """What a run was asked for.

    Attributes:
        business_date: The day whose end bounds the windows; None for everything up to now.
        full_refresh: Read everything again from the beginning; releases stay differences (law R4).
        is_backfill: Read the business date and nothing else, and leave the watermarks alone (law X7).
        whole: Read every row that is there now, to hold it against the warehouse (law X9); nothing moves.
    """

    business_date: date | None = None
    full_refresh: bool = False
    is_backfill: bool = False
    whole: bool = False


@dataclass(frozen=True, slots=True)
class KnownTable:
    """What is known of a table before it is read.

    Attributes:
        watermark: End of its last released window; None before the first one.
        cursor_zone: Time zone in which its window bounds are written.
        absent: Declared columns that the source lacks, where the table's policy lets that pass (law X12).
        loaded_files: Content hashes of the files that are loaded already (law X11).
        has_rows: The warehouse may hold rows that the source no longer has.
        compared_at: For which instant of the source's clock its keys were last compared, as cursor text.
    """

    watermark: str | None
    cursor_zone: str
    absent: tuple[str, ...] = ()
    loaded_files: Set[str] = frozenset()
    has_rows: bool = True
    compared_at: str | None = None


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

    Raises:
        ConfigError: A day to backfill is not over at the source, or a declared query lacks a value.
    """
    system = catalog.sources[snapshot.source]

    def day_in(zone: str) -> BusinessDay | None:
        day = request.business_date
        return business_day(day, settings.business_time_zone, zone) if day else None

    asked = day_in(system.time_zone)
    if asked and request.is_backfill:
        _require_over(snapshot.source, asked, snapshot.taken_at)
    as_of = asked.high if asked and precedes(asked.high, snapshot.taken_at) else snapshot.taken_at
    plans = []
    for name, table in known.items():
        declared = catalog.tables[name]
        window = _window(declared, snapshot, as_of, day_in(table.cursor_zone), table, request)
        plan = replace(
            _plan(declared, table, window, as_of, request),
            values=_values(declared, as_of, request),
            files=_new_files(snapshot.files.get(name, ()), table, request),
            moves_watermark=not (request.is_backfill or request.whole),
        )
        if _is_read(declared, plan, request):
            plans.append(plan)
    return plans


def tells_days(table: SourceTable) -> bool:
    """Whether one business day of the table can be read: by its cursor, or by a query that is told the day.

    State as of now says nothing of a day that lies behind; numbers and files have no days.
    """
    has_times = table.cursor is not None and table.cursor_kind == "timestamp" and table.files is None
    return has_times or bool(table.parameters)


def reach_of(table: SourceTable, plan: TablePlan) -> Reach:
    """How much a plan reads: what tells a run that is like another one from one that is not.

    A night that was missed doubles the next window, and its rows. A window of numbers, other than one of
    instants, says nothing of how many rows it ought to hold.
    """
    if table.files is not None:
        return Reach(extent=float(len(plan.files)))
    low, high = plan.window.low, plan.window.high
    if table.cursor is None or low is None:
        return Reach(reads_whole=True)
    if high is None or table.cursor_kind == "integer":
        return Reach()
    return Reach(extent=(datetime.fromisoformat(high) - datetime.fromisoformat(low)).total_seconds())


def _is_read(table: SourceTable, plan: TablePlan, request: Request) -> bool:
    if request.is_backfill:
        return tells_days(table)
    return (
        request.whole
        or bool(table.cursor or table.parameters)
        or plan.speaks_of_now
        or table.files is not None
    )


def _values(table: SourceTable, as_of: str, request: Request) -> tuple[tuple[str, str], ...]:
    """Values of the parameters that the table's query declares.

    Raises:
        ConfigError: One of them has no value.
    """
    given = {"as_of": as_of}
    if request.business_date:
        given["business_date"] = request.business_date.isoformat()
    missing = [name for name in table.parameters if name not in given]
    if missing:
        raise ConfigError(
            f"{table.qualified_name}: its query has the parameters {', '.join(missing)}, "
            f"but the run knows only {', '.join(given)}.",
            "Give the run a business date; a query can ask for as_of and business_date.",
        )
    return tuple((name, given[name]) for name in table.parameters)


def _new_files(there: tuple[FileRef, ...], known: KnownTable, request: Request) -> tuple[FileRef, ...]:
    """Files whose content was not loaded; a file that was renamed is known by its content (law X11)."""
    if request.full_refresh:
        return there
    return tuple(file for file in there if file.content_hash not in known.loaded_files)


def _window(
    table: SourceTable,
    snapshot: Snapshot,
    as_of: str,
    day: BusinessDay | None,
    known: KnownTable,
    request: Request,
) -> Window:
    if request.whole:
        return Window()
    start = None if request.full_refresh else known.watermark
    safe_high = snapshot.safe_highs[table.qualified_name]
    if table.cursor is None:
        return Window(None, as_of)
    if request.is_backfill and day is not None and table.cursor_kind == "timestamp":
        _require_over(table.qualified_name, day, safe_high)
        return Window(day.low, day.high)
    if table.cursor_kind == "integer":
        return Window(start, safe_high)
    return plan_window(start, safe_high, day)


def _require_over(what: str, day: BusinessDay, certain: str | None) -> None:
    """A backfill brings whole days: no watermark would bring later what is missing now (law X7).

    Raises:
        ConfigError: The day is not over, or a transaction that is open at the source may still change it.
    """
    if certain is not None and precedes(certain, day.high):
        raise ConfigError(
            f"{what}: {day.date} ends at {day.high}, but is certain only up to {certain}"
            " by the source's clock and its open transactions (law X2).",
            "Backfill days that are over; the scheduled runs bring the newest ones.",
        )


def _plan(table: SourceTable, known: KnownTable, window: Window, as_of: str, request: Request) -> TablePlan:
    behind = (
        known.watermark is not None and window.high is not None and precedes(window.high, known.watermark)
    )
    at_frontier = not behind and not request.is_backfill
    return TablePlan(
        table=table.qualified_name,
        watermark=known.watermark,
        window=window,
        as_of=as_of,
        compares_keys=at_frontier and _compares_keys(table, known, as_of, request),
        speaks_of_now=at_frontier,
        absent=table.unknown_without(known.absent),
    )


def _compares_keys(table: SourceTable, known: KnownTable, as_of: str, request: Request) -> bool:
    """Whether all keys are read: that takes time with the table, and so may be wanted less often (law X8)."""
    # A row may have come with an old timestamp, behind a window that found none (law X1).
    reads_all = table.cursor is None or known.watermark is None
    if table.deletes != "compare" or request.whole or (reads_all and not known.has_rows):
        return False
    if known.compared_at is None or request.full_refresh:
        return True
    since = datetime.fromisoformat(as_of) - datetime.fromisoformat(known.compared_at)
    return since >= timedelta(hours=table.compare_every_hours)
