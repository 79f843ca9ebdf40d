"""The web analytics: sessions and conversions that fit the orders, and the API as a client meets it."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from email.utils import parsedate_to_datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import requests

from demo.defects import Kind
from demo.places import Places
from demo.plan import NEVER, ShopPlan, datetime_of
from demo.shop import Shop
from demo.web.conversions import UNKNOWN_CURRENCY
from demo.web.records import Record, Span, utc_text
from demo.web.server import MOST_RECORDS, AnalyticsServer, Limits
from demo.web.service import answers_given, ensure_analytics
from deployments.services import analytics_service
from etl.settings import Settings, get_settings

TOKEN = "the-demo's-token"
DAYS = 7


@pytest.fixture(scope="module")
def shop() -> Shop:
    return Shop(ShopPlan(scale=0.3))


def sessions_at(shop: Shop, day: int) -> list[Record]:
    end = shop.plan.end_of(day)
    return shop.web_records.sessions(Span(0, end, end), 0, 10**9)[0]


def conversions_at(shop: Shop, day: int) -> list[Record]:
    end = shop.plan.end_of(day)
    return shop.web_records.conversions(Span(0, end, end), 0, 10**9)[0]


def test_the_same_plan_gives_the_same_visits_and_another_seed_other_ones(shop: Shop) -> None:
    again, other = Shop(shop.plan), Shop(ShopPlan(scale=0.3, seed=2))
    assert sessions_at(again, DAYS) == sessions_at(shop, DAYS) != sessions_at(other, DAYS)
    assert conversions_at(again, DAYS) == conversions_at(shop, DAYS)


def test_scale_1_has_the_size_that_a_day_should_have() -> None:
    shop = Shop(ShopPlan())
    for value in list(shop.facts.web_sums(DAYS).values())[1:]:
        assert 450 < value.sessions < 560 and 1_900 < value.page_views < 2_700 and 40 < value.conversions < 80


@pytest.mark.parametrize("days", [1, 2, 3])
@pytest.mark.parametrize("scale", [0.02, 0.2, 1])
def test_small_and_short_shops_have_their_visits(scale: float, days: int) -> None:
    shop = Shop(ShopPlan(scale=scale, days=days))
    assert len(sessions_at(shop, days)) >= 40 * days and conversions_at(shop, days)
    assert all(o.day <= days for o in (*shop.visits.occurrences, *shop.conversions.occurrences))


def test_each_order_on_the_web_ends_a_session_that_looked_at_what_it_bought(shop: Shop) -> None:
    sessions = {session["session_id"]: session for session in sessions_at(shop, DAYS)}
    conversions = {conversion["order_id"]: conversion for conversion in conversions_at(shop, DAYS)}
    assert len(sessions) == len(sessions_at(shop, DAYS)), "no two sessions share an id"
    book = shop.orders
    since = (book.ordered_at >= shop.plan.start_of(0)) & (book.store_id == 0)
    shortly_before_the_end = shop.plan.end_of(DAYS) - 60_000_000
    checked = 0
    for position in (since & (book.ordered_at < shortly_before_the_end)).nonzero()[0]:
        conversion = conversions[int(book.order_id[position])]
        session = sessions[conversion["session_id"]]
        *_, last = session["page_views"]
        assert last["page_type"] == "confirmation" and last["viewed_at"] == conversion["converted_at"]
        assert conversion["converted_at"] == utc_text(book.ordered_at[position])
        assert session["customer_id"] == (int(book.customer_id[position]) or None)
        lines = (book.lines.order == position) & (book.lines.line_number <= 4)
        bought = {int(product) for product in book.lines.product_id[lines]}
        viewed = {view["product_id"] for view in session["page_views"]}
        assert {product for product in bought if product < 9_000_000} <= viewed
        checked += 1
    assert checked == len(
        [o for o in conversions.values() if o["converted_at"] < utc_text(shortly_before_the_end)]
    )
    assert checked > 100


def test_revenue_is_the_orders_total_in_the_currency_of_the_country(shop: Shop) -> None:
    totals = {
        int(order_id): Decimal(int(cents)).scaleb(-2)
        for order_id, cents in zip(shop.orders.order_id, shop.orders.first.total, strict=True)
    }
    amounts = shop.facts.converted_amounts(DAYS)
    currencies = Counter(conversion["currency"] for conversion in conversions_at(shop, DAYS))
    assert {"USD", "EUR", "GBP"} < set(currencies) and currencies["USD"] > currencies["GBP"]
    for conversion in conversions_at(shop, DAYS):
        if conversion["currency"] == UNKNOWN_CURRENCY:
            assert conversion["conversion_id"] not in amounts
            continue
        _, dollars = amounts[conversion["conversion_id"]]
        # There and back again costs half a unit of the smallest coin, of which a yen is worth a cent.
        assert abs(dollars - totals[conversion["order_id"]]) <= Decimal("0.01"), conversion


def test_sessions_hold_together(shop: Shop) -> None:
    products = {row["product_id"] for row in shop.products.log.rows(DAYS).to_pylist()}
    customers = {int(key) for key in shop.customers.log}
    guests = 0
    for session in sessions_at(shop, DAYS):
        views = session["page_views"]
        assert all(left["viewed_at"] < right["viewed_at"] for left, right in pairwise(views))
        assert session["started_at"] == views[0]["viewed_at"] <= views[-1]["viewed_at"] < session["ended_at"]
        assert session["landing_page"] == views[0]["url"] and views[-1]["seconds_on_page"] is None
        assert {view["product_id"] for view in views} <= products | {None}
        assert all((view["page_type"] == "product") == (view["product_id"] is not None) for view in views)
        guests += session["customer_id"] is None
        assert session["customer_id"] in customers | {None}
    assert 0.3 < guests / len(sessions_at(shop, DAYS)) < 0.8


def test_only_named_customers_of_the_shop_are_seen_and_none_that_it_deleted(shop: Shop) -> None:
    """What the web names must not bring members that the shop's own tables do not."""
    inferred = set(shop.ledger.inferred_customers(DAYS))
    for day in range(DAYS + 1):
        alive = {row["customer_id"] for row in shop.customers.log.rows(day).to_pylist()}
        end, start = shop.plan.end_of(day), shop.plan.start_of(day)
        new = shop.web_records.sessions(Span(start, end, end), 0, 10**9)[0]
        assert {session["customer_id"] for session in new} <= alive | inferred | {None}


