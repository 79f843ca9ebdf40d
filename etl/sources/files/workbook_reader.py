"""Reads one workbook in a process of its own, with bounded memory and time (laws P4, X13).

A workbook of five kilobytes may claim a billion cells, at which its reader ends the process it runs in.
Run as a program: the workbook on standard input, a JSON request as the only argument. It answers with
JSON lines: ``{"sheet": name}``, a list of cells for each row (text, null, or ``{"error": text}``), and at
last ``{"end": true}`` or ``{"failed": why}``.
"""

from __future__ import annotations

import datetime as dt
import json
import resource
import sys
import zipfile
from collections.abc import Iterator
from decimal import Decimal
from typing import IO, Any, NoReturn
from xml.etree.ElementTree import Element

from defusedxml.ElementTree import iterparse, parse
from python_calamine import CalamineSheet, CalamineWorkbook, SheetTypeEnum

_ERRORS = frozenset(("#DIV/0!", "#N/A", "#NAME?", "#NULL!", "#NUM!", "#REF!", "#VALUE!"))
_LETTERS = 26

Cell = str | None | dict[str, str]
Place = tuple[int, int]


def main(request: dict[str, Any], workbook: IO[bytes]) -> None:
    """Answer a request: ``sheet`` (null for all), ``memory_bytes`` and ``cpu_seconds``."""
    resource.setrlimit(resource.RLIMIT_AS, (request["memory_bytes"],) * 2)
    resource.setrlimit(resource.RLIMIT_CPU, (request["cpu_seconds"],) * 2)
    try:
        _answer_sheets(request["sheet"], workbook)
        _answer({"end": True})
    except BaseException as error:  # a panic of the Rust reader is no Exception
        _answer({"failed": f"{type(error).__name__}: {error}"})


def _answer_sheets(wanted: str | None, stream: IO[bytes]) -> None:
    workbook = CalamineWorkbook.from_filelike(stream)
    names = [m.name for m in workbook.sheets_metadata if m.typ == SheetTypeEnum.WorkSheet]
    if wanted is not None and wanted not in names:
        _fail(f"it has no sheet {wanted!r}; it has {names}")
    package = zipfile.ZipFile(stream) if zipfile.is_zipfile(stream) else None
    for name in names if wanted is None else [wanted]:
        _answer({"sheet": name})
        for row in _rows(workbook.get_sheet_by_name(name), _Errors.of(package, name)):
            _answer(row)


def _rows(sheet: CalamineSheet, errors: _Errors) -> Iterator[list[Cell]]:
    """All rows from the first of the sheet, each from its first column."""
    if sheet.start is None:
        return
    left, merged = [None] * sheet.start[1], _Merged(sheet.merged_cell_ranges or [])
    for number, values in enumerate(sheet.iter_rows()):
        cells: list[Cell] = [*left, *map(_text, values)]
        errors.mark(number, cells)
        merged.fill(number, cells)
        yield cells


def _text(value: Any) -> str | None:
    """The value as text: numbers as short as they are exact, dates and times as ISO; empty is no value."""
    if isinstance(value, str):
        return value or None
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return format(Decimal(repr(value)), "f").removesuffix(".0")
    return _time_text(value)


def _time_text(value: dt.datetime | dt.date | dt.time | dt.timedelta) -> str:
    if isinstance(value, dt.datetime):
        return value.isoformat(sep=" ")
    if isinstance(value, dt.timedelta):
        minutes, seconds = divmod(value // dt.timedelta(seconds=1), 60)
        return f"{minutes // 60:02}:{minutes % 60:02}:{seconds:02}"
    return value.isoformat()


class _Merged:
    """Merged cells: each has the value that stands in the first of them."""

    def __init__(self, ranges: list[tuple[Place, Place]]) -> None:
        self._coming = sorted(ranges, reverse=True)
        self._open: list[tuple[Place, Place, Cell]] = []

    def fill(self, row: int, cells: list[Cell]) -> None:
        """Fill the cells of the next row."""
        while self._coming and self._coming[-1][0][0] <= row:
            first, last = self._coming.pop()
            self._open.append((first, last, cells[first[1]] if first[1] < len(cells) else None))
        for first, last, value in self._open:
            for column in range(first[1], min(last[1] + 1, len(cells))):
                if cells[column] is None:
                    cells[column] = value
        self._open = [merged for merged in self._open if merged[1][0] > row]


class _Errors:
    """Cells that are errors, which the workbook's reader gives as empty ones.

    Of .xlsx they are found in the sheet itself; .ods has them as texts; of .xls they stay empty.
    """

    def __init__(self, places: dict[Place, str], are_texts: bool) -> None:
        self._places, self._are_texts = places, are_texts

    @classmethod
    def of(cls, package: zipfile.ZipFile | None, sheet: str) -> _Errors:
        """The errors of one sheet."""
        names = package.namelist() if package else []
        if package is None or "xl/workbook.xml" not in names:
            return cls({}, "content.xml" in names)
        member = _member_of(package, sheet)
        return cls(_error_cells(package, member) if member in names else {}, False)

    def mark(self, row: int, cells: list[Cell]) -> None:
        """Put the errors in their places."""
        for column, cell in enumerate(cells):
            if (error := self._places.get((row, column))) or (self._are_texts and cell in _ERRORS):
                cells[column] = {"error": error or str(cell)}


def _member_of(package: zipfile.ZipFile, sheet: str) -> str:
    """Path of a sheet in an .xlsx, by its workbook's relations."""
    with package.open("xl/workbook.xml") as file:
        ids = {s.get("name"): _attribute(s, "id") for s in parse(file).iter() if _is(s, "sheet")}
    with package.open("xl/_rels/workbook.xml.rels") as file:
        targets = {r.get("Id"): r.get("Target", "") for r in parse(file).iter() if _is(r, "Relationship")}
    target = targets.get(ids.get(sheet)) or ""
    return target.lstrip("/") if target.startswith("/") else f"xl/{target}"


def _error_cells(package: zipfile.ZipFile, member: str) -> dict[Place, str]:
    with package.open(member) as file:
        if not any(mark in file.read() for mark in (b't="e"', b"t='e'")):
            return {}
    found: dict[Place, str] = {}
    row = -1
    with package.open(member) as file:
        for element in (e for _, e in iterparse(file) if _is(e, "row")):
            row = int(element.get("r", row + 2)) - 1
            column = -1
            for cell in element:
                column = _column(cell.get("r", "")) if cell.get("r") else column + 1
                if cell.get("t") == "e":
                    found[row, column] = "".join(cell.itertext()) or "an error"
            element.clear()
    return found


def _column(reference: str) -> int:
    """Column, from 0, of a reference such as AB12."""
    column = 0
    for letter in reference.rstrip("0123456789"):
        column = column * _LETTERS + ord(letter) - ord("A") + 1
    return column - 1


def _is(element: Element, name: str) -> bool:
    """Strict workbooks have other namespaces for the same names."""
    return str(element.tag).rpartition("}")[2] == name


def _attribute(element: Element, name: str) -> str | None:
    return next((value for key, value in element.attrib.items() if key.rpartition("}")[2] == name), None)


def _answer(message: object) -> None:
    sys.stdout.write(f"{json.dumps(message)}\n")


def _fail(why: str) -> NoReturn:
    raise ValueError(why)


if __name__ == "__main__":
    main(json.loads(sys.argv[1]), sys.stdin.buffer)
