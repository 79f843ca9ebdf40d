"""An API for one test: a real HTTP server on loopback, lists of every pagination, faults by request."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import parse_qsl, urlsplit

import pyarrow as pa

from etl.catalog import SourceSystem, SourceTable
from etl.handles import Extract
from etl.settings import Settings
from etl.sources import Source, open_source
from etl.windows import Window

NOW = datetime(2024, 3, 10, 12, 0, 0, tzinfo=UTC)


class Request(NamedTuple):
    """What a client asked for.

    Attributes:
        number: From 0, in the order in which they arrived.
        at: Monotonic time.
    """

    number: int
    at: float
    method: str
    target: str
    path: str
    query: dict[str, str]
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True)
class Reply:
    """What the server sends, or does instead.

    Attributes:
        sent_bytes: The connection ends after so many bytes of the body; None for the whole.
        is_dropped: The connection ends without an answer.
        delay_seconds: Before the answer.
        pause_seconds: After each byte of the body.
    """

    body: bytes = b""
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    sent_bytes: int | None = None
    is_dropped: bool = False
    delay_seconds: float = 0
    pause_seconds: float = 0


Respond = Callable[[Request], Reply]
Fault = Callable[[Request, Reply], Reply]


def json_reply(value: Any, **rest: Any) -> Reply:
    """A value as a JSON body."""
    return Reply(json.dumps(value).encode(), **rest)


class ApiServer(ThreadingHTTPServer):
    """Serves what ``respond`` says; keeps what was asked.

    Attributes:
        requests: All of them, in order.
        connection_count: How many connections were opened.
        now: Its clock, for the header ``Date``; None for no such header.
    """

    daemon_threads = True
    request_queue_size = 64

    def __init__(self, respond: Respond) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.respond = respond
        self.requests: list[Request] = []
        self.connection_count = 0
        self.now: datetime | None = NOW
        self._lock = threading.Lock()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    def take(self, handler: BaseHTTPRequestHandler, body: bytes) -> Request:
        parts = urlsplit(handler.path)
        query = dict(parse_qsl(parts.query, keep_blank_values=True))
        with self._lock:
            request = Request(
                len(self.requests),
                time.monotonic(),
                handler.command,
                handler.path,
                parts.path,
                query,
                dict(handler.headers.items()),
                body,
            )
            self.requests.append(request)
        return request

    def count_connection(self) -> None:
        with self._lock:
            self.connection_count += 1

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that goes away is no news."""


