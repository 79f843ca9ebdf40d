"""An API as a source."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

import pyarrow as pa

from etl.catalog import Endpoint, SourceSystem, SourceTable
from etl.errors import ConfigError, SourceError
from etl.handles import Extract, Snapshot
from etl.settings import Settings
from etl.sources.clocks import local_text
from etl.sources.rest.client import ApiClient
from etl.sources.rest.pages import Record, first_page, read_pages
from etl.sources.rest.records import RecordShaper
from etl.windows import Window, cursor_text

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_GRIDS = {
    "iso": timedelta(),
    "text": timedelta(),
    "date": timedelta(days=1),
    "epoch_seconds": timedelta(seconds=1),
}


class RestSource:
    """See :class:`etl.sources.Source`.

    An API has no snapshot: the upper bound of a window is the ``Date`` that the API itself names before
    anything is read, less ``lag_seconds`` (laws X2, X4); what changes later belongs to the next window.
    """

    def __init__(self, system: SourceSystem, url: str, settings: Settings) -> None:
        self._system, self._settings = system, settings
        self._client = ApiClient(system, url, settings)

    @contextmanager
    def snapshot(self, tables: list[SourceTable]) -> Iterator[Snapshot]:
        """Ask for the API's time."""
        now = self._time_of_the_api(tables)
        highs = {t.qualified_name: _safe_high(t, now) for t in tables}
        yield Snapshot(self._system.name, None, local_text(now, self._system.time_zone), highs)

    def check_columns(self, table: SourceTable) -> list[str]:
        """An API declares no columns; its records are held against the catalog while they are read."""
        _endpoint(table)
        return []

    def absent_columns(self, table: SourceTable) -> tuple[str, ...]:
        """Nothing is known before the records are read; what a record lacks is NULL."""
        return ()

    def cursor_zone(self, table: SourceTable) -> str:
        """Cursors of APIs are instants, written in UTC."""
        return "UTC"

    def plan_extracts(self, table: SourceTable, extract: Extract, snapshot: Snapshot) -> tuple[Extract, ...]:
        """One part: pages follow each other."""
        return (extract,)

    def read(self, table: SourceTable, extract: Extract, snapshot: Snapshot) -> pa.RecordBatchReader:
        """Stream the pages of one extract."""
        endpoint = _endpoint(table)
        doing = f"Source '{self._system.name}', {table.qualified_name}: reading {extract.window}"
        params = {**endpoint.params, **_bounds(endpoint, table, extract.window)}
        shaper = RecordShaper(table, extract.window, self._system.time_zone)

        def batches() -> Iterator[pa.RecordBatch]:
            for records in read_pages(self._client, endpoint, params, doing):
                yield from self._shaped(shaper, records)
            shaper.require_met()

        return pa.RecordBatchReader.from_batches(shaper.schema, batches())

    def read_keys(self, table: SourceTable, keys: pa.Table, snapshot: Snapshot) -> pa.RecordBatchReader:
        """An API cannot be asked for keys.

        Raises:
            ConfigError: Always; the catalog refuses 'deletes: compare' for it.
        """
        raise ConfigError(
            f"{table.qualified_name} is read from an API, which cannot be asked for single keys.",
            "Declare another 'deletes' policy for it.",
        )

    def _shaped(self, shaper: RecordShaper, records: list[Record]) -> Iterator[pa.RecordBatch]:
        """A page may be larger than what is to be in memory as columns at once."""
        for start in range(0, len(records), self._settings.batch_rows):
            yield shaper.shape(records[start : start + self._settings.batch_rows])

    def _time_of_the_api(self, tables: list[SourceTable]) -> datetime:
        endpoint = _endpoint(tables[0]) if tables else Endpoint(path="")
        doing = f"Source '{self._system.name}', asking for the API's time"
        date = self._client.get(endpoint.path, {**endpoint.params, **first_page(endpoint)}, doing).date
        try:
            return parsedate_to_datetime(date or "").astimezone(UTC).replace(tzinfo=None)
        except ValueError:
            raise SourceError(
                f"{doing}: the answer has no Date header, so no safe end of a window is known (law X2).",
                "Let the API, or the proxy before it, send its Date (RFC 9110).",
            ) from None


def _endpoint(table: SourceTable) -> Endpoint:
    if table.endpoint is None:
        raise ConfigError(
            f"{table.qualified_name} declares no 'endpoint', but its source is of kind rest.",
            "Declare 'endpoint' in the table's catalog file, or correct the 'kind' of its source.",
        )
    return table.endpoint


def _safe_high(table: SourceTable, now: datetime) -> str | None:
    """The API's time has whole seconds: what happens within the running one is not read yet."""
    if table.cursor is None or table.cursor_kind == "integer":
        return None
    return cursor_text(now - timedelta(seconds=table.lag_seconds))


def _bounds(endpoint: Endpoint, table: SourceTable, window: Window) -> dict[str, str]:
    """The window as parameters, where the endpoint takes such."""
    bounds = {}
    if endpoint.low_param and window.low is not None and table.cursor:
        bounds[endpoint.low_param] = _bound(endpoint, table, window.low, timedelta())
    if endpoint.high_param and window.high is not None and table.cursor:
        # Up to the next whole day or second: what is asked for too much, the window leaves out.
        bounds[endpoint.high_param] = _bound(endpoint, table, window.high, _GRIDS[endpoint.bound_form])
    return bounds


def _bound(endpoint: Endpoint, table: SourceTable, text: str, up_to: timedelta) -> str:
    if endpoint.bound_form == "text" or table.cursor_kind == "integer":
        return text
    instant = datetime.fromisoformat(text).replace(tzinfo=UTC)
    if up_to:
        instant += (_EPOCH - instant) % up_to
    if endpoint.bound_form == "epoch_seconds":
        return str(int(instant.timestamp()))
    if endpoint.bound_form == "date":
        return instant.date().isoformat()
    return instant.isoformat().replace("+00:00", "Z")
