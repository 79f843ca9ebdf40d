"""The files that the demo drops: counts that fit the sales, four forms, and what is wrong with some."""

from __future__ import annotations

import csv
import gzip
import io
import json
import re
import stat
from collections import defaultdict
from collections.abc import Iterator
from datetime import UTC, date
from decimal import Decimal
from pathlib import Path
from typing import Any

import defusedxml.ElementTree as ET
import openpyxl
import pytest

from demo.defects import Kind
from demo.drop.counts import UNKNOWN_STOCK_PRODUCT_ID, CountFile
from demo.drop.forms import content_of
from demo.places import Places
from demo.plan import HOUR, ShopPlan, naive
from demo.rates import make_rates
from demo.shop import Shop
from etl.errors import ConfigError
from etl.settings import Settings

DAYS = 7
COLUMNS = (
    "store_id",
    "product_id",
    "counted_at",
    "on_hand_quantity",
    "reserved_quantity",
    "reorder_point_quantity",
    "exported_at",
)
Values = tuple[str, ...]


@pytest.fixture(scope="module")
def shop() -> Shop:
    return Shop(ShopPlan(scale=0.05))


def files_of(shop: Shop, day: int = DAYS, damage: str | None = None) -> list[CountFile]:
    return [file for file in shop.drop.known(day) if file.damage == damage]


def read(name: str, content: bytes) -> Iterator[list[str]]:
    """The cells of a file as text, without any code of the demo; NULL is an empty text."""
    if name.endswith(".gz"):
        name, content = name.removesuffix(".gz"), gzip.decompress(content)
    if name.endswith(".csv"):
        rows: Any = csv.reader(io.StringIO(content.decode("utf-8-sig")))
        assert tuple(next(rows)) == COLUMNS
    elif name.endswith(".xlsx"):
        book = openpyxl.load_workbook(io.BytesIO(content))
        for sheet in book.worksheets:
            assert tuple(cell.value for cell in sheet[3]) == COLUMNS
        rows = (row for sheet in book.worksheets for row in sheet.iter_rows(min_row=4, values_only=True))
    elif name.endswith(".json"):
        body = json.loads(content)
        rows = ([*record.values(), body["exported_at"]] for record in body["counts"])
    else:
        rows = (
            [store.get("id"), count.get("product"), *(count.findtext(name) for name in COLUMNS[2:])]
            for store in ET.fromstring(content)
            for count in store
        )
    for row in rows:
        yield ["" if value is None else str(value).replace("T", " ").removesuffix("Z") for value in row]


def as_text(row: Any) -> list[str]:
    return [
        "" if value is None else str(naive(value)) if name.endswith("_at") else str(value)
        for name, value in row._asdict().items()
    ]


def test_every_form_holds_the_rows_that_it_was_given(shop: Shop) -> None:
    forms: dict[str, int] = defaultdict(int)
    for file in files_of(shop):
        rows = list(read(file.name, content_of(file)))
        assert len(rows) == len(file.rows)
        for position, (found, meant) in enumerate(zip(rows, file.rows, strict=True)):
            kind = file.bad_rows.get(position)
            if kind in (None, "negative_stock"):
                assert found == as_text(meant), (file.name, position)
            elif kind == "ragged_row":
                assert len(found) == len(COLUMNS) + 1
            else:
                assert kind == "bad_number" and re.fullmatch(r"\d+O", found[3])
        forms[file.form] += 1
    assert set(forms) == {"csv", "csv.gz", "xlsx", "json", "xml"} and min(forms.values()) > DAYS


def test_equal_plans_drop_equal_bytes(shop: Shop) -> None:
    again = Shop(shop.plan)
    for left, right in zip(shop.drop.known(2), again.drop.known(2), strict=True):
        assert (left.name, content_of(left)) == (right.name, content_of(right))


def test_names_are_unique_and_only_the_renamed_files_repeat_a_content(shop: Shop) -> None:
    names = [file.name for file in shop.drop.known(DAYS)]
    assert len(names) == len(set(names))
    contents = [content_of(file) for file in shop.drop.known(DAYS)]
    assert len(contents) - len(set(contents)) == shop.ledger.injected("renamed_file", DAYS) > 0


