"""The order of things: one flow per file, named cadence and subject; flows see no frame and no SQL."""

from __future__ import annotations

import atexit
import gc

# Prefect, Great Expectations and pandas make a million objects that live as long as the process. To look for
# garbage among them as often as Python does took a seventh of a small run, and at its end another second.
gc.set_threshold(50_000, 20, 50)
atexit.register(gc.freeze)
