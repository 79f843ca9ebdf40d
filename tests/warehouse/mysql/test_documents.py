"""Payloads and keys of the quarantine look the same on both systems, whatever the types and the names."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from etl.catalog import SourceTable
from etl.errors import ContractError
from etl.warehouse.mysql.documents import MOST_LEVELS, DocumentRefused, canonical
from tests.warehouse.settling import Row, Settling, plan_of

VALUES: dict[str, tuple[str, list[Any]]] = {
    "whole": ("bigint", [-9_223_372_036_854_775_808, 0, 9_223_372_036_854_775_807]),
    "exact": ("decimal(38,18)", list(map(Decimal, ("12345678901234567890.123456789012345678", "-0.5", "0")))),
    "cents": ("decimal(12,2)", list(map(Decimal, ("1.10", "-7.00", "1000000.00")))),
    "float": ("double", [0.1, -1.5e-9, 123456789.125]),
    "flag": ("boolean", [True, False, None]),
    "text": ("text", ['a/b "q" \\ \n\t é 😀 \x01 100%', "", "null"]),
    "day": ("date", [date(2026, 5, 1), date(1, 1, 1), date(9999, 12, 31)]),
    "at": (
        "timestamp",
        [
            datetime(2026, 5, 1, 10, tzinfo=UTC),
            datetime(2026, 5, 1, 10, 0, 0, 500_000, UTC),
            datetime(850, 1, 1, 0, 0, 0, 1, UTC),
        ],
    ),
    "clock": ("time", [time(10), time(23, 59, 59, 999_999), time(0, 0, 0, 120_000)]),
    "bytes": ("bytes", [b"\x00\xff\\", b"", b"text"]),
    "uuid": ("uuid", ["6f1c0d3e-8a52-4d4a-9f31-0a8d2b1c4e5f"] * 3),
    "doc": ("json", ['{"b": [1, 2.50, "two"], "a": null}', "null", '"text"']),
    "doc two": ("json", [None, "null", "[]"]),
}
ODD_NAMES = (
    *("-minus", "a.b", "a[0]", "*", "$", "it's", 'q"', "back\\slash", "100%", "%s", "é"),
    *("line\nbreak", "a b", "{{ x }}", ";", "`", "-%_\\"),
)


DOCUMENTS = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.text(max_size=4)
    | st.decimals(allow_nan=False, allow_infinity=False, min_value=-(10**20), max_value=10**20),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text('aAé"\\/', max_size=3), inner, max_size=4)
    ),
    max_leaves=8,
)


@pytest.fixture(scope="module")
def payloads(both: list[Settling]) -> list[list[dict[str, Any]]]:
    """What each system keeps of rows of all types that have no key."""
    columns = {name: {"type": column_type} for name, (column_type, _) in VALUES.items()}
    rows = [{name: values[n] for name, (_, values) in VALUES.items()} for n in range(3)]
    return [[payload for _, _, payload in held_back(settling, columns, rows)] for settling in both]


def held_back(settling: Settling, columns: dict[str, Any], rows: list[Row]) -> list[list[Any]]:
    table = SourceTable.model_validate(
        {
            "name": "things", "source": "t", "description": "T", "table": "things", "key": ["id"],
            "columns": {"id": {"type": "bigint"}, "place": {"type": "bigint"}, **columns},
        }
    )  # fmt: skip
    numbered = [{"place": number, **row} for number, row in enumerate(rows)]
    with settling.run_over([table]) as (run, warehouse):
        settling.stage(run, table, numbered)
        warehouse.settle(plan_of(table), run)
        found: list[Any] = [found for _, *found in settling.held_back(run)]
    return sorted((list(each) for each in found), key=lambda row: int(row[2]["place"]))


def test_payloads_have_the_same_members_and_values(payloads: list[list[dict[str, Any]]]) -> None:
    first, second = payloads
    assert first == second
    # PostgreSQL and MySQL sort what they keep; MariaDB keeps what it was told.
    assert [[*payload] for payload in first] == [[*payload] for payload in second]
    assert second[1]["_json_nulls"] == ["doc", "doc two"]


@settings(max_examples=10, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(DOCUMENTS, min_size=20, max_size=40))
def test_documents_have_the_form_of_jsonb(both: list[Settling], documents: list[Any]) -> None:
    texts = [_loosely(document) for document in documents]
    assume(not any("\\u0000" in text for text in texts))
    with both[0].database.session() as session:
        session.execute(
            "select (t.text::jsonb)::text from unnest(%s) with ordinality as t (text, place)", [texts]
        )
        written = [text for (text,) in session.fetchall()]
    assert [canonical(text) for text in texts] == written


@pytest.mark.parametrize(
    "text",
    [
        *('"\\ud800"', '"\\udc00 \\ud800"', '{"\\ud800": 1}', '"\\ud83d\\ude00"', '"\\\\ud800"'),
        *("1e131071", "1e131072", "1e20000000", "1e99999999999999999999", "-1E+131072", "0e999999"),
        *("1e-16383", "1e-16384", "0e-20000", "1e-99999999999999999999", f"0.{'1' * 16_384}"),
    ],
)
def test_documents_are_refused_that_postgresql_refuses(both: list[Settling], text: str) -> None:
    assert _or_refused(lambda: canonical(text)) == _or_refused(lambda: _by_jsonb(both[0], text))


def _by_jsonb(settling: Settling, text: str) -> str:
    with settling.database.session() as session:
        return str(session.single("select %s::jsonb::text", (text,)))


def _or_refused(write: Callable[[], str]) -> str:
    try:
        return write()
    except (DocumentRefused, ContractError):
        return "refused"


@pytest.mark.parametrize("form", ["[%s]", '{"a": %s}', '[1, {"a": %s}]'])
def test_a_document_has_as_many_levels_as_its_row_can_wait_with(both: list[Settling], form: str) -> None:
    """MariaDB has a limit, and the payload is a level more."""
    levels = form.count("[") + form.count("{")
    deepest = "1"
    for _ in range(MOST_LEVELS // levels):
        deepest = form % deepest
    ((_, _, payload),) = held_back(both[1], {"doc": {"type": "json"}}, [{"doc": deepest}])
    assert payload["doc"] == json.loads(deepest)
    with pytest.raises(DocumentRefused, match="30 levels"):
        canonical(f"[{deepest}]")
    with pytest.raises(DocumentRefused, match="30 levels"):
        canonical("[" * 100_000 + "]" * 100_000)


def _loosely(value: Any) -> str:
    """A document with spaces, and numbers as they come."""
    if isinstance(value, Decimal):
        return str(value)
    if isinstance(value, list):
        return f"[ {' ,'.join(map(_loosely, value))}]"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{json.dumps(k)} :{_loosely(v)}" for k, v in value.items()) + " }"
    return json.dumps(value)


def test_equal_documents_are_equal_however_they_are_written(both: list[Settling]) -> None:
    """Law S10: rows that are told twice count once."""
    table = SourceTable.model_validate(
        {
            "name": "things", "source": "t", "description": "T", "table": "things", "key": ["id"],
            "columns": {"id": {"type": "bigint"}, "doc": {"type": "json"}},
        }
    )  # fmt: skip
    rows = [{"id": 1, "doc": '{"b": 1, "aa": [1,2]}'}, {"id": 1, "doc": '{"aa":[1, 2],  "b":1}'}]
    for settling in both:
        done = settling.settle(table, rows)
        assert (len(done.rows), done.staged.dropped_count) == (1, 1)


def test_numbers_keep_their_digits(both: list[Settling]) -> None:
    columns = {name: {"type": VALUES[name][0]} for name in ("whole", "exact", "cents")}
    rows = [{name: VALUES[name][1][n] for name in columns} for n in range(3)]
    for settling in both:
        table_rows = _texts(settling, columns, rows)
        assert table_rows == [
            ("-9223372036854775808", "12345678901234567890.123456789012345678", "1.10"),
            ("0", "-0.500000000000000000", "-7.00"),
            ("9223372036854775807", "0.000000000000000000", "1000000.00"),
        ]


def _texts(settling: Settling, columns: dict[str, Any], rows: list[Row]) -> list[tuple[Any, ...]]:
    table = SourceTable.model_validate(
        {
            "name": "things", "source": "t", "description": "T", "table": "things", "key": ["id"],
            "columns": {"id": {"type": "bigint"}, **columns},
        }
    )  # fmt: skip
    with settling.run_over([table]) as (run, warehouse):
        settling.stage(run, table, rows)
        warehouse.settle(plan_of(table), run)
        members = ", ".join(settling.member("payload", name) for name in columns)
        relation = settling.name(run.staging_schema, "_quarantine")
        return settling.query(f"select {members} from {relation} order by _quarantine.row_number")


@pytest.mark.parametrize("place", [0, 1], ids=["postgresql", "mysql"])
def test_a_member_is_found_whatever_its_name(both: list[Settling], place: int) -> None:
    """Law P1."""
    document = {name: number for number, name in enumerate(ODD_NAMES)}
    settling = both[place]
    with settling.database.session() as session:
        for number, name in enumerate(ODD_NAMES):
            kept = session.single(
                f"select {settling.member('d.document', name)}"
                f" from (select {_as_document(settling)} as document) as d",
                {"document": document},
            )
            assert (name, kept) == (name, str(number))


def _as_document(settling: Settling) -> str:
    is_mysql = settling.database.title == "MySQL"
    return "json_extract(%(document)s, '$')" if is_mysql else "%(document)s::jsonb"


@pytest.mark.parametrize("place", [0, 1], ids=["postgresql", "mysql"])
def test_rows_with_odd_names_are_held_back_whole(both: list[Settling], place: int) -> None:
    columns = {name: {"type": "text"} for name in ODD_NAMES}
    row = {name: f"value of {name}" for name in ODD_NAMES}
    ((_, rules, payload),) = held_back(both[place], columns, [row])
    assert rules == ["key_is_missing"]
    assert {name: payload[name] for name in ODD_NAMES} == row
