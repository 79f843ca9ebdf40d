"""What a source says about its own columns, in one form for all systems."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Family = Literal[
    "integer",
    "decimal",
    "float",
    "boolean",
    "text",
    "json",
    "uuid",
    "bytes",
    "date",
    "timestamp",
    "timestamptz",
    "time",
]


@dataclass(frozen=True, slots=True)
class SourceColumn:
    """One column of a source table or declared query.

    Attributes:
        name: As the source writes it.
        sql_type: The source's own type, for messages.
        family: What kind of values it holds; ``text`` also for everything whose exact form is its text.
        kind: The source's plain type name, such as ``numeric``, ``bpchar`` or ``mediumblob``.
        digits: Decimal digits, or digits of a second's fraction; None where the source does not say.
        scale: Decimal digits behind the point; None where each value has its own.
        nullable: False only where the source promises that there is no NULL.
        cast_type: What a constant is cast to for a comparison with this column.
        longest_bytes: Length of the longest text or bytes that it takes; None where the source does not say.
    """

    name: str
    sql_type: str
    family: Family
    kind: str
    digits: int | None = None
    scale: int | None = None
    nullable: bool = True
    cast_type: str = ""
    longest_bytes: int | None = None


def find_column(
    columns: dict[str, SourceColumn], name: str, ignore_case: bool = False
) -> SourceColumn | None:
    """The column of this name; exactly this one first, then, where the system does so, in any case."""
    if name in columns or not ignore_case:
        return columns.get(name)
    return next((column for other, column in columns.items() if other.casefold() == name.casefold()), None)


def name_candidates(name: str) -> list[tuple[str | None, str]]:
    """Readings of a table name of the catalog: as one name, then split into schema and name at each point.

    A name may itself hold points (law P1), so that only the source can tell which reading is right.
    """
    splits = [(name[:at], name[at + 1 :]) for at, letter in enumerate(name) if letter == "."]
    return [(None, name), *((schema, table) for schema, table in splits if schema and table)]
