"""Where the time of one of our runs went, as its log tells it."""

from __future__ import annotations

import re
import time

_FINISHED = re.compile(
    r"^(\d\d):(\d\d):(\d\d)\.(\d{3}) \| INFO +\| Task run '(\w+)[^']*' - Finished", re.MULTILINE
)
_DAY = 86_400
_SHORTEST_SECONDS = 0.1


def phases(output: str, began: float, seconds: float) -> str:
    """Seconds from the last end of one kind of task to that of the next, in the order of these ends.

    Args:
        output: What the process printed; its log has local times.
        began: When it was started, in seconds since the epoch.
        seconds: How long it ran.
    """
    ends: dict[str, float] = {}
    local = time.localtime(began)
    midnight = local.tm_hour * 3_600 + local.tm_min * 60 + local.tm_sec + began % 1
    for hour, minute, second, milli, task in _FINISHED.findall(output):
        of_day = int(hour) * 3_600 + int(minute) * 60 + int(second) + int(milli) / 1_000
        ends[task] = (of_day - midnight) % _DAY
    ordered = [*sorted(ends.items(), key=lambda named: named[1]), ("end of the process", seconds)]
    spans = [
        (name, end - before) for (name, end), (_, before) in zip(ordered, [("", 0.0), *ordered], strict=False)
    ]
    return ", ".join(f"{name} {span:.1f} s" for name, span in spans if span >= _SHORTEST_SECONDS)
