"""The report site in a real browser: whole, silent, offline, and readable on a phone."""

from __future__ import annotations

import csv
import fcntl
import os
import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from decimal import Decimal
from html.parser import HTMLParser
from pathlib import Path

import psycopg2
import pytest

from etl.reports import SiteLinks, write_site
from etl.reports.pages.customers import DARKEST_PCT
from etl.reports.site import GROUPS, PAGES, TEMPLATES
from tests.marts.warehouse import empty_warehouse, own_database
from tests.sessions import session_on
from tests.site import sample, sample_operation, sample_subjects
from tests.site.browser import Page, open_browser

PHONE, DESKTOP = 360, 1280
TABLES = (
    *("daily-sales", "segment-analysis", "product-performance", "inventory-low", "inventory-stores"),
    *("web-funnel-channels", "web-funnel-days", "rfm-segments", "segment-moves", "customer-cohorts"),
    *("verdicts", "failing-rules", "quarantine", "quarantine-groups", "quarantine-rows"),
    *("runs", "run-tables", "files", "transformations"),
    *("run-trend", "freshness", "table-work", "quarantine-ages", "gate-closings", "reconciliations"),
    *("incidents", "profiles", "profile-drifts"),
)
CHARTS = {
    **dict.fromkeys(
        ("index.html", "daily-sales.html", "segments.html", "products.html", "inventory.html"), 1
    ),
    **{"web.html": 2, "customers.html": 1, "monitoring.html": 6},
}
RECEIPTS = tuple(f"runs/{run['run_id']}.html" for run in sample.sample_runs())
ENOUGH_CONTRAST = 4.5


@dataclass(frozen=True)
class Sites:
    """The sites of a warehouse worth looking at, of an empty one, and the URL of the first warehouse."""

    filled: Path
    empty: Path
    url: str


@pytest.fixture(scope="module")
def sites(postgres_server: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sites]:
    """Both sites, written once."""
    folder = tmp_path_factory.mktemp("site & docs")
    for name in ("index.html", *sample_operation.DOCS_PAGES):
        path = folder / "data docs" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("<!doctype html><title>Data Docs</title>", encoding="utf-8")
    links = SiteLinks(folder / "data docs" / "index.html", "http://127.0.0.1:4200")
    with own_database(postgres_server) as url, empty_warehouse(url) as warehouse:
        write_site(warehouse.session, folder / "empty", SiteLinks(folder / "nowhere" / "index.html"))
        sample.fill(warehouse)
        write_site(warehouse.session, folder / "filled", links)
        yield Sites(folder / "filled", folder / "empty", url)


@pytest.fixture(scope="module")
def page(chromium: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Page]:
    """A browser for all tests of the module."""
    with open_browser(chromium, tmp_path_factory.mktemp("profile")) as page:
        yield page


@pytest.mark.parametrize("width", [PHONE, DESKTOP])
@pytest.mark.parametrize("name", PAGES)
@pytest.mark.parametrize("kind", ["filled", "empty"])
def test_a_page_is_silent_stays_on_the_disk_and_fits(
    sites: Sites, page: Page, kind: str, name: str, width: int
) -> None:
    page.open(getattr(sites, kind) / name, width)
    assert page.complaints == []
    assert [url for url in page.requests if not url.startswith(("file://", "data:"))] == []
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    scripts = int(kind == "filled" and name == "quarantine.html")
    assert page.evaluate("document.querySelectorAll('script').length") == scripts
    assert page.evaluate("document.querySelector('nav [aria-current]').textContent") == PAGES[name]
    assert (
        page.evaluate("document.querySelector('meta[name=viewport]').content")
        == "width=device-width, initial-scale=1"
    )


@pytest.mark.parametrize("width", [PHONE, DESKTOP])
def test_a_receipt_is_silent_stays_on_the_disk_and_fits(sites: Sites, page: Page, width: int) -> None:
    for name in RECEIPTS:
        page.open(sites.filled / name, width, "dark")
        assert page.complaints == []
        assert [url for url in page.requests if not url.startswith(("file://", "data:"))] == []
        assert page.evaluate("document.documentElement.scrollWidth") <= width, name
        assert page.evaluate("document.querySelector('nav [aria-current]').textContent") == "Runs"


