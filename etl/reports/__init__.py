"""Tables and charts for people, from the marts and the audit tables; no personal data in any of them."""

from etl.reports.site import SiteLinks, write_site
from etl.reports.tables import ReportTable

__all__ = ["ReportTable", "SiteLinks", "write_site"]
