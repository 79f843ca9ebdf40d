"""Suites are whole, and a wrong one is refused before anything is judged (law Q1)."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from etl.errors import ConfigError
from expectations.rules import BUSINESS_RULES
from expectations.suites import load_suites
from expectations.vocabulary import known_types
from tests.gate.staging import CATALOG, SUITES_DIR, is_read_whole

BRANDS = """\
table: shop.brands
description: Brands.
rules:
  - name: brand_name_is_given
    type: expect_column_values_to_not_be_null
    kwargs: {column: brand_name}
    severity: critical
    reason: The name is the key of the table.
"""


def test_every_catalog_table_has_a_suite_and_every_suite_a_table() -> None:
    assert set(load_suites(SUITES_DIR)) == set(CATALOG.tables)


def test_every_rule_has_a_severity_and_a_reason() -> None:
    for suite in load_suites(SUITES_DIR).values():
        for rule in suite.rules:
            assert rule.severity in ("critical", "warning", "info"), suite.place_of(rule)
            assert len(rule.reason) > 20, suite.place_of(rule)


def test_every_tolerance_is_told_in_its_reason() -> None:
    """``mostly: 0.95`` bears 1 row in 20, and the reason says why so many (law Q1)."""
    for suite in load_suites(SUITES_DIR).values():
        for rule in suite.rules:
            mostly = rule.kwargs.get("mostly", 1)
            if mostly < 1:
                assert f"1 in {round(1 / (1 - mostly)):,}" in rule.reason, suite.place_of(rule)


def test_every_suite_counts_rows_and_guards_key_and_grain() -> None:
    for name, suite in load_suites(SUITES_DIR).items():
        table = CATALOG.tables[name]
        guards = [(r.type, r.kwargs.get("column", r.kwargs.get("column_list"))) for r in suite.rules]
        grain = table.grain[0] if len(table.grain) == 1 else list(table.grain)
        unique = "expect_column_values" if len(table.grain) == 1 else "expect_compound_columns"
        assert ("expect_table_row_count_to_be_between", None) in guards, name
        assert (f"{unique}_to_be_unique", grain) in guards, name
        for key in table.key:
            assert ("expect_column_values_to_not_be_null", key) in guards, name


def test_only_tables_that_are_read_whole_must_have_rows() -> None:
    for name, suite in load_suites(SUITES_DIR).items():
        kinds = [r for r in suite.rules if r.type == "expect_table_row_count_to_be_between"]
        (count,) = (r for r in kinds if r.history is None)
        expected = (1, "critical") if is_read_whole(CATALOG.tables[name]) else (0, "info")
        assert (count.kwargs["min_value"], count.severity) == expected, name


def test_rules_name_staged_columns_only() -> None:
    for name, suite in load_suites(SUITES_DIR).items():
        columns = CATALOG.tables[name].staged_columns
        for rule in suite.rules:
            named = [rule.kwargs.get(key) for key in ("column", "column_A", "column_B")]
            for column in filter(None, [*named, *rule.kwargs.get("column_list", [])]):
                assert column in columns, f"{suite.place_of(rule)}: {column}"


def test_tables_that_are_not_of_the_run_are_named_with_their_schema() -> None:
    """Not every system looks for names in several schemas."""
    for suite in load_suites(SUITES_DIR).values():
        for rule in suite.rules:
            for candidate in rule.kwargs.get("candidates", []):
                name = candidate["relation"]
                assert name.startswith(("stg_", "warehouse.")), f"{suite.place_of(rule)}: {name}"


def test_every_business_rule_is_used() -> None:
    used = {r.kwargs.get("business_rule") for s in load_suites(SUITES_DIR).values() for r in s.rules}
    assert set(BUSINESS_RULES) == used - {None}


def test_great_expectations_knows_every_word_of_the_vocabulary() -> None:
    from great_expectations.expectations.registry import (
        list_registered_expectation_implementations,
    )

    import expectations.measures  # registers, at the cost of importing the library
    import expectations.row_rules  # noqa: F401  imported for what it registers

    assert set(known_types()) <= set(list_registered_expectation_implementations())


def test_loading_suites_does_not_import_great_expectations() -> None:
    code = (
        "import sys; from pathlib import Path; from expectations.suites import load_suites; "
        f"load_suites(Path({str(SUITES_DIR)!r})); sys.exit('great_expectations' in sys.modules)"
    )
    assert (
        subprocess.run([sys.executable, "-c", code], check=False, cwd=SUITES_DIR.parent.parent).returncode
        == 0
    )


NOT_NULL = "expect_column_values_to_not_be_null"
WRONG = {
    "unknown expectation": (
        (NOT_NULL, "expect_column_values_to_not_be_nul"),
        5,
        "rule 'brand_name_is_given': expect_column_values_to_not_be_nul is not an expectation; "
        f"did you mean '{NOT_NULL}'?",
    ),
    "bad severity": (("severity: critical", "severity: fatal"), 7, "'critical', 'warning' or 'info'"),
    "misspelt kwarg": (
        ("{column: brand_name}", "{colum: brand_name}"),
        6,
        f"colum is not a kwarg of {NOT_NULL}; did you mean 'column'?",
    ),
    "missing kwarg": (("{column: brand_name}", "{}"), 6, "'column' is a required property"),
    "kwarg out of range": (
        ("brand_name}", "brand_name, mostly: 95}"),
        6,
        "kwargs.mostly: 95 is greater than the maximum of 1",
    ),
    "parameter": (("{column: brand_name}", "{column: {$PARAMETER: c}}"), 6, "$PARAMETER is evaluated"),
    "missing reason": (
        ("    reason: The name is the key of the table.\n", ""),
        4,
        "rule 'brand_name_is_given': reason: is missing",
    ),
    "misspelt field": (("reason: The", "reasn: The"), 8, "reasn: is not a field; did you mean 'reason'?"),
    "other table": (("shop.brands", "shop.brand"), 1, "the file is named for shop.brands"),
    "field twice": (("    severity", "    severity: info\n    severity"), 8, "a second time"),
    "no yaml": (("rules:", "rules: {"), None, "is not valid YAML"),
    "no rules": (("rules:", "rules: []\nmore:"), 3, "rules: is empty"),
}


@pytest.mark.parametrize(("change", "line", "told"), WRONG.values(), ids=WRONG)
def test_a_wrong_suite_is_refused_with_file_and_line(
    tmp_path: Path, change: tuple[str, str], line: int | None, told: str
) -> None:
    path = tmp_path / "shop.brands.yaml"
    assert change[0] in BRANDS
    path.write_text(BRANDS.replace(*change), encoding="utf-8")

    with pytest.raises(ConfigError) as error:
        load_suites(tmp_path)

    assert f"{path}:{line}: " in error.value.problem if line else str(path) in error.value.problem
    assert told in error.value.problem
    assert "docs/quality.md" in error.value.remedy


def test_two_rules_of_one_name_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "shop.brands.yaml"
    path.write_text(BRANDS + BRANDS.split("rules:\n")[1], encoding="utf-8")

    with pytest.raises(
        ConfigError, match=r"shop\.brands\.yaml:9: .*another rule of this suite has the same name"
    ):
        load_suites(tmp_path)


def test_all_that_is_wrong_in_a_file_is_told_at_once(tmp_path: Path) -> None:
    path = tmp_path / "shop.brands.yaml"
    path.write_text(
        BRANDS.replace("critical", "fatal").replace("description: Brands.\n", ""), encoding="utf-8"
    )

    with pytest.raises(ConfigError) as error:
        load_suites(tmp_path)

    assert len(error.value.problem.splitlines()) == 2


def test_a_suite_is_read_again_after_it_was_mended(tmp_path: Path) -> None:
    path = tmp_path / "shop.brands.yaml"
    path.write_text(BRANDS, encoding="utf-8")
    assert load_suites(tmp_path)["shop.brands"].rules[0].severity == "critical"

    path.write_text(BRANDS.replace("critical", "info"), encoding="utf-8")

    assert load_suites(tmp_path)["shop.brands"].rules[0].severity == "info"


def test_a_folder_without_suites_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="holds no suites"):
        load_suites(tmp_path)
