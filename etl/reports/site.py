"""The report site: pages that open from disk, without network or assets, on paper and phone.

index.html         headline figures, quality, newest run
daily-sales.html   30 business dates
segments.html      the shop's customer segments over 90 days
products.html      products by revenue, in the newest month
inventory.html     stock: days of cover, what is below its reorder point
web.html           from the visit to the purchase, by day and by channel
customers.html     segments by recency, frequency and money, moves, cohorts
monitoring.html    how runs went over time; freshness, quarantine ages, reconciliation and incidents now
quality.html       newest verdicts, failing rules, quarantine
quarantine.html    what waits, by table, rule and run, and row by row
runs.html          runs, each with its receipt
runs/<run>.html    the receipt of a run: what it was asked for, read, judged and wrote
loads.html         files, and what each step of preparation did
profiles.html      what the rows of each table look like, and what moved
<table>.csv        beside each table

No page needs JavaScript; the rows of the quarantine can be filtered by a script that stands in their page.
"""

from __future__ import annotations

import fcntl
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

import jinja2

from etl.reports.drawing import draw
from etl.reports.figures import Figures, read_figures
from etl.reports.pages import receipts
from etl.reports.tables import shown
from etl.warehouse.database import Session

TEMPLATES = Path(__file__).parent / "templates"
# The first page of a group is where its name leads.
GROUPS = {
    "Business": {
        "index.html": "Overview",
        "daily-sales.html": "Daily sales",
        "segments.html": "Segments",
        "products.html": "Products",
        "inventory.html": "Stock",
        "web.html": "Web",
        "customers.html": "Customers",
    },
    "Operation": {
        "monitoring.html": "Monitoring",
        "quality.html": "Quality",
        "quarantine.html": "Quarantine",
        "runs.html": "Runs",
        "loads.html": "Loads",
        "profiles.html": "Profiles",
    },
}
PAGES = {name: title for pages in GROUPS.values() for name, title in pages.items()}


@dataclass(frozen=True, slots=True)
class SiteLinks:
    """Where the site leads to.

    Attributes:
        data_docs: Start page of the Data Docs on this disk; no link while it does not exist.
        prefect_url: The Prefect UI, or the page of the newest run in it.
    """

    data_docs: Path | None = None
    prefect_url: str | None = None


def write_site(session: Session, folder: Path, links: SiteLinks) -> Figures:
    """Write all pages and CSV files into ``folder``, each replaced as a whole, the start page last.

    The same warehouse gives the same bytes: no page names the time at which it was written. One process
    writes at a time, and what it reads is newer than what the one before it wrote. Receipts stand before
    the pages that lead to them, and those of runs that are no longer shown go after these pages.

    Args:
        session: Of one state of the warehouse; nothing is written there.
        folder: Made if need be; other files in it are left alone.
        links: Where the site leads to.

    Returns:
        What the pages show.
    """
    (folder / receipts.FOLDER).mkdir(parents=True, exist_ok=True)
    with _one_at_a_time(folder):
        figures = read_figures(session)
        site = _Site(figures, folder, links)
        for name, text in site.receipts():
            _replace(folder / receipts.FOLDER / name, text)
        for subject in figures.subjects:
            for table in subject.tables:
                _replace(folder / f"{table.name}.csv", table.as_csv())
        for name in sorted(PAGES, key=lambda page: page == "index.html"):
            _replace(folder / name, site.page(name))
        for path in (folder / receipts.FOLDER).glob("*.html"):
            if path.name not in figures.receipts.pages().values():
                path.unlink()
    return figures


class _Site:
    """The pages of one state of the warehouse."""

    def __init__(self, figures: Figures, folder: Path, links: SiteLinks) -> None:
        docs = links.data_docs if links.data_docs and links.data_docs.exists() else None
        self._receipts = figures.receipts
        self._content: dict[str, Any] = {
            "figures": figures,
            "groups": GROUPS,
            "charts": draw(
                {name: chart for subject in figures.subjects for name, chart in subject.charts().items()}
            ),
            "receipt_pages": figures.receipts.pages(),
            "docs_link": _relative(docs, folder) if docs else None,
            "docs_page": lambda page: _relative_page(docs, page, folder),
            "prefect_link": web_link(links.prefect_url),
        }

    def page(self, name: str) -> str:
        """One of the pages."""
        template = _environment().get_template(f"{name}.j2")
        return template.render(self._content, page=name, title=PAGES[name], root="")

    def receipts(self) -> Iterator[tuple[str, str]]:
        """Name and text of each receipt, which stands in a folder of its own."""
        template = _environment().get_template("receipt.html.j2")
        for receipt in self._receipts.receipts:
            text = template.render(
                self._content, receipt=receipt, page="runs.html", title=receipt.title, root="../"
            )
            yield receipts.page_name(receipt.run["run_id"]), text


def web_link(url: str | None) -> str | None:
    """``url`` where a browser may be sent there: http and https only, so that no data becomes a script."""
    return url if url and urlsplit(url).scheme in ("http", "https") else None


def _relative_page(docs: Path | None, page: str | None, folder: Path) -> str | None:
    """A page of the Data Docs as seen from the site; None where it is not there, or lies elsewhere."""
    if docs is None or page is None:
        return None
    path = (docs.parent / page).resolve()
    is_there = path.is_relative_to(docs.parent.resolve()) and path.is_file()
    return _relative(path, folder) if is_there else None


def _relative(target: Path, folder: Path) -> str:
    return quote(Path(os.path.relpath(target.resolve(), folder.resolve())).as_posix())


@contextmanager
def _one_at_a_time(folder: Path) -> Iterator[None]:
    """Keep other writers of the same folder out; the system drops the lock of a process that is killed."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _replace(path: Path, text: str) -> None:
    """A reader finds the old file or the new one, never a part."""
    descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8", newline="") as file:
            file.write(text)
        Path(temporary).chmod(0o644)
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


@lru_cache(maxsize=1)
def _environment() -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(shown=shown, web_link=web_link)
    return environment
