"""An API is read whole, or the extraction fails: laws X10, X2 to X5, X12, F2, P1, P2."""

from __future__ import annotations

import base64
import json
import threading
import time
import tracemalloc
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from etl.catalog import SourceSystem, SourceTable
from etl.errors import ConfigError, ContractError, SourceError, StorehouseError, TransientError
from etl.handles import Extract
from etl.settings import Settings
from etl.sources import open_source
from etl.sources.rest.client import RateLimit
from etl.sources.rest.records import text_of
from etl.windows import Window
from tests.sources.api import Api, Asked, Reply, paged, running_api

RECORDS = [
    {"id": n, "amount": n / 4, "at": f"2026-03-01T00:00:{n:02d}Z", "nested": {"deep": ["x", {"y": n}]}}
    for n in range(1, 8)
]
WHOLE = Window()
COLUMNS = {
    "id": {"type": "bigint", "nullable": False},
    "amount": {"type": "decimal(10,2)"},
    "at": {"type": "timestamp"},
    "y": {"type": "bigint", "source_name": "nested", "path": ["deep", "1", "y"]},
}
BY_PAGE = {"kind": "page", "size": 3}


class Reading:
    """Reads one table of an API as a run does."""

    def __init__(self, api: Api, settings: Settings, rest: dict[str, Any] | None = None) -> None:
        quick = {"backoff_seconds": 0.001, "longest_wait_seconds": 2, "timeout_seconds": 1}
        self.system = SourceSystem.model_validate(
            {"name": "shop_api", "description": "x", "kind": "rest", "rest": {**quick, **(rest or {})}}
        )
        self.settings = settings
        self.api = api

    def rows(self, window: Window = WHOLE, **declared: Any) -> list[dict[str, Any]]:
        """What lands."""
        landed: list[dict[str, Any]] = self.reader(window, **declared).read_all().to_pylist()
        return landed

    def reader(self, window: Window = WHOLE, **declared: Any) -> pa.RecordBatchReader:
        """The open read."""
        table = self.table(**declared)
        source = open_source(self.system, self.settings)
        with source.snapshot([table]) as snapshot:
            return source.read(table, Extract(table.qualified_name, window), snapshot)

    def table(self, **declared: Any) -> SourceTable:
        """The declaration with what a test says of it."""
        endpoint = {"path": "things", "data": ["data"], "pagination": BY_PAGE, **declared.pop("endpoint", {})}
        fields = {"columns": COLUMNS, "key": ["id"], "description": "x", **declared}
        return SourceTable.model_validate(
            {"name": "things", "source": "shop_api", "endpoint": endpoint, **fields}
        )


@pytest.fixture
def connect(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Callable[..., Reading]]:
    """Starts an API and gives a reading of it."""
    opened = []

    def start(answering: Any = None, rest: dict[str, Any] | None = None) -> Reading:
        context = running_api(answering or paged(RECORDS))
        opened.append(context)
        api = context.__enter__()
        monkeypatch.setenv("ETL_SHOP_API_URL", api.url)
        return Reading(api, Settings(_env_file=None, state_dir=tmp_path), rest)

    yield start
    for context in opened:
        context.__exit__(None, None, None)


def ids(rows: list[dict[str, Any]]) -> list[int]:
    """The ids of landed rows."""
    return [int(row["id"]) for row in rows]


# --- pages ---------------------------------------------------------------------------------------


def by_offset(asked: Asked) -> Reply:
    start, size = int(asked.params["offset"]), int(asked.params["limit"])
    return Reply({"data": RECORDS[start : start + size]})


def by_cursor(asked: Asked) -> Reply:
    start = int(asked.params.get("cursor", 0))
    following = start + 3 if start + 3 < len(RECORDS) else None
    return Reply({"data": RECORDS[start : start + 3], "meta": {"next": following}})


