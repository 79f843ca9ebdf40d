"""JSON, XML and Parquet: nested values, exact numbers, and broken documents (laws X11 to X14, P4)."""

from __future__ import annotations

import json
import tempfile
from datetime import UTC, date, datetime, time
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.sources.file_drop import Drop, files_table, landed_rows

NAMES = ["id", "name"]
JSON = {"kind": "json"}
LINES = {"kind": "json", "lines": True}
XML = {"kind": "xml", "record": "row"}
ANY_TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)


@pytest.fixture
def drop(tmp_path: Path) -> Drop:
    return Drop(tmp_path)


@pytest.mark.parametrize(
    ("form", "content"),
    [
        (JSON, b'[{"id": 1, "name": "x"}, {"name": null, "id": "2"}]'),
        (JSON, b'\xef\xbb\xbf[{"id":1,"name":"x"},{"id":2}]\n'),
        (JSON, '[{"id":1,"name":"x"},{"id":2}]'.encode("utf-16")),
        (
            {**JSON, "data": ["a.b", "c"]},
            b'{"z":[{}],"a.b":{"y":{"c":1},"c":[{"id":1,"name":"x"},{"id":2}],"d":0}}',
        ),
        (LINES, b'{"id": 1, "name": "x"}\r\n\n{"id": 2}'),
    ],
)
def test_json_of_each_form(drop: Drop, form: dict[str, Any], content: bytes) -> None:
    drop.put("a.json", content)
    assert drop.rows(files_table(form, NAMES)) == [("1", "x"), ("2", None)]


def test_one_object_is_one_record(drop: Drop) -> None:
    drop.put("a.json", b'{"data": {"id": 1, "name": "x"}}')
    assert drop.rows(files_table({**JSON, "data": ["data"]}, NAMES)) == [("1", "x")]


@pytest.mark.parametrize("form", [JSON, LINES])
@pytest.mark.parametrize(
    ("written", "landed"),
    [
        ("12345678901234567890123", "12345678901234567890123"),
        ("1.10", "1.10"),
        ("0.1234567890123456789012345678901234567890", "0.1234567890123456789012345678901234567890"),
        ("1e3", "1000"),
        ("-1.5E-7", "-0.00000015"),
        ("1e999999999", "1E+999999999"),
        ("true", "true"),
        ('"NA"', "NA"),
        ('""', ""),
        ('"\\u00e9\\ud83d\\ude00"', "é😀"),
        ('{"a": [1.10, null, "é\\n"], "b": {}}', '{"a": [1.10, null, "é\\n"], "b": {}}'),
        ("[]", "[]"),
        ("null", None),
    ],
)
def test_a_json_value_is_landed_exactly(drop: Drop, form: Any, written: str, landed: str | None) -> None:
    """Laws F2, X14."""
    record = f'{{"id": 1, "name": {written}}}'
    drop.put("a.json", record if form is LINES else f"[{record}]")
    assert drop.rows(files_table(form, NAMES)) == [("1", landed)]


@settings(max_examples=40, deadline=None)
@given(
    records=st.lists(st.fixed_dictionaries({"id": ANY_TEXT, "a.b": st.none() | ANY_TEXT}), max_size=5),
    is_lines=st.booleans(),
    is_ascii=st.booleans(),
    batch_rows=st.sampled_from([1, 2, 1000]),
)
def test_whatever_is_written_as_json_comes_back(
    records: list[dict[str, str | None]], is_lines: bool, is_ascii: bool, batch_rows: int
) -> None:
    texts = [json.dumps(record, ensure_ascii=is_ascii) for record in records]
    with tempfile.TemporaryDirectory() as folder:
        drop = Drop(Path(folder), batch_rows=batch_rows)
        drop.put("a.json", "\n".join(texts) + "\n" if is_lines else f"[{','.join(texts)}]")
        assert drop.rows(files_table(LINES if is_lines else JSON, ["id", "a.b"])) == [
            (record["id"], record["a.b"]) for record in records
        ]


def test_nested_fields_and_those_of_the_parent_are_reached_by_paths(drop: Drop) -> None:
    """The parent's may stand behind the list."""
    columns = {
        "id": {"type": "text"},
        "city": {"type": "text", "source_name": "address", "path": ["city", "name"]},
        "at": {"type": "text", "source_name": "meta", "path": ["at"], "of_parent": True},
        "till": {"type": "text", "of_parent": True},
    }
    records = '[{"id": 1, "address": {"city": {"name": "Nice"}}}, {"id": 2, "address": "none"}]'
    drop.put("a.json", f'{{"body": {{"till": 7, "rows": {records}, "meta": {{"at": "noon"}}}}}}')
    table = files_table({**JSON, "data": ["body", "rows"]}, columns)
    assert drop.rows(table) == [("1", "Nice", "noon", "7"), ("2", None, "noon", "7")]