@pytest.mark.parametrize(
    ("width", "seen"), [(PHONE, 2 + len(GROUPS["Operation"])), (DESKTOP, 2 + len(PAGES))]
)
def test_pages_are_grouped_and_a_phone_shows_one_group(
    sites: Sites, page: Page, width: int, seen: int
) -> None:
    page.open(sites.filled / "monitoring.html", width)
    shown = "[...document.querySelectorAll('nav a')].filter(link => link.offsetParent !== null)"
    assert page.evaluate(f"{shown}.length") == seen
    assert {"Business", "Operation"} <= set(page.evaluate(f"{shown}.map(link => link.textContent)"))
    assert page.evaluate("document.querySelector('header').offsetHeight") <= 140
    places = page.evaluate(f"{shown}.map(link => [link.offsetLeft, link.offsetTop])")
    assert len({tuple(place) for place in places}) == seen, "none lies upon another"


@pytest.mark.parametrize("width", [PHONE, DESKTOP])
def test_charts_are_seen_once_and_told_to_who_cannot_see(sites: Sites, page: Page, width: int) -> None:
    for name, count in CHARTS.items():
        page.open(sites.filled / name, width)
        seen = "[...document.querySelectorAll('figure svg')].filter(svg => svg.clientWidth > 0)"
        assert page.evaluate(f"{seen}.length") == count, name
        named = (
            "getAttribute('aria-labelledby').split(' ').map(id => document.getElementById(id).textContent)"
        )
        title, description = page.evaluate(f"{seen}[0].{named}")
        assert title
        assert len(description) > 40
        assert page.evaluate(f"{seen}[0].querySelectorAll('path').length") > 3
        font_size = page.evaluate(
            f"parseFloat({seen}[0].querySelector('text').getBoundingClientRect().height)"
        )
        assert font_size >= 10


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_charts_follow_light_and_dark(sites: Sites, page: Page, scheme: str) -> None:
    page.open(sites.filled / "daily-sales.html", DESKTOP, scheme)
    bar = "getComputedStyle(document.querySelector('figure svg path[fill*=\"--chart-line\"]')).fill"
    assert page.evaluate(bar) == _rgb(_themes()[scheme]["chart-line"])


def test_only_web_addresses_become_links(sites: Sites) -> None:
    links = _Links.of(sites.filled / "runs.html").links
    assert sum(link.startswith("http://127.0.0.1:4200/runs/") for link in links) == 8
    for name in ("runs.html", *RECEIPTS):
        assert [link for link in _Links.of(sites.filled / name).links if "javascript" in link] == []


def test_a_hostile_name_is_text(sites: Sites, page: Page) -> None:
    page.open(sites.filled / "segments.html")
    assert (
        page.evaluate("[...document.querySelectorAll('tbody th')].map(th => th.textContent)")[-1]
        == sample.SEGMENTS[-1]
    )
    with (sites.filled / "segment-analysis.csv").open(encoding="utf-8", newline="") as file:
        names = [row["customer_segment"] for row in csv.DictReader(file)]
    assert names[-1] == "'" + sample.SEGMENTS[-1]
    assert sorted(names[:-1]) == sorted(sample.SEGMENTS[:-1])
    page.open(sites.filled / "inventory.html")
    stores = page.evaluate("[...document.querySelectorAll('tbody th')].map(th => th.textContent)")
    assert sample_subjects.STORES[-1] in stores
    with (sites.filled / "inventory-stores.csv").open(encoding="utf-8", newline="") as file:
        assert f"'{sample_subjects.STORES[-1]}" in {row["store_name"] for row in csv.DictReader(file)}


def test_the_heat_map_is_a_table_with_a_shade_per_cell(sites: Sites, page: Page) -> None:
    page.open(sites.filled / "customers.html")
    cells = "[...document.querySelectorAll('.heat tbody tr:first-child td')].slice(1)"
    texts = page.evaluate(f"{cells}.map(cell => cell.textContent)")
    shades = page.evaluate(f"{cells}.map(cell => getComputedStyle(cell).backgroundColor)")
    assert texts[0] == "100.0 %"
    assert len({shade for text, shade in zip(texts, shades, strict=True) if text == "100.0 %"}) == 1
    assert len(set(shades)) >= len(set(texts)) - 1 > 3