def test_broken_files_cannot_be_read_and_come_once_more_whole(shop: Shop) -> None:
    headless, truncated = files_of(shop, damage="headless_file"), files_of(shop, damage="truncated_file")
    assert len(headless) == shop.ledger.injected("headless_file", DAYS) >= 2
    assert len(truncated) == shop.ledger.injected("truncated_file", DAYS) >= 2
    for file in headless:
        content = content_of(file)
        text = (gzip.decompress(content) if file.form == "csv.gz" else content).decode("utf-8-sig")
        assert not set(COLUMNS) & set(text.splitlines()[0].split(","))
    for file in truncated:
        with pytest.raises((json.JSONDecodeError, ET.ParseError, EOFError)):
            list(read(file.name, content_of(file)))
    again = {file.name for file in files_of(shop)}
    assert {re.sub(r"(\.[.\w]+)$", r"-again\1", file.name) for file in headless + truncated} <= again


def test_single_rows_are_spoilt_as_often_as_the_ledger_says(shop: Shop) -> None:
    kinds = [kind for file in files_of(shop) for kind in file.bad_rows.values()]
    row_kinds: tuple[Kind, ...] = ("ragged_row", "bad_number", "negative_stock")
    for kind in row_kinds:
        assert kinds.count(kind) == shop.ledger.injected(kind, DAYS) >= 3
    products = {row.product_id for file in files_of(shop) for row in file.rows}
    unknown = {product for product in products if product >= UNKNOWN_STOCK_PRODUCT_ID}
    assert len(unknown) == shop.ledger.injected("unknown_stock_product", DAYS) >= 2


def test_what_a_store_has_less_of_was_sold_and_what_it_has_more_of_came_in_the_morning(shop: Shop) -> None:
    book, lines = shop.orders, shop.orders.lines
    sold: dict[tuple[int, int], list[tuple[int, int]]] = defaultdict(list)
    for line in ((lines.quantity > 0) & ~lines.is_duplicate).nonzero()[0]:
        order = lines.order[line]
        key = int(book.store_id[order]), int(lines.product_id[line])
        sold[key].append((int(book.ordered_at[order]), int(lines.quantity[line])))
    regular = [f for f in shop.drop.known(DAYS) if "-again" not in f.name and f.name.count("-") < 3]
    counts = {(r.store_id, r.product_id, r.counted_at): r for f in regular for r in f.good_rows()}
    deliveries = compared = 0
    for (store, product, at), row in counts.items():
        later = counts.get((store, product, at + 4 * HOUR))
        if later is not None:
            gone = sum(n for when, n in sold[store, product] if at < when <= at + 4 * HOUR)
            assert later.on_hand_quantity == row.on_hand_quantity - gone
            compared += 1
        assert row.on_hand_quantity >= (row.reserved_quantity or 0) >= 0
        morning = counts.get((store, product, at + 12 * HOUR))
        if morning is not None and row.counted_at % (24 * HOUR) == 20 * HOUR:
            deliveries += morning.on_hand_quantity > row.on_hand_quantity
    assert compared > 1_000 and deliveries > 0
    assert any(
        r.on_hand_quantity < (r.reorder_point_quantity or 0) for r in shop.facts.last_counts(DAYS).values()
    )


@pytest.mark.parametrize("day", [0, 3, DAYS])
def test_of_several_exports_the_latest_holds(shop: Shop, day: int) -> None:
    best: dict[Values, list[str]] = {}
    for file in shop.drop.known(day):
        if file.damage is None:
            for row in read(file.name, content_of(file)):
                if len(row) == len(COLUMNS) and re.fullmatch(r"\d+", row[3]):
                    grain = row[1], row[0], row[2]
                    best[grain] = max(best.get(grain, row), row, key=lambda values: values[-1])
    expected = {
        tuple(as_text(row)[place] for place in (1, 0, 2)): as_text(row)
        for row in shop.facts.counts(day).values()
    }
    assert best == expected
    corrected = shop.ledger.occurrences("corrected_count", day)
    late = {(r[0], r[2]) for r in best.values() if r[-1][:10] > r[2][:10]}
    assert len(late) == len(corrected)


