"""A real web hook on loopback: what services like Slack are to an alert."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

PASSWORD = "hunter2-secret"


@dataclass
class Hook:
    """What the web hook received; it answers ``status``."""

    url: str = ""
    status: int = 200
    bodies: list[dict[str, Any]] = field(default_factory=list)

    @property
    def titles(self) -> list[str]:
        """Titles of the messages that it took."""
        return [body["title"] for body in self.bodies]


@contextmanager
def open_hook() -> Iterator[Hook]:
    """A server on a free port; its URL holds a password in two places."""
    hook = Hook()

    class Receiver(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            if hook.status < 300:
                hook.bodies.append(body)
            self.send_response(hook.status)
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            """Keep the output of the tests clean."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Receiver) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        hook.url = f"json://user:{PASSWORD}@127.0.0.1:{server.server_port}/{PASSWORD}"
        yield hook
        server.shutdown()
        thread.join()
