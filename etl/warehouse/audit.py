"""The audit tables: runs, watermarks, verdicts and what was held back (laws Q4, X6, R3)."""

from __future__ import annotations

from dataclasses import asdict, fields
from datetime import UTC, date, datetime

from etl.errors import ReleaseRefused
from etl.handles import FileRef, Release, Run, TableOutcome, Verdict
from etl.warehouse.database import Session, listed

ERROR_CHARACTERS = 4_000
_FILE_COLUMNS = ("path", "byte_count", "modified_at", "row_count", "status", "reason", "run_id")
_VERDICT_COLUMNS = (
    *("is_open", "row_count", "quarantined", "score_pct", "seconds"),
    *("docs_page", "reads_whole", "extent"),
)
_RESULT_COLUMNS = (
    *("expectation", "column_name", "severity", "weight", "passed", "checked", "unexpected_count"),
    *("element_count", "observed", "observed_value", "lowest", "highest"),
)
OUTCOME_COLUMNS = [field.name for field in fields(TableOutcome)]


def start_run(session: Session, run: Run) -> None:
    """Record that a run began; the caller holds its lock."""
    session.execute(
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
            dict(run.parameters),
        ),
    )


def finish_run(
    session: Session, run: Run, status: str, score_pct: float | None, error: str | None = None
) -> None:
    """Record how a run ended."""
    session.execute(
        f"update audit.runs set status = %s, finished_at = {session.database.now}, quality_score_pct = %s,"
        " error = %s where run_id = %s",
        (status, score_pct, error[:ERROR_CHARACTERS] if error else None, run.run_id),
    )


def released_outcomes(session: Session, run: Run) -> Release | None:
    """The release of this run when it is there already: its COMMIT came through, the reply did not (R6)."""
    session.execute(
        "select status, quality_score_pct from audit.runs where run_id = %s for update", (run.run_id,)
    )
    row = session.fetchone()
    if row is None or row[0] != "succeeded":
        return None
    columns = ", ".join(OUTCOME_COLUMNS)
    session.execute(f"select {columns} from audit.run_tables where run_id = %s", (run.run_id,))
    rows = [dict(zip(OUTCOME_COLUMNS, values, strict=True)) for values in session.fetchall()]
    outcomes = tuple(TableOutcome(**{**row, "seconds": float(row["seconds"])}) for row in rows)
    return Release(run.run_id, outcomes, float(row[1]), 0.0)


def released_dates(session: Session, pipeline: str) -> set[date]:
    """Business dates of a backfill that were released."""
    session.execute(
        "select distinct business_date from audit.runs"
        " where pipeline = %s and is_backfill and status = 'succeeded'",
        (pipeline,),
    )
    return {day for (day,) in session.fetchall()}


def watermarks(session: Session) -> dict[str, str]:
    """Table name -> end of its last released window."""
    session.execute("select table_name, value from audit.watermarks")
    return dict(session.fetchall())


def loaded_files(session: Session, tables: list[str]) -> dict[str, set[str]]:
    """Table name -> content hashes of the files that are loaded (law X11)."""
    session.execute(
        "select table_name, content_hash from audit.files where status = 'loaded'"
        f" and table_name in ({listed(tables)})",
        tables,
    )
    loaded: dict[str, set[str]] = {}
    for table, content_hash in session.fetchall():
        loaded.setdefault(table, set()).add(content_hash)
    return loaded


def keep_files(session: Session, run: Run, table: str, files: list[tuple[FileRef, int, str | None]]) -> None:
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
            _instant(file.modified_at),
            count,
            "quarantined" if fault else "loaded",
            fault,
            run.run_id,
        )
        for file, count, fault in files
    ]
    key = ("table_name", "content_hash")
    session.insert("audit.files", (*key, *_FILE_COLUMNS), rows, key=key, update=_FILE_COLUMNS)
    hashes = [row[1] for row in rows]
    others = f" and content_hash not in ({listed(hashes)})" if hashes else ""
    session.execute(
        f"update audit.files set status = 'gone' where table_name = %s and status = 'quarantined'{others}",
        (table, *hashes),
    )


def move_watermark(session: Session, run: Run, table: str, high: str, before: str | None) -> None:
    """Set a watermark where it still is what the run found.

    Raises:
        ReleaseRefused: It is another one by now (law X6).
    """
    if before is None:
        columns = ("pipeline", "table_name", "value", "run_id")
        moved = session.insert_once("audit.watermarks", columns, (run.pipeline, table, high, run.run_id))
    else:
        session.execute(
            "update audit.watermarks set value = %s, run_id = %s, pipeline = %s"
            " where table_name = %s and value = %s",
            (high, run.run_id, run.pipeline, table, before),
        )
        moved = session.rowcount == 1
    if not moved:
        raise ReleaseRefused(
            f"The watermark of {table} is no longer {before}, from which it was to move to {high} (law X6).",
            "Another run released in between, or it was set by hand; nothing was published; run again.",
        )


def keep_drifts(session: Session, run: Run, table: str, drifts: list[str]) -> None:
    """Store how a source differs from the catalog (law X12)."""
    rows = [(run.run_id, table, drift) for drift in drifts]
    key = ("run_id", "table_name", "drift")
    session.insert("audit.source_drifts", key, rows, key=key)


def keep_verdicts(session: Session, run: Run, verdicts: list[Verdict]) -> None:
    """Store what the gate said of each table, and what each rule said."""
    session.insert(
        "audit.verdicts",
        ("run_id", "table_name", *_VERDICT_COLUMNS),
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
        key=("run_id", "table_name"),
    )
    _keep_results(session, run, verdicts)


def _keep_results(session: Session, run: Run, verdicts: list[Verdict]) -> None:
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
    columns = ("run_id", "table_name", "suite", "rule", *_RESULT_COLUMNS)
    session.insert("audit.quality_results", columns, rows, key=("run_id", "table_name", "rule"))


def keep_outcomes(session: Session, run: Run, outcomes: tuple[TableOutcome, ...]) -> None:
    """Store what became of each table; a table that is there already is replaced."""
    session.insert(
        "audit.run_tables",
        ("run_id", *OUTCOME_COLUMNS),
        [(run.run_id, *asdict(outcome).values()) for outcome in outcomes],
        key=("run_id", "name"),
        update=OUTCOME_COLUMNS,
    )


def overall_score(verdicts: list[Verdict]) -> float:
    """Weighted share of the rules that held, in percent (law Q4); 100 when there were none."""
    weights = [(result.weight, result.passed) for verdict in verdicts for result in verdict.results]
    total = sum(weight for weight, _ in weights)
    return round(100 * sum(weight for weight, passed in weights if passed) / total, 2) if total else 100.0


def _instant(text: str) -> datetime | None:
    """A time of a file, in UTC; None where the system that holds it does not say."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC) if text else None
