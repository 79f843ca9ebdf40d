"""Delimited and fixed-width text: every value as it stands there, every broken row named (laws X11, X14)."""

from __future__ import annotations

import csv
import io
import os
import tempfile
from pathlib import Path
from typing import Any, Literal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.sources.file_drop import CSV, Drop, files_table, landed_rows

NAMES = ["id", "name"]
PLAIN = [("1", "x"), ("2", "y")]
# All that UTF-8 can hold: lone surrogates are none.
ANY_TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)


@pytest.fixture
def drop(tmp_path: Path) -> Drop:
    return Drop(tmp_path)


@pytest.mark.parametrize(
    ("form", "content"),
    [
        ({}, b"id,name\n1,x\n2,y\n"),
        ({}, b"id,name\r\n1,x\r\n\r\n2,y"),
        ({}, b'name , id,\n"x",1,\n"y","2",\n'),
        ({"delimiter": "\t"}, b"id\tname\n1\tx\n2\ty\n"),
        ({"delimiter": ";", "quote": "'"}, b"id;name\n'1';x\n2;'y'\n"),
        ({"header_row": 3}, b'Export of "today\n\nid,name\n1,x\n2,y\n'),
        ({"header_row": None}, b"1,x\n2,y\n"),
        ({"comment": "#"}, b"# by a till\nid,name\n#1,z\n1,x\n2,y\n# 2 rows\n"),
        ({}, b"\xef\xbb\xbfid,name\n1,x\n2,y\n"),
        ({"encoding": "utf-16"}, "id,name\n1,x\n2,y\n".encode("utf-16")),
        ({"encoding": "utf-16-le"}, "id,name\n1,x\n2,y\n".encode("utf-16-le")),
        ({}, "id,name\n1,x\n2,y\n".encode("utf-16")),
        ({"encoding": "latin-1"}, b"id,name\n1,x\n2,y\n"),
    ],
)
def test_a_dialect_is_read_as_declared(drop: Drop, form: dict[str, Any], content: bytes) -> None:
    drop.put("a.csv", content)
    assert drop.rows(files_table({**CSV, **form}, NAMES)) == PLAIN


@pytest.mark.parametrize(
    ("form", "content", "value"),
    [
        ({}, b"id,name\n1,NA\n", "NA"),
        ({}, b"id,name\n1,null\n", "null"),
        ({}, b"id,name\n1,\n", ""),
        ({}, b'id,name\n1,"a\r\nb ""c"", d"\n', 'a\r\nb "c", d'),
        ({}, b"id,name\n1,it's 5\" wide\n", "it's 5\" wide"),
        ({}, b"id,name\n1,=1+1\n", "=1+1"),
        ({"escape": "\\"}, b'id,name\n1,"a \\" b"\n', 'a " b'),
        ({"quote": None}, b'id,name\n1,"x"\n', '"x"'),
        ({"comment": "#"}, b'id,name\n1,"a\n# b"\n', "a\n# b"),
        ({"encoding": "latin-1"}, "id,name\n1,Zoë\n".encode("latin-1"), "Zoë"),
        ({"encoding": "cp1252"}, "id,name\n1,5 €\n".encode("cp1252"), "5 €"),
    ],
)
def test_a_value_is_what_stands_there(drop: Drop, form: dict[str, Any], content: bytes, value: str) -> None:
    """Law X14."""
    drop.put("a.csv", content)
    assert drop.rows(files_table({**CSV, **form}, NAMES)) == [("1", value)]


@settings(max_examples=60, deadline=None)
@given(
    rows=st.lists(st.tuples(ANY_TEXT, ANY_TEXT, ANY_TEXT), min_size=1, max_size=6),
    delimiter=st.sampled_from([",", ";", "\t", "|"]),
    quote=st.sampled_from(['"', "'"]),
    ends=st.sampled_from(["\n", "\r\n", "\r"]),
    encoding=st.sampled_from(["utf-8", "utf-8-sig", "utf-16"]),
    batch_rows=st.sampled_from([1, 2, 1000]),
)
def test_whatever_is_written_as_csv_comes_back(
    rows: list[tuple[str, str, str]], delimiter: str, quote: str, ends: str, encoding: str, batch_rows: int
) -> None:
    names = ['"; drop table x; --', "b", "c"]
    text = io.StringIO()
    # Where only needed quotes are written, Python 3.11 forgets them around the line end it does not use.
    quoting: Literal[0, 1] = csv.QUOTE_MINIMAL if ends == "\r\n" else csv.QUOTE_ALL
    writer = csv.writer(text, delimiter=delimiter, quotechar=quote, lineterminator=ends, quoting=quoting)
    writer.writerows([names, *rows])
    with tempfile.TemporaryDirectory() as folder:
        drop = Drop(Path(folder), batch_rows=batch_rows)
        drop.put("a.csv", text.getvalue().encode(encoding))
        form = {**CSV, "delimiter": delimiter, "quote": quote, "encoding": encoding}
        assert drop.rows(files_table(form, names)) == rows


