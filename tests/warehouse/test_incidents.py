"""An incident is told once when it begins and once when it is over, whatever fails in between."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from pydantic import SecretStr

from etl.alerts import messages, send
from etl.catalog import Alerts, Route
from etl.catalog_files import load_catalog
from etl.incidents import Incident, RunEnd
from etl.settings import Settings
from etl.warehouse import open_warehouse
from tests.warehouse.world import World
from tests.web_hook import PASSWORD, Hook, open_hook

TABLES = ("shop.orders", "shop.customers")
ONCE = hypothesis_settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
# What each of a row of runs shows: tables whose rule fails, whether the service answers.
RUNS = st.lists(st.tuples(st.sets(st.sampled_from(TABLES)), st.booleans()), min_size=1, max_size=6)


@pytest.fixture
def world(settings: Settings) -> Iterator[World]:
    """An empty warehouse of the demo's catalog."""
    assert settings.warehouse_url is not None
    world = World(settings.warehouse_url.get_secret_value(), settings, load_catalog(settings.catalog_dir))
    yield world
    world.close()


@pytest.fixture
def hook() -> Iterator[Hook]:
    """A service that takes messages."""
    with open_hook() as hook:
        yield hook


def test_an_incident_is_told_once_and_its_end_once(world: World, hook: Hook) -> None:
    for failing in (TABLES[:1], TABLES[:1], TABLES, (), ()):
        _end_run(world, hook, failing)
    assert hook.titles == [
        "shop.orders is wrong",
        "shop.customers is wrong",
        "2 incidents are over",
    ]
    assert world.query(
        "select table_name, seen_count, closed_at is not null from audit.incidents order by 1"
    ) == [
        ("shop.customers", 1, True),
        ("shop.orders", 3, True),
    ]


def test_what_no_service_took_is_recorded_and_told_by_the_next_run(world: World, hook: Hook) -> None:
    hook.status = 503
    _end_run(world, hook, TABLES[:1])
    assert world.query("select kind, route, is_sent from audit.alerts") == [("opened", "everyone", False)]
    [(answer,)] = world.query("select answer from audit.alerts")
    assert "Could not notify through json" in answer and PASSWORD not in answer
    hook.status = 200
    _end_run(world, hook, TABLES[:1])
    _end_run(world, hook, TABLES[:1])
    assert hook.titles == ["shop.orders is wrong"]


def test_what_nobody_was_told_of_has_no_end_to_tell(world: World, hook: Hook) -> None:
    hook.status = 503
    _end_run(world, hook, TABLES[:1])
    hook.status = 200
    _end_run(world, hook, ())
    assert hook.titles == []


def test_a_run_says_nothing_of_tables_that_it_did_not_judge_and_of_other_judgements(
    world: World, hook: Hook
) -> None:
    _end_run(world, hook, TABLES)
    differs = Incident("reconcile", "shop.orders", "reconciliation", "critical", "shop.orders differs")
    world.warehouse.note_incidents(
        RunEnd("reconcile", None, (differs,), TABLES, about="reconciliation", succeeded=True)
    )
    world.warehouse.note_incidents(RunEnd("hourly-inventory", None, (), ("drop.stock_csv",), succeeded=True))
    world.warehouse.note_incidents(RunEnd("load-tables", None, (), ("shop.customers",), succeeded=True))
    assert world.query(
        "select table_name, kind from audit.incidents where closed_at is null order by 1, 2"
    ) == [
        ("shop.orders", "reconciliation"),
        ("shop.orders", "rule_fails"),
    ]


def test_a_failed_run_is_over_with_the_next_success_of_its_pipeline(world: World, hook: Hook) -> None:
    failed = RunEnd("daily-sales", None, (Incident("daily-sales", "", "run_failed", "critical", "failed"),))
    for end in (failed, failed, RunEnd("maintain", None, succeeded=True)):
        world.warehouse.note_incidents(end)
        _tell(world, hook)
    assert hook.titles == ["failed"]
    world.warehouse.note_incidents(RunEnd("daily-sales", None, succeeded=True))
    _tell(world, hook)
    assert hook.titles == ["failed", "Over: failed"]


