"""The fields that records have, held against the declared ones as they stream (law X12).

An API has no metadata: what it has is known when it has been read. A field that is new stops the
extraction at once under ``freeze``; one that is gone is known at the end.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from etl.catalog import Endpoint, SourceTable
from etl.errors import ContractError

_SHOWN_CHARACTERS = 500


class Shape:
    """What one read found of the fields of its records.

    Fields of items are those of the rows, where the endpoint explodes a list; of the records around them
    only those count that columns take from there.

    Args:
        where: What is done, for messages.
    """

    def __init__(self, table: SourceTable, endpoint: Endpoint, where: str) -> None:
        self._table, self._where = table, where
        self._freezes = table.drift == "freeze"
        fields = {name: column.source_name or name for name, column in table.columns.items()}
        around = {fields[name] for name, column in table.columns.items() if column.of_parent}
        own = {fields[name] for name, column in table.columns.items() if not column.of_parent}
        self._known = own | set(endpoint.unused)
        self._unmet_own, self._unmet_around = set(own), {*around, *endpoint.explode[:1]}
        self._needed = {fields[name] for name in _needed(table, endpoint)} | set(endpoint.explode[:1])
        self._omits_nulls = endpoint.omits_nulls
        self._has_items = self._has_records = False
        self._drifts: list[str] = []

    def meet_record(self, record: Mapping[str, Any]) -> None:
        """Take note of the fields of a record around items."""
        self._has_records = True
        if self._unmet_around:
            self._unmet_around.difference_update(record)

    def meet_item(self, item: Mapping[str, Any]) -> None:
        """Take note of the fields of what becomes a row.

        Raises:
            ContractError: One is not declared, and the policy is ``freeze``.
        """
        self._has_items = True
        if self._unmet_own:
            self._unmet_own.difference_update(item)
        if not item.keys() <= self._known:
            new = [field for field in item if field not in self._known]
            self._known.update(new)
            self._note(f"the records have {_listed(new)}, which is not declared", self._freezes)

    def end(self) -> str | None:
        """What was found different and the policy lets pass, once all records have been met.

        Raises:
            ContractError: No record has a declared field, and the policy is ``freeze`` or the table cannot be
                without it.
        """
        gone = self._unmet_own if self._has_items else set()
        gone |= self._unmet_around if self._has_records else set()
        if self._omits_nulls:
            gone &= self._needed
        if gone:
            must = self._freezes or bool(gone & self._needed)
            self._note(f"no record has {_listed(sorted(gone))}, which is declared", must)
        return "; ".join(self._drifts) or None

    def _note(self, drift: str, is_refused: bool) -> None:
        if not is_refused:
            self._drifts.append(f"{self._table.qualified_name}: {drift} (drift: {self._table.drift})")
            return
        raise ContractError(
            f"{self._where}: {drift} (drift: {self._table.drift}).",
            f"Correct 'columns' in {self._table.catalog_file}, name what is "
            "not wanted under 'unused' of its endpoint, or let it pass with 'drift: evolve' or 'ignore'.",
        )


def _needed(table: SourceTable, endpoint: Endpoint) -> Iterable[str]:
    """Columns without which the table cannot be read."""
    never_null = [name for name, column in table.columns.items() if not column.nullable]
    cursor = [] if table.cursor is None or table.null_cursor != "fail" else [table.cursor]
    return {*table.key, *cursor, *([] if endpoint.omits_nulls else never_null)}


def _listed(names: Sequence[Any]) -> str:
    # repr: a hostile name may hold line ends, and half characters that no text can hold.
    text = ", ".join(map(repr, names))
    return text if len(text) <= _SHOWN_CHARACTERS else f"{text[:_SHOWN_CHARACTERS]} …"
