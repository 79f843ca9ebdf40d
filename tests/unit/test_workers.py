"""What a worker process must have alike with the flow's, and what is missing is named."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from etl.catalog_files import load_catalog
from etl.errors import ConfigError
from etl.handles import Run
from etl.settings import PROJECT_DIR, get_settings
from tasks import resources
from tasks.workers import join, open_to_workers, setup_of

TABLES = ("shop.orders", "shop.order_items")
SECRET = "hunter2-of-the-tests"


@pytest.fixture(autouse=True)
def own_settings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    monkeypatch.setenv("ETL_STATE_DIR", str(tmp_path / "state"))
    monkeypatch.setenv("ETL_SHOP_URL", f"mysql://extract:{SECRET}@shop.example/shop")
    _forget()
    yield
    _forget()


def test_the_process_that_opened_the_run_may_work_for_it() -> None:
    run = opened_run()
    with open_to_workers(run):
        join(run)
        assert resources.landing_folder(run).is_dir()
    assert not resources.landing_folder(run).exists(), "an empty folder goes with its run"


def test_what_landed_stays() -> None:
    run = opened_run()
    with open_to_workers(run):
        (resources.landing_folder(run) / "a.arrow").write_bytes(b"")
    assert resources.landing_folder(run).is_dir()


@pytest.mark.parametrize(
    ("variable", "value", "named"),
    [
        ("ETL_SHOP_URL", "mysql://extract:hunter3@elsewhere.example/shop", "ETL_SHOP_URL"),
        ("ETL_WAREHOUSE_URL", "postgresql://warehouse.example/other", "ETL_WAREHOUSE_URL"),
        ("ETL_DEFAULT_PHONE_REGION", "GB", "ETL_DEFAULT_PHONE_REGION"),
        ("ETL_LANDING_DIR", "/elsewhere", "ETL_LANDING_DIR"),
    ],
)
def test_a_setting_that_differs_is_named_without_its_value(
    variable: str, value: str, named: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Law P2."""
    run = opened_run()
    monkeypatch.setenv(variable, value)
    _forget()
    with pytest.raises(ConfigError, match=f"flow's process: {named}\\.") as caught:
        join(run)
    assert value not in str(caught.value)
    assert SECRET not in str(caught.value) + repr(run)


def test_a_catalog_that_is_older_than_the_run_is_read_anew(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A worker lives longer than a run."""
    catalog = tmp_path / "catalog"
    shutil.copytree(PROJECT_DIR / "catalog", catalog)
    monkeypatch.setenv("ETL_CATALOG_DIR", str(catalog))
    _forget()
    path = catalog / "tables/shop/orders.yaml"
    old = path.read_text(encoding="utf-8")
    new = old.replace("case: lower", "case: upper")
    path.write_text(new, encoding="utf-8")
    run = opened_run()
    path.write_text(old, encoding="utf-8")
    resources.renew_catalog()
    stale = resources.table("shop.orders")
    with open_to_workers(run):
        with pytest.raises(ConfigError, match="declarations in ETL_CATALOG_DIR"):
            join(run)
        path.write_text(new, encoding="utf-8")
        join(run)
    assert resources.table("shop.orders") != stale


def test_a_worker_that_does_not_see_the_landing_folder_says_so() -> None:
    run = opened_run()
    with pytest.raises(ConfigError, match="does not see the landing folder") as caught:
        join(run)
    assert "ETL_LANDING_DIR" in caught.value.remedy


def test_without_the_package_the_setting_is_refused_with_what_to_install() -> None:
    code = (
        "import sys; sys.modules['prefect_dask'] = None; from tasks.runner import task_runner; task_runner()"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=PROJECT_DIR,
        env={"PATH": "/usr/bin:/bin", "ETL_TASK_RUNNER": "dask", "HOME": "/nonexistent"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode != 0
    assert "ETL_TASK_RUNNER=dask needs the package prefect-dask" in done.stderr


def opened_run(run_id: str = "r1") -> Run:
    return Run(
        run_id, "daily-sales", None, False, "staging_r1", tables=TABLES, setup=setup_of(run_id, TABLES)
    )


def _forget() -> None:
    for cached in (get_settings, load_catalog, resources.warehouse, resources.source):
        cached.cache_clear()
