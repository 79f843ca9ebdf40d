"""The gate on staged tables in a real warehouse: what opens it, what closes it, whom it blames (law Q2)."""

from __future__ import annotations

import json
import re
import socket
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from etl.errors import ConfigError, TransientError
from etl.handles import RuleResult
from expectations.asked import Terms
from expectations.gate import Judgement, build_docs, judge
from expectations.result_store import prune_results
from tests.gate.staging import CATALOG, SHOP, SUITES_DIR, StagedShop, is_read_whole
from tests.systems import ON_POSTGRESQL


def judged(
    shop: StagedShop, table: str, state_dir: Path, suites_dir: Path = SUITES_DIR, **more: Any
) -> Judgement:
    more = {"terms": shop.terms(table), **more}
    return judge(shop.table(table), shop.database, suites_dir, state_dir, "run-1", **more)


def result(judgement: Judgement, rule: str) -> RuleResult:
    return next(r for r in judgement.verdict.results if r.rule == rule)


def with_rule(suites_dir: Path, table: str, **rule: Any) -> Path:
    """Add one rule to a suite of the test's own."""
    path = suites_dir / f"{table}.yaml"
    suite = yaml.safe_load(path.read_text(encoding="utf-8"))
    suite["rules"].append(
        {"name": "added_rule", "severity": "critical", "reason": "For this test only.", **rule}
    )
    path.write_text(yaml.safe_dump(suite), encoding="utf-8")
    return suites_dir


def test_sound_tables_pass_with_full_marks(everything: StagedShop, state_dir: Path) -> None:
    for table in CATALOG.parents_first():
        judgement = judged(everything, table, state_dir)

        assert [r.observed for r in judgement.verdict.results if not r.passed] == []
        assert judgement.verdict.is_open
        assert judgement.verdict.score_pct == 100
        assert judgement.failed_rows == {}
        assert judgement.verdict.row_count == (2_000 if table == "shop.order_items" else 1_000)


def test_empty_windows_pass_and_empty_whole_tables_do_not(everything: StagedShop, state_dir: Path) -> None:
    for table in CATALOG.tables.values():
        everything.execute(f"truncate {table.relation}")

    is_open = {name: judged(everything, name, state_dir).verdict.is_open for name in CATALOG.tables}

    assert is_open == {name: not is_read_whole(table) for name, table in CATALOG.tables.items()}


BREAKS: dict[str, tuple[str, str | dict[str, int | list[int]]]] = {
    "drop.stock_csv": (
        "counted_at = case _row when 1 then timestamp '2024-05-01 10:01:00' else counted_at end,"
        " on_hand_quantity = case _row when 2 then -1 else on_hand_quantity end",
        {"counted_at_is_a_full_hour": [1], "on_hand_is_not_negative": [2]},
    ),
    "analytics.sessions": (
        "ended_at = case _row when 3 then started_at - interval '1' second else ended_at end",
        {"ended_after_started": [3]},
    ),
    "analytics.page_views": (
        "page_type = case _row when 4 then 'popup' else page_type end,"
        " viewed_at = case _row when 5 then viewed_at - interval '1' day else viewed_at end",
        # The page that was moved, and the one of the session that ends before it starts.
        {"page_type_is_known": [4], "viewed_within_its_session": 2},
    ),
    "analytics.conversions": (
        "revenue_amount = case _row when 6 then -1 else revenue_amount end,"
        " session_id = case _row when 7 then 'gone' else session_id end",
        {"revenue_is_not_negative": [6], "session_is_known": 1},
    ),
    "warehouse.customer_scores": ("recency_score = 3 where recency_score = 4", "fifths_are_even"),
    "rates.daily": ("rate = 0 where _row = 8", "rate_is_positive"),
}


