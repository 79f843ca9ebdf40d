"""Data Docs that open from disk without a network (law Q5).

The pages of Great Expectations link assets from content delivery networks and load a logo from a
remote bucket; without a network its index is empty. The files are written through a store backend that
points these links at ``assets/``, which is copied into the site.
"""

from __future__ import annotations

import os
import re
import shutil
from pathlib import Path
from typing import Any, cast
from urllib.parse import quote

import great_expectations
from great_expectations.data_context.data_context.ephemeral_data_context import EphemeralDataContext
from great_expectations.data_context.types.resource_identifiers import (
    ExpectationSuiteIdentifier,
    ValidationResultIdentifier,
)
from great_expectations.render.renderer.site_builder import SiteBuilder
from jinja2 import FileSystemBytecodeCache

from etl.errors import StorehouseError
from expectations import conversion
from expectations.conversion import as_expectation_suite
from expectations.result_store import (
    AtomicFiles,
    docs_dir,
    one_at_a_time,
    open_context,
    remove_empty_folders,
)
from expectations.suites import Suite, load_suites

ASSETS_DIR = Path(__file__).parent / "assets"
VENDORED = "static/vendor"
LOGO = "static/images/logo-long.png"
# Where the bar at the top of each page begins, in the templates of Great Expectations.
_BAR = '<nav class="d-flex align-items-center">'
TUTORIAL_SUFFIXES = {".gif", ".svg"}
# Suites are named for tables, so that none has this name.
_NO_SUITE = ExpectationSuiteIdentifier("none")

# Address that a template names (without version parts that may differ between templates) -> our file.
OFFLINE = {
    "bootstrap/4.3.1/css/bootstrap.min.css": "bootstrap.min.css",
    "bootstrap/4.3.1/js/bootstrap.min.js": "bootstrap.min.js",
    "dist/bootstrap-table.min.css": "bootstrap-table.min.css",
    "dist/bootstrap-table.min.js": "bootstrap-table.min.js",
    "bootstrap-table-filter-control.css": "bootstrap-table-filter-control.min.css",
    "bootstrap-table-filter-control.min.css": "bootstrap-table-filter-control.min.css",
    "bootstrap-table-filter-control.min.js": "bootstrap-table-filter-control.min.js",
    "bootstrap-datepicker.min.css": "bootstrap-datepicker.min.css",
    "bootstrap-datepicker.min.js": "bootstrap-datepicker.min.js",
    "bootstrap-prefers-dark.css": "bootstrap-prefers-dark.min.css",
    "font-awesome/6.6.0/css/all.min.css": "fontawesome/css/all.min.css",
    "jquery-3.7.1.min.js": "jquery.min.js",
    "popper.min.js": "popper.min.js",
}


def build_docs(state_dir: Path, suites_dir: Path, report: Path | None = None) -> Path:
    """Bring the site up to date with the stored results and return its index page.

    Writes the pages of results that have none yet, the pages of suites that changed and the index, and
    removes the pages of results that were pruned. Cheap enough to be called once at the end of every run.

    Args:
        state_dir: The folder with the stored results, below which the pages stand.
        suites_dir: The folder with the suites.
        report: Page of the report to which each page leads back; none does without it.

    Raises:
        ConfigError: A suite is wrong.
        StorehouseError: A page could not be rendered.
    """
    suites = load_suites(suites_dir)
    with one_at_a_time(state_dir):
        context = open_context(state_dir)
        # A build removes the pages of every suite that its context does not know: load them all.
        for suite in suites.values():
            context.suites.add(as_expectation_suite(suite))
        _copy_assets(docs_dir(state_dir))
        stored = cast(list[ValidationResultIdentifier], context.validation_results_store.list_keys())
        new = [key for key in stored if not page_of(state_dir, key).exists()]
        changed = [ExpectationSuiteIdentifier(name) for name in suites if _is_stale(state_dir, suites[name])]
        # A list of nothing means everything to the builder.
        pages = [*changed, *new] or [_NO_SUITE]
        _site_builder(context, state_dir, report).build(resource_identifiers=pages)
        _check_rendered([page_of(state_dir, key) for key in new])
        _remove_empty_folders_below(docs_dir(state_dir))
    return docs_dir(state_dir) / "index.html"


def page_of(state_dir: Path, key: ValidationResultIdentifier) -> Path:
    """The page of one stored result."""
    return _page(state_dir, "validations", key.to_tuple())  # type: ignore[no-untyped-call]  # untyped there


def _page(state_dir: Path, section: str, key: tuple[str, ...]) -> Path:
    return docs_dir(state_dir).joinpath(section, *key[:-1], f"{key[-1]}.html")


