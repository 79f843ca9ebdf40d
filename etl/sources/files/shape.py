"""The columns that a file has, held against the declared ones by the table's policy (laws X11, X12)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Sequence
from typing import NoReturn

from etl.catalog import SourceTable
from etl.catalog.files import LANDED_COLUMNS
from etl.errors import FileFault

_SHOWN_CHARACTERS = 500


class FileShape:
    """What one file's columns are, as far as it has been read.

    A column is needed where it is part of the key, the cursor or never NULL; under ``freeze`` all are.

    Attributes:
        labels: Declared name -> name in the file, of the columns that its rows have.

    Args:
        table: The declaration.
        field_of: The field of a record in which a label is found; for formats whose labels reach further in.
    """

    def __init__(self, table: SourceTable, field_of: Callable[[str], str] = str) -> None:
        self._freezes = table.drift == "freeze"
        self._policy = table.drift
        self.labels = {
            name: label
            for name, column in table.columns.items()
            if (label := column.source_name or name) not in LANDED_COLUMNS and not column.of_parent
        }
        needed = {*table.key, *filter(None, [table.cursor])}
        needed |= {name for name, column in table.columns.items() if not column.nullable}
        self._needed = {self.labels[name] for name in needed if name in self.labels}
        unused = table.files.unused if table.files else ()
        self._fields = {field_of(label) for label in (*self.labels.values(), *unused)}
        self._unmet = {field_of(label) for label in self._needed} - {""}
        self._has_records = False
        self._drifts: list[str] = []

    def positions(self, header: Sequence[str]) -> dict[str, int]:
        """Where the declared columns stand in a header; those that are not there are missing.

        Raises:
            FileFault: A column is missing or new against the policy, or stands there twice.
        """
        names = [name.strip() for name in header]
        expected = {label.strip(): label for label in self.labels.values()}
        missing = [label for name, label in expected.items() if name not in names]
        added = [name for name in names if name and name not in expected and name not in self._fields]
        twice = [name for name, count in Counter(names).items() if name in expected and count > 1]
        if twice:
            raise FileFault(f"its header has {_listed(twice)} twice", "Mend the header.")
        refused = [label for label in missing if self._freezes or label in self._needed]
        if refused:
            _refuse(f"its header lacks {_listed(refused)}; it has {_listed(list(filter(None, names)))}")
        for label in missing:
            self._drifts.append(f"its header lacks {label!r} (drift: {self._policy})")
        self._meet_new(added)
        places = {name: at for at, name in enumerate(names)}
        return {name: places[label.strip()] for name, label in self.labels.items() if label.strip() in places}

    def meet(self, fields: Collection[str]) -> None:
        """Take note of the fields of a record, in formats without a header.

        Raises:
            FileFault: One is not declared, and the policy is ``freeze``.
        """
        self._has_records = True
        if self._unmet:
            self._unmet.difference_update(fields)
        self._meet_new([field for field in fields if field not in self._fields])

    def require_met(self) -> None:
        """Refuse a file that has records, but none with a needed field.

        Raises:
            FileFault: Names the fields.
        """
        if self._has_records and self._unmet:
            _refuse(f"none of its records has {_listed(sorted(self._unmet))}")

    def take_drifts(self) -> str | None:
        """What was found different since it was asked last."""
        found, self._drifts = self._drifts, []
        return "; ".join(found) or None

    def _meet_new(self, added: Sequence[str]) -> None:
        if added and self._freezes:
            _refuse(f"it has {_listed(added)}, which is not declared (drift: freeze)")
        for field in added:
            self._fields.add(field)
            self._drifts.append(f"it has {field!r}, which is not declared (drift: {self._policy})")


def _listed(names: Sequence[str]) -> str:
    text = ", ".join(map(repr, names)) or "nothing"
    return text if len(text) <= _SHOWN_CHARACTERS else f"{text[:_SHOWN_CHARACTERS]} …"


def _refuse(what: str) -> NoReturn:
    raise FileFault(what, "Mend the file, or the table's columns and 'drift' in its catalog file.")
