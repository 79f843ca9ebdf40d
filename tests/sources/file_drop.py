"""A folder of files that a test fills, read through the real source and landed as the flow lands it."""

from __future__ import annotations

import gzip
import io
import os
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa

from etl.arrow_files import open_arrow_file
from etl.catalog import SourceSystem, SourceTable
from etl.handles import Extract, LandedFile, PreparedFile, Snapshot
from etl.landing import land_or_quarantine
from etl.preparing import prepare
from etl.settings import Settings
from etl.sources.files import FileSource
from etl.windows import Window

YEAR_AGO = 1_700_000_000
CSV = {"kind": "csv"}


@dataclass
class Drop:
    """A folder below ``tmp_path``.

    Attributes:
        url: Where the source looks, for places that are no folder.
        batch_rows: Rows of a batch.
    """

    tmp_path: Path
    url: str = ""
    batch_rows: int = 65_536
    time_zone: str = "UTC"
    _seconds: int = field(default=0)

    @property
    def folder(self) -> Path:
        return self.tmp_path / "drop"

    def put(self, name: str, content: bytes | str) -> Path:
        """Leave a file that changed long ago; each a second later than the one before."""
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        self._seconds += 1
        os.utime(path, (YEAR_AGO + self._seconds,) * 2)
        return path

    def source(self) -> FileSource:
        self.folder.mkdir(exist_ok=True)
        settings = Settings(_env_file=None, state_dir=self.tmp_path / "state", batch_rows=self.batch_rows)
        system = SourceSystem(name="drop", description="files", kind="files", time_zone=self.time_zone)
        return FileSource(system, self.url or str(self.folder), settings)

    def snapshot(self, table: SourceTable) -> Snapshot:
        with self.source().snapshot([table]) as snapshot:
            return snapshot

    def land(self, table: SourceTable) -> list[LandedFile]:
        """Land every file that is there, as the flow does."""
        source, folder = self.source(), self.tmp_path / "landing"
        with source.snapshot([table]) as snapshot:
            extracts = [
                Extract(table.qualified_name, Window(), part=str(number), file=file)
                for number, file in enumerate(snapshot.files[table.qualified_name], 1)
            ]
            return [
                land_or_quarantine(lambda e=extract: source.read(table, e, snapshot), extract, folder)  # type: ignore[misc]
                for extract in extracts
            ]

    def only(self, table: SourceTable) -> LandedFile:
        """The one file that is there, landed."""
        (landed,) = self.land(table)
        return landed

    def rows(self, table: SourceTable) -> list[tuple[Any, ...]]:
        """Declared columns of all rows of all files, which have no fault."""
        landed = self.land(table)
        assert [file.fault for file in landed if file.fault] == []
        return [row for file in landed for row in landed_rows(file, list(table.columns))]

    def fault(self, table: SourceTable) -> str:
        """Why the one file that is there is quarantined; nothing of it landed."""
        landed = self.only(table)
        assert landed.row_count == 0
        return landed.fault

    def prepared(self, table: SourceTable) -> tuple[PreparedFile, list[dict[str, Any]], list[dict[str, Any]]]:
        """The one file that is there, prepared: its rows and its rejects."""
        done = prepare(self.only(table), table, self.tmp_path / "prepared", "US")
        return done, _dicts(done.path), _dicts(done.rejects_path)


def files_table(
    form: Mapping[str, Any],
    columns: Mapping[str, Any] | Sequence[str],
    pattern: Any = "*",
    files: Mapping[str, Any] | None = None,
    **declared: Any,
) -> SourceTable:
    """A table of files; columns given by name only are text, and the first is the key."""
    full = columns if isinstance(columns, Mapping) else {name: {"type": "text"} for name in columns}
    return SourceTable.model_validate(
        {
            "name": "counts",
            "source": "drop",
            "description": "rows of files",
            "key": [next(iter(full))],
            "columns": full,
            "files": {"pattern": pattern, "format": dict(form), "stable_seconds": 1, **(files or {})},
            **declared,
        }
    )


def landed_rows(landed: LandedFile, names: Sequence[str]) -> list[tuple[Any, ...]]:
    """Some columns of what landed."""
    rows = open_arrow_file(landed.path).read_all().to_pylist()
    return [tuple(row[name] for name in names) for row in rows]


def zipped(members: Mapping[str, bytes | str]) -> bytes:
    """A zip archive."""
    whole = io.BytesIO()
    with zipfile.ZipFile(whole, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return whole.getvalue()


def gzipped(content: str) -> bytes:
    """A gzip file."""
    return gzip.compress(content.encode())


def _dicts(path: Path) -> list[dict[str, Any]]:
    with pa.ipc.open_file(pa.memory_map(str(path))) as reader:
        return list(reader.read_all().to_pylist())
