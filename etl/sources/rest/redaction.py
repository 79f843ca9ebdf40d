"""Secrets, and how they are kept out of whatever is told (law P2)."""

from __future__ import annotations

import logging
from urllib.parse import quote, quote_plus


class Secrets(logging.Filter):
    """The secrets of one API, each in the forms in which it may appear in a URL or a text.

    As a filter of a logger, it lets every record through without them.
    """

    def __init__(self) -> None:
        super().__init__()
        self._forms: set[str] = set()

    def add(self, *secrets: str) -> None:
        """Hide these from now on."""
        for secret in filter(None, secrets):
            self._forms |= {secret, quote(secret), quote(secret, safe=""), quote_plus(secret)}

    def hide(self, text: str) -> str:
        """The text with ``***`` in place of each secret."""
        for form in sorted(self._forms, key=len, reverse=True):
            text = text.replace(form, "***")
        return text

    def filter(self, record: logging.LogRecord) -> bool:
        """Always true."""
        record.msg, record.args = self.hide(record.getMessage()), None
        return True
