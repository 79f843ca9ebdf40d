"""What the demo shows at its end: rows per table, quality, defects found, and where to look next."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import floor
from pathlib import Path

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from demo.findings import FINDABLE, found
from demo.shop import Shop
from etl.embedded import client_command
from etl.handles import Release
from etl.reports.site import PAGES
from etl.settings import Settings
from etl.warehouse import open_database
from etl.warehouse.database import Session, listed

_SUMMARY_SQL = Path(__file__).parent / "sql" / "summary.sql"
_COUNTS = (
    "extracted",
    "rejected",
    "dropped",
    "quarantined",
    "inserted",
    "updated",
    "expired",
    "unchanged",
    "seconds",
)


def show_summary(
    console: Console,
    settings: Settings,
    warehouse_url: str,
    shop: Shop,
    releases: Sequence[Release],
    answers: Mapping[str, int],
) -> bool:
    """Print the summary of some releases, the last of them of the shop's last business day.

    Args:
        answers: How often the web analytics answered with each status.


    Returns:
        Whether the warehouse found as many defects of each kind as the shop holds.
    """
    with open_database(warehouse_url, settings).session(isolation="read only") as session:
        console.print(_tables(session, releases))
        console.print(_quality(session, releases))
        defects, all_found = _defects(session, shop)
        console.print(defects)
        console.print(_api(answers))
        _say_where_to_look(console, settings, warehouse_url, _run_page(session, releases[-1]))
    return all_found


def _tables(session: Session, releases: Sequence[Release]) -> Table:
    shown = _table(f"Rows, {len(releases)} run{'s' if len(releases) > 1 else ''}", "table", *_COUNTS)
    run_ids = [release.run_id for release in releases]
    statement = session.database.sql.fill(_SUMMARY_SQL.read_text("utf-8"), places=listed(run_ids))
    session.execute(statement, run_ids)
    role_before = None
    for name, role, *counts, seconds in session.fetchall():
        if role_before not in (None, role):
            shown.add_section()
        role_before = role
        shown.add_row(name, *(f"{count:,}" for count in counts), f"{seconds:.1f}")
    return shown


def _table(title: str, name: str, *numbers: str) -> Table:
    table = Table(title=title, title_justify="left", box=SIMPLE_HEAD, padding=(0, 1, 0, 0))
    table.add_column(name, no_wrap=True)
    for number in numbers:
        table.add_column(number, justify="right", no_wrap=True)
    return table


def _quality(session: Session, releases: Sequence[Release]) -> str:
    run_ids = [release.run_id for release in releases]
    session.execute(
        "select count(case when passed then 1 end), count(*)"
        f" from audit.quality_results where run_id in ({listed(run_ids)})",
        run_ids,
    )
    passed, rules = session.fetchone() or (0, 0)
    scores = [release.score_pct for release in releases]
    mean = sum(scores) / len(scores)
    # Rounded down: 100 % is said of nothing less.
    shown, lowest = (floor(score * 10) / 10 for score in (mean, min(scores)))
    return (
        f"Quality score: {shown:.1f} % on average, {lowest:.1f} % at the lowest; "
        f"{passed:,} of {rules:,} checks held.\n"
    )


def _defects(session: Session, shop: Shop) -> tuple[Table, bool]:
    shown = _table("The shop's defects", "defect or event", "injected", "found", "")
    all_found = True
    for kind in FINDABLE:
        injected, seen = shop.ledger.injected(kind, shop.plan.days), found(session, kind)
        all_found &= injected == seen
        shown.add_row(kind.replace("_", " "), str(injected), str(seen), "" if injected == seen else "differs")
    return shown, all_found


def _api(answers: Mapping[str, int]) -> str:
    number, refused, failed = (answers.get(status, 0) for status in ("200", "429", "503"))
    return (
        f"The web analytics answered {number:,} requests, refused {refused:,} because they came too fast, "
        f"and failed at {failed:,}.\n"
    )


def _run_page(session: Session, release: Release) -> str | None:
    page = session.single("select flow_run_url from audit.runs where run_id = %s", (release.run_id,))
    return str(page) if page else None


def _say_where_to_look(
    console: Console, settings: Settings, warehouse_url: str, run_page: str | None
) -> None:
    pages = ", ".join(path for path in PAGES if path != "index.html")
    places = {
        "Report": settings.report_dir / "index.html",
        "  its pages": pages,
        "Data Docs": settings.data_docs_dir / "index.html",
        "What waits": "make quarantine",
        "The last run": run_page,
        "The warehouse": client_command(warehouse_url),
    }
    console.print("Where to look next")
    for name, place in places.items():
        # Whole on one line, so that it can be copied.
        console.print(f"  {name:<14} {place}", soft_wrap=True, highlight=False, markup=False)
