"""What a reconciliation found: a table of a source held against the warehouse, range by range (law X9)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

Status = Literal["agrees", "differs", "repaired"]


@dataclass(frozen=True, slots=True)
class Side:
    """What one side holds of a range.

    Attributes:
        content_hash: Sum of a hash of each row, so that the order of rows does not count.
        sums: Numeric column -> its sum as text; None where there is none.
    """

    count: int
    content_hash: int
    sums: Mapping[str, str | None] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ReconciledRange:
    """A half-open range [low, high) of keys; None means no bound on that side.

    Attributes:
        last: The largest key in it.
        missing: Rows that the warehouse lacks.
        extra: Rows that the warehouse has and the source, which decides about them, has not.
        changed: Rows that both have with other values.
    """

    number: int
    low: str | None
    high: str | None
    last: str
    source: Side
    target: Side
    missing: int
    extra: int
    changed: int

    @property
    def agrees(self) -> bool:
        """Counts, sums and hashes are equal, and no row differs."""
        return self.source == self.target and not self.missing + self.extra + self.changed

    def __str__(self) -> str:
        return f"[{self.low or '-∞'}, {self.high or '∞'})"


@dataclass(frozen=True, slots=True)
class Reconciliation:
    """One table of a source held against what the warehouse has of it.

    Attributes:
        target: The table of the warehouse.
        as_of: Instant of the source's clock for which the source's side speaks.
        held_back: Rows of the source that wait in quarantine, were discarded there or rejected.
        newer: Rows that changed since the last load, so that the warehouse cannot know them.
        kept: Rows of the warehouse that the source no longer has, and that the table's policy keeps.
        changed_columns: Column -> rows in which it differs.
        examples: Some of the keys that differ; none where a key may tell of a person (law P2).
        tells_keys: False where keys are personal, or texts, which may be: bounds are then neither shown
            nor stored.
    """

    table: str
    target: str
    as_of: str
    ranges: tuple[ReconciledRange, ...]
    held_back: int = 0
    newer: int = 0
    kept: int = 0
    changed_columns: Mapping[str, int] = field(default_factory=dict)
    examples: tuple[str, ...] = ()
    tells_keys: bool = True
    is_repaired: bool = False
    seconds: float = 0.0

    @property
    def differing(self) -> list[ReconciledRange]:
        """The ranges in which the two sides do not agree."""
        return [each for each in self.ranges if not each.agrees]

    @property
    def status(self) -> Status:
        """How it stands in ``audit.reconciliations``."""
        if self.differing:
            return "differs"
        return "repaired" if self.is_repaired else "agrees"

    @property
    def verified_through(self) -> str | None:
        """The largest key before which everything agrees; no range that differs lies before it."""
        verified = None
        for each in self.ranges:
            if not each.agrees:
                break
            verified = each.last
        return verified

    @property
    def shown_verified_through(self) -> str | None:
        """The same for people: the number of the range where keys may be personal (law P2)."""
        if self.tells_keys or self.verified_through is None:
            return self.verified_through
        agreeing = next((n for n, each in enumerate(self.ranges) if not each.agrees), len(self.ranges))
        return f"range {agreeing} of {len(self.ranges)}"

    @property
    def source_count(self) -> int:
        """Rows of the source that were compared."""
        return sum(each.source.count for each in self.ranges)

    @property
    def target_count(self) -> int:
        """Rows of the warehouse that were compared."""
        return sum(each.target.count for each in self.ranges)

    @property
    def missing(self) -> int:
        """Rows that the warehouse lacks."""
        return sum(each.missing for each in self.ranges)

    @property
    def extra(self) -> int:
        """Rows that only the warehouse has."""
        return sum(each.extra for each in self.ranges)

    @property
    def changed(self) -> int:
        """Rows with other values."""
        return sum(each.changed for each in self.ranges)

    def __str__(self) -> str:
        if not self.differing:
            return f"{self.table} agrees with {self.target}: {self.source_count} rows{self._apart()}"
        found = {"missing": self.missing, "extra": self.extra, "changed": self.changed}
        told = ", ".join(f"{count} {what}" for what, count in found.items() if count)
        return f"{self.table} differs from {self.target}: {told}{self._columns()}{self._places()}"

    def _apart(self) -> str:
        counts = {"held back": self.held_back, "newer than the last load": self.newer, "kept": self.kept}
        return "".join(f", {count} {what}" for what, count in counts.items() if count)

    def _columns(self) -> str:
        named = ", ".join(f"{name} ({count})" for name, count in self.changed_columns.items())
        return f" in {named}" if named else ""

    def _places(self) -> str:
        differing = self.differing
        numbers = [f"{each} " if self.tells_keys else "" for each in differing]
        places = [
            f"{bounds}({each.number} of {len(self.ranges)})"
            for bounds, each in zip(numbers[:SHOWN_RANGES], differing, strict=False)
        ]
        more = f" and {len(differing) - SHOWN_RANGES} more" if len(differing) > SHOWN_RANGES else ""
        keys = f"; {'; '.join(self.examples)}" if self.examples else ""
        return f"; ranges {', '.join(places)}{more}{keys}"


SHOWN_RANGES = 5