def by_link(asked: Asked) -> Reply:
    start = int(asked.params.get("after", 0))
    links = '</v1/things>; rel="first"'
    if start + 3 < len(RECORDS):
        links += f', </v1/things?after={start + 3}>; rel="next"'
    return Reply({"data": RECORDS[start : start + 3]}, headers={"Link": links})


def by_next_url(asked: Asked) -> Reply:
    start = int(asked.params.get("after", 0))
    following = f"/v1/things?after={start + 3}" if start + 3 < len(RECORDS) else None
    return Reply({"data": RECORDS[start : start + 3], "next": following})


PAGINATIONS: dict[str, tuple[Any, dict[str, Any]]] = {
    "page": (paged(RECORDS), {"pagination": BY_PAGE}),
    "page with total": (paged(RECORDS), {"pagination": BY_PAGE, "total": ["total"]}),
    "offset": (by_offset, {"pagination": {"kind": "offset", "size": 3}}),
    "cursor": (by_cursor, {"pagination": {"kind": "cursor", "next": ["meta", "next"]}}),
    "link": (by_link, {"pagination": {"kind": "link"}}),
    "next_url": (by_next_url, {"pagination": {"kind": "next_url"}}),
    "single": (lambda asked: Reply({"data": RECORDS}), {"pagination": {"kind": "single"}}),
}
EVERY_PAGINATION = pytest.mark.parametrize("kind", PAGINATIONS)


@EVERY_PAGINATION
def test_every_record_comes_once_in_order(connect: Callable[..., Reading], kind: str) -> None:
    answering, endpoint = PAGINATIONS[kind]
    rows = connect(answering).rows(endpoint=endpoint)
    assert ids(rows) == [1, 2, 3, 4, 5, 6, 7]
    assert [row["y"] for row in rows] == [str(n) for n in range(1, 8)]


FAULTS: dict[str, Callable[[Reply], Reply]] = {
    "server error": lambda reply: Reply({"error": "x"}, 500),
    "gateway": lambda reply: Reply(b"<html>", 502),
    "too many": lambda reply: Reply({}, 429, {"Retry-After": "0"}),
    "not found": lambda reply: Reply({}, 404),
    "forbidden": lambda reply: Reply({}, 403),
    "unauthorized": lambda reply: Reply({}, 401),
    "accepted only": lambda reply: Reply({"data": []}, 202),
    "no content": lambda reply: Reply(b"", 200),
    "partial": lambda reply: Reply(reply.body, 206),
    "not JSON": lambda reply: Reply(b"<html>sorry</html>"),
    "NaN": lambda reply: Reply(b'{"data": [{"id": NaN}], "total": 7}'),
    "broken off": lambda reply: Reply(reply.body, headers=reply.headers, cut=True),
    "another shape": lambda reply: Reply(["sorry"]),
    "no list": lambda reply: Reply({**reply.body, "data": None}),
    "no objects": lambda reply: Reply({**reply.body, "data": [1]}),
    "redirect to another host": lambda reply: Reply({}, 302, {"Location": "http://elsewhere.example/v1"}),
}


@pytest.mark.parametrize("fault", FAULTS)
@EVERY_PAGINATION
def test_a_fault_at_any_request_never_gives_a_part(
    connect: Callable[..., Reading], kind: str, fault: str
) -> None:
    """Once: all rows after a retry, or an error. For ever: an error. Never fewer rows (law X10)."""
    answering, endpoint = PAGINATIONS[kind]
    reading = connect(answering, {"max_tries": 2})
    reading.rows(endpoint=endpoint)
    for faulty in range(len(reading.api.asked)):
        for is_lasting in (False, True):
            reading.api.asked.clear()

            def at(number: int, reply: Reply, faulty: int = faulty, is_lasting: bool = is_lasting) -> Reply:
                hit = number >= faulty if is_lasting else number == faulty
                return FAULTS[fault](reply) if hit else reply

            reading.api.fault = at
            try:
                rows = reading.rows(endpoint=endpoint)
            except StorehouseError:
                continue
            # The first request asks for the API's time; whatever it shows, its rows are not used.
            assert ids(rows) == [1, 2, 3, 4, 5, 6, 7]
            assert not is_lasting
    reading.api.fault = lambda number, reply: reply


