"""A drafted suite loads, passes on the rows it was drafted from, and takes the place of none."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from etl.discovery.draft import placed, suite_of
from etl.errors import ConfigError
from etl.profiles import KeptProfile
from etl.warehouse.profiles import profile_table
from expectations.gate import judge
from expectations.suites import load_suites
from tests.gate.staging import CATALOG, StagedShop

PERSONAL = ("Ana", "ana1", "secret-mail", "912345678", "Rua 1", "1980")
OBSERVED = "Drafted from run r1 of 2026-05-01"


def test_a_draft_passes_on_its_own_rows(everything: StagedShop, state_dir: Path, tmp_path: Path) -> None:
    drafts = tmp_path / "drafts"
    drafts.mkdir()
    for name in CATALOG.tables:
        text = suite_of(CATALOG.tables[name], _profile(everything, name))
        assert placed(text, None, drafts / f"{name}.yaml").startswith("Wrote")
        assert [secret for secret in PERSONAL if secret in text] == []
    suites = load_suites(drafts)
    assert set(suites) == set(CATALOG.tables)
    for name in CATALOG.parents_first():
        verdict = judge(everything.table(name), everything.database, drafts, state_dir, "run-1").verdict
        assert [(r.rule, r.observed) for r in verdict.results if not r.passed] == []
        assert verdict.is_open


def test_each_rule_says_what_was_seen(everything: StagedShop) -> None:
    text = suite_of(CATALOG.tables["shop.orders"], _profile(everything, "shop.orders"))
    assert text.startswith(f"# {OBSERVED}, for a person to decide; 1,000 rows; yours to sharpen.\n")
    assert text.count("1,000 rows") == 2
    assert "name: order_status_is_known" in text
    assert "value_set: [paid]" in text
    assert text.count("reason:") == text.count("severity:") == text.count("- name:") > 8
    assert text.count(OBSERVED) > text.count("severity: critical")


def test_a_draft_never_takes_the_place_of_a_suite(tmp_path: Path) -> None:
    usual, other = tmp_path / "shop.orders.yaml", tmp_path / "draft.yaml"
    usual.write_text("a person's work", encoding="utf-8")
    assert placed("rules", None, usual).endswith("\nrules")
    assert placed("rules", other, usual).startswith("Wrote")
    with pytest.raises(ConfigError, match="is there already"):
        placed("rules", other, usual)
    assert usual.read_text(encoding="utf-8") == "a person's work"
    assert other.read_text(encoding="utf-8") == "rules"


def _profile(shop: StagedShop, name: str) -> KeptProfile:
    with shop.session() as session:
        columns = profile_table(session, shop.table(name), CATALOG.tables[name], 200_000)
    return KeptProfile("r1", date(2026, 5, 1), tuple(columns))
