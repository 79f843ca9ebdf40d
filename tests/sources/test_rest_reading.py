"""What an API's records become: values, windows, drift, parts (laws F2, P1, X2 to X5, X12 to X14)."""

from __future__ import annotations

import json
import tracemalloc
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from etl.arrow_files import arrow_batches
from etl.catalog import SourceTable
from etl.errors import ConfigError, ContractError, SourceError
from etl.handles import Extract, Snapshot
from etl.landing import land
from etl.preparing import prepare
from etl.windows import Window
from tests.sources.api import (
    NOW,
    ApiServer,
    ListApi,
    Reply,
    Request,
    api_source,
    endpoint_of,
    json_reply,
    read,
    serving,
    table_of,
)
from tests.sources.shops import column

MOMENTS = [f"2024-03-{day:02}T{hour:02}:00:00Z" for day in (1, 2, 3) for hour in (0, 12)]
BY_TIME = {"id": "bigint", "updated_at": "timestamp"}
SINGLE = {"path": "/things"}


@pytest.fixture(scope="module")
def api() -> Iterator[ApiServer]:
    with serving(lambda request: Reply()) as server:
        yield server


@pytest.fixture
def answer(api: ApiServer) -> Callable[..., None]:
    """Let the API answer every request with these records, or with this text."""

    def set_answer(records: list[Any] | str, **rest: Any) -> None:
        body = records if isinstance(records, str) else json.dumps(records)
        api.respond = lambda request: Reply(body.encode(), **rest)
        api.requests.clear()

    api.now = NOW
    return set_answer


def _landed(
    api: ApiServer, folder: Path, table: SourceTable, window: Window | None = None, **rest: Any
) -> pa.Table:
    return read(api_source(api.url, folder, **rest), table, window)


def test_values_land_as_they_were_written(api: ApiServer, answer: Any, tmp_path: Path) -> None:
    """No digit is lost, and no text is taken for NULL."""
    answer(
        '[{"id": 12345678901234567890123, "amount": 0.10, "small": 1E-30, "text": "NA", "flag": true,'
        ' "nothing": null, "nested": {"a": [1.50, "é", null, {"b": 0.1e1}]}, "document": "text", "stamp":'
        ' "2024-01-01T00:00:00+02:00"}]'
    )
    types = {
        "id": "decimal(30,0)", "amount": "decimal(10,2)", "small": "text", "text": "text", "flag": "boolean",
        "nothing": "text", "nested": "text", "document": "json", "stamp": "timestamp",
    }  # fmt: skip
    found = _landed(api, tmp_path, table_of(types, SINGLE)).to_pylist()[0]
    assert found == {
        "id": "12345678901234567890123",
        "amount": "0.10",
        "small": "1E-30",
        "text": "NA",
        "flag": "true",
        "nothing": None,
        "nested": '{"a": [1.50, "é", null, {"b": 0.1e1}]}',
        "document": '"text"',
        "stamp": "2024-01-01T00:00:00+02:00",
        "_cursor": None,
        "_fault": None,
    }


