"""The pages of the report: one module each, with what it reads, its tables and its charts.

Pages read marts and audit tables only, each through the queries of ``etl/reports/queries``; the template of a
page has the name of its file. No personal data stands on any of them.
"""

from __future__ import annotations

from typing import Protocol

from etl.reports.drawing import Chart
from etl.reports.tables import ReportTable


class Subject(Protocol):
    """What one page shows: rows of one snapshot, as tables and charts."""

    @property
    def tables(self) -> tuple[ReportTable, ...]:
        """Tables with a file of their own, whether the page shows them whole or not."""
        ...

    def charts(self) -> dict[str, Chart]:
        """Charts by the name under which the template shows them; none where there is nothing to draw."""
        ...
