"""Whole-table steps and expression columns on a real server, each row on its real way into staging."""

from __future__ import annotations

import math
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest

from etl.catalog import SourceTable
from etl.catalog.step_checks import join_problems, table_problems
from etl.errors import ConfigError, ContractError
from tests.systems import BOTH_SYSTEMS
from tests.warehouse.settling import Row, Settled, Settling, plan_of, things

pytestmark = BOTH_SYSTEMS


def rows_with(column: str, *values: Any, **others: list[Any]) -> list[Row]:
    """One row per value, with ids from 1."""
    rows = [{"id": number, column: value} for number, value in enumerate(values, 1)]
    for name, more in others.items():
        for row, value in zip(rows, more, strict=True):
            row[name] = value
    return rows


def grouped(column: str, *groups: list[Any]) -> list[Row]:
    """Rows of several groups; the shelf names the group, the id its place."""
    return [
        {"id": 100 * number + place, "shelf": f"{column} {number}", column: value}
        for number, values in enumerate(groups)
        for place, value in enumerate(values)
    ]


def in_groups(done: Settled, column: str, groups: int, of: str = "") -> list[list[Any]]:
    """Values of a column by the groups of :func:`grouped`, in their order."""
    values = [
        [(row["id"], row[of or column]) for row in done.rows if row["shelf"] == f"{column} {number}"]
        for number in range(groups)
    ]
    return [[value for _, value in sorted(group, key=lambda found: found[0])] for group in values]


def skip_unless_held(system: str, groups: list[list[Any]]) -> None:
    """MySQL holds no numbers that are not finite."""
    floats = [value for values in groups for value in values if isinstance(value, float)]
    if system == "mysql" and not all(map(math.isfinite, floats)):
        pytest.skip("MySQL holds no such number")


def money(*texts: str | None) -> list[Decimal | None]:
    return [text and Decimal(text) for text in texts]  # type: ignore[misc]  # a text or None


@pytest.mark.parametrize(
    ("method", "column", "groups"),
    [
        ("mean", "amount", [
            (money("1.00", "1.01", None), Decimal("1.01")),
            (money("-1.00", "-1.01", None), Decimal("-1.01")),
            (money("1.00", "1.00", "1.01", None), Decimal("1.00")),
            (money(None, None), None),
        ]),
        ("mean", "quantity", [([1, 2, None], 2), ([2_147_483_647, 2_147_483_645, None], 2_147_483_646)]),
        ("mean", "weight", [([0.5, 1.0, float("inf"), float("-inf"), None], 0.75)]),
        ("mean", "weight", [([0.5, 1.0, None], 0.75)]),
        ("median", "amount", [
            (money("9999999999.99", "0.01", "9999999999.97", None), Decimal("9999999999.97")),
            (money("0.01", "0.02", None), Decimal("0.02")),
        ]),
        ("median", "quantity", [([5, 1, 9, 3, None], 4), ([7, None, None], 7)]),
        ("mode", "name", [(["b", "a", "b", "a", "c", None], "a"), (["a", "B", None], "B")]),
        ("mode", "day", [([date(2026, 1, 2), date(2026, 1, 1), None], date(2026, 1, 1))]),
    ],
)  # fmt: skip
def test_fill_from_rows(
    settling: Settling, system: str, method: str, column: str, groups: list[tuple[Any, Any]]
) -> None:
    """Exact decimals, halves away from zero; of equally frequent values the smallest."""
    given = [values for values, _ in groups]
    skip_unless_held(system, given)
    step = {"step": "fill_from_rows", "column": column, "method": method, "by": ["shelf"]}
    done = settling.settle(things(step), grouped(column, *given))
    expected = [[fill if value is None else value for value in values] for values, fill in groups]
    assert in_groups(done, column, len(groups)) == expected


def test_groups_are_filled_from_their_own_rows_and_null_is_a_group(settling: Settling) -> None:
    step = {"step": "fill_from_rows", "column": "quantity", "method": "mean", "by": ["shelf", "day"]}
    rows = rows_with(
        "quantity", 1, 3, None, 10, None, None, 7, None,
        shelf=["a", "a", "a", None, None, "b", "a", "a"],
        day=[None, None, None, None, None, None, date(2026, 1, 1), date(2026, 1, 1)],
    )  # fmt: skip
    filled = settling.settle(things(step), rows)
    assert filled.column("quantity") == {1: 1, 2: 3, 3: 2, 4: 10, 5: 10, 6: None, 7: 7, 8: 7}
    assert filled.log == [(1, "fill_from_rows", ("quantity",), 8, 8, 3, 4, 1)]


