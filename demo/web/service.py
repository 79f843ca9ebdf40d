"""Starts the demo's web analytics in the background, unless it runs."""

from __future__ import annotations

import json
import time
import urllib.error
import urllib.request
from typing import Any
from urllib.parse import urlsplit

from demo.places import Places
from deployments.services import analytics_service
from etl.errors import ConfigError

_START_SECONDS = 60


def ensure_analytics(places: Places) -> str:
    """Address of the web analytics, started if need be; it ends with ``make down``.

    Raises:
        ConfigError: It ended by itself, or is not ready after a minute.
    """
    service = analytics_service(places.settings)
    places.token()
    if service.running() is None:
        before = urlsplit(places.secret("analytics_url") or "").port or 0
        places.keep_secret("analytics_url", None)
        service.start(["demo.web", "--port", str(before)], {})
    deadline = time.monotonic() + _START_SECONDS
    while (url := places.secret("analytics_url")) is None or answers_given(url) is None:
        service.check()
        if time.monotonic() > deadline:
            raise ConfigError(
                f"The web analytics of the demo was not ready after {_START_SECONDS} s.",
                f"See {service.log}.",
            )
        time.sleep(0.05)
    return url


def answers_given(url: str) -> dict[str, int] | None:
    """How many requests the server has answered so far, by status; None when it does not answer."""
    try:
        with urllib.request.urlopen(f"{url}/health", timeout=5) as response:
            body: dict[str, Any] = json.load(response)
            return dict(body["answers"])
    except (OSError, ValueError, KeyError, urllib.error.URLError):
        return None
