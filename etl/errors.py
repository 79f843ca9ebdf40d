"""Everything that can go wrong, sorted by what the operator can do about it.

    StorehouseError
    ├── TransientError       wait: the same call may succeed in a moment; Prefect retries these only
    ├── ConfigError          edit the environment, the catalog, a suite or a SQL file
    ├── SourceError          mend the source system, its account or its data
    │   └── FileFault        mend the one file that waits in quarantine; the run goes on without it
    ├── ContractError        the source no longer has the shape that the catalog declares
    ├── QualityGateClosed    look at the Data Docs page; mend the data or the rule; run again
    ├── ReleaseRefused       the release was rolled back because its own checks did not hold
    ├── ReconciliationDiffers  look at the ranges; load or repair them, or find who changed the warehouse
    └── PipelineBusy         another run of the same pipeline holds the lock; wait for it

Each error says what failed, where, what was expected and found, and what to do next (law P5).
"""

from __future__ import annotations

from typing import Any


class StorehouseError(Exception):
    """Base of all errors of this project.

    Args:
        problem: What failed and where, with what was expected and what was found.
        remedy: What to do next, as an imperative sentence.
    """

    def __init__(self, problem: str, remedy: str = "") -> None:
        self.problem = problem
        self.remedy = remedy
        super().__init__(problem, remedy)

    def __str__(self) -> str:
        return f"{self.problem}\n  What to do: {self.remedy}" if self.remedy else self.problem


class TransientError(StorehouseError):
    """A lost connection, a deadlock, a server that restarts: the same call may succeed later."""


class ConfigError(StorehouseError):
    """The environment, the catalog, a suite or a SQL file says something that cannot be done."""


class SourceError(StorehouseError):
    """A source system refused the work: wrong password, missing table, missing privilege."""


class FileFault(SourceError):
    """One file cannot be loaded: nothing of it lands, it waits in quarantine with the reason (law X11)."""


class ContractError(StorehouseError):
    """The source has another shape than the catalog declares (law X12)."""


class QualityGateClosed(StorehouseError):
    """A critical rule failed, or a rule could not be checked: nothing was published (laws R1, Q2).

    Attributes:
        verdicts: What the gate said of each table; recorded although nothing is published (law Q4).
    """

    def __init__(self, problem: str, remedy: str = "", verdicts: tuple[Any, ...] = ()) -> None:
        super().__init__(problem, remedy)
        self.verdicts = verdicts


class ReleaseRefused(StorehouseError):
    """The release transaction found its own checks broken and rolled back (laws R3, S2, S13, X6)."""


class ReconciliationDiffers(StorehouseError):
    """The warehouse does not hold what the source has; the ranges are recorded (law X9)."""


class PipelineBusy(StorehouseError):
    """Another run holds the pipeline's lock (law R5)."""
