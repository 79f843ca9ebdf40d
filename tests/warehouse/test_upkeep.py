"""What is removed and what never is; locks that are first come, first served (laws R5, R7, X6, X11)."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from datetime import UTC, date, datetime
from typing import Any

import pytest

from etl.catalog_files import load_catalog
from etl.errors import ConfigError, PipelineBusy, ReleaseRefused
from etl.handles import Run
from etl.settings import Settings
from etl.warehouse import open_warehouse
from etl.warehouse.audit import move_watermark
from tests.warehouse.shapes import tables_that_refer_to
from tests.warehouse.world import World

NOW = datetime(2026, 6, 1, tzinfo=UTC)


@pytest.fixture
def world(settings: Settings) -> Iterator[World]:
    """An empty warehouse of the demo's catalog."""
    assert settings.warehouse_url is not None
    world = World(settings.warehouse_url.get_secret_value(), settings, load_catalog(settings.catalog_dir))
    yield world
    world.close()


def test_old_runs_are_forgotten_but_for_what_is_still_needed(world: World) -> None:
    """Laws X6, X11, Q3: watermarks, the ledger of files and open quarantine keep the runs that they name."""
    for name in ("forgotten", "of-watermark", "of-file", "of-open-row", "of-replayed-row", "recent"):
        _record(world, name, "2026-05-30" if name == "recent" else "2024-01-01")
        for statement in (
            "insert into audit.run_tables (run_id, name, role) values (%s, 'fact_sales', 'fact')",
            "insert into audit.source_drifts values (%s, 'shop.orders', 'gone')",
            "insert into audit.rejected_rows (run_id, table_name, reason, payload)"
            " values (%s, 't', 'r', '{}')",
        ):
            _do(world, statement, name)
    _do(world, "insert into audit.watermarks values ('p', 'shop.orders', '2024', %s)", "of-watermark")
    _do(world, "insert into audit.files values ('t', 'h', 'p', 1, null, 1, 'loaded', null, %s)", "of-file")
    columns = ["run_id", "table_name", "row_key", "rules", "payload", "status"]
    held_back = [("of-open-row", "open"), ("of-replayed-row", "replayed")]
    rows: list[tuple[Any, ...]] = [(run, "t", {}, ["r"], {}, status) for run, status in held_back]
    world.session.insert("audit.quarantine", columns, rows)
    incident = (
        "insert into audit.incidents"
        " (pipeline, table_name, kind, severity, summary, closed_at, closed_run_id)"
        " values ('p', 't', %s, 'critical', 's', CLOSED, 'r')"
    )
    for kind, closed in (("old", "'2024-01-01'"), ("recent", "'2026-05-30'"), ("open", "null")):
        _do(world, incident.replace("CLOSED", closed), kind)

    deleted = world.warehouse.forget_runs(datetime(2025, 6, 1, tzinfo=UTC))

    assert [run for (run,) in world.query("select run_id from audit.runs order by 1")] == [
        "of-file",
        "of-open-row",
        "of-watermark",
        "recent",
    ]
    for table in ("run_tables", "source_drifts", "rejected_rows"):
        assert world.query(f"select run_id from audit.{table}") == [("recent",)]
    assert deleted["runs"] == 2
    assert deleted["quarantine"] == 1
    assert world.query("select kind from audit.incidents order by 1") == [("open",), ("recent",)]
    assert world.warehouse.forget_runs(datetime(2025, 6, 1, tzinfo=UTC)) == dict.fromkeys(deleted, 0)


def test_a_watermark_moves_only_from_where_the_run_found_it(world: World) -> None:
    """Law X6: compare and set, also for the first one and for one that was taken away."""
    _record(world, "run", "2026-05-30")
    session = world.session
    for high, before in (("2", None), ("5", "2")):
        move_watermark(session, _run("run"), "shop.orders", high, before)
    for table, before in (("shop.orders", None), ("shop.orders", "2"), ("shop.products", "2")):
        with pytest.raises(ReleaseRefused, match=rf"{table} is no longer {before}"):
            move_watermark(session, _run("run"), table, "9", before)
    assert world.query("select table_name, value from audit.watermarks") == [("shop.orders", "5")]


def test_every_table_that_names_a_run_is_thought_of(world: World) -> None:
    """A new one belongs into forget_runs.sql, or among those that keep their run."""
    forgotten = {f"audit.{table}" for table in world.warehouse.forget_runs(NOW)}
    forgotten -= {"audit.runs", "audit.incidents"}
    assert tables_that_refer_to(world.database, "audit.runs") == forgotten | {
        "audit.watermarks",
        "audit.files",
    }


