"""What a process needs to work for a run that another one opened: the same settings, declarations and folder.

A worker of a cluster reads its own environment and its own files, and lives longer than a run. With another
catalog or another database it would bring other rows and no error: so each holds its own against the run's.
"""

from __future__ import annotations

import json
import os
import socket
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import lru_cache
from hashlib import blake2b, sha256

from etl.catalog import SourceSystem
from etl.errors import ConfigError
from etl.handles import Run
from etl.settings import PROJECT_DIR, Settings
from tasks import resources

_CODE = ("etl/**/*.py", "tasks/**/*.py", "sql/**/*.sql")


def setup_of(run_id: str, tables: Sequence[str]) -> tuple[tuple[str, str], ...]:
    """What decides what becomes of these tables, by name and hash; the hash is of use in this run only.

    Args:
        tables: Catalog names.
    """
    key = run_id.encode()[:64]
    hashes = {
        name: blake2b(value.encode(), digest_size=8, key=key).hexdigest()
        for name, value in _deciding(tables).items()
    }
    return tuple(sorted(hashes.items()))


@contextmanager
def open_to_workers(run: Run) -> Iterator[None]:
    """Make the run's landing folder, by which workers know that they see the same one; an empty one goes."""
    if not run.setup:
        yield
        return
    folder = resources.landing_folder(run)
    folder.mkdir(parents=True, exist_ok=True)
    try:
        yield
    finally:
        with suppress(OSError):  # something landed, which stays for its time
            folder.rmdir()


def join(run: Run) -> None:
    """See that this process may work for the run; declarations that are older than the run are read anew.

    Raises:
        ConfigError: It has other settings, declarations or code, or does not see the landing folder.
    """
    if run.setup:
        _join(run.run_id, run.tables, run.setup)
        folder = resources.landing_folder(run)
        if not folder.is_dir():
            raise ConfigError(
                f"{_this_process()} does not see the landing folder of the run, {folder}.",
                "Set ETL_LANDING_DIR to a folder that the flow and all workers see under the same path.",
            )


@lru_cache(maxsize=16)
def _join(run_id: str, tables: tuple[str, ...], setup: tuple[tuple[str, str], ...]) -> None:
    if _differing(run_id, tables, setup):
        resources.renew_catalog()
    if differing := _differing(run_id, tables, setup):
        raise ConfigError(
            f"{_this_process()} does not have the same as the flow's process: {', '.join(differing)}.",
            "Give all workers the environment, the catalog and the code of the flow, and start them again.",
        )


def _differing(run_id: str, tables: Sequence[str], setup: tuple[tuple[str, str], ...]) -> list[str]:
    own = dict(setup_of(run_id, [name for name in tables if name in resources.catalog().tables]))
    return [name for name, expected in setup if own.get(name) != expected]


def _deciding(tables: Sequence[str]) -> dict[str, str]:
    settings, catalog = resources.settings(), resources.catalog()
    declared = {name: catalog.tables[name] for name in sorted(tables)}
    systems = {table.source: catalog.sources[table.source] for table in declared.values()}
    models = [model.model_dump(mode="json") for model in (*declared.values(), *systems.values())]
    return {
        "ETL_WAREHOUSE_URL": _url("warehouse_url", settings),
        **{system.variable: _source_url(system, settings) for system in systems.values()},
        "ETL_LANDING_DIR": str(settings.landing.absolute()),
        "ETL_DEFAULT_PHONE_REGION": settings.default_phone_region,
        "declarations in ETL_CATALOG_DIR": json.dumps(models, sort_keys=True),
        "code": _code(),
    }


def _source_url(system: SourceSystem, settings: Settings) -> str:
    return _url(system.setting, settings)


def _url(setting: str, settings: Settings) -> str:
    """As set; the embedded server, which only its own machine can reach, by where it is."""
    configured = settings.secret(setting)
    if configured is not None:
        return configured.get_secret_value()
    return f"embedded {socket.gethostname()} {settings.state_dir.absolute()}"


@lru_cache(maxsize=1)
def _code() -> str:
    digest = sha256()
    for path in sorted(path for pattern in _CODE for path in PROJECT_DIR.glob(pattern)):
        digest.update(path.relative_to(PROJECT_DIR).as_posix().encode() + path.read_bytes())
    return digest.hexdigest()


def _this_process() -> str:
    return f"The worker process {os.getpid()} on {socket.gethostname()}"
