"""A folder of this machine; links that leave it are not followed (law P4)."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from etl.catalog import SourceSystem
from etl.errors import FileFault, SourceError
from etl.sources.files.patterns import ANY_FOLDERS, name_matches
from etl.sources.files.places import CHUNK_BYTES, FoundFile

_MEND = "Put a readable file in its place."


class LocalFolder:
    """See :class:`etl.sources.files.places.Place`."""

    def __init__(self, system: SourceSystem, root: Path) -> None:
        self._system = system
        self._root = root.resolve()

    def find(self, patterns: Sequence[str]) -> list[FoundFile]:
        """Walk the folder; folders that are links are not entered."""
        if not self._root.is_dir():
            raise SourceError(
                f"The source '{self._system.name}' reads the folder {self._root}, which does not exist.",
                f"Make it, or correct {self._system.variable}.",
            )
        paths = {path for pattern in patterns for path in _walk(self._root, pattern.split("/"))}
        found = [self._look(path) for path in sorted(paths)]
        return [file for file in found if file is not None]

    def chunks(self, path: str) -> Iterator[bytes]:
        """Read a file; what was put in its place since it was found is refused where it leads out."""
        try:
            real = (self._root / path).resolve()
            if not real.is_relative_to(self._root):
                raise FileFault("it leads out of the source's folder, and is not followed", _MEND)
            # Not blocking: a pipe in its place would be waited for, for ever.
            descriptor = os.open(real, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
            with _closing(descriptor):
                if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                    raise FileFault("it is no regular file", _MEND)
                while chunk := os.read(descriptor, CHUNK_BYTES):
                    yield chunk
        except FileNotFoundError:
            raise FileFault("it is gone since it was listed", _MEND) from None
        except OSError as error:
            raise FileFault(f"it cannot be read: {error.strerror or error}", _MEND) from None

    def _look(self, path: Path) -> FoundFile | None:
        """What is there; None for a folder, or for a file that has just been removed."""
        name = path.relative_to(self._root).as_posix()
        shown = name.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
        try:
            is_link, found = path.is_symlink(), path.stat()
        except FileNotFoundError:
            return FoundFile(shown, fault="it is a link that leads nowhere") if path.is_symlink() else None
        except OSError as error:
            return FoundFile(shown, fault=f"it cannot be read: {error.strerror or error}")
        if stat.S_ISDIR(found.st_mode) and not is_link:
            return None
        modified = datetime.fromtimestamp(found.st_mtime, UTC)
        return FoundFile(shown, found.st_size, modified, self._fault(path, shown != name, found.st_mode))

    def _fault(self, path: Path, is_unreadable_name: bool, mode: int) -> str:
        if is_unreadable_name:
            return "its name is not UTF-8"
        if not path.resolve().is_relative_to(self._root):
            return "it is a link that leads out of the source's folder, and is not followed"
        return "" if stat.S_ISREG(mode) else "it is no regular file"


@contextmanager
def _closing(descriptor: int) -> Iterator[None]:
    try:
        yield
    finally:
        os.close(descriptor)


def _walk(folder: Path, steps: list[str]) -> Iterator[Path]:
    """Paths below a folder that the steps of a pattern mean, folders among them."""
    if steps[0] == ANY_FOLDERS and len(steps) > 1:
        yield from _walk(folder, steps[1:])
        for entry in _entries(folder):
            if not entry.name.startswith("."):
                yield from _walk(entry, steps)
        return
    if len(steps) == 1:
        yield from (path for path in _listed(folder) if name_matches(path.name, steps[0]))
        return
    for entry in _entries(folder):
        if name_matches(entry.name, steps[0]):
            yield from _walk(entry, steps[1:])


def _entries(folder: Path) -> list[Path]:
    """Folders directly below one; links are left alone."""
    return [path for path in _listed(folder) if path.is_dir() and not path.is_symlink()]


def _listed(folder: Path) -> list[Path]:
    try:
        return list(folder.iterdir())
    except FileNotFoundError:
        return []
    except OSError as error:
        raise SourceError(
            f"The folder {folder} cannot be listed: {error.strerror or error}.",
            "Let the account that runs the flow read it.",
        ) from None
