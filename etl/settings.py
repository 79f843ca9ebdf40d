"""The only reader of the environment: every setting, its default and its unit.

Settings come from variables with the prefix ``ETL_`` or from a file ``.env`` beside the project;
``.env.example`` lists them all. Secrets are ``SecretStr`` and never appear in a repr (law P2).
"""

from __future__ import annotations

import os
from functools import lru_cache
from pathlib import Path
from typing import Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from dotenv import dotenv_values
from pydantic import Field, SecretStr, ValidationError, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from etl.errors import ConfigError

PROJECT_DIR = Path(__file__).resolve().parent.parent


class Settings(BaseSettings):
    """All settings of the project; unset URLs mean the embedded PostgreSQL (``etl/embedded.py``)."""

    model_config = SettingsConfigDict(env_prefix="ETL_", env_file=PROJECT_DIR / ".env", extra="ignore")

    warehouse_url: SecretStr | None = None
    shop_url: SecretStr | None = None
    state_dir: Path = PROJECT_DIR / ".storehouse"
    landing_dir: Path | None = None
    catalog_dir: Path = PROJECT_DIR / "catalog"
    suites_dir: Path = PROJECT_DIR / "expectations" / "suites"
    notify_urls: SecretStr | None = None
    prefect_api_url: str | None = Field(default=None, validation_alias="PREFECT_API_URL")

    business_time_zone: str = "UTC"
    fiscal_year_start_month: int = Field(default=1, ge=1, le=12)
    holiday_country: str = "US"
    default_phone_region: str = "US"

    batch_rows: int = Field(default=16_384, ge=1)
    partition_rows: int = Field(default=1_000_000, ge=1)
    profile_rows: int = Field(default=50_000, ge=0)
    connect_timeout_seconds: int = Field(default=10, ge=1)
    statement_timeout_seconds: int = Field(default=3_600, ge=1)
    lock_timeout_seconds: int = Field(default=30, ge=0)
    task_runner: Literal["threads", "dask"] = "threads"
    task_workers: int = Field(default=4, ge=1)
    dask_address: str | None = Field(default=None, validation_alias="DASK_ADDRESS")

    watch_seconds: float = Field(default=2, gt=0)
    keep_landings: int = Field(default=14, ge=0)
    keep_results: int = Field(default=30, ge=1)
    keep_audit_days: int = Field(default=400, ge=1)

    @field_validator("business_time_zone")
    @classmethod
    def _known_zone(cls, value: str) -> str:
        try:
            ZoneInfo(value)
        except ZoneInfoNotFoundError:
            raise ValueError("is not a time zone such as Europe/Berlin") from None
        return value

    def secret(self, name: str) -> SecretStr | None:
        """``ETL_<NAME>`` for names that the catalog makes: URLs and credentials of its sources (law P2).

        What is not in the environment or in ``.env`` is looked for in the file ``secrets/<name>`` of the
        state folder.

        Args:
            name: In lower case, such as ``crm_url``; a field of this class that is set goes first.
        """
        if isinstance(field := getattr(self, name, None), SecretStr):
            return field
        variable, file = f"ETL_{name.upper()}", self.state_dir / "secrets" / name
        # The one reader of the environment (the rule TID251) is this module.
        found = os.environ.get(variable) or dotenv_values(PROJECT_DIR / ".env").get(variable)  # noqa: TID251
        if not found and file.is_file():
            found = file.read_text(encoding="utf-8").strip()
        return SecretStr(found) if found else None

    @property
    def landing(self) -> Path:
        """Where extracted Arrow files are kept."""
        return self.landing_dir or self.state_dir / "landing"

    @property
    def data_docs_dir(self) -> Path:
        """Where the Data Docs site is written."""
        return self.state_dir / "data_docs"

    @property
    def report_dir(self) -> Path:
        """Where the report site is written."""
        return self.state_dir / "report"


@lru_cache(maxsize=1)
def get_settings() -> Settings:
    """Read the settings once per process.

    Raises:
        ConfigError: A variable has a value that its setting does not take; the value is not shown.
    """
    try:
        return Settings()
    except ValidationError as error:
        wrong = "; ".join(f"ETL_{'_'.join(map(str, e['loc'])).upper()}: {e['msg']}" for e in error.errors())
        raise ConfigError(
            f"The environment is not usable: {wrong}.",
            "Correct the variable in the environment or in .env; .env.example shows what each takes.",
        ) from None
