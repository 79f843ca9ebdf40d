"""Profiles in plain Python, column by column, to hold those of the warehouse against."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Sequence
from decimal import ROUND_HALF_UP, Decimal, localcontext
from typing import Any

MAX_SET, LONGEST = 20, 60
QUANTILES = ("0.05", "0.25", "0.5", "0.75", "0.95")


def reference(values: Sequence[Any], kind: str) -> dict[str, Any]:
    """What a profile says of the values of one column that is not personal."""
    given = [value for value in values if value is not None]
    counts = Counter(given)
    is_text = kind == "text"
    listed = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    shown = [(_shown(v)[:LONGEST], n) for v, n in listed[:MAX_SET] if n > 1 or len(counts) <= MAX_SET]
    patterns = Counter(_pattern(value) for value in given if is_text)
    said: dict[str, Any] = {
        "sampled_count": len(values),
        "null_count": len(values) - len(given),
        "distinct_count": len(counts),
        "is_key_candidate": len(values) > 1 and len(counts) == len(values) and kind != "boolean",
        "lowest": _shown(min(given))[:LONGEST] if given else None,
        "highest": _shown(max(given))[:LONGEST] if given else None,
        "top_values": tuple(shown) or None,
        "shortest": min(map(len, given), default=None) if is_text else None,
        "longest": max(map(len, given), default=None) if is_text else None,
        "patterns": tuple(sorted(patterns.items(), key=lambda p: (-p[1], p[0])))
        if 0 < len(patterns) <= MAX_SET
        else None,
        "quantiles": None,
        "mean": None,
        "deviation": None,
    }
    if given and kind in ("integer", "decimal"):
        said |= _moments([Decimal(value) for value in given])
    if given and kind in ("integer", "decimal", "timestamp", "date"):
        ordered = sorted(given)
        said["quantiles"] = tuple(_shown(ordered[_place(share, len(given))]) for share in QUANTILES)
    return said


def _place(quantile: str, count: int) -> int:
    return max(math.ceil(Decimal(quantile) * count) - 1, 0)


def _moments(values: list[Decimal]) -> dict[str, Decimal]:
    with localcontext() as context:
        context.prec = 60
        mean = sum(values, Decimal()) / len(values)
        variance = sum(((value - mean) ** 2 for value in values), Decimal()) / len(values)
        places = Decimal("0.000001")
        return {
            "mean": mean.quantize(places, ROUND_HALF_UP),
            "deviation": variance.sqrt().quantize(places, ROUND_HALF_UP),
        }


def _pattern(text: str) -> str:
    return re.sub(r"[0-9]", "9", re.sub(r"[A-Za-z\u0080-\U0010FFFF]", "A", text[:LONGEST]))


def _shown(value: Any) -> str:
    if hasattr(value, "tzinfo"):
        text = f"{value:%Y-%m-%d %H:%M:%S}"
        return text + (f".{value.microsecond:06d}".rstrip("0") if value.microsecond else "") + "+00"
    return str(value).lower() if isinstance(value, bool) else str(value)
