"""Copies of odd databases held against their source through the real flow, on both systems (law X9)."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from prefect.settings import PREFECT_API_URL, PREFECT_LOGGING_LEVEL, temporary_settings

from etl.errors import ReconciliationDiffers
from tests.conftest import fresh_mysql, fresh_postgresql
from tests.discovery.databases import Database
from tests.flows.replica_world import ReplicaWorld
from tests.flows.world import execute


@pytest.fixture(params=["postgresql", "mysql"])
def world(
    request: pytest.FixtureRequest, postgres_server: str, prefect_api: str, tmp_path: Path
) -> Iterator[ReplicaWorld]:
    """An empty database of each system, and an empty warehouse."""
    is_mysql = request.param == "mysql"
    fresh = (
        fresh_mysql(request.getfixturevalue("mysql_server"))
        if is_mysql
        else fresh_postgresql(postgres_server)
    )
    for url in fresh:
        for warehouse_url in fresh_postgresql(postgres_server):
            with Database.opened(url) as database:
                yield ReplicaWorld.made(database, warehouse_url, tmp_path, prefect_api)


# One table of each kind: a cursor, no key, a composite key with a text, every type.
KINDS = ["employees", "log_lines", "Order *", "every_type"]


def test_every_copy_agrees_until_one_row_is_changed_and_again_once_it_is_repaired(
    world: ReplicaWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.database.run_script("odd_mysql.sql" if world.database.is_mysql else "odd_postgresql.sql")
    world.replicate(include=KINDS)
    # Parts by key range change no result (law X13).
    monkeypatch.setenv("ETL_PARTITION_ROWS", "50")
    names = sorted(world.tables())
    assert {each.table: str(each) for each in _reconcile(world, names) if each.status != "agrees"} == {}

    employee = next(name for name in names if name.endswith("employees"))
    lines = next(name for name in names if name.endswith("log_lines"))
    key = "emp_no" if world.database.is_mysql else "employee_no"
    copy, lines_copy = (world.tables()[name].replica_relation for name in (employee, lines))
    execute(world.warehouse_url, f"delete from replica.{copy} where {key} = 60")
    execute(
        world.warehouse_url,
        f"insert into replica.{lines_copy} (level, _inserted_run_id, _updated_run_id)"
        " values ('made up', 'x', 'x')",
    )
    with pytest.raises(ReconciliationDiffers) as refused:
        _reconcile(world, names)
    assert f"2 of {len(names)} tables" in str(refused.value)
    assert f"{employee} differs from replica.{copy}: 1 missing" in str(refused.value)
    assert f"missing: {key} 60" in str(refused.value)
    assert f"{lines} differs from replica.{lines_copy}: 1 extra" in str(refused.value)

    repaired = _reconcile(world, names, repair=True)
    assert {each.table for each in repaired if each.status == "repaired"} == {employee, lines}
    assert world.differences() == []


def _reconcile(world: ReplicaWorld, tables: list[str], **parameters: Any) -> Any:
    from flows.reconcile import reconcile

    quiet = {PREFECT_API_URL: world.prefect_api, PREFECT_LOGGING_LEVEL: "ERROR"}
    with world.environment(), temporary_settings(quiet):
        return reconcile(tables=tables, **parameters)
