"""The report and the Data Docs together: no dead link, no dead anchor, nothing from the network."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import pytest

from etl.reports import SiteLinks, write_site
from expectations.data_docs import build_docs
from expectations.gate import judge
from expectations.result_store import docs_dir, prune_results
from tests.gate.staging import SUITES_DIR, StagedShop
from tests.marts.warehouse import Row, empty_warehouse, insert_audit, own_database
from tests.site import sample
from tests.site.browser import Page, open_browser

JUDGED = ("shop.customers", "shop.orders", "shop.order_items", "shop.products", "shop.stores")
RUNS = (3, 7, 8)
DECLARED_OUTBOUND = ("http://127.0.0.1:4200",)
IN_TEXT = ("href", "src", "xlink:href", "action", "poster", "data")


@dataclass
class _Page(HTMLParser):
    """Addresses and anchors of one page."""

    path: Path

    def __post_init__(self) -> None:
        super().__init__()
        self.addresses: list[str] = []
        self.anchors: set[str] = set()
        self.feed(self.path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.addresses += [value for name, value in attrs if name in IN_TEXT and value]
        self.anchors |= {value for name, value in attrs if name in ("id", "name") and value}


@pytest.fixture(scope="module")
def state(postgres_server: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A state folder with both sites: three judged runs, of which the Data Docs keep the newest two."""
    folder = tmp_path_factory.mktemp("state & so on")
    with own_database(postgres_server) as staged_url:
        shop = StagedShop(staged_url)
        shop.create(rows=100, tables=JUDGED)
        verdicts = [row for number in RUNS for row in _judged(shop, folder, sample.sample_runs()[number])]
    prune_results(folder, kept=2)
    report = folder / "report"
    index = build_docs(folder, SUITES_DIR, report / "quality.html")
    with own_database(postgres_server) as url, empty_warehouse(url) as warehouse:
        sample.fill(warehouse)
        warehouse.session.execute("delete from audit.verdicts")
        insert_audit(warehouse.session, "verdicts", verdicts)
        write_site(warehouse.session, report, SiteLinks(index, DECLARED_OUTBOUND[0]))
    yield folder


def test_no_link_and_no_anchor_is_dead_and_none_leads_out(state: Path) -> None:
    pages = {path: _Page(path) for path in state.rglob("*.html")}
    assert len(pages) > 40
    dead = [
        f"{path.relative_to(state)}: {address}"
        for path, page in pages.items()
        for address in page.addresses
        if not _is_alive(path, address, pages)
    ]
    assert dead == []


def test_every_judgement_that_is_kept_is_reached_from_a_receipt_and_leads_back(state: Path) -> None:
    receipts = [_Page(path) for path in (state / "report" / "runs").glob("*.html")]
    reached = {
        (page.path.parent / unquote(address)).resolve() for page in receipts for address in page.addresses
    }
    kept = list((docs_dir(state) / "validations").rglob("*.html"))
    assert len(kept) == 2 * len(JUDGED)
    assert {path.resolve() for path in kept} <= reached
    for path in docs_dir(state).rglob("*.html"):
        back = [(path.parent / unquote(address)).resolve() for address in _Page(path).addresses]
        assert (state / "report" / "quality.html").resolve() in back, path


def test_every_page_of_the_report_and_every_judgement_is_reached_from_the_start(state: Path) -> None:
    reached: set[Path] = set()
    ahead = [state / "report" / "index.html"]
    while ahead:
        path = ahead.pop().resolve()
        if path in reached or path.suffix != ".html":
            continue
        reached.add(path)
        ahead += [
            path.parent / unquote(urlsplit(address).path)
            for address in _Page(path).addresses
            if not urlsplit(address).scheme and urlsplit(address).path
        ]
    folders = (state / "report", docs_dir(state) / "validations")
    everything = {path.resolve() for folder in folders for path in folder.rglob("*.html")}
    assert everything - reached == set()


def test_the_severity_of_each_rule_stands_in_the_page(state: Path, chromium: str, tmp_path: Path) -> None:
    (page_path,) = (docs_dir(state) / "validations" / "shop" / "orders").rglob(f"{_run_id(8)}/**/*.html")
    with open_browser(chromium, tmp_path / "profile") as page:
        _check_judgement(page, page_path)


def _check_judgement(page: Page, path: Path) -> None:
    for width in (360, 1280):
        page.open(path, width)
        assert page.complaints == []
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        back = "[...document.querySelectorAll('nav a')].filter(a => a.textContent === 'Report')"
        assert page.evaluate(f"{back}[0].offsetWidth") > 0
        rules = page.evaluate(
            "[...document.querySelectorAll('td')].map(td => td.innerText).filter(t => t.includes('Why:'))"
        )
        assert len(rules) > 5
        assert {rule.split(":")[0].strip() for rule in rules} <= {"CRITICAL", "WARNING", "INFO"}


def _judged(shop: StagedShop, state_dir: Path, run: Row) -> list[dict[str, Any]]:
    """Verdicts of one run as the gate stores them."""
    found = [
        judge(shop.table(name), shop.database, SUITES_DIR, state_dir, run["run_id"], shop.terms(name)).verdict
        for name in JUDGED
    ]
    assert all(verdict.docs_path for verdict in found)
    return [
        {
            "run_id": run["run_id"],
            "table_name": verdict.table,
            "is_open": verdict.is_open,
            "row_count": verdict.row_count,
            "quarantined": verdict.quarantined_count,
            "score_pct": verdict.score_pct,
            "seconds": verdict.seconds,
            "docs_page": str(verdict.docs_path and verdict.docs_path.relative_to(docs_dir(state_dir))),
        }
        for verdict in found
    ]


def _run_id(number: int) -> str:
    return str(sample.sample_runs()[number]["run_id"])


def _is_alive(path: Path, address: str, pages: dict[Path, _Page]) -> bool:
    parts = urlsplit(address)
    if parts.scheme == "data":
        return True
    if parts.scheme or parts.netloc:
        return address.startswith(DECLARED_OUTBOUND)
    target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
    if not target.is_file():
        return False
    known = pages.get(target if parts.path else path)
    return not parts.fragment or (known is not None and unquote(parts.fragment) in known.anchors)
