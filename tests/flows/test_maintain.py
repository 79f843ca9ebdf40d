"""The upkeep as a flow: what is old goes from disk and warehouse, and what is published stays."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from flows.maintain import maintain
from tests.flows.world import FlowWorld, execute


@pytest.mark.slow
def test_upkeep_removes_what_is_old_and_nothing_that_a_run_needs(
    world: FlowWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.play(1)
    for _ in range(2):
        world.run(1)
    before = world.content()
    ((first,), (second,)) = world.query("select run_id from audit.runs order by started_at")
    execute(world.warehouse_url, "update audit.runs set finished_at = finished_at - interval '500 days'")
    execute(
        world.warehouse_url,
        "insert into audit.runs (run_id, pipeline, status, staging_schema)"
        " values ('dead', 'hourly-inventory', 'running', 'staging_dead'); create schema staging_dead",
    )
    monkeypatch.setenv("ETL_KEEP_LANDINGS", "1")
    monkeypatch.setenv("ETL_KEEP_RESULTS", "1")

    done = {each.what: each.count for each in world.call(maintain)}

    assert done["staging schemas of dead runs"] == 1
    assert done["folders of landed files"] == 1
    assert done["rows of audit.runs"] == 1, "the second run moved no watermark"
    assert done["rows of audit.quality_results"] > 50
    assert done["judgements and their pages"] == len(_files(world.state_dir / "validations", "json")) == 8
    assert len(_files(world.state_dir / "data_docs" / "validations", "html")) == 8
    assert [path.name for path in (world.state_dir / "landing").iterdir()] == [second]
    assert world.query("select nspname from pg_namespace where nspname ~ '^staging'") == []
    kept = world.query("select run_id, pipeline, status from audit.runs order by started_at")
    assert (first, "daily-sales", "succeeded") in kept
    assert ("dead", "hourly-inventory", "killed") in kept
    assert kept[-1][1:] == ("maintain", "succeeded")
    assert world.content() == before

    ((days,),) = world.query(
        "select count(*) from warehouse.dim_date where full_date > current_date + %s",
        (timedelta(days=5 * 365),),
    )
    assert days > 0


def _files(folder: Path, suffix: str) -> list[Path]:
    return list(folder.rglob(f"*.{suffix}"))
