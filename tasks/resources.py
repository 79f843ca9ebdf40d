"""What tasks work with, resolved from the settings: catalog, sources, warehouse, folders of a run."""

from __future__ import annotations

from difflib import get_close_matches
from functools import lru_cache
from pathlib import Path

from etl.catalog import Catalog, SourceTable
from etl.catalog_files import load_catalog
from etl.embedded import warehouse_url
from etl.errors import ConfigError
from etl.handles import Run
from etl.settings import Settings, get_settings
from etl.sources import Source, open_source
from etl.warehouse import Warehouse, open_warehouse


def settings() -> Settings:
    """The settings of this process."""
    return get_settings()


def catalog() -> Catalog:
    """The declarations of the project."""
    return load_catalog(settings().catalog_dir)


def table(name: str) -> SourceTable:
    """One table of the catalog."""
    declared = catalog().tables
    if name not in declared:
        near = get_close_matches(name, declared, n=1)
        raise ConfigError(
            f"The catalog in {settings().catalog_dir} declares no table '{name}'"
            + (f"; did you mean '{near[0]}'?" if near else "."),
            "Name a table as <source>.<table>, or declare it in tables/<source>/<table>.yaml there.",
        )
    found = declared[name]
    is_own = catalog().sources[found.source].setting == "warehouse_url"
    return warehouse().as_source(found) if is_own else found


def tables_of(source: str) -> list[str]:
    """Catalog names of all tables of a source."""
    return catalog().tables_of(source)


def renew_catalog() -> None:
    """Read the declarations anew when they are next asked for, because this process has changed them.

    Between two such calls a run sees one catalog, whatever becomes of the files meanwhile.
    """
    for cached in (load_catalog, warehouse, source):
        cached.cache_clear()


@lru_cache(maxsize=1)
def warehouse() -> Warehouse:
    """The warehouse that the settings name, or the embedded one."""
    return open_warehouse(warehouse_url(settings()), settings(), catalog())


@lru_cache(maxsize=8)
def source(name: str) -> Source:
    """A source system of the catalog."""
    declared = catalog().sources
    if name not in declared:
        raise ConfigError(
            f"The catalog in {settings().catalog_dir} declares no source '{name}'; "
            f"it has {', '.join(declared) or 'none'}.",
            f"Add sources/{name}.yaml there, or correct ETL_CATALOG_DIR.",
        )
    return open_source(declared[name], settings())


def landing_folder(run: Run) -> Path:
    """Where the run's Arrow files are kept."""
    return settings().landing / run.run_id