@pytest.mark.parametrize(
    ("method", "threshold", "column", "groups"),
    [
        ("iqr", 1.5, "quantity", [
            ([1, 2, 3, 4, 100, None], [False, False, False, False, True, None]),
            ([7, 7, 7, 7, None], [False, False, False, False, None]),
            ([5], [False]),
            ([None], [None]),
        ]),
        ("iqr", 1.5, "weight", [
            ([0.1, 0.1, 0.1, 0.1], [False] * 4),
            ([0.1, 0.2, 0.15, float("nan"), float("inf")], [False, False, False, True, True]),
        ]),
        ("iqr", 1.5, "weight", [([0.1, 0.2, 0.15, 9.0], [False, False, False, True])]),
        ("iqr", 1.5, "amount", [(money(*["0.00"] * 5, "0.01"), [False] * 5 + [True])]),
        ("zscore", 3, "quantity", [
            ([10] * 20 + [1000, None], [False] * 20 + [True, None]),
            ([7, 7, 7, None], [False, False, False, None]),
            ([5], [False]),
        ]),
        ("zscore", 3, "weight", [
            ([0.1] * 7, [False] * 7),
            ([0.1] * 20 + [9.0, float("nan")], [False] * 20 + [True, True]),
        ]),
        ("zscore", 3, "weight", [([0.1] * 20 + [9.0], [False] * 20 + [True])]),
        ("zscore", 3, "amount", [(money(*["0.10"] * 20, "9.00"), [False] * 20 + [True])]),
    ],
)  # fmt: skip
def test_outliers_are_flagged_and_nothing_else(
    settling: Settling,
    system: str,
    method: str,
    threshold: float,
    column: str,
    groups: list[tuple[Any, Any]],
) -> None:
    """NULL stays NULL; a column that does not vary flags nothing; what is no finite number lies outside."""
    step = {
        "step": "flag_outliers", "column": column, "into": "far", "method": method, "threshold": threshold,
        "by": ["shelf"],
    }  # fmt: skip
    skip_unless_held(system, [values for values, _ in groups])
    rows = grouped(column, *(values for values, _ in groups))
    done = settling.settle(things(step, far={"type": "boolean"}), rows)
    assert in_groups(done, column, len(groups), of="far") == [expected for _, expected in groups]


def test_outliers_are_judged_in_their_group(settling: Settling) -> None:
    step = {
        "step": "flag_outliers", "column": "quantity", "into": "far", "method": "iqr", "threshold": 1.5,
        "by": ["shelf"],
    }  # fmt: skip
    rows = rows_with("quantity", 1, 2, 3, 2, 100, 99, 100, 3, shelf=["a"] * 4 + [None] * 4)
    done = settling.settle(things(step, far={"type": "boolean"}), rows)
    assert [key for key, far in done.column("far").items() if far] == [8]
    assert done.log == [(1, "flag_outliers", ("far",), 8, 8, 8, 8, 0)]


def test_equal_rows_become_one_by_the_declared_order(settling: Settling) -> None:
    step = {"step": "deduplicate", "match": ["email"], "keep": ["-at", "name"], "fill": True}
    early, late = datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 2, 1, tzinfo=UTC)
    rows: list[Row] = [
        {"id": 1, "email": "a@x.com", "at": early, "name": "Ann", "quantity": 1, "shelf": "old"},
        {"id": 2, "email": "a@x.com", "at": late, "name": "Bob", "quantity": 2},
        {"id": 3, "email": "a@x.com", "at": late, "name": "Ann", "weight": 3.0},
        {"id": 4, "email": "a@x.com", "at": None, "name": "Ann", "currency": "EUR", "shelf": "unknown"},
        {"id": 5, "email": "b@x.com", "at": early},
        {"id": 6, "email": None, "at": early},
        {"id": 7, "email": None, "at": early},
    ]
    done = settling.settle(things(step), rows)
    assert list(done.column("id")) == [3, 5, 6, 7]
    kept = done.rows[0]
    assert (kept["quantity"], kept["weight"], kept["currency"], kept["shelf"]) == (2, 3.0, "EUR", "old")
    assert done.staged.dropped_count == 3
    assert done.log == [(1, "deduplicate", ("email",), 7, 4, 3, 2, 2)]


