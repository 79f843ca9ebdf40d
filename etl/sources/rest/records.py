"""Records and their child lists as Arrow batches: every value as its own exact text (laws F2, X14)."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pyarrow as pa

from etl.catalog import Column, SourceTable
from etl.errors import ContractError
from etl.sources.rest.pages import Record
from etl.windows import Window, cursor_text, precedes

CURSOR, DRIFT, FAULT = "_cursor", "_drift", "_fault"
_LONGEST_PLAIN_EXPONENT = 100
_NOT_UNICODE = "holds half a character (a lone surrogate), which is no text"
_MISSING = object()

# A record and the item of its child list that is the row; without a list, the record twice.
_Row = tuple[Record, Record]


class RecordShaper:
    """Shapes the pages of one read, and watches over their fields (law X12).

    Attributes:
        schema: The declared columns as text, ``_cursor``, ``_fault`` and ``_drift``.
    """

    def __init__(self, table: SourceTable, window: Window, zone: str) -> None:
        self._table, self._window, self._zone = table, window, ZoneInfo(zone)
        self._explode = table.endpoint.explode if table.endpoint else ()
        self._known = _known_fields(table)
        self._unmet = set(table.columns)
        self._told: set[str] = set()
        self._drifts: list[str] = []
        self._row_count = 0
        names = [*table.columns, CURSOR, FAULT, DRIFT]
        self.schema = pa.schema([(name, pa.string()) for name in names])

    def shape(self, records: Iterable[Record]) -> pa.RecordBatch:
        """One batch out of the records of a page: those within the window.

        Raises:
            ContractError: A field is not declared and the table freezes its shape, a child list is no
                list of objects, or a row has no cursor although it must have one.
        """
        rows = []
        for record, item in self._rows(records):
            self._row_count += 1
            self._note_new_fields(item)
            cursor = self._cursor(record, item)
            if self._is_within(cursor):
                rows.append((*self._texts(record, item), cursor))
        columns: list[list[str | None]] = [list(values) for values in zip(*rows, strict=True)]
        if not rows:
            columns = [[] for _ in range(len(self._table.columns) + 1)]
        faults = _clean(columns)
        arrays = [
            pa.array(values, pa.string()) for values in (*columns, faults, self._told_drifts(len(rows)))
        ]
        return pa.record_batch(arrays, schema=self.schema)

    def require_met(self) -> None:
        """Hold the declared columns against the fields of all records, once they were read.

        Raises:
            ContractError: No record has a field that is declared, and the table freezes its shape, or the
                column is never NULL.
        """
        gone = {
            n for n in self._unmet if self._table.drift == "freeze" or not self._table.columns[n].nullable
        }
        if self._row_count and gone:
            raise ContractError(
                f"{self._table.qualified_name}: no record has the declared {', '.join(sorted(gone))}.",
                self._remedy(),
            )

    def _rows(self, records: Iterable[Record]) -> Iterator[_Row]:
        if not self._explode:
            yield from ((record, record) for record in records)
            return
        for record in records:
            items = _at(record, self._explode)
            if items is _MISSING or items is None:
                continue
            if not isinstance(items, list) or not all(isinstance(item, dict) for item in items):
                raise ContractError(
                    f"{self._table.qualified_name}: {'.'.join(self._explode)} of a record "
                    "is no list of objects.",
                    "Correct endpoint.explode in the table's catalog file.",
                )
            yield from ((record, item) for item in items)

    def _note_new_fields(self, item: Record) -> None:
        """Note the fields that were not met before and are not declared."""
        fresh = sorted(item.keys() - self._known - self._told)
        self._told.update(fresh)
        self._drifts += [f"a record has a field {name!r} that is not declared" for name in fresh]
        if fresh and self._table.drift == "freeze":
            raise ContractError(
                f"{self._table.qualified_name}: a record has the fields {', '.join(map(repr, fresh))} "
                "that are not declared.",
                self._remedy(),
            )

    def _told_drifts(self, count: int) -> list[str | None]:
        """What was noted, in the first of the rows; kept for the next batch where there is none."""
        if not count:
            return []
        told, self._drifts = "; ".join(self._drifts) or None, []
        return [told, *[None] * (count - 1)]

    def _texts(self, record: Record, item: Record) -> list[str | None]:
        texts = []
        for name, column in self._table.columns.items():
            value = _at(record if column.of_parent else item, (column.source_name or name, *column.path))
            if value is not _MISSING:
                self._unmet.discard(name)
            texts.append(None if value is _MISSING or value is None else text_of(value))
        return texts

    def _cursor(self, record: Record, item: Record) -> str | None:
        if self._table.cursor is None:
            return None
        names = [self._table.cursor]
        if self._table.null_cursor == "coalesce" and self._table.null_cursor_fallback:
            names.append(self._table.null_cursor_fallback)
        for name in names:
            column = self._table.columns[name]
            value = _at(record if column.of_parent else item, (column.source_name or name, *column.path))
            if value is not _MISSING and value is not None:
                return self._cursor_text(name, value)
        if self._table.null_cursor == "always":
            return None
        raise ContractError(
            f"{self._table.qualified_name}: a record has no cursor '{self._table.cursor}' "
            "and belongs to no window.",
            f"Set null_cursor in {self._file()} to 'always' or 'coalesce', or mend the API.",
        )

    def _cursor_text(self, name: str, value: Any) -> str:
        try:
            if self._table.cursor_kind == "integer":
                return str(int(value))
            instant = datetime.fromisoformat(str(value))
        except (ValueError, OverflowError):
            raise ContractError(
                f"{self._table.qualified_name}: the cursor '{name}' of a record is "
                f"no {'whole number' if self._table.cursor_kind == 'integer' else 'instant of ISO 8601'}.",
                "Choose another cursor, or none: the table is then read whole.",
            ) from None
        aware = instant if instant.tzinfo else instant.replace(tzinfo=self._zone)
        return cursor_text(aware.astimezone(UTC))

    def _is_within(self, cursor: str | None) -> bool:
        """APIs may ignore or round the bounds they are given; the window decides."""
        low, high = self._window.low, self._window.high
        if cursor is None or self._table.cursor is None:
            return True
        return (low is None or not precedes(cursor, low)) and (high is None or precedes(cursor, high))

    def _remedy(self) -> str:
        return (
            f"Correct 'columns' in {self._file()}, list the field under endpoint.unused, "
            "or let it pass with 'drift: evolve' or 'drift: ignore'."
        )

    def _file(self) -> str:
        return f"catalog/tables/{self._table.source}/{self._table.name}.yaml"


def text_of(value: Any) -> str:
    """The exact text of a JSON value: texts as they are, numbers in full, anything nested as JSON."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Decimal):
        return format(value, "f") if abs(value.adjusted()) <= _LONGEST_PLAIN_EXPONENT else str(value)
    return str(value) if isinstance(value, int) else _json_text(value)


