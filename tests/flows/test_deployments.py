"""``prefect.yaml`` is the only place with a schedule; what it names exists."""

from __future__ import annotations

import inspect
import re
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from prefect.flows import Flow, load_flow_from_entrypoint

from deployments.apply import declared_deployments, flow_name
from deployments.services import WORK_POOL
from etl.settings import PROJECT_DIR

DEPLOYMENTS = declared_deployments()
EVERY = pytest.mark.parametrize("deployment", DEPLOYMENTS.values(), ids=list(DEPLOYMENTS))

# Changed together with prefect.yaml, so that no schedule changes unseen.
SCHEDULES = {
    "daily-sales/daily-sales": [("nightly", "0 2 * * *", "UTC", True)],
    "maintain/maintain": [("weekly", "0 4 * * 0", "UTC", True)],
    "reconcile/reconcile": [("weekly", "0 5 * * 0", "UTC", True)],
    "load-tables/load-tables": [],
    "backfill/backfill": [],
    "hourly-inventory/hourly-inventory": [("hourly", "5 * * * *", "UTC", True)],
    "daily-web-analytics/daily-web-analytics": [("nightly", "0 3 * * *", "UTC", True)],
    "daily-exchange-rates/daily-exchange-rates": [
        ("after-publication", "30 16 * * 1-5", "Europe/Berlin", True)
    ],
    "weekly-customer-analysis/weekly-customer-analysis": [("monday", "0 6 * * 1", "UTC", True)],
    "replay-quarantine/replay-quarantine": [],
    "replicate-database/replicate-database": [],
}


def test_schedules_are_those_agreed_on() -> None:
    found = {
        name: [(s["slug"], s["cron"], s["timezone"], s["active"]) for s in deployment.get("schedules") or ()]
        for name, deployment in DEPLOYMENTS.items()
    }
    assert found == SCHEDULES


@EVERY
def test_the_entrypoint_imports(deployment: dict[str, Any]) -> None:
    flow: Flow[..., Any] = load_flow_from_entrypoint(str(PROJECT_DIR / deployment["entrypoint"]))
    assert flow.name == flow_name(deployment["entrypoint"])


@EVERY
def test_each_parameter_exists(deployment: dict[str, Any]) -> None:
    flow: Flow[..., Any] = load_flow_from_entrypoint(str(PROJECT_DIR / deployment["entrypoint"]))
    known = inspect.signature(flow.fn).parameters
    given = set(deployment.get("parameters") or ())
    assert given <= set(known)
    needed = {name for name, parameter in known.items() if parameter.default is inspect.Parameter.empty}
    for schedule in deployment.get("schedules") or ():
        assert set(schedule.get("parameters") or ()) <= set(known)
        assert needed <= given | set(schedule.get("parameters") or ())


@EVERY
def test_each_waits_its_turn_on_our_work_pool(deployment: dict[str, Any]) -> None:
    assert deployment["work_pool"]["name"] == WORK_POOL
    assert deployment["concurrency_limit"] == {"limit": 1, "collision_strategy": "ENQUEUE"}
    assert deployment["description"]
    assert deployment["tags"]


@EVERY
def test_schedules_say_their_zone(deployment: dict[str, Any]) -> None:
    for schedule in deployment.get("schedules") or ():
        assert ZoneInfo(schedule["timezone"])


def test_there_is_no_schedule_elsewhere() -> None:
    sources = [
        path for folder in ("flows", "tasks", "deployments") for path in (PROJECT_DIR / folder).rglob("*.py")
    ]
    assert sources
    scheduled = re.compile(r"\b(cron|interval|rrule)\s*=|\.serve\(")
    assert [path.name for path in sources if scheduled.search(path.read_text(encoding="utf-8"))] == []
