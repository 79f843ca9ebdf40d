"""What a database says of its tables, in one form for all systems."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from fnmatch import fnmatchcase
from typing import Any, Literal, Protocol

from etl.sources.dialect import Dialect
from etl.sources.metadata import SourceColumn


@dataclass(frozen=True, slots=True)
class FoundColumn:
    """One column.

    Attributes:
        source: As the sources know it.
        labels: Values of an enumeration, in its order.
        follows_updates: The database itself sets it whenever the row changes.
    """

    source: SourceColumn
    comment: str = ""
    labels: tuple[str, ...] = ()
    follows_updates: bool = False


@dataclass(frozen=True, slots=True)
class FoundTable:
    """One table or view.

    Attributes:
        columns: Those that can be read; none of a view whose tables are gone.
        reference: How the catalog names it at the source.
        key: Columns, by their names at the source, that are never NULL and tell rows apart; empty for none.
        estimated_rows: As the database guesses; None where it does not.
        is_usual_schema: Its schema need not be named.
        can_sample: Some of its rows can be read without all others.
    """

    schema: str
    name: str
    kind: Literal["table", "view"]
    reference: str
    columns: dict[str, FoundColumn]
    key: tuple[str, ...] = ()
    comment: str = ""
    estimated_rows: int | None = None
    is_usual_schema: bool = True
    can_sample: bool = False

    @property
    def source_columns(self) -> dict[str, SourceColumn]:
        """The columns as the sources know them."""
        return {name: column.source for name, column in self.columns.items()}

    @property
    def full_name(self) -> str:
        """Schema and name, for people and patterns."""
        return f"{self.schema}.{self.name}"


@dataclass(frozen=True, slots=True)
class Selection:
    """Which tables are meant: patterns with ``*``, ``?`` and ``[...]`` over ``table`` or ``schema.table``."""

    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()

    def has(self, table: FoundTable) -> bool:
        """Whether a table is meant: every one that is not excluded, or of those included only."""
        return (not self.include or _matches(table, self.include)) and not _matches(table, self.exclude)


class Inspector(Protocol):
    """One session with a database that only looks."""

    dialect: Dialect

    @property
    def now(self) -> datetime:
        """The clock of the source in UTC, without zone."""
        ...

    @property
    def sees_sessions(self) -> bool:
        """Whether the account may see open transactions, without which no cursor is safe (law X2)."""
        ...

    def tables(self) -> list[FoundTable]:
        """Every table and view that the account can read; partitions only as their table."""
        ...

    def sampled(self, table: FoundTable, columns: Iterable[str], rows: int) -> str:
        """A relation of at most about ``rows`` rows of a table, spread over it where the system can."""
        ...

    def rows(self, statement: str, doing: str) -> list[tuple[Any, ...]]:
        """Rows of a statement.

        Raises:
            SourceError: The server refuses it; says what was done.
        """
        ...


def _matches(table: FoundTable, patterns: Iterable[str]) -> bool:
    return any(fnmatchcase(name, pattern) for pattern in patterns for name in (table.name, table.full_name))
