"""Runs that judge at the same time, in processes of their own, give right verdicts and right records."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

from etl.settings import PROJECT_DIR
from tests.gate.staging import CATALOG, SHOP, SOUND, SUITES_DIR, StagedShop

JUDGE = """
import json, sys
from pathlib import Path
from expectations.gate import build_docs, judge
from tests.gate.staging import StagedShop

url, schema, state, suites, run, *tables = sys.argv[1:]
shop = StagedShop(url, schema=schema)
told = {}
for table in tables:
    judgement = judge(shop.table(table), shop.database, Path(suites), Path(state), run, shop.terms(table))
    told[table] = [judgement.verdict.is_open, judgement.verdict.docs_page, judgement.failed_rows]
    build_docs(Path(state), Path(suites))
print(json.dumps(told))
"""
TABLES = ("shop.order_items", "shop.orders", "shop.brands")


def test_processes_judge_at_once_with_right_verdicts_records_and_pages(
    shop: StagedShop, state_dir: Path
) -> None:
    """Two runs over staged tables of the same names: one is sound, one has bad rows and a closed gate."""
    spoiled = replace(shop, schema="staging_run_2")
    spoiled.create_schema()
    for table in SHOP:
        spoiled.stage(CATALOG.tables[table], SOUND[table])
    spoiled.execute("update stg_shop__order_items set quantity = -1 where _row in (7, 8)")
    spoiled.execute("update stg_shop__brands set brand_name = null where _row = 1")
    processes = {
        schema: subprocess.Popen(
            [sys.executable, "-c", JUDGE, shop.url, schema, str(state_dir), str(SUITES_DIR), schema, *TABLES],
            cwd=PROJECT_DIR,
            stdout=subprocess.PIPE,
            text=True,
        )
        for schema in (shop.schema, spoiled.schema)
    }

    told = {}
    for schema, process in processes.items():
        output, _ = process.communicate(timeout=240)
        assert process.returncode == 0
        told[schema] = json.loads(output.splitlines()[-1])

    assert {table: [is_open, rows] for table, (is_open, _, rows) in told[shop.schema].items()} == {
        table: [True, {}] for table in TABLES
    }
    assert {table: [is_open, rows] for table, (is_open, _, rows) in told[spoiled.schema].items()} == {
        "shop.order_items": [True, {"quantity_is_positive": [7, 8]}],
        "shop.orders": [True, {"order_total_adds_up": [4]}],
        "shop.brands": [False, {"brand_name_is_given": [1]}],
    }
    _require_own_records(state_dir, {schema: told[schema] for schema in processes})


def _require_own_records(state_dir: Path, told: dict[str, dict[str, list[object]]]) -> None:
    """Each judgement has one stored result and one page, both its own."""
    index = (state_dir / "data_docs" / "index.html").read_text(encoding="utf-8")
    stored = list((state_dir / "validations").rglob("*.json"))
    assert len(stored) == sum(map(len, told.values()))
    for schema, tables in told.items():
        for table, (is_open, page, _) in tables.items():
            assert f"/{schema}/" in str(page)
            assert (state_dir / "data_docs" / str(page)).exists(), f"{schema} {table}"
            assert str(page) in index
            (result,) = (path for path in stored if str(path.with_suffix("")).endswith(str(page)[12:-5]))
            assert json.loads(result.read_text(encoding="utf-8"))["success"] is is_open
