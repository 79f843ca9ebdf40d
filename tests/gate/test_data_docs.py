"""Data Docs open from disk without a network, and say why a gate closed (law Q5)."""

from __future__ import annotations

import json
import re
import subprocess
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest

from expectations.data_docs import ASSETS_DIR
from expectations.gate import build_docs, judge
from tests.gate.staging import CATALOG, SHOP, SUITES_DIR, StagedShop

LOADED_BY = {"script": "src", "img": "src", "link": "href", "iframe": "src", "source": "src"}


class Loads(HTMLParser):
    """Collects the addresses that a browser loads on its own, and those that a reader may follow."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.loaded = re.findall(r"url\(['\"]?([^'\")]+)", page)
        self.links: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = {key: value or "" for key, value in attrs}
        if tag in LOADED_BY and (address := values.get(LOADED_BY[tag])):
            self.loaded.append(address)
        if tag == "a":
            self.links.append(values.get("href", ""))


@pytest.fixture(scope="session")
def system() -> str:
    """Pages know nothing of systems."""
    return "postgresql"


@pytest.fixture
def site(shop: StagedShop, state_dir: Path) -> Path:
    """The site of two runs: one sound, one with a closed gate, quarantined rows and a failed warning."""
    _judge_all(shop, state_dir, "run-1")
    build_docs(state_dir, SUITES_DIR)
    shop.execute("update stg_shop__order_items set quantity = -1 where _row = 3")
    shop.execute("update stg_shop__customers set is_email_valid = false where _row <= 200")
    shop.execute("alter table stg_shop__stores drop column region")
    _judge_all(shop, state_dir, "run-2")
    return build_docs(state_dir, SUITES_DIR).parent


def test_only_pages_of_suites_that_changed_are_written_again(
    shop: StagedShop, state_dir: Path, suites_dir: Path
) -> None:
    judge(shop.table("shop.orders"), shop.database, suites_dir, state_dir, "run-1")
    pages = build_docs(state_dir, suites_dir).parent / "expectations" / "shop"
    before = {page.name: page.stat().st_mtime_ns for page in pages.glob("*.html")}
    changed = suites_dir / "shop.orders.yaml"
    changed.write_text(changed.read_text("utf-8").replace("reason: ", "reason: Mended, ", 1), "utf-8")

    build_docs(state_dir, suites_dir)

    after = {page.name: page.stat().st_mtime_ns for page in pages.glob("*.html")}
    assert before.keys() == after.keys() > {"orders.html"}
    assert {name for name in after if after[name] != before[name]} == {"orders.html"}
    assert "Mended, " in (pages / "orders.html").read_text("utf-8")


def test_every_judgement_has_its_page_once_the_docs_are_built(shop: StagedShop, state_dir: Path) -> None:
    verdict = judge(shop.table("shop.orders"), shop.database, SUITES_DIR, state_dir, "run-1").verdict

    index = build_docs(state_dir, SUITES_DIR)

    assert verdict.docs_path is not None
    assert verdict.docs_path.is_file()
    assert verdict.docs_path.relative_to(state_dir / "data_docs").as_posix() in index.read_text(
        encoding="utf-8"
    )


def test_pages_tell_severity_reason_tolerance_and_counts(site: Path) -> None:
    (customers,) = (site / "validations/shop/customers/run-2").rglob("*.html")
    page = customers.read_text(encoding="utf-8")

    assert (
        "WARNING: email is valid (predicate is_email_valid, at least 90 % of the rows). Why: A wrong" in page
    )
    assert "200 unexpected values found. 20% of 1000 total rows." in page
    (stores,) = (site / "validations/shop/stores/run-2").rglob("*.html")
    assert "could not be checked: " in stores.read_text(encoding="utf-8")
    suite = (site / "expectations/shop/customers.html").read_text(encoding="utf-8")
    assert "birth_date &lt;= updated_at::date" in suite
    assert "regex ^[A-Z]{2}&#36;, at least" in suite


def test_no_page_loads_anything_from_another_machine(site: Path) -> None:
    pages = list(site.rglob("*.html"))
    assert len(pages) == 1 + len(CATALOG.tables) + 2 * len(SHOP)
    for page in pages:
        for address in Loads(page.read_text(encoding="utf-8")).loaded:
            if address.startswith("data:"):
                continue
            assert not urlsplit(address).scheme and not urlsplit(address).netloc, f"{page}: {address}"
            assert (page.parent / urlsplit(address).path).is_file(), f"{page}: {address}"


def test_no_link_of_the_site_is_dead(site: Path) -> None:
    for page in site.rglob("*.html"):
        for address in map(urlsplit, Loads(page.read_text(encoding="utf-8")).links):
            if not address.scheme and address.path:
                assert (page.parent / unquote(address.path)).is_file(), f"{page}: {address.path}"


def test_a_second_build_writes_nothing_but_the_index(site: Path, state_dir: Path) -> None:
    before = {p: p.stat().st_mtime_ns for p in site.rglob("*") if p.is_file()}

    build_docs(state_dir, SUITES_DIR)

    changed = {p.relative_to(site).parts[0] for p, at in before.items() if p.stat().st_mtime_ns != at}
    assert changed == {"index.html"}


def test_a_page_that_was_lost_is_written_again(site: Path, state_dir: Path) -> None:
    (page,) = (site / "validations/shop/orders/run-1").rglob("*.html")
    page.unlink()

    build_docs(state_dir, SUITES_DIR)

    assert page.is_file()


def test_chromium_shows_the_pages_without_error_and_without_network(
    site: Path, tmp_path: Path, chromium: str
) -> None:
    pages = [
        (site / "index.html", "shop.order_items"),
        (site / "expectations/shop/orders.html", "order total adds up"),
        *(
            (page, "could not be checked")
            for page in (site / "validations/shop/stores/run-2").rglob("*.html")
        ),
    ]
    for page, text in pages:
        log = tmp_path / "net.json"
        dom, said = _opened(chromium, page, tmp_path / "profile", log)

        assert text in dom
        assert re.findall(r".*CONSOLE.*", said) == [], page
        assert _requested(log) == set(), page


def test_a_page_that_reaches_for_the_network_would_be_seen(tmp_path: Path, chromium: str) -> None:
    page = tmp_path / "page.html"
    page.write_text('<script src="https://cdn.invalid/x.js"></script>', encoding="utf-8")

    _opened(chromium, page, tmp_path / "profile", tmp_path / "net.json")

    assert _requested(tmp_path / "net.json") == {"https://cdn.invalid/x.js"}


def test_the_index_is_drawn_by_its_scripts(site: Path, tmp_path: Path, chromium: str) -> None:
    dom, _ = _opened(chromium, site / "index.html", tmp_path / "profile", tmp_path / "net.json")

    assert "Showing 1 to 10 of 16 rows" in re.sub(r"\s+", " ", dom)
    assert dom.split("<tbody>")[1].split("</tbody>")[0].count("fa-times text-danger") == 1, "the closed gate"
    assert "full_logo" not in dom
    assert "newsletter" not in dom


def test_assets_are_listed_with_version_and_licence() -> None:
    notice = (ASSETS_DIR / "NOTICE.md").read_text(encoding="utf-8")
    for asset in ASSETS_DIR.rglob("*.*"):
        if asset.is_file() and asset.suffix != ".md":
            assert f"`{asset.relative_to(ASSETS_DIR).as_posix()}`" in notice, asset


def _judge_all(shop: StagedShop, state_dir: Path, run_id: str) -> None:
    for table in sorted(SHOP):
        judge(shop.table(table), shop.database, SUITES_DIR, state_dir, run_id, shop.terms(table))


def _opened(chromium: str, page: Path, profile: Path, net_log: Path) -> tuple[str, str]:
    """The page's document after its scripts ran, and what the browser said meanwhile."""
    options = (
        "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-terms-networking "
        "--disable-component-update --disable-sync --disable-dev-shm-usage --enable-logging=stderr --v=0 "
        "--virtual-time-budget=3000 --dump-dom"
    )
    command = [
        chromium,
        *options.split(),
        "--host-resolver-rules=MAP * ~NOTFOUND",
        f"--user-data-dir={profile}",
    ]
    command += [f"--log-net-log={net_log}", page.as_uri()]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)
    return done.stdout, done.stderr


def _requested(net_log: Path) -> set[str]:
    """Addresses that a page asked for; what the browser asks for itself carries no key of a page."""
    events = json.loads(net_log.read_text(encoding="utf-8"))["events"]
    asked = (event["params"] for event in events if "network_isolation_key" in event.get("params", {}))
    return {params["url"] for params in asked if params["network_isolation_key"].startswith("file://")}
