"""Alerts to people through Apprise: mail, chat and web hooks, by URL.

An alert that cannot be sent never fails the run that it tells about, and neither URL nor password
stands in any log or answer (law P2).
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Literal
from urllib.parse import urlsplit

from pydantic import SecretStr

logger = logging.getLogger(__name__)

Kind = Literal["success", "warning", "failure"]
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
    """Send one message to every service named in ``urls``.

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
    taken = [_send(service, title, body, kind) for service in services]
    sent = [_scheme(s) for s, is_taken in zip(services, taken, strict=True) if is_taken]
    failed = [_scheme(s) for s, is_taken in zip(services, taken, strict=True) if not is_taken]
    parts = [f"Notified through {', '.join(sent)}."] if sent else []
    parts += (
        [f"Could not notify through {', '.join(failed)}: check that entry of {variable}."] if failed else []
    )
    answer = " ".join(parts)
    logger.log(logging.WARNING if failed else logging.INFO, "%s", answer)
    return Notified(bool(sent), answer)


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
        with _silenced_loggers():
            service = apprise.Apprise()
            is_known = service.add(url)
            return bool(
                is_known and service.notify(body, title, kinds[kind], body_format=apprise.NotifyFormat.TEXT)
            )
    except Exception as error:  # any plugin may raise anything, and the run must not fail for its alert
        logger.warning("An alert through %s ended in %s.", _scheme(url), type(error).__name__)
        return False


@contextmanager
def _silenced_loggers() -> Iterator[None]:
    """Apprise logs URLs that it cannot read, the HTTP client paths that are tokens: none of it passes."""
    loggers = [logging.getLogger(name) for name in ("apprise", "urllib3.connectionpool")]
    for each in loggers:
        each.addFilter(_silence)
    try:
        yield
    finally:
        for each in loggers:
            each.removeFilter(_silence)


def _silence(record: logging.LogRecord) -> bool:
    return False


def _scheme(url: str) -> str:
    """The part of a URL that is no secret; nothing of a text that is no URL."""
    if "://" not in url:
        return "an entry without a scheme"
    try:
        return urlsplit(url).scheme or "an entry without a scheme"
    except ValueError:
        return "an entry that is no URL"
