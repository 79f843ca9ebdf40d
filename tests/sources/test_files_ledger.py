"""The ledger of files: each content is loaded exactly once, in the release or not at all (law X11).

Told as runs over a folder and a real warehouse, with the functions that the flow's tasks call.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from etl.catalog import Catalog
from etl.errors import ReleaseRefused
from etl.handles import Extract, Release, Run, TableOutcome
from etl.landing import land_or_quarantine
from etl.planning import KnownTable, Request, plan_tables
from etl.preparing import prepare
from etl.settings import Settings
from tests.conftest import fresh_postgresql
from tests.sources.file_drop import CSV, Drop, files_table
from tests.warehouse.world import World

ITEMS = files_table(
    CSV,
    {
        "id": {"type": "bigint"},
        "at": {"type": "timestamp"},
        "colour": {"type": "text"},
        "row": {"type": "bigint", "source_name": "_source_row"},
    },
    "**/*.csv",
    name="items",
    key=["id", "at"],
)
CATALOG = Catalog.model_validate(
    {
        "sources": {"drop": {"name": "drop", "description": "files", "kind": "files"}},
        "tables": {"drop.items": ITEMS.model_dump()},
        "dimensions": {
            "item": {
                "name": "item",
                "description": "items",
                "key": {"id": "bigint"},
                "events": [{"table": "drop.items", "effective_at": "at", "sequence": "row"}],
                "attributes": {"colour": {"type": "text", "scd": 2}},
                "guard": {"end_pct": 100, "change_pct": 100},
            }
        },
        "facts": {},
    }
)
HEADER = "id,at,colour\n"
RED, BLUE = f"{HEADER}1,2026-05-01,red\n", f"{HEADER}1,2026-05-02,blue\n2,2026-05-02,blue\n"


@dataclass
class FileWorld:
    """A folder, a warehouse, and the runs between them."""

    drop: Drop
    world: World

    def run(self, request: Request = Request(), loses: int = 0) -> Release:  # noqa: B008  # it is frozen
        """One run; ``loses`` rows are lost on the way, which its release must notice."""
        warehouse, run = self.world.warehouse, self.world.new_run()
        warehouse.begin_run(run, [ITEMS])
        source = self.drop.source()
        with source.snapshot([ITEMS]) as snapshot:
            loaded = warehouse.loaded_files(["drop.items"]).get("drop.items", set())
            known = KnownTable(warehouse.watermarks().get("drop.items"), "UTC", (), loaded)
            settings = Settings(_env_file=None)
            (plan,) = plan_tables(CATALOG, settings, snapshot, {"drop.items": known}, request)
            for number, file in enumerate(plan.files, 1):
                extract = Extract("drop.items", plan.window, part=f"{number}of{len(plan.files)}", file=file)
                folder = self.drop.tmp_path / "landing"
                landed = land_or_quarantine(partial(source.read, ITEMS, extract, snapshot), extract, folder)
                warehouse.stage_part(prepare(landed, ITEMS, folder, "US"), run)
        staged = warehouse.settle(plan, run)
        lost = replace(staged, extracted_count=staged.extracted_count + loses)
        try:
            return warehouse.publish(run, [lost], [])
        finally:
            warehouse.end_run(run, "failed", "nothing was published", [])

    def ledger(self) -> list[tuple[Any, ...]]:
        """What is known of each content."""
        return self.world.query(
            "select path, status, row_count, reason from audit.files"
            " where table_name = 'drop.items' order by path, status"
        )

    def history(self) -> list[tuple[Any, ...]]:
        """Events that arrived, each once."""
        return self.world.query(
            "select id, effective_at::date::text, colour from history.item order by effective_at, id"
        )


@pytest.fixture(scope="module")
def warehouse(postgres_server: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """One for all stories."""
    for url in fresh_postgresql(postgres_server):
        settings = Settings(
            _env_file=None, state_dir=tmp_path_factory.mktemp("state"), warehouse_url=SecretStr(url)
        )
        world = World(url, settings, CATALOG)
        yield world
        world.close()


@pytest.fixture
def files(warehouse: World, tmp_path: Path) -> FileWorld:
    """An empty folder and an empty warehouse."""
    warehouse.execute("truncate audit.runs, history.item cascade")
    warehouse.execute("delete from warehouse.dim_item where item_key > 0")
    return FileWorld(Drop(tmp_path), warehouse)


def of_source(release: Release) -> TableOutcome:
    """What became of the rows."""
    (outcome,) = [o for o in release.outcomes if o.name == "drop.items"]
    return outcome


def test_each_content_is_loaded_exactly_once(files: FileWorld) -> None:
    """Also when it is renamed, stands there under two names, or comes with another."""
    files.drop.put("a.csv", RED)
    assert of_source(files.run()).extracted == 1
    assert of_source(files.run()).extracted == 0
    (files.drop.folder / "a.csv").rename(files.drop.folder / "renamed.csv")
    files.drop.put("again.csv", RED)
    assert of_source(files.run()).extracted == 0
    files.drop.put("in/b.csv", BLUE)
    files.drop.put("in/c.csv", BLUE)
    assert of_source(files.run()).extracted == 2
    assert files.ledger() == [("a.csv", "loaded", 1, None), ("in/b.csv", "loaded", 2, None)]
    assert files.history() == [(1, "2026-05-01", "red"), (1, "2026-05-02", "blue"), (2, "2026-05-02", "blue")]


def test_a_file_that_changed_is_another_content(files: FileWorld) -> None:
    files.drop.put("a.csv", RED)
    files.run()
    files.drop.put("a.csv", RED + "2,2026-05-02,green\n")
    release = files.run()
    assert (of_source(release).extracted, of_source(release).unchanged) == (2, 1)
    assert [row[:3] for row in files.ledger()] == [("a.csv", "loaded", 1), ("a.csv", "loaded", 2)]
    assert files.history() == [(1, "2026-05-01", "red"), (2, "2026-05-02", "green")]


def test_a_broken_file_waits_as_a_whole_until_it_is_mended(files: FileWorld) -> None:
    """The run goes on without it, tries it again each time, and loads it once it is whole."""
    files.drop.put("a.csv", RED)
    files.drop.put("b.csv", BLUE.replace("colour", "color"))
    files.drop.put("c.csv", BLUE + '3,2026-05-02,"')
    assert of_source(files.run()).extracted == 1
    waiting = [
        ("a.csv", "loaded", 1, None),
        ("b.csv", "quarantined", 0, "its header lacks 'colour'; it has 'id', 'at', 'color'"),
        ("c.csv", "quarantined", 0, "a quote in the record of line 4 is never closed"),
    ]
    assert files.ledger() == waiting
    (before,) = files.world.query("select run_id from audit.files where path = 'b.csv'")
    assert of_source(files.run()).extracted == 0
    assert files.ledger() == waiting
    assert files.world.query("select run_id from audit.files where path = 'b.csv'") != [before]
    files.drop.put("b.csv", BLUE)
    (files.drop.folder / "c.csv").unlink()
    assert of_source(files.run()).extracted == 2
    assert files.ledger() == [
        waiting[0],
        ("b.csv", "gone", *waiting[1][2:]),
        ("b.csv", "loaded", 2, None),
        ("c.csv", "gone", *waiting[2][2:]),
    ]
    assert files.history() == [(1, "2026-05-01", "red"), (1, "2026-05-02", "blue"), (2, "2026-05-02", "blue")]


def test_runs_in_which_every_file_is_broken_and_none_is_there_record_so(files: FileWorld) -> None:
    nothing = of_source(files.run())
    assert nothing == TableOutcome("drop.items", "source", seconds=nothing.seconds)
    files.drop.put("a.csv", "")
    (files.drop.folder / "b.csv").symlink_to("nowhere")
    assert of_source(files.run()).extracted == 0
    assert files.ledger() == [
        ("a.csv", "quarantined", 0, "it is empty"),
        ("b.csv", "quarantined", 0, "it is a link that leads nowhere"),
    ]
    (files.drop.folder / "b.csv").unlink()
    files.drop.put("b.csv", RED)
    files.run()
    assert [row[:2] for row in files.ledger()] == [
        ("a.csv", "quarantined"),
        ("b.csv", "gone"),
        ("b.csv", "loaded"),
    ]


def test_one_bad_row_does_not_lose_its_file(files: FileWorld) -> None:
    """Law R3: it waits among the rejected rows, and is counted."""
    files.drop.put("a.csv", f"{HEADER}1,2026-05-01,red\n2\nx,2026-05-01,red\n")
    outcome = of_source(files.run())
    assert (outcome.extracted, outcome.rejected, outcome.inserted) == (3, 2, 1)
    assert files.ledger() == [("a.csv", "loaded", 3, None)]
    reasons = files.world.query("select column_name, reason from audit.rejected_rows order by reason")
    assert reasons == [("id", "is not a whole number"), (None, "line 3: has 1 fields, where 3 are expected")]


def test_a_release_that_is_refused_leaves_the_ledger_as_it_was(files: FileWorld) -> None:
    """Laws R2, R6: the files are read again by the next run."""
    files.drop.put("a.csv", RED)
    files.drop.put("b.csv", "")
    with pytest.raises(ReleaseRefused, match="law R3"):
        files.run(loses=1)
    assert files.ledger() == []
    assert of_source(files.run()).extracted == 1
    assert [row[:2] for row in files.ledger()] == [("a.csv", "loaded"), ("b.csv", "quarantined")]


def test_a_file_that_never_arrived_in_staging_is_noticed(
    files: FileWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    files.drop.put("a.csv", RED)
    files.drop.put("b.csv", BLUE)
    whole = files.world.warehouse.stage_part
    arrived: list[str] = []

    def lose_the_second(prepared: Any, run: Run) -> None:
        if not arrived:
            whole(prepared, run)
        arrived.append(prepared.landed.extract.part)

    monkeypatch.setattr(files.world.warehouse, "stage_part", lose_the_second)
    with pytest.raises(ReleaseRefused, match="2 files were to be read, but 1 arrived in staging"):
        files.run()
    assert files.ledger() == []


def test_a_full_refresh_reads_all_files_again_and_changes_nothing(files: FileWorld) -> None:
    """Law R4."""
    files.drop.put("a.csv", RED)
    files.drop.put("b.csv", BLUE)
    files.run()
    before = files.world.query("select id, xmin from warehouse.dim_item order by item_key")
    outcome = of_source(files.run(Request(full_refresh=True)))
    assert (outcome.extracted, outcome.unchanged) == (3, 3)
    assert files.world.query("select id, xmin from warehouse.dim_item order by item_key") == before
    assert len(files.ledger()) == 2


def test_a_run_for_a_day_long_past_loads_new_files_all_the_same(files: FileWorld) -> None:
    files.drop.put("a.csv", RED)
    files.run()
    files.drop.put("b.csv", BLUE)
    assert of_source(files.run(Request(business_date=date(2020, 1, 1)))).extracted == 2