def test_from_the_api_to_prepared_rows(api: ApiServer, answer: Any, tmp_path: Path) -> None:
    """Types, rejects with their reasons, and the count of both (law R3)."""
    good = {"id": 1, "price": "12.34", "device": {"kind": "phone"}, "updated_at": "2024-03-01T10:00:00.5Z"}
    answer(
        [
            good,
            {**good, "id": 2, "price": 12.345},
            {**good, "id": 3, "device": "phone"},
            {**good, "id": 4, "updated_at": "yesterday"},
            {**good, "id": 5, "device": None},
        ]
    )
    columns = {
        "id": "bigint",
        "price": "decimal(10,2)",
        "device_kind": {"type": "text", "source_name": "device", "path": ["kind"]},
        "updated_at": {"type": "timestamp", "nullable": False},
    }
    table = table_of(columns, SINGLE, cursor="updated_at", lag_seconds=0)
    source = api_source(api.url, tmp_path)
    extract = Extract("api.things", Window("2024-03-01 00:00:00.000000", "2024-03-02 00:00:00.000000"))
    with source.snapshot([table]) as snapshot:
        landed = land(source.read(table, extract, snapshot), extract, tmp_path)
    prepared = prepare(landed, table, tmp_path, "US")
    rows = [row for batch in arrow_batches(prepared.path) for row in batch.to_pylist()]
    assert [(row["id"], row["price"], row["device_kind"], row["_cursor"]) for row in rows] == [
        (1, Decimal("12.34"), "phone", "2024-03-01 10:00:00.500000"),
        (5, Decimal("12.34"), None, "2024-03-01 10:00:00.500000"),
    ]
    rejects = [row for batch in arrow_batches(prepared.rejects_path) for row in batch.to_pylist()]
    assert [(json.loads(row["payload"])["id"], row["reason"]) for row in rejects] == [
        ("2", "does not fit decimal(10,2) without rounding"),
        ("3", "the field 'device' holds a text where an object with 'kind' is declared"),
        ("4", "is not an instant of the form YYYY-MM-DD HH:MM:SS.ffffff"),
    ]
    assert landed.row_count == prepared.row_count + prepared.rejected_count == 5


def test_child_lists_become_rows_with_fields_of_their_parent(
    api: ApiServer, answer: Any, tmp_path: Path
) -> None:
    views = [{"view": "a", "url": "/"}, {"view": "b", "url": "/x"}]
    sessions: list[dict[str, Any]] = [
        {"session": "s1", "customer": {"id": 7}, "moved": MOMENTS[0], "more": {"views": views}, "other": 1},
        {"session": "s2", "customer": None, "moved": MOMENTS[1], "more": {"views": []}},
        {"session": "s3", "customer": None, "moved": MOMENTS[1], "more": {"views": None}},
        {
            "session": "s4",
            "customer": {},
            "moved": MOMENTS[2],
            "more": {"views": [{"view": "c", "url": None}]},
        },
    ]
    answer(sessions)
    columns = {
        "view_id": {"type": "text", "source_name": "view"},
        "url": "text",
        "session": {"type": "text", "of_parent": True},
        "customer_id": {"type": "bigint", "of_parent": True, "source_name": "customer", "path": ["id"]},
        "session_moved_at": {"type": "timestamp", "of_parent": True, "source_name": "moved"},
    }
    endpoint = {**SINGLE, "explode": ["more", "views"]}
    table = table_of(columns, endpoint, key=("view_id",), cursor="session_moved_at", lag_seconds=0)
    found = _landed(api, tmp_path, table).select(["view_id", "session", "customer_id", "_cursor"]).to_pylist()
    assert [tuple(row.values()) for row in found] == [
        ("a", "s1", "7", "2024-03-01 00:00:00.000000"),
        ("b", "s1", "7", "2024-03-01 00:00:00.000000"),
        ("c", "s4", None, "2024-03-02 00:00:00.000000"),
    ]
    for wrong, said in (("a list", "is a text and no list"), ([1], r"item 1 of more\.views is a number")):
        answer([{**sessions[0], "more": {"views": wrong}}])
        with pytest.raises(SourceError, match=said):
            _landed(api, tmp_path, table)


def test_a_list_in_a_record_is_reached_by_number(api: ApiServer, answer: Any, tmp_path: Path) -> None:
    answer([{"id": 1, "mails": [{"to": "a"}, {"to": "b"}]}, {"id": 2, "mails": []}])
    columns = {"id": "bigint", "second": {"type": "text", "source_name": "mails", "path": ["1", "to"]}}
    assert column(_landed(api, tmp_path, table_of(columns, SINGLE)), "second") == ["b", None]


