"""Systems that are read."""

from __future__ import annotations

from typing import Literal, Self
from zoneinfo import available_timezones

from pydantic import Field, field_validator, model_validator

from etl.catalog.model import Model
from etl.catalog.rest import RestApi


class SourceSystem(Model):
    """A system that is read: what it is, where its URL stands, and in which zone its clock speaks."""

    name: str = ""
    description: str
    kind: Literal["database", "rest", "files"] = "database"
    url_setting: str = Field(
        "", description="Setting with the URL: 'shop_url' is ETL_SHOP_URL; empty = '<name of the file>_url'"
    )
    time_zone: str = Field(
        "UTC", description="Zone of columns that carry none (MySQL datetime, timestamp without time zone)"
    )
    rest: RestApi | None = Field(None, description="How the API is spoken to; for 'kind: rest'")

    @property
    def setting(self) -> str:
        """Name of the setting with the URL."""
        return self.url_setting or f"{self.name}_url"

    @property
    def variable(self) -> str:
        """Variable of the environment with the URL, for messages."""
        return f"ETL_{self.setting.upper()}"

    @field_validator("time_zone")
    @classmethod
    def _known_zone(cls, value: str) -> str:
        if value not in available_timezones():
            raise ValueError(f"'{value}' is no time zone; use a name such as Europe/Berlin")
        return value

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.rest is not None and self.kind != "rest":
            raise ValueError("'rest' belongs to 'kind: rest'")
        return self
