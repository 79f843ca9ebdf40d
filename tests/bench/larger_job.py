"""The whole job once more, with 10/3 of the lines and once: 10 M where 3 M are asked for."""

from __future__ import annotations

from tests.bench.options import Options
from tests.bench.page import Section
from tests.bench.whole_job import measure_size


def measure(options: Options) -> Section:
    """The job and the copies, once."""
    return measure_size(Options(options.lines * 10 // 3, 1), "larger_job", options)