@pytest.mark.parametrize(
    "name", ['"; drop table x; --', "Mixed Case", "a.b", " ", "é😀", "line\nend", "_cursor ", "nul\x00"]
)
def test_any_name_of_a_field(api: ApiServer, answer: Any, tmp_path: Path, name: str) -> None:
    answer([{"id": 1, name: {name: "here"}}])
    columns = {"id": "bigint", "value": {"type": "text", "source_name": name, "path": [name]}}
    table = table_of(columns, SINGLE)
    assert column(_landed(api, tmp_path, table), "value") == ["here"]
    undeclared = table_of({"id": "bigint"}, SINGLE)
    with pytest.raises(ContractError, match="which is not declared") as caught:
        _landed(api, tmp_path, undeclared)
    assert repr(name) in caught.value.problem


def test_half_a_character_rejects_its_row_only(api: ApiServer, answer: Any, tmp_path: Path) -> None:
    answer(r'[{"id": 1, "text": "\ud83d"}, {"id": 2, "text": "\ud83d\ude00"}, {"id": 3, "text": "a\u0000b"}]')
    found = _landed(api, tmp_path, table_of({"id": "bigint", "text": "text"}, SINGLE))
    assert column(found, "text") == ["\\ud83d", "😀", "a\x00b"]
    assert ["surrogate" in (fault or "") for fault in column(found, "_fault")] == [True, False, False]


def test_a_value_nested_too_deeply_rejects_its_row_only(api: ApiServer, answer: Any, tmp_path: Path) -> None:
    deep = "[" * 800 + "]" * 800
    answer(f'[{{"id": 1, "value": {deep}}}, {{"id": 2, "value": [[]]}}]')
    found = _landed(api, tmp_path, table_of({"id": "bigint", "value": "json"}, SINGLE))
    assert column(found, "value") == [None, "[[]]"]
    assert column(found, "_fault") == ["the field 'value' is nested too deeply", None]


@pytest.mark.parametrize("size", [1, 2, 3, 7, 8, 100])
@pytest.mark.parametrize("batch_rows", [1, 3, 1_000])
def test_pages_and_batches_never_change_a_result(tmp_path: Path, size: int, batch_rows: int) -> None:
    records = [{"id": n, "name": "x" * n} for n in range(8)]
    with serving(ListApi(records)) as server:
        source = api_source(server.url, tmp_path, batch_rows=batch_rows)
        table = table_of({"id": "bigint", "name": "text"}, endpoint_of("page", size, total=["meta", "total"]))
        with source.snapshot([table]) as snapshot:
            batches = list(source.read(table, Extract("api.things", Window()), snapshot))
    assert [row["id"] for batch in batches for row in batch.to_pylist()] == [str(n) for n in range(8)]
    assert max(batch.num_rows for batch in batches) <= batch_rows


def test_memory_does_not_grow_with_the_number_of_pages(tmp_path: Path) -> None:
    """Law X13: ten megabytes on twenty pages, in the memory of a few."""

    def respond(request: Request) -> Reply:
        page = int(request.query["page"])
        records = [{"id": 500 * page + n, "text": "x" * 1_000} for n in range(500 if page <= 20 else 0)]
        return json_reply({"data": records, "total": 20 * 500})

    endpoint = {"path": "", "data": ["data"], "pagination": {"kind": "page", "size": 500}, "total": ["total"]}
    table = table_of({"id": "bigint", "text": "text"}, endpoint)
    with serving(respond) as server:
        source = api_source(server.url, tmp_path, batch_rows=1_000)
        with source.snapshot([table]) as snapshot:
            reader = source.read(table, Extract("api.things", Window()), snapshot)
            rows = reader.read_next_batch().num_rows
            tracemalloc.start()
            rows += sum(batch.num_rows for batch in reader)
            _, peak = tracemalloc.get_traced_memory()
            tracemalloc.stop()
    assert rows == 20 * 500
    assert peak < 6_000_000


def _moving(values: list[str | None]) -> list[dict[str, Any]]:
    return [{"id": n, "updated_at": value} for n, value in enumerate(values)]