def test_no_personal_data_and_no_second_line_of_an_error(sites: Sites) -> None:
    files = [path for path in sites.filled.rglob("*") if path.is_file()]
    everything = "".join(path.read_text(encoding="utf-8") for path in files)
    assert sample.SECRET_PERSON not in everything
    assert "total_adds_up failed for 212" in everything
    assert "Second line" not in everything
    assert sample_operation.SECRET_SECOND_LINE not in everything


def test_the_figures_are_those_of_the_fact(sites: Sites, page: Page) -> None:
    with psycopg2.connect(sites.url) as connection, connection.cursor() as cursor:
        cursor.execute(
            "select sum(total_amount), count(distinct order_id) from warehouse.fact_sales"
            " where date_key = 20261118 and not is_cancelled"
        )
        total, orders = cursor.fetchall()[0]
        cursor.execute(
            "select sum(total_amount) from warehouse.fact_sales"
            " where not is_cancelled and date_key > 20260820"
        )
        [(revenue,)] = cursor.fetchall()
    page.open(sites.filled / "index.html")
    values = page.evaluate("[...document.querySelectorAll('.card .value')].map(dd => dd.textContent)")
    assert (values[0], values[2]) == (f"{total:,.2f}", f"{orders:,}")
    with (sites.filled / "segment-analysis.csv").open(encoding="utf-8", newline="") as file:
        assert sum(Decimal(row["total_amount"]) for row in csv.DictReader(file)) == revenue
    with (sites.filled / "daily-sales.csv").open(encoding="utf-8", newline="") as file:
        days = list(csv.DictReader(file))
    assert (len(days), days[0]["full_date"], days[0]["total_amount"]) == (30, "2026-11-18", str(total))


def test_each_table_has_its_file(sites: Sites) -> None:
    for folder in (sites.filled, sites.empty):
        assert sorted(path.name for path in folder.iterdir() if path.is_file()) == sorted(
            [*PAGES, *(f"{name}.csv" for name in TABLES)]
        )
    assert sorted(f"runs/{path.name}" for path in (sites.filled / "runs").iterdir()) == sorted(RECEIPTS)
    assert list((sites.empty / "runs").iterdir()) == []


def test_an_empty_warehouse_is_said_to_be_empty(sites: Sites, page: Page) -> None:
    for name in PAGES:
        page.open(sites.empty / name)
        text = page.evaluate("document.querySelector('main').innerText")
        assert re.search(
            r"holds no sales|Nothing waits|No \w+ (is|was) .*(record|yet)|No stock was counted", text
        ), name


def test_the_same_warehouse_gives_the_same_bytes(sites: Sites, tmp_path: Path) -> None:
    links = SiteLinks(sites.filled.parent / "data docs" / "index.html", "http://127.0.0.1:4200")
    again = sites.filled.parent / "again"
    with psycopg2.connect(sites.url) as connection:
        write_site(session_on(connection), again, links)
        inodes = {path: path.stat().st_ino for path in again.rglob("*") if path.is_file()}
        write_site(session_on(connection), again, links)
    assert again / "index.html" in inodes
    assert {p.relative_to(again): p.read_bytes() for p in inodes} == {
        p.relative_to(sites.filled): p.read_bytes() for p in sites.filled.rglob("*") if p.is_file()
    }
    assert all(path.stat().st_ino != inode for path, inode in inodes.items())


def test_a_receipt_says_what_the_run_was_asked_for_read_judged_and_wrote(sites: Sites, page: Page) -> None:
    page.open(sites.filled / RECEIPTS[8])
    text = page.evaluate("document.querySelector('main').innerText")
    for said in ("v1.4-3-gabc1234", "<i>asked</i>", "new column <b>nickname</b>", "coupon_code: null_share"):
        assert said in text
    titles = page.evaluate("[...document.querySelectorAll('main h2')].map(h => h.textContent)")
    assert titles == [
        *("Run", "Asked for", "Reconciliation", "Ranges that differ", "Verdicts", "Failing rules"),
        *("Row accounting", "Written", "Held back"),
        *("Windows", "Files", "Drifts", "Transformations"),
    ]
    cells = "[...document.querySelectorAll('[aria-label=\"Row accounting\"] tbody tr')][1].innerText"
    assert page.evaluate(cells).split("\t")[:-1] == [
        *("shop.order_items", "24,690", "0", "0", "10", "80", "0", "24,600", "24,690", "agrees")
    ]


