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
import struct
import sys
import zipfile
from collections.abc import Iterator
from decimal import Decimal
from typing import IO, Any, NoReturn
from xml.etree.ElementTree import Element

from defusedxml.ElementTree import iterparse, parse
from python_calamine import CalamineSheet, CalamineWorkbook, SheetTypeEnum

_ERRORS = {
    0x00: "#NULL!",
    0x07: "#DIV/0!",
    0x0F: "#VALUE!",
    0x17: "#REF!",
    0x1D: "#NAME?",
    0x24: "#NUM!",
    0x2A: "#N/A",
}
_LETTERS = 26
_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_LAST_SECTOR = 0xFFFFFFF9
# Records of .xls: a sheet's place and name, the end of a part, a cell that is an error, a formula's result.
_SHEET, _BEGIN, _END, _ERROR_CELL, _FORMULA = 0x0085, 0x0809, 0x000A, 0x0205, 0x0006

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
    old = {} if package else _old_errors(stream)
    for name in names if wanted is None else [wanted]:
        _answer({"sheet": name})
        errors = _Errors.of(package, name) if package else _Errors(old.get(name, {}))
        for row in _rows(workbook.get_sheet_by_name(name), errors):
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
    """Cells that are errors, which the workbook's reader gives as empty ones, or (.ods) as texts."""

    def __init__(self, places: dict[Place, str], are_texts: bool = False) -> None:
        self._places, self._are_texts = places, are_texts

    @classmethod
    def of(cls, package: zipfile.ZipFile, sheet: str) -> _Errors:
        """The errors of one sheet of an .xlsx or .ods."""
        names = package.namelist()
        if "xl/workbook.xml" not in names:
            return cls({}, are_texts="content.xml" in names)
        member = _member_of(package, sheet)
        return cls(_error_cells(package, member) if member in names else {})

    def mark(self, row: int, cells: list[Cell]) -> None:
        """Put the errors in their places."""
        for column, cell in enumerate(cells):
            if (error := self._places.get((row, column))) or (self._are_texts and cell in _ERRORS.values()):
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


def _old_errors(stream: IO[bytes]) -> dict[str, dict[Place, str]]:
    """Sheet of an .xls -> its errors."""
    stream.seek(0)
    data = stream.read()
    book = _workbook_of(data) if data.startswith(_OLE) else b""
    found: dict[str, dict[Place, str]] = {}
    for kind, body in _records(book, 0):
        if kind == _SHEET:
            name = body[8:].decode("utf-16-le" if body[7] & 1 else "latin-1")
            found[name] = dict(_errors_of(book, int.from_bytes(body[:4], "little")))
    return found


def _errors_of(book: bytes, start: int) -> Iterator[tuple[Place, str]]:
    for kind, body in _records(book, start):
        if kind == _ERROR_CELL and body[7]:
            yield struct.unpack_from("<2H", body), _ERRORS.get(body[6], "an error")
        elif kind == _FORMULA and body[6] == 2 and body[12:14] == b"\xff\xff":
            yield struct.unpack_from("<2H", body), _ERRORS.get(body[8], "an error")


def _records(book: bytes, at: int) -> Iterator[tuple[int, bytes]]:
    """Records of one part of the workbook, without those of the charts within it."""
    depth = 0
    while at + 4 <= len(book):
        kind, size = struct.unpack_from("<2H", book, at)
        depth += (kind == _BEGIN) - (kind == _END)
        if depth == 1:
            yield kind, book[at + 4 : at + 4 + size]
        elif depth == 0:
            return
        at += 4 + size


def _workbook_of(data: bytes) -> bytes:
    """The stream of the workbook in its compound file, which is laid out in chained sectors."""
    size = 1 << struct.unpack_from("<H", data, 30)[0]
    (directory,), (shortest,) = struct.unpack_from("<I", data, 48), struct.unpack_from("<I", data, 56)
    next_table, table_count = struct.unpack_from("<2I", data, 68)
    tables = list(struct.unpack_from("<109I", data, 76))
    for _ in range(table_count):
        *more, next_table = struct.unpack_from(f"<{size // 4}I", data, (next_table + 1) * size)
        tables += more
    chain = [
        n
        for t in tables
        if t <= _LAST_SECTOR
        for n in struct.unpack_from(f"<{size // 4}I", data, (t + 1) * size)
    ]

    def chained(sector: int) -> bytes:
        sectors: list[bytes] = []
        while sector <= _LAST_SECTOR and len(sectors) <= len(chain):
            sectors.append(data[(sector + 1) * size : (sector + 2) * size])
            sector = chain[sector]
        return b"".join(sectors)

    entries = chained(directory)
    for at in range(0, len(entries), 128):
        name = (
            entries[at : at + struct.unpack_from("<H", entries, at + 64)[0]].decode("utf-16-le").rstrip("\0")
        )
        if name in ("Workbook", "Book"):
            start, length = struct.unpack_from("<2I", entries, at + 116)
            return chained(start) if length >= shortest else b""
    return b""


def _answer(message: object) -> None:
    sys.stdout.write(f"{json.dumps(message)}\n")


def _fail(why: str) -> NoReturn:
    raise ValueError(why)


if __name__ == "__main__":
    main(json.loads(sys.argv[1]), sys.stdin.buffer)
