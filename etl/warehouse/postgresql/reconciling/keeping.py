"""What reconciliations found, in the audit tables (law X9)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from psycopg2.extensions import cursor as Cursor
from psycopg2.extras import Json, execute_values

from etl.handles import Run
from etl.warehouse.reconciliation import Reconciliation

_KEEP = (
    "insert into audit.reconciliations (run_id, table_name, target, status, as_of, source_count,"
    " target_count, held_back, newer, kept, missing, extra, changed, range_count, differing_range_count,"
    " verified_through, seconds) values %s"
)
_KEEP_RANGES = (
    "insert into audit.reconciled_ranges (run_id, table_name, range_number, low, high, source_count,"
    " target_count, source_hash, target_hash, source_sums, target_sums, missing, extra, changed) values %s"
)


def keep_reconciliations(cursor: Cursor, run: Run, found: Sequence[Reconciliation]) -> list[Reconciliation]:
    """Store what was found; what the same run found before of a table gives way.

    Returns:
        The same, those marked as repaired that the run found differing before.
    """
    repaired = _found_differing(cursor, run)
    found = [replace(each, is_repaired=each.table in repaired) for each in found]
    cursor.execute(
        "delete from audit.reconciliations where run_id = %s and table_name = any(%s)",
        (run.run_id, [each.table for each in found]),
    )
    execute_values(cursor, _KEEP, [_row(run, each) for each in found])
    execute_values(cursor, _KEEP_RANGES, [row for each in found for row in _range_rows(run, each)])
    return found


def _found_differing(cursor: Cursor, run: Run) -> set[str]:
    cursor.execute(
        "select table_name from audit.reconciliations where run_id = %s and status != 'agrees'",
        (run.run_id,),
    )
    return {table for (table,) in cursor.fetchall()}


def _row(run: Run, found: Reconciliation) -> tuple[object, ...]:
    return (
        run.run_id,
        found.table,
        found.target,
        found.status,
        found.as_of,
        found.source_count,
        found.target_count,
        found.held_back,
        found.newer,
        found.kept,
        found.missing,
        found.extra,
        found.changed,
        len(found.ranges),
        len(found.differing),
        found.shown_verified_through,
        found.seconds,
    )


def _range_rows(run: Run, found: Reconciliation) -> list[tuple[object, ...]]:
    return [
        (
            run.run_id,
            found.table,
            each.number,
            each.low if found.tells_keys else None,
            each.high if found.tells_keys else None,
            each.source.count,
            each.target.count,
            each.source.content_hash,
            each.target.content_hash,
            Json(dict(each.source.sums)),
            Json(dict(each.target.sums)),
            each.missing,
            each.extra,
            each.changed,
        )
        for each in found.ranges
    ]
