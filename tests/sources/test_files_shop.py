"""The shop's files, as its catalog declares them: counts of stock in four forms, and rates in the ECB's."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from etl.catalog import SourceTable
from etl.catalog_files import load_catalog
from etl.settings import PROJECT_DIR
from tests.sources.file_drop import Drop
from tests.sources.test_files_places import Quiet, served
from tests.sources.workbook_files import xlsx

CATALOG = load_catalog(PROJECT_DIR / "catalog")
COUNTED, EXPORTED = datetime(2026, 11, 25, 10, tzinfo=UTC), datetime(2026, 11, 25, 10, 5, tzinfo=UTC)
HEADER = [
    "store_id",
    "product_id",
    "counted_at",
    "on_hand_quantity",
    "reserved_quantity",
    "reorder_point_quantity",
    "exported_at",
]
CSV = f"""{",".join(HEADER)}
1,7,2026-11-25T10:00:00Z,12,,5,2026-11-25T10:05:00Z
2,8,2026-11-25T10:00:00Z,0,3,,2026-11-25T10:05:00Z
"""
JSON = """{"exported_at": "2026-11-25T10:05:00Z", "counts": [
  {"store_id": 1, "product_id": 7, "counted_at": "2026-11-25T10:00:00Z", "on_hand_quantity": 12,
   "reserved_quantity": null, "reorder_point_quantity": 5},
  {"store_id": 2, "product_id": 8, "counted_at": "2026-11-25T10:00:00Z", "on_hand_quantity": 0,
   "reserved_quantity": 3}]}"""
XML = """<?xml version="1.0" encoding="UTF-8"?>
<inventory>
  <store id="1"><count product="7">
    <counted_at>2026-11-25T10:00:00Z</counted_at><on_hand_quantity>12</on_hand_quantity>
    <reorder_point_quantity>5</reorder_point_quantity><exported_at>2026-11-25T10:05:00Z</exported_at>
  </count></store>
  <store id="2"><count product="8">
    <counted_at>2026-11-25T10:00:00Z</counted_at><on_hand_quantity>0</on_hand_quantity>
    <reserved_quantity>3</reserved_quantity><reorder_point_quantity/>
    <exported_at>2026-11-25 10:05:00</exported_at>
  </count></store>
</inventory>"""
RATES = """<?xml version="1.0" encoding="UTF-8"?>
<gesmes:Envelope xmlns:gesmes="http://www.gesmes.org/xml/2002-08-01"
                 xmlns="http://www.ecb.int/vocabulary/2002-08-01/eurofxref">
  <gesmes:subject>Reference rates</gesmes:subject>
  <gesmes:Sender><gesmes:name>European Central Bank</gesmes:name></gesmes:Sender>
  <Cube>
    <Cube time='2026-11-25'><Cube currency='USD' rate='1.0850'/><Cube currency='JPY' rate='163.10'/></Cube>
    <Cube time='2026-11-24'><Cube currency='USD' rate='1.0841'/></Cube>
  </Cube>
</gesmes:Envelope>"""


def workbook() -> bytes:
    """A sheet per store, its header in row 3, times as dates of the workbook."""

    def sheet(store: int, product: int, *quantities: int | None) -> list[list[Any]]:
        times = [t.replace(tzinfo=None) for t in (COUNTED, EXPORTED)]
        return [["Counts"], [], HEADER, [store, product, times[0], *quantities, times[1]]]

    return xlsx(
        {"Store 1": sheet(1, 7, 12, None, 5), "Store 2": sheet(2, 8, 0, 3, None), "Help": [["Ask us"]]}
    )


@pytest.mark.parametrize(
    ("name", "content"),
    [("csv", CSV), ("excel", workbook()), ("json", JSON), ("xml", XML)],
    ids=lambda v: str(v)[:5],
)
def test_counts_of_stock_are_the_same_in_each_form(tmp_path: Path, name: str, content: bytes | str) -> None:
    drop = Drop(tmp_path)
    file = f"inventory/2026-11-25T10.{'xlsx' if name == 'excel' else name}"
    drop.put(file, content)
    _, rows, rejects = drop.prepared(CATALOG.tables[f"drop.stock_{name}"])
    assert rejects == []
    assert [tuple(row.values())[:8] for row in rows] == [
        (1, 7, COUNTED, 12, None, 5, EXPORTED, file),
        (2, 8, COUNTED, 0, 3, None, EXPORTED, file),
    ]


@pytest.mark.parametrize("is_web", [False, True])
def test_rates_of_the_european_central_bank(tmp_path: Path, is_web: bool) -> None:
    """From a folder, and from a web address."""
    drop, file = Drop(tmp_path), "eurofxref-daily.xml"
    drop.put(file, RATES)

    def handler(*args: Any) -> Quiet:
        return Quiet(*args, directory=str(drop.folder))

    with served(handler) as url:
        drop.url = url if is_web else ""
        _, rows, rejects = drop.prepared(CATALOG.tables["rates.daily"] if not is_web else exactly(file))
    assert rejects == []
    assert [tuple(row.values())[:3] for row in rows] == [
        (date(2026, 11, 25), "USD", Decimal("1.08500000")),
        (date(2026, 11, 25), "JPY", Decimal("163.10000000")),
        (date(2026, 11, 24), "USD", Decimal("1.08410000")),
    ]


def exactly(file: str) -> SourceTable:
    """The rates from one file of an exact name: over http there is no listing."""
    table = CATALOG.tables["rates.daily"]
    assert table.files is not None
    return table.model_copy(update={"files": table.files.model_copy(update={"pattern": file})})
