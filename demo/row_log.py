"""The states of a table's rows day by day, for tables whose rows change one by one."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator

import pyarrow as pa

from demo.tables import KEYS, SCHEMAS, Changes, Key, Row


class RowLog:
    """The state of each row at the end of each day that touched it; day 0 is the opening state.

    Days are written in order. What a row was between two ends of a day is not kept, because a
    reader that comes once a day cannot see it.
    """

    def __init__(self, table: str, opening: Iterable[Row] = ()) -> None:
        self.table = table
        self._key = KEYS[table]
        self._states: dict[Key, list[tuple[int, Row | None]]] = {}
        self._touched: defaultdict[int, dict[Key, None]] = defaultdict(dict)
        for row in opening:
            self.put(0, row)

    def put(self, day: int, row: Row) -> None:
        """The row reads so at the end of ``day``."""
        self._note(day, row[self._key], row)

    def change(self, day: int, key: Key, **values: object) -> None:
        """The row reads as before but for ``values`` at the end of ``day``."""
        self._note(day, key, {**self.row(key), **values})

    def drop(self, day: int, key: Key) -> None:
        """The row is gone at the end of ``day``."""
        self._note(day, key, None)

    def row(self, key: Key) -> Row:
        """The latest state of a row that is there."""
        row = self._states[key][-1][1]
        if row is None:
            raise KeyError(key)
        return row

    def __iter__(self) -> Iterator[Key]:
        """All keys that ever were, in the order in which they came."""
        return iter(self._states)

    def state(self, key: Key, day: int) -> Row | None:
        """The row at the end of ``day``, None when it is not there."""
        return next((row for seen, row in reversed(self._states[key]) if seen <= day), None)

    def touched(self, day: int) -> list[Key]:
        """Keys whose rows change on ``day``."""
        return list(self._touched[day])

    def rows(self, day: int) -> pa.Table:
        """The whole table at the end of ``day``."""
        states = (self.state(key, day) for key in self._states)
        return pa.Table.from_pylist([row for row in states if row is not None], SCHEMAS[self.table])

    def changes(self, day: int) -> Changes:
        """What ``day`` does to the table."""
        inserted: list[Row] = []
        updated: list[Row] = []
        deleted: list[Row] = []
        for key in self._touched[day]:
            before, after = self.state(key, day - 1), self.state(key, day)
            if after is None:
                deleted.append({self._key: key})
            else:
                (inserted if before is None else updated).append(after)
        schema = SCHEMAS[self.table]
        return Changes(
            self.table,
            pa.Table.from_pylist(inserted, schema),
            pa.Table.from_pylist(updated, schema),
            pa.Table.from_pylist(deleted, pa.schema([schema.field(self._key)])),
        )

    def _note(self, day: int, key: Key, row: Row | None) -> None:
        states = self._states.setdefault(key, [])
        if states and states[-1][0] == day:
            states.pop()
        states.append((day, row))
        self._touched[day][key] = None
