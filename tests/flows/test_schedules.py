"""Schedules over changes of daylight saving, the day that "yesterday" is, and a night without a run."""

from __future__ import annotations

import asyncio
from collections import Counter
from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from prefect.client.orchestration import get_client
from prefect.flow_engine import run_flow
from prefect.server.schemas.schedules import CronSchedule
from prefect.states import Scheduled

from deployments.apply import declared_deployments
from etl.windows import day_before
from flows.daily_sales import daily_sales
from tests.flows.world import FlowWorld


def _is_hourly(cron: str) -> bool:
    return cron.split()[1] == "*"


DECLARED = {
    schedule["cron"]: schedule["timezone"]
    for entry in declared_deployments().values()
    for schedule in entry.get("schedules") or ()
}
HOURLY = sorted({cron for cron in DECLARED if _is_hourly(cron)} | {"5 * * * *"})
# Those declared, and some at the hours that a change skips or doubles.
OF_DAYS = sorted(
    {cron for cron in DECLARED if not _is_hourly(cron)} | {"30 2 * * *", "0 3 * * *", "30 16 * * 1-5"}
)
DAILY = [cron for cron in OF_DAYS if cron.endswith("* * *")]
# The Sunday on which clocks change, with two days before and after.
CHANGES = {
    "Europe/Berlin": [(date(2026, 3, 27), date(2026, 3, 31)), (date(2026, 10, 23), date(2026, 10, 27))],
    "America/New_York": [(date(2026, 3, 6), date(2026, 3, 10)), (date(2026, 10, 30), date(2026, 11, 3))],
}
EACH_CHANGE = pytest.mark.parametrize(
    ("zone", "first", "last"),
    [(zone, *days) for zone, changes in CHANGES.items() for days in changes],
    ids=str,
)


@EACH_CHANGE
@pytest.mark.parametrize("cron", OF_DAYS)
def test_a_schedule_fires_once_on_each_of_its_days(cron: str, zone: str, first: date, last: date) -> None:
    fired = Counter(i.astimezone(ZoneInfo(zone)).date() for i in _instants(cron, zone, first, last))
    where_clocks_never_change = [instant.date() for instant in _instants(cron, "UTC", first, last)]
    assert fired == Counter(where_clocks_never_change)


@pytest.mark.parametrize("cron", HOURLY)
def test_an_hourly_schedule_follows_utc_and_leaves_no_hour_out(cron: str) -> None:
    """In a zone whose clocks go back, Prefect leaves one of the two equal hours out."""
    assert DECLARED.get(cron, "UTC") == "UTC"
    for first, last in CHANGES["Europe/Berlin"]:
        fired = _instants(cron, "UTC", first, last)
        assert {later - earlier for earlier, later in pairwise(fired)} == {timedelta(hours=1)}


@EACH_CHANGE
@pytest.mark.parametrize("cron", DAILY)
def test_yesterday_is_each_business_day_once(cron: str, zone: str, first: date, last: date) -> None:
    """Law X1: no day is left out and none comes twice, whichever hours it has."""
    asked = [day_before(instant, zone) for instant in _instants(cron, zone, first, last)]
    assert asked == [day - timedelta(days=1) for day in _days(first, last)]


@pytest.mark.slow
def test_a_night_without_a_run_is_brought_by_the_next_one(world: FlowWorld) -> None:
    """Law X1: what the second day brought lies between the watermark and the end of the third."""
    world.play(1)
    world.run(1)
    for day in (2, 3):
        world.play(day)
    night = datetime.combine(world.date_of(4), time(), UTC) + timedelta(hours=2)
    world.call(_run_scheduled, at=night)
    sold = dict(
        world.query(
            "select d.full_date, count(distinct f.order_id) from warehouse.fact_sales as f"
            " inner join warehouse.dim_date as d using (date_key) where d.full_date >= %s group by 1",
            (world.date_of(1),),
        )
    )
    known = world.shop.ledger.passing_sums(3)
    assert sold == {day: known[day].orders for day in map(world.date_of, (1, 2, 3))}
    assert world.query("select distinct value from audit.watermarks") == [
        (f"{world.date_of(4)} 00:00:00.000000",)
    ]


def _run_scheduled(at: datetime) -> None:
    """Run the daily flow as a worker does for a schedule, long after the time for which it was scheduled."""
    asked = {"business_date": "yesterday"}
    with get_client(sync_client=True) as client:
        run = client.create_flow_run(daily_sales, parameters=asked, state=Scheduled(scheduled_time=at))
    run_flow(daily_sales, flow_run=run)


def _instants(cron: str, zone: str, first: date, last: date) -> list[datetime]:
    """When Prefect's scheduler starts runs: it looks ahead anew every so often, here every half hour."""
    schedule = CronSchedule(cron=cron, timezone=zone)
    start, end = (
        datetime.combine(day, time(), ZoneInfo(zone)).astimezone(UTC)
        for day in (first, last + timedelta(days=1))
    )

    async def look_ahead() -> set[float]:
        looks = [
            start + number * timedelta(minutes=30)
            for number in range(int((end - start) / timedelta(minutes=30)))
        ]
        return {each.timestamp() for look in looks for each in await schedule.get_dates(n=2, start=look)}

    found = (datetime.fromtimestamp(each, UTC) for each in asyncio.run(look_ahead()))
    return sorted(instant for instant in found if start <= instant < end)


def _days(first: date, last: date) -> list[date]:
    return [first + timedelta(days=number) for number in range((last - first).days + 1)]
