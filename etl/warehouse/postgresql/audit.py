"""The audit tables: runs, watermarks, verdicts and what was held back (laws Q4, X6, R3)."""

from __future__ import annotations

from dataclasses import asdict, fields
from datetime import date

from psycopg2.extensions import cursor as Cursor
from psycopg2.extras import Json, execute_values

from etl.errors import ReleaseRefused
from etl.handles import FileRef, Release, Run, TableOutcome, Verdict
from etl.identifiers import quote_postgresql

ERROR_CHARACTERS = 4_000
_FILE_COLUMNS = ("path", "byte_count", "modified_at", "row_count", "status", "reason", "run_id")
_KEEP_FILES = (
    f"insert into audit.files (table_name, content_hash, {', '.join(_FILE_COLUMNS)}) values %s"
    " on conflict (table_name, content_hash) do update set "
    + ", ".join(f"{column} = excluded.{column}" for column in _FILE_COLUMNS)
)
OUTCOME_COLUMNS = [field.name for field in fields(TableOutcome)]


def start_run(cursor: Cursor, run: Run) -> None:
    """Record that a run began; the caller holds its lock."""
    cursor.execute(
        "insert into audit.runs (run_id, pipeline, business_date, full_refresh, is_backfill, status,"
        " staging_schema, flow_run_url, code_version, parameters)"
        " values (%s, %s, %s, %s, %s, 'running', %s, %s, %s, %s)",
        (
            run.run_id,
            run.pipeline,
            run.business_date,
            run.full_refresh,
            run.is_backfill,
            run.staging_schema,
            run.flow_run_url,
            run.code_version,
            Json(dict(run.parameters)),
        ),
    )


def finish_run(
    cursor: Cursor, run: Run, status: str, score_pct: float | None, error: str | None = None
) -> None:
    """Record how a run ended."""
    cursor.execute(
        "update audit.runs set status = %s, finished_at = clock_timestamp(), quality_score_pct = %s,"
        " error = %s where run_id = %s",
        (status, score_pct, error[:ERROR_CHARACTERS] if error else None, run.run_id),
    )


def released_outcomes(cursor: Cursor, run: Run) -> Release | None:
    """The release of this run when it is there already: its COMMIT came through, the reply did not (R6)."""
    cursor.execute(
        "select status, quality_score_pct from audit.runs where run_id = %s for update", (run.run_id,)
    )
    row = cursor.fetchone()
    if row is None or row[0] != "succeeded":
        return None
    columns = ", ".join(OUTCOME_COLUMNS)
    cursor.execute(f"select {columns} from audit.run_tables where run_id = %s", (run.run_id,))
    rows = [dict(zip(OUTCOME_COLUMNS, values, strict=True)) for values in cursor.fetchall()]
    outcomes = tuple(TableOutcome(**{**row, "seconds": float(row["seconds"])}) for row in rows)
    return Release(run.run_id, outcomes, float(row[1]), 0.0)


def released_dates(cursor: Cursor, pipeline: str) -> set[date]:
    """Business dates of a backfill that were released."""
    cursor.execute(
        "select distinct business_date from audit.runs"
        " where pipeline = %s and is_backfill and status = 'succeeded'",
        (pipeline,),
    )
    return {day for (day,) in cursor.fetchall()}


def watermarks(cursor: Cursor) -> dict[str, str]:
    """Table name -> end of its last released window."""
    cursor.execute("select table_name, value from audit.watermarks")
    return dict(cursor.fetchall())


def loaded_files(cursor: Cursor, tables: list[str]) -> dict[str, set[str]]:
    """Table name -> content hashes of the files that are loaded (law X11)."""
    cursor.execute(
        "select table_name, content_hash from audit.files where status = 'loaded' and table_name = any(%s)",
        (tables,),
    )
    loaded: dict[str, set[str]] = {}
    for table, content_hash in cursor.fetchall():
        loaded.setdefault(table, set()).add(content_hash)
    return loaded


