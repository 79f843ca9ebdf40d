"""Alerts: what is wrong at the end of a run, and who is to be told of it.

An incident is told once to each route that takes it when it begins, and once when it is over. What one run
shows is one message a route. A message that no service took is recorded and tried again by the next run.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from pydantic import SecretStr

from etl.catalog import Alerts, Route
from etl.errors import QualityGateClosed, ReconciliationDiffers
from etl.handles import Severity, Verdict
from etl.incidents import Incident, OpenMatter, RunEnd, SentAlert
from etl.notify import Kind, notify

TITLE_CHARACTERS = 120


@dataclass(frozen=True, slots=True)
class Message:
    """What one route is told at once."""

    route: Route
    kind: Literal["opened", "recovered"]
    matters: tuple[OpenMatter, ...]

    @property
    def title(self) -> str:
        """The incident, or how many there are."""
        is_over = self.kind == "recovered"
        if len(self.matters) == 1:
            return f"{'Over: ' if is_over else ''}{_title(self.matters[0].incident)}"
        return f"{len(self.matters)} incidents{' are over' if is_over else ''}"

    @property
    def body(self) -> str:
        """One paragraph an incident, the gravest first: what is wrong, or since when it was until when."""
        order: Sequence[Severity] = ("critical", "warning", "info")
        gravest = sorted(self.matters, key=lambda matter: order.index(matter.incident.severity))
        tell = _over if self.kind == "recovered" else _begun
        return "\n\n".join(map(tell, gravest))

    @property
    def look(self) -> Kind:
        """Colour and icon, where a service has them."""
        if self.kind == "recovered":
            return "success"
        is_critical = any(matter.incident.severity == "critical" for matter in self.matters)
        return "failure" if is_critical else "warning"


def end_of(
    pipeline: str, run_id: str | None, error: BaseException | None, verdicts: Sequence[Verdict]
) -> RunEnd:
    """What a run shows of incidents: its own failure, gates that are closed, rules that failed.

    Args:
        error: Why the run failed; None for one that succeeded.
        verdicts: Of every table that was judged.
    """
    is_closed = isinstance(error, QualityGateClosed)
    is_told_by_table = (is_closed and bool(verdicts)) or isinstance(error, ReconciliationDiffers)
    failed = [_failed_run(pipeline, error)] if error and not is_told_by_table else []
    rules = [incident for verdict in verdicts for incident in _failed_rules(pipeline, verdict)]
    # Where a rule could not be asked, nothing is known to be over.
    judged = tuple(v.table for v in verdicts if all(result.checked for result in v.results))
    succeeded = not failed and not is_closed
    return RunEnd(pipeline, run_id, (*failed, *rules), judged, succeeded=succeeded)


def messages(alerts: Alerts, matters: Sequence[OpenMatter]) -> Iterator[Message]:
    """What each route does not know yet."""
    for route in alerts.routes:
        told = [m for m in matters if route.takes(m.incident) or route.name in m.told]
        begun = tuple(m for m in told if not m.is_over and route.name not in m.told)
        over = tuple(m for m in told if m.is_over and route.name in m.told - m.told_over)
        if begun:
            yield Message(route, "opened", begun)
        if over:
            yield Message(route, "recovered", over)


def send(message: Message, secret: Callable[[str], SecretStr | None]) -> tuple[str, list[SentAlert]]:
    """Send a message.

    Args:
        secret: Name of a secret -> its value, such as :meth:`etl.settings.Settings.secret`.

    Returns:
        A sentence for the log, and what is to be recorded; nothing for a route without addresses.
    """
    urls = secret(message.route.urls)
    done = notify(urls, message.title, message.body, message.look, message.route.variable)
    if done.taken is None:
        return done.answer, []
    sent = [
        SentAlert(matter.incident_id, message.kind, message.route.name, done.taken, done.answer)
        for matter in message.matters
    ]
    return done.answer, sent


def _failed_run(pipeline: str, error: BaseException) -> Incident:
    if isinstance(error, Exception):
        summary = f"{pipeline} failed\n{type(error).__name__}: {error}"
    else:
        summary = f"{pipeline} was cancelled\nNothing was published."
    return Incident(pipeline, "", "run_failed", "critical", summary)


def _failed_rules(pipeline: str, verdict: Verdict) -> Iterator[Incident]:
    """A closed gate is one incident with all the rules that closed it; others are one each."""
    closing = [r for r in verdict.results if not r.checked or (r.severity == "critical" and not r.passed)]
    if not verdict.is_open:
        rules = "\n".join(f"  {r.rule}: {r.observed}" for r in closing)
        summary = f"{pipeline}: the gate is closed for {verdict.table}\nNothing was published:\n{rules}"
        yield Incident(pipeline, verdict.table, "gate_closed", "critical", summary)
    for result in verdict.results:
        if not result.passed and result not in closing:
            summary = f"{verdict.table}: {result.rule} does not hold\n{pipeline}: {result.observed}."
            yield Incident(pipeline, verdict.table, result.rule, result.severity, summary)


def _begun(matter: OpenMatter) -> str:
    return f"{matter.incident.severity.upper()}: {matter.incident.summary}"


def _over(matter: OpenMatter) -> str:
    opened, closed = (
        f"{at:%Y-%m-%d %H:%M} UTC" if at else "?" for at in (matter.opened_at, matter.closed_at)
    )
    return f"OVER: {_title(matter.incident)}\nIt was open from {opened} until {closed}."


def _title(incident: Incident) -> str:
    return incident.summary.split("\n", 1)[0][:TITLE_CHARACTERS]
