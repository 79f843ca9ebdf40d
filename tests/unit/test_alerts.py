"""Who is told of what."""

from __future__ import annotations

import pytest

from etl.alerts import Message, end_of, messages
from etl.catalog import Alerts, Route
from etl.errors import QualityGateClosed, SourceError
from etl.handles import RuleResult, Severity, Verdict
from etl.incidents import Incident, OpenMatter

RULE = RuleResult("total_fits", "e", None, "warning", 1, False, True, 3, 100, "3 of 100 rows break it")


def matter(
    severity: Severity = "critical", table: str = "shop.orders", pipeline: str = "daily-sales"
) -> OpenMatter:
    return OpenMatter(
        1, Incident(pipeline, table, "gate_closed", severity, "first line\nrest"), is_over=False
    )


@pytest.mark.parametrize(
    ("route", "incident", "is_told"),
    [
        (Route(name="all"), matter("warning"), True),
        (Route(name="all"), matter("info"), False),
        (Route(name="curious", severity="info"), matter("info"), True),
        (Route(name="shop", tables=("shop.*",)), matter(), True),
        (Route(name="web", tables=("analytics.*",)), matter(), False),
        (Route(name="web", tables=("analytics.*",)), matter(table=""), True),
        (Route(name="nights", pipelines=("daily-*",)), matter(), True),
        (Route(name="stock", pipelines=("hourly-*",)), matter(table=""), False),
    ],
)
def test_a_route_takes_what_its_people_want_to_know(
    route: Route, incident: OpenMatter, is_told: bool
) -> None:
    assert bool(list(messages(Alerts(routes=(route,)), [incident]))) is is_told


def test_one_message_tells_all_that_a_run_showed_the_gravest_first() -> None:
    found = Message(Route(name="all"), "opened", (matter("warning"), matter("critical")))
    assert found.title == "2 incidents"
    assert found.body == "CRITICAL: first line\nrest\n\nWARNING: first line\nrest"
    assert found.look == "failure"
    assert Message(Route(name="all"), "recovered", (matter(),)).title == "Over: first line"


def test_what_a_run_shows() -> None:
    failed = RuleResult("key_is_given", "e", None, "critical", 1, False, True, 9, 10, "9 of 10 rows break it")
    closed = Verdict("shop.orders", "shop.orders", False, (failed, RULE), 10, 0, 50.0, None, 0.1)
    shown = end_of("daily-sales", "r", QualityGateClosed("closed"), [closed])
    assert [(i.table, i.kind, i.severity) for i in shown.seen] == [
        ("shop.orders", "gate_closed", "critical"),
        ("shop.orders", "total_fits", "warning"),
    ]
    assert "key_is_given: 9 of 10 rows break it" in shown.seen[0].summary
    assert (shown.judged, shown.succeeded) == (("shop.orders",), False)
    shown = end_of("daily-sales", "r", SourceError("no", "Open it."), [])
    assert [(i.table, i.kind) for i in shown.seen] == [("", "run_failed")]
    assert shown.seen[0].summary.startswith("daily-sales failed\nSourceError: no")
    assert (
        end_of("daily-sales", "r", KeyboardInterrupt(), [])
        .seen[0]
        .summary.startswith("daily-sales was cancelled")
    )
    assert end_of("daily-sales", "r", None, []).seen == ()


def test_a_gate_that_closes_on_a_part_of_a_table_is_a_failed_run() -> None:
    """A repair or a replay says nothing of whole tables, and still must be told."""
    shown = end_of("reconcile", "r", QualityGateClosed("closed", "Mend it."), [])
    assert [(i.table, i.kind) for i in shown.seen] == [("", "run_failed")]
    assert not shown.succeeded


def test_a_table_of_which_a_rule_could_not_be_asked_shows_nothing_to_be_over() -> None:
    unasked = RuleResult(
        "total_fits", "e", None, "warning", 1, False, False, None, None, "could not be checked"
    )
    closed = Verdict("shop.orders", "shop.orders", False, (unasked,), 10, 0, 0.0, None, 0.1)
    shown = end_of("daily-sales", "r", QualityGateClosed("closed"), [closed])
    assert ([i.kind for i in shown.seen], shown.judged) == (["gate_closed"], ())
