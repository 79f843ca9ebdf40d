"""Arrow IPC files on disk: written whole or not at all, streamed batch by batch (laws R6, X13)."""

from __future__ import annotations

import errno
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from hashlib import sha256
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Self
from urllib.parse import quote

import pyarrow as pa

from etl.errors import StorehouseError

PARTIAL_SUFFIX = ".partial"
# A batch of a source may be a whole partition; slicing it keeps what later steps hold in memory small.
MAX_BATCH_ROWS = 131_072
_BUFFER_BYTES = 1 << 20
_MAX_NAME_BYTES = 200
_NO_ROOM = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


class ArrowFileWriter:
    """Writes one lz4 Arrow file under a temporary name and gives it its own name at the end.

    As a context manager: on success the file is flushed to the disk and renamed, on any error it is
    removed. A killed process leaves only a ``*.partial`` file, which nothing ever reads.

    Attributes:
        row_count: Rows written so far.
        byte_count: Bytes of the finished file.
    """

    def __init__(self, path: Path, schema: pa.Schema) -> None:
        self.path = path
        self.row_count = 0
        self.byte_count = 0
        self._schema = schema
        self._partial = path.with_name(f"{secrets.token_hex(8)}{PARTIAL_SUFFIX}")

    def __enter__(self) -> Self:
        with self._room_needed():
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self._file: BinaryIO = self._partial.open("xb", buffering=_BUFFER_BYTES)
            try:
                self._writer = pa.ipc.new_file(
                    self._file, self._schema, options=pa.ipc.IpcWriteOptions(compression="lz4")
                )
            except BaseException:
                self._discard()
                raise
        return self

    def write(self, batch: pa.RecordBatch) -> None:
        """Append the rows of a batch; an empty one leaves no trace.

        Raises:
            StorehouseError: The disk is full or the quota used up.
        """
        for start in range(0, batch.num_rows, MAX_BATCH_ROWS):
            piece = batch.slice(start, MAX_BATCH_ROWS)
            with self._room_needed():
                self._writer.write_batch(piece)
            self.row_count += piece.num_rows

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is not None:
            self._discard()
            return
        try:
            with self._room_needed():
                self._writer.close()
                self._file.flush()
                os.fsync(self._file.fileno())
                self._file.close()
                self.byte_count = self._partial.stat().st_size
                self._partial.replace(self.path)
                _sync_folder(self.path.parent)
        except BaseException:
            self._discard()
            raise

    def _discard(self) -> None:
        # Closing flushes, which fails once more where the disk is full.
        with suppress(OSError):
            self._file.close()
        self._partial.unlink(missing_ok=True)

    @contextmanager
    def _room_needed(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            if error.errno not in _NO_ROOM:
                raise StorehouseError(
                    f"Cannot write {self.path}: {error.strerror or error}.",
                    f"See that the folder {self.path.parent} exists and that this user may write to it.",
                ) from error
            raise StorehouseError(
                f"No room left in {self.path.parent} ({error.strerror}): {self.row_count:,} rows of "
                f"{self.path.name} ({self._written():,} bytes) were written; the partial file was removed.",
                "Free space there, or set ETL_LANDING_DIR to a folder on a larger disk, and run again.",
            ) from error

    def _written(self) -> int:
        return self._partial.stat().st_size if self._partial.exists() else 0


def open_arrow_file(path: Path) -> pa.RecordBatchFileReader:
    """Open an Arrow file; what is read of it is read into memory and freed with its batch.

    Mapped, the pages of a file that is read once would count as memory of the process for as long as it is
    open: 200 MB for 5 M rows. They are compressed, so that a map saves no copy.

    Raises:
        StorehouseError: The file is not there, or is no Arrow file.
    """
    try:
        return pa.ipc.open_file(pa.OSFile(os.fspath(path)))
    except (OSError, pa.ArrowInvalid) as error:
        raise StorehouseError(
            f"Cannot read the Arrow file {path}: {error}.",
            "Run again: the table is then read from the source anew.",
        ) from error


def arrow_batches(path: Path) -> Iterator[pa.RecordBatch]:
    """The batches of an Arrow file, one at a time.

    Raises:
        StorehouseError: As for :func:`open_arrow_file`.
    """
    with open_arrow_file(path) as reader:
        for index in range(reader.num_record_batches):
            yield reader.get_batch(index)


def free_unused_memory() -> None:
    """Give back to the system what batches that are gone have left to Arrow: 40 MB after 3 M rows."""
    pa.default_memory_pool().release_unused()


def safe_file_name(*parts: str) -> str:
    """A file name for any names, without a suffix: different parts never give the same name (law P1).

    Parts are percent-encoded and joined by ``@``; what would be too long for a file system is cut
    and completed by a hash.
    """
    name = "@".join(quote(part, safe="") for part in parts)
    if len(name) <= _MAX_NAME_BYTES:
        return name
    return f"{name[: _MAX_NAME_BYTES - 65]}@{sha256(name.encode()).hexdigest()}"


def _sync_folder(folder: Path) -> None:
    """A rename outlives a power cut only once its folder is on the disk too."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
