"""The order of discovery: look at all tables, decide, check what would be written, write."""

from __future__ import annotations

from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path

from etl.catalog import Catalog, SourceSystem, SourceTable
from etl.catalog_files import read_catalog
from etl.discovery.completing import frozen_drift
from etl.discovery.drafts import Drafts
from etl.discovery.files import CatalogFolder, write_files
from etl.discovery.found import FoundTable, Inspector, Selection
from etl.discovery.mysql import inspect_mysql
from etl.discovery.names import MAX_SOURCE_LENGTH, SOURCE_NAME
from etl.discovery.postgresql import inspect_postgresql
from etl.errors import ConfigError, ContractError, SourceError
from etl.settings import Settings
from etl.sources.connect import database_of
from etl.sources.metadata import name_candidates

_BLIND = (
    "the account cannot see open transactions, without which no cursor is safe (law X2): new tables are read"
    " whole; grant pg_read_all_stats (PostgreSQL) or PROCESS (MySQL) and discover with --overwrite"
)
# PostgreSQL's 1,600, less what a copy adds.
_MOST_COLUMNS = 1_590
# Schema, or None for the usual one, and name.
Places = dict[tuple[str | None, str], FoundTable]


@dataclass(frozen=True, slots=True)
class Options:
    """How to discover.

    Attributes:
        overwrite: Write files of tables and suites anew that are there already.
        keeps_history: New tables feed a dimension of type 2 each, not a replica.
    """

    selection: Selection = field(default_factory=Selection)
    overwrite: bool = False
    keeps_history: bool = False


@dataclass(frozen=True, slots=True)
class Discovery:
    """What was found and written.

    Attributes:
        tables: Catalog names of those selected tables that the source has and that are copied: as a
            replica, or as a dimension that discovery made.
        written: Files that are new or say something else.
        changes: Catalog name -> what became otherwise in its files, a sentence each.
        flags: What to know of tables, by their catalog names or those at the source: columns and tables that
            are gone, tables that cannot be read.
    """

    source: str
    tables: tuple[str, ...]
    written: tuple[Path, ...]
    changes: dict[str, list[str]]
    flags: dict[str, list[str]]


def discover(source: str, settings: Settings, options: Options | None = None) -> Discovery:
    """Write the catalog and the base suites of a database, or complete those that are there.

    Args:
        source: Name of the system; ``ETL_<SOURCE>_URL`` says where it is, unless its file says otherwise.
        settings: Folders of the catalog and the suites, and what it takes to connect.
        options: What is meant, and how.

    Raises:
        ConfigError: There is no URL, no such table, or the catalog is wrong.
        ContractError: Tables with ``drift: freeze`` do not have the declared columns; nothing was written.
        SourceError: The server refuses the account.
        TransientError: It cannot be reached.
    """
    options = options or Options()
    folder = CatalogFolder(settings.catalog_dir, settings.suites_dir)
    catalog = read_catalog(settings.catalog_dir)
    system = catalog.sources.get(source) or _new_system(source)
    with _inspect(system, settings) as inspector:
        there = sorted(inspector.tables(), key=lambda t: (not t.is_usual_schema, t.full_name))
        selected = [table for table in there if options.selection.has(table)]
        if not selected:
            raise _nothing_selected(source, there)
        places = _places(there)
        known = _known_tables(catalog, source, places)
        _refuse_frozen([(known[t.full_name], t) for t in selected if t.full_name in known], inspector)
        drafts = Drafts(folder, catalog, system, inspector, options.overwrite, options.keeps_history)
        for table in selected:
            if problem := _unreadable(table, places):
                drafts.flag(table.full_name, f"left out: {problem}")
            else:
                _draft(drafts, table, known)
        if not inspector.sees_sessions and drafts.texts:
            drafts.flag(source, _BLIND)
    drafts.flag_gone(known.values())
    if changed := write_files(drafts.texts):
        read_catalog(settings.catalog_dir)
    return Discovery(source, tuple(drafts.copied), changed, drafts.changes, drafts.flags)


def _new_system(source: str) -> SourceSystem:
    if not SOURCE_NAME.fullmatch(source):
        raise ConfigError(
            f"{source!r} cannot be the name of a source.",
            f"Use up to {MAX_SOURCE_LENGTH} small letters, digits and underscores, a letter first.",
        )
    return SourceSystem(
        name=source, description=f"A database found by discovery; ETL_{source.upper()}_URL says where."
    )


def _inspect(system: SourceSystem, settings: Settings) -> AbstractContextManager[Inspector]:
    if system.kind != "database":
        raise ConfigError(
            f"The source '{system.name}' is of kind '{system.kind}'; only databases say what is in them.",
            "Declare its tables by hand; docs/adding.md says how.",
        )
    kind, address = database_of(system, settings)
    return inspect_mysql(address, settings) if kind == "mysql" else inspect_postgresql(address, settings)


def _nothing_selected(source: str, there: list[FoundTable]) -> ConfigError:
    return ConfigError(
        f"Of the {len(there)} tables and views that the account of '{source}' can read, none is meant.",
        "Correct 'include' and 'exclude', which have patterns such as 'sales.*'; or grant select.",
    )


def _places(there: list[FoundTable]) -> Places:
    """Where the sources find a table: by schema and name, or by the name alone in the usual schema."""
    places: Places = {(t.schema, t.name): t for t in there}
    return places | {(None, t.name): t for t in there if t.is_usual_schema}


def _meant(reference: str, places: Places) -> FoundTable | None:
    """The table that a reference of the catalog means, as the sources read it."""
    return next((places[place] for place in name_candidates(reference) if place in places), None)


def _known_tables(catalog: Catalog, source: str, places: Places) -> dict[str, SourceTable]:
    """Full name at the source -> the declaration that means it."""
    known: dict[str, SourceTable] = {}
    for table in (catalog.tables[name] for name in catalog.tables_of(source)):
        meant = _meant(table.table, places) if table.table else None
        if meant is not None:
            known.setdefault(meant.full_name, table)
    return known


def _unreadable(table: FoundTable, places: Places) -> str | None:
    """Why a table cannot be declared by its name."""
    if not table.columns:
        return "it has no column that can be read"
    if len(table.columns) > _MOST_COLUMNS:
        return f"it has {len(table.columns)} columns, a table of the warehouse {_MOST_COLUMNS} at most"
    if _meant(table.reference, places) is not table:
        return f"'{table.reference}' means another table, too; declare a query on it"
    return None


def _refuse_frozen(declared: list[tuple[SourceTable, FoundTable]], inspector: Inspector) -> None:
    """Before anything is written or loaded (law X12)."""
    found = (frozen_drift(table, there, inspector.dialect) for table, there in declared)
    if problems := [problem for problem in found if problem]:
        raise ContractError(
            "\n".join(problems),
            "Correct the catalog files, or let it pass with 'drift: evolve' or 'drift: ignore'.",
        )


def _draft(drafts: Drafts, table: FoundTable, known: dict[str, SourceTable]) -> None:
    """One table; one that cannot be read, such as a view of what is gone, is left out."""
    declared = known.get(table.full_name)
    try:
        if declared is None:
            drafts.declare(table, drafts.new_name(table))
        elif drafts.overwrites:
            drafts.declare(table, declared.name)
        else:
            drafts.complete(table, declared)
    except SourceError as error:
        drafts.flag(table.full_name, f"left out: {error.problem}")
