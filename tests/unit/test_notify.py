"""Alerts against a real SMTP server and a real web hook on loopback."""

from __future__ import annotations

import logging
from asyncio import Server
from collections.abc import Iterator
from dataclasses import dataclass, field
from email import message_from_bytes, policy

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


@pytest.mark.parametrize("urls", [None, SecretStr(""), SecretStr(" , ")])
def test_without_a_service_nothing_is_sent(urls: SecretStr | None) -> None:
    done = notify(urls, "T", "B", "success", "ETL_ONCALL_URLS")
    assert (done.taken, done.answer) == (None, "No one was notified: ETL_ONCALL_URLS names no service.")


class _AnyPort(Controller):
    """The controller knocks at its own port after the start, which is known only then."""

    def _trigger_server(self) -> None:
        assert isinstance(self.server, Server)
        self.port = self.server.sockets[0].getsockname()[1]
        super()._trigger_server()  # type: ignore[no-untyped-call]  # aiosmtpd leaves it without types