def test_a_short_page_before_another_is_refused(connect: Callable[..., Reading]) -> None:
    def shortened(asked: Asked) -> Reply:
        reply = paged(RECORDS)(asked)
        reply.body["data"] = reply.body["data"][:2] if asked.params.get("page") == "2" else reply.body["data"]
        return reply

    reading = connect(shortened)
    with pytest.raises(SourceError, match="page 2 had fewer than the 3 records"):
        reading.rows()
    with pytest.raises(StorehouseError, match=r"fewer than|names 7 records"):
        reading.rows(endpoint={"total": ["total"]})


def test_a_short_last_page_that_claims_more_is_refused(connect: Callable[..., Reading]) -> None:
    reading = connect(paged(RECORDS, total=8))
    with pytest.raises(TransientError, match="names 8 records in all, but 7 came on 4 pages"):
        reading.rows(endpoint={"total": ["total"]})


def test_a_total_that_changes_is_refused(connect: Callable[..., Reading]) -> None:
    def growing(asked: Asked) -> Reply:
        reply = paged(RECORDS)(asked)
        reply.body["total"] += int(asked.params["page"])
        return reply

    with pytest.raises(TransientError, match="the total was 8 and is 9 on page 2"):
        connect(growing).rows(endpoint={"total": ["total"]})


def test_a_cursor_that_comes_again_is_refused(connect: Callable[..., Reading]) -> None:
    def circling(asked: Asked) -> Reply:
        at = int(asked.params.get("cursor", 0))
        return Reply({"data": [RECORDS[at]], "next_cursor": str((at + 1) % 3 or 1)})

    with pytest.raises(SourceError, match="leads to a page that was read before"):
        connect(circling).rows(endpoint={"pagination": {"kind": "cursor"}})


def test_records_that_shift_while_they_are_read_are_noticed(connect: Callable[..., Reading]) -> None:
    """A record that is inserted before them pushes the last one of a page onto the next."""

    def shifting(asked: Asked) -> Reply:
        start = int(asked.params["offset"])
        begin = start if start == 0 else start - 1
        return Reply({"data": RECORDS[begin : begin + 3]})

    with pytest.raises(TransientError, match="begins with a record of the page before"):
        connect(shifting).rows(endpoint={"pagination": {"kind": "offset", "size": 3}})


@pytest.mark.parametrize("kind", ["link", "next_url"])
def test_no_credentials_go_to_another_host(connect: Callable[..., Reading], kind: str) -> None:
    with running_api(lambda asked: Reply({"data": []})) as elsewhere:
        target = f"{elsewhere.url}/things"
        leading = Reply({"data": RECORDS[:1], "next": target}, headers={"Link": f'<{target}>; rel="next"'})
        with pytest.raises(SourceError, match="leads to another host"):
            connect(lambda asked: leading).rows(endpoint={"pagination": {"kind": kind}})
        assert elsewhere.asked == []


# --- waiting -------------------------------------------------------------------------------------


def test_retry_after_is_obeyed_as_seconds_and_as_a_date(connect: Callable[..., Reading]) -> None:
    reading = connect()
    for form, least in (("1", 1.0), ("date", 0.5)):
        reading.api.asked.clear()
        soon = datetime.now(UTC).replace(microsecond=0) + timedelta(seconds=2)
        header = format_datetime(soon, usegmt=True) if form == "date" else form

        def at(number: int, reply: Reply, header: str = header) -> Reply:
            return Reply({}, 429, {"Retry-After": header}) if number == 1 else reply

        reading.api.fault = at
        started = time.monotonic()
        assert ids(reading.rows()) == [1, 2, 3, 4, 5, 6, 7]
        assert time.monotonic() - started >= least


