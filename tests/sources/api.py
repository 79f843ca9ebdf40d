"""A real HTTP API on loopback, whose answers a test writes down and whose faults it chooses."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit

NOW = formatdate(1_772_500_000, usegmt=True)  # 2026-03-03 01:06:40


@dataclass
class Reply:
    """One answer: a body that is sent as JSON, or as it is when it is bytes."""

    body: Any = None
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    cut: bool = False


@dataclass
class Asked:
    """One request as the server saw it."""

    path: str
    params: dict[str, str]
    headers: dict[str, str]
    form: str = ""


Answering = Callable[[Asked], Reply]


class Api:
    """What the server was asked, and how it answers; ``fault`` may answer a request by its number instead."""

    def __init__(self, answering: Answering) -> None:
        self.answering = answering
        self.fault: Callable[[int, Reply], Reply] = lambda number, reply: reply
        self.asked: list[Asked] = []
        self.date: str | None = NOW
        self.url = ""
        self._lock = threading.Lock()

    def reply(self, asked: Asked) -> Reply:
        """The answer to a request, and a note of it."""
        with self._lock:
            self.asked.append(asked)
            return self.fault(len(self.asked) - 1, self.answering(asked))


@contextmanager
def running_api(answering: Answering) -> Iterator[Api]:
    """A server that answers until the block ends."""
    api = Api(answering)
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler_of(api))
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    api.url = f"http://127.0.0.1:{server.server_address[1]}/v1"
    try:
        yield api
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def _handler_of(api: Api) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        # Headers and body leave in one piece, or each answer waits for an acknowledgement.
        wbufsize = -1

        def do_GET(self) -> None:
            self._answer("")

        def do_POST(self) -> None:
            self._answer(self.rfile.read(int(self.headers.get("Content-Length", 0))).decode())

        def _answer(self, form: str) -> None:
            parts = urlsplit(self.path)
            asked = Asked(parts.path, dict(parse_qsl(parts.query)), dict(self.headers), form)
            reply = api.reply(asked)
            body = reply.body if isinstance(reply.body, bytes) else json.dumps(reply.body).encode()
            self.send_response_only(reply.status)
            for name, value in reply.headers.items():
                self.send_header(name, value)
            if api.date:
                self.send_header("Date", api.date)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body[: len(body) // 2] if reply.cut else body)
            self.close_connection = self.close_connection or reply.cut

        def log_message(self, format: str, *args: Any) -> None:
            """Nothing on the terminal."""

    return Handler


def paged(records: list[dict[str, Any]], **extra: Any) -> Answering:
    """An endpoint with pages by number, the total in each body."""

    def answer(asked: Asked) -> Reply:
        page, size = int(asked.params.get("page", 1)), int(asked.params["per_page"])
        part = records[(page - 1) * size : page * size]
        return Reply({"data": part, "page": page, "total": len(records), **extra})

    return answer
