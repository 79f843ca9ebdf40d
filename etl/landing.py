"""Lands what a source answered as immutable Arrow files, one per extract, below the run's folder."""

from __future__ import annotations

import json
import secrets
import shutil
from collections.abc import Callable, Collection
from dataclasses import replace
from pathlib import Path
from time import perf_counter

import pyarrow as pa
import pyarrow.compute as pc

from etl.arrow_files import PARTIAL_SUFFIX, ArrowFileWriter, safe_file_name
from etl.errors import FileFault
from etl.handles import Extract, LandedFile
from etl.landed_columns import DRIFT, ZERO_DATES

_KEPT = ("row_count", "byte_count", "seconds", "zero_date_count", "fault", "drifts")


def land(reader: pa.RecordBatchReader, extract: Extract, folder: Path) -> LandedFile:
    """Write all batches of ``reader`` to one Arrow file (lz4), in memory of about one batch (law X13).

    The file appears whole or not at all; landing the same extract again replaces it. Two columns are
    left out: ``_zero_dates`` (zero dates per row, counted by the source) is summed, and ``_drift`` (a
    sentence in the row where the source met a difference from the catalog) is collected.

    Args:
        reader: The source's answer, in its own types.
        extract: What was asked for; table, kind and part name the file.
        folder: The run's landing folder; made if need be.

    Raises:
        StorehouseError: The disk is full or the folder cannot be written; nothing is left behind.
    """
    started = perf_counter()
    path = _path_of(extract, folder)
    kept = [name for name in reader.schema.names if name not in (ZERO_DATES, DRIFT)]
    zero_dates = 0
    drifts: dict[str, None] = {}
    with ArrowFileWriter(path, pa.schema([reader.schema.field(name) for name in kept])) as writer:
        for batch in reader:
            zero_dates += _zero_dates(batch)
            drifts |= dict.fromkeys(_drifts(batch))
            writer.write(batch.select(kept))
    return LandedFile(
        extract=extract,
        path=path,
        row_count=writer.row_count,
        byte_count=writer.byte_count,
        seconds=perf_counter() - started,
        zero_date_count=zero_dates,
        drifts=tuple(drifts),
    )


def land_once(read: Callable[[], pa.RecordBatchReader], extract: Extract, folder: Path) -> LandedFile:
    """As :func:`land_or_quarantine`; what the run has landed before is not read again.

    A cluster does a task again whose result died with a worker. Where readers share no snapshot, the source
    would answer with later rows then, and the children of a row might be newer than the row (law X2).
    """
    receipt = _path_of(extract, folder).with_suffix(".json")
    if receipt.is_file():
        known = json.loads(receipt.read_text(encoding="utf-8"))
        return LandedFile(extract, _path_of(extract, folder), **{**known, "drifts": tuple(known["drifts"])})
    landed = land_or_quarantine(read, extract, folder)
    known = {name: getattr(landed, name) for name in _KEPT}
    partial = folder / f"{secrets.token_hex(8)}{PARTIAL_SUFFIX}"
    partial.write_text(json.dumps(known), encoding="utf-8")
    partial.replace(receipt)
    return landed


def land_or_quarantine(
    read: Callable[[], pa.RecordBatchReader], extract: Extract, folder: Path
) -> LandedFile:
    """Land an extract; a file with a fault lands as no rows and the reason, nothing of it half (law X11).

    Args:
        read: Opens the source's answer; it, or the answer, raises :class:`FileFault`.

    Raises:
        StorehouseError: As for :func:`land`; other errors of the source pass through.
    """
    try:
        return land(read(), extract, folder)
    except FileFault as fault:
        nothing = pa.RecordBatchReader.from_batches(pa.schema([]), [])
        return replace(land(nothing, extract, folder), fault=_storable(fault.problem))


def remove_landed(run_folder: Path) -> None:
    """Remove all that one run landed; a folder that is not there is no error."""
    shutil.rmtree(run_folder, ignore_errors=True)


def sweep_landing(folder: Path, keep_runs: int, going_on: Collection[str] = ()) -> list[Path]:
    """Remove the run folders below ``folder`` except the ``keep_runs`` last written ones.

    Args:
        going_on: Runs that may still read what they landed, however long ago; they do not count.

    Returns:
        The folders removed, oldest last. Files and links directly below ``folder`` are left alone.
    """
    if not folder.is_dir():
        return []
    runs = [
        path
        for path in folder.iterdir()
        if path.is_dir() and not path.is_symlink() and path.name not in going_on
    ]
    runs.sort(key=lambda path: (path.stat().st_mtime_ns, path.name), reverse=True)
    old = runs[max(keep_runs, 0) :]
    for path in old:
        remove_landed(path)
    return old


def _path_of(extract: Extract, folder: Path) -> Path:
    return folder / f"{safe_file_name(extract.table, extract.kind, extract.part)}.arrow"


def _zero_dates(batch: pa.RecordBatch) -> int:
    if ZERO_DATES not in batch.schema.names:
        return 0
    return int(pc.sum(batch.column(ZERO_DATES)).as_py() or 0)


def _storable(reason: str) -> str:
    """What a hostile file brings into a message may not be what PostgreSQL can store."""
    return reason.encode("utf-8", "backslashreplace").decode().replace("\x00", "\u2400")


def _drifts(batch: pa.RecordBatch) -> list[str]:
    if DRIFT not in batch.schema.names:
        return []
    return list(batch.column(DRIFT).drop_null().to_pylist())