def test_the_rules_of_the_other_sources_find_what_they_are_for(
    empty_shop: StagedShop, state_dir: Path
) -> None:
    """Rows to blame for critical rules, their number for warnings; a rule's name where the gate closes."""
    staged = empty_shop
    staged.create(rows=1_000, tables=BREAKS)
    for table, (change, expected) in BREAKS.items():
        staged.execute(f"update {CATALOG.tables[table].relation} set {change}")
        judgement = judged(staged, table, state_dir)
        broken = {r.rule for r in judgement.verdict.results if not r.passed}
        if isinstance(expected, str):
            assert (judgement.verdict.is_open, broken) == (False, {expected}), table
            continue
        blamed = {rule: rows for rule, rows in expected.items() if isinstance(rows, list)}
        assert (judgement.verdict.is_open, broken, judgement.failed_rows) == (True, set(), blamed), table
        for rule in expected.keys() - blamed.keys():
            assert result(judgement, rule).unexpected_count == expected[rule], rule


def test_rows_that_break_a_critical_rule_within_tolerance_are_named(
    shop: StagedShop, state_dir: Path
) -> None:
    shop.execute("update stg_shop__order_items set quantity = -1 where _row in (7, 8, 1500)")
    shop.execute("update stg_shop__order_items set unit_price = -0.01 where _row = 8")

    judgement = judged(shop, "shop.order_items", state_dir)

    assert judgement.verdict.is_open
    assert judgement.failed_rows == {"quantity_is_positive": [7, 8, 1500], "unit_price_is_not_negative": [8]}
    assert judgement.verdict.quarantined_count == 3, "row 8 breaks two rules and counts once"
    quantity = result(judgement, "quantity_is_positive")
    assert (quantity.passed, quantity.unexpected_count, quantity.element_count) == (True, 3, 2_000)
    assert quantity.observed == "3 of 2,000 rows break it"


def test_beyond_tolerance_the_gate_closes_and_still_names_every_row(
    shop: StagedShop, state_dir: Path
) -> None:
    columns = "order_item_id, order_id, line_number, product_id, quantity, unit_price, discount_amount"
    numbers = "from warehouse.numbers as a cross join warehouse.numbers as b where a.n <= 50 and b.n <= 100"
    n = "100 * a.n + b.n"
    shop.execute(
        f"insert into stg_shop__order_items ({columns})"
        f" select 1900 + {n}, 1, {n}, 1, -1, 10, 0 {numbers} order by {n}"
    )

    judgement = judged(shop, "shop.order_items", state_dir)

    assert not judgement.verdict.is_open
    added = shop.execute("select _row from stg_shop__order_items where order_item_id > 2000 order by _row")
    assert len(added) == 5_000, "complete beyond any sample"
    assert judgement.failed_rows["quantity_is_positive"] == [row for (row,) in added]
    assert judgement.verdict.quarantined_count == 0, "nothing moves behind a closed gate"


def test_too_many_rows_to_name_close_the_gate(shop: StagedShop, state_dir: Path) -> None:
    shop.execute("update stg_shop__order_items set quantity = -1 where _row <= 20")

    assert judged(shop, "shop.order_items", state_dir, terms=Terms(max_failed_rows=20)).verdict.is_open
    judgement = judged(shop, "shop.order_items", state_dir, terms=Terms(max_failed_rows=19))

    assert not judgement.verdict.is_open
    assert judgement.failed_rows == {}
    told = result(judgement, "quantity_is_positive")
    assert not told.passed
    assert "20 of 2,000 rows break it; with 20 in all, more than the 19" in told.observed


def test_rows_that_break_a_warning_are_counted_and_not_blamed(shop: StagedShop, state_dir: Path) -> None:
    shop.execute("update stg_shop__customers set is_email_valid = false where _row <= 200")
    shop.execute("update stg_shop__orders set customer_id = 999999 where _row <= 5")

    customers = judged(shop, "shop.customers", state_dir)
    orders = judged(shop, "shop.orders", state_dir)

    email = result(customers, "email_is_valid")
    assert (email.passed, email.checked, email.severity, email.unexpected_count) == (
        False,
        True,
        "warning",
        200,
    )
    assert customers.verdict.is_open
    assert customers.failed_rows == {}
    assert customers.verdict.score_pct < 100
    assert (
        result(orders, "customer_is_known").passed,
        result(orders, "customer_is_known").unexpected_count,
    ) == (True, 5)


