"""A run of the shop keeps profiles, also when its gate closes, and tells what moved; nothing of a person."""

from __future__ import annotations

from pathlib import Path

import pytest

from etl.errors import QualityGateClosed
from tests.flows.world import FlowWorld, execute, rows_of, suites_with_impossible_rule

NEWEST = "run_id = (select run_id from audit.runs order by started_at desc limit 1)"
TABLES = 8


def test_runs_keep_profiles_and_what_moved(
    world: FlowWorld, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    world.play(1)
    world.run(1)
    profiled = "select count(distinct table_name), bool_and(is_whole) from audit.profiles where " + NEWEST
    assert world.query(profiled) == [(TABLES, True)]
    assert world.query("select count(*) from audit.profile_drifts") == [(0,)]
    people = rows_of(world.shop_url, "select email, last_name, phone from customers where email is not null")
    _no_person(world, people)

    world.on_shop("update customers set gender = null, updated_at = clock_timestamp()")
    monkeypatch.setenv("ETL_SUITES_DIR", str(suites_with_impossible_rule(tmp_path)))
    world.play(2)
    with pytest.raises(QualityGateClosed):
        world.run(None, full_refresh=True)
    ((tables, _),) = world.query(profiled)
    assert tables == TABLES
    moved = world.query(
        f"select drift, after from audit.profile_drifts where column_name = 'gender' and {NEWEST}"
    )
    assert "null_share" in [drift for drift, _ in moved]
    _no_person(world, people)

    monkeypatch.delenv("ETL_SUITES_DIR")
    execute(world.warehouse_url, "alter table audit.profiles add constraint none check (false) not valid")
    world.run(2)
    told = f"select distinct drift, after from audit.profile_drifts where {NEWEST}"
    assert world.query(told) == [("not_profiled", "ReleaseRefused")]
    assert world.query(f"select status from audit.runs where {NEWEST}") == [("succeeded",)]


def _no_person(world: FlowWorld, people: list[tuple[str, ...]]) -> None:
    """No value of a customer in the profiles, nor on the page about them."""
    kept = str(world.query("select p::text from audit.profiles as p"))
    kept += str(world.query("select d::text from audit.profile_drifts as d"))
    kept += (world.state_dir / "report" / "profiles.html").read_text(encoding="utf-8")
    assert "shop.customers" in kept
    mails = [value for row in people for value in row[:1] if value in kept]
    phones = [value for row in people for value in row[2:] if value and value in kept]
    assert mails == phones == []
