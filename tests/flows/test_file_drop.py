"""Files through the tasks and the flow machinery, from a folder to the ledger (laws X11, X12)."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from prefect import flow
from prefect.settings import PREFECT_API_URL, PREFECT_LOGGING_LEVEL, temporary_settings
from pydantic import BaseModel

from etl.catalog_files import load_catalog
from etl.handles import Release
from etl.planning import Request
from etl.settings import get_settings
from flows.steps import stage_tables
from tasks import resources
from tasks.publish import publish_release
from tasks.runner import task_runner
from tasks.runs import open_run
from tests.conftest import fresh_postgresql
from tests.flows.world import rows_of
from tests.sources.file_drop import YEAR_AGO
from tests.sources.test_files_ledger import CATALOG

CACHED: tuple[Any, ...] = (get_settings, load_catalog, resources.warehouse, resources.source)


@flow(name="file-drop", task_runner=task_runner(), persist_result=False)
def load_items(fails: bool = False) -> Release:
    """Read the folder and release its files; ``fails`` between the two."""
    request = Request()
    with open_run("file-drop", ["drop.items"], request) as run:
        staged = stage_tables(run, request)
        if fails:
            raise RuntimeError("between staging and release")
        return publish_release(run, staged, [])


@pytest.fixture
def folder(
    postgres_server: str, prefect_api: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Path]:
    """The folder of a source whose one table makes a dimension, in surroundings of the test's own."""
    write_catalog(tmp_path / "catalog")
    (tmp_path / "drop").mkdir()
    for url in fresh_postgresql(postgres_server):
        variables = {
            "ETL_WAREHOUSE_URL": url,
            "ETL_STATE_DIR": str(tmp_path / "state"),
            "ETL_CATALOG_DIR": str(tmp_path / "catalog"),
            "ETL_DROP_URL": str(tmp_path / "drop"),
        }
        for name, value in variables.items():
            monkeypatch.setenv(name, value)
        forget()
        with temporary_settings({PREFECT_API_URL: prefect_api, PREFECT_LOGGING_LEVEL: "ERROR"}):
            yield tmp_path / "drop"
        forget()


def test_files_are_loaded_once_or_wait_with_their_reason(folder: Path) -> None:
    put(folder / "a.csv", "id,at,colour\n1,2026-05-01,red\n2\n")
    put(folder / "b.csv", "id,at,colour\n1,2026-05-01,red\n2\n")
    put(folder / "in" / "c.csv", "id,at,colour,size\n2,2026-05-01,blue,9\n")
    put(folder / "d.csv", 'id,at,colour\n3,2026-05-01,"')
    put(folder / "e.csv", "id,at,colour\n4,2026-05-01,green\n")
    os.utime(folder / "e.csv")
    with pytest.raises(RuntimeError):
        load_items(fails=True)
    assert ledger() == []
    assert extracted(load_items()) == (3, 1)
    loaded = [("a.csv", "loaded", 2), ("in/c.csv", "loaded", 1)]
    assert ledger() == [loaded[0], ("d.csv", "quarantined", 0), loaded[1]]
    drifts = query("select drift from audit.source_drifts where table_name = 'drop.items'")
    assert set(drifts) == {("it has 'size', which is not declared (drift: ignore)",)}
    put(folder / "d.csv", "id,at,colour\n3,2026-05-01,pink\n")
    (folder / "a.csv").rename(folder / "f.csv")
    put(folder / "e.csv", "id,at,colour\n4,2026-05-01,green\n")
    assert extracted(load_items()) == (2, 0)
    assert extracted(load_items()) == (0, 0)
    assert ledger() == [
        loaded[0],
        ("d.csv", "gone", 0),
        ("d.csv", "loaded", 1),
        ("e.csv", "loaded", 1),
        loaded[1],
    ]
    assert query("select id, colour from warehouse.dim_item where item_key > 0 order by id") == [
        (1, "red"),
        (2, "blue"),
        (3, "pink"),
        (4, "green"),
    ]


def write_catalog(catalog: Path) -> None:
    """The ledger's catalog as files; JSON is YAML too."""
    kinds: dict[str, Mapping[str, BaseModel]] = {
        "sources": CATALOG.sources,
        "dimensions": CATALOG.dimensions,
        "tables/drop": CATALOG.tables,
    }
    for kind, declared in kinds.items():
        (catalog / kind).mkdir(parents=True)
        for name, model in declared.items():
            fields = model.model_dump(mode="json", exclude={"name", "source"}, exclude_defaults=True)
            if kind == "tables/drop":
                fields |= {"drift": "ignore", "key": ["id", "at"]}
                fields["files"]["stable_seconds"] = 3600
            (catalog / kind / f"{name.rpartition('.')[2]}.yaml").write_text(json.dumps(fields))


def put(path: Path, content: str) -> None:
    """Leave a file that changed long ago."""
    path.parent.mkdir(exist_ok=True)
    path.write_text(content)
    os.utime(path, (YEAR_AGO,) * 2)


def extracted(release: Release) -> tuple[int, int]:
    """Rows read and rows rejected."""
    (outcome,) = [outcome for outcome in release.outcomes if outcome.name == "drop.items"]
    return outcome.extracted, outcome.rejected


def ledger() -> list[tuple[Any, ...]]:
    """What is known of each file."""
    return query("select path, status, row_count from audit.files order by path, status")


def query(statement: str) -> list[tuple[Any, ...]]:
    """Rows of the warehouse."""
    return rows_of(resources.warehouse().url, statement)


def forget() -> None:
    """Let the surroundings be read anew."""
    for cached in CACHED:
        cached.cache_clear()
