"""Files as a source."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from itertools import chain

import pyarrow as pa

from etl.catalog import SourceSystem, SourceTable
from etl.catalog.files import FileSet
from etl.errors import ConfigError, FileFault, StorehouseError
from etl.handles import Extract, FileRef, Snapshot
from etl.settings import Settings
from etl.sources.clocks import local_text
from etl.sources.files.dressing import Dresser
from etl.sources.files.fetching import fetched
from etl.sources.files.formats import read_part, shape_of
from etl.sources.files.listing import list_files
from etl.sources.files.places import place_for
from etl.sources.files.unpacking import parts_of


class FileSource:
    """See :class:`etl.sources.Source`.

    The ledger of the warehouse says which contents are loaded; a table's cursor bounds nothing here.
    """

    def __init__(self, system: SourceSystem, url: str, settings: Settings) -> None:
        self._system = system
        self._settings = settings
        self._place = place_for(system, url, settings)

    @contextmanager
    def snapshot(self, tables: list[SourceTable]) -> Iterator[Snapshot]:
        """List the files; nothing holds them, so that each is checked by its hash when it is read."""
        now = datetime.now(UTC)
        listings = {table.qualified_name: list_files(self._place, _files(table), now) for table in tables}
        yield Snapshot(
            source=self._system.name,
            snapshot_id=None,
            taken_at=local_text(now.replace(tzinfo=None), self._system.time_zone),
            safe_highs=dict.fromkeys(listings),
            files={name: tuple(listing.files) for name, listing in listings.items()},
            notes=tuple(f"{name}: {note}" for name, found in listings.items() for note in found.notes),
        )

    def check_columns(self, table: SourceTable) -> list[str]:
        """Each file has columns of its own, which are checked when it is read."""
        return []

    def absent_columns(self, table: SourceTable) -> tuple[str, ...]:
        """None that all files lack; what one file lacks reads as NULL."""
        return ()

    def cursor_zone(self, table: SourceTable) -> str:
        """The system's."""
        return self._system.time_zone

    def plan_extracts(self, table: SourceTable, extract: Extract, snapshot: Snapshot) -> tuple[Extract, ...]:
        """One for a file; without a file there is nothing to read."""
        return () if extract.file is None else (extract,)

    def read(self, table: SourceTable, extract: Extract, snapshot: Snapshot) -> pa.RecordBatchReader:
        """Stream the rows of the extract's file.

        Raises:
            FileFault: The file cannot be loaded; it, or the reader it gave, raises it.
        """
        batches = self._batches(table, extract.file) if extract.file else iter(())
        first = next(batches, None)
        if first is None:
            return pa.RecordBatchReader.from_batches(pa.schema([]), [])
        return pa.RecordBatchReader.from_batches(first.schema, chain([first], batches))

    def read_keys(self, table: SourceTable, keys: pa.Table, snapshot: Snapshot) -> pa.RecordBatchReader:
        """Files cannot be asked for keys.

        Raises:
            ConfigError: Always.
        """
        raise ConfigError(
            f"{table.qualified_name} is read from files, which cannot be asked for keys.",
            "Declare another 'deletes' policy for it.",
        )

    def _batches(self, table: SourceTable, file: FileRef) -> Iterator[pa.RecordBatch]:
        try:
            yield from self._dressed(table, file)
        except StorehouseError:
            raise
        except Exception as error:  # one file that no check foresaw must not hold up all others, for ever
            raise FileFault(
                f"it cannot be read: {type(error).__name__}: {error}", "Mend the file."
            ) from error

    def _dressed(self, table: SourceTable, file: FileRef) -> Iterator[pa.RecordBatch]:
        files, folder = _files(table), self._settings.landing
        shape, dresser = shape_of(table), Dresser(table, file, self._system.time_zone)
        with fetched(self._place, file, folder) as copy:
            for part in parts_of(copy, file.path, files.limits, folder):
                for rows in read_part(part, table, shape, self._settings.batch_rows):
                    drift = shape.take_drifts() if rows.num_rows else None
                    yield dresser.dress(rows, part.name, drift)
        shape.require_met()


def _files(table: SourceTable) -> FileSet:
    if table.files is None:
        raise ConfigError(
            f"{table.qualified_name} declares no 'files', but its source is of 'kind: files'.",
            f"Declare it in {table.catalog_file}, or correct the source's kind.",
        )
    return table.files
