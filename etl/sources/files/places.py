"""Where the files of a source lie."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Protocol
from urllib.parse import unquote, urlsplit

from etl.catalog import SourceSystem
from etl.settings import PROJECT_DIR, Settings

CHUNK_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class FoundFile:
    """A file that a pattern means.

    Attributes:
        path: Below the source's URL.
        byte_count: None where the place does not tell it beforehand.
        modified_at: In UTC; None where the place does not tell it.
        fault: Why it cannot be read; empty for a file that can.
    """

    path: str
    byte_count: int | None = None
    modified_at: datetime | None = None
    fault: str = ""


class Place(Protocol):
    """A folder, a bucket or a web address; nothing outside of it is ever read (law P4)."""

    def find(self, patterns: Sequence[str]) -> list[FoundFile]:
        """All files that one of the patterns means, each once; none is no error.

        Raises:
            SourceError: The place is not there, or refuses the account.
            TransientError: It cannot be reached now.
        """
        ...

    def chunks(self, path: str) -> Iterator[bytes]:
        """The bytes of a file, a chunk at a time.

        Raises:
            FileFault: It is gone, or cannot be read.
            TransientError: The connection was lost.
        """
        ...


def place_for(system: SourceSystem, url: str, settings: Settings) -> Place:
    """The place that a URL means: a path or ``file://``, ``http(s)://``, or any other that fsspec knows.

    Raises:
        ConfigError: fsspec does not know the scheme, or lacks the package for it; the URL is not shown.
    """
    scheme = urlsplit(url).scheme.lower() if "://" in url else "file"
    if scheme in ("file", "local"):
        from etl.sources.files.local_folder import LocalFolder

        path = unquote(urlsplit(url).path) if "://" in url else url
        return LocalFolder(system, PROJECT_DIR / Path(path).expanduser())
    if scheme in ("http", "https"):
        from etl.sources.files.web_address import WebAddress

        return WebAddress(system, url, settings.connect_timeout_seconds)
    from etl.sources.files.remote_folder import RemoteFolder

    return RemoteFolder(system, url)
