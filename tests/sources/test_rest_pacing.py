"""How an API is asked: its rate limit, Retry-After, backoff, timeouts, pooled connections (law X10)."""

from __future__ import annotations

import gzip
import threading
import time
import tracemalloc
from collections.abc import Iterator
from datetime import timedelta
from email.utils import format_datetime
from itertools import pairwise
from pathlib import Path

import pytest

from etl.errors import SourceError, TransientError
from etl.sources import Source
from etl.sources.rest.pacing import Pacer
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

TABLE = table_of({"id": "bigint"}, {"path": "/things"})
RECORDS = [{"id": n} for n in range(20)]


@pytest.fixture(scope="module")
def api() -> Iterator[ApiServer]:
    with serving(lambda request: Reply()) as server:
        yield server


@pytest.fixture(autouse=True)
def _forgotten(api: ApiServer) -> None:
    api.requests.clear()
    api.respond = lambda request: json_reply([{"id": 1}])


def _in_threads(source: Source, count: int) -> None:
    threads = [threading.Thread(target=read, args=(source, TABLE)) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def _gaps(api: ApiServer) -> list[float]:
    times = [request.at for request in api.requests]
    return [later - earlier for earlier, later in pairwise(times)]


def test_threads_share_the_rate_limit(api: ApiServer, tmp_path: Path) -> None:
    """Sixteen requests of eight threads of two sources, fifty a second."""
    sources = [api_source(api.url, tmp_path, requests_per_second=50) for _ in range(2)]
    started = time.monotonic()
    halves = [threading.Thread(target=_in_threads, args=(source, 4)) for source in sources]
    for half in halves:
        half.start()
    for half in halves:
        half.join()
    assert len(api.requests) == 16
    assert time.monotonic() - started >= 15 / 50
    # The server sees them a little later than they were let go.
    assert api.requests[-1].at - api.requests[0].at >= 13 / 50


def test_tries_keep_to_the_rate_limit_as_well(api: ApiServer, tmp_path: Path) -> None:
    api.respond = lambda request: Reply(status=500) if request.number else json_reply([])
    with pytest.raises(TransientError):
        read(api_source(api.url, tmp_path, requests_per_second=20, max_tries=4), TABLE)
    assert api.requests[-1].at - api.requests[0].at >= 3.5 / 20


def test_a_pacer_lets_the_first_through_at_once() -> None:
    pacer = Pacer(0.001)
    started = time.monotonic()
    pacer.wait()
    assert time.monotonic() - started < 1


@pytest.mark.parametrize(
    ("status", "form"), [(429, "seconds"), (503, "date"), (429, "a date of another clock")]
)
def test_retry_after_is_obeyed(api: ApiServer, tmp_path: Path, status: int, form: str) -> None:
    """A date is read by the API's clock: what this machine's clock shows does not matter."""
    api.now = NOW.replace(year=2050) if form == "a date of another clock" else NOW
    until = format_datetime(api.now + timedelta(seconds=1), usegmt=True)
    header = {"Retry-After": "1" if form == "seconds" else until}
    api.respond = lambda r: Reply(status=status, headers=header) if r.number == 1 else json_reply([{"id": 1}])
    assert column(read(api_source(api.url, tmp_path), TABLE), "id") == ["1"]
    assert 0.9 <= _gaps(api)[1] < 4


def test_retry_after_holds_all_threads(api: ApiServer, tmp_path: Path) -> None:
    refused = threading.Event()

    def respond(request: Request) -> Reply:
        if request.number == 0:
            refused.set()
            return Reply(status=429, headers={"Retry-After": "0.5"})
        return json_reply([])

    api.respond = respond
    source = api_source(api.url, tmp_path)
    first = threading.Thread(target=read, args=(source, TABLE))
    first.start()
    refused.wait()
    time.sleep(0.1)
    _in_threads(source, 3)
    first.join()
    assert len(api.requests) == 9
    assert _gaps(api)[0] >= 0.4


@pytest.mark.parametrize("after", ["61", format_datetime(NOW + timedelta(days=1), usegmt=True)])
def test_a_wait_that_is_too_long_ends_the_extraction(api: ApiServer, tmp_path: Path, after: str) -> None:
    api.now = NOW
    api.respond = lambda request: Reply(status=429, headers={"Retry-After": after})
    started = time.monotonic()
    with pytest.raises(TransientError, match=r"asks to wait .* longest_wait_seconds is 60"):
        read(api_source(api.url, tmp_path, longest_wait_seconds=60), TABLE)
    assert time.monotonic() - started < 5
    assert len(api.requests) == 1


@pytest.mark.parametrize("after", ["soon", "-1", "1e9", "", "Thu, 01 Jan 1970 00:00:00 GMT"])
def test_a_retry_after_that_says_nothing_is_backed_off(api: ApiServer, tmp_path: Path, after: str) -> None:
    api.respond = lambda r: Reply(status=429, headers={"Retry-After": after}) if r.number else json_reply([])
    with pytest.raises(TransientError, match="status 429; tried 3 times"):
        read(api_source(api.url, tmp_path), TABLE)


def test_waits_grow_and_differ(api: ApiServer, tmp_path: Path) -> None:
    api.respond = lambda request: Reply(status=500) if request.number else json_reply([])
    with pytest.raises(TransientError, match="tried 4 times"):
        read(api_source(api.url, tmp_path, backoff_seconds=0.1, max_tries=4), TABLE)
    waits = _gaps(api)[1:]
    assert [wait >= least for wait, least in zip(waits, (0.05, 0.1, 0.2), strict=True)] == [True] * 3
    assert sum(waits) < 3


def test_an_api_that_is_silent_or_trickles_is_given_up(api: ApiServer, tmp_path: Path) -> None:
    silent = Reply(b"[]", delay_seconds=1)
    trickling = Reply(b"[" + b" " * 100 + b"]", pause_seconds=0.02)
    for reply, said in ((silent, "did not answer in time"), (trickling, "was not complete after 0.3 s")):
        api.requests.clear()
        api.respond = lambda r, given=reply: given if r.number else json_reply([])  # type: ignore[misc]
        source = api_source(api.url, tmp_path, timeout_seconds=0.2, answer_seconds=0.3, max_tries=1)
        with pytest.raises(TransientError, match=said):
            read(source, TABLE)


def test_an_answer_that_unpacks_to_too_much_is_cut_off(api: ApiServer, tmp_path: Path) -> None:
    """Law P4: a hundred kilobytes that are a hundred megabytes."""
    bomb = gzip.compress(b" " * 100_000_000)
    api.respond = lambda r: Reply(bomb, headers={"Content-Encoding": "gzip"}) if r.number else json_reply([])
    source = api_source(api.url, tmp_path, max_body_bytes=1_000_000)
    tracemalloc.start()
    with pytest.raises(SourceError, match="larger than 1,000,000 bytes"):
        read(source, TABLE)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 10_000_000


def test_connections_are_kept(tmp_path: Path) -> None:
    """Pages come over one connection; only that of the clock, whose body is left unread, is another."""
    with serving(ListApi(RECORDS)) as server:
        table = table_of({"id": "bigint"}, endpoint_of("page", 2, total=["meta", "total"]))
        source = api_source(server.url, tmp_path)
        for _ in range(3):
            assert len(column(read(source, table), "id")) == 20
        assert len(server.requests) == 36
        assert server.connection_count <= 6
