"""Odd databases copied whole by the real flow: equal to their source at first, when nothing and when much changed."""
# ruff: noqa: E501  # SQL of a test reads best on one line

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from time import sleep

import pytest

from etl.errors import ContractError
from tests.conftest import fresh_mysql, fresh_postgresql
from tests.discovery.databases import Database
from tests.flows.replica_world import ReplicaWorld


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


# Rows that change, come and go: with a cursor and without one, without a key, in a partition; then the shape
# itself: columns that are new, wider, gone; a table that is new and one that is gone.
CHANGES_POSTGRESQL = (
    "update employees set status = 'gone', updated_at = now() where employee_no = 7",
    "insert into employees (first_name, status) values ('new', 'active')",
    "delete from employees where employee_no in (119, 120)",
    "insert into employees (employee_no, first_name, status, updated_at) overriding system value values (900, 'late', 'active', '2024-01-02')",
    'update "Order Details" set "Discount" = null where "OrderID" = 3',
    'delete from "Order Details" where "OrderID" = 5',
    "delete from log_lines where ctid in (select ctid from log_lines where level = 'info' limit 1)",
    "insert into log_lines values (null, null, null), ('', null, 0)",
    "update events set kind = 'moved', happened_at = '2020-01-01' where id = 200",
    "update every_type set c_json = '[]', c_date_infinite = '-infinity' where id = 2",
    "insert into nothing values (1, 'no more')",
    'alter table "Customers" add column "Since When" date default \'2024-05-06\'',
    "alter table employees add column badge int default 5, alter column first_name drop not null",
    "alter table sales.customers add column size numeric(10, 2) default 1.5",
    "alter table by_index alter column n type bigint, drop column note",
    "update by_index set n = 10000000000 where code = 'a'",
    "create table latecomers (id int primary key, name text)",
    "insert into latecomers values (1, 'late')",
    "drop table ahead",
)
CHANGES_MYSQL = (
    "update employees set status = 'gone' where emp_no = 7",
    "insert into employees (first_name, gender, status, hired) values ('new', 'M', 'active', '2024-01-01')",
    "delete from employees where emp_no in (119, 120)",
    "insert into employees (emp_no, first_name, gender, status, hired, last_update) values (900, 'late', 'F', 'active', '2024-01-01', '2024-01-02')",
    "update `Order Details` set `Discount` = null where `OrderID` = 3",
    "delete from `Order Details` where `OrderID` = 5",
    "delete from log_lines where level = 'info' limit 1",
    "insert into log_lines values (null, null, null), ('', null, 0)",
    "update events set kind = 'moved', happened_on = '2020-01-01' where id = 18446744073709551600",
    "update every_type set c_set = 'b', c_date = '2024-02-29' where id = 2",
    "insert into nothing values (1, 'no more')",
    "alter table `Customers` add column `Since When` date default '2024-05-06'",
    "alter table employees add column badge int default 5, modify first_name varchar(14) null",
    "alter table by_index modify n bigint not null, drop column note",
    "update by_index set n = 10000000000 where code = 'a'",
    "create table latecomers (id int primary key, name text)",
    "insert into latecomers values (1, 'late')",
    "drop table ahead",
)


# One table of each kind: a cursor, read whole, partitions, no key, a composite key, every type, a view.
KINDS = ["employees", "customers", "e*s", "log_lines", "Order *", "every_type", "Act*"]


@pytest.mark.slow
def test_a_copy_equals_its_source_at_first_when_nothing_and_when_much_changed(world: ReplicaWorld) -> None:
    """Laws X1, X8, X12, R4: full, then incremental with deletes by comparison, then in another shape."""
    is_mysql = world.database.is_mysql
    world.database.run_script("odd_mysql.sql" if is_mysql else "odd_postgresql.sql")
    first = world.replicate()
    assert world.differences() == []
    rejected = [o for o in first.outcomes if o.rejected or o.quarantined]
    assert rejected == []

    before = world.xmins()
    again = world.replicate(include=KINDS)
    assert len([o for o in again.outcomes if o.role == "replica"]) == (6 if is_mysql else 9)
    assert world.xmins() == before
    assert sum(o.inserted + o.updated + o.removed for o in again.outcomes) == 0

    world.database.run(*(CHANGES_MYSQL if is_mysql else CHANGES_POSTGRESQL))
    # Some cursors have whole seconds, and a second that is not over is none of the window's (law X2).
    sleep(1.1)
    world.replicate(include=[*KINDS, "Customers", "nothing", "by_index", "latecomers"])
    assert world.differences(but=("odd.ahead",)) == []
    assert "odd.latecomers" in world.tables()
    assert world.query("select count(*) from replica.odd__ahead") == [(1,)]
    assert world.query("select count(*) from replica.odd__employees where badge is null") == [(0,)]
    recorded = "select count(*) from audit.source_drifts where drift like 'gained ''%'"
    assert world.query(recorded) == [(2 if is_mysql else 3,)]
    # A column that is gone keeps what it last held.
    assert world.query("select count(*) from replica.odd__by_index where note is not null") == [(2,)]


def test_a_frozen_table_stops_the_run_before_anything_is_read(world: ReplicaWorld) -> None:
    world.database.run("create table shelf (id int primary key)", "insert into shelf values (1)")
    world.replicate()
    path = world.place.file("shelf")
    path.write_text(path.read_text("utf-8").replace("drift: evolve", "drift: freeze"), "utf-8")
    world.database.run("alter table shelf add column more int", "create table other (id int primary key)")
    before = world.xmins()
    with pytest.raises(ContractError, match="'more'"):
        world.replicate()
    assert world.xmins() == before
    assert list(world.tables()) == ["odd.shelf"]


def test_a_piece_is_staged_while_later_ones_wait_to_be_read(
    world: ReplicaWorld, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """All read first and staged after, source and warehouse would work one after the other."""
    numbers = ", ".join(f"({number})" for number in range(20_000))
    world.database.run(
        "create table counted (id bigint primary key)", f"insert into counted values {numbers}"
    )
    monkeypatch.setenv("ETL_PARTITION_ROWS", "1000")
    caplog.set_level("INFO", "prefect.task_runs")
    world.replicate()
    finished = (vars(record) for record in caplog.records if record.message.startswith("Finished"))
    names = [str(each["task_run_name"]) for each in finished if "task_run_name" in each]
    ended = [name.partition(" ")[0] for name in names if " odd.counted " in name]
    pieces = ended.count("extract")
    assert pieces >= 12  # by an estimate
    # Four workers: all read first, no more than three would still be read when the first one is staged.
    assert ended[: ended.index("stage")].count("extract") < pieces - 3
    assert world.query("select count(*) from replica.odd__counted") == [(20_000,)]
