"""Tasks that hold sources against the warehouse (law X9)."""

from __future__ import annotations

from collections.abc import Sequence

from prefect import get_run_logger, task
from prefect.artifacts import create_table_artifact

from etl.errors import ConfigError, ReconciliationDiffers
from etl.handles import Release, Run, StagedTable, Verdict
from etl.incidents import Incident, RunEnd
from etl.warehouse.reconciliation import Reconciliation
from tasks import resources
from tasks.policy import RETRIED
from tasks.progress import artifact_key
from tasks.runs import select_tables


def select_reconciled(names: Sequence[str]) -> list[str]:
    """The named tables that can be held against the warehouse, with those that belong to them.

    Raises:
        ConfigError: None of them can, or a name is not declared.
    """
    warehouse, selected, reasons = resources.warehouse(), [], []
    for name in select_tables(names):
        reason = warehouse.why_not_reconciled(name)
        if reason is None:
            selected.append(name)
        else:
            reasons.append(f"{name} is left out: {reason}")
    if not selected:
        raise ConfigError(
            "; ".join(reasons), "Name tables of a database or of an API that are loaded by key."
        )
    for reason in reasons:
        get_run_logger().info("%s.", reason)
    return selected


@task(**RETRIED)
def reconcile_tables(run: Run, staged: list[StagedTable]) -> list[Reconciliation]:
    """Hold the staged tables against the warehouse and record what was found, range by range."""
    logger, found = get_run_logger(), resources.warehouse().reconcile(run, staged)
    for each in found:
        (logger.warning if each.differing else logger.info)("%s", each)
    for name in sorted({table.table for table in staged} - {each.table for each in found}):
        logger.warning("%s is left out: nothing has been loaded of it yet", name)
    return found


@task(**RETRIED)
def narrow_tables(run: Run, staged: list[StagedTable]) -> list[StagedTable]:
    """Leave of the tables that differ the rows of the differing ranges, to load them again."""
    narrowed = resources.warehouse().narrow(run, staged)
    for table in narrowed:
        get_run_logger().info("%s: %s rows of the ranges are loaded again", table.table, table.row_count)
    return narrowed


@task(**RETRIED)
def repair_tables(run: Run, staged: list[StagedTable], verdicts: list[Verdict]) -> Release:
    """Publish the ranges in one transaction; watermarks stay where they are."""
    return resources.warehouse().repair(run, staged, verdicts)


@task(**RETRIED)
def publish_reconciliations(run: Run, found: list[Reconciliation]) -> str:
    """Show what was found as an artifact; returns it as a sentence."""
    create_table_artifact(
        [_shown(each) for each in found],
        key=artifact_key(run.pipeline, "reconciliation"),
        description="Source and warehouse, table by table; the ranges stand in audit.reconciled_ranges",
    )
    counts = {
        status: sum(each.status == status for each in found) for status in ("agrees", "repaired", "differs")
    }
    told = {"agrees": "agree with their source", "repaired": "were repaired", "differs": "differ"}
    sentences = [", ".join(f"{count} tables {told[status]}" for status, count in counts.items() if count)]
    if unloaded := [name for name in run.tables if name not in {each.table for each in found}]:
        sentences += [f"Nothing has been loaded yet of {', '.join(unloaded)}"]
    return " ".join(f"{sentence}." for sentence in sentences if sentence)


def shown_incidents(run: Run, found: Sequence[Reconciliation]) -> RunEnd:
    """A table that differs is an incident until a later reconciliation agrees."""
    seen = tuple(
        Incident(
            run.pipeline,
            each.table,
            "reconciliation",
            "critical",
            f"{each.table} differs from its source\n{each}",
        )
        for each in found
        if each.differing
    )
    judged = tuple(each.table for each in found)
    return RunEnd(run.pipeline, run.run_id, seen, judged, about="reconciliation")


def refuse_differences(found: Sequence[Reconciliation]) -> None:
    """Let people know of differences: a run that found some and did not repair them fails.

    Raises:
        ReconciliationDiffers: Names each table with its ranges.
    """
    differing = [each for each in found if each.differing]
    if differing:
        what = "\n".join(f"  {each}" for each in differing)
        names = ", ".join(each.table for each in differing)
        raise ReconciliationDiffers(
            f"{len(differing)} of {len(found)} tables differ from their source: {names}\n{what}",
            "Read the ranges in audit.reconciled_ranges. Run reconcile with repair to load them again;"
            " what was deleted, or of a table without a time of change changed, since the last load, the"
            " next load brings.",
        )


def _shown(found: Reconciliation) -> dict[str, object]:
    return {
        "table": found.table,
        "warehouse": found.target,
        "status": found.status,
        "source rows": found.source_count,
        "warehouse rows": found.target_count,
        "missing": found.missing,
        "extra": found.extra,
        "changed": found.changed,
        "held back": found.held_back,
        "newer": found.newer,
        "kept": found.kept,
        "ranges": len(found.ranges),
        "differing ranges": len(found.differing),
        "verified through": found.shown_verified_through,
    }
