"""Profiles of staged rows: like a plain reference in any order and parts; nothing of a person in them."""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from etl.catalog import SourceTable
from etl.handles import Run
from etl.profiles import ProfiledColumn, ProfileDrift
from etl.settings import Settings
from etl.warehouse import profiles
from tests.systems import BOTH_SYSTEMS
from tests.warehouse.profile_reference import reference
from tests.warehouse.settling import Row, Settling, plan_of, things

pytestmark = BOTH_SYSTEMS
TEXTS = st.one_of(
    st.sampled_from(["paid", "sent", "", "A-17", "Ärger 5", "ab" * 40, "00", "NA"]),
    st.text(st.characters(exclude_categories=("Cs", "Cc"), exclude_characters="@"), max_size=5),
)
VALUES: dict[str, Any] = {
    "shelf": TEXTS,
    "name": TEXTS,
    "amount": st.decimals("-99.99", "99.99", places=2).map(lambda d: d + 0),
    "quantity": st.integers(-3, 40),
    "at": st.datetimes(datetime(2020, 1, 1), datetime(2030, 1, 1)).map(lambda d: d.replace(tzinfo=UTC)),
    "day": st.dates(date(2020, 1, 1), date(2030, 1, 1)),
}
KINDS = {"amount": "decimal", "quantity": "integer", "at": "timestamp", "day": "date"}
ROWS = st.lists(st.fixed_dictionaries({n: st.none() | v for n, v in VALUES.items()}), max_size=60)
SECRETS = ("zebulon@quackenbush.example", "Zebulon Quackenbush", "+4915112345678", "1971-03-04")
PERSONS = SourceTable.model_validate(
    {
        "name": "persons", "source": "t", "description": "T", "table": "persons", "key": ["id"],
        "columns": {
            "id": {"type": "bigint", "nullable": False},
            "name": {"type": "text", "personal": True},
            "born": {"type": "date", "personal": True},
            "phone": {"type": "text", "personal": True},
            "remark": {"type": "text"},
            "shelf": {"type": "text"},
        },
        "prepare": [{"step": "standardize_phone", "column": "phone", "into": "phone_e164"}],
        "derived": {
            "phone_e164": {"type": "text"},
            "greeting": {"type": "text", "expression": "'Dear ' || name"},
            "is_named": {"type": "boolean", "expression": "name is not null", "personal": False},
        },
    }
)  # fmt: skip


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(rows=ROWS, parts=st.integers(1, 3), batch=st.integers(1, 30), seed=st.randoms(use_true_random=False))
def test_a_profile_equals_the_reference_in_any_order_and_parts(
    settling: Settling, rows: list[Row], parts: int, batch: int, seed: random.Random
) -> None:
    numbered = [{**row, "id": number} for number, row in enumerate(rows)]
    seed.shuffle(numbered)
    profile = profile_of(settling, things(), numbered, batch_rows=batch, parts=parts)
    for name in VALUES:
        expected = reference([row[name] for row in numbered], KINDS.get(name, "text"))
        assert {key: getattr(profile[name], key) for key in expected} == expected, name
    assert profile["id"].is_key_candidate == (len(rows) > 1)
    assert {column.row_count for column in profile.values()} == {len(rows)}


def test_a_sample_is_the_same_rows_in_any_order(settling: Settling) -> None:
    rows = [{"id": n, "quantity": n % 7, "shelf": str(n % 3)} for n in range(4_000)]
    first = profile_of(settling, things(), rows, most_rows=500)
    second = profile_of(settling, things(), rows[::-1], most_rows=500, parts=3, batch_rows=77)
    assert first == second
    assert first["id"].row_count == 4_000
    assert 350 < first["id"].sampled_count < 650
    assert first["shelf"].distinct_count == 3


def test_values_of_persons_are_nowhere(settling: Settling) -> None:
    mail, name, phone, born = SECRETS
    rows = [
        {"id": n, "name": name, "born": date.fromisoformat(born), "phone": phone, "remark": "none",
         "shelf": "a"}
        for n in range(40)
    ]  # fmt: skip
    rows[7]["remark"] = mail
    with settling.run_over([PERSONS]) as (run, warehouse):
        settling.stage(run, PERSONS, rows)
        warehouse.profile(warehouse.settle(plan_of(PERSONS), run), run)
        text = str(settling.query("select * from audit.profiles where run_id = %s", [run.run_id]))
    assert [secret for secret in SECRETS if secret in text] == []
    assert "Dear" not in text and "1971" not in text and "AAAAAAA" not in text
    kept = dict(
        settling.query(
            "select column_name, is_personal from audit.profiles where run_id = %s order by position",
            [run.run_id],
        )
    )
    assert [n for n, is_personal in kept.items() if not is_personal] == ["id", "shelf", "is_named"]
    counts = settling.query(
        "select null_count, distinct_count, shortest, longest, lowest, top_values, patterns"
        " from audit.profiles where run_id = %s and column_name = 'name'",
        [run.run_id],
    )
    assert counts == [(0, 1, len(name), len(name), None, None, None)]


