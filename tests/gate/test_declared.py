"""Rules that follow from the catalog: columns, types and what may not be NULL (law Q1)."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from etl.handles import RuleResult, TablePlan, Verdict
from etl.windows import Window
from expectations.declared import declared_rules
from expectations.gate import build_docs, judge
from expectations.suites import load_suites
from tests.gate.staging import CATALOG, SUITES_DIR, StagedShop
from tests.systems import SYSTEMS


def judged(shop: StagedShop, table: str, state_dir: Path, **changed: Any) -> Verdict:
    staged = replace(shop.table(table), **changed)
    return judge(staged, shop.database, SUITES_DIR, state_dir, "run-1", shop.terms(table)).verdict


def declared_of(verdict: Verdict) -> dict[str, RuleResult]:
    return {r.rule: r for r in verdict.results if r.rule.startswith("declared_")}


OTHER_TYPES = {
    "postgresql": (
        "alter column region type varchar(20), alter column store_id type numeric(10, 0)",
        "region: is varchar(20) and not text; store_id: is numeric(10,0) and not bigint",
    ),
    "mysql": (
        "modify region varchar(20), modify store_id decimal(10, 0)",
        "region: is varchar(20) and not longtext or varchar(255); "
        "store_id: is decimal(10,0) and not bigint or bigint(20)",
    ),
}
OTHER_TIMES = {
    "postgresql": (
        "alter column updated_at type timestamp",
        "updated_at: is timestamp without time zone and not timestamp with time zone",
    ),
    "mysql": ("modify updated_at datetime", "updated_at: is datetime and not datetime(6)"),
}


@pytest.mark.parametrize(
    "changes",
    [
        dict.fromkeys(SYSTEMS, ("drop column region", "region: is missing")),
        {
            "postgresql": ("add column extra integer", "extra: is not declared (integer)"),
            "mysql": ("add column extra integer", "extra: is not declared (integer(11))"),
        },
        OTHER_TYPES,
        OTHER_TIMES,
    ],
    ids=["missing", "added", "other types", "other times"],
)
def test_columns_that_differ_from_the_declaration_close_the_gate(
    shop: StagedShop, state_dir: Path, changes: dict[str, tuple[str, str]]
) -> None:
    change, told = changes[shop.system]
    shop.execute(f"alter table stg_shop__stores {change}")

    verdict = judged(shop, "shop.stores", state_dir)

    result = declared_of(verdict)["declared_columns"]
    assert not verdict.is_open
    assert (result.passed, result.checked, result.severity, result.observed) == (
        False,
        True,
        "critical",
        told,
    )


def test_every_table_of_the_catalog_is_as_declared(everything: StagedShop, state_dir: Path) -> None:
    for table in CATALOG.tables:
        declared = declared_of(judged(everything, table, state_dir))

        assert [r.observed for r in declared.values() if not r.passed] == []
        assert declared["declared_columns"].observed == "as declared"


def test_each_column_that_may_not_be_null_is_asked_for_once() -> None:
    for name, suite in load_suites(SUITES_DIR).items():
        table = CATALOG.tables[name]
        rules = [*suite.rules, *declared_rules(table, suite)]
        asked = [
            rule.kwargs["column"]
            for rule in rules
            if rule.type == "expect_column_values_to_not_be_null" and "mostly" not in rule.kwargs
        ]
        assert len(asked) == len(set(asked)), name
        assert {column for column in table.staged_columns if not table.may_be_null(column)} <= set(asked), (
            name
        )
        assert len({rule.name for rule in rules}) == len(rules), name


def test_a_value_that_the_catalog_wants_is_missed(shop: StagedShop, state_dir: Path) -> None:
    shop.execute("update stg_shop__orders set tax_amount = null where _row = 5")

    verdict = judged(shop, "shop.orders", state_dir)

    result = declared_of(verdict)["declared_tax_amount_is_given"]
    assert (verdict.is_open, result.passed, result.unexpected_count) == (False, False, 1)


def test_a_column_that_the_source_may_lack_is_not_asked_for(shop: StagedShop, state_dir: Path) -> None:
    """Its values carry forward (law S6); the policy of the table let it pass (law X12)."""
    shop.execute("update stg_shop__orders set shipping_amount = null, total_amount = total_amount")
    plan = TablePlan("shop.orders", None, Window(), "2024-05-01 12:00:00.000000", False, ("shipping_amount",))

    declared = declared_of(judged(shop, "shop.orders", state_dir, plan=plan))

    assert "declared_tax_amount_is_given" in declared
    assert "declared_shipping_amount_is_given" not in declared


def test_names_of_columns_that_are_no_names_of_rules_are_told_apart() -> None:
    stores = CATALOG.tables["shop.stores"]
    column = stores.columns["store_id"]
    odd = stores.model_copy(
        update={"columns": {"Größe": column, "Gr_e": column, "gr e": column}, "derived": {}}
    )

    names = [rule.name for rule in declared_rules(odd, load_suites(SUITES_DIR)["shop.stores"])]

    assert len(set(names)) == 4


def test_pages_tell_them_from_the_rules_of_the_suite(shop: StagedShop, state_dir: Path) -> None:
    verdict = judged(shop, "shop.orders", state_dir)
    build_docs(state_dir, SUITES_DIR)

    assert verdict.docs_page is not None
    page = (state_dir / "data_docs" / verdict.docs_page).read_text(encoding="utf-8")
    assert "CRITICAL: columns and types are those that the catalog declares" in page
    assert "CRITICAL: tax_amount is given, as the catalog declares" in page