def _json_text(value: Any) -> str:
    """JSON in which decimals keep their digits, which ``json.dumps`` has no way for."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{json.dumps(k)}: {_json_text(v)}" for k, v in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(_json_text, value)) + "]"
    return str(value) if isinstance(value, Decimal) else json.dumps(value)


def _at(record: Record, keys: tuple[str, ...]) -> Any:
    """The value at the end of the keys; keys into a list are places in it."""
    value: Any = record
    for key in keys:
        if isinstance(value, dict) and key in value:
            value = value[key]
        elif isinstance(value, list) and key.isdigit() and int(key) < len(value):
            value = value[int(key)]
        else:
            return _MISSING
    return value


def _known_fields(table: SourceTable) -> set[str]:
    def first(name: str, column: Column) -> str:
        return column.source_name or name

    own = {first(name, column) for name, column in table.columns.items() if not column.of_parent}
    return own | set(table.endpoint.unused if table.endpoint else ())


def _clean(columns: list[list[str | None]]) -> list[str | None]:
    """Replace what is no Unicode text; the fault of each row, NULL for a sound one."""
    faults: list[str | None] = [None] * len(columns[0])
    for values in columns:
        for place, text in enumerate(values):
            if text is not None and not _is_unicode(text):
                values[place] = text.encode("utf-8", "replace").decode("utf-8")
                faults[place] = _NOT_UNICODE
    return faults


def _is_unicode(text: str) -> bool:
    if text.isascii():
        return True
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True
