"""Writes the stores' counts as their tills do: CSV, workbooks, JSON and XML, some of them broken."""

from __future__ import annotations

import gzip
import io
import json
import re
import zipfile
from collections.abc import Callable, Iterator
from datetime import datetime
from itertools import groupby
from operator import attrgetter
from typing import Any
from xml.etree import ElementTree as ET

from openpyxl import Workbook

from demo.drop.counts import Count, CountFile, Form
from demo.plan import naive

_ZIP_TIME = (2026, 1, 1, 0, 0, 0)


def content_of(file: CountFile) -> bytes:
    """The bytes of a file; equal files have equal ones."""
    whole = _WRITERS[file.form](file)
    return whole[: len(whole) // 2] if file.damage == "truncated_file" else whole


def _csv(file: CountFile) -> bytes:
    """Stores with an even number write for spreadsheets: with a byte order mark and Windows' line ends."""
    is_windows = file.rows[0].store_id % 2 == 0
    lines = [",".join(_fields(file, position, row)) for position, row in enumerate(file.rows)]
    header = [] if file.damage == "headless_file" else [",".join(Count._fields)]
    ending = "\r\n" if is_windows else "\n"
    text = ending.join([*header, *lines, ""])
    return text.encode("utf-8-sig" if is_windows else "utf-8")


def _fields(file: CountFile, position: int, row: Count) -> Iterator[str]:
    kind = file.bad_rows.get(position)
    for name, value in _texts(row).items():
        if name == "on_hand_quantity" and kind is not None:
            # A thousands separator that nobody quoted, and the letter O in place of a zero.
            yield f"1,{row.on_hand_quantity:03d}" if kind == "ragged_row" else f"{row.on_hand_quantity}O"
        else:
            yield "" if value is None else str(value)


def _json(file: CountFile) -> bytes:
    counts, exported_at = [], ""
    for position, row in enumerate(file.rows):
        record = {
            name: f"{value}Z" if isinstance(value, str) else value for name, value in _texts(row, "T").items()
        }
        exported_at = record.pop("exported_at")
        if file.bad_rows.get(position) == "bad_number":
            record["on_hand_quantity"] = f"{row.on_hand_quantity}O"
        counts.append(record)
    return json.dumps({"exported_at": exported_at, "counts": counts}, indent=1).encode()


def _xml(file: CountFile) -> bytes:
    root = ET.Element("inventory")
    for store_id, rows in groupby(file.rows, attrgetter("store_id")):
        store = ET.SubElement(root, "store", id=str(store_id))
        for row in rows:
            count = ET.SubElement(store, "count", product=str(row.product_id))
            for name, value in _texts(row, "T").items():
                if value is not None and name not in ("store_id", "product_id"):
                    ET.SubElement(count, name).text = str(value)
    ET.indent(root, " ")
    return bytes(ET.tostring(root, encoding="utf-8", xml_declaration=True))


def _xlsx(file: CountFile) -> bytes:
    """A sheet for each store; two lines of title stand above the header."""
    book = Workbook(write_only=True)
    for store_id, rows in groupby(file.rows, attrgetter("store_id")):
        sheet = book.create_sheet(f"Store {store_id}")
        sheet.append([f"Inventory of store {store_id}"])
        sheet.append(["Counted at", naive(file.rows[0].counted_at)])
        sheet.append(list(Count._fields))
        for row in rows:
            sheet.append(_cells(row))
    written = io.BytesIO()
    book.save(written)
    return _without_clock(written)


def _cells(row: Count) -> list[int | datetime | None]:
    return [
        naive(value) if name.endswith("_at") and value is not None else value
        for name, value in row._asdict().items()
    ]


def _without_clock(workbook: io.BytesIO) -> bytes:
    """The workbook without the time at which it was written, which would make equal ones differ."""
    packed = io.BytesIO()
    with zipfile.ZipFile(workbook) as before, zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as after:
        for name in before.namelist():
            part = before.read(name)
            if name == "docProps/core.xml":
                part = re.sub(rb"\d{4}-\d\d-\d\dT[\d:.]+Z", b"2026-01-01T00:00:00Z", part)
            after.writestr(zipfile.ZipInfo(name, _ZIP_TIME), part, zipfile.ZIP_DEFLATED)
    return packed.getvalue()


def _texts(row: Count, separator: str = " ") -> dict[str, Any]:
    """The row with its instants as text."""
    return {
        name: naive(value).isoformat(separator, "seconds") if name.endswith("_at") else value
        for name, value in row._asdict().items()
    }


_WRITERS: dict[Form, Callable[[CountFile], bytes]] = {
    "csv": _csv,
    "csv.gz": lambda file: gzip.compress(_csv(file), mtime=0),
    "json": _json,
    "xml": _xml,
    "xlsx": _xlsx,
}