def test_the_score_is_the_weighted_share_of_rules_that_held(shop: StagedShop, state_dir: Path) -> None:
    shop.execute("update stg_shop__brands set country_of_origin = null")

    judgement = judged(shop, "shop.brands", state_dir)

    assert [r.rule for r in judgement.verdict.results if not r.passed] == ["country_of_origin_is_given"]
    assert judgement.verdict.score_pct == pytest.approx(100 * 8 / 9, abs=0.01), (
        "weights 2, 2, 2, 1, that of the declared columns and the failed 1"
    )


def test_a_missing_column_closes_the_gate_whatever_the_severity(shop: StagedShop, state_dir: Path) -> None:
    shop.execute("alter table stg_shop__stores drop column region")

    judgement = judged(shop, "shop.stores", state_dir)

    assert not judgement.verdict.is_open
    (unchecked,) = (r for r in judgement.verdict.results if not r.checked)
    declared = result(judgement, "declared_columns")
    assert (unchecked.rule, unchecked.severity, unchecked.passed) == ("region_is_given", "warning", False)
    assert "region" in unchecked.observed
    assert (declared.passed, declared.severity, declared.observed) == (
        False,
        "critical",
        "region: is missing",
    )
    assert all(r.passed for r in judgement.verdict.results if r not in (unchecked, declared)), (
        "one bad rule does not fail the others"
    )


def test_a_predicate_that_cannot_run_closes_the_gate_alone(
    shop: StagedShop, state_dir: Path, suites_dir: Path
) -> None:
    rule = {"type": "expect_rows_to_satisfy", "severity": "info"}
    with_rule(
        suites_dir,
        "shop.brands",
        kwargs={"column_list": ["brand_name", "country_of_origin"], "predicate": "no_column > 1"},
        **rule,
    )

    judgement = judged(shop, "shop.brands", state_dir, suites_dir)

    assert not judgement.verdict.is_open
    assert [r.rule for r in judgement.verdict.results if not r.checked] == ["added_rule"]
    said = {"postgresql": 'column "no_column" does not exist', "mysql": "Unknown column 'no_column' in "}
    assert said[shop.system] in result(judgement, "added_rule").observed


def test_what_the_database_quotes_of_a_row_is_not_repeated(
    shop: StagedShop, state_dir: Path, suites_dir: Path
) -> None:
    kwargs = {"column_list": ["email", "phone"], "predicate": "email::integer > 0"}
    with_rule(suites_dir, "shop.customers", type="expect_rows_to_satisfy", kwargs=kwargs)

    judgement = judged(shop, "shop.customers", state_dir, suites_dir)

    told = result(judgement, "added_rule").observed
    kind = {"postgresql": "InvalidTextRepresentation", "mysql": "ER_TRUNCATED_WRONG_VALUE"}[shop.system]
    assert told == f"could not be checked: the database answered with {kind}"


def test_no_value_of_any_row_is_kept(shop: StagedShop, state_dir: Path, suites_dir: Path) -> None:
    shop.execute(
        "update stg_shop__customers set is_email_valid = false, phone_e164 = 'nine-one-two',"
        " country = 'Elbonia'"
    )
    rule = {"type": "expect_column_distinct_values_to_be_in_set", "severity": "info"}
    with_rule(suites_dir, "shop.customers", kwargs={"column": "email", "value_set": ["nobody"]}, **rule)

    judgement = judged(shop, "shop.customers", state_dir, suites_dir)
    build_docs(state_dir, suites_dir)

    kept = "\n".join(
        p.read_text(encoding="utf-8") for p in state_dir.rglob("*") if p.suffix in (".json", ".html")
    )
    told = kept + "".join(r.observed for r in judgement.verdict.results)
    assert len(told) > 10_000
    for value in ("secret-mail", "nine-one-two", "Elbonia", "Ana"):
        assert value not in told, value


