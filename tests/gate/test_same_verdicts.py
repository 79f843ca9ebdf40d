"""One suite over the same rows comes to the same on each system: verdict, counts, measures, rows to blame."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import yaml

from etl.catalog import Catalog
from etl.handles import StagedTable
from expectations.asked import Terms
from expectations.gate import Judgement, judge
from tests.conftest import fresh_mysql_warehouse, fresh_postgresql
from tests.gate.staging import StagedShop

TABLE = "s.things"
ODD = '50%s `of` "x"; --'
TYPES = {
    "id": "bigint",
    "quantity": "integer",
    "amount": "decimal(12,4)",
    "exact": "decimal(38,18)",
    "ratio": "double",
    "name": "text",
    "code": "text",
    "note": "text",
    "flag": "boolean",
    "day": "date",
    "at": "timestamp",
    "until": "timestamp",
    "hour": "time",
    "document": "json",
    "token": "uuid",
    ODD: "text",
}
NOON = datetime(2024, 5, 1, 12, tzinfo=UTC)
NAMES = ("Ana", "ana", "Ana ", "ÁRVÍZ", "US\n", "", None, "a'b", "b\\c", "100%", "ﬁ", "😀", "Ana")
LONG = "x" * 5_000
KNOWN = "00000000-0000-0000-00ab-000000000007"


def rows() -> Iterator[tuple[Any, ...]]:
    for n in range(1, 201):
        yield (
            n,
            None if n % 11 == 0 else n % 7 - 1,
            None if n % 13 == 0 else Decimal(n) / 100 + Decimal("0.0001") * (n % 3),
            Decimal("12345678901234567890.123456789012345678") + n % 5,
            n / 8 - 3,
            NAMES[n % len(NAMES)],
            f"code {n % 190}",
            LONG + str(n % 150),
            (True, False, None)[n % 3],
            date(2024, 4, 1) + timedelta(days=n % 40),
            NOON - timedelta(microseconds=n % 20 - 5),
            None if n % 9 == 0 else NOON + timedelta(hours=n % 4 - 1),
            time(n % 24, n % 60),
            {"n": n % 4},
            f"00000000-0000-0000-00ab-{n % 180:012d}",
            None if n % 6 == 0 else f"%s {n % 5}",
        )


BETWEEN = "expect_column_values_to_be_between"
IN_SET = "expect_column_values_to_be_in_set"
NOT_IN_SET = "expect_column_values_to_not_be_in_set"
REGEX = "expect_column_values_to_match_regex"
LENGTHS = "expect_column_value_lengths_to_be_between"
UNIQUE = "expect_column_values_to_be_unique"
TOGETHER = "expect_compound_columns_to_be_unique"
GREATER = "expect_column_pair_values_a_to_be_greater_than_b"
EXIST = "expect_column_values_to_exist_in"
SATISFY = "expect_rows_to_satisfy"
# Each is asked twice, with a tolerance that lets it hold and without.
ROW_RULES: list[tuple[str, dict[str, Any]]] = [
    *(("expect_column_values_to_not_be_null", {"column": name}) for name in TYPES),
    *(("expect_column_values_to_be_null", {"column": name}) for name in ("quantity", "name", "flag", "at")),
    (BETWEEN, {"column": "quantity", "min_value": 0, "max_value": 4}),
    (BETWEEN, {"column": "amount", "min_value": 0.07, "strict_min": True}),
    (BETWEEN, {"column": "amount", "max_value": 1.0201}),
    (BETWEEN, {"column": "amount", "max_value": 1.0201, "strict_max": True}),
    (BETWEEN, {"column": "exact", "max_value": 12345678901234567892}),
    (BETWEEN, {"column": "ratio", "min_value": -2.875, "max_value": 20}),
    (BETWEEN, {"column": "id", "max_value": 9007199254740993}),
    (BETWEEN, {"column": "day", "min_value": "2024-04-03", "max_value": "2024-05-01"}),
    (BETWEEN, {"column": "day", "min_value": "2024-04-03", "strict_min": True}),
    (BETWEEN, {"column": "at", "min_value": "2024-05-01T12:00:00+00:00"}),
    (BETWEEN, {"column": "at", "min_value": "2024-05-01T14:00:00.000001+02:00", "strict_min": True}),
    (BETWEEN, {"column": "at", "max_value": "2024-05-01 12:00:00Z"}),
    (BETWEEN, {"column": "at", "max_value": "2024-05-01 12:00:00.000003"}),
    (IN_SET, {"column": "hour", "value_set": ["08:08:00", "09:09"]}),
    (IN_SET, {"column": "quantity", "value_set": [0, 1, 2]}),
    (IN_SET, {"column": "name", "value_set": ["Ana", "US", "a'b", "b\\c", "100%"]}),
    (IN_SET, {"column": "name", "value_set": ["😀", "ﬁ", "ÁRVÍZ"]}),
    (IN_SET, {"column": "amount", "value_set": [0.01, 0.0201, 3]}),
    (IN_SET, {"column": "ratio", "value_set": [-2.875, 0.5]}),
    (IN_SET, {"column": "day", "value_set": ["2024-04-05", "2024-04-06"]}),
    (
        IN_SET,
        {"column": "at", "value_set": ["2024-05-01T12:00:00+00:00", "2024-05-01T13:59:59.99999+02:00"]},
    ),
    (IN_SET, {"column": "token", "value_set": [KNOWN]}),
    (IN_SET, {"column": "token", "value_set": [KNOWN.upper(), f"{{{KNOWN.replace('-', '')}}}"]}),
    (NOT_IN_SET, {"column": "token", "value_set": [KNOWN.upper()]}),
    (IN_SET, {"column": ODD, "value_set": ["%s 1", "%s 2"]}),
    (NOT_IN_SET, {"column": "name", "value_set": ["Ana", "ana"]}),
    (NOT_IN_SET, {"column": "quantity", "value_set": [3]}),
    (REGEX, {"column": "name", "regex": "^[A-Z]"}),
    (REGEX, {"column": "name", "regex": "^[A-Z]{2}$"}),
    (REGEX, {"column": "name", "regex": "(?i)^an"}),
    (REGEX, {"column": "name", "regex": r"^\S+$"}),
    (REGEX, {"column": "code", "regex": "[13]$"}),
    (REGEX, {"column": ODD, "regex": "%s [0-3]"}),
    ("expect_column_values_to_not_match_regex", {"column": "name", "regex": "a"}),
    ("expect_column_values_to_match_regex_list", {"column": "code", "regex_list": ["1$", "^c.*2"]}),
    ("expect_column_values_to_not_match_regex_list", {"column": "code", "regex_list": ["1$", "2$"]}),
    ("expect_column_values_to_match_like_pattern", {"column": "name", "like_pattern": "A%"}),
    ("expect_column_values_to_not_match_like_pattern", {"column": "code", "like_pattern": "%_1"}),
    ("expect_column_values_to_match_like_pattern", {"column": "name", "like_pattern": "100\\%"}),
    (LENGTHS, {"column": "name", "min_value": 1, "max_value": 4}),
    (LENGTHS, {"column": "note", "max_value": 5_002}),
    ("expect_column_value_lengths_to_equal", {"column": "name", "value": 3}),
    (UNIQUE, {"column": "id"}),
    (UNIQUE, {"column": "name"}),
    (UNIQUE, {"column": "code"}),
    (UNIQUE, {"column": "note"}),
    (UNIQUE, {"column": "amount"}),
    (UNIQUE, {"column": "token"}),
    (UNIQUE, {"column": "at"}),
    (TOGETHER, {"column_list": ["quantity", "flag"]}),
    (TOGETHER, {"column_list": ["name", "quantity", "day"]}),
    (TOGETHER, {"column_list": ["note", "id"]}),
    (TOGETHER, {"column_list": ["note", "flag"], "ignore_row_if": "any_value_is_missing"}),
    (GREATER, {"column_A": "until", "column_B": "at", "or_equal": True}),
    (GREATER, {"column_A": "quantity", "column_B": "amount", "ignore_row_if": "either_value_is_missing"}),
    (GREATER, {"column_A": "at", "column_B": "day"}),
    ("expect_column_pair_values_to_be_equal", {"column_A": "until", "column_B": "at"}),
    (
        "expect_select_column_values_to_be_unique_within_record",
        {"column_list": ["quantity", "id"], "ignore_row_if": "any_value_is_missing"},
    ),
    ("expect_multicolumn_sum_to_equal", {"column_list": ["quantity", "id"], "sum_total": 9}),
    (EXIST, {"column": "code", "candidates": [{"relation": "stg_s__others", "column": "code"}]}),
    (EXIST, {"column": "note", "candidates": [{"relation": "stg_s__others", "column": "note"}]}),
    (
        EXIST,
        {
            "column": "id",
            "candidates": [
                {"relation": "stg_s__others", "column": "id"},
                {"relation": "warehouse.dim_things", "column": "id"},
            ],
        },
    ),
    (EXIST, {"column": "name", "candidates": [{"relation": "warehouse.dim_things", "column": "name"}]}),
    (SATISFY, {"column_list": ["quantity", "amount"], "predicate": "quantity / 2 = 1 or amount > 1.5"}),
    (SATISFY, {"column_list": ["day", "at"], "predicate": "day <= at::date - 1 and name like '%s%'"}),
    (SATISFY, {"column_list": ["flag", "id"], "predicate": "flag"}),
    (SATISFY, {"column_list": ["flag", "id"], "predicate": "not flag is true -- not told"}),
    (
        SATISFY,
        {"column_list": ["id", "name"], "predicate": "id not in (select id from stg_s__others)"},
    ),
    (
        BETWEEN,
        {
            "column": "quantity",
            "max_value": 3,
            "row_condition": 'col("id") > 50',
            "condition_parser": "great_expectations",
        },
    ),
    (
        UNIQUE,
        {
            "column": "quantity",
            "row_condition": 'col("id") < 6',
            "condition_parser": "great_expectations",
        },
    ),
]
TABLE_RULES: list[tuple[str, dict[str, Any]]] = [
    ("expect_table_row_count_to_be_between", {"min_value": 1, "max_value": 199}),
    ("expect_table_row_count_to_equal", {"value": 200}),
    ("expect_table_column_count_to_be_between", {"max_value": 5}),
    ("expect_table_columns_to_match_set", {"column_set": [*TYPES, "_cursor", "_row"]}),
    *(
        (f"expect_column_{measure}_to_be_between", {"column": column, "min_value": 0, "max_value": 2})
        for measure in ("mean", "median", "stdev", "sum", "min", "max")
        for column in ("quantity", "amount", "ratio")
    ),
    ("expect_column_sum_to_be_between", {"column": "exact", "max_value": 2}),
    ("expect_column_max_to_be_between", {"column": "at", "max_value": "2024-05-01T12:00:00+00:00"}),
    ("expect_column_min_to_be_between", {"column": "day", "min_value": "2024-04-01"}),
    *(
        (f"expect_column_{measure}_to_be_between", {"column": column, "max_value": 1})
        for measure in ("unique_value_count", "proportion_of_unique_values", "proportion_of_non_null_values")
        for column in ("name", "note", "flag")
    ),
    ("expect_column_distinct_values_to_be_in_set", {"column": "quantity", "value_set": [0, 1]}),
    ("expect_column_distinct_values_to_contain_set", {"column": "name", "value_set": ["Ana", "ana"]}),
    ("expect_column_distinct_values_to_contain_set", {"column": "token", "value_set": [KNOWN.upper()]}),
    (
        "expect_column_share_to_be_between",
        {"column": "token", "value_set": [KNOWN.upper()], "max_value": 0.1},
    ),
    ("expect_column_distinct_values_to_equal_set", {"column": "quantity", "value_set": list(range(-1, 6))}),
    ("expect_column_most_common_value_to_be_in_set", {"column": "name", "value_set": ["Ana"]}),
    ("expect_column_share_to_be_between", {"column": "name", "value_set": ["Ana"], "max_value": 0.1}),
    ("expect_column_age_hours_to_be_between", {"column": "at", "max_value": 1}),
    ("expect_column_age_hours_to_be_between", {"column": "day", "max_value": 1}),
    ("expect_column_unique_value_count_to_be_between", {"column": "code", "max_value": 3}),
]


@dataclass(frozen=True)
class Both:
    """What the gate said on PostgreSQL, and what on MySQL or MariaDB."""

    first: Judgement
    second: Judgement


@pytest.fixture(scope="module")
def both(postgres_server: str, mysql_server: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Both]:
    urls = zip(fresh_postgresql(postgres_server), fresh_mysql_warehouse(mysql_server), strict=True)
    for postgres_url, mysql_url in urls:
        folder = tmp_path_factory.mktemp("gate")
        write_suite(folder)
        yield Both(*(judged(staged(url), folder / str(n)) for n, url in enumerate((postgres_url, mysql_url))))


def write_suite(folder: Path) -> None:
    asked = [(kind, {**kwargs, "mostly": mostly}) for kind, kwargs in ROW_RULES for mostly in (0.05, 1.0)]
    asked = [(kind, without_tolerance(kind, kwargs)) for kind, kwargs in asked]
    rules = [
        {"name": f"r{n}", "type": kind, "kwargs": kwargs, "severity": "critical", "reason": "For this test."}
        for n, (kind, kwargs) in enumerate([*asked, *TABLE_RULES])
    ]
    suite = {"table": TABLE, "description": "Things.", "rules": rules}
    text = yaml.safe_dump(suite, allow_unicode=True, sort_keys=False)
    (folder / f"{TABLE}.yaml").write_text(text, encoding="utf-8")


def without_tolerance(kind: str, kwargs: dict[str, Any]) -> dict[str, Any]:
    """Not every rule has one."""
    return {key: value for key, value in kwargs.items() if key != "mostly" or kind != TOGETHER}


def staged(url: str) -> StagedShop:
    shop = StagedShop(url)
    shop.create_schemas(1)
    with shop.session() as session:
        shop._create_table(session, shop.schema, "stg_s__things", TYPES, ["id"])
        names = [*TYPES, "_cursor", "_row"] if shop.system == "mysql" else list(TYPES)
        values = [(*row, None, row[0]) if shop.system == "mysql" else row for row in rows()]
        session.insert(f"{shop.schema}.stg_s__things", names, values)
        others = {"id": "bigint", "code": "text", "note": "text"}
        shop._create_table(session, shop.schema, "stg_s__others", others, [])
        session.insert(
            f"{shop.schema}.stg_s__others",
            [*others],
            [(n, f"code {n}", LONG + str(n)) for n in range(1, 100)],
        )
        session.insert(f"{shop.schema}.stg_s__others", ["id", "code"], [(150, None)])
        shop._create_table(session, "warehouse", "dim_things", {"id": "bigint", "name": "text"})
        session.insert("warehouse.dim_things", ["id", "name"], [(n, NAMES[n % 5]) for n in range(120, 180)])
    return shop


def judged(shop: StagedShop, folder: Path) -> Judgement:
    columns = {name: {"type": kind} for name, kind in TYPES.items()}
    catalog = Catalog.model_validate(
        {
            "sources": {"s": {"name": "s", "description": "S", "url_setting": "shop_url"}},
            "tables": {
                TABLE: {
                    "name": TABLE,
                    "source": "s",
                    "description": "T",
                    "table": "things",
                    "columns": columns,
                    "key": ["id"],
                }
            },
            "dimensions": {},
            "facts": {},
        }
    )
    handle = StagedTable(TABLE, shop.schema, "stg_s__things", 200, 200, rejected_count=0)
    terms = Terms(catalog.tables[TABLE], as_of="2024-05-01T15:30:00+02:00")
    return judge(handle, shop.database, folder.parent, folder, "run-1", terms)


def test_each_rule_comes_to_the_same(both: Both) -> None:
    for first, second in zip(both.first.verdict.results, both.second.verdict.results, strict=True):
        assert first.checked, first
        assert close(first) == close(second), first.rule


def test_each_row_to_blame_is_the_same(both: Both) -> None:
    assert len(both.first.failed_rows) > 100
    assert both.second.failed_rows == both.first.failed_rows


def close(result: Any) -> dict[str, Any]:
    """Measures to twelve digits: the last ones of a mean are those of its system."""
    said = {name: getattr(result, name) for name in result.__slots__}
    if said["observed_value"] is not None:
        said["observed_value"] = float(f"{said['observed_value']:.12g}")
    return said
