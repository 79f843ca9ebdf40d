"""Records into rows: every value as text, as the API wrote it; nested ones as JSON."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import pyarrow as pa

from etl.catalog import Column, Endpoint, SourceTable
from etl.errors import SourceError
from etl.landed_columns import CURSOR, DRIFT, FAULT
from etl.sources.relation import refuse_null_cursors
from etl.sources.rest.instants import cursor_of, landed_instant
from etl.sources.rest.json_text import at_path, kind_of, text_of
from etl.sources.rest.shape import Shape
from etl.windows import Window


class Row(NamedTuple):
    """One row as it lands.

    Attributes:
        cursor: As cursor text; as the record has it where that is no instant, which preparation rejects.
        is_placed: Whether the cursor is an instant.
        fault: Why the row cannot be read whole; None for most.
    """

    values: tuple[str | None, ...]
    cursor: str | None
    is_placed: bool
    fault: str | None


@dataclass(frozen=True, slots=True)
class _Field:
    name: str
    source_name: str
    column: Column

    @staticmethod
    def of(name: str, column: Column) -> _Field:
        return _Field(name, column.source_name or name, column)


class RowMaker:
    """Makes the rows of one read.

    Attributes:
        schema: Of the batches: the declared columns and ``_cursor`` as texts, ``_fault``, and ``_drift`` (in
            one row, what was found different from the catalog) where the policy lets anything pass.

    Args:
        window: The rows to keep; an API may ignore or round the ends that it was given.
        zone: Time zone of instants that carry none.
        where: What is done, for messages.
    """

    def __init__(self, table: SourceTable, endpoint: Endpoint, window: Window, zone: str, where: str) -> None:
        self._table, self._endpoint, self._window = table, endpoint, window
        self._zone, self._where = zone, where
        self._fields = [_Field.of(name, column) for name, column in table.columns.items()]
        self.shape = Shape(table, endpoint, where)
        names = [*table.columns, CURSOR, FAULT, *([] if table.drift == "freeze" else [DRIFT])]
        self.schema = pa.schema({name: pa.string() for name in names})
        self._key = [list(table.columns).index(name) for name in table.key]
        self._cursors = [
            list(table.columns).index(name)
            for name in (
                table.cursor,
                table.null_cursor_fallback if table.null_cursor == "coalesce" else None,
            )
            if name
        ]

    def rows(self, records: Sequence[dict[str, Any]]) -> list[Row]:
        """The rows of a page that lie in the window.

        Raises:
            ContractError: A field is new against the policy, or rows lack a cursor against theirs (law X5).
            SourceError: The list to explode is none, or holds what is no object.
        """
        rows, lacking = [], 0
        for record in records:
            for item in self._items(record):
                row = self._row(item, record)
                if row.cursor is None and row.fault is None and self._must_have_cursor:
                    lacking += 1
                if self._is_in_window(row):
                    rows.append(row)
        refuse_null_cursors(self._table, lacking)
        return rows

    def key_texts(self, rows: Sequence[Row]) -> Iterator[str]:
        """The key of each row that has one, as a text that no other key has."""
        for row in rows:
            key = [row.values[at] for at in self._key]
            if key and None not in key:
                yield repr(key)

    @property
    def _must_have_cursor(self) -> bool:
        return self._table.cursor is not None and self._table.null_cursor != "always"

    def _items(self, record: dict[str, Any]) -> Iterator[dict[str, Any]]:
        """What becomes rows: the record itself, or the items of its list, which may be missing or null."""
        keys = self._endpoint.explode
        if not keys:
            self.shape.meet_item(record)
            yield record
            return
        self.shape.meet_record(record)
        items = self._list(record, keys)
        for number, item in enumerate(items, 1):
            if not isinstance(item, dict):
                raise self._no_rows(f"item {number} of {'.'.join(keys)} is {kind_of(item)} and no object")
            self.shape.meet_item(item)
            yield item

    def _list(self, record: dict[str, Any], keys: tuple[str, ...]) -> list[Any]:
        try:
            items = at_path(record, keys)
        except ValueError as error:
            raise self._no_rows(f"{'.'.join(keys)} {error}") from None
        if items is not None and not isinstance(items, list):
            raise self._no_rows(f"{'.'.join(keys)} is {kind_of(items)} and no list")
        return items or []

    def _row(self, item: Mapping[str, Any], record: Mapping[str, Any]) -> Row:
        values: list[str | None] = []
        fault = None
        for field in self._fields:
            held = record if field.column.of_parent else item
            try:
                values.append(
                    self._text(at_path(held.get(field.source_name), field.column.path), field.column)
                )
            except ValueError as error:
                values.append(None)
                fault = fault or f"the field {field.source_name!r} {error}"
        return Row(tuple(values), *self._cursor(values), fault)

    def _text(self, value: Any, column: Column) -> str | None:
        if value is None:
            return None
        if column.type == "json" or not isinstance(value, str):
            return text_of(value)
        if column.type == "timestamp":
            return landed_instant(value, self._endpoint.instants, self._zone)
        return str(value)

    def _cursor(self, values: Sequence[str | None]) -> tuple[str | None, bool]:
        own = next((value for at in self._cursors if (value := values[at]) is not None), None)
        cursor = None if own is None else cursor_of(own)
        return cursor or own, cursor is not None

    def _is_in_window(self, row: Row) -> bool:
        if row.cursor is None or not row.is_placed:
            return True
        low, high = self._window.low, self._window.high
        return (low is None or low <= row.cursor) and (high is None or row.cursor < high)

    def _no_rows(self, what: str) -> SourceError:
        return SourceError(f"{self._where}: {what}.", "Correct 'explode' of the endpoint.")
