"""A copy of a file that lasts while it is read, and whose content is the one that was listed (law X11)."""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from etl.errors import FileFault, StorehouseError
from etl.handles import FileRef
from etl.sources.files.places import Place


@contextmanager
def fetched(place: Place, file: FileRef, folder: Path) -> Iterator[IO[bytes]]:
    """Copy a file into a nameless temporary one, which ends with the context or the process.

    So the bytes that are parsed are those whose hash the ledger keeps, whatever happens to the file
    meanwhile, and every format can go back and forth in them.

    Raises:
        FileFault: The file is gone, cannot be read, is empty, or its content is another than listed.
        StorehouseError: The disk is full.
    """
    if file.fault:
        raise FileFault(file.fault)
    with _temporary_file(folder) as copy:
        digest = hashlib.sha256()
        for chunk in place.chunks(file.path):
            digest.update(chunk)
            _write(copy, chunk, folder)
        if digest.hexdigest() != file.content_hash:
            raise FileFault(
                "its content changed between being listed and being read", "It is tried in the next run."
            )
        if copy.tell() == 0:
            raise FileFault("it is empty", "Put the whole file in its place.")
        copy.seek(0)
        yield copy


@contextmanager
def copied(chunks: Iterable[bytes], folder: Path) -> Iterator[IO[bytes]]:
    """The same for bytes that come from an archive, for formats that go back and forth."""
    with _temporary_file(folder) as copy:
        for chunk in chunks:
            _write(copy, chunk, folder)
        copy.seek(0)
        yield copy


def _temporary_file(folder: Path) -> IO[bytes]:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        return tempfile.TemporaryFile(dir=folder)
    except OSError as error:
        raise _no_room(folder, error) from error


def _write(copy: IO[bytes], chunk: bytes, folder: Path) -> None:
    try:
        copy.write(chunk)
    except OSError as error:
        raise _no_room(folder, error) from error


def _no_room(folder: Path, error: OSError) -> StorehouseError:
    return StorehouseError(
        f"Cannot write a temporary file in {folder}: {error.strerror or error}.",
        "Free space there, or set ETL_LANDING_DIR to a folder on a larger disk, and run again.",
    )
