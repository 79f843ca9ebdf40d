"""Alerts to people through Apprise: mail, chat and web hooks, by URL.

An alert that cannot be sent never fails the run that it tells about, and neither URL nor password
stands in any log or answer (law P2).
"""

from __future__ import annotations

import logging
import re
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal
from urllib.parse import urlsplit

from pydantic import SecretStr

logger = logging.getLogger(__name__)

Kind = Literal["success", "warning", "failure"]
# For all services of a message together: a service may answer byte by byte and never end.
DEADLINE_SECONDS = 30.0
_THREAD = "storehouse-alert"
# Commas stand within mail addresses too: only one before the next URL separates.
_SEPARATOR = re.compile(r"[\s,]+(?=[A-Za-z][\w+.-]*://)")


@dataclass(frozen=True, slots=True)
class Notified:
    """What became of a message.

    Attributes:
        taken: Some service took it; None where none is named.
        answer: One sentence: which kinds of service took the message and which did not.
    """

    taken: bool | None
    answer: str


def notify(
    urls: SecretStr | None, title: str, body: str, kind: Kind, variable: str = "ETL_NOTIFY_URLS"
) -> Notified:
    """Send one message to every service named in ``urls``, to all at once.

    Args:
        urls: Apprise URLs, separated by commas or spaces; nothing is sent without one.
        title: One line.
        body: Plain text.
        kind: Decides colour and icon where a service has them.
        variable: Where the URLs came from, for the answer.
    """
    services = _SEPARATOR.split(urls.get_secret_value().strip()) if urls else []
    services = [service.strip(", \t\r\n") for service in services if service.strip(", \t\r\n")]
    if not services:
        return Notified(None, f"No one was notified: {variable} names no service.")
    sending = [_Sending(service, title, body, kind) for service in services]
    _wait_for(sending)
    answer = _answer(sending, variable)
    is_whole = all(each.taken for each in sending)
    logger.log(logging.INFO if is_whole else logging.WARNING, "%s", answer)
    return Notified(any(each.taken for each in sending), answer)


class _Sending(threading.Thread):
    """One message on its way to one service; a process that ends does not wait for it.

    Attributes:
        taken: Whether the service took it; None while it has not answered.
    """

    def __init__(self, url: str, title: str, body: str, kind: Kind) -> None:
        super().__init__(name=_THREAD, daemon=True)
        self.scheme = _scheme(url)
        self.taken: bool | None = None
        self._message = (url, title, body, kind)

    def run(self) -> None:
        """Send it."""
        self.taken = _send(*self._message)


def _wait_for(sending: Sequence[_Sending]) -> None:
    _silence_loggers()
    for each in sending:
        each.start()
    deadline = time.monotonic() + DEADLINE_SECONDS
    for each in sending:
        each.join(max(deadline - time.monotonic(), 0))


def _answer(sending: Sequence[_Sending], variable: str) -> str:
    told = (
        (True, "Notified through {}."),
        (False, f"Could not notify through {{}}: check that entry of {variable}."),
        (None, f"No answer from {{}} within {DEADLINE_SECONDS:g} s: check that entry of {variable}."),
    )
    named = [(text, [each.scheme for each in sending if each.taken is taken]) for taken, text in told]
    return " ".join(text.format(", ".join(schemes)) for text, schemes in named if schemes)


def _send(url: str, title: str, body: str, kind: Kind) -> bool:
    """True when the service took the message."""
    # 0.2 s and a hundred plugins, paid only by who notifies.
    import apprise

    kinds = {
        "success": apprise.NotifyType.SUCCESS,
        "warning": apprise.NotifyType.WARNING,
        "failure": apprise.NotifyType.FAILURE,
    }
    try:
        service = apprise.Apprise()
        is_known = service.add(url)
        return bool(
            is_known and service.notify(body, title, kinds[kind], body_format=apprise.NotifyFormat.TEXT)
        )
    except Exception as error:  # any plugin may raise anything, and the run must not fail for its alert
        logger.warning("An alert through %s ended in %s.", _scheme(url), type(error).__name__)
        return False


def _silence_loggers() -> None:
    """Apprise logs URLs that it cannot read, the HTTP client paths that are tokens: none of it passes.

    For good, because a service may answer long after nobody waits for it any more.
    """
    for name in ("apprise", "urllib3.connectionpool"):
        logging.getLogger(name).addFilter(_is_of_no_alert)


def _is_of_no_alert(record: logging.LogRecord) -> bool:
    return record.threadName != _THREAD


def _scheme(url: str) -> str:
    """The part of a URL that is no secret; nothing of a text that is no URL."""
    if "://" not in url:
        return "an entry without a scheme"
    try:
        return urlsplit(url).scheme or "an entry without a scheme"
    except ValueError:
        return "an entry that is no URL"