def test_a_record_that_changes_late_is_the_old_one_until_then(shop: Shop) -> None:
    kinds: tuple[Kind, ...] = ("late_session", "withdrawn_page_view")
    for kind in kinds:
        stories = shop.ledger.occurrences(kind, DAYS)
        assert stories
        for story in stories:
            before, after = (
                next(s for s in sessions_at(shop, day) if s["session_id"] == story.key[0])
                for day in (story.day - 1, story.day)
            )
            assert before["updated_at"] == before["ended_at"] and before["customer_id"] is None
            assert after["updated_at"] > utc_text(shop.plan.start_of(story.day)) > before["updated_at"]
            if kind == "late_session":
                assert after["customer_id"] and after["page_views"] == before["page_views"]
            else:
                first, _, *rest = before["page_views"]
                assert after["page_views"] == [first, *rest] and rest


def test_a_late_conversion_is_not_there_before_its_day(shop: Shop) -> None:
    for story in shop.ledger.occurrences("late_conversion", DAYS):
        ids = [{c["conversion_id"] for c in conversions_at(shop, d)} for d in (story.day - 1, story.day)]
        assert story.key[0] not in ids[0] and story.key[0] in ids[1]


@pytest.mark.parametrize("day", [0, 1, 4, DAYS])
def test_the_ledger_counts_what_the_api_shows(shop: Shop, day: int) -> None:
    sums = shop.facts.web_sums(day)
    dates = Counter(s["started_at"][:10] for s in sessions_at(shop, day))
    views = Counter(v["viewed_at"][:10] for s in sessions_at(shop, day) for v in s["page_views"])
    good = [c for c in conversions_at(shop, day) if c["currency"] != UNKNOWN_CURRENCY]
    converted = Counter(c["converted_at"][:10] for c in good)
    for at, value in sums.items():
        found = dates[str(at)], views[str(at)], converted[str(at)]
        assert found == (value.sessions, value.page_views, value.conversions)
    assert {str(at) for at in sums} == {*dates, *views, *converted}
    unknown = len(conversions_at(shop, day)) - len(good)
    assert unknown == shop.ledger.injected("unknown_currency", day)


class Clock:
    """How far the shop has been played."""

    def __init__(self, plan: ShopPlan) -> None:
        self.plan = plan
        self.day = DAYS

    def __call__(self) -> int:
        return self.plan.end_of(self.day)


@pytest.fixture(scope="module")
def clock(shop: Shop) -> Clock:
    return Clock(shop.plan)


@pytest.fixture(scope="module")
def api(shop: Shop, clock: Clock) -> Iterator[str]:
    """A server without limits."""
    yield from serving(AnalyticsServer(shop.web_records, clock, TOKEN, limits=Limits(10**6, 0)))


def serving(server: AnalyticsServer) -> Iterator[str]:
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield server.url
    server.shutdown()
    server.server_close()
    thread.join()


def get(url: str, path: str, token: str = TOKEN, **query: Any) -> requests.Response:
    return requests.get(f"{url}{path}", query, headers={"Authorization": f"Bearer {token}"}, timeout=10)


def all_sessions(url: str, **query: Any) -> list[Record]:
    found: list[Record] = []
    for page in range(1, 10**6):
        body = get(url, "/v1/sessions", page=page, **query).json()
        assert body["page"] == page
        found += body["data"]
        if not body["data"]:
            assert body["total"] == len(found)
            return found
    raise AssertionError


def all_conversions(url: str, **query: Any) -> list[Record]:
    found: list[Record] = []
    cursor: dict[str, str] = {}
    while True:
        body = get(url, "/v1/conversions", **query, **cursor).json()
        found += body["data"]
        if body["next_cursor"] is None:
            return found
        cursor = {"cursor": body["next_cursor"]}