def keep_files(cursor: Cursor, run: Run, table: str, files: list[tuple[FileRef, int, str | None]]) -> None:
    """Enter files into the ledger; quarantined contents that are not among them are gone (law X11).

    Args:
        files: Each with its number of rows and its fault; those of a plan, which tries again whatever
            was not loaded.
    """
    rows = [
        (
            table,
            # What cannot be read has no hash; its name stands for it until it can.
            file.content_hash or f"unread:{file.path}",
            file.path,
            file.byte_count,
            file.modified_at or None,
            count,
            "quarantined" if fault else "loaded",
            fault,
            run.run_id,
        )
        for file, count, fault in files
    ]
    execute_values(
        cursor,
        _KEEP_FILES,
        rows,
        template="(%s, %s, %s, %s, %s::timestamp at time zone 'UTC', %s, %s, %s, %s)",
    )
    cursor.execute(
        "update audit.files set status = 'gone'"
        " where table_name = %s and status = 'quarantined' and content_hash != all(%s)",
        (table, [row[1] for row in rows]),
    )


def move_watermark(cursor: Cursor, run: Run, table: str, high: str, before: str | None) -> None:
    """Set a watermark where it still is what the run found.

    Raises:
        ReleaseRefused: It is another one by now (law X6).
    """
    if before is None:
        statement = (
            "insert into audit.watermarks (pipeline, table_name, value, run_id) values (%s, %s, %s, %s)"
            " on conflict (table_name) do nothing"
        )
        cursor.execute(statement, (run.pipeline, table, high, run.run_id))
    else:
        cursor.execute(
            "update audit.watermarks set value = %s, run_id = %s, pipeline = %s"
            " where table_name = %s and value = %s",
            (high, run.run_id, run.pipeline, table, before),
        )
    if cursor.rowcount != 1:
        raise ReleaseRefused(
            f"The watermark of {table} is no longer {before}, from which it was to move to {high} (law X6).",
            "Another run released in between, or it was set by hand; nothing was published; run again.",
        )


def keep_drifts(cursor: Cursor, run: Run, table: str, drifts: list[str]) -> None:
    """Store how a source differs from the catalog (law X12)."""
    rows = [(run.run_id, table, drift) for drift in drifts]
    execute_values(
        cursor,
        "insert into audit.source_drifts (run_id, table_name, drift) values %s on conflict do nothing",
        rows,
    )


def keep_verdicts(cursor: Cursor, run: Run, verdicts: list[Verdict]) -> None:
    """Store what the gate said of each table, and what each rule said."""
    execute_values(
        cursor,
        "insert into audit.verdicts (run_id, table_name, is_open, row_count, quarantined, score_pct, seconds,"
        " docs_page, reads_whole, extent) values %s on conflict do nothing",
        [
            (
                run.run_id,
                verdict.table,
                verdict.is_open,
                verdict.row_count,
                verdict.quarantined_count,
                verdict.score_pct,
                verdict.seconds,
                verdict.docs_page,
                verdict.reach.reads_whole,
                verdict.reach.extent,
            )
            for verdict in verdicts
        ],
    )
    _keep_results(cursor, run, verdicts)


def _keep_results(cursor: Cursor, run: Run, verdicts: list[Verdict]) -> None:
    """Store what each rule said."""
    rows = [
        (
            run.run_id,
            verdict.table,
            verdict.suite,
            result.rule,
            result.expectation,
            result.column,
            result.severity,
            result.weight,
            result.passed,
            result.checked,
            result.unexpected_count,
            result.element_count,
            result.observed,
            result.observed_value,
            result.lowest,
            result.highest,
        )
        for verdict in verdicts
        for result in verdict.results
    ]
    execute_values(
        cursor,
        "insert into audit.quality_results (run_id, table_name, suite, rule, expectation, column_name,"
        " severity, weight, passed, checked, unexpected_count, element_count, observed, observed_value,"
        " lowest, highest) values %s"
        " on conflict do nothing",
        rows,
    )


def keep_outcomes(cursor: Cursor, run: Run, outcomes: tuple[TableOutcome, ...]) -> None:
    """Store what became of each table; a table that is there already is replaced."""
    columns = ", ".join(OUTCOME_COLUMNS)
    replaced = ", ".join(f"{quote_postgresql(c)} = excluded.{quote_postgresql(c)}" for c in OUTCOME_COLUMNS)
    execute_values(
        cursor,
        f"insert into audit.run_tables (run_id, {columns}) values %s"
        f" on conflict (run_id, name) do update set {replaced}",
        [(run.run_id, *asdict(outcome).values()) for outcome in outcomes],
    )


def overall_score(verdicts: list[Verdict]) -> float:
    """Weighted share of the rules that held, in percent (law Q4); 100 when there were none."""
    weights = [(result.weight, result.passed) for verdict in verdicts for result in verdict.results]
    total = sum(weight for weight, _ in weights)
    return round(100 * sum(weight for weight, passed in weights if passed) / total, 2) if total else 100.0
