"""What a process imports before it needs it: nothing heavy; no test here measures time."""

from __future__ import annotations

import pytest

from etl.settings import PROJECT_DIR
from tests.processes import imported_by

FLOWS = sorted(
    path.stem
    for path in (PROJECT_DIR / "flows").glob("*.py")
    if path.stem not in ("__init__", "parameters", "steps")
)
# Met only by the task that judges, draws, or reads a workbook.
HEAVY = ("great_expectations", "altair", "vl_convert", "scipy", "openpyxl", "etl.reports.drawing")


def test_flows_import_nothing_heavy() -> None:
    found = set(imported_by("; ".join(f"import flows.{name}" for name in FLOWS)))

    assert {f"flows.{name}" for name in FLOWS} <= found
    assert found & set(HEAVY) == set()


@pytest.mark.parametrize("module", ["deployments.run", "deployments.services", "demo.__main__"])
def test_what_starts_the_server_does_not_import_prefect(module: str) -> None:
    assert "prefect" not in imported_by(f"import {module}")


def test_the_gate_leaves_alone_what_it_does_not_use() -> None:
    found = set(imported_by("import expectations.gate"))

    assert "great_expectations" in found
    assert found & {"altair", "scipy.stats", "scipy.stats._stats_py"} == set()


def test_the_gate_is_imported_by_a_thread() -> None:
    code = """
import threading
from tasks.check import start_importing_the_gate
start_importing_the_gate()
(importing,) = [thread for thread in threading.enumerate() if thread.name == "import of the gate"]
importing.join()
"""
    assert {"great_expectations", "expectations.gate"} <= set(imported_by(code))


def test_what_waits_is_there_when_it_is_used() -> None:
    code = """
import expectations.gate
from great_expectations.expectations.core import expect_column_kl_divergence_to_be_less_than as module
assert round(module.stats.entropy([0.5, 0.5], [0.4, 0.6]), 6) == 0.020411
assert module.alt.Chart.__module__.startswith("altair.")
import scipy.stats
from altair.vegalite import Chart
assert module.alt.Chart is Chart and module.stats.entropy is scipy.stats.entropy
"""
    assert {"altair", "scipy.stats"} <= set(imported_by(code))
