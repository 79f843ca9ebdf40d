"""What went wrong between this process and an API, in words without a secret (laws P2, P5)."""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from contextlib import contextmanager

import requests
import urllib3

from etl.errors import SourceError

_SILENT = (requests.exceptions.Timeout, urllib3.exceptions.TimeoutError)
_PACKED = (requests.exceptions.ContentDecodingError, urllib3.exceptions.DecodeError)
# What urllib3 and requests raise; each is turned into one of the two below, and never shown itself,
# because its text holds the URL.
NETWORK_ERRORS = (requests.exceptions.RequestException, urllib3.exceptions.HTTPError)


class TryAgain(Exception):
    """A failure that the same request may not meet again.

    Attributes:
        reason: What happened, without a full stop.
        after_seconds: How long the API asked to wait; None where it did not say.
    """

    def __init__(self, reason: str, after_seconds: float | None = None) -> None:
        super().__init__(reason)
        self.reason, self.after_seconds = reason, after_seconds


class Refused(Exception):
    """A failure that stays until somebody mends it.

    Attributes:
        reason: What happened, without a full stop.
        remedy: What to do.
    """

    def __init__(self, reason: str, remedy: str) -> None:
        super().__init__(reason)
        self.reason, self.remedy = reason, remedy


@contextmanager
def told_at(where: str) -> Iterator[None]:
    """Raise a :class:`Refused` as the error of this project, with the place where it happened.

    Raises:
        SourceError: In its stead.
    """
    try:
        yield
    except Refused as refused:
        raise SourceError(f"{where}: {refused.reason}.", refused.remedy) from None


def network_failure(error: Exception) -> TryAgain | Refused:
    """What an error of urllib3 or requests means."""
    causes = list(_causes(error))
    distrusts = [cause for cause in causes if isinstance(cause, ssl.SSLCertVerificationError)]
    if distrusts:
        return Refused(
            f"the certificate of the server cannot be trusted: {distrusts[0].verify_message}",
            "Correct the URL or the certificate; for an authority of your own, set ETL_<SOURCE>_CA_FILE.",
        )
    if isinstance(error, _PACKED):
        return TryAgain("the answer cannot be unpacked")
    said = next((c.strerror for c in causes if isinstance(c, OSError) and c.strerror), None)
    # urllib3 counts a refused connection among its timeouts.
    if said is None and any(isinstance(cause, _SILENT) for cause in causes):
        return TryAgain("the API did not answer in time")
    return TryAgain("the connection failed or broke off" + (f": {said}" if said else ""))


def _causes(error: BaseException) -> Iterator[BaseException]:
    """The error and what it was made from, outermost first."""
    waiting, seen = [error], set()
    while waiting:
        cause = waiting.pop(0)
        if id(cause) in seen:
            continue
        seen.add(id(cause))
        yield cause
        inner = [*cause.args, getattr(cause, "reason", None), cause.__cause__, cause.__context__]
        waiting += [item for item in inner if isinstance(item, BaseException)]