def test_a_number_in_a_path_counts_the_items_of_a_list_and_is_a_key_of_an_object(drop: Drop) -> None:
    """As for databases and APIs: nothing that is there is silently NULL."""
    document = [{"a": 7}, {"a": [8]}]
    paths = {"first": ["0", "a"], "deep": ["1", "a", "0"], "beyond": ["2"], "no_list": ["0", "a", "0"]}
    columns: dict[str, Any] = {"id": {"type": "text"}, "key": {"type": "text", "path": ["0"]}}
    columns |= {n: {"type": "text", "source_name": "list", "path": path} for n, path in paths.items()}
    expected = [("1", "own", "7", "8", None, None)]
    record = {"id": "1", "key": {"0": "own"}, "list": document}
    drop.put("a.json", json.dumps([record]).encode())
    assert drop.rows(files_table(JSON, columns)) == expected


def test_a_number_in_a_path_counts_the_items_of_a_list_in_parquet(drop: Drop) -> None:
    columns: dict[str, Any] = {
        "id": {"type": "text"},
        "first": {"type": "text", "source_name": "list", "path": ["0", "a"]},
    }
    put_parquet(drop, pa.table({"id": ["1", "2"], "list": pa.array([[{"a": 7}], []])}))
    _, rows, rejects = drop.prepared(files_table({"kind": "parquet"}, columns))
    assert rejects == []
    assert [(row["id"], row["first"]) for row in rows] == [("1", "7"), ("2", None)]


def test_what_is_no_record_is_rejected(drop: Drop) -> None:
    drop.put("a.jsonl", b'{"id": 1}\n{"id": 2\n[3]\n{"id": NaN}\n{"id": "\\ud800"}\n{"id": 6}\n')
    landed = landed_rows(drop.only(files_table(LINES, ["id"])), ["id", "_source_text", "_fault"])
    assert [row[:2] for row in landed] == [
        ("1", None),
        (None, '{"id": 2\n'),
        (None, "[3]\n"),
        (None, '{"id": NaN}\n'),
        (None, "['\\ud800']"),
        ("6", None),
    ]
    assert [row[2] is None for row in landed] == [True, False, False, False, False, True]


def test_a_record_that_is_nested_too_deep_is_rejected(drop: Drop) -> None:
    drop.put("a.json", f'[{{"id": 1, "name": {"[" * 600}{"]" * 600}}}, {{"id": 2}}]')
    assert landed_rows(drop.only(files_table(JSON, NAMES)), ["id", "_fault"]) == [
        (None, "is nested too deep"),
        ("2", None),
    ]


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ('{"rows": [{"id": 1, "name": "x"}, {"id"', "it is broken JSON: "),
        ('{"rows": [{"id": 1, "name": "x"}]', "it is broken JSON: '}' is expected"),
        ('{"rows": [{"id": 1, "name": "x"},]}', "it is broken JSON: Expecting value"),
        ('{"rows": [{"id": 1, "name": "x"}]} {}', "it is broken JSON: there is more behind its end"),
        ('{"rows": [{"id": 1, "name": NaN}]}', "it is broken JSON: NaN is no JSON"),
        ('{"rows": [{"id": 1, "name": ' + "9" * 5_000 + "}]}", "it is broken JSON: Exceeds the limit"),
        ('{"rows": [' + "[" * 200_000, "it is broken JSON: "),
        ('{"rows": "none"}', "it has no list and no object where its records are expected"),
        ('{"other": []}', "it has no 'rows', where its records are expected"),
        ("<html>", "it is broken JSON: '{' is expected"),
        ('{"rows": [{"id": 1, "name": "x", "new": 1}]}', "it has 'new', which is not declared"),
        ('{"rows": [{"name": "x"}, {"name": "y"}]}', "none of its records has 'id'"),
    ],
)
def test_a_json_document_that_is_broken_waits_as_a_whole(drop: Drop, content: str, reason: str) -> None:
    drop.put("a.json", content)
    assert drop.fault(files_table({**JSON, "data": ["rows"]}, NAMES)).startswith(reason)


