"""What is kept of the rows of a table, column by column, and how two such profiles differ.

A profile says what rows looked like, so that a person can see what came, what moved since the run before, and
draft rules from it. Of columns that speak of persons it keeps counts, lengths and a form's name (law P2).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

# A column with so many values at most has them all in its profile.
MAX_SET = 20
# Characters of a value that are kept.
LONGEST_VALUE = 60
QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)
# Understood alike by PostgreSQL, MySQL and MariaDB.
FORMS = {
    "a UUID": "^[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}$",
    "digits": "^[0-9]+$",
    "an e-mail address": "^[^@[:space:]]+@[^@[:space:]]+[.][^@[:space:]]+$",
}
EMAIL = "an e-mail address"
# Within a text of whatever else.
HOLDS_EMAIL = "[^@[:space:]]@[^@[:space:]]+[.][^@[:space:]]"
# The drift of a table, under no column's name, whose profile failed.
NOT_PROFILED = "not_profiled"
NUMBERS_THAT_NAME = re.compile(r"(^|_)(id|ids|key|no|nr|num|number|code|year)$|^(id|key|zip|postal)")
_NAMES_OF_PERSONAL = re.compile(
    r"(^|_)(first|last|full|middle|given|family|maiden|sur|fore|manager|contact|person|owner)_?name($|_)"
    r"|e?_?mail($|_)|(^|_)(phone|mobile|cell|fax|tel)(_|$)|(^|_)address|(^|_)street"
    r"|birth|(^|_)dob($|_)|gender|(^|_)(ssn|iban|passport|ip|ip_address)($|_)|(^|_)postal_?code$|(^|_)zip"
)


def names_a_person(column: str) -> bool:
    """Whether a column's name says that its values speak of a person."""
    return bool(_NAMES_OF_PERSONAL.search(column))


@dataclass(frozen=True, slots=True)
class ProfiledColumn:
    """One row of ``audit.profiles``.

    Attributes:
        is_whole: The run read the table from its beginning, not what changed since the run before.
        sampled_count: Rows that were looked at, to which all further counts refer.
        lowest: Least value as text; by code point for texts. None where no value may be shown.
        mean: Of numbers.
        quantiles: Values at ``QUANTILES``, as text; of numbers and times.
        shortest: Characters of the shortest text.
        form: What every value looks like, a key of ``FORMS``.
        top_values: Values and in how many rows they stand, the most frequent first, equal ones by code point:
            all where there are at most ``MAX_SET``, else those of the first ``MAX_SET`` that repeat.
        patterns: The same of the values with each letter as A and each digit as 9; None where they are many.
    """

    name: str
    position: int
    data_type: str
    is_personal: bool
    is_whole: bool
    row_count: int
    sampled_count: int
    null_count: int
    distinct_count: int | None
    is_key_candidate: bool
    lowest: str | None = None
    highest: str | None = None
    mean: Decimal | None = None
    deviation: Decimal | None = None
    quantiles: tuple[str, ...] | None = None
    shortest: int | None = None
    longest: int | None = None
    form: str | None = None
    top_values: tuple[tuple[str, int], ...] | None = None
    patterns: tuple[tuple[str, int], ...] | None = None

    @property
    def given_count(self) -> int:
        """Rows that were looked at and have a value."""
        return self.sampled_count - self.null_count

    @property
    def has_all_values(self) -> bool:
        """Whether the frequent values are all there are."""
        return self.top_values is not None and len(self.top_values) == self.distinct_count


@dataclass(frozen=True, slots=True)
class KeptProfile:
    """The profile of a table that one run kept.

    Attributes:
        day: On which the run began, by the warehouse's clock in UTC.
    """

    run_id: str
    day: date
    columns: tuple[ProfiledColumn, ...]


@dataclass(frozen=True, slots=True)
class ProfileDrift:
    """One way in which a column's profile left the one before; texts for people, without a person's value."""

    column: str
    drift: str
    before: str | None
    after: str | None


def counted(listed: list[dict[str, Any]] | None, name: str) -> tuple[tuple[str, int], ...] | None:
    """Values and counts out of the JSON that ``audit.profiles`` keeps them in."""
    return None if listed is None else tuple((entry[name], entry["count"]) for entry in listed)
