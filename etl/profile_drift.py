"""How the rows of one run differ from those of the run before, as far as chance does not explain it.

Two samples of one stream always differ a little. A share counts as moved when it is moved by so many standard
errors that chance does it once in ten thousand comparisons (a table makes hundreds in a week), and by
so much that a person would care. With few rows, no difference is that sure, and nothing is told.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from decimal import Decimal, InvalidOperation

from etl.profiles import MAX_SET, NUMBERS_THAT_NAME, QUANTILES, ProfiledColumn, ProfileDrift

GOING_ON = ("date", "timestamp", "time")
# What tables of files call the file of a row.
SOURCE_FILE = "source_file"
# Below it, the normal approximation of a share says little.
LEAST_ROWS = 30
# Two-sided, chance alone is beyond it in 6 of 100,000 comparisons.
SURE = 4.0
# Of all rows: less is no reason to look.
LEAST_SHARE = 0.05
# The share of rows that a quartile must have passed: the median then lies where 40 or 60 per cent were.
LEAST_RANK = 0.1
# Of the standard deviation, as Cohen's "small" effect is one fifth of it.
LEAST_MEAN = 0.25
# Means of skewed amounts stray further than the normal law has it.
SURE_OF_MEAN = 5.0
# The number of different values grows more slowly than that of rows: only like amounts are compared.
LIKE_AMOUNTS = 1.25
# A key that repeats in more rows than this is none any more.
LEAST_REPEATED = 0.01
# A quartile that falls on a value so frequent says nothing by its place; the value's own share does.
ATOM = 0.1
_QUARTILES = (1, 2, 3)
_NAMED = 3

Finder = Callable[[ProfiledColumn, ProfiledColumn], Iterator[ProfileDrift]]


def drifts_between(before: list[ProfiledColumn], after: list[ProfiledColumn]) -> list[ProfileDrift]:
    """All drifts from one profile of a table to the next, by column in the order of the table."""
    old, new = {c.name: c for c in before}, {c.name: c for c in after}
    drifts = [
        ProfileDrift(name, "column", column.data_type, None)
        for name, column in old.items()
        if name not in new
    ]
    for name, column in new.items():
        if name not in old:
            drifts.append(ProfileDrift(name, "column", None, column.data_type))
            continue
        for finder in _FINDERS:
            drifts += finder(old[name], column)
    return drifts


def _type(before: ProfiledColumn, after: ProfiledColumn) -> Iterator[ProfileDrift]:
    if before.data_type != after.data_type:
        yield ProfileDrift(after.name, "type", before.data_type, after.data_type)


def _personal(before: ProfiledColumn, after: ProfiledColumn) -> Iterator[ProfileDrift]:
    """Values began to look like those of persons, or somebody declared them so."""
    if before.is_personal != after.is_personal:
        said = {True: "personal", False: "not personal"}
        yield ProfileDrift(after.name, "personal", said[before.is_personal], said[after.is_personal])


def _null_share(before: ProfiledColumn, after: ProfiledColumn) -> Iterator[ProfileDrift]:
    nulls = [(c.null_count, c.sampled_count) for c in (before, after)]
    if _has_moved(nulls[0], nulls[1], LEAST_SHARE):
        yield ProfileDrift(after.name, "null_share", *(_pct(*each) for each in nulls))


def _distinct_share(before: ProfiledColumn, after: ProfiledColumn) -> Iterator[ProfileDrift]:
    shares = [(c.distinct_count or 0, c.given_count) for c in (before, after)]
    rows = sorted(count for _, count in shares)
    if rows[0] < LEAST_ROWS:
        return
    is_key_no_more = before.is_key_candidate and shares[1][0] < (1 - LEAST_REPEATED) * shares[1][1]
    is_alike = rows[1] <= LIKE_AMOUNTS * rows[0]
    if is_key_no_more or (is_alike and _has_moved(shares[0], shares[1], LEAST_RANK)):
        yield ProfileDrift(after.name, "distinct_share", *(_pct(*each) for each in shares))


def _quantiles(before: ProfiledColumn, after: ProfiledColumn) -> Iterator[ProfileDrift]:
    """A quartile passed many of the rows; times are left out, which go on, and numbers that only name."""
    if not (_is_measure(before) and _is_measure(after)):
        return
    old, new = _numbers(before), _numbers(after)
    if old is None or new is None:
        return
    atoms = {value for column in (before, after) for value in _atoms(column)}
    for place in _QUARTILES:
        share = QUANTILES[place]
        passed = _share_below(old[place], new) - share
        error = math.sqrt(share * (1 - share) * (1 / before.given_count + 1 / after.given_count))
        is_atom = (before.quantiles or ())[place] in atoms or (after.quantiles or ())[place] in atoms
        if not is_atom and abs(passed) >= LEAST_RANK and abs(passed) > SURE * error:
            yield ProfileDrift(after.name, "quantiles", _quartiles(before), _quartiles(after))
            return


def _mean(before: ProfiledColumn, after: ProfiledColumn) -> Iterator[ProfileDrift]:
    if not (_is_measure(before) and _is_measure(after)):
        return
    (low, spread), (high, other) = _moments(before), _moments(after)
    error = math.sqrt(spread**2 / before.given_count + other**2 / after.given_count)
    moved = abs(high - low)
    if math.isfinite(moved + error) and moved > max(SURE_OF_MEAN * error, LEAST_MEAN * max(spread, other)):
        yield ProfileDrift(after.name, "mean", f"{low:,.6g}", f"{high:,.6g}")


def _top_values(before: ProfiledColumn, after: ProfiledColumn) -> Iterator[ProfileDrift]:
    """A value or a form became usual or rare; times go on, and files are others each day."""
    if NUMBERS_THAT_NAME.search(after.name) or after.data_type in GOING_ON or after.name == SOURCE_FILE:
        return
    for kind, old, new in (
        ("top_values", before.top_values, after.top_values),
        ("patterns", before.patterns, after.patterns),
    ):
        if old is None or new is None:
            continue
        rows = (before.given_count, after.given_count)
        moved = [value for value in dict([*old, *new]) if _value_moved(value, old, new, rows)]
        if moved:
            yield ProfileDrift(after.name, kind, _shares(moved, old, rows[0]), _shares(moved, new, rows[1]))


_FINDERS: tuple[Finder, ...] = (
    _type,
    _personal,
    _null_share,
    _distinct_share,
    _quantiles,
    _mean,
    _top_values,
)


def _has_moved(before: tuple[int, int], after: tuple[int, int], least: float) -> bool:
    """Two counts of as many rows: whether the shares differ beyond chance and by ``least`` of all rows."""
    (old, old_rows), (new, new_rows) = before, after
    if min(old_rows, new_rows) < LEAST_ROWS:
        return False
    moved = abs(new / new_rows - old / old_rows)
    pooled = (old + new) / (old_rows + new_rows)
    error = math.sqrt(pooled * (1 - pooled) * (1 / old_rows + 1 / new_rows))
    return moved >= least and moved > SURE * error


def _value_moved(
    value: str, old: tuple[tuple[str, int], ...], new: tuple[tuple[str, int], ...], rows: tuple[int, int]
) -> bool:
    """A value that is not listed stands in no more rows than the least frequent one that is."""
    counts = [dict(listed).get(value) for listed in (old, new)]
    unlisted = [0 if len(each) < MAX_SET else each[-1][1] for each in (old, new)]
    first, last = (u if c is None else c for c, u in zip(counts, unlisted, strict=True))
    return _has_moved((first, rows[0]), (last, rows[1]), LEAST_SHARE)


def _is_measure(column: ProfiledColumn) -> bool:
    """Whether the size of its values says something: not of times, keys and numbers that only name."""
    names = NUMBERS_THAT_NAME.search(column.name) or column.is_key_candidate
    return column.mean is not None and column.given_count >= LEAST_ROWS and not names


def _moments(column: ProfiledColumn) -> tuple[float, float]:
    return float(column.mean or 0), float(column.deviation or 0)


def _numbers(column: ProfiledColumn) -> list[float] | None:
    try:
        numbers = [float(Decimal(value)) for value in column.quantiles or ()]
    except InvalidOperation:
        return None
    return numbers if numbers and all(map(math.isfinite, numbers)) else None


def _share_below(value: float, quantiles: list[float]) -> float:
    """The share of rows up to a value, on straight lines between the quantiles."""
    if value <= quantiles[0]:
        return QUANTILES[0] if value == quantiles[0] else 0.0
    if value >= quantiles[-1]:
        return QUANTILES[-1] if value == quantiles[-1] else 1.0
    place = next(i for i, quantile in enumerate(quantiles) if quantile >= value)
    low, high = quantiles[place - 1], quantiles[place]
    part = (value - low) / (high - low)
    return QUANTILES[place - 1] + part * (QUANTILES[place] - QUANTILES[place - 1])


def _atoms(column: ProfiledColumn) -> Iterator[str]:
    for value, count in column.top_values or ():
        if count >= ATOM * column.given_count:
            yield value


def _quartiles(column: ProfiledColumn) -> str:
    values = column.quantiles or ()
    return " / ".join(values[place] for place in _QUARTILES)


def _shares(values: list[str], listed: tuple[tuple[str, int], ...], rows: int) -> str:
    """The first of the values with their shares; those that are not there as 0 %."""
    counts = dict(listed)
    named = [f"{value}: {_pct(counts.get(value, 0), rows)}" for value in values[:_NAMED]]
    more = f", and {len(values) - _NAMED} more" if len(values) > _NAMED else ""
    return ", ".join(named) + more


def _pct(count: int, rows: int) -> str:
    return f"{100 * count / rows:.1f} %" if rows else "no rows"