def test_without_fill_the_row_that_is_kept_stays_as_it_is(settling: Settling) -> None:
    step = {"step": "deduplicate", "match": ["email"], "keep": ["id"]}
    rows = rows_with("email", "a", "a", quantity=[None, 2])
    assert settling.settle(things(step), rows).column("quantity") == {1: None}


def test_similar_rows_become_one_also_through_others(settling: Settling) -> None:
    step = {
        "step": "deduplicate",
        "match": ["shelf"],
        "similar": {"name": 75, "email": 50},
        "keep": ["-quantity"],
    }
    rows = rows_with(
        "name", "abcd", "abce", "abff", "abcd", "abcd", None, "abcd", "zzzz",
        shelf=["s", "s", "s", "t", None, "s", "s", "s"],
        email=["mail", "mail", "maxx", "mail", "mail", "mail", "xxxx", "mail"],
        quantity=[1, 2, 3, 4, 5, 6, 7, None],
    )  # fmt: skip
    done = settling.settle(things(step), rows)
    # abcd ~ abce at exactly 75 %; abff is only like neither; the seventh has another address
    assert list(done.column("id")) == [2, 3, 4, 5, 6, 7, 8]
    assert done.staged.dropped_count == 1


def test_a_chain_of_similar_names_is_one_cluster(settling: Settling) -> None:
    step = {"step": "deduplicate", "match": ["shelf"], "similar": {"name": 75}, "keep": ["id"]}
    rows = rows_with("name", "aaaa", "aaab", "aabb", "abbb", "cccc", shelf=["s"] * 5)
    assert list(settling.settle(things(step), rows).column("id")) == [1, 5]


def test_a_block_too_large_to_compare_stops_with_what_to_do(settling: Settling) -> None:
    step = {
        "step": "deduplicate",
        "match": ["shelf"],
        "similar": {"name": 90},
        "keep": ["id"],
        "max_block": 3,
    }
    rows = rows_with("name", *"abcd", shelf=["s"] * 4)
    with pytest.raises(
        ConfigError, match=r"t\.things: deduplicate: 4 rows agree in shelf.*at most 3"
    ) as caught:
        settling.settle(things(step), rows)
    assert "'max_block'" in caught.value.remedy


CONVERT = {
    "step": "convert_currency", "amounts": {"amount": "amount_usd"}, "currency": "currency", "at": "at",
    "to": "USD", "rate_into": "rate",
}  # fmt: skip
MADE = {"amount_usd": {"type": "decimal(12,2)"}, "rate": {"type": "decimal(18,8)"}}


CONVERSIONS = [
    ("from euro", "100.00", "EUR", "2026-03-06", ("108.00", "1.08")),
    ("through euro", "100.00", "GBP", "2026-03-06", ("128.57", "1.28571429")),
    ("negative", "-100.00", "GBP", "2026-03-06", ("-128.57", "1.28571429")),
    ("a cent", "0.01", "EUR", "2026-03-06", ("0.01", "1.08")),
    ("carried over a weekend", "100.00", "EUR", "2026-03-08", ("108.00", "1.08")),
    ("new rate", "100.00", "EUR", "2026-03-09", ("110.00", "1.10")),
    ("seven days old", "100.00", "EUR", "2026-03-16", ("110.00", "1.10")),
    ("eight days old", "100.00", "EUR", "2026-03-17", ["rate_is_missing"]),
    ("one leg too old", "100.00", "GBP", "2026-03-14", ["rate_is_missing"]),
    ("before the first", "100.00", "EUR", "2026-03-05", ["rate_is_missing"]),
    ("no day", "100.00", "EUR", None, ["rate_is_missing"]),
    ("same currency needs no rate", "100.00", "USD", "2020-01-01", ("100.00", "1")),
    ("same currency needs no day", "100.00", "USD", None, ("100.00", "1")),
    ("unknown", "100.00", "XYZ", "2026-03-09", ["currency_is_unknown"]),
    ("not the code", "100.00", "usd", "2026-03-09", ["currency_is_unknown"]),
    ("no currency", "100.00", None, "2026-03-09", ["currency_is_unknown"]),
    ("a rate of nothing", "100.00", "XXX", "2026-03-09", ["rate_is_missing"]),
    ("no amount", None, "EUR", "2026-03-09", (None, "1.10")),
    ("nothing to convert", None, None, None, (None, None)),
    ("too large", "9999999999.99", "EUR", "2026-03-09", ["converted_amount_does_not_fit"]),
]


