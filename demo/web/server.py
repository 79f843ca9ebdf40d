"""The HTTP server of the shop's web analytics: pages, a token, a rate limit, and now and then a failure.

    GET /v1/sessions       page, per_page                {"data": [...], "page": n, "total": N}
    GET /v1/conversions    cursor, limit                 {"data": [...], "next_cursor": "..." or null}
    GET /health            without a token               {"status": "ok", "answers": {"200": n, ...}}

Both lists take ``updated_since`` (inclusive) and ``updated_before``. Its clock, which the header ``Date``
shows, stands where the shop's does: at the end of the business day that was played last. So
nothing that it has not shown yet is older than its clock (law X2).
"""

from __future__ import annotations

import hmac
import json
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple
from urllib.parse import parse_qsl, urlsplit

from demo.plan import datetime_of, instant_of
from demo.web.records import Span, WebRecords
from etl.errors import StorehouseError

HOST = "127.0.0.1"
HEALTH = "/health"
MOST_RECORDS = 200
_USUAL_RECORDS = 100


@dataclass
class Limits:
    """How the server makes its clients' life hard.

    Attributes:
        requests_per_second: More than so many within a second get 429 and how long to wait.
        fails_every: Of the requests for sessions, every so manieth gets 503; 0 for none.
    """

    requests_per_second: int = 10
    fails_every: int = 9
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _second: int = 0
    _in_second: int = 0
    _session_requests: int = 0

    def admits(self) -> bool:
        """Count a request; False when there were too many within this second."""
        with self._lock:
            second = int(time.monotonic())
            if second != self._second:
                self._second, self._in_second = second, 0
            self._in_second += 1
            return self._in_second <= self.requests_per_second

    def fails(self) -> bool:
        """Count a request for sessions; True when it is its turn to fail."""
        with self._lock:
            self._session_requests += 1
            return self.fails_every > 0 and self._session_requests % self.fails_every == 0


class Answer(NamedTuple):
    """Status, body and further headers of an answer."""

    status: int
    body: dict[str, Any]
    headers: Mapping[str, str] = {}


class _Refused(Exception):
    """A parameter of the request makes no sense; the message goes to the client."""


class AnalyticsServer(ThreadingHTTPServer):
    """Serves the records of a shop up to where it has been played.

    Args:
        records: All records there will be.
        clock: Instant of the shop's clock, asked for at each request.
        token: What the header ``Authorization: Bearer`` must name.
        port: 0 for any that is free.
    """

    daemon_threads = True

    def __init__(
        self,
        records: WebRecords,
        clock: Callable[[], int],
        token: str,
        port: int = 0,
        limits: Limits | None = None,
    ) -> None:
        super().__init__((HOST, port), _Handler)
        self.clock = clock
        self.answers: Counter[int] = Counter()
        self._records = records
        self._token = token
        self._limits = limits or Limits()

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://{HOST}:{self.server_port}"

    def answer(self, target: str, authorization: str, now: int) -> Answer:
        """Answer a GET of ``target`` (path and query) when the shop's clock shows ``now``."""
        path, query = urlsplit(target).path, dict(parse_qsl(urlsplit(target).query))
        if path == HEALTH:
            return Answer(200, {"status": "ok", "answers": dict(sorted(self.answers.items()))})
        if not hmac.compare_digest(authorization.encode(), f"Bearer {self._token}".encode()):
            return Answer(401, {"error": "a bearer token is needed"}, {"WWW-Authenticate": "Bearer"})
        if not self._limits.admits():
            return Answer(429, {"error": "too many requests"}, {"Retry-After": "1"})
        try:
            return self._list(path, query, now)
        except _Refused as refused:
            return Answer(400, {"error": str(refused)})

    def _list(self, path: str, query: Mapping[str, str], now: int) -> Answer:
        span = Span(_instant(query, "updated_since", 0), _instant(query, "updated_before", now), now)
        if path == "/v1/sessions":
            if self._limits.fails():
                return Answer(503, {"error": "the store of sessions is busy"})
            page, size = _whole(query, "page", 1), _size(query, "per_page")
            sessions, total = self._records.sessions(span, (page - 1) * size, size)
            return Answer(200, {"data": sessions, "page": page, "total": total})
        if path == "/v1/conversions":
            start, size = _start(query), _size(query, "limit")
            conversions, total = self._records.conversions(span, start, size)
            end = start + size
            return Answer(200, {"data": conversions, "next_cursor": _cursor(end) if end < total else None})
        return Answer(404, {"error": f"there is nothing at {path}"})


class _Handler(BaseHTTPRequestHandler):
    """Speaks HTTP; what to say is the server's."""

    server: AnalyticsServer
    protocol_version = "HTTP/1.1"
    _now = 0

    def do_GET(self) -> None:
        """Answer, and count the answer."""
        try:
            self._now = self.server.clock()
            answer = self.server.answer(self.path, self.headers.get("Authorization") or "", self._now)
        except StorehouseError:
            answer = Answer(503, {"error": "the shop's database does not answer"})
        if self.path != HEALTH:
            self.server.answers[answer.status] += 1
        body = json.dumps(answer.body, ensure_ascii=False).encode()
        self.send_response(answer.status)
        own = {"Content-Type": "application/json; charset=utf-8", "Content-Length": str(len(body))}
        for name, value in {**own, **answer.headers}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def version_string(self) -> str:
        """The header ``Server``, which says nothing of versions."""
        return "shop-analytics"

    def date_time_string(self, timestamp: float | None = None) -> str:
        """The header ``Date``: the shop's clock."""
        return format_datetime(datetime_of(self._now), usegmt=True)


def _whole(query: Mapping[str, str], name: str, default: int) -> int:
    text = query.get(name, str(default))
    if not text.isdecimal() or not 1 <= int(text) <= 10**9:
        raise _Refused(f"'{name}' must be a whole number from 1 on")
    return int(text)


def _size(query: Mapping[str, str], name: str) -> int:
    size = _whole(query, name, _USUAL_RECORDS)
    if size > MOST_RECORDS:
        raise _Refused(f"'{name}' may be {MOST_RECORDS} at most")
    return size


def _instant(query: Mapping[str, str], name: str, default: int) -> int:
    try:
        at = datetime.fromisoformat(query[name])
        return instant_of((at if at.tzinfo else at.replace(tzinfo=UTC)).astimezone(UTC))
    except KeyError:
        return default
    except ValueError:
        raise _Refused(f"'{name}' must be an instant such as 2026-03-01T00:00:00Z") from None


def _cursor(start: int) -> str:
    return f"from-{start:x}"


def _start(query: Mapping[str, str]) -> int:
    if (text := query.get("cursor")) is None:
        return 0
    try:
        return int(text.removeprefix("from-"), 16)
    except ValueError:
        raise _Refused("'cursor' is none that was given out") from None