def test_a_receipt_of_a_failed_run_says_why_and_of_a_killed_one_that_nothing_is_known(
    sites: Sites, page: Page
) -> None:
    page.open(sites.filled / RECEIPTS[4])
    assert "could not be reached" in page.evaluate("document.querySelector('.trouble').textContent")
    assert page.evaluate("document.querySelector('[aria-label=Windows] tbody').rows.length") == 2
    page.open(sites.filled / RECEIPTS[5])
    assert "Nothing else is on record" in page.evaluate("document.querySelector('main').innerText")


def test_what_waits_can_be_filtered_in_its_page_without_a_network(sites: Sites, page: Page) -> None:
    page.open(sites.filled / "quarantine.html")
    seen = "[...document.querySelectorAll('#rows tbody tr')].filter(row => row.offsetParent !== null).length"
    choose = (
        "(() => {{ const field = document.querySelectorAll('.filters select')[1]; field.value = '{}';"
        " field.dispatchEvent(new Event('input')); return document.querySelector('output').textContent; }})()"
    )
    assert page.evaluate(seen) == 2
    assert page.evaluate(choose.format("country_is_known")) == "1 of 2 rows"
    assert page.evaluate(seen) == 1
    assert page.evaluate(choose.format("")) == "2 of 2 rows"
    assert page.complaints == []


@pytest.mark.parametrize("width", [1280, 390])
def test_a_long_key_wraps_and_a_wide_table_scrolls_within_itself(
    sites: Sites, page: Page, width: int
) -> None:
    page.open(sites.filled / "quarantine.html", width)
    keys = "[...document.querySelectorAll('#rows tbody td:nth-of-type(3)')]"
    assert page.evaluate(f"{keys}.length") == 2
    assert (
        page.evaluate(f"new Set({keys}.map(cell => getComputedStyle(cell).whiteSpace)).has('nowrap')")
        is False
    )
    page.open(sites.filled / "monitoring.html", width)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    moved = "(() => { const grid = document.querySelector('[aria-label=Incidents]'); grid.scrollLeft = 9e9;"
    last = "const cell = grid.querySelector('tbody tr').lastElementChild.getBoundingClientRect();"
    assert page.evaluate(f"{moved} {last} return cell.right <= grid.getBoundingClientRect().right + 1; }})()")


def test_a_judgement_is_linked_while_its_page_is_there(sites: Sites) -> None:
    newest = _Links.of(sites.filled / RECEIPTS[8]).links
    assert [link for link in newest if "validations" in link] == [
        f"../../data%20docs/{page.replace(' ', '%20')}" for page in sample_operation.DOCS_PAGES
    ]
    closed = _Links.of(sites.filled / RECEIPTS[2]).links
    assert [link for link in closed if "validations" in link] == [
        f"../../data%20docs/{sample_operation.DOCS_PAGES[0].replace(' ', '%20')}"
    ]


def test_each_square_leads_to_the_receipt_of_its_run(sites: Sites, page: Page) -> None:
    page.open(sites.filled / "monitoring.html")
    squares = "[...document.querySelectorAll('.strip li')]"
    assert page.evaluate(f"{squares}.map(li => li.className)") == [
        run["status"] for run in sample.sample_runs()
    ]
    leads = page.evaluate(f"{squares}.map(li => li.querySelector('a').getAttribute('href'))")
    assert leads == list(RECEIPTS)


