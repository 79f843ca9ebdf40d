"""Everything the reports show, read from one snapshot of the warehouse."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from datetime import date

from etl.reports.pages import Subject
from etl.reports.pages.customers import Customers, read_customers
from etl.reports.pages.inventory import Inventory, read_inventory
from etl.reports.pages.loads import Loads, read_loads
from etl.reports.pages.monitoring import Monitoring, read_monitoring
from etl.reports.pages.products import Products, read_products
from etl.reports.pages.profiles import Profiles, read_profiles
from etl.reports.pages.quality import Quality, read_quality
from etl.reports.pages.quarantine import Quarantine, read_quarantine
from etl.reports.pages.receipts import Receipts, read_receipts
from etl.reports.pages.runs import Runs, read_runs
from etl.reports.pages.sales import Sales, read_sales
from etl.reports.pages.segments import Segments, read_segments
from etl.reports.pages.web import Web, read_web
from etl.reports.reading import Reader
from etl.reports.tables import ReportTable
from etl.warehouse.database import Session


@dataclass(frozen=True, slots=True)
class Figures:
    """What the reports show, subject by subject.

    Attributes:
        receipts: One page per run shown; they have no files of their own.
    """

    sales: Sales
    segments: Segments
    products: Products
    inventory: Inventory
    web: Web
    customers: Customers
    monitoring: Monitoring
    quality: Quality
    quarantine: Quarantine
    runs: Runs
    loads: Loads
    profiles: Profiles
    receipts: Receipts

    @property
    def newest_date(self) -> date | None:
        """Newest business date of the sales; None for an empty warehouse."""
        return self.sales.newest_date

    @property
    def subjects(self) -> tuple[Subject, ...]:
        """All subjects, in the order of their pages."""
        return tuple(getattr(self, field.name) for field in fields(self) if field.name != "receipts")

    def tables_of(self, pipeline: str, run_id: str) -> list[ReportTable]:
        """What a run of a pipeline is about: its subjects' tables, its row accounting, its failing rules.

        A pipeline without a subject of its own has the row accounting and failing rules only.
        """
        about = _TABLES_OF[pipeline](self) if pipeline in _TABLES_OF else ()
        return [*about, self.runs.tables_of(run_id), self.quality.failing_of(run_id)]


def read_figures(session: Session) -> Figures:
    """Read everything from one snapshot, so that no page contradicts another.

    Marts that were never built are read as empty ones.

    Args:
        session: Of one state of the warehouse; nothing is written.
    """
    reader = Reader(session)
    sales, runs = read_sales(reader), read_runs(reader)
    quality = read_quality(reader, runs.runs)
    return Figures(
        sales=sales,
        segments=read_segments(reader, sales.newest_date),
        products=read_products(reader),
        inventory=read_inventory(reader),
        web=read_web(reader),
        customers=read_customers(reader),
        monitoring=read_monitoring(reader, runs.trend),
        quality=quality,
        quarantine=read_quarantine(reader),
        runs=runs,
        loads=read_loads(reader),
        profiles=read_profiles(reader),
        receipts=read_receipts(reader, runs.runs, runs.run_tables, quality.failing),
    )


# What the reports say of a pipeline's own subjects.
_TABLES_OF: dict[str, Callable[[Figures], Sequence[ReportTable]]] = {
    "daily-sales": lambda figures: (
        figures.sales.headline_table,
        *figures.sales.tables,
        *figures.segments.tables,
        *figures.products.tables,
    ),
    "hourly-inventory": lambda figures: figures.inventory.tables,
    "daily-web-analytics": lambda figures: figures.web.tables,
    "weekly-customer-analysis": lambda figures: figures.customers.tables,
}