class _Handler(BaseHTTPRequestHandler):
    server: ApiServer
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def setup(self) -> None:
        super().setup()
        self.server.count_connection()

    def do_GET(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        reply = self.server.respond(self.server.take(self, body))
        if reply.delay_seconds:
            time.sleep(reply.delay_seconds)
        if reply.is_dropped:
            return self._drop()
        self.wfile.write(self._head(reply) + (b"" if reply.pause_seconds else reply.body[: reply.sent_bytes]))
        if reply.pause_seconds:
            for byte in reply.body:
                self.wfile.write(bytes([byte]))
                time.sleep(reply.pause_seconds)
        if reply.sent_bytes is not None:
            self._drop()

    do_POST = do_GET

    def _head(self, reply: Reply) -> bytes:
        headers = {"Content-Type": "application/json", "Content-Length": str(len(reply.body))}
        if self.server.now:
            headers["Date"] = format_datetime(self.server.now, usegmt=True)
        lines = [f"{name}: {value}\r\n" for name, value in {**headers, **reply.headers}.items()]
        return f"HTTP/1.1 {reply.status} x\r\n{''.join(lines)}\r\n".encode("latin-1")

    def _drop(self) -> None:
        self.close_connection = True
        self.connection.shutdown(socket.SHUT_RDWR)

    def log_message(self, format: str, *args: Any) -> None:
        """Nobody reads it."""


@contextmanager
def serving(respond: Respond) -> Iterator[ApiServer]:
    """A server that runs as long as the context."""
    server = ApiServer(respond)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


class ListApi:
    """The same records at ``/page``, ``/offset``, ``/cursor``, ``/link``, ``/next`` and ``/single``.

    The number of records stands in the body at ``meta.total`` and in the header ``X-Total``.

    Attributes:
        faults: Request number -> what becomes of the reply.
        fault_from: A fault of all requests from this number on.
    """

    def __init__(self, records: list[dict[str, Any]]) -> None:
        self.records = records
        self.faults: dict[int, Fault] = {}
        self.fault_from: tuple[int, Fault] | None = None

    def __call__(self, request: Request) -> Reply:
        reply = self._reply(request)
        fault = self.faults.get(request.number)
        if self.fault_from and request.number >= self.fault_from[0]:
            fault = self.fault_from[1]
        return fault(request, reply) if fault else reply

    def _reply(self, request: Request) -> Reply:
        size = int(request.query.get("size", len(self.records) or 1))
        kind = request.path.strip("/")
        if kind not in ("page", "offset", "cursor", "link", "next", "single"):
            return json_reply({"error": "nothing here"}, status=404)
        start = self._start(request, kind, size)
        records = self.records[start : start + size]
        body: dict[str, Any] = {"items": {"list": records}, "meta": {"total": len(self.records)}}
        headers = {"X-Total": str(len(self.records))}
        end = start + size
        if end < len(self.records):
            if kind == "cursor":
                body["meta"]["next"] = f"from {end}+&"
            if kind == "next":
                body["meta"]["next"] = f"/next?size={size}&at={end}"
            if kind == "link":
                headers["Link"] = (
                    f'</link?size={size}&at={end}>; rel="next", </link?size={size}>; rel="first"'
                )
        return json_reply(body, headers=headers)

    def _start(self, request: Request, kind: str, size: int) -> int:
        query = request.query
        match kind:
            case "page":
                return (int(query.get("page", 1)) - 1) * size
            case "offset":
                return int(query.get("offset", 0))
            case "cursor":
                return (
                    int(query["cursor"].removeprefix("from ").removesuffix("+&")) if "cursor" in query else 0
                )
            case _:
                return int(query.get("at", 0))


PAGINATIONS: dict[str, dict[str, Any]] = {
    "page": {"kind": "page", "size_param": "size"},
    "offset": {"kind": "offset", "size_param": "size"},
    "cursor": {"kind": "cursor", "size_param": "size", "next": ["meta", "next"]},
    "link": {"kind": "link", "size_param": "size"},
    "next": {"kind": "next_url", "size_param": "size", "next": ["meta", "next"]},
    "single": {"kind": "single"},
}


def endpoint_of(kind: str, size: int = 3, **rest: Any) -> dict[str, Any]:
    """The declaration of one of the lists of :class:`ListApi`."""
    pagination = {**PAGINATIONS[kind], **({} if kind == "single" else {"size": size})}
    return {"path": f"/{kind}", "data": ["items", "list"], "pagination": pagination, **rest}


def table_of(
    columns: dict[str, Any], endpoint: dict[str, Any], key: tuple[str, ...] = ("id",), **rest: Any
) -> SourceTable:
    """A declaration; a column is a type, or a type with more."""
    typed = {name: {"type": c} if isinstance(c, str) else c for name, c in columns.items()}
    return SourceTable.model_validate(
        {
            "name": "things",
            "source": "api",
            "description": "x",
            "key": key,
            "columns": typed,
            "endpoint": endpoint,
        }
        | rest
    )


def api_source(
    url: str,
    state_dir: Path,
    secrets: dict[str, str] | None = None,
    time_zone: str = "UTC",
    batch_rows: int = 65_536,
    **rest: Any,
) -> Source:
    """The source for an API; ``rest`` is how it is spoken to, with tries that wait for next to nothing."""
    for name, value in {"url": url, **(secrets or {})}.items():
        file = state_dir / "secrets" / f"api_{name}"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(value, encoding="utf-8")
    declared = {"backoff_seconds": 0.001, "timeout_seconds": 5, "max_tries": 3, **rest}
    system = SourceSystem.model_validate(
        {"name": "api", "description": "x", "kind": "rest", "time_zone": time_zone, "rest": declared}
    )
    return open_source(system, Settings(_env_file=None, state_dir=state_dir, batch_rows=batch_rows))


def read(source: Source, table: SourceTable, window: Window | None = None) -> pa.Table:
    """All parts of one extract, in order."""
    extract = Extract(table.qualified_name, window or Window())
    with source.snapshot([table]) as snapshot:
        parts = source.plan_extracts(table, extract, snapshot)
        read = [source.read(table, part, snapshot).read_all() for part in parts]
    return pa.concat_tables(read)


def changed(change: Callable[[Any], Any], **rest: Any) -> Fault:
    """A fault that changes the parsed body."""

    def fault(request: Request, reply: Reply) -> Reply:
        return replace(reply, body=json.dumps(change(json.loads(reply.body))).encode(), **rest)

    return fault
