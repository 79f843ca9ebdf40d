"""The order of things: one flow per file, named cadence and subject; flows see no frame and no SQL.

Importing it sets how often its process looks for garbage, as every way to start a flow imports it.
"""

from __future__ import annotations

import atexit
import gc

# Prefect, Great Expectations and pandas make a million objects that live as long as the process. To look for
# garbage among them as often as Python does took a seventh of a small run.
gc.set_threshold(50_000, 20, 50)
# At its end Python looks through all of them once more, for 1 s, but not through those that are frozen.
atexit.register(gc.freeze)
