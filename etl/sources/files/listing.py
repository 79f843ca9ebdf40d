"""What is there: files with size and hash, oldest first; what is still being written waits (law X11)."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime

from etl.catalog.files import FileSet
from etl.errors import FileFault
from etl.handles import FileRef
from etl.sources.files.places import FoundFile, Place
from etl.windows import cursor_text

_BEGINNING = datetime.min.replace(tzinfo=UTC)


@dataclass(slots=True)
class Listing:
    """Files of one table.

    Attributes:
        files: Oldest first, by time of change and name; each content once.
        notes: Files that wait, and names under which a content is there again.
    """

    files: list[FileRef] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def list_files(place: Place, files: FileSet, now: datetime) -> Listing:
    """List and hash the files of one table.

    A file that changed less than ``stable_seconds`` from ``now``, or while it was hashed, waits for the next
    run. Where the clocks of place and worker differ, what is still being written is found when it is
    read: its content is not the listed one any more.

    Args:
        now: The worker's clock, in UTC.

    Raises:
        SourceError: As for :meth:`Place.find`.
    """
    listing = Listing()
    names_of: dict[str, str] = {}
    for found in sorted(place.find(files.patterns), key=_age):
        if not found.fault and _changed_within(files.stable_seconds, found, now):
            listing.notes.append(f"{found.path!r} changed a moment ago and waits for the next run")
            continue
        ref = _hashed(place, found)
        if found.byte_count not in (None, ref.byte_count) and not ref.fault:
            listing.notes.append(f"{found.path!r} is still being written and waits for the next run")
        elif ref.content_hash in names_of:
            first = names_of[ref.content_hash]
            listing.notes.append(f"{found.path!r} has the content of {first!r}, which is loaded once")
        else:
            listing.files.append(ref)
            if ref.content_hash:
                names_of[ref.content_hash] = ref.path
    return listing


def _age(found: FoundFile) -> tuple[datetime, str]:
    return found.modified_at or _BEGINNING, found.path


def _changed_within(seconds: float, found: FoundFile, now: datetime) -> bool:
    return found.modified_at is not None and abs((now - found.modified_at).total_seconds()) < seconds


def _hashed(place: Place, found: FoundFile) -> FileRef:
    modified = cursor_text(found.modified_at) if found.modified_at else ""
    try:
        if found.fault:
            raise FileFault(found.fault)
        count, digest = _digest(place.chunks(found.path))
    except FileFault as fault:
        return FileRef(found.path, found.byte_count or 0, "", modified, fault.problem)
    return FileRef(found.path, count, digest, modified)


def _digest(chunks: Iterator[bytes]) -> tuple[int, str]:
    digest, count = hashlib.sha256(), 0
    for chunk in chunks:
        digest.update(chunk)
        count += len(chunk)
    return count, digest.hexdigest()
