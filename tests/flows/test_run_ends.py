"""How runs end when the warehouse does not take the record of it."""

from __future__ import annotations

import pytest
from prefect import flow

from etl.errors import QualityGateClosed, StorehouseError
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


NO_SCHEMA = """
create function refuse() returns event_trigger language plpgsql as
$$ begin raise exception 'no more schemas'; end $$;
create event trigger refuse on ddl_command_start when tag in ('CREATE SCHEMA') execute procedure refuse()
"""


@flow(name="begins-twice", persist_result=False)
def _begin_twice(warehouse_url: str) -> None:
    """Begin a run, and another one when the server makes no staging any more."""
    with open_run("begins-twice", (), Request()):
        execute(warehouse_url, NO_SCHEMA)
    with open_run("begins-twice", ("shop.stores",), Request()):
        raise AssertionError("it began")


def test_a_run_that_cannot_begin_is_recorded_as_failed(world: FlowWorld) -> None:
    with pytest.raises(StorehouseError, match="no more schemas"):
        world.call(_begin_twice, warehouse_url=world.warehouse_url)
    ends = world.query("select status, error like '%no more schemas%' from audit.runs order by started_at")
    assert ends == [("succeeded", None), ("failed", True)]


def test_a_record_that_fails_does_not_hide_the_closed_gate_nor_its_verdicts(world: FlowWorld) -> None:
    with pytest.raises(QualityGateClosed, match="the gate is closed") as closed:
        world.call(_close_the_gate, warehouse_url=world.warehouse_url)
    assert closed.value.verdicts == (VERDICT,)
    assert world.query("select status from audit.runs") == [("running",)]
