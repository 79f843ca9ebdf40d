"""How runs end when the warehouse does not take the record of it."""

from __future__ import annotations

import pytest
from prefect import flow

from etl.errors import QualityGateClosed
from etl.handles import Verdict
from etl.planning import Request
from tasks.runs import open_run
from tests.flows.world import FlowWorld, execute

VERDICT = Verdict("shop.orders", "shop.orders", False, (), 10, 0, 50.0, None, 0.1)


@flow(name="closes-its-gate", persist_result=False)
def _close_the_gate(warehouse_url: str) -> None:
    """Close the gate of a run whose warehouse lost the table of verdicts meanwhile."""
    with open_run("closes-its-gate", (), Request()):
        execute(warehouse_url, "alter table audit.verdicts rename to verdicts_lost")
        raise QualityGateClosed("the gate is closed", "Mend it.", (VERDICT,))


def test_a_record_that_fails_does_not_hide_the_closed_gate_nor_its_verdicts(world: FlowWorld) -> None:
    with pytest.raises(QualityGateClosed, match="the gate is closed") as closed:
        world.call(_close_the_gate, warehouse_url=world.warehouse_url)
    assert closed.value.verdicts == (VERDICT,)
    assert world.query("select status from audit.runs") == [("running",)]
