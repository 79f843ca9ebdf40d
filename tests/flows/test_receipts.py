"""What a run leaves on record and on the site: parameters, windows, its receipt and incidents."""

from __future__ import annotations

from pathlib import Path

import pytest

from etl.errors import QualityGateClosed
from tests.flows.world import FlowWorld, suites_with_impossible_rule


def test_a_run_and_one_whose_gate_closed_have_their_receipts(
    world: FlowWorld, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    world.play(1)
    world.run(1, full_refresh=True)
    monkeypatch.setenv("ETL_SUITES_DIR", str(suites_with_impossible_rule(tmp_path)))
    world.play(2)
    with pytest.raises(QualityGateClosed):
        world.run(2)
    runs = world.query("select run_id, status, parameters from audit.runs order by started_at")
    assert [(status, asked) for _, status, asked in runs] == [
        ("succeeded", {"business_date": str(world.date_of(1)), "full_refresh": True}),
        ("gate_closed", {"business_date": str(world.date_of(2)), "full_refresh": False}),
    ]
    windows = {
        (run, table): bounds
        for run, table, *bounds in world.query(
            "select run_id, table_name, low, high, as_of, as_of_at::text, high_at::text from audit.windows"
        )
    }
    first, closed = (run for run, _, _ in runs)
    midnight, next_midnight = f"{world.date_of(2)} 00:00:00", f"{world.date_of(3)} 00:00:00"
    assert windows[first, "shop.orders"][:3] == [None, f"{midnight}.000000", f"{midnight}.000000"]
    assert windows[closed, "shop.orders"] == [
        *(f"{midnight}.000000", f"{next_midnight}.000000", f"{next_midnight}.000000"),
        *(f"{next_midnight}+00", f"{next_midnight}+00"),
    ]
    report = world.state_dir / "report"
    receipts = {path.stem: path.read_text(encoding="utf-8") for path in (report / "runs").iterdir()}
    assert receipts.keys() == {first, closed}
    assert "Row accounting" in receipts[first]
    assert "total_is_impossible" in receipts[closed]
    assert f"{next_midnight}.000000" in receipts[closed]
    monitoring = (report / "monitoring.html").read_text(encoding="utf-8")
    assert f'href="runs/{closed}.html"' in monitoring
    kinds = [
        kind for (kind,) in world.query("select distinct kind from audit.incidents where closed_at is null")
    ]
    assert "gate_closed" in kinds
    assert [kind for kind in kinds if f">{kind}</td>" not in monitoring] == []