@pytest.mark.parametrize("content", ["[]", '{"rows": []}'])
def test_a_list_without_records_is_a_file_without_rows(drop: Drop, content: str) -> None:
    drop.put("a.json", content)
    data = ["rows"] if content.startswith("{") else []
    assert drop.rows(files_table({**JSON, "data": data}, NAMES)) == []


def test_drift_of_records_is_told_once(drop: Drop) -> None:
    """Law X12."""
    drop.put("a.json", "[" + ",".join(f'{{"id": {n}, "new": 1}}' for n in range(5)) + "]")
    drop.batch_rows = 2
    landed = drop.only(files_table(JSON, NAMES, drift="ignore"))
    assert landed.drifts == ("it has 'new', which is not declared (drift: ignore)",)
    assert landed.row_count == 5


def test_xml_children_attributes_and_what_is_around(drop: Drop) -> None:
    columns = {
        "store": {"type": "text", "source_name": "../@id"},
        "at": {"type": "text", "source_name": "../../@at"},
        "product": {"type": "text", "source_name": "@product"},
        "count": {"type": "text"},
        "price": {"type": "text", "source_name": "money/price"},
        "currency": {"type": "text", "source_name": "money/price/@in"},
        "note": {"type": "text", "source_name": "."},
        "tags": {"type": "json", "source_name": "tag"},
    }
    drop.put(
        "a.xml",
        """<?xml version="1.0" encoding="ISO-8859-1"?>
        <shop at="noon"><row product="0"/><store id="1">
            <row product="p &amp; q"><count> 5 </count><money><price in="EUR">1.10</price></money></row>
            <row product="r"><count/><tag>a</tag><tag>é<b>f</b></tag>text<![CDATA[ <more>]]></row>
        </store><store id="2"><other><row product="s"/></other></store></shop>""".encode("latin-1"),
    )
    assert drop.rows(files_table({"kind": "xml", "record": "/shop/store/row"}, columns)) == [
        ("1", "noon", "p & q", " 5 ", "1.10", "EUR", "", None),
        ("1", "noon", "r", "", None, None, "text <more>", '["a", "éf"]'),
    ]


def test_xml_namespaces_by_declared_prefixes(drop: Drop) -> None:
    columns = {"a": {"type": "text", "source_name": "z:a"}, "b": {"type": "text", "source_name": "@z:b"}}
    form = {"kind": "xml", "record": "y:row", "namespaces": {"y": "urn:1", "z": "urn:2"}}
    drop.put(
        "a.xml",
        '<r xmlns="urn:1" xmlns:q="urn:2" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">'
        '<row q:b="2" xsi:type="t"><q:a>1</q:a></row><row><q:a xsi:nil="true"/></row>'
        '<row xmlns="urn:3"><q:a>no</q:a></row></r>',
    )
    assert drop.rows(files_table(form, columns)) == [("1", "2"), (None, None)]
    drop.put("a.xml", '<r xmlns="urn:1"><row><a xmlns="urn:4">1</a></row></r>')
    assert "'{urn:4}a', which is not declared" in drop.fault(files_table(form, columns))


def test_two_children_where_a_column_holds_one_are_rejected(drop: Drop) -> None:
    drop.put("a.xml", "<r><row><id>1</id><name>a</name><name>b</name></row><row><id>2</id></row></r>")
    assert landed_rows(drop.only(files_table(XML, NAMES)), [*NAMES, "_fault"]) == [
        (None, None, "has 2 values at 'name', where a column holds one"),
        ("2", None, None),
    ]


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("<r><row><id>1</id></row>", "it is broken XML: no element found"),
        ("<r><row><id>1</row></r>", "it is broken XML: mismatched tag"),
        ("<r>&undefined;</r>", "it is broken XML: undefined entity"),
        ("no xml", "it is broken XML: syntax error"),
        ("<other><row><id>1</id></row></other>", "its root is 'other', not that of '/r/row'"),
        ("<r>" + "<a>" * 1_000, "its elements are nested more than 200 deep"),
        ("<r><row><id>1</id><new>2</new></row></r>", "it has 'new', which is not declared"),
        ('<r><row new="1"><id>1</id></row></r>', "it has '@new', which is not declared"),
        ("<r><row><name>x</name></row></r>", "none of its records has 'id'"),
        (
            '<!DOCTYPE r [<!ENTITY a "x"><!ENTITY b "&a;&a;">]><r><row><id>&b;</id></row></r>',
            "it declares entities, which are refused",
        ),
        (
            '<!DOCTYPE r [<!ENTITY a SYSTEM "file:///etc/hostname">]><r><row><id>&a;</id></row></r>',
            "it declares entities, which are refused",
        ),
        (
            '<!DOCTYPE r [<!ENTITY % a SYSTEM "http://127.0.0.1:9/x"> %a;]><r><row><id>1</id></row></r>',
            "it declares entities, which are refused",
        ),
    ],
)
def test_an_xml_document_that_is_broken_or_hostile_waits_as_a_whole(
    drop: Drop, content: str, reason: str
) -> None:
    """Law P4."""
    drop.put("a.xml", content)
    assert drop.fault(files_table({"kind": "xml", "record": "/r/row"}, NAMES)).startswith(reason)


