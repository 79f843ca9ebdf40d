"""The report site: pages that open from disk, without network, assets or JavaScript, on paper and phone.

index.html         headline figures, quality, newest run
daily-sales.html   30 business dates
segments.html      the shop's customer segments over 90 days
products.html      products by revenue, in the newest month
inventory.html     stock: days of cover, what is below its reorder point
web.html           from the visit to the purchase, by day and by channel
customers.html     segments by recency, frequency and money, moves, cohorts
quality.html       score by run, failing rules, quarantine
runs.html          runs, and what each did to each table
loads.html         files, and what each step of preparation did
profiles.html      what the rows of each table look like, and what moved
<table>.csv        beside each table
"""

from __future__ import annotations

import os
import tempfile
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from urllib.parse import quote, urlsplit

import jinja2
from psycopg2.extensions import connection as Connection

from etl.reports.figures import Figures, read_figures
from etl.reports.tables import shown

TEMPLATES = Path(__file__).parent / "templates"
PAGES = {
    "daily-sales.html": "Daily sales",
    "segments.html": "Segments",
    "products.html": "Products",
    "inventory.html": "Stock",
    "web.html": "Web",
    "customers.html": "Customers",
    "quality.html": "Quality",
    "runs.html": "Runs",
    "loads.html": "Loads",
    "profiles.html": "Profiles",
    "index.html": "Overview",
}


@dataclass(frozen=True, slots=True)
class SiteLinks:
    """Where the site leads to.

    Attributes:
        data_docs: Start page of the Data Docs on this disk; no link while it does not exist.
        prefect_url: The Prefect UI, or the page of the newest run in it.
    """

    data_docs: Path | None = None
    prefect_url: str | None = None


def write_site(connection: Connection, folder: Path, links: SiteLinks) -> Path:
    """Write all pages and CSV files into ``folder``, each replaced as a whole, the start page last.

    The same warehouse gives the same bytes: no page names the time at which it was written.

    Args:
        connection: To the warehouse; nothing is written there, and a transaction that this opens is ended.
        folder: Made if need be; other files in it are left alone.
        links: Where the site leads to.

    Returns:
        The start page.
    """
    figures = read_figures(connection)
    folder.mkdir(parents=True, exist_ok=True)
    for subject in figures.subjects:
        for table in subject.tables:
            _replace(folder / f"{table.name}.csv", table.as_csv())
    for name, text in _pages(figures, folder, links).items():
        _replace(folder / name, text)
    return folder / "index.html"


def _pages(figures: Figures, folder: Path, links: SiteLinks) -> dict[str, str]:
    environment = _environment()
    content = {
        "figures": figures,
        "pages": [
            ("index.html", PAGES["index.html"]),
            *(item for item in PAGES.items() if item[0] != "index.html"),
        ],
        "charts": {name: chart for subject in figures.subjects for name, chart in subject.charts().items()},
        "docs_link": _relative(links.data_docs, folder),
        "prefect_link": web_link(links.prefect_url),
    }
    return {
        name: environment.get_template(f"{name}.j2").render(content, page=name, title=title)
        for name, title in PAGES.items()
    }


def web_link(url: str | None) -> str | None:
    """``url`` where a browser may be sent there: http and https only, so that no data becomes a script."""
    return url if url and urlsplit(url).scheme in ("http", "https") else None


def _relative(target: Path | None, folder: Path) -> str | None:
    if target is None or not target.exists():
        return None
    return quote(Path(os.path.relpath(target.resolve(), folder.resolve())).as_posix())


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
