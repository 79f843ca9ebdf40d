"""Law X10: whatever an API does wrong, at whatever request: exactly the right rows, or an error."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from etl.errors import SourceError, StorehouseError, TransientError
from etl.sources import Source
from tests.sources.api import (
    PAGINATIONS,
    ApiServer,
    Fault,
    ListApi,
    Reply,
    Request,
    api_source,
    changed,
    endpoint_of,
    read,
    serving,
    table_of,
)
from tests.sources.shops import column

COLUMNS = {"id": "bigint", "name": "text"}
RECORDS = [{"id": n, "name": f"record {n}"} for n in range(8)]
IDS = [str(n) for n in range(8)]
PAGED = [kind for kind in PAGINATIONS if kind != "single"]


def _status(status: int, **headers: str) -> Fault:
    return lambda request, reply: Reply(b'{"error": "so it is"}', status, headers)


def _body(body: bytes, **headers: str) -> Fault:
    return lambda request, reply: Reply(body, 200, headers)


def _cut(request: Request, reply: Reply) -> Reply:
    return replace(reply, sent_bytes=len(reply.body) // 2)


def _cut_chunks(request: Request, reply: Reply) -> Reply:
    half = reply.body[: len(reply.body) // 2]
    chunk = f"{len(half):x}\r\n".encode() + half + b"\r\n"
    headers = {"Transfer-Encoding": "chunked", "Content-Length": ""}
    return replace(reply, body=chunk, headers={**reply.headers, **headers}, sent_bytes=len(chunk))


def _large_redirect(request: Request, reply: Reply) -> Reply:
    return Reply(b" " * 70_000, 302, {"Location": f"{request.path}?{urlencode(request.query)}"})


def _list(body: Any) -> list[Any]:
    records: list[Any] = body["items"]["list"]
    return records


def _with_list(body: Any, records: Any) -> Any:
    return {**body, "items": {"list": records}}


def _other_total(request: Request, reply: Reply) -> Reply:
    body = json.loads(reply.body)
    return changed(lambda b: {**b, "meta": {**b["meta"], "total": body["meta"]["total"] - 3}})(
        request, replace(reply, headers={**reply.headers, "X-Total": "5"})
    )


def _doubled(body: Any) -> Any:
    """The page has its last record replaced by one of another page."""
    records = _list(body)
    return _with_list(body, [*records[:-1], RECORDS[0] if records[0] != RECORDS[0] else RECORDS[-1]])


# Failures that pass: with one of them, the rows are right in the end.
PASSING: dict[str, Fault] = {
    "500": _status(500),
    "502": _status(502),
    "503 for now": _status(503, **{"Retry-After": "0"}),
    "429": _status(429, **{"Retry-After": "0"}),
    "429 without a time": _status(429),
    "408": _status(408),
    "connection dropped": lambda request, reply: replace(reply, is_dropped=True),
    "cut in the body": _cut,
    "cut in a chunk": _cut_chunks,
    "packed badly": lambda request, reply: replace(
        reply, headers={**reply.headers, "Content-Encoding": "gzip"}
    ),
}
# Failures that stay, or lies: with one of them, nothing counts as read.
LASTING: dict[str, Fault] = {
    "400": _status(400),
    "401": _status(401),
    "404": _status(404),
    "501": _status(501),
    "no content": _status(204),
    "a part": lambda request, reply: replace(reply, status=206),
    "accepted, not done": lambda request, reply: replace(reply, status=202),
    "not modified": _status(304),
    "empty": _body(b""),
    "a page for people": _body(b"<html>Sorry</html>"),
    "half of a JSON": lambda request, reply: replace(reply, body=reply.body[:-5]),
    "not UTF-8": _body(b'{"items": {"list": [{"id": "\xff"}]}}'),
    "no number": _body(b'{"items": {"list": [{"id": NaN}]}}'),
    "nested endlessly": _body(b"[" * 100_000),
    "another JSON": _body(b'{"error": "no"}'),
    "null for the list": changed(lambda body: _with_list(body, None)),
    "an object for the list": changed(lambda body: _with_list(body, {"0": _list(body)})),
    "no records": changed(lambda body: _with_list(body, ["a", 1, None])),
    "one that is none": changed(lambda body: _with_list(body, [*_list(body)[1:], None])),
    "a list at the top": changed(_list),
    "a page cut short": changed(lambda body: _with_list(body, _list(body)[:-1])),
    "an empty page": changed(lambda body: _with_list(body, [])),
    "a total that changes": _other_total,
    "a total that is none": changed(lambda body: {**body, "meta": {**body["meta"], "total": "many"}}),
    "redirect elsewhere": _status(302, Location="http://127.0.0.2:9/page"),
    "a redirect that is too large": _large_redirect,
    "too large": lambda request, reply: replace(reply, body=reply.body + b" " * 70_000),
}
# Lies that the last page, or the page behind it, can tell without harm: it has nothing that could be missing.
HARMLESS_ON_AN_EMPTY_PAGE = {
    "a page cut short",
    "an empty page",
    "a total that changes",
    "a total that is none",
}


@pytest.fixture(scope="module")
def api() -> Iterator[ApiServer]:
    with serving(ListApi([])) as server:
        yield server


@pytest.fixture
def lists(api: ApiServer) -> ListApi:
    lists = ListApi(RECORDS)
    api.respond = lists
    return lists


@pytest.fixture
def source(api: ApiServer, tmp_path: Path) -> Source:
    return api_source(api.url, tmp_path, max_body_bytes=65_536)


def _read(source: Source, api: ApiServer, kind: str, **rest: Any) -> list[str]:
    """Ids of a read; the request for the clock is number 0."""
    api.requests.clear()
    table = table_of(COLUMNS, endpoint_of(kind, **{"total": ["meta", "total"], **rest}))
    return column(read(source, table), "id")


@pytest.mark.parametrize("kind", PAGINATIONS)
def test_a_failure_that_passes_changes_nothing(
    api: ApiServer, lists: ListApi, source: Source, kind: str
) -> None:
    assert _read(source, api, kind) == IDS
    undisturbed = len(api.requests)
    for name, fault in PASSING.items():
        for number in range(undisturbed):
            lists.faults = {number: fault}
            assert _read(source, api, kind) == IDS, (name, number)
            # Nothing is read of the body of the request for the clock.
            is_unread = number == 0 and ("cut" in name or "packed" in name)
            assert len(api.requests) == undisturbed + (0 if is_unread else 1), (name, number)


@pytest.mark.parametrize("kind", PAGINATIONS)
def test_a_failure_from_any_request_on_is_an_error_that_may_pass(
    api: ApiServer, lists: ListApi, source: Source, kind: str
) -> None:
    _read(source, api, kind)
    for number in range(1, len(api.requests)):
        for name, fault in PASSING.items():
            lists.fault_from = (number, fault)
            with pytest.raises(TransientError, match="tried 3 times"):
                _read(source, api, kind)
            assert len(api.requests) == number + 3, name


@pytest.mark.parametrize("kind", PAGINATIONS)
def test_a_failure_that_stays_or_a_lie_is_an_error(
    api: ApiServer, lists: ListApi, source: Source, kind: str
) -> None:
    _read(source, api, kind)
    count = len(api.requests)
    lies = LASTING if kind == "single" else {**LASTING, "a record for another": changed(_doubled)}
    for name, fault in lies.items():
        for number in range(1, count):
            lists.faults = {number: fault}
            with pytest.raises(StorehouseError) as caught:
                pytest.fail(f"{name} at {number}: {_read(source, api, kind)}")
            assert isinstance(caught.value, SourceError | TransientError), (name, number)
            assert "api.things" in caught.value.problem
            assert caught.value.remedy


@pytest.mark.parametrize("kind", ["page", "offset"])
def test_the_page_behind_the_last_is_not_believed_either(
    api: ApiServer, lists: ListApi, source: Source, kind: str
) -> None:
    """Nine records on pages of three: a fourth page shows that there is none."""
    lists.records = [*RECORDS, {"id": 8, "name": "record 8"}]
    assert _read(source, api, kind) == [*IDS, "8"]
    assert len(api.requests) == 5
    for name in LASTING.keys() - HARMLESS_ON_AN_EMPTY_PAGE:
        lists.faults = {4: LASTING[name]}
        with pytest.raises(SourceError):
            pytest.fail(f"{name}: {_read(source, api, kind)}")


@pytest.mark.parametrize("kind", PAGED)
def test_without_a_total_a_page_cut_short_is_seen_by_what_follows_it(
    api: ApiServer, lists: ListApi, source: Source, kind: str
) -> None:
    """The last page is beyond proof where nothing can follow it: hence 'total'."""
    for name in ("a page cut short", "an empty page"):
        for number in (1, 2, 3) if kind == "offset" else (1, 2):
            lists.faults = {number: LASTING[name]}
            with pytest.raises(
                SourceError, match=r"page \d holds \d of \d records, and yet it is not the last"
            ):
                pytest.fail(f"{name}: {_read(source, api, kind, total=[])}")
    lists.faults = {}
    assert _read(source, api, kind, total=[]) == IDS


@pytest.mark.parametrize("kind", PAGED)
@pytest.mark.parametrize("count", [0, 1, 2, 3, 4, 6])
def test_the_total_in_a_header_or_none(
    api: ApiServer, lists: ListApi, source: Source, kind: str, count: int
) -> None:
    lists.records = RECORDS[:count]
    variants: list[dict[str, Any]] = [{"total": [], "total_header": "x-total"}, {"total": []}, {}]
    for declared in variants:
        assert _read(source, api, kind, **declared) == IDS[:count]


@pytest.mark.parametrize(
    ("kind", "at", "said"),
    [
        pytest.param("page", 3, "the same page came before", id="page"),
        pytest.param("offset", 3, "the same page came before", id="offset"),
        pytest.param("cursor", 2, "is named again as the next", id="cursor"),
        pytest.param("link", 2, "is named again as the next", id="link"),
        pytest.param("next", 2, "is named again as the next", id="next"),
    ],
)
def test_an_api_that_goes_round_in_a_circle(
    api: ApiServer, lists: ListApi, source: Source, kind: str, at: int, said: str
) -> None:
    kept: list[Reply] = []

    def repeat(request: Request, reply: Reply) -> Reply:
        kept.append(reply)
        return kept[0]

    lists.fault_from = (at - 1, repeat)
    with pytest.raises(SourceError, match=said):
        _read(source, api, kind, total=[])


def test_only_the_next_page_named_again(api: ApiServer, lists: ListApi, source: Source) -> None:
    """New records with an old cursor, for ever."""

    def endless(request: Request, reply: Reply) -> Reply:
        fresh = [{"id": 100 * request.number + n, "name": "x"} for n in range(3)]
        return changed(lambda body: {**body, "items": {"list": fresh}, "meta": {"next": "from 3+&"}})(
            request, reply
        )

    lists.fault_from = (0, endless)
    with pytest.raises(SourceError, match="is named again as the next"):
        _read(source, api, "cursor", total=[])
    assert len(api.requests) < 5


def test_a_redirect_within_the_api_is_followed_but_in_no_circle(
    api: ApiServer, lists: ListApi, source: Source
) -> None:
    def same(request: Request, reply: Reply) -> Reply:
        return Reply(status=307, headers={"Location": f"{request.path}?{urlencode(request.query)}"})

    lists.faults = {0: same, 2: same}
    assert _read(source, api, "page") == IDS
    lists.fault_from = (2, same)
    with pytest.raises(SourceError, match="status 307"):
        _read(source, api, "page")


def test_a_page_with_more_than_was_asked_for(api: ApiServer, lists: ListApi, source: Source) -> None:
    lists.faults = {1: changed(lambda body: _with_list(body, RECORDS))}
    with pytest.raises(SourceError, match="does not obey 'size'"):
        _read(source, api, "page")


def test_a_list_that_moves_is_read_again(api: ApiServer, lists: ListApi, source: Source) -> None:
    """A record that is put in front while pages are read pushes another onto the next page, again."""

    def insert(request: Request, reply: Reply) -> Reply:
        lists.records = [{"id": 99, "name": "new"}, *lists.records]
        return reply

    for declared, said in ((["meta", "total"], "the list changed while it was read"), ([], "the list moved")):
        lists.records, lists.faults = list(RECORDS), {1: insert}
        with pytest.raises(TransientError, match=said):
            _read(source, api, "page", total=declared)
    lists.faults = {}
    assert _read(source, api, "page") == ["99", *IDS]


def test_an_api_that_answers_404_behind_the_last_page(api: ApiServer, lists: ListApi, source: Source) -> None:
    lists.records = RECORDS[:6]
    table = table_of(COLUMNS, endpoint_of("page", total=["meta", "total"]))
    pagination = {**PAGINATIONS["page"], "size": 3, "ends_with_404": True}
    ends = table_of(COLUMNS, endpoint_of("page", total=["meta", "total"], pagination=pagination))
    not_found = LASTING["404"]
    for number, is_right in ((1, False), (2, False), (3, True)):
        lists.faults = {number: not_found}
        api.requests.clear()
        if is_right:
            assert column(read(source, ends), "id") == IDS[:6]
        else:
            with pytest.raises(SourceError):
                read(source, ends)
        api.requests.clear()
        with pytest.raises(SourceError, match="404"):
            read(source, table)


def test_short_pages_where_the_api_is_known_for_them(api: ApiServer, lists: ListApi, source: Source) -> None:
    pagination = {**PAGINATIONS["cursor"], "size": 3, "short_pages": True}

    def thin(request: Request, reply: Reply) -> Reply:
        return changed(lambda body: _with_list(body, [r for r in _list(body) if r["id"] % 4 == 0]))(
            request, reply
        )

    lists.fault_from = (0, thin)
    table = table_of(COLUMNS, endpoint_of("cursor", pagination=pagination))
    assert column(read(source, table), "id") == ["0", "4"]


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_any_list_any_page_size_any_failures(
    api: ApiServer, lists: ListApi, source: Source, data: st.DataObject
) -> None:
    """Any number of failures, and one lie: the right rows or an error, never a part."""
    kind = data.draw(st.sampled_from(list(PAGINATIONS)))
    size = data.draw(st.integers(1, 5))
    lists.records = RECORDS[: data.draw(st.integers(0, 8))]
    failing = st.sampled_from([*PASSING, *(LASTING.keys() - HARMLESS_ON_AN_EMPTY_PAGE)])
    names = data.draw(st.dictionaries(st.integers(0, 9), failing, max_size=4))
    lie = data.draw(st.tuples(st.integers(0, 9), st.sampled_from(sorted(HARMLESS_ON_AN_EMPTY_PAGE))))
    lists.faults = {lie[0]: _if_possible(LASTING[lie[1]])} | {
        number: PASSING.get(name) or LASTING[name] for number, name in names.items()
    }
    try:
        found = _read(source, api, kind, size=size)
    except (SourceError, TransientError):
        return
    assert found == IDS[: len(lists.records)]


def _if_possible(lie: Fault) -> Fault:
    """An empty page has nothing to lie about, and the last of all has its only record."""
    return lambda request, reply: reply if b'"list": []' in reply.body else lie(request, reply)