def test_critical_rows_that_cannot_be_named_close_the_gate(
    shop: StagedShop, state_dir: Path, suites_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A predicate that says something else when the rows are asked for: the count and the rows disagree."""
    predicate = "position('array' || '_agg' in current_query()) > 0"
    if shop.system == "mysql":
        # There, no predicate knows the statement in which it stands.
        predicate = "order_id is null"
        monkeypatch.setattr("expectations.gate.rows_to_blame", lambda batch, rules: {})
    kwargs = {"column_list": ["order_id", "product_id"], "predicate": predicate, "mostly": 0}
    with_rule(suites_dir, "shop.order_items", type="expect_rows_to_satisfy", kwargs=kwargs)

    judgement = judged(shop, "shop.order_items", state_dir, suites_dir)

    assert not judgement.verdict.is_open
    assert "added_rule" not in judgement.failed_rows
    assert (
        result(judgement, "added_rule").observed
        == "2,000 of 2,000 rows break it; but 0 of them could be named"
    )


@pytest.mark.parametrize(
    ("change", "blamed"),
    [
        ("update stg_shop__orders set total_amount = 43.01 where order_id = 5", [5]),
        ("update stg_shop__orders set discount_amount = 0, total_amount = 45 where order_id = 5", []),
        ("update stg_shop__order_items set unit_price = 10.01 where order_id = 5 and line_number = 1", [5]),
        ("delete from stg_shop__order_items where order_id = 5 and line_number = 2", [5]),
        ("delete from stg_shop__order_items where order_id = 5", [5]),
        ("update stg_shop__orders set total_amount = null where order_id = 5", [5]),
    ],
    ids=["a cent too much", "no discount", "other price", "a line lost", "all lines lost", "no total"],
)
def test_order_totals_add_up_to_the_cent(
    shop: StagedShop, state_dir: Path, change: str, blamed: list[int]
) -> None:
    shop.execute(change)

    judgement = judged(shop, "shop.orders", state_dir)

    assert judgement.failed_rows.get("order_total_adds_up", []) == blamed


def test_an_order_without_lines_is_its_own_amounts(shop: StagedShop, state_dir: Path) -> None:
    shop.execute("delete from stg_shop__order_items where order_id = 5")
    shop.execute(
        "update stg_shop__orders set total_amount = tax_amount + shipping_amount - discount_amount"
        " where order_id = 5"
    )

    assert judged(shop, "shop.orders", state_dir).failed_rows == {}


def test_a_key_without_value_does_not_hide_a_broken_total(shop: StagedShop, state_dir: Path) -> None:
    shop.execute("update stg_shop__orders set order_id = null where order_id = 1")
    shop.execute("update stg_shop__orders set total_amount = 0 where order_id = 5")

    assert judged(shop, "shop.orders", state_dir).failed_rows["order_total_adds_up"] == [5]


def test_a_value_exists_in_any_candidate_and_null_passes(shop: StagedShop, state_dir: Path) -> None:
    shop.execute("update stg_shop__order_items set product_id = null where _row = 1")
    shop.execute("update stg_shop__order_items set product_id = 70001 where _row = 2")
    shop.execute("update stg_shop__order_items set product_id = 70002 where _row = 3")
    shop.execute("insert into warehouse.dim_product values (70001), (null)")

    judgement = judged(shop, "shop.order_items", state_dir)

    assert result(judgement, "product_is_known").unexpected_count == 1, "70002 alone is nowhere"
    assert judgement.failed_rows == {}


def test_two_threads_judge_at_once_with_right_verdicts(shop: StagedShop, state_dir: Path) -> None:
    shop.execute("update stg_shop__order_items set quantity = -1 where _row = 3")
    shop.execute("update stg_shop__orders set total_amount = 0 where _row in (9, 10)")
    tables = ["shop.order_items", "shop.orders"] * 4

    with ThreadPoolExecutor(max_workers=2) as threads:
        judgements = list(threads.map(lambda table: judged(shop, table, state_dir), tables))

    assert [j.verdict.table for j in judgements] == tables
    for judgement in judgements:
        expected = {
            "shop.order_items": {"quantity_is_positive": [3]},
            "shop.orders": {"order_total_adds_up": [2, 9, 10]},  # line 3 is of order 2
        }
        assert judgement.failed_rows == expected[judgement.verdict.table]


def test_the_lock_of_a_killed_process_is_gone(shop: StagedShop, state_dir: Path) -> None:
    state_dir.mkdir()
    code = (
        "import fcntl, sys, time; file = open(sys.argv[1], 'w'); fcntl.flock(file, fcntl.LOCK_EX); "
        "print('held', flush=True); time.sleep(60)"
    )
    holder = subprocess.Popen(
        [sys.executable, "-c", code, str(state_dir / "gate.lock")], stdout=subprocess.PIPE
    )
    assert holder.stdout is not None
    holder.stdout.readline()
    done = threading.Event()

    def wait_and_judge() -> None:
        judged(shop, "shop.brands", state_dir)
        done.set()

    waiting = threading.Thread(target=wait_and_judge, daemon=True)
    waiting.start()
    assert not done.wait(timeout=1), "another process holds the lock"

    holder.kill()
    holder.wait()

    assert done.wait(timeout=30)
    holder.stdout.close()
    waiting.join()


def test_judgements_leave_no_connection_behind(shop: StagedShop, state_dir: Path) -> None:
    for _ in range(3):
        judged(shop, "shop.brands", state_dir)

    assert shop.gate_connections() == 0


def test_a_dead_server_is_a_transient_error(shop: StagedShop, state_dir: Path) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        scheme = shop.url.split("://", maxsplit=1)[0]
        dead = StagedShop(f"{scheme}://someone:top-secret@127.0.0.1:{unused.getsockname()[1]}/warehouse")

        with pytest.raises(TransientError) as error:
            judge(shop.table("shop.brands"), dead.database, SUITES_DIR, state_dir, "run-1")

    assert "shop.brands" in error.value.problem
    assert "top-secret" not in str(error.value)


@ON_POSTGRESQL
def test_a_connection_lost_while_judging_is_a_transient_error(
    shop: StagedShop, state_dir: Path, suites_dir: Path
) -> None:
    kwargs = {
        "column_list": ["brand_name", "country_of_origin"],
        "predicate": "pg_terminate_backend(pg_backend_pid())",
    }
    with_rule(suites_dir, "shop.brands", type="expect_rows_to_satisfy", severity="info", kwargs=kwargs)

    with pytest.raises(TransientError, match=r"lost the warehouse while it judged shop\.brands"):
        judged(shop, "shop.brands", state_dir, suites_dir)

    assert list(state_dir.rglob("*.json")) == [], "what could not be judged is not kept as a judgement"


def test_a_staged_table_that_is_not_there_is_told(shop: StagedShop, state_dir: Path) -> None:
    staged = replace(shop.table("shop.brands"), schema="staging_run_2")

    with pytest.raises(ConfigError, match=r"staging_run_2\.stg_shop__brands .*is not there"):
        judge(staged, shop.database, SUITES_DIR, state_dir, "run-1")


def test_a_table_without_a_suite_is_told(shop: StagedShop, state_dir: Path) -> None:
    with pytest.raises(ConfigError, match=r"no suite for the staged table shop\.gifts"):
        judge(
            replace(shop.table("shop.brands"), table="shop.gifts"),
            shop.database,
            SUITES_DIR,
            state_dir,
            "run-1",
        )


def test_a_kwarg_that_only_the_library_refuses_is_told_with_its_place(
    shop: StagedShop, state_dir: Path, suites_dir: Path
) -> None:
    kwargs = {"column_list": ["brand_name"]}
    with_rule(suites_dir, "shop.brands", type="expect_compound_columns_to_be_unique", kwargs=kwargs)

    with pytest.raises(
        ConfigError, match=r"shop\.brands\.yaml:\d+: rule 'added_rule': .*at least two columns"
    ):
        judged(shop, "shop.brands", state_dir, suites_dir)


def test_names_of_schemas_may_hold_any_text(empty_shop: StagedShop, state_dir: Path) -> None:
    shop = replace(empty_shop, schema='staging_Ünruly "run" \\; 100%s 1')
    shop.create(rows=3, tables=SHOP)

    assert judged(shop, "shop.orders", state_dir).verdict.is_open


def test_no_credential_in_any_file_or_message(shop: StagedShop, state_dir: Path, suites_dir: Path) -> None:
    password = "'pa$$ & ${word}'"
    shop.execute(
        f"create role gate_test login password {password} superuser",
        mysql=f"create user gate_test identified by {password}",
    )
    try:
        if shop.system == "mysql":
            shop.execute("grant all on *.* to gate_test")
        url = re.sub("//[^@]*@", "//gate_test:pa%24%24%20%26%20%24%7Bword%7D@", shop.url)
        assert url != shop.url
        kwargs = {"column_list": ["brand_name", "country_of_origin"], "predicate": "no_column"}
        with_rule(suites_dir, "shop.brands", type="expect_rows_to_satisfy", kwargs=kwargs)

        other = replace(shop, url=url)
        verdict = judge(shop.table("shop.brands"), other.database, suites_dir, state_dir, "run-1").verdict
        build_docs(state_dir, suites_dir)
    finally:
        shop.execute("drop role gate_test", mysql="drop user gate_test")

    kept = [p.read_bytes() for p in state_dir.rglob("*") if p.is_file()] + [repr(verdict).encode()]
    assert len(kept) > 20
    for secret in (b"pa$$", b"pa%24", b"gate_test"):
        assert not any(secret in content for content in kept), secret


def test_results_are_kept_by_suite_run_and_time_up_to_a_bound(shop: StagedShop, state_dir: Path) -> None:
    for run in ("first", "second", "third/../../x"):
        judge(shop.table("shop.brands"), shop.database, SUITES_DIR, state_dir, run)
        judge(shop.table("shop.stores"), shop.database, SUITES_DIR, state_dir, "other")
    build_docs(state_dir, SUITES_DIR)

    assert prune_results(state_dir, kept=2) == 2
    build_docs(state_dir, SUITES_DIR)

    for kind, suffix in (("validations", "json"), ("data_docs/validations", "html")):
        files = (state_dir / kind).rglob(f"*.{suffix}")
        kept = sorted("/".join(path.relative_to(state_dir / kind).parts[1:3]) for path in files)
        assert kept == [
            "brands/second",
            "brands/third-------x",
            "stores/other",
            "stores/other",
        ]
    assert not [p for p in state_dir.rglob("*") if p.is_dir() and not any(p.iterdir())]


def test_the_stored_result_says_what_the_verdict_says(shop: StagedShop, state_dir: Path) -> None:
    shop.execute("update stg_shop__brands set country_of_origin = null")

    judgement = judged(shop, "shop.brands", state_dir)

    (stored,) = (json.loads(p.read_text(encoding="utf-8")) for p in state_dir.rglob("*.json"))
    assert stored["success"] is judgement.verdict.is_open is True
    assert stored["statistics"]["unsuccessful_expectations"] == 1
    assert {r["expectation_config"]["meta"]["rule"]: r["success"] for r in stored["results"]} == {
        r.rule: r.passed for r in judgement.verdict.results
    }


@ON_POSTGRESQL
def test_no_function_of_a_predicate_can_write(shop: StagedShop, state_dir: Path, suites_dir: Path) -> None:
    shop.execute(
        "create function warehouse.write() returns boolean language sql as "
        "$$ insert into warehouse.dim_brand values ('x'); select true $$"
    )
    kwargs = {"column_list": ["brand_name", "country_of_origin"], "predicate": "write()"}
    with_rule(suites_dir, "shop.brands", type="expect_rows_to_satisfy", kwargs=kwargs)

    judgement = judged(shop, "shop.brands", state_dir, suites_dir)

    assert not result(judgement, "added_rule").checked
    assert shop.execute("select count(*) from warehouse.dim_brand") == [(0,)]


def test_the_sessions_of_the_gate_only_read(shop: StagedShop) -> None:
    reader = shop.database.open_reader(shop.schema)
    try:
        with pytest.raises(shop.database.errors, match=r"(?i)read.only"):
            reader.cursor().execute("delete from stg_shop__brands")
    finally:
        reader.close()

    assert shop.execute("select count(*) from stg_shop__brands") == [(1_000,)]