def test_a_row_that_does_not_fit_is_rejected_and_the_others_are_not(drop: Drop) -> None:
    """Law X11: one bad row does not lose a file; law R3: landed = prepared + rejected."""
    drop.put("a.csv", b'id,name\n1,x\n2\n3,a,b\n"4"x,y\n5,\xff\n6,"\n"\n')
    done, rows, rejects = drop.prepared(files_table(CSV, NAMES))
    assert [(row["id"], row["name"]) for row in rows] == [("1", "x"), ("6", "\n")]
    assert [reject["reason"] for reject in rejects] == [
        "line 3: has 1 fields, where 2 are expected",
        "line 4: has 3 fields, where 2 are expected",
        "line 5: ',' expected after '\"'",
        "'name' holds bytes that are no text",
    ]
    assert '"_source_file": "a.csv", "_source_part": null, "_source_row": 3' in rejects[1]["payload"]
    assert r"[\"3\", \"a\", \"b\"]" in rejects[1]["payload"], "the row itself is kept"
    assert done.row_count + done.rejected_count == done.landed.row_count == 6


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "it is empty"),
        (b"\n\n", "its header lacks 'id', 'name'; it has nothing"),
        (b"1,x\n2,y\n", "its header lacks 'id', 'name'; it has '1', 'x'"),
        (b"id\n1\n", "its header lacks 'name'; it has 'id'"),
        (b"id,name,new\n1,x,z\n", "it has 'new', which is not declared (drift: freeze)"),
        (b"id,name,id\n1,x,z\n", "its header has 'id' twice"),
        (b'id,name\n1,x\n2,"y\n3,z\n', "a quote in the record of line 3 is never closed"),
        (b"\xff\xfe\x00id", "it is not utf-16: "),
    ],
)
def test_a_file_that_is_not_what_is_declared_waits_as_a_whole(
    drop: Drop, content: bytes, reason: str
) -> None:
    """Laws X11, X12: with the reason, and nothing of it landed."""
    drop.put("a.csv", content)
    assert drop.fault(files_table(CSV, NAMES)).startswith(reason)


def test_a_header_alone_is_a_file_without_rows(drop: Drop) -> None:
    drop.put("a.csv", b"id,name\n")
    assert drop.rows(files_table(CSV, NAMES)) == []


def test_a_file_that_ends_before_its_header(drop: Drop) -> None:
    drop.put("a.csv", b"title\n")
    assert drop.fault(files_table({**CSV, "header_row": 3}, NAMES)).startswith("it ends before line 3")


@pytest.mark.parametrize("policy", ["evolve", "ignore"])
def test_drift_passes_by_policy_and_is_told(drop: Drop, policy: str) -> None:
    """Law X12: what is gone reads as NULL, unless it is needed."""
    drop.put("a.csv", b"id,new\n1,z\n")
    table = files_table(CSV, NAMES, drift=policy)
    landed = drop.only(table)
    assert landed_rows(landed, NAMES) == [("1", None)]
    assert landed.drifts == (
        f"its header lacks 'name' (drift: {policy}); it has 'new', which is not declared (drift: {policy})",
    )
    columns = {"id": {"type": "text"}, "name": {"type": "text", "nullable": False}}
    assert drop.fault(files_table(CSV, columns, drift=policy)).startswith("its header lacks 'name'")


def test_columns_that_are_known_and_not_wanted_are_no_drift(drop: Drop) -> None:
    drop.put("a.csv", b"id,name,other\n1,x,z\n")
    assert drop.rows(files_table(CSV, NAMES, files={"unused": ["other"]})) == [("1", "x")]


