"""Workbooks for tests, written by other libraries than the one that reads them."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import openpyxl
import xlwt
from odf.opendocument import OpenDocumentSpreadsheet
from odf.table import Table, TableCell, TableRow
from odf.text import P
from openpyxl.worksheet.worksheet import Worksheet

from tests.sources.file_drop import zipped

Rows = list[list[Any]]


@dataclass(frozen=True)
class Error:
    """A cell of an .xls that is an error."""

    code: int


def xlsx(sheets: dict[str, Rows], change: Callable[[Worksheet], None] | None = None, **options: Any) -> bytes:
    """A workbook; ``change`` is done to its last sheet."""
    book = openpyxl.Workbook()
    book.epoch = options.get("epoch", book.epoch)
    book.remove(book.worksheets[0])
    for name, rows in sheets.items():
        sheet = book.create_sheet(name)
        for row in rows:
            sheet.append(row)
    if change:
        change(book.worksheets[-1])
    return _saved(book)


def xls(sheets: dict[str, Rows], is_1904: bool = False) -> bytes:
    book = xlwt.Workbook()
    book.dates_1904 = is_1904
    as_date = xlwt.easyxf(num_format_str="yyyy-mm-dd hh:mm:ss")
    for name, rows in sheets.items():
        sheet = book.add_sheet(name)
        for at, row in enumerate(rows):
            for column, value in enumerate(row):
                if isinstance(value, Error):
                    sheet.row(at).set_cell_error(column, value.code)
                else:
                    sheet.write(at, column, value, *([as_date] if isinstance(value, date) else []))
    return _saved(book)


def ods(sheets: dict[str, Rows]) -> bytes:
    book = OpenDocumentSpreadsheet()
    for name, rows in sheets.items():
        table = Table(name=name)
        for values in rows:
            row = TableRow()
            for value in values:
                row.addElement(_ods_cell(value))
            table.addElement(row)
        book.spreadsheet.addElement(table)
    return _saved(book)


def edited(content: bytes, member: str, old: bytes, new: bytes) -> bytes:
    """The archive with a change in one member."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        members: dict[str, bytes | str] = {name: archive.read(name) for name in archive.namelist()}
    text = members[member]
    assert isinstance(text, bytes)
    assert old in text
    return zipped({**members, member: text.replace(old, new)})


def _ods_cell(value: Any) -> TableCell:
    if value is None:
        return TableCell()
    if isinstance(value, datetime):
        return TableCell(
            valuetype="date", datevalue=value.isoformat() if value.hour else value.date().isoformat()
        )
    if isinstance(value, int | float):
        return TableCell(valuetype="float", value=str(value))
    cell = TableCell(valuetype="string")
    cell.addElement(P(text=value))
    return cell


def _saved(book: Any) -> bytes:
    whole = io.BytesIO()
    book.save(whole)
    return whole.getvalue()