def test_the_receipt_of_a_run_that_is_no_longer_shown_goes(postgres_database: str, tmp_path: Path) -> None:
    with empty_warehouse(postgres_database) as warehouse:
        sample.insert_hourly_runs(warehouse.session, 16)
        write_site(warehouse.session, tmp_path, SiteLinks())
        folder = tmp_path / "runs"
        assert {path.stem for path in folder.iterdir()} == {f"h{n}" for n in range(1, 16)}
        sample.insert_runs(warehouse.session)
        warehouse.session.execute("delete from audit.runs where run_id = 'h15'")
        (folder / "notes.txt").write_text("of someone else", encoding="utf-8")
        write_site(warehouse.session, tmp_path, SiteLinks())
        assert not (folder / "h15.html").exists()
        assert (folder / "h0.html").exists()
        assert (folder / "notes.txt").exists()


def test_two_writers_come_one_after_the_other_and_the_later_one_reads_what_is_newer(
    postgres_database: str, tmp_path: Path
) -> None:
    with empty_warehouse(postgres_database) as warehouse:
        warehouse.commit()
        tmp_path.joinpath("runs").mkdir()
        folder = os.open(tmp_path, os.O_RDONLY)
        fcntl.flock(folder, fcntl.LOCK_EX)
        with ThreadPoolExecutor(1) as pool, psycopg2.connect(postgres_database) as writer:
            written = pool.submit(write_site, session_on(writer), tmp_path, SiteLinks())
            with pytest.raises(TimeoutError):
                written.result(timeout=1)
            sample.insert_hourly_runs(warehouse.session, 1)
            warehouse.commit()
            os.close(folder)
            written.result(timeout=60)
    assert (tmp_path / "runs" / "h0.html").is_file()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_can_be_read(scheme: str) -> None:
    theme = _themes()[scheme]
    pairs = [
        (ink, ground)
        for ink in ("ink", "ink-soft", "ink-faint", "accent", "good", "bad")
        for ground in ("paper", "card")
    ]
    pairs += [(mark, f"{mark}-wash") for mark in ("good", "warn", "bad", "idle")]
    pairs += [("ink", "bad-wash"), ("ink-soft", "idle-wash"), ("ink", "darkest-cell")]
    theme["darkest-cell"] = _mixed(theme["chart-line"], theme["card"], DARKEST_PCT / 100)
    weak = {
        pair: _contrast(theme[pair[0]], theme[pair[1]])
        for pair in pairs
        if _contrast(theme[pair[0]], theme[pair[1]]) < ENOUGH_CONTRAST
    }
    assert weak == {}


class _Links(HTMLParser):
    """Every address and id of a page."""

    def __init__(self) -> None:
        super().__init__()
        self.links: list[str] = []
        self.ids: set[str] = set()

    @classmethod
    def of(cls, path: Path) -> _Links:
        parser = cls()
        parser.feed(path.read_text(encoding="utf-8"))
        return parser

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        for name, value in attrs:
            if name in ("href", "src", "xlink:href") and value:
                self.links.append(value)
            if name == "id" and value:
                self.ids.add(value)


def _themes() -> dict[str, dict[str, str]]:
    light, dark = re.findall(
        r":root \{(.*?)\}", (TEMPLATES / "style.css").read_text(encoding="utf-8"), re.DOTALL
    )
    colours = [dict(re.findall(r"--([\w-]+): (#\w{6})", part)) for part in (light, dark)]
    return {"light": colours[0], "dark": colours[1]}


def _channels(colour: str) -> list[int]:
    return [int(colour[start : start + 2], 16) for start in (1, 3, 5)]


def _rgb(colour: str) -> str:
    return f"rgb({', '.join(map(str, _channels(colour)))})"


def _mixed(one: str, other: str, share: float) -> str:
    """As ``color-mix`` in sRGB does it."""
    mixed = [
        round(a * share + b * (1 - share)) for a, b in zip(_channels(one), _channels(other), strict=True)
    ]
    return "#" + "".join(f"{channel:02x}" for channel in mixed)


def _contrast(one: str, other: str) -> float:
    """Contrast ratio as WCAG 2 defines it."""
    lights = sorted((_luminance(one), _luminance(other)))
    return (lights[1] + 0.05) / (lights[0] + 0.05)


def _luminance(colour: str) -> float:
    parts = [c / 255 / 12.92 if c <= 10 else ((c / 255 + 0.055) / 1.055) ** 2.4 for c in _channels(colour)]
    return 0.2126 * parts[0] + 0.7152 * parts[1] + 0.0722 * parts[2]