def test_what_the_file_says_of_itself_can_be_declared(drop: Drop) -> None:
    own = {"file": "_source_file", "part": "_source_part", "row": "_source_row", "at": "_source_modified_at"}
    drop.put("in/b.csv", b"id\n7\n8\n")
    columns = {"id": {"type": "text"}, **{n: {"type": "text", "source_name": s} for n, s in own.items()}}
    at = "2023-11-14 22:13:21.000000"
    assert drop.rows(files_table(CSV, columns, pattern="*/*.csv")) == [
        ("7", "in/b.csv", None, 1, at),
        ("8", "in/b.csv", None, 2, at),
    ]


def test_instants_without_zone_are_local_to_the_source(tmp_path: Path) -> None:
    """The hour that comes twice is its first; what carries a zone stays, and what is none is rejected."""
    drop = Drop(tmp_path, time_zone="Europe/Berlin")
    times = ["2026-07-01 12:00", "2026-10-25T02:30:00", "2026-07-01T12:00:00Z", "2026-02-31 10:00", ""]
    drop.put("a.csv", "at\n" + "".join(f'"{time}"\n' for time in times))
    _, rows, rejects = drop.prepared(files_table(CSV, {"at": {"type": "timestamp", "nulls": [""]}}))
    found = [row["at"] and row["at"].isoformat() for row in rows]
    assert found == [
        "2026-07-01T10:00:00+00:00",
        "2026-10-25T00:30:00+00:00",
        "2026-07-01T12:00:00+00:00",
        None,
    ]
    assert [reject["column_name"] for reject in rejects] == ["at"]


def test_a_cursor_is_the_text_of_its_column(drop: Drop) -> None:
    drop.put("a.csv", b"id,name\n1,2026-05-01\n")
    assert landed_rows(drop.only(files_table(CSV, NAMES, cursor="name")), ["_cursor"]) == [("2026-05-01",)]
    assert landed_rows(drop.only(files_table(CSV, NAMES)), ["_cursor"]) == [(None,)]


@pytest.mark.parametrize("batch_rows", [1, 7, 1_000])
def test_batches_change_nothing(tmp_path: Path, batch_rows: int) -> None:
    """Law X13."""
    drop = Drop(tmp_path, batch_rows=batch_rows)
    drop.put("a.csv", "id,name\n" + "".join(f"{n},x{n}\n" if n % 5 else f"{n}\n" for n in range(50)))
    rows = landed_rows(drop.only(files_table(CSV, NAMES)), [*NAMES, "_source_row"])
    assert rows == [(str(n), f"x{n}", n + 1) if n % 5 else (None, None, n + 1) for n in range(50)]


def test_a_field_may_be_longer_than_the_parsers_own_limit(drop: Drop) -> None:
    long = "x" * 1_000_000
    drop.put("a.csv", f'id,name\n1,"{long}"\n')
    assert drop.rows(files_table(CSV, NAMES)) == [("1", long)]


def test_a_quote_that_is_never_closed_does_not_swallow_the_memory(
    drop: Drop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Law X13: at the longest record, not at the end of the file, the file is refused."""
    monkeypatch.setattr("etl.sources.files.unpacking.MAX_RECORD_BYTES", 100_000)
    drop.put("a.csv", 'id,name\n1,"x\n' + "2,y\n" * 1_000_000)
    assert drop.fault(files_table(CSV, NAMES)).startswith("one of its records is longer than 100,000")


def test_fixed_places(drop: Drop) -> None:
    drop.put("a.txt", "TILL 7\n001Zoë   5x\n\n002b\n003c      6\n004long  123456\n".encode("latin-1"))
    form = {
        "kind": "fixed",
        "widths": {"id": 3, "name": 6, "count": 2},
        "encoding": "latin-1",
        "skip_rows": 1,
    }
    landed = drop.only(files_table(form, ["id", "name", "count"]))
    assert landed_rows(landed, ["id", "name", "count", "_fault", "_source_text"]) == [
        ("001", "Zoë", "5x", None, None),
        (None, None, None, "line 4: has 4 characters, where 11 are expected", "002b"),
        ("003", "c", "6", None, None),
        (None, None, None, "line 6: has 15 characters, where 11 are expected", "004long  123456"),
    ]


def test_a_hundred_thousand_rows_do_not_take_minutes(drop: Drop) -> None:
    """About 0.5 s; 1 M rows take 5 s. The bound is far off what a busy machine makes of it."""
    line = "7,12,2026-05-01T10:00:00Z,250,,7,a name\n"
    drop.put("a.csv", "a,b,c,d,e,f,g\n" + line * 100_000)
    began = os.times()
    assert drop.only(files_table(CSV, list("abcdefg"))).row_count == 100_000
    assert os.times().user - began.user < 10
