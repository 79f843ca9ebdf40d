"""Who is told of what: routes from incidents to people."""

from __future__ import annotations

from fnmatch import fnmatchcase

from pydantic import Field

from etl.catalog.model import Model
from etl.handles import Severity
from etl.incidents import Incident

SEVERITIES: tuple[Severity, ...] = ("info", "warning", "critical")


class Route(Model):
    """One group of people, what they want to know, and the setting that holds their addresses."""

    name: str = Field(min_length=1)
    urls: str = Field(
        "notify_urls",
        pattern=r"^[a-z][a-z0-9_]*$",
        description="Name of the secret with Apprise URLs: notify_urls is ETL_NOTIFY_URLS",
    )
    severity: Severity = Field("warning", description="Told of this severity and of what is worse")
    tables: tuple[str, ...] = Field(("*",), description="Patterns of tables, such as shop.*")
    pipelines: tuple[str, ...] = Field(("*",), description="Patterns of pipelines, such as daily-*")
    successes: bool = Field(False, description="Told of each run that ended well, too")

    @property
    def variable(self) -> str:
        """The variable that holds the addresses, for messages."""
        return f"ETL_{self.urls.upper()}"

    def takes(self, incident: Incident) -> bool:
        """Whether these people want to know of it; what concerns a whole run has no table."""
        is_grave = SEVERITIES.index(incident.severity) >= SEVERITIES.index(self.severity)
        return is_grave and self.is_for(incident.pipeline) and self._is_about(incident.table)

    def is_for(self, pipeline: str) -> bool:
        """Whether these people want to know of the pipeline."""
        return any(fnmatchcase(pipeline, pattern) for pattern in self.pipelines)

    def _is_about(self, table: str) -> bool:
        return not table or any(fnmatchcase(table, pattern) for pattern in self.tables)


class Alerts(Model):
    """``catalog/alerts.yaml``; without the file one route tells ETL_NOTIFY_URLS of warnings and worse."""

    name: str = "alerts"
    routes: tuple[Route, ...] = (Route(name="everyone"),)