def test_amounts_are_converted_at_the_rate_of_their_day_or_wait_with_the_reason(rates: Settling) -> None:
    """Law F4."""
    rows: list[Row] = [
        {
            "id": number,
            "amount": amount and Decimal(amount),
            "currency": currency,
            "at": datetime.fromisoformat(f"{day}T23:30:00+00:00") if day else None,
        }
        for number, (_, amount, currency, day, _) in enumerate(CONVERSIONS)
    ]
    done = rates.settle(things(CONVERT, **MADE), rows)
    found: dict[int, Any] = {
        row["id"]: (row["amount_usd"], row["rate"]) for row in done.rows
    } | done.held_back
    for number, (case, *_, expected) in enumerate(CONVERSIONS):
        wanted = money(*expected) if isinstance(expected, tuple) else expected
        assert (case, list(found[number])) == (case, list(wanted))


def test_a_conversion_is_rounded_once_and_halves_go_away_from_zero(rates: Settling) -> None:
    """A quotient rounded to sixteen digits first would round these up; exactly they are below the half."""
    rates.execute(
        "insert into warehouse.fact_exchange_rates values ('2026-04-01', 'AAA', 3), ('2026-04-01', 'USD', 1)"
    )
    made = {"amount_usd": {"type": "decimal(38,20)"}, "rate": {"type": "decimal(38,20)"}}
    step = {**CONVERT, "amounts": {"amount": "amount_usd"}}
    at = datetime(2026, 4, 1, tzinfo=UTC)
    row = {"id": 1, "amount": Decimal("1.00"), "currency": "AAA", "at": at}
    (done,) = rates.settle(things(step, **made), [row]).rows
    assert done["amount_usd"] == done["rate"] == Decimal("0.33333333333333333333")
    cents = {"amount_usd": {"type": "decimal(12,0)"}, "rate": {"type": "decimal(12,0)"}}
    rows: list[Row] = [
        {"id": n, "amount": amount, "currency": "AAA", "at": at}
        for n, amount in enumerate((Decimal("1.50"), Decimal("-1.50"), Decimal("1.49"), Decimal("4.50")), 1)
    ]
    done_rows = rates.settle(things(step, **cents), rows).column("amount_usd")
    assert done_rows == {1: Decimal(1), 2: Decimal(-1), 3: Decimal(0), 4: Decimal(2)}


def test_several_amounts_share_a_rate_and_the_log_tells(rates: Settling) -> None:
    step = {**CONVERT, "amounts": {"amount": "amount_usd", "quantity": "quantity_usd"}, "at": "day"}
    made = {**MADE, "quantity_usd": {"type": "decimal(12,1)"}}
    rows: list[Row] = [
        {"id": 1, "amount": Decimal(1), "quantity": None, "currency": "EUR", "day": date(2026, 3, 9)},
        {"id": 2, "amount": None, "quantity": 3, "currency": "EUR", "day": date(2026, 3, 9)},
        {"id": 3, "amount": Decimal(1), "quantity": 3, "currency": "???", "day": date(2026, 3, 9)},
    ]
    done = rates.settle(things(step, **made), rows)
    assert [(r["amount_usd"], r["quantity_usd"]) for r in done.rows] == [
        (Decimal("1.10"), None), (None, Decimal("3.3")),
    ]  # fmt: skip
    made_columns = ("amount_usd", "quantity_usd", "rate")
    assert done.log == [(1, "convert_currency", made_columns, 3, 2, 4, 9, 2)]


def test_without_a_table_of_rates_the_run_stops_and_says_what_is_missing(settling: Settling) -> None:
    settling.execute("drop table if exists warehouse.fact_exchange_rates")
    with pytest.raises(
        ConfigError, match=r"reads warehouse\.fact_exchange_rates, which the warehouse does not"
    ):
        settling.settle(things(CONVERT, **MADE), [{"id": 1}])