def test_the_window_is_kept_whatever_the_api_returns(api: ApiServer, answer: Any, tmp_path: Path) -> None:
    """The lower bound is in, the upper out, and what the API returns beside them is left out."""
    answer(_moving(list(MOMENTS)))
    table = table_of(BY_TIME, SINGLE, cursor="updated_at", lag_seconds=0)
    window = Window("2024-03-01 12:00:00.000000", "2024-03-02 12:00:00.000000")
    found = _landed(api, tmp_path, table, window)
    assert column(found, "id") == ["1", "2"]
    assert column(found, "_cursor") == ["2024-03-01 12:00:00.000000", "2024-03-02 00:00:00.000000"]


def test_the_bound_comes_from_the_apis_own_clock(api: ApiServer, answer: Any, tmp_path: Path) -> None:
    """Laws X2 and X4: its header Date, less the lag of each table, whatever this machine's clock says."""
    answer([])
    api.now = datetime(1999, 12, 31, 23, 59, 59, tzinfo=NOW.tzinfo)
    tables = [
        table_of(BY_TIME, SINGLE, name=name, cursor="updated_at", lag_seconds=lag)
        for name, lag in (("quick", 0), ("slow", 90))
    ]
    dated = table_of({"id": "bigint", "day": "date"}, SINGLE, name="dated", cursor="day", lag_seconds=0)
    whole = table_of({"id": "bigint"}, SINGLE, name="whole")
    source = api_source(api.url, tmp_path, time_zone="Asia/Tokyo")
    with source.snapshot([*tables, dated, whole]) as snapshot:
        assert snapshot.taken_at == "2000-01-01 08:59:59.000000"
        assert snapshot.safe_highs == {
            "api.quick": "1999-12-31 23:59:59.000000",
            "api.slow": "1999-12-31 23:58:29.000000",
            "api.dated": "2000-01-01 00:00:00.000000",
            "api.whole": None,
        }
    assert [source.cursor_zone(table) for table in (tables[0], dated)] == ["UTC", "Asia/Tokyo"]
    assert len(api.requests) == 1


def test_an_api_without_a_clock_needs_a_word(api: ApiServer, answer: Any, tmp_path: Path) -> None:
    answer([])
    api.now = None
    table = table_of(BY_TIME, SINGLE, cursor="updated_at", lag_seconds=3_600)
    with (
        pytest.raises(ConfigError, match="no header Date"),
        api_source(api.url, tmp_path).snapshot([table]),
    ):
        pass
    before = datetime.now(NOW.tzinfo)
    with api_source(api.url, tmp_path, clock="worker").snapshot([table]) as snapshot:
        high = datetime.fromisoformat(f"{snapshot.safe_highs['api.things']}+00:00")
    assert timedelta(0) <= before - high - timedelta(seconds=3_599) <= timedelta(seconds=60)


@pytest.mark.parametrize(
    ("form", "low", "high"),
    [
        ("iso", "2024-03-01T22:30:00Z", "2024-03-02T22:30:00.500000Z"),
        ("date", "2024-03-02", "2024-03-04"),
        ("epoch_seconds", "1709332200", "1709418601"),
        ("epoch_milliseconds", "1709332200000", "1709418600500"),
        ("text", "2024-03-02 00:30:00.000000", "2024-03-03 00:30:00.500000"),
    ],
)
def test_bounds_in_the_form_of_the_api(
    api: ApiServer, answer: Any, tmp_path: Path, form: str, low: str, high: str
) -> None:
    """Never narrower than the window; dates and plain texts on the clock of the API, two hours ahead here."""
    answer([])
    endpoint = {
        **SINGLE,
        "low_param": "since",
        "high_param": "until",
        "bound_form": form,
        "params": {"a": "b c"},
    }
    table = table_of(BY_TIME, endpoint, cursor="updated_at", lag_seconds=0)
    window = Window("2024-03-01 22:30:00.000000", "2024-03-02 22:30:00.500000")
    _landed(api, tmp_path, table, window, time_zone="Etc/GMT-2")
    assert api.requests[-1].query == {"since": low, "until": high, "a": "b c"}
    _landed(api, tmp_path, table, Window(), time_zone="Etc/GMT-2")
    assert api.requests[-1].query == {"a": "b c"}


