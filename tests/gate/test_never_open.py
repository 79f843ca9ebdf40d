"""A gate that cannot be evaluated is closed, whatever the severity (law Q2)."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from etl.errors import ConfigError, TransientError
from etl.handles import RuleResult, Verdict
from expectations.gate import judge
from expectations.verdicts import DatabaseErrors
from tests.gate.staging import SUITES_DIR, StagedShop

SEVERITIES = ("critical", "warning", "info")
BRANDS = "shop.brands"


def one_rule(folder: Path, **rule: Any) -> Path:
    """A folder whose only suite has one rule, which would pass if nothing stood in its way."""
    folder.mkdir()
    whole = {"name": "the_rule", "reason": "For this test only.", **rule}
    suite = {"table": BRANDS, "description": "Brands.", "rules": [whole]}
    (folder / f"{BRANDS}.yaml").write_text(yaml.safe_dump(suite), encoding="utf-8")
    return folder


def satisfying(predicate: str) -> dict[str, Any]:
    return {
        "type": "expect_rows_to_satisfy",
        "kwargs": {"column_list": ["brand_name", "country_of_origin"], "predicate": predicate, "mostly": 0},
    }


# Combinations of three rows of 2,000, of which so many of the last as are given.
SLOW = (
    "(select count(*) from warehouse.numbers as a cross join warehouse.numbers as b"
    " cross join warehouse.numbers as c where c.n <= {} and a.n + b.n + c.n = 0) is null"
)
# It takes some seconds, and its one row breaks it.
TWO_SECONDS = {"postgresql": "pg_sleep(2) is null", "mysql": SLOW.format(4)}
CANNOT_BE_ASKED: dict[str, tuple[dict[str, Any], str, str]] = {
    "the column is gone": (
        {"type": "expect_column_values_to_not_be_null", "kwargs": {"column": "gone", "mostly": 0}},
        "gone",
        "gone",
    ),
    "the predicate is wrong": (satisfying("brand_name >"), "syntax error", "syntax error"),
    "the predicate fails on a row": (
        satisfying("1 / (_row - _row) > 0"),
        "answered with DivisionByZero",
        "answered with ER_DIVISION_BY_ZERO",
    ),
    "the predicate asks for a logarithm of nothing": (
        satisfying("ln(_row - _row) > 0"),
        "answered with InvalidArgumentForLogarithm",
        # Of which number depends on the server.
        "answered with ER_",
    ),
    "the predicate compares a text with a number": (
        satisfying("brand_name = 5"),
        "operator does not exist",
        "brand_name = 5 puts a number beside a text",
    ),
    "the predicate means something else elsewhere": (
        satisfying("current_query() is null"),
        "3 of 3 rows break it",
        "current_query() has no counterpart in MySQL",
    ),
    "another table is gone": (
        satisfying("brand_name not in (select x from warehouse.dim_gone)"),
        "dim_gone",
        "dim_gone",
    ),
    "it takes too long": (satisfying(SLOW.format(2_000)), "QueryCanceled", "ER_STATEMENT_TIMEOUT"),
    "the measure is of no number": (
        {"type": "expect_column_mean_to_be_between", "kwargs": {"column": "brand_name", "min_value": 0}},
        "operator does not exist",
        "answered with ER_TRUNCATED_WRONG_VALUE",
    ),
    "the expectation raises": (
        {"type": "expect_column_age_hours_to_be_between", "kwargs": {"column": "brand_name", "max_value": 9}},
        "for which instant",
        "for which instant",
    ),
}


@pytest.mark.parametrize(("rule", "postgresql", "mysql"), CANNOT_BE_ASKED.values(), ids=CANNOT_BE_ASKED)
def test_a_rule_that_cannot_be_asked_closes_the_gate_at_every_severity(
    shop: StagedShop, state_dir: Path, tmp_path: Path, rule: dict[str, Any], postgresql: str, mysql: str
) -> None:
    told = {"postgresql": postgresql, "mysql": mysql}[shop.system]
    shop.execute("delete from stg_shop__brands where _row > 3")
    if shop.system == "mysql":
        shop = replace(shop, statement_timeout_seconds=1)
    else:
        shop.execute("alter role current_user set statement_timeout = '500ms'")
    try:
        # What takes as long as it may takes so long whatever its severity.
        for severity in SEVERITIES[2:] if "2000" in str(rule) else SEVERITIES:
            suites = one_rule(tmp_path / severity, severity=severity, **rule)
            judgement = judge(shop.table(BRANDS), shop.database, suites, state_dir, "run-1")

            (result,) = judgement.verdict.results
            if "rows break it" in told:
                assert told in result.observed, "this system knows the words"
                continue
            assert (judgement.verdict.is_open, result.passed, result.checked) == (False, False, False)
            assert told in result.observed
            assert (judgement.failed_rows, judgement.verdict.score_pct) == ({}, 0)
    finally:
        if shop.system == "postgresql":
            shop.execute("alter role current_user reset statement_timeout")


def test_an_error_without_a_text_explains_no_other(shop: StagedShop) -> None:
    errors = DatabaseErrors(shop.database)
    errors.note(shop.database.errors[0](""))
    assert errors.failure_in("a trace of something else") is None


ASKING = {
    "postgresql": "select pid from pg_stat_activity where query like '%%pg_sleep%%' and state = 'active'"
    " and application_name = 'storehouse gate' and datname = current_database()",
    "mysql": "select id from information_schema.processlist"
    " where db = %(schema)s and info like '%%numbers%%'",
}
KILL = {"postgresql": "select pg_terminate_backend({})", "mysql": "kill {}"}


def while_it_judges(shop: StagedShop, state_dir: Path, suites: Path, disturb: str) -> Verdict:
    """The verdict of a judgement that is disturbed by a statement in its middle."""

    asking = ASKING[shop.system]

    def strike() -> None:
        with shop.session() as session:
            for _ in range(600):
                if found := session.single(asking, {"schema": shop.database.schema(shop.schema)}):
                    break
                time.sleep(0.05)
        shop.execute(disturb.format(found))

    striking = threading.Thread(target=strike)
    striking.start()
    try:
        return judge(shop.table(BRANDS), shop.database, suites, state_dir, "run-1").verdict
    finally:
        striking.join()


def test_a_connection_that_is_killed_in_the_middle_is_asked_again_or_told(
    shop: StagedShop, state_dir: Path, tmp_path: Path
) -> None:
    """Killed once, the rule is asked once more, over a new connection; its answer is then the true one."""
    shop.execute("delete from stg_shop__brands where _row > 1")
    suites = one_rule(tmp_path / "suites", severity="info", **satisfying(TWO_SECONDS[shop.system]))

    try:
        verdict = while_it_judges(shop, state_dir, suites, KILL[shop.system])
    except TransientError as error:
        assert "shop.brands" in error.problem
        return
    (result,) = verdict.results
    assert result.unexpected_count == 1, "it is never NULL: the one row breaks the rule"


def test_a_staged_table_that_is_dropped_in_the_middle_closes_the_gate(
    shop: StagedShop, state_dir: Path, tmp_path: Path
) -> None:
    """The row is counted, within the tolerance; when its number is asked for, the table is gone."""
    shop.execute("delete from stg_shop__brands where _row > 1")
    suites = one_rule(tmp_path / "suites", severity="critical", **satisfying(TWO_SECONDS[shop.system]))

    verdict = while_it_judges(shop, state_dir, suites, "drop table stg_shop__brands")

    (result,) = verdict.results
    assert not verdict.is_open
    # Where the table goes before the count is taken, the rule itself cannot be checked.
    assert not result.checked or result.observed == "1 of 1 rows break it; but 0 of them could be named"


def emptied(text: str) -> str:
    return text[: text.index("rules:")] + "rules: []\n"


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (emptied, "rules: is empty"),
        (lambda text: text[: text.index("rules:")], "rules: is missing"),
        (lambda _: "", "file"),
        (lambda text: text.replace("expect_column_values_to_not_be_null", "expect_nothing"), "is not an"),
    ],
    ids=["no rules", "no list of rules", "an empty file", "unknown expectations"],
)
def test_a_suite_that_lost_its_rules_judges_nothing(
    shop: StagedShop, state_dir: Path, suites_dir: Path, change: Callable[[str], str], told: str
) -> None:
    path = suites_dir / f"{BRANDS}.yaml"
    path.write_text(change(path.read_text(encoding="utf-8")), encoding="utf-8")

    with pytest.raises(ConfigError, match=told):
        judge(shop.table(BRANDS), shop.database, suites_dir, state_dir, "run-1")


def test_an_answer_that_lacks_a_rule_is_no_answer(
    shop: StagedShop, state_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Great Expectations logs and drops what it does not know; should it drop a rule, nothing passes."""
    from great_expectations.datasource.fluent.interfaces import Batch

    validate = Batch.validate

    def forgetful(self: Batch, expect: Any, **more: Any) -> Any:
        found = validate(self, expect, **more)
        if hasattr(found, "results"):
            found.results = found.results[1:]
        return found

    monkeypatch.setattr(Batch, "validate", forgetful)

    verdict = judge(shop.table(BRANDS), shop.database, SUITES_DIR, state_dir, "run-1").verdict

    unchecked: list[RuleResult] = [result for result in verdict.results if not result.checked]
    assert (verdict.is_open, len(unchecked)) == (False, 1)
    assert unchecked[0].observed == "could not be checked: it was asked and not answered"
