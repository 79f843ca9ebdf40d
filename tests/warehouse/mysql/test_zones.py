"""Days and instants of the business time zone, against ``zoneinfo`` and PostgreSQL."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import psycopg2
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from etl.warehouse.mysql.database import MySQL
from etl.warehouse.mysql.zones import _steps_of_instants, business_day, business_instant
from tests.warehouse.mysql.conftest import SETTINGS

ZONES = [
    "UTC",
    "Europe/Berlin",
    "America/New_York",
    "America/Sao_Paulo",  # clocks skipped midnight
    "America/Havana",  # midnight comes twice
    "Asia/Kathmandu",
    "Asia/Gaza",
    "Australia/Lord_Howe",  # half an hour
    "Pacific/Apia",  # a day left out
    "Africa/Casablanca",
    "Pacific/Kiritimati",
]
TIMES = ("00:00:00", "23:59:59.999999")
SECOND = timedelta(seconds=1)
INSTANTS = st.datetimes(datetime(1970, 1, 1), datetime(2100, 12, 31))


def near_changes(zone: str) -> list[datetime]:
    changes = [datetime.fromisoformat(at) for at, _ in _steps_of_instants(zone)[1:]]
    return [
        at + step for at in changes for step in (-SECOND, -timedelta(microseconds=1), timedelta(), SECOND)
    ]


@pytest.mark.parametrize("zone", ZONES)
def test_the_day_is_that_of_zoneinfo_at_every_change_of_clocks(database: MySQL, zone: str) -> None:
    instants = near_changes(zone)
    with database.session() as session:
        session.execute("create temporary table audit.instants (n bigint primary key, at datetime(6))")
        session.insert("audit.instants", ["n", "at"], list(enumerate(instants)))
        session.execute(f"select {business_day('at', zone)} from audit.instants order by n")
        found = [day for (day,) in session.fetchall()]
    expected = [at.replace(tzinfo=UTC).astimezone(ZoneInfo(zone)).date() for at in instants]
    assert found == expected


@pytest.mark.parametrize("zone", ["Europe/Berlin", "America/Havana", "Australia/Lord_Howe"])
def test_any_instant_has_its_day(mysql_server: str, zone: str) -> None:
    database = MySQL(mysql_server, SETTINGS)

    @settings(deadline=None, max_examples=40)
    @given(st.lists(INSTANTS, min_size=1, max_size=5))
    def agree(instants: list[datetime]) -> None:
        days = ", ".join(business_day("%s", zone).replace("%s", f"timestamp '{at}'") for at in instants)
        with database.session() as session:
            session.execute(f"select {days}")
            found = session.fetchone()
        assert found == tuple(at.replace(tzinfo=UTC).astimezone(ZoneInfo(zone)).date() for at in instants)

    agree()
    database.forget_idle()


@pytest.mark.parametrize("zone", ZONES)
def test_a_day_begins_where_postgresql_says(database: MySQL, postgres_url: str, zone: str) -> None:
    with psycopg2.connect(postgres_url) as connection, connection.cursor() as cursor:
        cursor.execute("set timezone = 'UTC'")
        cursor.execute(
            "select d::date, d::date::timestamp at time zone %s from generate_series("
            "timestamp '1970-01-02', timestamp '2037-12-31', interval '1 day') as d",
            (zone,),
        )
        expected = cursor.fetchall()
    with database.session() as session:
        session.execute("create temporary table audit.days (d date primary key)")
        session.insert("audit.days", ["d"], [(day,) for day, _ in expected])
        session.execute(f"select d, {business_instant('d', zone)} from audit.days order by d")
        assert session.fetchall() == expected


def test_the_ends_of_the_calendar_stay_in_it(database: MySQL) -> None:
    ends = [f"{day} {time}" for day in ("0001-01-01", "1000-01-01", "9999-12-31") for time in TIMES]
    for zone in ("Pacific/Kiritimati", "America/New_York"):
        with database.session() as session:
            for end in ends:
                day = date.fromisoformat(end[:10])
                found = session.single(f"select {business_day(f'''timestamp '{end}' ''', zone)}")
                assert abs(found - day) <= timedelta(days=1)
                session.single(f"select {business_instant(f'''date '{end[:10]}' ''', zone)}")
            assert session.single(f"select {business_day('null', zone)}") is None


def test_sql_files_have_them_as_filters(database: MySQL) -> None:
    filled = database.sql.fill("{{ 'f.at' | business_day }}|{{ 'd' | business_instant }}|{{ collation }}")
    day, instant, collation = filled.split("|")
    assert day == business_day("f.at", "Europe/Berlin")
    assert instant == business_instant("d", "Europe/Berlin")
    assert collation == database.collation