@pytest.mark.parametrize(("form", "low"), [("iso", "2024-03-01T22:29:59Z"), ("date", "2024-02-29")])
def test_an_exclusive_lower_bound_asks_for_a_little_more(
    api: ApiServer, answer: Any, tmp_path: Path, form: str, low: str
) -> None:
    answer([])
    endpoint = {**SINGLE, "low_param": "since", "bound_form": form, "low_is_exclusive": True}
    table = table_of(BY_TIME, endpoint, cursor="updated_at", lag_seconds=0)
    _landed(api, tmp_path, table, Window("2024-03-01 22:30:00.000000", None))
    assert api.requests[-1].query == {"since": low}


def test_instants_of_records_in_every_form(api: ApiServer, answer: Any, tmp_path: Path) -> None:
    """Cursor texts are UTC and of fixed width; what is no instant stays, for preparation to reject."""
    written = [
        "2024-07-01T10:00:00",
        "2024-07-01 10:00",
        "2024-07-01T10:00:00.25+05:30",
        "2024-07-01",
        "soon",
        "",
    ]
    answer(_moving(list(written)))
    table = table_of(BY_TIME, SINGLE, cursor="updated_at", lag_seconds=0)
    found = _landed(api, tmp_path, table, time_zone="Europe/Berlin")
    utc = ["2024-07-01 08:00:00.000000"] * 2 + ["2024-07-01 04:30:00.250000", "2024-06-30 22:00:00.000000"]
    assert column(found, "_cursor") == [*utc, "soon", ""]
    assert column(found, "updated_at") == [*(f"{text}Z" for text in utc), "soon", ""]


@pytest.mark.parametrize(("form", "unit"), [("epoch_seconds", 1), ("epoch_milliseconds", 1_000)])
def test_instants_counted_since_1970(
    api: ApiServer, answer: Any, tmp_path: Path, form: str, unit: int
) -> None:
    answer(f'[{{"id": 1, "updated_at": {1_700_000_000.25 * unit}}}, {{"id": 2, "updated_at": 1e99}}]')
    table = table_of(BY_TIME, {**SINGLE, "instants": form}, cursor="updated_at", lag_seconds=0)
    found = _landed(api, tmp_path, table)
    assert column(found, "_cursor") == ["2023-11-14 22:13:20.250000", "1e99"]
    assert column(found, "updated_at") == ["2023-11-14 22:13:20.250000Z", "1e99"]


def test_rows_without_a_cursor(api: ApiServer, answer: Any, tmp_path: Path) -> None:
    answer([{"id": 1, "updated_at": None, "made_at": MOMENTS[0]}, {"id": 2, "made_at": None}])
    columns = {**BY_TIME, "made_at": "timestamp"}
    window = Window("2024-03-01 00:00:00.000000", None)

    def ids(**policy: Any) -> list[Any]:
        table = table_of(columns, SINGLE, cursor="updated_at", lag_seconds=0, **policy)
        return column(_landed(api, tmp_path, table, window), "id")

    with pytest.raises(ContractError, match="2 rows have NULL"):
        ids()
    assert ids(null_cursor="always") == ["1", "2"]
    with pytest.raises(ContractError, match="1 rows have NULL"):
        ids(null_cursor="coalesce", null_cursor_fallback="made_at")
    answer([{"id": 1, "updated_at": None, "made_at": MOMENTS[0]}])
    assert ids(null_cursor="coalesce", null_cursor_fallback="made_at") == ["1"]