def test_a_dead_run_is_swept_and_one_that_holds_its_lock_is_not(world: World) -> None:
    """Law R7, for every pipeline; a schema that no run recorded is not ours."""
    dead, living, day = (_run(name) for name in ("dead", "living", "day"))
    for run in (dead, living, day):
        world.warehouse.begin_run(run, [])
        _do(world, f"create schema {run.staging_schema}")
    _do(world, "create schema staging_area")
    with world.warehouse.lock(living):
        assert world.warehouse.sweep_staging() == [dead.staging_schema, day.staging_schema]
        assert world.warehouse.live_runs() == {"living"}
    assert world.session.schemas("staging") == {"staging_area", "staging_living"}
    assert world.query("select run_id, status from audit.runs order by 1") == [
        ("day", "killed"),
        ("dead", "killed"),
        ("living", "running"),
    ]


def test_a_run_whose_staging_cannot_be_made_is_recorded_and_leaves_none(world: World) -> None:
    """Law R2: what the server refuses is told, whatever of it the server has committed by then."""
    run, known = _run("refused"), world.catalog.tables["shop.order_items"]
    added = known.columns["quantity"].model_copy(update={"expression": "no_such_function(quantity)"})
    table = known.model_copy(update={"derived": {**known.derived, "added": added}})
    with pytest.raises(ConfigError, match="added"):
        world.warehouse.begin_run(run, [table])
    world.warehouse.end_run(run, "failed", "refused", [])
    assert world.query("select status, error from audit.runs") == [("failed", "refused")]
    assert world.session.schemas("staging") == set()


def test_a_day_of_a_backfill_buries_its_own_past_and_no_other_day(world: World) -> None:
    for run in (_run("first", 1), _run("second", 2), _run("first-again", 1)):
        world.warehouse.begin_run(run, [])
    assert world.query("select run_id, status from audit.runs order by 1") == [
        ("first", "killed"),
        ("first-again", "running"),
        ("second", "running"),
    ]


def test_changed_tables_are_analyzed_once(world: World) -> None:
    # A session tells what it changed when it ends, or at leisure.
    world.database.forget_idle()
    changed: set[str] = set()
    until = time.monotonic() + 20
    while "warehouse.dim_product" not in changed and time.monotonic() < until:
        changed.update(world.warehouse.analyze())
        time.sleep(0.1)
        if world.database.folder == "mysql":
            # It has looked at what is new by itself, and tells times of changes to the second.
            time.sleep(1.1)
            break
    else:
        assert "warehouse.dim_product" in changed
    world.warehouse.analyze()
    assert world.warehouse.analyze() == []


def test_who_waits_for_a_table_comes_before_days_of_a_backfill_that_come_later(
    world: World, settings: Settings
) -> None:
    """Law R5: else days that share a table would keep a nightly run out for ever."""
    catalog = load_catalog(settings.catalog_dir)
    patient = open_warehouse(world.url, settings, catalog)
    hasty = open_warehouse(world.url, settings.model_copy(update={"lock_timeout_seconds": 1}), catalog)
    order: list[str] = []

    def nightly() -> None:
        with patient.lock(_run("nightly", tables=("shop.orders",))):
            order.append("nightly")

    with hasty.lock(_run("day", 1)), hasty.lock(_run("day", 2)):
        waiting = threading.Thread(target=nightly)
        waiting.start()
        _wait_until_queued(world)
        with pytest.raises(PipelineBusy, match=r"reading shop\.orders goes on"), hasty.lock(_run("day", 3)):
            order.append("third day")
    waiting.join(timeout=20)
    assert order == ["nightly"]


def _wait_until_queued(world: World) -> None:
    deadline = time.monotonic() + 10
    waiting = {
        "postgresql": "select 1 from pg_locks where locktype = 'advisory' and not granted",
        "mysql": "select 1 from information_schema.processlist where state = 'User lock'",
    }
    while not world.query(waiting[world.database.folder]):
        assert time.monotonic() < deadline, "nobody waits"
        time.sleep(0.02)


def _run(name: str, day: int | None = None, tables: tuple[str, ...] = ()) -> Run:
    """A run of a pipeline of its own, or a day of the backfill of shop.orders."""
    if day is None:
        return Run(name, f"pipeline of {name}", None, False, f"staging_{name}", tables=tables)
    schema = f"staging_{name.replace('-', '_')}_{day}"
    days = date(2026, 3, day)
    return Run(name, "backfill orders", days, False, schema, tables=("shop.orders",), is_backfill=True)


def _record(world: World, name: str, ended: str) -> None:
    _do(
        world,
        "insert into audit.runs (run_id, pipeline, status, finished_at, staging_schema)"
        " values (%s, 'p', 'succeeded', %s, 'none')",
        name,
        ended,
    )


def _do(world: World, statement: str, *values: Any) -> None:
    world.execute(statement, values)
