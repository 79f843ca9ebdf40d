"""What people see of a run: Data Docs, report site, artifacts in Prefect, notification.

All of it is made after the run has ended, whether it published, failed or found its gate closed (law Q5).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

from prefect import get_run_logger, task
from prefect.artifacts import create_link_artifact, create_markdown_artifact, create_table_artifact

from etl.alerts import end_of
from etl.errors import QualityGateClosed
from etl.handles import Release, Run, TableOutcome, Verdict
from etl.incidents import RunEnd
from tasks import resources
from tasks.alerts import alert, note, tell, tell_success
from tasks.policy import RETRIED
from tasks.progress import artifact_key

SHOWN_COUNTS = (
    "extracted",
    "rejected",
    "dropped",
    "quarantined",
    "inserted",
    "updated",
    "expired",
    "unchanged",
    "seconds",
)


@dataclass
class RunReport:
    """What is known of a run when it ends; the flow fills it in as it goes.

    Attributes:
        did: What the run did, in a sentence, where it is not a release that it made.
        reconciled: What a reconciliation shows of incidents.
        speaks_of_now: What its gate said is how the tables are now, so that incidents begin and end with it.
    """

    pipeline: str
    run: Run | None = None
    verdicts: list[Verdict] = field(default_factory=list)
    release: Release | None = None
    marts: list[TableOutcome] = field(default_factory=list)
    did: str = ""
    reconciled: RunEnd | None = None
    speaks_of_now: bool = True

    def end(self, error: BaseException | None) -> RunEnd:
        """What the run shows of incidents."""
        verdicts = self.verdicts if self.speaks_of_now else []
        end = end_of(self.pipeline, self.run.run_id if self.run else None, error, verdicts)
        if self.reconciled is None:
            return end
        return replace(self.reconciled, seen=(*self.reconciled.seen, *end.seen), succeeded=end.succeeded)


@contextmanager
def open_report(pipeline: str) -> Iterator[RunReport]:
    """Report on the run inside the block when it has ended, and tell people what they do not know yet."""
    report = RunReport(pipeline)
    try:
        yield report
    except Exception as error:  # reported, and raised again
        if isinstance(error, QualityGateClosed):
            report.verdicts = list(error.verdicts)
        _report_failure(report, error)
        raise
    except BaseException as cancellation:  # there is little time left to tell of it
        alert(report.end(cancellation))
        raise
    end = report.end(None)
    is_kept = note(end)
    try:
        _publish(report)
    except Exception as error:  # told and raised again
        alert(report.end(error))
        raise
    tell(end, is_kept)
    tell_success(pipeline, _summary(report))


@task(**RETRIED)
def publish_docs() -> Path:
    """Rebuild the Data Docs with the newest results of each suite (law Q5)."""
    from expectations.data_docs import build_docs  # costs 4 s once, paid by the process that judges
    from expectations.result_store import prune_results

    settings = resources.settings()
    prune_results(settings.state_dir, settings.keep_results)
    return build_docs(settings.state_dir, settings.suites_dir, settings.report_dir / "quality.html")


@task(**RETRIED)
def publish_site(report: RunReport, run: Run) -> None:
    """Rebuild the report site from marts and audit tables, and show what it says in the Prefect UI."""
    from etl.reports import SiteLinks, write_site  # templates cost 0.2 s

    settings = resources.settings()
    links = SiteLinks(data_docs=settings.data_docs_dir / "index.html", prefect_url=run.flow_run_url)
    with resources.warehouse().reader() as session:
        figures = write_site(session, settings.report_dir, links)
    for table in figures.tables_of(report.pipeline, run.run_id):
        key = artifact_key(report.pipeline, table.name)
        create_table_artifact(table.as_rows(), key=key, description=table.note)
    _show_run(report)


def _show_run(report: RunReport) -> None:
    """Artifacts of the run's row accounting, of the run in short, and of where to look."""
    settings = resources.settings()
    rows = [_shown(outcome) for outcome in _outcomes(report)]
    create_table_artifact(
        rows, key=artifact_key(report.pipeline, "tables"), description="Rows per source table and target"
    )
    create_markdown_artifact(
        _markdown(report, rows), key=artifact_key(report.pipeline, "run"), description="The run in short"
    )
    for name, page in (("data-docs", settings.data_docs_dir), ("report", settings.report_dir)):
        key = artifact_key(report.pipeline, name)
        create_link_artifact((page / "index.html").as_uri(), link_text=name, key=key)


def _report_failure(report: RunReport, error: Exception) -> None:
    """Tell of a failure; what goes wrong in telling is logged, so that the failure itself stays in sight."""
    end = report.end(error)
    is_kept = note(end)
    try:
        _publish(report)
    except Exception as second:  # whatever it is, it must not hide the failure itself
        get_run_logger().warning("The report of the failed run could not be written: %s", second)
    tell(end, is_kept)


def _publish(report: RunReport) -> None:
    if report.run is None:
        return
    if report.verdicts:
        publish_docs()
    publish_site(report, report.run)


def _outcomes(report: RunReport) -> Sequence[TableOutcome]:
    return [*(report.release.outcomes if report.release else ()), *report.marts]


def _shown(outcome: TableOutcome) -> dict[str, object]:
    counts = asdict(outcome)
    return {"table": outcome.name, "role": outcome.role, **{name: counts[name] for name in SHOWN_COUNTS}}


def _summary(report: RunReport) -> str:
    if report.release is None:
        return report.did or "Nothing was published."
    changed = sum(
        o.inserted + o.updated + o.expired
        for o in _outcomes(report)
        if o.role in {"dimension", "fact", "replica"}
    )
    held_back = sum(o.rejected + o.quarantined for o in _outcomes(report))
    score = report.release.score_pct
    counted = f"{changed} rows changed, {held_back} held back, quality score {score:.1f} %."
    return f"{report.did} {counted}".strip()


def _markdown(report: RunReport, rows: list[dict[str, object]]) -> str:
    lines = [f"# {report.pipeline}", "", _summary(report), ""]
    for verdict in report.verdicts:
        lines.append(
            f"- {'passed' if verdict.is_open else '**closed**'} {verdict.table}: {verdict.score_pct:.1f} %"
        )
        lines += [
            f"    - {result.severity}: {result.rule}: {result.unexpected_count} rows, {result.observed}"
            for result in verdict.results
            if not result.passed
        ]
    where = artifact_key(report.pipeline, "tables")
    return "\n".join([*lines, "", f"{len(rows)} tables; the counts stand in the artifact `{where}`."])
