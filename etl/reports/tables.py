"""A table for people: declared columns, and its forms as text, Markdown, artifact rows and CSV."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any, Literal

Kind = Literal[
    "text",
    "status",
    "count",
    "amount",
    "pct",
    "date",
    "instant",
    "seconds",
    "hours",
    "days",
    "link",
    "receipt",
    "judgement",
]
Row = dict[str, Any]

NUMERIC: tuple[Kind, ...] = ("count", "amount", "pct", "seconds", "hours", "days")
NOTHING = "–"
_FORMULA_STARTS = ("=", "+", "-", "@", "＝", "＋", "－", "＠")


@dataclass(frozen=True, slots=True)
class Column:
    """One column.

    Attributes:
        name: In the rows and in the CSV file.
        label: Heading for people.
        kind: How values are shown; ``receipt`` holds the id of a run and ``judgement`` a page of the Data
            Docs, and a page of the report leads there.
        is_detail: Too long for a page's table, where it stands elsewhere; kept in the CSV file.
    """

    name: str
    label: str
    kind: Kind = "text"
    is_detail: bool = False

    @property
    def is_numeric(self) -> bool:
        """True when values stand to the right."""
        return self.kind in NUMERIC

    def shown(self, row: Row) -> str:
        """The row's value as people read it."""
        return shown(row[self.name], self.kind)


@dataclass(frozen=True, slots=True)
class ReportTable:
    """Rows with declared columns.

    Attributes:
        name: Lower case with hyphens; the stem of the CSV file and the key of a Prefect artifact.
        note: What a row is and what counts, in one sentence.
        rows: Values as the warehouse gives them, by column name; more than the columns is allowed.
    """

    name: str
    title: str
    note: str
    columns: tuple[Column, ...]
    rows: tuple[Row, ...]

    @property
    def page_columns(self) -> tuple[Column, ...]:
        """The columns of the table on a page."""
        return tuple(column for column in self.columns if not column.is_detail)

    def as_rows(self) -> list[dict[str, str]]:
        """Formatted values by heading, as a Prefect table artifact takes them."""
        return [{column.label: column.shown(row) for column in self.columns} for row in self.rows]

    def without_empty_counts(self) -> ReportTable:
        """The table without those columns of counts that are zero in every row."""
        kept = tuple(c for c in self.columns if c.kind != "count" or any(row[c.name] for row in self.rows))
        return replace(self, columns=kept)

    def as_csv(self) -> str:
        """Unformatted values under the column names; text that would be a formula is defused (law P4)."""
        buffer = io.StringIO(newline="")
        writer = csv.writer(buffer)
        writer.writerow([column.name for column in self.columns])
        writer.writerows([_plain(row[column.name]) for column in self.columns] for row in self.rows)
        return buffer.getvalue()


def shown(value: Any, kind: Kind) -> str:
    """A value as people read it: thousands separators, two decimals for amounts, UTC for instants."""
    return NOTHING if value is None else _FORMATS[kind](value)


def defused(text: str) -> str:
    """``text`` with an apostrophe before it where a spreadsheet would run it as a formula."""
    is_formula = text.lstrip().startswith(_FORMULA_STARTS) or text[:1] in ("\t", "\r", "\n")
    return f"'{text}" if is_formula else text


def _plain(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat(timespec="seconds")
    if isinstance(value, (int, Decimal, date)):
        return str(value)
    return defused(str(value))


def _instant(value: datetime) -> str:
    return f"{value.astimezone(UTC):%Y-%m-%d %H:%M} UTC"


_FORMATS: dict[Kind, Callable[[Any], str]] = {
    "text": str,
    "status": lambda value: str(value).replace("_", " "),
    "count": lambda value: f"{value:,.0f}",
    "amount": lambda value: f"{value:,.2f}",
    "pct": lambda value: f"{value:,.1f} %",
    "date": str,
    "instant": _instant,
    "seconds": lambda value: f"{value:,.1f}",
    "hours": lambda value: f"{value:,.1f}",
    "days": lambda value: f"{value:,.1f}",
    "link": str,
    "receipt": str,
    "judgement": str,
}
