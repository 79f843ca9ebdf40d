"""What whole-table steps should come to, by the book: fractions, no batches, no SQL."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from datetime import date
from decimal import Decimal
from fractions import Fraction
from math import floor
from typing import Any

Row = dict[str, Any]


def fill(rows: list[Row], column: str, by: str, method: str) -> None:
    """Replace None by mean, median or mode of the rows of the same group."""
    ways: dict[str, Callable[[list[Any]], Any]] = {
        "mean": lambda values: sum(map(Fraction, values)) / len(values),
        "median": lambda values: (
            (Fraction(values[(len(values) - 1) // 2]) + Fraction(values[len(values) // 2])) / 2
        ),
        "mode": lambda values: min(values, key=lambda value: (-Counter(values)[value], value)),
    }
    known: dict[Any, list[Any]] = {}
    for row in rows:
        if row[column] is not None:
            known.setdefault(row[by], []).append(row[column])
    for row in rows:
        if row[column] is None and row[by] in known:
            found = ways[method](sorted(known[row[by]]))
            row[column] = rounded(found, 2) if isinstance(found, Fraction) else found


def flag(rows: list[Row], column: str, into: str, method: str, threshold: Fraction) -> None:
    """Say which numbers lie outside of all."""
    values = sorted(Fraction(row[column]) for row in rows if row[column] is not None)
    for row in rows:
        value = row[column]
        row[into] = None if value is None else _is_far(Fraction(value), values, method, threshold)


def deduplicate(rows: list[Row], alike: Callable[[Row, Row], bool], order: Callable[[Row], Any]) -> list[Row]:
    """Keep the first of each cluster and fill its gaps from the others."""
    clusters: list[list[Row]] = []
    for row in rows:
        near = [cluster for cluster in clusters if any(alike(row, other) for other in cluster)]
        clusters = [cluster for cluster in clusters if cluster not in near]
        clusters.append([row, *(other for cluster in near for other in cluster)])
    kept = []
    for cluster in clusters:
        first, *others = sorted(cluster, key=order)
        for other in others:
            for name, value in other.items():
                if first[name] is None:
                    first[name] = value
        kept.append(first)
    return kept


def similarity(left: str, right: str) -> Fraction:
    """1 - edit distance / length of the longer text."""
    lengths = list(range(len(right) + 1))
    for place, sign in enumerate(left, 1):
        before, lengths[0] = lengths[0], place
        for other, its in enumerate(right, 1):
            cost = min(lengths[other] + 1, lengths[other - 1] + 1, before + (sign != its))
            before, lengths[other] = lengths[other], cost
    longest = max(len(left), len(right))
    return 1 - Fraction(lengths[-1], longest) if longest else Fraction(1)


def convert(
    rows: Iterable[Row], quotations: dict[tuple[date, str], Decimal], to: str
) -> tuple[list[Row], dict[int, list[str]]]:
    """Rows with amount_usd and rate, and the rules under which the others wait."""
    good, waiting = [], {}
    for row in rows:
        known = row["currency"] in {"EUR", to, *(code for _, code in quotations)}
        legs = [_quotation(quotations, code, row["day"], to) for code in (row["currency"], to)]
        if row["currency"] == to:
            legs = [Fraction(1), Fraction(1)]
        rate = legs[1] / legs[0] if legs[0] and legs[1] and known else None
        if row["amount"] is not None and rate is None:
            waiting[row["id"]] = ["rate_is_missing" if known else "currency_is_unknown"]
            continue
        amount = None if row["amount"] is None or rate is None else rounded(Fraction(row["amount"]) * rate, 2)
        good.append({**row, "amount_usd": amount, "rate": None if rate is None else rounded(rate, 8)})
    return good, waiting


def rounded(value: Fraction, digits: int) -> Decimal:
    """Halves go away from zero."""
    steps = floor(abs(value) * 10**digits + Fraction(1, 2))
    return Decimal(steps if value >= 0 else -steps).scaleb(-digits)


def _is_far(value: Fraction, values: list[Fraction], method: str, threshold: Fraction) -> bool:
    if method == "iqr":
        low, high = (_quantile(values, Fraction(n, 4)) for n in (1, 3))
        return value < low - threshold * (high - low) or value > high + threshold * (high - low)
    if len(values) < 2:
        return False
    mean = sum(values) / len(values)
    variance = sum((other - mean) ** 2 for other in values) / (len(values) - 1)
    return variance > 0 and (value - mean) ** 2 > threshold**2 * variance


def _quantile(values: list[Fraction], share: Fraction) -> Fraction:
    place = share * (len(values) - 1)
    below = values[floor(place)]
    above = values[min(floor(place) + 1, len(values) - 1)]
    return below + (place - floor(place)) * (above - below)


def _quotation(
    quotations: dict[tuple[date, str], Decimal], code: str | None, day: date | None, to: str
) -> Fraction | None:
    if code == "EUR":
        return Fraction(1)
    if day is None:
        return None
    ages = {(day - on).days: rate for (on, other), rate in quotations.items() if other == code}
    young = [age for age in ages if 0 <= age <= 7]
    return Fraction(ages[min(young)]) if young else None