def test_the_end_says_since_when_it_was_open_and_not_how_it_began(world: World, hook: Hook) -> None:
    began = Incident(
        "daily-sales", "shop.orders", "rule_fails", "critical", "it is wrong\n9 of 10 rows break it"
    )
    world.warehouse.note_incidents(RunEnd("daily-sales", None, (began,), TABLES))
    _tell(world, hook)
    opened_at = datetime(2026, 3, 2, 2, 5, tzinfo=UTC)
    world.execute("update audit.incidents set opened_at = %s", (opened_at,))
    world.warehouse.note_incidents(RunEnd("daily-sales", None, (), TABLES))
    _tell(world, hook)
    told = hook.bodies[-1]
    ((closed_at,),) = world.query("select closed_at from audit.incidents")
    assert told["title"] == "Over: it is wrong"
    assert told["message"] == (
        f"OVER: it is wrong\nIt was open from 2026-03-02 02:05 UTC until {closed_at:%Y-%m-%d %H:%M} UTC."
    )


def test_what_was_wrong_with_a_table_that_left_the_catalog_is_closed_with_that_reason(
    world: World, settings: Settings, hook: Hook
) -> None:
    _end_run(world, hook, TABLES)
    left = {name: table for name, table in world.catalog.tables.items() if name != "shop.orders"}
    smaller = open_warehouse(world.url, settings, world.catalog.model_copy(update={"tables": left}))
    smaller.note_incidents(RunEnd("hourly-inventory", None, succeeded=True))
    _tell(world, hook)
    reason = "shop.orders is wrong (closed: the catalog no longer declares the table)"
    assert hook.titles[-1] == f"Over: {reason}"
    assert world.query(
        "select table_name, summary, closed_at is not null from audit.incidents order by 1"
    ) == [
        ("shop.customers", "shop.customers is wrong", False),
        ("shop.orders", reason, True),
    ]


def test_two_runs_that_end_at_once_tell_it_once(world: World, hook: Hook) -> None:
    ends = [threading.Thread(target=_end_run, args=(world, hook, TABLES[:1])) for _ in range(4)]
    for end in ends:
        end.start()
    for end in ends:
        end.join()
    assert hook.titles == ["shop.orders is wrong"]
    assert world.query("select seen_count from audit.incidents") == [(4,)]


@given(runs=RUNS)
@ONCE
def test_any_runs_and_failing_services(world: World, hook: Hook, runs: list[tuple[set[str], bool]]) -> None:
    """Each incident is told once as soon as the service answers, and its end to those who knew of it."""
    world.execute("delete from audit.incidents")
    hook.bodies.clear()
    is_told: dict[str, bool] = {}
    ended: list[str] = []
    for failing, answers in runs:
        hook.status = 200 if answers else 503
        already = len(hook.bodies)
        _end_run(world, hook, sorted(failing))
        ended += [table for table, told in is_told.items() if told and table not in failing]
        is_told = {table: is_told.get(table, False) for table in failing}
        begun = [table for table, told in is_told.items() if not told]
        told = hook.bodies[already:]
        assert _tables(told, "failure") == (sorted(begun) if answers else [])
        assert _tables(told, "success") == (sorted(ended) if answers else [])
        if answers:
            is_told, ended = dict.fromkeys(failing, True), []


def _tables(bodies: list[dict[str, str]], kind: str) -> list[str]:
    """Tables that messages of a kind name, as often as they do."""
    text = "\n".join(body["message"] for body in bodies if body["type"] == kind)
    return sorted(re.findall(r"(?:CRITICAL|OVER): (\S+) is wrong", text))


def _end_run(world: World, hook: Hook, failing: tuple[str, ...] | list[str]) -> None:
    seen = tuple(Incident("daily-sales", t, "rule_fails", "critical", f"{t} is wrong") for t in failing)
    world.warehouse.note_incidents(RunEnd("daily-sales", None, seen, TABLES, succeeded=True))
    _tell(world, hook)


def _tell(world: World, hook: Hook) -> None:
    with world.warehouse.telling() as matters:
        for message in messages(Alerts(routes=(Route(name="everyone"),)), matters):
            world.warehouse.keep_alerts(send(message, lambda _: SecretStr(hook.url))[1])
