"""Runs benchmarks and writes docs/performance.md.

    python -m tests.bench [NAME ...] [--lines 3000000] [--rounds 3]

Without a name all of them, in the order of ``NAMES``. What each measured is kept in ``.storehouse/bench``,
so that one that is run alone replaces its own part of the page.
"""

from __future__ import annotations

import argparse
from importlib import import_module

from etl.settings import get_settings
from tests.bench.options import Options
from tests.bench.page import Section, keep, write_page

# Each is a module of this package with ``measure(options) -> Section``.
NAMES = (
    "full_copy",
    "larger_copy",
    "whole_job",
    "larger_job",
    "incremental",
    "parallel",
    "partition_cost",
    "memory",
    "startup",
    "gate",
    "dimension",
    "facts",
    "marts",
    "transforms",
    "loading",
)


def main() -> None:
    """Measure, store, and write the page."""
    names, options = _arguments()
    folder = get_settings().state_dir / "bench"
    for name in names:
        print(f"== {name}", flush=True)
        section: Section = import_module(f"tests.bench.{name}").measure(options)
        keep(section, name, folder)
        print(section.markdown(), flush=True)
    write_page(NAMES, folder)


def _arguments() -> tuple[list[str], Options]:
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("names", nargs="*", choices=[*NAMES, []], default=[])
    parser.add_argument("--lines", type=int, default=Options.lines)
    parser.add_argument("--rounds", type=int, default=Options.rounds)
    given = parser.parse_args()
    return given.names or list(NAMES), Options(given.lines, given.rounds)


if __name__ == "__main__":
    main()
