"""The parts of a file: itself, what its gzip holds, or each member of its zip; within limits (law P4).

Names in archives are never used as paths: they only say what a part is called.
"""

from __future__ import annotations

import gzip
import io
import lzma
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, NoReturn, cast

from etl.catalog.files import Limits
from etl.errors import FileFault
from etl.sources.files.fetching import copied
from etl.sources.files.places import CHUNK_BYTES

MAX_RECORD_BYTES = 64 * 1024**2
# Below this much, no ratio is suspicious: a short file of zeros unpacks to a thousand times its size.
_UNSUSPICIOUS_BYTES = 64 * 1024**2
_BROKEN = (
    EOFError,
    OSError,
    RuntimeError,
    NotImplementedError,
    zipfile.BadZipFile,
    zlib.error,
    lzma.LZMAError,
)


class Metered(io.RawIOBase):
    """A stream that counts its bytes, and refuses more than the limits between two marks and in all.

    Attributes:
        byte_count: Bytes read so far.
    """

    def __init__(self, stream: IO[bytes], max_bytes: int | None = None) -> None:
        super().__init__()
        self._stream, self._max_bytes = stream, max_bytes
        self.byte_count = self._marked = 0

    def mark(self) -> None:
        """A record ends here; the next may be as long again."""
        self._marked = self.byte_count

    def readable(self) -> bool:
        """It is for reading."""
        return True

    def readinto(self, buffer: memoryview, /) -> int:  # type: ignore[override]  # typeshed has no name for it
        """Read on.

        Raises:
            FileFault: The stream is broken, or goes beyond a limit.
        """
        try:
            data = self._stream.read(len(buffer))
        except _BROKEN as error:
            raise FileFault(
                f"it is broken: {error or type(error).__name__}", "Put the whole file there."
            ) from None
        buffer[: len(data)] = data
        self.byte_count += len(data)
        if self._max_bytes is not None and self.byte_count > self._max_bytes:
            _refuse(f"it unpacks to more than {self._max_bytes:,} bytes", "ratio or limits.unpacked_bytes")
        if self.byte_count - self._marked > MAX_RECORD_BYTES:
            raise FileFault(f"one of its records is longer than {MAX_RECORD_BYTES:,} bytes", "Mend the file.")
        return len(data)


@dataclass(frozen=True, slots=True)
class Part:
    """One stream of rows of a file.

    Attributes:
        name: Member of the archive; None for a file that is none.
        open: Opens the stream at its beginning, as often as it is called.
        whole: The part as a file that can be read back and forth.
    """

    name: str | None
    open: Callable[[], Metered]
    whole: Callable[[], AbstractContextManager[IO[bytes]]]


def parts_of(copy: IO[bytes], name: str, limits: Limits, folder: Path) -> Iterator[Part]:
    """The parts of a file, by the end of its name.

    Args:
        copy: The file; it stays open while its parts are read.
        folder: For temporary copies of what is unpacked.

    Raises:
        FileFault: The archive is broken, locked, holds archives, or asks for more than its limits.
    """
    packed = copy.seek(0, io.SEEK_END)
    if name.lower().endswith(".gz"):
        yield _unpacked(None, lambda: _gunzipped(copy), _most_bytes(packed, limits), folder)
    elif name.lower().endswith(".zip"):
        yield from _members(copy, packed, limits, folder)
    else:
        yield Part(None, lambda: Metered(_rewound(copy)), lambda: _as_it_is(copy))


def check_archive(archive: zipfile.ZipFile, packed: int, limits: Limits) -> None:
    """Hold what an archive says of itself against the limits; no member reads as more than it says.

    Raises:
        FileFault: It asks for more.
    """
    members = archive.infolist()
    if len(members) > limits.members:
        _refuse(f"it has {len(members):,} members, more than {limits.members:,}", "limits.members")
    most, total = _most_bytes(packed, limits), sum(member.file_size for member in members)
    if total > most:
        _refuse(f"it unpacks to {total:,} bytes, more than {most:,}", "limits.ratio or limits.unpacked_bytes")


def _members(copy: IO[bytes], packed: int, limits: Limits, folder: Path) -> Iterator[Part]:
    try:
        archive = zipfile.ZipFile(_rewound(copy))
    except _BROKEN as error:
        raise FileFault(f"it is no zip archive: {error}", "Put the whole file in its place.") from None
    check_archive(archive, packed, limits)
    members = [m for m in archive.infolist() if not m.is_dir() and not _is_of_the_system(m.filename)]
    if not members:
        raise FileFault("its archive holds no file", "Put the whole archive in its place.")
    for member in members:
        if member.filename.lower().endswith((".gz", ".zip")):
            raise FileFault(f"its member {member.filename!r} is an archive again", "Unpack it once.")
        if member.flag_bits & 0x1:
            raise FileFault(f"its member {member.filename!r} is locked by a password", "Unlock it.")
        yield _unpacked(member.filename, _opener(archive, member), None, folder)


def _opener(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> Callable[[], IO[bytes]]:
    def opened() -> IO[bytes]:
        try:
            return archive.open(member)
        except _BROKEN as error:
            raise FileFault(
                f"its member {member.filename!r} is broken: {error}", "Put it there whole."
            ) from None

    return opened


def _is_of_the_system(name: str) -> bool:
    """What macOS adds to archives, and hidden files."""
    return name.startswith("__MACOSX/") or name.rpartition("/")[2].startswith(".")


def _unpacked(name: str | None, opened: Callable[[], IO[bytes]], most: int | None, folder: Path) -> Part:
    def stream() -> Metered:
        return Metered(opened(), most)

    return Part(name, stream, lambda: copied(_chunks(stream()), folder))


def _chunks(stream: Metered) -> Iterator[bytes]:
    while chunk := stream.read(CHUNK_BYTES):
        stream.mark()
        yield chunk


def _most_bytes(packed: int, limits: Limits) -> int:
    return min(limits.unpacked_bytes, max(packed * limits.ratio, _UNSUSPICIOUS_BYTES))


def _gunzipped(copy: IO[bytes]) -> IO[bytes]:
    return cast("IO[bytes]", gzip.GzipFile(fileobj=_rewound(copy)))


def _rewound(copy: IO[bytes]) -> IO[bytes]:
    copy.seek(0)
    return copy


@contextmanager
def _as_it_is(copy: IO[bytes]) -> Iterator[IO[bytes]]:
    yield _rewound(copy)


def _refuse(what: str, setting: str) -> NoReturn:
    raise FileFault(what, f"Where the file is meant so, raise '{setting}' in the table's 'files'.")
