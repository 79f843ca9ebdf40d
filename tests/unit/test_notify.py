"""Alerts against a real SMTP server and a real web hook on loopback."""

from __future__ import annotations

import logging
import threading
from asyncio import Server
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session
from pydantic import SecretStr

from etl.notify import notify
from tests.web_hook import PASSWORD, Hook, open_hook


@dataclass
class Mailbox:
    """What the SMTP server received."""

    port: int = 0
    envelopes: list[Envelope] = field(default_factory=list)

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        """Called by aiosmtpd for each message."""
        self.envelopes.append(envelope)
        return "250 taken"


@pytest.fixture
def mailbox() -> Iterator[Mailbox]:
    """A real SMTP server on a free port."""
    box = Mailbox()
    controller = _AnyPort(box, hostname="127.0.0.1", port=0)
    controller.start()
    box.port = controller.port
    yield box
    controller.stop()


@pytest.fixture
def hook() -> Iterator[Hook]:
    """A real HTTP server on a free port."""
    with open_hook() as hook:
        yield hook


def test_mail_and_web_hook_get_the_message(mailbox: Mailbox, hook: Hook) -> None:
    mail = f"mailto://127.0.0.1:{mailbox.port}?from=storehouse@shop.example&to=ops@shop.example,boss@shop.example&mode=insecure"
    answer = notify(
        SecretStr(f" {mail}, {hook.url}\n"),
        "Daily sales: gate closed",
        "212 of 2,431 rows: <total> & tax\nsecond line",
        "failure",
    ).answer
    assert answer == "Notified through mailto, json."
    mails = [
        message_from_bytes(e.content or b"", policy=policy.default)
        for e in mailbox.envelopes
        if isinstance(e.content, bytes)
    ]
    assert sorted(address for e in mailbox.envelopes for address in e.rcpt_tos) == [
        "boss@shop.example",
        "ops@shop.example",
    ]
    assert {mail["Subject"] for mail in mails} == {"Daily sales: gate closed"}
    text = mails[0].get_body(("plain", "html"))
    assert text is not None
    assert "second line" in text.get_content()
    [body] = hook.bodies
    assert (body["title"], body["type"]) == ("Daily sales: gate closed", "failure")
    assert body["message"] == "212 of 2,431 rows: <total> & tax\nsecond line"


def test_one_service_that_fails_does_not_keep_the_other_from_its_message(hook: Hook) -> None:
    answer = notify(
        SecretStr(f"mailto://user:{PASSWORD}@127.0.0.1:1?to=a@b.example,json://127.0.0.1:1 {hook.url}"),
        "T",
        "B",
        "success",
    ).answer
    assert answer.startswith("Notified through json. Could not notify through mailto, json: ")
    assert [body["type"] for body in hook.bodies] == ["success"]


@pytest.mark.parametrize(
    "url",
    [
        f"nosuchservice://user:{PASSWORD}@host/path",
        f"mailto://{PASSWORD}",
        f"json://user:{PASSWORD}@127.0.0.1:99999999",
        f"json://[{PASSWORD}",
        PASSWORD,
    ],
)
def test_a_wrong_entry_neither_raises_nor_shows_itself(
    url: str, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    with caplog.at_level(logging.DEBUG):
        answer = notify(SecretStr(url), "T", "B", "failure").answer
    assert answer.startswith("Could not notify through ")
    shown = answer + caplog.text + "".join(capfd.readouterr())
    assert PASSWORD not in shown


def test_a_service_that_refuses_is_told_without_its_url(hook: Hook, caplog: pytest.LogCaptureFixture) -> None:
    hook.status = 500
    with caplog.at_level(logging.DEBUG):
        done = notify(SecretStr(hook.url), "T", "B", "failure")
    assert done.taken is False
    assert done.answer == "Could not notify through json: check that entry of ETL_NOTIFY_URLS."
    assert PASSWORD not in caplog.text


def test_a_service_that_answers_byte_by_byte_is_not_waited_for(
    hook: Hook, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """The lock under which people are told is given back, and the other service has its message."""
    monkeypatch.setattr("etl.notify.DEADLINE_SECONDS", 3.0)
    with _open_dripping() as slow, caplog.at_level(logging.DEBUG):
        done = notify(SecretStr(f"{slow}, {hook.url}"), "T", "B", "failure")
    assert done.answer == (
        "Notified through json. No answer from json within 3 s: check that entry of ETL_NOTIFY_URLS."
    )
    assert done.taken is True and len(hook.bodies) == 1
    assert PASSWORD not in caplog.text


@pytest.mark.parametrize("urls", [None, SecretStr(""), SecretStr(" , ")])
def test_without_a_service_nothing_is_sent(urls: SecretStr | None) -> None:
    done = notify(urls, "T", "B", "success", "ETL_ONCALL_URLS")
    assert (done.taken, done.answer) == (None, "No one was notified: ETL_ONCALL_URLS names no service.")


@contextmanager
def _open_dripping() -> Iterator[str]:
    """A service whose answer has a header that goes on until the block ends."""
    is_over = threading.Event()

    class Dripping(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.wfile.write(b"HTTP/1.1 200 OK\r\nX-Long: ")
            while not is_over.wait(0.05):
                self.wfile.write(b"x")

        def log_message(self, *_: Any) -> None:
            """Keep the output of the tests clean."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Dripping) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"json://user:{PASSWORD}@127.0.0.1:{server.server_port}/{PASSWORD}"
        is_over.set()
        server.shutdown()


class _AnyPort(Controller):
    """The controller knocks at its own port after the start, which is known only then."""

    def _trigger_server(self) -> None:
        assert isinstance(self.server, Server)
        self.port = self.server.sockets[0].getsockname()[1]
        super()._trigger_server()  # type: ignore[no-untyped-call]  # aiosmtpd leaves it without types