def _is_stale(state_dir: Path, suite: Suite) -> bool:
    """Whether the page of a suite is older than what it is made from, or is not there."""
    key = ExpectationSuiteIdentifier(suite.table)
    page = _page(state_dir, "expectations", key.to_tuple())  # type: ignore[no-untyped-call]  # as above
    made_from = (suite.path, *map(Path, (__file__, conversion.__file__, great_expectations.__file__)))
    return not page.exists() or page.stat().st_mtime <= max(path.stat().st_mtime for path in made_from)


def _site_builder(context: EphemeralDataContext, state_dir: Path, report: Path | None) -> SiteBuilder:
    # The templates are compiled once, and not by each section of each build.
    compiled = state_dir / "cache" / "data_docs"
    compiled.mkdir(parents=True, exist_ok=True)
    back = "" if report is None else quote(Path(os.path.relpath(report, docs_dir(state_dir))).as_posix())
    builder = SiteBuilder(
        data_context=context,
        store_backend={
            "class_name": "OfflinePages",
            "module_name": __name__,
            "base_directory": str(docs_dir(state_dir)),
            "report": back,
        },
        site_name="Storehouse",
        site_index_builder={"class_name": "DefaultSiteIndexBuilder"},
        show_how_to_buttons=False,
        site_section_builders={"profiling": "None"},
    )
    for part in (*builder.site_section_builders.values(), builder.site_index_builder):
        part.view_class.env.bytecode_cache = FileSystemBytecodeCache(str(compiled))
    return builder


def _check_rendered(pages: list[Path]) -> None:
    """Great Expectations logs what it cannot render and goes on; a verdict's page must be there (law Q5)."""
    missing = [str(page) for page in pages if not page.exists()]
    if missing:
        raise StorehouseError(
            f"These pages of the Data Docs could not be written: {', '.join(missing)}.",
            "The log above says why; the results themselves are stored and the next run tries again.",
        )


def _copy_assets(site: Path) -> None:
    for source in ASSETS_DIR.rglob("*"):
        target = site / VENDORED / source.relative_to(ASSETS_DIR)
        if source.is_file() and not (target.exists() and target.stat().st_size == source.stat().st_size):
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(source, target)


def _remove_empty_folders_below(site: Path) -> None:
    for folder, _, _ in os.walk(site / "validations", topdown=False):
        remove_empty_folders(Path(folder), site)


class OfflinePages(AtomicFiles):
    """Site files whose links to other machines are turned to vendored files, with a link to the report."""

    def __init__(self, report: str = "", **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._report = report

    def _set(self, key: tuple[str, ...], value: str | bytes, **kwargs: Any) -> None:
        path = self.path_of(key)
        is_page = path.suffix == ".html"
        if is_page or not (path.exists() or path.suffix in TUTORIAL_SUFFIXES):
            super()._set(key, value, **kwargs)

    def _content(self, path: Path, value: str | bytes) -> bytes:
        if path.suffix != ".html" or isinstance(value, bytes):
            return super()._content(path, value)
        depth = len(path.relative_to(self.full_base_directory).parts) - 1
        to_root = "../" * depth
        page = offline(value, to_root)
        return (_leading_back(page, f"{to_root}{self._report}") if self._report else page).encode()


def offline(page: str, to_root: str) -> str:
    """The page with every address that a browser would load on its own turned to a file of the site."""
    page = re.sub(r'<script src="[^"]*/npm/vega[^"]*"></script>\s*', "", page)
    page = re.sub(r"<footer>.*?</footer>", "", page, flags=re.DOTALL)
    page = re.sub(r'<a href="https?://(?:www\.)?greatexpectations\.io[^"]*"[^>]*>(.*?)</a>', r"\1", page)
    page = re.sub(r' integrity="[^"]*" crossorigin="[^"]*"', "", page)
    page = re.sub(r"https://great-expectations-web-assets[^\"'/]*/[^\"')]*", f"{to_root}{LOGO}", page)
    page = re.sub(r'href="[^"]*favicon\.ico"', f'href="{to_root}static/images/favicon.ico"', page)
    for address, file in OFFLINE.items():
        page = re.sub(rf'"https://[^"]*{re.escape(address)}"', f'"{to_root}{VENDORED}/{file}"', page)
    return page


def _leading_back(page: str, report: str) -> str:
    """The page with a link to the report beside its logo."""
    link = f'<a class="btn btn-sm btn-outline-secondary order-1 ml-3" href="{report}">Report</a>'
    return page.replace(_BAR, f"{_BAR}{link}", 1)