@pytest.mark.parametrize("size", [1, 7, 100])
def test_pages_add_up_whatever_their_size(api: str, shop: Shop, size: int) -> None:
    window = {"updated_since": "2026-03-01T00:00:00Z", "updated_before": "2026-03-01T18:00:00Z"}
    end = shop.plan.end_of(DAYS)
    low, high = shop.plan.start_of(4), shop.plan.start_of(4) + 18 * 3_600_000_000
    expected = shop.web_records.sessions(Span(low, high, end), 0, 10**9)
    assert all_sessions(api, per_page=size, **window) == expected[0] and expected[1] > 50
    assert (
        all_conversions(api, limit=size, **window)
        == shop.web_records.conversions(Span(low, high, end), 0, 10**9)[0]
    )


def test_windows_of_any_form_are_half_open_and_leave_no_gap(api: str) -> None:
    middle = all_sessions(api)[100]["updated_at"]
    before = all_sessions(api, updated_before=middle.replace("T", " ").removesuffix("Z"))
    after = all_sessions(api, updated_since=middle.replace("Z", "+00:00"))
    assert len(before) == 100 and after[0]["updated_at"] == middle
    assert [s["session_id"] for s in before + after] == [s["session_id"] for s in all_sessions(api)]


def test_the_server_knows_nothing_of_days_that_were_not_played(api: str, shop: Shop, clock: Clock) -> None:
    clock.day = 2
    try:
        end = shop.plan.end_of(2)
        answer = get(api, "/v1/sessions", per_page=1, updated_before="2030-01-01T00:00:00Z")
        assert (
            parsedate_to_datetime(answer.headers["Date"])
            == datetime_of(end)
            == datetime(2026, 2, 28, tzinfo=UTC)
        )
        assert answer.json()["total"] == (shop.visits.updated_at(end) < NEVER).sum() > 0
        assert max(c["updated_at"] for c in all_conversions(api)) < "2026-02-28"
    finally:
        clock.day = DAYS


def test_without_the_token_there_is_nothing(api: str) -> None:
    for token in ("", "another", TOKEN + "x", "é"):
        refused = get(api, "/v1/sessions", token.encode().decode("latin-1"))
        assert refused.status_code == 401 and "data" not in refused.json()
        assert refused.headers["WWW-Authenticate"] == "Bearer"


@pytest.mark.parametrize(
    ("path", "query", "status"),
    [
        ("/v1/sessions", {"page": "0"}, 400),
        ("/v1/sessions", {"page": "x"}, 400),
        ("/v1/sessions", {"per_page": str(MOST_RECORDS + 1)}, 400),
        ("/v1/sessions", {"updated_since": "yesterday"}, 400),
        ("/v1/conversions", {"cursor": "none of ours"}, 400),
        ("/v1/orders", {}, 404),
    ],
)
def test_what_makes_no_sense_is_refused(api: str, path: str, query: dict[str, str], status: int) -> None:
    refused = get(api, path, **query)
    assert refused.status_code == status and refused.json()["error"]


def test_too_many_requests_wait_and_every_so_manieth_fails(shop: Shop, clock: Clock) -> None:
    server = AnalyticsServer(
        shop.web_records, clock, TOKEN, limits=Limits(requests_per_second=5, fails_every=3)
    )
    for url in serving(server):
        answers = [get(url, "/v1/sessions", per_page=1) for _ in range(20)]
        limited = [answer for answer in answers if answer.status_code == 429]
        assert limited and all(answer.headers["Retry-After"] == "1" for answer in limited)
        admitted = [answer.status_code for answer in answers if answer.status_code != 429]
        assert admitted[:5] == [200, 200, 503, 200, 200]
        assert answers_given(url) == {str(s): n for s, n in Counter(a.status_code for a in answers).items()}


def test_the_service_outlives_its_starter_and_follows_the_shop(
    postgres_database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop = Shop(ShopPlan(scale=0.05))
    shop.create(postgres_database)
    monkeypatch.setenv("ETL_STATE_DIR", str(tmp_path / "state"))
    monkeypatch.setenv("ETL_SHOP_URL", postgres_database)
    get_settings.cache_clear()
    settings: Settings = get_settings()
    places, service = Places(settings), analytics_service(settings)
    try:
        url = ensure_analytics(places)
        token = settings.secret("analytics_token")
        assert token is not None and settings.secret("analytics_url") is not None
        before = get(url, "/v1/sessions", token.get_secret_value()).json()["total"]
        shop.play(postgres_database, 1)
        assert get(url, "/v1/sessions", token.get_secret_value()).json()["total"] > before > 0
        process = service.running()
        assert ensure_analytics(places) == url and service.running() == process, "one is enough"
        service.stop()
        assert ensure_analytics(places) == url, "it comes back where it was"
        assert token.get_secret_value() not in service.log.read_text("utf-8")
    finally:
        service.stop()
        get_settings.cache_clear()
