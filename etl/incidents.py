"""The records of what is wrong and who was told of it (``audit.incidents``, ``audit.alerts``)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from etl.handles import Severity


@dataclass(frozen=True, slots=True)
class Incident:
    """Something that is wrong until a later run shows that it is over (``audit.incidents``).

    Attributes:
        table: Empty where a whole run is meant.
        kind: ``run_failed``, ``gate_closed``, ``reconciliation`` or the name of a rule that failed.
        summary: What people are told; its first line is the title.
    """

    pipeline: str
    table: str
    kind: str
    severity: Severity
    summary: str


@dataclass(frozen=True, slots=True)
class RunEnd:
    """What a run showed of incidents when it ended.

    Attributes:
        seen: Incidents that are there now.
        judged: Tables of which the run says all there is to say; what it did not see there is over.
        about: Of which kind the judgement is: rules of the gate, or reconciliation.
        succeeded: The pipeline itself is well.
    """

    pipeline: str
    run_id: str | None
    seen: tuple[Incident, ...] = ()
    judged: tuple[str, ...] = ()
    about: Literal["rules", "reconciliation"] = "rules"
    succeeded: bool = False


@dataclass(frozen=True, slots=True)
class OpenMatter:
    """An incident that some people may still have to be told of.

    Attributes:
        is_over: It is closed; then only those are told who knew of it.
        opened_at: Since when it was there, by the warehouse's clock; None where that is not kept.
        closed_at: Since when it is over.
        told: Routes that know that it began.
        told_over: Routes that know that it is over.
    """

    incident_id: int
    incident: Incident
    is_over: bool
    opened_at: datetime | None = None
    closed_at: datetime | None = None
    told: frozenset[str] = frozenset()
    told_over: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class SentAlert:
    """One message about one incident, whether it came through or not (``audit.alerts``)."""

    incident_id: int
    kind: Literal["opened", "recovered"]
    route: str
    is_sent: bool
    answer: str