def test_the_newest_count_of_each_product_is_that_of_the_last_hour_with_a_good_one(shop: Shop) -> None:
    newest: dict[tuple[int, int], Any] = {}
    for product, store, at in shop.facts.counts(DAYS):
        newest[product, store] = max(newest.get((product, store), at), at)
    last = shop.facts.last_counts(DAYS)
    assert {key: naive(row.counted_at).replace(tzinfo=UTC) for key, row in last.items()} == newest


@pytest.mark.parametrize("days", [1, 2, 3])
@pytest.mark.parametrize("scale", [0.02, 1])
def test_short_shops_have_their_files(scale: float, days: int) -> None:
    shop = Shop(ShopPlan(scale=scale, days=days))
    assert set(shop.drop.files) == set(range(days + 1))
    assert all(o.day <= days for o in shop.drop.occurrences)


def test_rates_are_quoted_on_weekdays_and_carried_over_the_weekend() -> None:
    rates = make_rates(ShopPlan())
    names = [(rates.file(day) or ("",))[0] for day in range(DAYS + 1)]
    assert names[0] == "eurofxref-hist.xml" and names[3] == names[4] == "", "Saturday and Sunday"
    known: dict[tuple[date, str], Decimal] = {}
    for day in range(DAYS + 1):
        if published := rates.file(day):
            known |= quoted(published[1])
        assert known == rates.known(day)
    assert len({at for at, _ in known}) > 60 and all(at.weekday() < 5 for at, _ in known)
    friday, sunday = date(2026, 2, 27), date(2026, 3, 1)
    assert rates.rate("GBP", sunday) == known[friday, "GBP"] != known[date(2026, 3, 2), "GBP"]
    assert rates.to_dollars(Decimal("10"), "EUR", friday) == round(10 * known[friday, "USD"], 2)


def quoted(content: bytes) -> dict[tuple[date, str], Decimal]:
    ns = "{http://www.ecb.int/vocabulary/2002-08-01/eurofxref}"
    days = [cube for cube in ET.fromstring(content).iter(f"{ns}Cube") if "time" in cube.attrib]
    times = [day.attrib["time"] for day in days]
    assert times == sorted(times, reverse=True), "the newest first"
    return {
        (date.fromisoformat(day.attrib["time"]), cube.attrib["currency"]): Decimal(cube.attrib["rate"])
        for day in days
        for cube in day
    }


def test_files_are_delivered_once_with_the_time_of_the_shops_clock(shop: Shop, tmp_path: Path) -> None:
    settings = Settings(_env_file=None, state_dir=tmp_path / "state")
    places = Places(settings)
    places.deliver(shop, 1)
    there = {path: path.stat() for path in (tmp_path / "state" / "drop" / "inventory").iterdir()}
    assert len(there) == len(list(shop.drop.known(1)))
    for path, found in there.items():
        day = shop.plan.start_of(0 if "20260225" in path.name else 1) / 1_000_000
        assert day <= found.st_mtime <= day + 86_400
    places.deliver(shop, 2)
    assert {path: path.stat() for path in there} == there, "what is there is left alone"
    assert len(list((tmp_path / "state" / "rates").iterdir())) == 3
    for name, folder in (("drop_url", places.drop), ("rates_url", places.rates)):
        address = settings.secret(name)
        assert address is not None and address.get_secret_value() == str(folder)


def test_secrets_are_for_the_owner_only(tmp_path: Path) -> None:
    places = Places(Settings(_env_file=None, state_dir=tmp_path / "state"))
    token = places.token()
    file = tmp_path / "state" / "secrets" / "analytics_token"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600 and stat.S_IMODE(file.parent.stat().st_mode) == 0o700
    assert places.token() == token and len(token) >= 40
    assert places.settings.secret("analytics_token").get_secret_value() == token  # type: ignore[union-attr]  # just kept
    places.keep_secret("analytics_token", None)
    assert places.token() != token


def test_places_of_somebody_else_are_left_alone(
    shop: Shop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    places = Places(Settings(_env_file=None, state_dir=tmp_path / "state"))
    places.check_ours()
    monkeypatch.setenv("ETL_DROP_URL", str(tmp_path / "real"))
    with pytest.raises(ConfigError, match="ETL_DROP_URL names a place"):
        places.check_ours()
    places.deliver(shop, 0)
    assert not places.drop.exists() and not (tmp_path / "real").exists() and places.rates.exists()
