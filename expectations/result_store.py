"""Where judgements are kept below the state folder, and the lock under which they are made.

<state>/gate.lock                                        one judgement or build at a time
<state>/validations/<source>/<table>/<run>/<time>/*.json  stored results, the newest of each suite
<state>/data_docs/                                       the pages made from them
"""

from __future__ import annotations

import fcntl
import re
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import great_expectations as gx
from great_expectations.data_context.data_context.ephemeral_data_context import EphemeralDataContext
from great_expectations.data_context.store.tuple_store_backend import TupleFilesystemStoreBackend

_THREADS = threading.Lock()


@contextmanager
def one_at_a_time(state_dir: Path) -> Iterator[None]:
    """Keep other threads and processes out; the system drops the lock of a process that is killed.

    Great Expectations parses kwargs in one global parser and the index of the pages is one file: neither
    bears two judgements at once.
    """
    state_dir.mkdir(parents=True, exist_ok=True)
    with _THREADS, (state_dir / "gate.lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def open_context(state_dir: Path, secrets: Mapping[str, str] | None = None) -> EphemeralDataContext:
    """An ephemeral context that writes nothing but results, below ``state_dir / "validations"``.

    Args:
        state_dir: The state folder of the project.
        secrets: Values for ``${NAME}`` in the configuration of data sources; they stay in memory.
    """
    in_memory = {"store_backend": {"class_name": "InMemoryStoreBackend"}}
    results = {
        "class_name": "AtomicFiles",
        "module_name": __name__,
        "base_directory": str(validations_dir(state_dir)),
        "suppress_store_backend_id": True,
    }
    config = {
        "config_version": 4.0,
        "stores": {
            "suites": {"class_name": "ExpectationsStore", **in_memory},
            "results": {"class_name": "ValidationResultsStore", "store_backend": results},
            "checkpoints": {"class_name": "CheckpointStore", **in_memory},
            "validation_definition_store": {"class_name": "ValidationDefinitionStore", **in_memory},
        },
        "expectations_store_name": "suites",
        "validation_results_store_name": "results",
        "checkpoint_store_name": "checkpoints",
        "data_docs_sites": {},
        "analytics_enabled": False,
        "progress_bars": {"globally": False},
    }
    return gx.get_context(mode="ephemeral", project_config=config, runtime_environment=dict(secrets or {}))


def validations_dir(state_dir: Path) -> Path:
    """Where the results are stored."""
    return state_dir / "validations"


def docs_dir(state_dir: Path) -> Path:
    """Where the pages stand."""
    return state_dir / "data_docs"


def folder_name(run_id: str) -> str:
    """A run's id as the name of a folder and of a part of a URL."""
    return re.sub(r"[^A-Za-z0-9_-]", "-", run_id)[:100] or "run"


def prune_results(state_dir: Path, kept: int) -> int:
    """Delete all but the newest results of each suite; the next build deletes their pages.

    Returns:
        How many were deleted.
    """
    by_suite: dict[Path, list[Path]] = {}
    with one_at_a_time(state_dir):
        for path in validations_dir(state_dir).rglob("*.json"):
            # <suite>/<run>/<time>/<batch>.json
            by_suite.setdefault(path.parents[2], []).append(path)
        old = [path for paths in by_suite.values() for path in _newest_first(paths)[kept:]]
        for path in old:
            path.unlink()
            remove_empty_folders(path.parent, validations_dir(state_dir))
    return len(old)


def _newest_first(results: list[Path]) -> list[Path]:
    return sorted(results, key=lambda path: path.parent.name, reverse=True)


def remove_empty_folders(folder: Path, stop: Path) -> None:
    """Remove ``folder`` and those above it, below ``stop``, as far as they are empty."""
    with suppress(OSError):
        while folder != stop:
            folder.rmdir()
            folder = folder.parent


class AtomicFiles(TupleFilesystemStoreBackend):
    """Files that are there whole or not at all, so that a killed run leaves nothing half written."""

    def path_of(self, key: tuple[str, ...]) -> Path:
        """Where the file of a key stands."""
        name = self._convert_key_to_filepath(key)  # type: ignore[no-untyped-call]  # untyped there
        return Path(self.full_base_directory) / str(name)

    def _set(self, key: tuple[str, ...], value: str | bytes, **kwargs: Any) -> None:
        path = self.path_of(key)
        path.parent.mkdir(parents=True, exist_ok=True)
        part = path.with_name(path.name + ".part")
        part.write_bytes(self._content(path, value))
        part.replace(path)

    def _content(self, path: Path, value: str | bytes) -> bytes:
        return value.encode() if isinstance(value, str) else value