def test_a_window_in_pieces_of_days(tmp_path: Path) -> None:
    """How many pieces there are never changes a result; each asks for its own days."""
    asked: list[tuple[str, str]] = []

    def respond(request: Request) -> Reply:
        if "since" in request.query:
            asked.append((request.query["since"], request.query["until"]))
        return json_reply(_moving(list(MOMENTS)))

    window = Window("2024-03-01 12:00:00.000000", "2024-03-03 12:00:00.000000")
    with serving(respond) as server:
        for days in (None, 1, 7):
            endpoint = {**SINGLE, "low_param": "since", "high_param": "until", "split_days": days}
            table = table_of(BY_TIME, endpoint, cursor="updated_at", lag_seconds=0)
            found = read(api_source(server.url, tmp_path), table, window)
            assert column(found, "id") == ["1", "2", "3", "4"]
        source, snapshot = api_source(server.url, tmp_path), Snapshot("api", None, "", {})
        pieces = source.plan_extracts(table, Extract("api.things", Window(None, window.high)), snapshot)
    assert len(pieces) == 1
    assert asked == [
        ("2024-03-01T12:00:00Z", "2024-03-03T12:00:00Z"),
        ("2024-03-01T12:00:00Z", "2024-03-02T12:00:00Z"),
        ("2024-03-02T12:00:00Z", "2024-03-03T12:00:00Z"),
        ("2024-03-01T12:00:00Z", "2024-03-03T12:00:00Z"),
    ]


def test_drift_stops_passes_or_is_known(api: ApiServer, answer: Any, tmp_path: Path) -> None:
    """Law X12, on the records as they come; what passes is told in one row."""
    answer([{"id": 1, "extra": 1}, {"id": 2, "more": 2}, {"id": 3, "extra": 1}])
    columns = {"id": "bigint", "gone": "text"}
    with pytest.raises(ContractError, match="the records have 'extra', which is not declared"):
        _landed(api, tmp_path, table_of(columns, SINGLE))
    with pytest.raises(ContractError, match="no record has 'gone', which is declared"):
        _landed(api, tmp_path, table_of(columns, {**SINGLE, "unused": ["extra", "more"]}))
    known = {**SINGLE, "unused": ["extra", "more"], "omits_nulls": True}
    assert "_drift" not in _landed(api, tmp_path, table_of(columns, known)).column_names
    for policy in ("ignore", "evolve"):
        found = _landed(api, tmp_path, table_of(columns, SINGLE, drift=policy))
        assert column(found, "gone") == [None] * 3
        (drift,) = filter(None, column(found, "_drift"))
        assert drift.split("; ") == [
            f"api.things: the records have 'extra', which is not declared (drift: {policy})",
            f"api.things: the records have 'more', which is not declared (drift: {policy})",
            f"api.things: no record has 'gone', which is declared (drift: {policy})",
        ]


def test_what_a_table_cannot_be_without_stops_under_every_policy(
    api: ApiServer, answer: Any, tmp_path: Path
) -> None:
    answer([{"other": 1}])
    for columns in ({"id": "bigint"}, {"other": "bigint", "sure": {"type": "text", "nullable": False}}):
        key = (next(iter(columns)),)
        with pytest.raises(ContractError, match="no record has"):
            _landed(api, tmp_path, table_of(columns, SINGLE, key=key, drift="ignore"))
    answer([])
    assert _landed(api, tmp_path, table_of({"id": "bigint"}, SINGLE)).num_rows == 0


def test_an_api_is_not_asked_for_keys(api: ApiServer, answer: Any, tmp_path: Path) -> None:
    answer([])
    table, source = table_of({"id": "bigint"}, SINGLE), api_source(api.url, tmp_path)
    assert (source.check_columns(table), source.absent_columns(table)) == ([], ())
    with source.snapshot([]) as snapshot, pytest.raises(ConfigError, match="asked for its keys"):
        source.read_keys(table, pa.table({"id": [1]}), snapshot)
    with source.snapshot([]) as snapshot, pytest.raises(ConfigError, match="asked for its keys"):
        source.read(table, Extract("api.things", Window(), "keys"), snapshot)
