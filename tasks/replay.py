"""Tasks that bring rows back from quarantine (law Q3)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from prefect import get_run_logger, task

from etl.catalog import SourceTable
from etl.errors import ConfigError
from etl.handles import Extract, LandedFile, Run, Snapshot, TablePlan
from etl.held_back import ReplayBatch, Selection
from etl.landing import land
from etl.windows import Window
from expectations.suites import load_suites
from tasks import resources
from tasks.policy import RETRIED
from tasks.runs import Reading
from tasks.workers import join


def require_rules(names: Sequence[str]) -> None:
    """Refuse rules that no suite has and no row was ever held back for.

    Raises:
        ConfigError: Names them, and the rules that rows wait for.
    """
    warehouse = resources.warehouse()
    # Asked before a run is open: the warehouse may be older than this, or empty.
    warehouse.migrate()
    held = warehouse.held_back_rules()
    suites = load_suites(resources.settings().suites_dir).values()
    known = held.keys() | {rule.name for suite in suites for rule in suite.rules}
    if unknown := [name for name in names if name not in known]:
        waiting = ", ".join(rule for rule, count in held.items() if count) or "no rule"
        raise ConfigError(
            f"No suite has a rule {', '.join(unknown)}, and no row was held back for it.",
            f"Correct the name; rows wait for {waiting}.",
        )


@task(**RETRIED)
def find_batches(selection: Selection) -> list[ReplayBatch]:
    """What can be loaded as it was kept, by the run that held it back, the oldest first."""
    batches = resources.warehouse().replay_batches(selection)
    count = sum(batch.entry_count for batch in batches)
    get_run_logger().info("%s quarantined rows of %s runs are replayed.", count, len(batches))
    return batches


@task(**RETRIED)
def find_sources(selection: Selection, from_source: bool) -> list[list[str]]:
    """The tables whose rows are read again, those of one source together.

    Rows that a source cannot be asked for stay open, which the log says.

    Raises:
        ConfigError: All rows are to be read again, and a source cannot be asked for them.
    """
    counts = resources.warehouse().incomplete_entries(selection, from_source)
    for name in counts.keys() - resources.catalog().tables.keys():
        get_run_logger().warning(
            "%s: %s rows stay open: the catalog declares no such table.", name, counts.pop(name)
        )
    refused = [name for name in counts if not _answers_keys(resources.table(name))]
    for name in refused:
        if from_source:
            raise _cannot_be_asked(name)
        get_run_logger().warning("%s: %s rows stay open. %s", name, counts[name], _cannot_be_asked(name))
    asked = resources.catalog().loaded_together([name for name in counts if name not in refused])
    sources = dict.fromkeys(resources.table(name).source for name in asked)
    return [[name for name in asked if resources.table(name).source == source] for source in sources]


@task(task_run_name="stage rows that {batch.original_run} held back", **RETRIED)
def stage_kept(batch: ReplayBatch, selection: Selection, run: Run) -> list[TablePlan]:
    """Stage the rows of a batch that are still open as they were kept."""
    plans = resources.warehouse().stage_kept(run, batch, selection)
    if not plans:
        get_run_logger().info("Nothing of run %s waits any more.", batch.original_run)
    return plans


@task(**RETRIED)
def choose_to_read(selection: Selection, from_source: bool, run: Run) -> int:
    """Choose the open rows of the run's tables that are read again; returns how many."""
    count = resources.warehouse().choose_to_read(run, selection, from_source)
    get_run_logger().info("%s: %s quarantined rows are read again.", ", ".join(run.tables), count)
    return count


def plans_to_read(reading: Reading) -> Reading:
    """The plans of a reading, for rows that are read by their keys and moved by no window."""
    plans = [
        replace(
            plan,
            watermark=None,
            window=Window(),
            as_of=reading.snapshot.taken_at,
            compares_keys=False,
            moves_watermark=False,
            replays="source",
        )
        for plan in reading.plans
    ]
    return replace(reading, plans=plans)


@task(task_run_name="extract {plan.table} again", **RETRIED)
def extract_again(plan: TablePlan, snapshot: Snapshot, run: Run) -> LandedFile:
    """Read the rows that quarantine entries name as they are now; a child by the keys of its parent."""
    join(run)
    table, warehouse = resources.table(plan.table), resources.warehouse()
    root = resources.table(table.parent.table) if table.parent else table
    keys = warehouse.keys_to_read(run, root.qualified_name)
    if table.parent:
        keys = keys.rename_columns([_child_column(table, own) for own in root.key])
        table = table.model_copy(update={"key": tuple(keys.column_names)})
    reader = resources.source(snapshot.source).read_keys(table, keys, snapshot)
    landed = land(reader, Extract(plan.table, plan.window, part="again"), resources.landing_folder(run))
    get_run_logger().info("%s: %s rows read again for %s keys", plan.table, landed.row_count, len(keys))
    return landed


@task(**RETRIED)
def tell_what_is_left(selection: Selection, from_source: bool) -> dict[str, int]:
    """Table -> rows of the selection that are still open, with what to do about them in the log."""
    left: dict[str, int] = {}
    for group in resources.warehouse().held_back_groups(selection):
        left[group.table_name] = left.get(group.table_name, 0) + group.entry_count
        get_run_logger().warning(
            "%s: %s rows of run %s still wait for %s.",
            group.table_name,
            group.entry_count,
            group.run_id,
            group.rule,
        )
    if left:
        get_run_logger().warning(
            "They break a rule as it is now, or their source no longer has them: mend the rule or the data%s,"
            " or discard them with a reason ('make quarantine').",
            "" if from_source else " (then 'from_source')",
        )
    return left


def _answers_keys(table: SourceTable) -> bool:
    """Only databases can be asked for rows by key, and only tables that need no values to be read."""
    return table.files is None and table.endpoint is None and not table.parameters


def _cannot_be_asked(name: str) -> ConfigError:
    table = resources.table(name)
    kind = "files" if table.files else "an API" if table.endpoint else "a query with parameters"
    remedy = {
        "files": "Replay the rows as they were kept; or let the file be delivered again with what it lacks.",
        "an API": "Replay the rows as they were kept; or load the table again from a time before them:"
        " a business date, or full_refresh.",
        "a query with parameters": "Replay the rows as they were kept; or run the flow that reads the query.",
    }
    return ConfigError(f"{name} is read from {kind}, which cannot be asked for rows by key.", remedy[kind])


def _child_column(table: SourceTable, own: str) -> str:
    keys: Sequence[tuple[str, str]] = list(table.parent.keys.items()) if table.parent else []
    return next(child for child, column in keys if column == own)