def computed(settling: Settling, expression: str, column_type: str, **row: Any) -> Any:
    declared = things(x={"type": column_type, "expression": expression})
    return settling.settle(declared, [{"id": 1, **row}]).rows[0]["x"]


def test_expression_columns_are_computed_from_their_row(settling: Settling) -> None:
    declared = things(
        share={"type": "decimal(8,2)", "expression": "100 * amount / nullif(quantity, 0)"},
        label={"type": "text", "expression": "upper(name) || '%'"},
        utc_day={"type": "date", "expression": "(at at time zone 'UTC')::date"},
        year={"type": "integer", "expression": "extract(year from at at time zone 'UTC')"},
        is_even={"type": "boolean", "expression": "quantity % 2 = 0 and name is not null"},
    )
    late = datetime(2026, 1, 1, 23, 30, tzinfo=UTC)
    rows: list[Row] = [
        {"id": 1, "amount": Decimal(1), "quantity": 3, "name": "é\"'", "at": late},
        {"id": 2, "amount": Decimal(1), "quantity": 0, "name": "", "at": None},
        {"id": 3},
    ]
    done = settling.settle(declared, rows)
    assert [[row[name] for name in declared.derived] for row in done.rows] == [
        [Decimal("33.33"), "É\"'%", date(2026, 1, 1), 2026, False],
        [None, "%", None, None, True],
        [None, None, None, None, False],
    ]


def test_an_expression_sees_what_others_and_whole_steps_came_to(settling: Settling) -> None:
    declared = things(
        {"step": "fill_from_rows", "column": "quantity", "method": "mean"},
        {"step": "flag_outliers", "column": "half", "into": "far", "method": "iqr", "threshold": 1.5},
        half={"type": "decimal(8,1)", "expression": "quantity / 2.0"},
        sixth={"type": "decimal(8,1)", "expression": "half / 3"},
        far={"type": "boolean"},
        label={"type": "text", "expression": "case when far then 'far' else 'near' end"},
    )
    done = settling.settle(declared, rows_with("quantity", 1, 2, 3, None, 99))
    assert done.column("half") == {
        1: Decimal("0.5"),
        2: 1,
        3: Decimal("1.5"),
        4: Decimal("13.0"),
        5: Decimal("49.5"),
    }
    # half of 1 is kept as 0.5; a sixth of 13.0 is 4.3
    assert done.column("sixth") == {
        n: Decimal(v) for n, v in zip(range(1, 6), ("0.2", "0.3", "0.5", "4.3", "16.5"), strict=True)
    }
    assert [key for key, label in done.column("label").items() if label == "far"] == [5]
    assert [line[:3] for line in done.log] == [
        (1, "fill_from_rows", ("quantity",)),
        (2, "flag_outliers", ("far",)),
        (3, "expression", ("half",)),
        (4, "expression", ("sixth",)),
        (5, "expression", ("label",)),
    ]


@pytest.mark.parametrize(
    ("expression", "column_type", "postgresql", "mysql"),
    [
        ("name", "integer", r"column \"x\" is of type integer", "is a text; cast it"),
        ("at::date", "date", "generation expression is not immutable", "depends on more than the row"),
        ("to_char(at, 'YYYY')", "text", "generation expression is not immutable", "has no counterpart"),
        ("nam_of(name)", "text", r"function nam_of\(text\) does not exist", "has no counterpart"),
        ("every(quantity > 0)", "boolean", "aggregate functions are not allowed", "has no counterpart"),
        ("jsonb_array_elements(null)", "json", "set-returning functions|not unique", "has no counterpart"),
    ],
)
def test_what_the_system_refuses_names_table_column_and_expression(
    settling: Settling, system: str, expression: str, column_type: str, postgresql: str, mysql: str
) -> None:
    why = f"PostgreSQL refuses .*({postgresql})" if system == "postgresql" else f"MySQL refuses .*{mysql}"
    with pytest.raises(ConfigError, match=rf"t\.things: derived\.x\.expression: {why}"):
        computed(settling, expression, column_type)


