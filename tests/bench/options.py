"""How large the tables of a benchmark are, and how often each way is measured."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Options:
    """How large and how often.

    Attributes:
        lines: Order lines of the large tables; other tables follow.
        rounds: How often each way is measured, in turn with the others.
    """

    lines: int = 3_000_000
    rounds: int = 3
