"""Settings come from the environment or .env, and never show a secret (law P2)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from etl.errors import ConfigError
from etl.settings import PROJECT_DIR, Settings, get_settings

SECRET = "hunter2-of-the-tests"


@pytest.fixture(autouse=True)
def no_cached_settings() -> Iterator[None]:
    get_settings.cache_clear()
    yield
    get_settings.cache_clear()


def test_variables_of_the_environment_are_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ETL_BATCH_ROWS", "17")
    monkeypatch.setenv("ETL_BUSINESS_TIME_ZONE", "America/New_York")
    monkeypatch.setenv("PREFECT_API_URL", "http://prefect.example/api")
    settings = get_settings()
    assert settings.batch_rows == 17
    assert settings.business_time_zone == "America/New_York"
    assert settings.prefect_api_url == "http://prefect.example/api"


def test_the_environment_goes_before_the_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    env_file = tmp_path / ".env"
    env_file.write_text("ETL_BATCH_ROWS=1\nETL_TASK_WORKERS=2\n", encoding="utf-8")
    monkeypatch.setenv("ETL_BATCH_ROWS", "3")
    settings = Settings(_env_file=env_file)
    assert (settings.batch_rows, settings.task_workers) == (3, 2)


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("ETL_BATCH_ROWS", "many-hunter2"),
        ("ETL_BATCH_ROWS", "0"),
        ("ETL_FISCAL_YEAR_START_MONTH", "13"),
        ("ETL_BUSINESS_TIME_ZONE", "Mars/Olympus"),
        ("ETL_TASK_RUNNER", "hamsters"),
    ],
)
def test_a_wrong_value_names_the_variable_and_not_the_value(
    variable: str, value: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(variable, value)
    with pytest.raises(ConfigError) as caught:
        get_settings()
    assert variable in caught.value.problem
    assert ".env.example" in caught.value.remedy
    if value != "0":
        assert value not in str(caught.value)


def test_no_secret_shows_in_a_representation(monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in ("ETL_WAREHOUSE_URL", "ETL_SHOP_URL", "ETL_NOTIFY_URLS"):
        monkeypatch.setenv(variable, f"postgresql://user:{SECRET}@host/database")
    settings = get_settings()
    assert SECRET not in f"{settings!r} {settings} {settings.model_dump()} {settings.model_dump_json()}"
    assert settings.warehouse_url is not None
    assert SECRET in settings.warehouse_url.get_secret_value()


def test_the_example_lists_every_setting() -> None:
    example = (PROJECT_DIR / ".env.example").read_text(encoding="utf-8")
    listed = set(re.findall(r"^#?([A-Z_]+)=", example, re.MULTILINE))
    expected = {
        field.validation_alias if isinstance(field.validation_alias, str) else f"ETL_{name.upper()}"
        for name, field in Settings.model_fields.items()
    }
    assert listed == expected


def test_the_example_shows_the_defaults(tmp_path: Path) -> None:
    example = (PROJECT_DIR / ".env.example").read_text(encoding="utf-8")
    without_urls = re.sub(
        r"^#(?!(ETL_[A-Z_]*(DIR|URLS?)|PREFECT_API_URL|DASK_ADDRESS)=)(?=[A-Z_]+=)",
        "",
        example,
        flags=re.MULTILINE,
    )
    (tmp_path / ".env").write_text(without_urls, encoding="utf-8")
    assert Settings(_env_file=tmp_path / ".env") == Settings(_env_file=None)
    assert "\nETL_BATCH_ROWS=" in without_urls