@pytest.mark.parametrize(
    "around", ["{}", "call {} before noon", "Mary <{}>,", "mailto:{}?subject=tills", "a@b {}"]
)
def test_an_address_within_a_text_makes_its_column_personal(settling: Settling, around: str) -> None:
    """Law P2."""
    mail, *_ = SECRETS
    rows: list[Row] = [{"id": n, "remark": "paid @ 3.50", "shelf": "a"} for n in range(40)]
    rows[7]["remark"] = around.format(mail)
    with settling.run_over([PERSONS]) as (run, warehouse):
        settling.stage(run, PERSONS, rows)
        warehouse.profile(warehouse.settle(plan_of(PERSONS), run), run)
        text = str(settling.query("select * from audit.profiles where run_id = %s", [run.run_id]))
        kept = settling.query(
            "select column_name from audit.profiles where run_id = %s and not is_personal order by position",
            [run.run_id],
        )
    assert mail not in text and "paid" not in text
    assert ("shelf",) in kept and ("remark",) not in kept


def test_a_profile_is_kept_and_its_drift_found(settling: Settling) -> None:
    rows: list[Row] = [{"id": n, "quantity": n % 5, "shelf": "ab"[n % 2]} for n in range(400)]
    assert _drifts(settling, rows, "succeeded") == []
    assert _drifts(settling, rows[::-1], "succeeded") == []
    changed: list[Row] = [{**row, "shelf": "c" if row["id"] < 80 else row["shelf"]} for row in rows]
    changed = [{**row, "quantity": None if row["id"] % 4 == 0 else row["quantity"]} for row in changed]
    closed = _drifts(settling, changed, "gate_closed")
    assert {(d.column, d.drift) for d in closed} == {("quantity", "null_share"), ("shelf", "top_values")}
    # A run that published nothing is no measure: the next one is held against the last that did.
    again = _drifts(settling, changed, "succeeded")
    assert again == closed
    assert ProfileDrift("quantity", "null_share", "0.0 %", "25.0 %") in again
    assert _drifts(settling, changed, "succeeded") == []
    assert _drifts(settling, [], "succeeded") == []


def test_no_profile_where_none_is_wanted(settling: Settling) -> None:
    with settling.run_over([things()]) as (run, warehouse):
        settling.stage(run, things(), [{"id": 1}])
        staged = warehouse.settle(plan_of(things()), run)
        warehouse._settings = Settings(_env_file=None, profile_rows=0)  # the test's own warehouse
        assert warehouse.profile(staged, run) == []
    assert settling.query("select count(*) from audit.profiles where run_id = %s", [run.run_id]) == [(0,)]


def profile_of(
    settling: Settling, table: SourceTable, rows: list[Row], most_rows: int = 200_000, **staging: int
) -> dict[str, ProfiledColumn]:
    """Stage rows and profile them; read back as they were kept."""
    with settling.run_over([table]) as (run, warehouse):
        settling.stage(run, table, rows, **staging)
        staged = warehouse.settle(plan_of(table), run)
        with settling.database.session() as session:
            made = profiles.profile_table(session, staged, table, most_rows)
            profiles.keep_profile(session, run, staged, made)
            assert profiles.read_profile(session, run.run_id, staged.table) == made
    return {column.name: column for column in made}


def _drifts(settling: Settling, rows: list[Row], status: str) -> list[ProfileDrift]:
    """A run of a pipeline of this test, which ends so."""
    with settling.run_over([things()]) as (run, warehouse):
        own: Run = replace(run, pipeline="drifting")
        settling.execute("update audit.runs set pipeline = 'drifting' where run_id = %s", [run.run_id])
        settling.stage(run, things(), rows)
        drifts = warehouse.profile(warehouse.settle(plan_of(things()), run), own)
    settling.execute("update audit.runs set status = %s where run_id = %s", [status, run.run_id])
    return drifts
