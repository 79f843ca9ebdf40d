"""What reconciliations found, in the audit tables (law X9)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from etl.handles import Run
from etl.warehouse.database import Session, listed
from etl.warehouse.reconciliation import Reconciliation

_COLUMNS = (
    *("run_id", "table_name", "target", "status", "as_of", "source_count", "target_count", "held_back"),
    *("newer", "kept", "missing", "extra", "changed", "range_count", "differing_range_count"),
    *("verified_through", "seconds"),
)
_RANGE_COLUMNS = (
    *("run_id", "table_name", "range_number", "low", "high", "source_count", "target_count"),
    *("source_hash", "target_hash", "source_sums", "target_sums", "missing", "extra", "changed"),
)


def keep_reconciliations(session: Session, run: Run, found: Sequence[Reconciliation]) -> list[Reconciliation]:
    """Store what was found; what the same run found before of a table gives way.

    Returns:
        The same, those marked as repaired that the run found differing before.
    """
    repaired = _found_differing(session, run)
    found = [replace(each, is_repaired=each.table in repaired) for each in found]
    tables = [each.table for each in found]
    session.execute(
        f"delete from audit.reconciliations where run_id = %s and table_name in ({listed(tables)})",
        (run.run_id, *tables),
    )
    session.insert("audit.reconciliations", _COLUMNS, [_row(run, each) for each in found])
    ranges = [row for each in found for row in _range_rows(run, each)]
    session.insert("audit.reconciled_ranges", _RANGE_COLUMNS, ranges)
    return found


def _found_differing(session: Session, run: Run) -> set[str]:
    session.execute(
        "select table_name from audit.reconciliations where run_id = %s and status != 'agrees'",
        (run.run_id,),
    )
    return {table for (table,) in session.fetchall()}


def _row(run: Run, found: Reconciliation) -> tuple[object, ...]:
    return (
        run.run_id,
        found.table,
        found.target,
        found.status,
        datetime.fromisoformat(found.as_of),
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
            dict(each.source.sums),
            dict(each.target.sums),
            each.missing,
            each.extra,
            each.changed,
        )
        for each in found.ranges
    ]
