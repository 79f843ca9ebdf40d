"""``python -m deployments.watch_files``: tells Prefect of files that arrive, so that a flow starts at once.

Which sources are watched stands in ``prefect.yaml``: those that a deployment's trigger names. A file that
arrives while nobody watches is brought by the schedule; one that is told twice loads nothing twice.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any, NamedTuple

from prefect.events import emit_event

from deployments.apply import declared_deployments
from etl.catalog import Catalog, SourceSystem
from etl.catalog_files import load_catalog
from etl.embedded import source_url
from etl.errors import ConfigError, StorehouseError
from etl.settings import Settings, get_settings
from etl.sources.files.places import Place, place_for

EVENT = "storehouse.file.arrived"
RESOURCE = "storehouse.source."
NAMED_FILES = 100

logger = logging.getLogger("watcher")


class Stamp(NamedTuple):
    """What changes when the content of a file does."""

    byte_count: int | None
    modified_at: datetime | None


class Watch:
    """What one source had when it was looked at last, and what was told of it."""

    def __init__(self, system: SourceSystem, patterns: list[str], stable_seconds: float) -> None:
        self.system = system
        self._patterns, self._stable_seconds = patterns, stable_seconds
        self._place: Place | None = None
        self._before: dict[str, Stamp] = {}
        self._told: dict[str, Stamp] | None = None

    def look(self, settings: Settings, now: datetime) -> list[str]:
        """Paths of files that are new, or have a new content, and that nobody writes any more.

        What is there at the first look is not new.

        Raises:
            StorehouseError: The place is not declared, or cannot be listed now.
        """
        if self._place is None:
            self._place = place_for(self.system, source_url(self.system, settings), settings)
        there = {
            found.path: Stamp(found.byte_count, found.modified_at)
            for found in self._place.find(self._patterns)
        }
        if self._told is None:
            self._told = dict(there)
        arrived = [
            path
            for path, stamp in sorted(there.items())
            if stamp != self._told.get(path)
            and stamp == self._before.get(path)
            and self._is_stable(stamp, now)
        ]
        self._before = there
        self._told.update((path, there[path]) for path in arrived)
        for gone in self._told.keys() - there.keys():
            del self._told[gone]
        return arrived

    def _is_stable(self, stamp: Stamp, now: datetime) -> bool:
        """As the source lists it: what changed a moment ago waits (law X11)."""
        if stamp.modified_at is None:
            return True
        return abs((now - stamp.modified_at).total_seconds()) >= self._stable_seconds


def main() -> None:
    """Look at every watched source again and again, until the process is ended."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    logging.getLogger("httpx").setLevel(logging.WARNING)
    settings = get_settings()
    watches = watches_of(load_catalog(settings.catalog_dir), declared_deployments().values())
    logger.info("Watching %s.", ", ".join(watch.system.name for watch in watches) or "nothing")
    problems: dict[str, str] = {}
    while True:
        for watch in watches:
            problem = look_and_tell(watch, settings)
            if problem != problems.get(watch.system.name, ""):
                logger.info("%s: %s", watch.system.name, problem or "is there again")
                problems[watch.system.name] = problem
        time.sleep(settings.watch_seconds)


def watches_of(catalog: Catalog, deployments: Iterable[Mapping[str, Any]]) -> list[Watch]:
    """One watch per source of files that a trigger of a deployment names.

    Raises:
        ConfigError: A trigger names a source that is not declared, or is none of files.
    """
    triggers = [trigger for entry in deployments for trigger in entry.get("triggers") or ()]
    resources = {
        trigger["match"]["prefect.resource.id"] for trigger in triggers if EVENT in trigger.get("expect", ())
    }
    return [_watch(catalog, name.removeprefix(RESOURCE)) for name in sorted(resources)]


def look_and_tell(watch: Watch, settings: Settings) -> str:
    """Look once and send one event for all files that arrived; what went wrong, or nothing."""
    try:
        arrived = watch.look(settings, datetime.now(UTC))
    except StorehouseError as error:
        return error.problem
    except Exception as error:  # whatever a file system raises; its text may hold a credential (law P2)
        return f"cannot be looked at: {type(error).__name__}"
    if arrived:
        logger.info("%s: %s", watch.system.name, ", ".join(arrived[:NAMED_FILES]))
        emit_event(
            EVENT,
            resource={"prefect.resource.id": f"{RESOURCE}{watch.system.name}"},
            payload={"count": len(arrived), "files": arrived[:NAMED_FILES]},
        )
    return ""


def _watch(catalog: Catalog, source: str) -> Watch:
    sets = [table.files for table in catalog.tables.values() if table.source == source and table.files]
    if not sets:
        raise ConfigError(
            f"A trigger in prefect.yaml waits for files of '{source}', which is no source of files.",
            f"Declare tables with 'files' in tables/{source}/, or correct prefect.resource.id there.",
        )
    patterns = list(dict.fromkeys(pattern for files in sets for pattern in files.patterns))
    return Watch(catalog.sources[source], patterns, max(files.stable_seconds for files in sets))


if __name__ == "__main__":
    main()
