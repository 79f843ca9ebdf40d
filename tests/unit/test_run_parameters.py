"""What is kept of a run's parameters: JSON, short, without secrets (law P2)."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, SecretStr

from tasks.run_parameters import HIDDEN, LONGEST_TEXT, MOST_VALUES, recorded


class _Asked(BaseModel):
    since: date
    given: SecretStr


@pytest.mark.parametrize(
    ("name", "value", "kept"),
    [
        ("business_date", date(2026, 3, 1), "2026-03-01"),
        ("at", datetime(2026, 3, 1, tzinfo=UTC), "2026-03-01T00:00:00+00:00"),
        ("full_refresh", True, True),
        ("parallel", 4, 4),
        ("share", float("nan"), "nan"),
        ("limit", Decimal("1.50"), "1.50"),
        ("where", Path("/srv"), "/srv"),
        ("tables", ("shop.orders", "shop.customers"), ["shop.orders", "shop.customers"]),
        ("nothing", None, None),
        ("password", "hunter2", HIDDEN),
        ("crm_api_key", 1234, HIDDEN),
        ("tokens", ["a", "b"], HIDDEN),
        ("nested", {"client_secret": "x", "region": "EU"}, {"client_secret": HIDDEN, "region": "EU"}),
        ("source", "mysql://etl:hunter2@db.example:3306/crm", f"mysql://{HIDDEN}@db.example:3306/crm"),
        ("given", SecretStr("hunter2"), "**********"),
        (
            "asked",
            _Asked(since=date(2026, 3, 1), given=SecretStr("hunter2")),
            {"since": "2026-03-01", "given": "**********"},
        ),
        ("text", "a\0b", "a\N{REPLACEMENT CHARACTER}b"),
        ("text", "a\ud800b", "a?b"),
        (
            "keys",
            ("17", "2026-03-01T10:00:00Z", "ana@mail.test", '["Ana", 4]'),
            ["17", "2026-03-01T10:00:00Z", HIDDEN, HIDDEN],
        ),
        ("keys", (17,), [17]),
    ],
)
def test_a_parameter_is_kept_as_json_without_secrets(name: str, value: Any, kept: Any) -> None:
    assert recorded({name: value}) == {name: kept}


def test_long_texts_and_lists_are_cut_and_say_so() -> None:
    kept = recorded({"text": "x" * 10_000, "keys": list(range(1_000))})
    assert kept["text"] == "x" * LONGEST_TEXT + "…"
    assert kept["keys"][-2:] == [MOST_VALUES - 1, "… and 900 more"]


_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.dates() | st.binary(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)


@given(st.dictionaries(st.text(max_size=8), _VALUES, max_size=4))
def test_anything_can_be_kept(parameters: dict[str, Any]) -> None:
    text = json.dumps(recorded(parameters), allow_nan=False)
    assert "\\u0000" not in text