@pytest.mark.parametrize(
    ("expression", "row"),
    [
        ("amount / quantity", {"amount": Decimal(1), "quantity": 0}),
        ("amount * 1000000", {"amount": Decimal("9e9")}),
    ],
)
def test_a_row_that_cannot_be_computed_stops_with_what_to_do(
    settling: Settling, expression: str, row: Row
) -> None:
    with pytest.raises(ContractError, match=r"t\.things: a value cannot be computed.*x = amount") as caught:
        computed(settling, expression, "decimal(12,2)", **row)
    assert "nullif(b, 0)" in caught.value.remedy


PEOPLE = SourceTable.model_validate(
    {
        "name": "people", "source": "crm", "description": "P", "table": "people", "key": ["person", "day"],
        "columns": {"person": {"type": "text"}, "day": {"type": "date"}, "points": {"type": "integer"}},
    }
)  # fmt: skip
JOIN = {
    "step": "join_table", "table": "crm.people", "keys": {"name": "person", "day": "day"},
    "columns": {"points": "points"},
}  # fmt: skip


@pytest.mark.parametrize("first", [True, False], ids=["settled-before", "settled-after"])
def test_columns_come_from_the_row_of_another_table_with_the_same_key(
    settling: Settling, first: bool
) -> None:
    """What settling does to the other table makes no difference, so its time makes none (law F5)."""
    table = things(JOIN, points={"type": "integer"}, more={"type": "integer", "expression": "points + 1"})
    assert list(join_problems({"crm.people": PEOPLE}, table)) == []
    monday, tuesday = date(2026, 3, 9), date(2026, 3, 10)
    people: list[Row] = [
        {"person": "ann", "day": monday, "points": 5},
        {"person": "ann", "day": monday, "points": 5},
        {"person": "ann", "day": tuesday, "points": 6},
        {"person": "bob", "day": monday, "points": 1},
        {"person": "bob", "day": monday, "points": 2},
        {"person": None, "day": monday, "points": 7},
        {"person": "eve", "day": monday, "points": None},
    ]
    rows = rows_with("name", "ann", "ann", "bob", None, "eve", "zoe", day=[monday, tuesday] + [monday] * 4)
    done = settling.settle_beside(table, rows, PEOPLE, people, first)
    assert done.column("points") == {1: 5, 2: 6, 3: None, 4: None, 5: None, 6: None}
    assert done.column("more")[2] == 7
    assert done.log[0] == (1, "join_table", ("points",), 6, 6, 2, 6, 4)


def test_a_join_with_a_table_that_the_run_does_not_read_says_so(settling: Settling) -> None:
    table = things(JOIN, points={"type": "integer"})
    warehouse = settling.warehouse_of({"t.things": table, "crm.people": PEOPLE})
    with (
        settling.run_over([table]) as (run, _),
        pytest.raises(ConfigError, match=r"crm\.people, which this run"),
    ):
        warehouse.settle(plan_of(table), run)


def test_a_column_may_have_any_name(settling: Settling) -> None:
    """Law P1."""
    odd = '"; drop table x; -- %s {{ y }}'
    declared = SourceTable.model_validate(
        {
            "name": "things", "source": "t", "description": "T", "table": "things", "key": ["id"],
            "columns": {"id": {"type": "bigint"}, odd: {"type": "decimal(9,2)"}, "c %": {"type": "text"}},
            "settle": [
                {"step": "fill_from_rows", "column": odd, "method": "median", "by": ["c %"]},
                {"step": "flag_outliers", "column": odd, "into": "f %(x)s", "method": "iqr", "threshold": 3},
                {"step": "deduplicate", "match": ["c %"], "keep": [f"-{odd}"], "fill": True},
            ],
            "derived": {
                "f %(x)s": {"type": "boolean"},
                "e %": {"type": "decimal(9,2)", "expression": '2 * """; drop table x; -- %s {{ y }}"'},
            },
        }
    )  # fmt: skip
    assert list(table_problems(declared)) == []
    rows: list[Row] = [
        {"id": 1, odd: None, "c %": "a"},
        {"id": 2, odd: Decimal(3), "c %": "a"},
        {"id": 3, "c %": "b"},
    ]
    done: Settled = settling.settle(declared, rows)
    assert done.column("e %") == {1: Decimal("6.00"), 3: None}