def test_a_long_wait_is_left_to_the_next_run(connect: Callable[..., Reading]) -> None:
    reading = connect()
    reading.api.fault = lambda number, reply: Reply({}, 429, {"Retry-After": "3600"})
    with pytest.raises(TransientError, match="asks to wait 3600 s; tried 1 times"):
        reading.rows()


def test_an_api_that_cannot_be_reached_is_transient(connect: Callable[..., Reading]) -> None:
    reading = connect(rest={"max_tries": 2})
    table = reading.table()
    source = open_source(reading.system, Settings(_env_file=None, state_dir=reading.settings.state_dir))
    reading.api.fault = lambda number, reply: Reply(reply.body, cut=True)
    with pytest.raises(TransientError, match="broke off"), source.snapshot([table]):
        pass


def test_the_rate_is_shared_by_all_threads() -> None:
    limit = RateLimit(100)
    started = time.monotonic()

    def wait_often() -> None:
        for _ in range(5):
            limit.wait()

    threads = [threading.Thread(target=wait_often) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert time.monotonic() - started >= 0.19


# --- who asks ------------------------------------------------------------------------------------


def test_each_way_of_saying_who_asks(
    connect: Callable[..., Reading], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("TOKEN", "USER", "PASSWORD", "API_KEY"):
        monkeypatch.setenv(f"ETL_SHOP_API_{name}", f"the-{name.lower()}")
    basic = base64.b64encode(b"the-user:the-password").decode()
    for auth, header in (
        ({"kind": "bearer"}, {"Authorization": "Bearer the-token"}),
        ({"kind": "basic"}, {"Authorization": f"Basic {basic}"}),
        ({"kind": "api_key", "name": "X-Key"}, {"X-Key": "the-api_key"}),
    ):
        reading = connect(rest={"auth": auth})
        reading.rows()
        assert all(header.items() <= asked.headers.items() for asked in reading.api.asked)
    reading = connect(rest={"auth": {"kind": "api_key", "name": "key", "location": "query"}})
    reading.rows()
    assert {asked.params["key"] for asked in reading.api.asked} == {"the-api_key"}


def test_an_oauth_token_is_fetched_once_and_renewed_when_refused(
    connect: Callable[..., Reading], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ETL_SHOP_API_CLIENT_ID", "me")
    monkeypatch.setenv("ETL_SHOP_API_CLIENT_SECRET", "hunter2")
    tokens: list[str] = []

    def answering(asked: Asked) -> Reply:
        if asked.path == "/token":
            assert "grant_type=client_credentials" in asked.form
            assert "scope=read" in asked.form
            tokens.append(f"token-{len(tokens)}")
            return Reply({"access_token": tokens[-1], "expires_in": 3600})
        is_good = asked.headers.get("Authorization") == "Bearer token-1"
        return paged(RECORDS)(asked) if is_good else Reply({}, 401)

    context = running_api(answering)
    with context as api:
        token_url = api.url.replace("/v1", "/token")
        reading = connect(answering, {"auth": {"kind": "oauth2", "token_url": token_url, "scope": "read"}})
        assert ids(reading.rows()) == [1, 2, 3, 4, 5, 6, 7]
    assert tokens == ["token-0", "token-1"]


def test_a_missing_credential_is_named(connect: Callable[..., Reading]) -> None:
    with pytest.raises(ConfigError, match="ETL_SHOP_API_TOKEN, which is not set"):
        connect(rest={"auth": {"kind": "bearer"}}).rows()


def test_no_secret_stands_in_a_message(
    connect: Callable[..., Reading], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Law P2: not in the text, not in the chain of errors."""
    monkeypatch.setenv("ETL_SHOP_API_API_KEY", "hunter2")
    reading = connect(rest={"auth": {"kind": "api_key", "name": "k", "location": "query"}, "max_tries": 1})
    for fault in FAULTS.values():
        reading.api.fault = lambda number, reply, fault=fault: fault(reply)  # type: ignore[misc]
        with pytest.raises(StorehouseError) as failed:
            reading.rows()
        assert "hunter2" not in f"{failed.value} {failed.value.__cause__!r} {failed.value!r}"
    monkeypatch.setenv("ETL_SHOP_API_URL", "https://me:hunter2@api.example/v1")
    with pytest.raises(ConfigError, match="holds credentials") as refused:
        open_source(reading.system, reading.settings)
    assert "hunter2" not in str(refused.value)


# --- windows -------------------------------------------------------------------------------------


def test_the_end_of_the_window_is_the_time_of_the_api(connect: Callable[..., Reading]) -> None:
    """Law X4: nobody asks this machine's clock."""
    reading = connect()
    table = reading.table(cursor="at", lag_seconds=60)
    with open_source(reading.system, reading.settings).snapshot([table]) as snapshot:
        assert snapshot.taken_at == "2026-03-03 01:06:40.000000"
        assert snapshot.safe_highs == {"shop_api.things": "2026-03-03 01:05:40.000000"}
    reading.api.date = None
    with (
        pytest.raises(SourceError, match="no Date header"),
        open_source(reading.system, reading.settings).snapshot([table]),
    ):
        pass


def test_the_window_decides_whatever_the_api_makes_of_its_bounds(connect: Callable[..., Reading]) -> None:
    reading = connect()
    window = Window("2026-03-01 00:00:02.000000", "2026-03-01 00:00:05.500000")
    bounds = {"low_param": "since", "high_param": "until"}
    rows = reading.rows(window, cursor="at", endpoint=bounds)
    assert ids(rows) == [2, 3, 4, 5]
    assert rows[0]["_cursor"] == "2026-03-01 00:00:02.000000"
    last = reading.api.asked[-1].params
    assert (last["since"], last["until"]) == ("2026-03-01T00:00:02Z", "2026-03-01T00:00:05.500000Z")
    for form, low, high in (
        ("date", "2026-03-01", "2026-03-02"),
        ("epoch_seconds", "1772323202", "1772323206"),
    ):
        assert ids(reading.rows(window, cursor="at", endpoint={**bounds, "bound_form": form})) == [2, 3, 4, 5]
        assert (reading.api.asked[-1].params["since"], reading.api.asked[-1].params["until"]) == (low, high)


@given(
    low=st.datetimes(datetime(2026, 1, 1), datetime(2026, 1, 3)),
    span=st.timedeltas(timedelta(0), timedelta(days=2)),
    at=st.datetimes(datetime(2026, 1, 1), datetime(2026, 1, 5)),
)
@hypothesis_settings(max_examples=60, deadline=None)
def test_a_bound_in_a_coarse_form_never_leaves_a_record_out(
    low: datetime, span: timedelta, at: datetime
) -> None:
    from etl.sources.rest.source import _bounds

    table = Reading(Api(paged([])), Settings(_env_file=None)).table(
        cursor="at", endpoint={"low_param": "a", "high_param": "b", "bound_form": "date"}
    )
    window = Window(str(low.isoformat(" ", "microseconds")), (low + span).isoformat(" ", "microseconds"))
    assert table.endpoint is not None
    sent = _bounds(table.endpoint, table, window)
    if low <= at < low + span:
        assert sent["a"] <= at.date().isoformat() < sent["b"]


def test_rows_without_cursor_follow_the_policy(connect: Callable[..., Reading]) -> None:
    reading = connect(paged([{"id": 1, "at": None, "made": "2026-03-01T00:00:00+01:00"}]))
    columns = {"id": {"type": "bigint"}, "at": {"type": "timestamp"}, "made": {"type": "timestamp"}}
    with pytest.raises(ContractError, match="has no cursor 'at'"):
        reading.rows(cursor="at", columns=columns)
    always = reading.rows(cursor="at", columns=columns, null_cursor="always")
    assert always[0]["_cursor"] is None
    (row,) = reading.rows(cursor="at", columns=columns, null_cursor="coalesce", null_cursor_fallback="made")
    assert row["_cursor"] == "2026-02-28 23:00:00.000000"


# --- records -------------------------------------------------------------------------------------


def test_a_child_list_becomes_rows_with_fields_of_their_parent(connect: Callable[..., Reading]) -> None:
    records: list[dict[str, Any]] = [
        {"id": 1, "items": [{"sku": "a"}, {"sku": "b"}]},
        {"id": 2, "items": []},
        {"id": 3},
        {"id": 4, "items": [{"sku": "c"}]},
    ]
    columns = {"id": {"type": "bigint", "of_parent": True}, "sku": {"type": "text"}}
    rows = connect(paged(records)).rows(columns=columns, endpoint={"explode": ["items"]}, key=["id", "sku"])
    assert [(row["id"], row["sku"]) for row in rows] == [("1", "a"), ("1", "b"), ("4", "c")]


def test_what_is_not_declared_is_drift(connect: Callable[..., Reading]) -> None:
    """Law X12."""
    columns = {"id": {"type": "bigint"}}
    reading = connect(paged([{"id": 1, 'odd"; drop table x; --': 1}]))
    with pytest.raises(ContractError, match="drop table x"):
        reading.rows(columns=columns)
    assert reading.rows(columns=columns, drift="ignore")[0]["_drift"].startswith("a record has a field")
    unused = {"unused": ['odd"; drop table x; --']}
    assert reading.rows(columns=columns, endpoint=unused)[0]["_drift"] is None
    with pytest.raises(ContractError, match="no record has the declared lost"):
        reading.rows(columns={**columns, "lost": {"type": "text"}}, endpoint=unused)


def test_half_a_character_costs_its_row_only(connect: Callable[..., Reading]) -> None:
    body = b'{"data": [{"id": 1, "t": "\\ud800"}, {"id": 2, "t": "fine"}]}'
    columns = {"id": {"type": "bigint"}, "t": {"type": "text"}}
    rows = connect(lambda asked: Reply(body)).rows(
        columns=columns, endpoint={"pagination": {"kind": "single"}}
    )
    assert [row["_fault"] is None for row in rows] == [False, True]


numbers = st.decimals(allow_nan=False, allow_infinity=False, places=4, min_value=-(10**20), max_value=10**20)


@given(st.recursive(st.none() | st.booleans() | st.integers() | numbers | st.text(), st.lists, max_leaves=8))
def test_text_of_a_value_loses_nothing(value: Any) -> None:
    """Law F2: a decimal keeps its digits, also within nested JSON."""
    if isinstance(value, list):
        assert json.loads(text_of(value), parse_float=Decimal) == value
    elif isinstance(value, Decimal):
        assert Decimal(text_of(value)) == value


def test_memory_does_not_grow_with_the_number_of_pages(connect: Callable[..., Reading]) -> None:
    """Law X13: 150 pages of 100 kB, and never more than a few of them."""
    columns = {"id": {"type": "bigint"}, "pad": {"type": "text"}}

    def endless(asked: Asked) -> Reply:
        at = int(asked.params.get("cursor", 0))
        page = [{"id": at * 10 + n, "pad": "x" * 10_000} for n in range(10)]
        return Reply({"data": page, "next_cursor": str(at + 1) if at < 149 else None})

    reader = connect(endless).reader(columns=columns, endpoint={"pagination": {"kind": "cursor"}})
    tracemalloc.start()
    count = sum(batch.num_rows for batch in reader)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert count == 1_500
    assert peak < 5_000_000


def test_an_answer_without_end_is_refused(connect: Callable[..., Reading]) -> None:
    reading = connect(
        lambda asked: Reply({"data": [{"id": 1, "pad": "x" * 5_000}]}), {"max_body_bytes": 1_000}
    )
    with pytest.raises(SourceError, match="more than 1,000 bytes"):
        reading.rows()
