"""An API as a source: windows bounded by its own clock, lists read page by page."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import NoReturn
from zoneinfo import ZoneInfo

import pyarrow as pa

from etl.catalog import Endpoint, RestApi, SourceSystem, SourceTable
from etl.errors import ConfigError, TransientError
from etl.handles import Extract, Snapshot
from etl.settings import Settings
from etl.sources.clocks import local_text
from etl.sources.rest.client import Client
from etl.sources.rest.instants import high_bound, low_bound
from etl.sources.rest.pages import Pages
from etl.sources.rest.paging import paging_for
from etl.sources.rest.records import RowMaker
from etl.sources.rest.row_buffer import RowBuffer
from etl.sources.rest.seen import Seen
from etl.windows import Window, cursor_text, precedes


class RestSource:
    """See :class:`etl.sources.Source`; docs/rest.md says how an API is declared.

    An API has no snapshot: what is read is what it shows while it is read. What changes meanwhile leaves the
    window, whose upper end is fixed, and comes with the next one.
    """

    def __init__(self, system: SourceSystem, url: str, settings: Settings) -> None:
        self._system, self._settings = system, settings
        self._client = Client(system, url, settings)

    @contextmanager
    def snapshot(self, tables: list[SourceTable]) -> Iterator[Snapshot]:
        """Find the safe bounds: the API's clock, whole seconds down, less each table's lag (laws X2, X4)."""
        now = self._now(tables)
        highs = {table.qualified_name: self._safe_high(table, now) for table in tables}
        yield Snapshot(
            self._system.name, None, local_text(now.replace(tzinfo=None), self._system.time_zone), highs
        )

    def check_columns(self, table: SourceTable) -> list[str]:
        """Nothing: an API has no metadata; its records are judged as they come (law X12)."""
        return []

    def absent_columns(self, table: SourceTable) -> tuple[str, ...]:
        """None: a field that an API leaves out means NULL."""
        return ()

    def cursor_zone(self, table: SourceTable) -> str:
        """UTC for instants; dates are those of the system's time zone."""
        is_date = table.cursor is not None and table.columns[table.cursor].type == "date"
        return self._system.time_zone if is_date else "UTC"

    def plan_extracts(self, table: SourceTable, extract: Extract, snapshot: Snapshot) -> tuple[Extract, ...]:
        """Cut a window with two ends into pieces of ``split_days``, where the endpoint asks for it."""
        days, window = _endpoint(table).split_days, extract.window
        if days is None or window.low is None or window.high is None or window.is_empty:
            return (extract,)
        cuts = _cuts(window.low, window.high, timedelta(days=days))
        return tuple(
            replace(extract, window=Window(low, high), part=f"{at}of{len(cuts) - 1}")
            for at, (low, high) in enumerate(pairwise(cuts), 1)
        )

    def read(self, table: SourceTable, extract: Extract, snapshot: Snapshot) -> pa.RecordBatchReader:
        """Stream the rows of one extract; it ends without an error only if nothing is missing (law X10)."""
        if extract.kind == "keys":
            _refuse_keys(table)
        where = f"Source '{self._system.name}', {table.qualified_name} {extract.window} {extract.part}"
        maker = RowMaker(table, _endpoint(table), extract.window, self._system.time_zone, where)
        return pa.RecordBatchReader.from_batches(maker.schema, self._batches(table, extract, maker, where))

    def read_keys(self, table: SourceTable, keys: pa.Table, snapshot: Snapshot) -> pa.RecordBatchReader:
        """Not possible.

        Raises:
            ConfigError: Always.
        """
        _refuse_keys(table)

    def _batches(
        self, table: SourceTable, extract: Extract, maker: RowMaker, where: str
    ) -> Iterator[pa.RecordBatch]:
        endpoint = _endpoint(table)
        buffer = RowBuffer(maker.schema, self._settings.batch_rows)
        with Seen() as keys:
            for page in Pages(self._client, endpoint, self._params(table, extract.window), where):
                rows = maker.rows(page.records)
                _require_new(keys.add(maker.key_texts(rows)), f"{where}, page {page.number}")
                buffer.add(rows, page.byte_count)
                yield from buffer.full_batches()
        yield buffer.rest(maker.shape.end())

    def _params(self, table: SourceTable, window: Window) -> dict[str, str]:
        """The declared parameters, and the ends of the window in the API's form."""
        endpoint, zones = _endpoint(table), (self.cursor_zone(table), self._system.time_zone)
        params, form = dict(endpoint.params), endpoint.bound_form
        if endpoint.low_param and window.low is not None:
            params[endpoint.low_param] = low_bound(window.low, form, zones, endpoint.low_is_exclusive)
        if endpoint.high_param and window.high is not None:
            params[endpoint.high_param] = high_bound(window.high, form, zones)
        return params

    def _now(self, tables: list[SourceTable]) -> datetime:
        """The API's clock in UTC, read before anything else.

        Raises:
            ConfigError: It sends none.
        """
        if (self._system.rest or RestApi()).clock == "worker":
            return datetime.now(UTC).replace(microsecond=0)
        endpoint = next((t.endpoint for t in tables if t.endpoint), Endpoint(path=""))
        first = paging_for(endpoint, self._client.url_of(endpoint.path), endpoint.params).first()
        now = self._client.clock(
            first.url, first.params, f"Source '{self._system.name}', asking for its time"
        )
        if now is None:
            raise ConfigError(
                f"The source '{self._system.name}' sends no header Date: its clock is not known (law X4).",
                "Declare 'clock: worker' under 'rest' in its catalog file, and a lag_seconds for each table "
                "that covers what the two clocks may differ.",
            )
        return now.replace(microsecond=0)

    def _safe_high(self, table: SourceTable, now: datetime) -> str | None:
        if table.cursor is None:
            return None
        safe = (now - timedelta(seconds=table.lag_seconds)).astimezone(ZoneInfo(self.cursor_zone(table)))
        if table.columns[table.cursor].type == "date":
            safe = safe.replace(hour=0, minute=0, second=0)
        return cursor_text(safe)


def _endpoint(table: SourceTable) -> Endpoint:
    if table.endpoint is None:
        raise ConfigError(
            f"{table.qualified_name} declares no 'endpoint', but its source is of 'kind: rest'.",
            f"Declare it in {table.catalog_file}, or correct the source's kind.",
        )
    return table.endpoint


def _cuts(low: str, high: str, step: timedelta) -> list[str]:
    cuts, at = [low], datetime.fromisoformat(low) + step
    while precedes(cursor_text(at), high):
        cuts.append(cursor_text(at))
        at += step
    return [*cuts, high]


def _require_new(came_before: int, place: str) -> None:
    if came_before:
        raise TransientError(
            f"{place}: {came_before} of its keys came on pages before: the list moved while it was read, "
            "and rows may be missing.",
            "It is read again; if that does not help, correct 'key', or let 'params' sort the list by what "
            "does not change.",
        )


def _refuse_keys(table: SourceTable) -> NoReturn:
    raise ConfigError(
        f"{table.qualified_name} is read from an API, which cannot be asked for its keys.",
        "Declare another 'deletes' policy for it.",
    )
