"""A folder or bucket behind any URL that fsspec knows."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

import fsspec

from etl.catalog import SourceSystem
from etl.errors import ConfigError, FileFault, SourceError, TransientError
from etl.sources.files.patterns import fixed_start, matches
from etl.sources.files.places import CHUNK_BYTES, FoundFile


class RemoteFolder:
    """See :class:`etl.sources.files.places.Place`."""

    def __init__(self, system: SourceSystem, url: str) -> None:
        self._system = system
        try:
            self._files, root = fsspec.core.url_to_fs(url)
        except (ImportError, ValueError) as error:
            # The words of fsspec about a scheme or a package hold no URL; others' may.
            said = str(error) if isinstance(error, ImportError) else "its scheme is not known to fsspec"
            raise ConfigError(
                f"{system.variable} cannot be read as the URL of a folder: {said}.",
                "Use a path, file://, http(s)://, or a scheme of fsspec whose package is installed.",
            ) from None
        self._root = root.rstrip("/")

    def find(self, patterns: Sequence[str]) -> list[FoundFile]:
        """List the folders that the patterns begin with."""
        found: dict[str, FoundFile] = {}
        for pattern in patterns:
            for path, details in self._listed(fixed_start(pattern)).items():
                name = path.removeprefix(self._root).lstrip("/")
                if matches(name, pattern):
                    found[name] = FoundFile(name, details.get("size"), self._modified_at(path, details))
        return list(found.values())

    def chunks(self, path: str) -> Iterator[bytes]:
        """Stream a file."""
        try:
            with self._files.open(f"{self._root}/{path}", "rb") as file:
                while chunk := file.read(CHUNK_BYTES):
                    yield chunk
        except FileNotFoundError:
            raise FileFault("it is gone since it was listed", "Put it back.") from None
        except PermissionError:
            raise FileFault("this account may not read it", "Let the account read it.") from None
        except Exception as error:  # each file system raises what it likes, a credential in it perhaps
            raise self._lost(error) from None

    def _listed(self, folder: str) -> dict[str, dict[str, Any]]:
        try:
            self._files.invalidate_cache()
            listed: dict[str, dict[str, Any]] = self._files.find(f"{self._root}/{folder}", detail=True)
        except FileNotFoundError:
            return {}
        except PermissionError:
            raise SourceError(
                f"The source '{self._system.name}' refuses to list its files.",
                f"Correct the account in {self._system.variable}, or let it list them.",
            ) from None
        except Exception as error:  # each file system raises what it likes, a credential in it perhaps
            raise self._lost(error) from None
        return listed

    def _modified_at(self, path: str, details: dict[str, Any]) -> datetime | None:
        for name in ("mtime", "LastModified", "last_modified", "updated", "modified"):
            if name in details:
                with suppress(ValueError):
                    return _instant(details[name])
        # Not every file system knows when a file was changed.
        with suppress(NotImplementedError, OSError):
            return _instant(self._files.modified(path))
        return None

    def _lost(self, error: Exception) -> TransientError:
        # Only its kind: the text of a client's error may hold the URL and its secrets (law P2).
        return TransientError(
            f"The files of the source '{self._system.name}' cannot be reached: {type(error).__name__}.",
            f"See that the place in {self._system.variable} can be reached; the call is tried again.",
        )


def _instant(value: Any) -> datetime | None:
    if isinstance(value, int | float):
        return datetime.fromtimestamp(value, UTC)
    if isinstance(value, str):
        value = datetime.fromisoformat(value)
    if not isinstance(value, datetime):
        return None
    return value.astimezone(UTC) if value.tzinfo else value.replace(tzinfo=UTC)
