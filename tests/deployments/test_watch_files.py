"""What the watcher tells: each new content once, when nobody writes it any more (law X11)."""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from deployments.apply import declared_deployments
from deployments.watch_files import EVENT, Watch, look_and_tell, watches_of
from etl.catalog import SourceSystem
from etl.catalog_files import load_catalog
from etl.errors import ConfigError
from etl.settings import PROJECT_DIR, Settings

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
CATALOG = load_catalog(PROJECT_DIR / "catalog")


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """Settings of a state folder that says where the drop folder is."""
    (tmp_path / "drop").mkdir()
    (tmp_path / "secrets").mkdir()
    (tmp_path / "secrets" / "drop_url").write_text(str(tmp_path / "drop"), encoding="utf-8")
    return Settings(_env_file=None, state_dir=tmp_path)


@pytest.fixture
def watch() -> Watch:
    """A watch over the CSV files of the drop folder."""
    system = SourceSystem(name="drop", kind="files", description="Where stores drop their counts.")
    return Watch(system, ["*.csv"], stable_seconds=2)


def test_a_new_content_is_told_once(watch: Watch, settings: Settings, tmp_path: Path) -> None:
    _write(tmp_path / "drop" / "before.csv", "there when the watch began", NOON)
    assert [watch.look(settings, _after(seconds)) for seconds in (60, 62)] == [[], []]
    _write(tmp_path / "drop" / "new.csv", "1", _after(70))
    _write(tmp_path / "drop" / "notes.txt", "no file of the source", _after(70))
    assert [watch.look(settings, _after(s)) for s in (80, 82, 84)] == [[], ["new.csv"], []]
    _write(tmp_path / "drop" / "before.csv", "now with another content", _after(90))
    assert [watch.look(settings, _after(s)) for s in (100, 102, 104)] == [[], ["before.csv"], []]


def test_a_file_that_is_still_written_waits(watch: Watch, settings: Settings, tmp_path: Path) -> None:
    watch.look(settings, NOON)
    for second in range(3):
        _write(tmp_path / "drop" / "new.csv", "x" * second, _after(second - 30))
        assert watch.look(settings, _after(second)) == [], "it grows between two looks"
    assert watch.look(settings, _after(3)) == ["new.csv"]
    _write(tmp_path / "drop" / "young.csv", "1", _after(10))
    assert [watch.look(settings, _after(s)) for s in (10, 11, 12)] == [[], [], ["young.csv"]]


def test_a_file_that_was_taken_away_and_comes_again_is_told_again(
    watch: Watch, settings: Settings, tmp_path: Path
) -> None:
    path = tmp_path / "drop" / "new.csv"
    watch.look(settings, NOON)
    for _ in range(2):
        _write(path, "1", NOON)
        assert [watch.look(settings, _after(s)) for s in (60, 62)] == [[], ["new.csv"]]
        path.unlink()
        assert watch.look(settings, _after(64)) == []


def test_a_place_that_is_not_there_is_said_and_looked_for_again(
    watch: Watch, settings: Settings, tmp_path: Path
) -> None:
    (tmp_path / "drop").rmdir()
    assert "does not exist" in look_and_tell(watch, settings)
    (tmp_path / "drop").mkdir()
    assert look_and_tell(watch, settings) == ""


def test_a_source_without_an_address_waits_for_one(watch: Watch, settings: Settings, tmp_path: Path) -> None:
    address = tmp_path / "secrets" / "drop_url"
    address.rename(tmp_path / "elsewhere")
    assert "ETL_DROP_URL is not set" in look_and_tell(watch, settings)
    (tmp_path / "elsewhere").rename(address)
    assert look_and_tell(watch, settings) == ""


def test_what_is_watched_is_what_triggers_name() -> None:
    watches = watches_of(CATALOG, declared_deployments().values())
    assert [watch.system.name for watch in watches] == ["drop"]
    wrong = {"expect": [EVENT], "match": {"prefect.resource.id": "storehouse.source.shop"}}
    with pytest.raises(ConfigError, match="'shop', which is no source of files"):
        watches_of(CATALOG, [{"triggers": [wrong]}])


def _after(seconds: float) -> datetime:
    return NOON + timedelta(seconds=seconds)


def _write(path: Path, content: str, at: datetime) -> None:
    path.write_text(content, encoding="utf-8")
    os.utime(path, (at.timestamp(), at.timestamp()))
