"""Loads whose rule holds rows back, and their replays, through the real staging and the real release."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from etl.handles import Release, Run, StagedTable, Verdict
from etl.held_back import Selection
from etl.warehouse.database import from_json
from tests.warehouse.world import Batch, World

EVERYTHING = Selection(everything=True)
# Table -> condition on its staged rows which the rule refuses.
Refused = Mapping[str, str]


def load_judged(world: World, batch: Batch, refused: Refused, rule: str = "too_strict") -> Release:
    """Load a batch behind a gate that refuses some rows, parents judged before children."""
    run = replace(world.new_run(), tables=tuple(batch.rows))

    def stage() -> list[StagedTable]:
        return [world.stage_table(run, name, batch) for name in batch.rows]

    return _released(world, run, stage, refused, rule)


def keep_instead(world: World, key: Mapping[str, Any], **values: Any) -> None:
    """Let the entries of a row have other values than it was held back with, as if they had been kept so."""
    for number, row_key, payload in world.query(
        "select quarantine_id, row_key, payload from audit.quarantine where status = 'open'"
    ):
        if from_json(row_key) == key:
            kept = {**from_json(payload), **values}
            world.execute("update audit.quarantine set payload = %s where quarantine_id = %s", [kept, number])


def replay(world: World, selection: Selection = EVERYTHING, refused: Refused | None = None) -> list[Release]:
    """Replay a selection batch by batch behind a gate that may still refuse rows."""
    releases = []
    for batch in world.warehouse.replay_batches(selection):
        run = replace(world.new_run(), tables=tuple(world.catalog.loaded_together(batch.tables)))

        def stage(run: Run = run, batch: Any = batch) -> list[StagedTable]:
            plans = world.warehouse.stage_kept(run, batch, selection)
            return [world.warehouse.settle(plan, run) for plan in plans]

        releases.append(_released(world, run, stage, refused or {}, "still_broken"))
    return releases


def _released(
    world: World, run: Run, stage: Callable[[], list[StagedTable]], refused: Refused, rule: str
) -> Release:
    world.warehouse.begin_run(run, [world.catalog.tables[name] for name in run.tables])
    by_name = {staged.table: staged for staged in stage()}
    judged = [
        _judged(world, by_name[name], refused.get(name), rule)
        for name in world.catalog.parents_first(list(by_name))
    ]
    release = world.warehouse.publish(run, [s for s, _ in judged], [v for _, v in judged])
    world.warehouse.end_run(run, "succeeded", "", [])
    return release


def _judged(
    world: World, staged: StagedTable, condition: str | None, rule: str
) -> tuple[StagedTable, Verdict]:
    followed = world.warehouse.follow_parents(staged)
    relation = world.session.identifier(staged.schema, staged.relation)
    rows = world.query(f"select _row from {relation} where {condition or 'false'}")
    held = world.warehouse.quarantine(followed, {rule: [row for (row,) in rows]})
    verdict = Verdict(staged.table, staged.table, True, (), followed.row_count, held, 100.0, None, 0.0)
    return followed, verdict
