"""Workbooks: .xlsx, .xls and .ods, their sheets, dates, merged cells, formulas and errors (laws X11, P4)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Any

import pytest
from openpyxl.utils.datetime import CALENDAR_MAC_1904
from openpyxl.worksheet.worksheet import Worksheet

from tests.sources.file_drop import Drop, files_table, landed_rows, zipped
from tests.sources.workbook_files import Error, Rows, edited, ods, xls, xlsx

NAMES = ["id", "name"]
EXCEL = {"kind": "excel"}


@pytest.fixture
def drop(tmp_path: Path) -> Drop:
    return Drop(tmp_path)


@pytest.mark.parametrize(("name", "made"), [("a.xlsx", xlsx), ("a.xls", xls), ("a.ods", ods)])
def test_each_kind_of_workbook(drop: Drop, name: str, made: Callable[[dict[str, Rows]], bytes]) -> None:
    """All sheets with the header are read; what is empty is NULL, empty rows are none."""
    header = [["Counts"], [], ["id", "name", "at"]]
    rows: Rows = [
        *header,
        [1, "x", datetime(2026, 5, 1, 10)],
        [],
        ["007", None, datetime(2026, 5, 2)],
        [0.1, "NA", None],
    ]
    drop.put(name, made({"North": rows, "Notes": [["by", "hand"]], "South": [*header, [2, "y"]]}))
    table = files_table({**EXCEL, "header_row": 3}, ["id", "name", "at"])
    landed = landed_rows(drop.only(table), ["id", "name", "at", "_source_part", "_source_row", "_fault"])
    assert landed == [
        ("1", "x", "2026-05-01 10:00:00", "North", 1, None),
        ("007", None, "2026-05-02", "North", 2, None),
        ("0.1", "NA", None, "North", 3, None),
        ("2", "y", None, "South", 4, None),
    ]


@pytest.mark.parametrize(
    ("value", "landed"),
    [
        (5, "5"),
        (5.0, "5"),
        (-0.25, "-0.25"),
        (1e22, "10000000000000000000000"),
        (123456789012345, "123456789012345"),
        (1.1, "1.1"),
        (True, "true"),
        ("1.10", "1.10"),
        (" null ", " null "),
        (date(2026, 5, 1), "2026-05-01"),
        (datetime(2026, 5, 1, 23, 59, 59, 999000), "2026-05-01 23:59:59.999000"),
        (time(9, 30), "09:30:00"),
        (timedelta(hours=30, minutes=5), "30:05:00"),
        ('=cmd|"/c calc"', None),
    ],
)
def test_a_cell_is_landed_as_it_stands(drop: Drop, value: Any, landed: str | None) -> None:
    """A formula that was never computed has no value; it is never computed here (law P4)."""
    drop.put("a.xlsx", xlsx({"S": [NAMES, [1, value]]}))
    assert drop.rows(files_table(EXCEL, NAMES)) == [("1", landed)]


def test_a_text_that_looks_like_a_formula_stays_a_text(drop: Drop) -> None:
    def as_text(sheet: Worksheet) -> None:
        sheet["B2"].value, sheet["B2"].data_type = "=1+1", "s"

    drop.put("a.xlsx", xlsx({"S": [NAMES, [1]]}, as_text))
    assert drop.rows(files_table(EXCEL, NAMES)) == [("1", "=1+1")]


def test_a_formula_gives_its_stored_result(drop: Drop) -> None:
    content = xlsx({"S": [NAMES, [1, "=1+1"]]})
    drop.put("a.xlsx", edited(content, "xl/worksheets/sheet1.xml", b"<v />", b"<v>2</v>"))
    assert drop.rows(files_table(EXCEL, NAMES)) == [("1", "2")]


@pytest.mark.parametrize(
    "made",
    [
        lambda rows: xlsx({"S": rows}, epoch=CALENDAR_MAC_1904),
        lambda rows: xls({"S": rows}, is_1904=True),
    ],
)
def test_dates_of_the_other_epoch(drop: Drop, made: Callable[[Rows], bytes]) -> None:
    drop.put("a.xlsx", made([NAMES, [1, datetime(2026, 5, 1, 10)]]))
    assert drop.rows(files_table(EXCEL, NAMES)) == [("1", "2026-05-01 10:00:00")]


def test_merged_cells_all_have_the_value_of_the_first(drop: Drop) -> None:
    def merge(sheet: Worksheet) -> None:
        sheet.merge_cells("B3:C4")
        sheet.merge_cells("A6:B6")

    rows: Rows = [["id", "name", "more"], [1, "x"], [2, "y"], [3], [4], ["end"]]
    content = edited(xlsx({"S": rows}, merge), "xl/worksheets/sheet1.xml", b"A6:B6", b"A6:XFD1048576")
    drop.put("a.xlsx", content)
    assert drop.rows(files_table(EXCEL, ["id", "name", "more"])) == [
        ("1", "x", None),
        ("2", "y", "y"),
        ("3", "y", "y"),
        ("4", None, None),
        ("end", "end", "end"),
    ]


def test_rows_that_begin_off_the_first_cell(drop: Drop) -> None:
    drop.put("a.xlsx", xlsx({"S": [[], [None, None, *NAMES], [None, None, 1, "x"], [None, None, 2]]}))
    assert drop.rows(files_table({**EXCEL, "header_row": 2}, NAMES)) == [("1", "x"), ("2", None)]


def test_a_cell_that_is_an_error_rejects_its_row(drop: Drop) -> None:
    """Of columns that are not read, errors do not matter; a text that looks like one is data."""

    def break_cells(sheet: Worksheet) -> None:
        sheet["A2"], sheet["B3"], sheet["C4"] = "#REF!", "#DIV/0!", "#N/A"
        sheet["B5"].value, sheet["B5"].data_type = "#N/A", "s"

    rows: Rows = [[*NAMES, "other"], [None, "x"], [2], [3, "z"], [4]]
    drop.put("a.xlsx", xlsx({"Notes": [["#N/A"]], "S": rows}, break_cells))
    landed = landed_rows(drop.only(files_table(EXCEL, NAMES, drift="ignore")), [*NAMES, "_fault"])
    assert landed == [
        (None, None, "sheet 'S', row 2: 'id' is the error #REF!"),
        (None, None, "sheet 'S', row 3: 'name' is the error #DIV/0!"),
        ("3", "z", None),
        ("4", "#N/A", None),
    ]
    drop.put("a.xlsx", xls({"T": [NAMES, [1, "#N/A"]], "Ö": [NAMES, [2, "y"], [3, Error(7)]]}))
    assert landed_rows(drop.only(files_table(EXCEL, NAMES)), ["id", "_fault"]) == [
        ("1", None),
        ("2", None),
        (None, "sheet 'Ö', row 3: 'name' is the error #DIV/0!"),
    ]
    drop.put("a.xlsx", ods({"S": [NAMES, [1, "#DIV/0!"]]}))
    assert landed_rows(drop.only(files_table(EXCEL, NAMES)), ["_fault"])[0][0].endswith(
        "is the error #DIV/0!"
    )


def test_errors_are_found_in_cells_without_references(drop: Drop) -> None:
    content = xlsx({"S": [NAMES, [1, "#DIV/0!"]]})
    for reference in (b' r="A2"', b' r="B2"', b' r="2"'):
        content = edited(content, "xl/worksheets/sheet1.xml", reference, b"")
    drop.put("a.xlsx", content)
    assert landed_rows(drop.only(files_table(EXCEL, NAMES)), ["_fault"]) == [
        ("sheet 'S', row 2: 'name' is the error #DIV/0!",)
    ]


def test_one_sheet_by_its_name(drop: Drop) -> None:
    name = 'Ö "; drop'
    drop.put("a.xlsx", xlsx({"S": [NAMES, [1, "x"]], name: [NAMES, [2, "y"]]}))
    assert drop.rows(files_table({**EXCEL, "sheet": name}, NAMES)) == [("2", "y")]
    reason = drop.fault(files_table({**EXCEL, "sheet": "T"}, NAMES))
    assert "it has no sheet 'T'; it has ['S', 'Ö" in reason


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"no workbook", "it cannot be read as a workbook: "),
        (xlsx({"S": [NAMES, [1]]})[:-300], "it cannot be read as a workbook: "),
        (zipped({"a.txt": "no workbook"}), "it cannot be read as a workbook: "),
        (xlsx({"S": [], "T": [["other"], [1]]}), "no sheet has the header in row 1"),
        (xlsx({"S": [NAMES, [1, "x"]], "T": [["id"], [2]]}), "its header lacks 'name'; it has 'id'"),
        (xlsx({"S": [[*NAMES, "new"], [1]]}), "it has 'new', which is not declared (drift: freeze)"),
        (xlsx({"S": [[*NAMES, "id"], [1]]}), "its header has 'id' twice"),
    ],
)
def test_a_workbook_that_is_not_what_is_declared_waits_as_a_whole(
    drop: Drop, content: bytes, reason: str
) -> None:
    drop.put("a.xlsx", content)
    assert drop.fault(files_table(EXCEL, NAMES)).startswith(reason)


def test_a_sheet_with_a_header_alone_has_no_rows(drop: Drop) -> None:
    drop.put("a.xlsx", xlsx({"S": [NAMES]}))
    assert drop.rows(files_table(EXCEL, NAMES)) == []


def far_cell(sheet: Worksheet) -> None:
    """Its sheet claims 17 billion cells, at which the reader ends the process it runs in."""
    sheet["XFD1048576"] = "far"


def bombs() -> Iterator[tuple[bytes, dict[str, int], str]]:
    yield xlsx({"S": [NAMES, [1]]}, far_cell), {}, "its reader ended before it did: it needs more memory"
    yield xlsx({"S": [NAMES, [1]]}), {"workbook_bytes": 1_000}, "more than the 1,000 of a workbook"
    yield xlsx({"S": [NAMES, [1]]}), {"members": 3}, "members, more than 3"
    yield (
        zipped({"xl/workbook.xml": "0" * 10**8}),
        {},
        "it unpacks to 100,000,000 bytes, more than 67,108,864",
    )
    entities = b'<!DOCTYPE a [<!ENTITY b "x">]><workbook '
    bomb = edited(xlsx({"S": [NAMES, ["#N/A"]]}), "xl/workbook.xml", b"<workbook ", entities)
    yield bomb, {}, "it cannot be read as a workbook: EntitiesForbidden"


@pytest.mark.parametrize(("content", "limits", "reason"), list(bombs()), ids=lambda value: "")
def test_a_workbook_that_asks_for_too_much_waits(
    drop: Drop, content: bytes, limits: dict[str, int], reason: str
) -> None:
    """Law P4: and the process that reads the other files goes on."""
    drop.put("a.xlsx", content)
    table = files_table(EXCEL, NAMES, files={"limits": {"workbook_memory_bytes": 400 * 1024**2, **limits}})
    assert reason in drop.fault(table)
