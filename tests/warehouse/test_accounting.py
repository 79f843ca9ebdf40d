"""Law R3: rows in = loaded + quarantined + rejected + dropped, for random rows and random rules."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from etl.handles import TableOutcome
from etl.settings import Settings
from tests.conftest import fresh_warehouse
from tests.systems import BOTH_SYSTEMS
from tests.warehouse.judging import ODD, Cut, Judging, Outcome, Row

pytestmark = BOTH_SYSTEMS
EXAMPLES = max(int(os.environ.get("ETL_TEST_EXAMPLES", "500")) // 40, 5)
PARENTS, CHILDREN = "s.parents", "s.children"
BAD_AMOUNTS = ("x", "1.005", "123456.00", "NaN", "")


@dataclass(frozen=True)
class Kind:
    """A kind of rule: its expectation, and in plain Python which of some rows break it.

    Attributes:
        breaks: (rows, staged parents) -> for each row whether it breaks the rule.
        skips_null: Column whose NULLs are no part of the share that ``mostly`` speaks of.
    """

    type: str
    kwargs: dict[str, Any]
    breaks: Callable[[list[Row], list[Row]], list[bool]]
    skips_null: str | None = None


def _predicate(rest: int) -> Kind:
    return Kind(
        "expect_rows_to_satisfy",
        {"column_list": ["id", ODD], "predicate": f"n % 3 != {rest}"},
        lambda rows, _: [row["n"] is not None and int(row["n"]) % 3 == rest for row in rows],
    )


def _between(least: int) -> Kind:
    return Kind(
        "expect_column_values_to_be_between",
        {"column": "n", "min_value": least},
        lambda rows, _: [row["n"] is not None and int(row["n"]) < least for row in rows],
        skips_null="n",
    )


def _known_amounts(rows: list[Row], others: list[Row]) -> list[bool]:
    known = {row["n"] for row in others}
    return [row["n"] is not None and row["n"] not in known for row in rows]


def _repeats(rows: list[Row], _: list[Row]) -> list[bool]:
    times = Counter(row["n"] for row in rows)
    return [row["n"] is not None and times[row["n"]] > 1 for row in rows]


KINDS = st.one_of(
    st.integers(0, 2).map(_predicate),
    st.integers(0, 6).map(_between),
    st.just(
        Kind(
            "expect_column_values_to_not_be_null",
            {"column": "amount"},
            lambda rows, _: [row["amount"] is None for row in rows],
        )
    ),
    st.just(Kind("expect_column_values_to_be_unique", {"column": "n"}, _repeats, skips_null="n")),
    st.just(
        Kind(
            "expect_column_values_to_exist_in",
            {"column": "n", "candidates": [{"relation": "stg_s__parents", "column": "n"}]},
            _known_amounts,
            skips_null="n",
        )
    ),
)
RULES = st.lists(
    st.tuples(
        KINDS,
        st.sampled_from(["critical", "critical", "warning", "info"]),
        st.sampled_from([0, 0.25, 0.5, 0.75, 1]),
    ),
    min_size=1,
    max_size=5,
)
SMALL = st.none() | st.integers(0, 7).map(str)
ROWS = st.lists(
    st.fixed_dictionaries(
        {
            "id": st.none() | st.integers(1, 30).map(str),
            "n": SMALL,
            "amount": st.none() | st.sampled_from(["1.5", "2.00", "7"]) | st.sampled_from(BAD_AMOUNTS),
            "is_dropped": st.integers(0, 9).map(lambda n: n == 0),
            "parent_id": st.none() | st.integers(1, 30).map(str),
            "copies": st.sampled_from([1, 1, 1, 1, 2, 3]),
        }
    ),
    max_size=30,
)
CUTS = st.builds(Cut, st.sampled_from([1, 2, 5]), st.sampled_from([1, 4, 1000]))


@dataclass
class Expected:
    """What must become of one table, by the book."""

    extracted: int = 0
    rejected: Counter[str | None] = field(default_factory=Counter)
    rejected_ids: set[str | None] = field(default_factory=set)
    held: Counter[tuple[str, tuple[str, ...]]] = field(default_factory=Counter)
    judged: list[Row] = field(default_factory=list)
    broken: dict[str, int] = field(default_factory=dict)
    blamed: int = 0
    is_open: bool = True
    kept: list[Row] = field(default_factory=list)


@pytest.fixture(scope="module")
def judging(
    system: str, request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Judging]:
    """A warehouse for all examples."""
    folder = tmp_path_factory.mktemp("judging")
    for url in fresh_warehouse(system, request):
        yield Judging(url, Settings(_env_file=None, state_dir=folder, warehouse_url=url), folder)


@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck))
@given(parents=ROWS, children=ROWS, rules=st.tuples(RULES, RULES), cut=CUTS)
def test_every_row_is_accounted_for_whatever_the_rows_and_the_rules(
    judging: Judging, parents: list[Any], children: list[Any], rules: Any, cut: Cut
) -> None:
    rows = {PARENTS: written(parents), CHILDREN: written(children)}
    suites = {
        table: [told(n, *rule) for n, rule in enumerate(of)] for table, of in zip(rows, rules, strict=True)
    }
    done = judging.run(rows, suites, cut)
    first, second = by_the_book(rows, rules)
    is_open = first.is_open and second.is_open
    assert (done.release is not None) == is_open
    for table, expected in ((PARENTS, first), (CHILDREN, second)):
        assert_verdict(done, table, expected)
        if is_open:
            assert_accounted(done, table, expected)
        else:
            assert (done.held[table], done.rejected[table], done.loaded[table]) == (Counter(),) * 3


def assert_verdict(done: Outcome, table: str, expected: Expected) -> None:
    """Each rule counted what breaks it, and the gate did what they say."""
    verdict = done.verdicts[table]
    assert verdict.row_count == len(expected.judged)
    assert {r.rule: r.unexpected_count or 0 for r in verdict.results} == expected.broken
    assert verdict.is_open == expected.is_open
    assert verdict.quarantined_count == (expected.blamed if expected.is_open else 0)


def assert_accounted(done: Outcome, table: str, expected: Expected) -> None:
    """Every row is in one place, with all its rules; the sums of the release are theirs."""
    assert done.held[table] == expected.held
    assert done.rejected[table] == expected.rejected
    assert done.loaded[table] == Counter(str(row[ODD]) for row in expected.kept)
    assert done.release is not None
    (source,) = [o for o in done.release.outcomes if o.name == table and o.role == "source"]
    assert _loaded(source) == len(expected.kept)
    assert (source.rejected, source.quarantined) == (expected.rejected.total(), expected.held.total())
    accounted = _loaded(source) + source.rejected + source.quarantined + source.dropped
    assert source.extracted == expected.extracted == accounted


def _loaded(source: TableOutcome) -> int:
    return source.inserted + source.updated + source.unchanged


def written(drawn: Sequence[dict[str, Any]]) -> list[Row]:
    """Rows as a source tells them; copies are equal in everything, ``ODD`` tells all others apart."""
    rows: list[Row] = []
    for number, row in enumerate(drawn):
        one = {name: row[name] for name in ("id", "n", "amount", "parent_id")}
        one[ODD] = None if row["is_dropped"] else f"row {number}"
        rows += [one] * row["copies"]
    return rows


def told(number: int, kind: Kind, severity: str, mostly: float) -> dict[str, Any]:
    """A rule as the suite has it."""
    kwargs = {**kind.kwargs, "mostly": mostly}
    return {"name": f"rule_{number}", "type": kind.type, "kwargs": kwargs, "severity": severity}


def by_the_book(rows: dict[str, list[Row]], rules: Any) -> tuple[Expected, Expected]:
    """What becomes of both tables, in plain Python: parents before their children (law Q2)."""
    first, second = settle(rows[PARENTS]), settle(rows[CHILDREN])
    judge(first, rules[0], first.judged)
    ids = {str(row[ODD]): row["id"] for row in rows[PARENTS]}
    held = {ids[text] for text, _ in first.held} | first.rejected_ids
    staged = {row["id"] for row in first.kept}
    follow(second, held - {None}, staged)
    judge(second, rules[1], first.kept)
    return first, second


def follow(children: Expected, held: set[str | None], staged: set[str | None]) -> None:
    """Children of parents that are held back follow them; those of parents that nobody read are dropped."""
    left = []
    for row in children.judged:
        if row["parent_id"] in held:
            children.held[str(row[ODD]), ("parent_is_held_back",)] += 1
        elif row["parent_id"] is None or row["parent_id"] in staged:
            left.append(row)
    children.judged = left


def settle(rows: list[Row]) -> Expected:
    """Rejected, dropped by the step, without a key, in conflict, or once too often."""
    done = Expected(extracted=len(rows))
    good = []
    for row in rows:
        if row["amount"] in BAD_AMOUNTS:
            done.rejected[row[ODD]] += 1
            done.rejected_ids.add(row["id"])
        elif row[ODD] is not None:
            good.append(row)
    by_key: dict[str, list[Row]] = {}
    for row in good:
        if row["id"] is None:
            done.held[str(row[ODD]), ("key_is_missing",)] += 1
        else:
            by_key.setdefault(row["id"], []).append(row)
    for same in by_key.values():
        if any(row != same[0] for row in same):
            done.held.update((str(row[ODD]), ("duplicates_conflict",)) for row in same)
        else:
            done.judged.append(same[0])
    return done


def judge(done: Expected, rules: Any, parents: list[Row]) -> None:
    """Which rows break which rules, and what the gate does."""
    blamed: dict[int, list[str]] = {}
    for number, (kind, severity, mostly) in enumerate(rules):
        breaks = kind.breaks(done.judged, parents)
        done.broken[f"rule_{number}"] = sum(breaks)
        asked = sum(1 for row in done.judged if kind.skips_null is None or row[kind.skips_null] is not None)
        holds = not asked or (asked - sum(breaks)) / asked >= mostly
        if severity == "critical":
            done.is_open = done.is_open and holds
            for place in (place for place, is_broken in enumerate(breaks) if is_broken):
                blamed.setdefault(place, []).append(f"rule_{number}")
    done.blamed = len(blamed)
    done.kept = list(done.judged)
    if done.is_open:
        done.held.update((str(done.judged[place][ODD]), tuple(names)) for place, names in blamed.items())
        done.kept = [row for place, row in enumerate(done.judged) if place not in blamed]
