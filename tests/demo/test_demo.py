"""``make demo`` as a newcomer gives it, small, in a state folder of the test's own."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from demo.findings import FINDABLE
from tests.deployments.commands import run_command


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_the_demo_shows_all_of_it_and_a_second_time_changes_nothing(tmp_path: Path) -> None:
    state = tmp_path / "state"
    demo = ("-m", "demo", "--scale", "0.5", "--days", "1")
    try:
        first = run_command(state, *demo).stdout
        assert re.search(
            r"Day 1, 2026-02-26: rows changed: sales [\d,]+, rates [\d,]+, inventory [\d,]+, web [\d,]+;",
            first,
        )
        assert "differs" not in first
        shown = re.findall(r"^ ([a-z ]+?) +(\d+) +(\d+) *$", first, re.MULTILINE)
        assert {name for name, *_ in shown} == {kind.replace("_", " ") for kind in FINDABLE}
        # Of one day; the others begin on a later one.
        assert sum(int(injected) > 0 for _, injected, _ in shown) == 12
        again = run_command(state, *demo).stdout
        assert "2026-02-26, again: rows changed: sales 0, rates 0, inventory 0, web 0;" in again
        assert "Customers scored as of 2026-02-26: rows changed: 0;" in again and "differs" not in again
        assert "of the demo's shop, running" in run_command(state, "-m", "deployments", "status").stdout
    finally:
        stopped = run_command(state, "-m", "deployments", "down").stdout
    assert "web analytics of the demo" in stopped
