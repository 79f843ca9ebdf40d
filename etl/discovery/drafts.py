"""The files that a discovery is going to write, table by table: all are checked before any is written."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import ValidationError

from etl.catalog import Catalog, Dimension, Model, SourceSystem, SourceTable
from etl.discovery.completing import Completed, completed_dimension, completed_table
from etl.discovery.cursors import find_cursor
from etl.discovery.declaring import (
    Choice,
    can_keep_history,
    dimension_content,
    dimension_name,
    table_content,
)
from etl.discovery.files import CatalogFolder
from etl.discovery.found import FoundTable, Inspector
from etl.discovery.names import column_name, table_name
from etl.discovery.profile import TableProfile, can_show, profile
from etl.discovery.suites import LEAST_ROWS_OF_A_VALUE, is_personal, suite_content
from etl.discovery.yaml_text import written
from etl.errors import ConfigError

ModelT = TypeVar("ModelT", bound=Model)


class Drafts:
    """Collects what will be written.

    Attributes:
        texts: File -> what will stand in it.
        copied: Catalog names of the tables that are copied.
        changes: Catalog name -> what becomes otherwise in files that are there.
        flags: Name -> what to know of a table.
        overwrites: Files that are there are written anew.
    """

    def __init__(
        self,
        folder: CatalogFolder,
        catalog: Catalog,
        system: SourceSystem,
        inspector: Inspector,
        overwrites: bool,
        keeps_history: bool,
    ) -> None:
        self.texts: dict[Path, str] = {}
        self.copied: list[str] = []
        self.changes: dict[str, list[str]] = {}
        self.flags: dict[str, list[str]] = {}
        self.overwrites, self._keeps_history = overwrites, keeps_history
        self._folder, self._catalog, self._system, self._inspector = folder, catalog, system, inspector
        self._names = {table.name for table in catalog.tables.values() if table.source == system.name}
        self._day = inspector.now.date()
        self._met: set[str] = set()
        if system.name not in catalog.sources:
            self.texts[folder.source(system.name)] = written({"description": system.description})

    def new_name(self, table: FoundTable) -> str:
        """A name that no other table of the source has."""
        schema = None if table.is_usual_schema else table.schema
        name = table_name(table.name, schema, self._system.name, self._names)
        self._names.add(name)
        return name

    def declare(self, found: FoundTable, name: str) -> None:
        """A table that is new, or to be written anew.

        Raises:
            SourceError: It cannot be read.
        """
        seen = self._profile(found)
        is_mysql = self._inspector.dialect.is_mysql
        cursor = find_cursor(self._inspector, found, self._system.time_zone)
        choice = Choice(cursor, self._keeps_history and can_keep_history(found), is_mysql)
        content = table_content(found, choice, seen)
        table = self._checked(SourceTable, content, name=name, source=self._system.name)
        comment = f"Written by discovery on {self._day}; yours to change: it is only completed from now on."
        self.texts[self._folder.table(self._system.name, name)] = written(content, comment)
        self._draft_suite(table, found, seen)
        if choice.keeps_history:
            path, history = self._folder.dimension(dimension_name(table)), dimension_content(table)
            self._checked(Dimension, history, name=path.stem)
            self.texts[path] = written(history, comment)
        self.copied.append(table.qualified_name)

    def complete(self, found: FoundTable, table: SourceTable) -> None:
        """A table that is there, by its policy (law X12).

        Raises:
            SourceError: It cannot be read.
            ConfigError: Its file cannot be completed where it stands.
        """
        table = self._complete_table(found, table)
        dimension = self._own_dimension(table)
        if dimension is not None:
            path = self._folder.dimension(dimension.name)
            completed = completed_dimension(path.read_text("utf-8"), dimension, table)
            self._take(path, completed, table.qualified_name)
        if not self._folder.suite(table.source, table.name).exists():
            self._draft_suite(table, found, self._profile(found))
        if table.replica is not None or dimension is not None:
            self.copied.append(table.qualified_name)

    def flag(self, table: str, text: str) -> None:
        """Something to know of a table."""
        self.flags.setdefault(table, []).append(text)

    def flag_gone(self, declared: Iterable[SourceTable]) -> None:
        """Tables of the catalog that the source has no more; their files and copies stay."""
        there = {table.qualified_name for table in declared}
        for name in self._catalog.tables_of(self._system.name):
            if self._catalog.tables[name].table and name not in there:
                self.flag(name, "the source has no such table any more; its file and its copy stay")

    def _profile(self, found: FoundTable) -> TableProfile:
        may_show = [
            name
            for name, column in found.columns.items()
            if can_show(column) and not column.labels and not is_personal(column_name(name, ()))
        ]
        return profile(self._inspector, found, may_show, LEAST_ROWS_OF_A_VALUE)

    def _draft_suite(self, table: SourceTable, found: FoundTable, seen: TableProfile) -> None:
        path = self._folder.suite(table.source, table.name)
        if self.overwrites or not path.exists():
            comment = f"Written by discovery on {self._day}; yours to sharpen."
            self.texts[path] = written(suite_content(table, found, seen, self._day), comment)

    def _own_dimension(self, table: SourceTable) -> Dimension | None:
        """The dimension that discovery made for the table, if it did."""
        dimension = self._catalog.dimensions.get(dimension_name(table))
        events = dimension.events if dimension else ()
        return dimension if [event.table for event in events] == [table.qualified_name] else None

    def _complete_table(self, found: FoundTable, table: SourceTable) -> SourceTable:
        """The table as it is declared from now on."""
        path = self._folder.table(table.source, table.name)
        try:
            completed = completed_table(path.read_text("utf-8"), table, found, self._inspector.dialect)
        except LookupError as error:
            raise ConfigError(
                f"{path}: '{error.args[0]}' is not written in a form that can be completed where it stands.",
                "Write it as the files beside it do, or bring it up to date by hand.",
            ) from None
        self._take(path, completed, table.qualified_name)
        if not completed.changes:
            return table
        content = yaml.safe_load(completed.text)
        return self._checked(SourceTable, content, name=table.name, source=table.source)

    def _take(self, path: Path, completed: Completed, table: str) -> None:
        """Keep what a file becomes, and what is to be said of it."""
        for text in completed.flags:
            self.flag(table, text)
        if completed.changes:
            self.changes.setdefault(table, []).extend(completed.changes)
            self.texts[path] = completed.text

    def _checked(self, model: type[ModelT], content: Any, **implied: str) -> ModelT:
        try:
            return model.model_validate({**content, **implied})
        except ValidationError as error:
            raise ConfigError(
                f"Discovery cannot declare {implied['name']} of '{self._system.name}': {error}",
                "Leave the table out with 'exclude', and declare it by hand.",
            ) from None
