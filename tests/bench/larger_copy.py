"""The whole copy once more, with 10/3 of the lines and once: 10 M where 3 M are asked for."""

from __future__ import annotations

from tests.bench.full_copy import measure_in
from tests.bench.options import Options
from tests.bench.page import Section
from tests.bench.world import opened_world


def measure(options: Options) -> Section:
    """All ways, once."""
    with opened_world() as world:
        return measure_in(world, Options(options.lines * 10 // 3, 1), "larger_copy", options)
