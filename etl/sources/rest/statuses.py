"""What the status of an answer means: success, a failure that passes, or one that stays."""

from __future__ import annotations

from collections.abc import Collection
from contextlib import suppress
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from etl.sources.rest.exchange import Answer
from etl.sources.rest.failures import Refused, TryAgain
from etl.sources.rest.redaction import Secrets

_LASTING_SERVER_ERRORS = (501, 505)
_PASSING_CLIENT_ERRORS = (408, 425, 429)
_SHOWN_CHARACTERS = 200
_REMEDIES = {
    401: "Correct the credentials of the source, or its 'auth'.",
    403: "Grant the account what is missing, or correct its credentials.",
    404: "Correct the URL of the source or the path of the endpoint.",
}


def accept(answer: Answer, accepted: Collection[int], secrets: Secrets) -> Answer:
    """The answer, if it has one of these statuses.

    Raises:
        TryAgain: The status says that the failure may pass.
        Refused: Any other status.
    """
    status = answer.status
    if status in accepted:
        return answer
    said = secrets.hide(_words(answer))
    reason = f"the API answered with status {status}" + (f": {said}" if said else "")
    passes = status >= 500 and status not in _LASTING_SERVER_ERRORS
    if passes or status in _PASSING_CLIENT_ERRORS:
        raise TryAgain(reason, _retry_after(answer))
    remedy = "Correct the declaration of the source or the endpoint, or ask who runs the API."
    raise Refused(reason, _REMEDIES.get(status, remedy))


def http_date(text: str | None) -> datetime | None:
    """The instant, in UTC, of a date in a header; None where it is none."""
    with suppress(ValueError, TypeError, OverflowError):
        found = parsedate_to_datetime(text or "")
        return found.astimezone(UTC) if found.tzinfo else found.replace(tzinfo=UTC)
    return None


def _retry_after(answer: Answer) -> float | None:
    """Seconds to wait; a date is held against the clock of the API that wrote it."""
    text = answer.headers.get("Retry-After", "").strip()
    if text.isascii() and text.replace(".", "", 1).isdecimal():
        return float(text)
    until = http_date(text)
    if until is None:
        return None
    now = http_date(answer.headers.get("Date")) or datetime.now(UTC)
    return max((until - now).total_seconds(), 0.0)


def _words(answer: Answer) -> str:
    """The beginning of what an answer says to people, on one line."""
    text = " ".join(answer.body[:4_000].decode("utf-8", "replace").split())
    if "<html" in text[:500].lower():
        return "an HTML page"
    return text if len(text) <= _SHOWN_CHARACTERS else f"{text[:_SHOWN_CHARACTERS]} …"
