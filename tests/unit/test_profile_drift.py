"""What moved beyond chance is told, and chance is not."""

from __future__ import annotations

import math
import random
from collections import Counter
from decimal import Decimal
from statistics import fmean, pstdev
from typing import Any

import pytest

from etl.profile_drift import drifts_between
from etl.profiles import MAX_SET, QUANTILES, ProfiledColumn, names_a_person

STREAMS = 300
COLUMNS = {
    "status": "text",
    "amount": "decimal(12,2)",
    "discount": "decimal(12,2)",
    "pieces": "integer",
    "order_id": "bigint",
    "note": "text",
}


def test_an_unchanged_stream_is_silent() -> None:
    chance = random.Random(11)
    told = 0
    for _ in range(STREAMS):
        first, second = (_stream(chance, chance.randrange(1, 1_500)) for _ in range(2))
        told += bool(drifts_between(first, second))
    assert told <= 0.05 * STREAMS


@pytest.mark.parametrize(
    ("change", "column", "drift"),
    [
        ({"null_share": 0.3}, "note", "null_share"),
        ({"paid": 0.3}, "status", "top_values"),
        ({"factor": 2.5}, "amount", "quantiles"),
        ({"factor": 2.5}, "amount", "mean"),
        ({"repeats": True}, "order_id", "distinct_share"),
    ],
)
def test_a_change_is_found(change: dict[str, Any], column: str, drift: str) -> None:
    chance = random.Random(5)
    found = drifts_between(_stream(chance, 600), _stream(chance, 700, **change))
    assert (column, drift) in {(d.column, d.drift) for d in found}
    assert {d.column for d in found} == {column}


@pytest.mark.parametrize(
    ("name", "kind", "is_told"),
    [
        ("status", "text", True),
        ("counted_at", "timestamp", False),
        ("day", "date", False),
        ("source_file", "text", False),
    ],
)
def test_days_and_files_of_another_run_are_no_drift(name: str, kind: str, is_told: bool) -> None:
    old, new = (_column(name, kind, [value] * 100, 1) for value in ("2026-03-01", "2026-03-02"))
    assert ([d.drift for d in drifts_between([old], [new])] == ["top_values"]) is is_told


def test_shape_is_compared_however_few_rows() -> None:
    old = _column("a", "text", ["x"], 1)
    drifts = drifts_between(
        [old, _column("gone", "date", [None], 2)],
        [_column("a", "uuid", ["x"], 1), _column("b", "text", [], 2)],
    )
    assert [(d.column, d.drift, d.before, d.after) for d in drifts] == [
        ("gone", "column", "date", None),
        ("a", "type", "text", "uuid"),
        ("b", "column", None, "text"),
    ]


def test_few_rows_are_not_enough_for_a_share() -> None:
    assert drifts_between([_column("a", "text", ["x"] * 20, 1)], [_column("a", "text", [None] * 20, 1)]) == []


@pytest.mark.parametrize(
    ("name", "is_personal"),
    [
        *dict.fromkeys(
            ("email", "e_mail", "email_address", "first_name", "phone_e164", "birth_date", "address_line1",
             "manager_name", "date_of_birth", "postal_code", "ip"),
            True,
        ).items(),
        *dict.fromkeys(
            ("product_name", "store_name", "order_id", "shipping_amount", "is_active", "telemetry",
             "description"),
            False,
        ).items(),
    ],
)  # fmt: skip
def test_names_of_personal_columns(name: str, is_personal: bool) -> None:
    assert names_a_person(name) is is_personal


def _stream(
    chance: random.Random,
    rows: int,
    null_share: float = 0.02,
    paid: float = 0.6,
    factor: float = 1.0,
    repeats: bool = False,
) -> list[ProfiledColumn]:
    """Columns of every kind that moves by chance: skewed amounts, many zeros, few and many values."""
    values: dict[str, list[Any]] = {
        "status": ["paid" if chance.random() < paid else chance.choice("abc") for _ in range(rows)],
        "amount": [Decimal(round(factor * chance.lognormvariate(3, 1), 2)) for _ in range(rows)],
        "discount": [
            Decimal(round(chance.expovariate(0.2), 2)) if chance.random() < 0.4 else Decimal(0)
            for _ in range(rows)
        ],
        "pieces": [min(1 + int(chance.expovariate(0.7)), 9) for _ in range(rows)],
        "order_id": [n // 2 if repeats else n for n in range(rows)],
        "note": [None if chance.random() < null_share else str(chance.random()) for _ in range(rows)],
    }
    return [_column(name, kind, values[name], at) for at, (name, kind) in enumerate(COLUMNS.items())]


def _column(name: str, kind: str, values: list[Any], position: int) -> ProfiledColumn:
    given = [value for value in values if value is not None]
    counts = Counter(map(str, given))
    listed = sorted(counts.items(), key=lambda item: (-item[1], item[0]))[:MAX_SET]
    is_number = kind != "text" and bool(given) and not isinstance(given[0], str)
    ordered = sorted(given)
    floats = [float(value) for value in given] if is_number else []
    return ProfiledColumn(
        name=name,
        position=position,
        data_type=kind,
        is_personal=False,
        is_whole=False,
        row_count=len(values),
        sampled_count=len(values),
        null_count=len(values) - len(given),
        distinct_count=len(counts),
        is_key_candidate=len(values) > 1 and len(counts) == len(values),
        mean=Decimal(fmean(floats)) if floats else None,
        deviation=Decimal(pstdev(floats)) if floats else None,
        quantiles=tuple(str(ordered[max(math.ceil(q * len(given)) - 1, 0)]) for q in QUANTILES)
        if floats
        else None,
        top_values=tuple((v, n) for v, n in listed if n > 1 or len(counts) <= MAX_SET) or None,
    )
