"""What people ask of the quarantine and what it answers (laws Q2, Q3)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from datetime import datetime
from typing import Any

from etl.errors import ConfigError


@dataclass(frozen=True, slots=True)
class Selection:
    """Which open entries are meant: those that every filter with values lets through.

    Attributes:
        tables: Catalog names.
        rules: Names of rules; an entry that broke one of them is meant.
        runs: Ids of the runs that held the rows back, or how they begin.
        keys: Values of a key column, or ``column=value``.
        ids: Numbers of entries.
        everything: Said by who gives no filter and means all open entries.
        older_than_days: Whole days that entries have waited at least.
    """

    tables: tuple[str, ...] = ()
    rules: tuple[str, ...] = ()
    runs: tuple[str, ...] = ()
    keys: tuple[str, ...] = ()
    ids: tuple[int, ...] = ()
    everything: bool = False
    older_than_days: int = 0

    @property
    def values(self) -> dict[str, Any]:
        """The filters as parameters of a statement."""
        given = {each.name: getattr(self, each.name) for each in fields(self)}
        return {name: list(value) if isinstance(value, tuple) else value for name, value in given.items()}

    def require_meant(self) -> None:
        """Refuse a selection of everything that nobody asked for.

        Raises:
            ConfigError: There is no filter and ``everything`` is not said; or there is both.
        """
        has_filter = any((self.tables, self.rules, self.runs, self.keys, self.ids, self.older_than_days))
        if not has_filter and not self.everything:
            raise ConfigError(
                "No filter says which quarantined rows are meant.",
                "Name tables, rules, runs, keys or ids; or say 'everything' for all that wait.",
            )
        if has_filter and self.everything:
            raise ConfigError(
                "Filters are given, and 'everything' as well.", "Leave one of the two out, as you mean it."
            )


@dataclass(frozen=True, slots=True)
class ReplayBatch:
    """Entries that one run held back, replayed together as they had one ``as_of``.

    Attributes:
        original_run: The run that held them back.
        tables: Catalog names of their tables.
        entry_count: Those that the selection names; what belongs to them comes along.
    """

    original_run: str
    tables: tuple[str, ...]
    entry_count: int


@dataclass(frozen=True, slots=True)
class HeldBackGroup:
    """Open entries of one table and rule from one run; an entry may count under several rules."""

    table_name: str
    rule: str
    run_id: str
    pipeline: str
    entry_count: int
    held_at: datetime
    age_days: int


@dataclass(frozen=True, slots=True)
class HeldBackRow:
    """One entry.

    Attributes:
        row_key: Grain column -> value.
        source_file: Of a row from a file, where its table declares a column for it.
        payload: The row as it was staged, personal data included; only where it was asked for.
    """

    entry_id: int
    table_name: str
    rules: tuple[str, ...]
    row_key: Mapping[str, Any]
    run_id: str
    pipeline: str
    held_at: datetime
    age_days: int
    status: str
    source_file: str | None = None
    as_of: datetime | None = None
    closed_at: datetime | None = None
    closed_run_id: str | None = None
    closed_reason: str | None = None
    payload: Mapping[str, Any] = field(default_factory=dict)

    @property
    def key_text(self) -> str:
        """The key for people: ``column=value``."""
        return ", ".join(f"{name}={value}" for name, value in self.row_key.items()) or "-"