def test_xml_without_records_is_a_file_without_rows(drop: Drop) -> None:
    drop.put("a.xml", "<r><other/></r>")
    assert drop.rows(files_table(XML, NAMES)) == []


def test_parquet_keeps_types_that_become_the_declared_ones(drop: Drop) -> None:
    """Law F2: a float lands as its shortest text where a decimal is declared."""
    values: dict[str, tuple[pa.Array, str, Any]] = {
        "id": (pa.array([1], pa.uint8()), "bigint", 1),
        "whole": (pa.array([5.0]), "integer", 5),
        "float": (pa.array([0.1]), "decimal(10,5)", Decimal("0.10000")),
        "double": (pa.array([0.1], pa.float32()), "double", pytest.approx(0.1)),
        "amount": (pa.array([Decimal("1.10")], pa.decimal128(5, 2)), "decimal(10,2)", Decimal("1.10")),
        "digits": (pa.array(["7"]).dictionary_encode(), "integer", 7),
        "number": (pa.array([20260501]), "text", "20260501"),
        "day": (pa.array([date(2026, 5, 1)]), "date", date(2026, 5, 1)),
        "at": (
            pa.array([datetime(2026, 5, 1, 9)], pa.timestamp("ns")),
            "timestamp",
            datetime(2026, 5, 1, 9, tzinfo=UTC),
        ),
        "hour": (pa.array([time(9)]), "time", time(9)),
        "raw": (pa.array([b"\xff"]), "bytes", b"\xff"),
        "tags": (pa.array([[{"a": Decimal("1.10")}, None]]), "json", '[{"a": 1.10}, null]'),
        "none": (pa.nulls(1), "text", None),
    }
    columns = {name: {"type": declared} for name, (_, declared, _) in values.items()}
    columns["city"] = {"type": "text", "source_name": "where", "path": ["city"]}  # type: ignore[dict-item]
    written = {name: array for name, (array, _, _) in values.items()}
    put_parquet(drop, pa.table({**written, "where": pa.array([{"city": "Nice"}])}))
    _, (row,), rejects = drop.prepared(files_table({"kind": "parquet"}, columns))
    assert rejects == []
    expected = {name: value for name, (_, _, value) in values.items()}
    assert row == {**expected, "city": "Nice", "_cursor": None}


def test_a_parquet_value_of_another_type_is_rejected_and_its_file_is_not(drop: Drop) -> None:
    put_parquet(drop, pa.table({"id": pa.array([True, None]), "a.b": pa.array([b"\x01", b"\x02"])}))
    columns = {"id": {"type": "date"}, "a.b": {"type": "integer"}}
    _, rows, rejects = drop.prepared(files_table({"kind": "parquet"}, columns))
    assert [row["a.b"] for row in rows] == [2]
    assert [reject["column_name"] for reject in rejects] == ["id"]


def test_parquet_that_is_broken_or_drifts_waits_as_a_whole(drop: Drop) -> None:
    table = files_table({"kind": "parquet"}, NAMES)
    path = put_parquet(drop, pa.table({"id": ["1"] * 1_000, "name": [str(n) for n in range(1_000)]}))
    whole = path.read_bytes()
    drop.put("a.parquet", whole[:-100])
    assert drop.fault(table).startswith("it is broken Parquet: ")
    drop.put("a.parquet", whole[:200] + bytes(200) + whole[400:])
    assert drop.fault(table).startswith("it is broken Parquet: ")
    put_parquet(drop, pa.table({"id": ["1"]}))
    assert drop.fault(table).startswith("its header lacks 'name'; it has 'id'")


def put_parquet(drop: Drop, rows: pa.Table) -> Path:
    """Leave a Parquet file."""
    sink = pa.BufferOutputStream()
    pq.write_table(rows, sink)
    return drop.put("a.parquet", sink.getvalue().to_pybytes())
