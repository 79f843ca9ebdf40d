"""Systems that are read, each as a stream of Arrow batches behind one interface.

Sources know the catalog and nothing of transforms or of the warehouse. What they yield has the
source's own types, true to the last digit; meaning comes later (``etl/transforms``).
"""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import Protocol

import pyarrow as pa

from etl.catalog import SourceSystem, SourceTable
from etl.handles import Extract, Snapshot
from etl.settings import Settings


class Source(Protocol):
    """A system that is read through consistent snapshots (laws X1 to X7, X12 to X14)."""

    def snapshot(self, tables: list[SourceTable]) -> AbstractContextManager[Snapshot]:
        """Open one consistent snapshot and find the safe upper bound of each table's cursor (law X2).

        The snapshot lasts as long as the context; readers in other threads or processes join it by
        ``Snapshot.snapshot_id`` where the system can export one.

        Raises:
            SourceError: The server refuses the account, or a table is missing.
            TransientError: The server cannot be reached or the connection was lost.
        """
        ...

    def check_columns(self, table: SourceTable) -> list[str]:
        """Hold the source's metadata against the catalog before anything is read (law X12).

        Returns:
            One sentence per drift that the table's policy lets pass, for the run's record.

        Raises:
            ContractError: A drift that the policy ``freeze`` stops, naming table, column, what was
                declared and what was found.
        """
        ...

    def absent_columns(self, table: SourceTable) -> tuple[str, ...]:
        """Declared columns that the source lacks, by their catalog names; they are read as NULL."""
        ...

    def cursor_zone(self, table: SourceTable) -> str:
        """Time zone in which this table's window bounds and cursor texts are written.

        UTC where the column knows its instant (``timestamptz``, MySQL's ``timestamp``), else the system's.
        """
        ...

    def plan_extracts(self, table: SourceTable, extract: Extract, snapshot: Snapshot) -> tuple[Extract, ...]:
        """Cut a ``rows`` extract into key ranges of about ``Settings.partition_rows`` rows (law X13)."""
        ...

    def read(self, table: SourceTable, extract: Extract, snapshot: Snapshot) -> pa.RecordBatchReader:
        """Stream the rows (or, for ``kind='keys'``, key columns and cursor text) of one extract."""
        ...

    def read_keys(self, table: SourceTable, keys: pa.Table, snapshot: Snapshot) -> pa.RecordBatchReader:
        """Stream the rows whose key columns equal a row of ``keys``, whatever their cursor."""
        ...


def open_source(system: SourceSystem, settings: Settings) -> Source:
    """The source for a system of the catalog, chosen by the scheme of its URL.

    Raises:
        ConfigError: The URL is not set or its scheme is not known; the URL is never shown.
    """
    from etl.sources.connect import source_for

    return source_for(system, settings)
