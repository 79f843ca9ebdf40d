"""Statements as the SQL files write them: parted, filled, and with the warehouse's prefix."""

from __future__ import annotations

import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from etl.identifiers import quote_mysql
from etl.warehouse.mysql.literals import literal
from etl.warehouse.mysql.scripts import filled


def made(script: str, values: Any = (), prefix: str = "dw_") -> list[str]:
    return [text for text, _ in filled(script, values, prefix)]


@pytest.mark.parametrize(
    ("script", "statements"),
    [
        ("select 1", ["select 1"]),
        ("select 1;", ["select 1"]),
        ("\n\n select 1 ;\n;;\n -- only words; of a comment\n; select 2\n", ["select 1", "select 2"]),
        ("select ';', \";\", `;` -- ;\n, 1 # ;\n, 2 /* ; */;select 2", None),
        ("select 'it''s; \\'; \\\\'; select 2", ["select 'it''s; \\'; \\\\'", "select 2"]),
        ("select `a``;b`; select 2", ["select `a``;b`", "select 2"]),
        ("select 5 --1; select 2", ["select 5 --1", "select 2"]),
        ("", []),
        ("/* nothing */ -- here", []),
    ],
)
def test_a_script_is_parted_at_semicolons_outside_of_quotes_and_comments(
    script: str, statements: list[str] | None
) -> None:
    assert made(script) == (
        [script.removesuffix(";select 2"), "select 2"] if statements is None else statements
    )


@pytest.mark.parametrize(
    ("script", "statement"),
    [
        ("select * from warehouse.t", "select * from `dw_warehouse`.t"),
        ("select * from `warehouse`.`t`", "select * from `dw_warehouse`.`t`"),
        ("select * from marts__new.t, marts.t", "select * from `dw_marts__new`.t, `dw_marts`.t"),
        ("select * from `staging_a;b%%c`.`t`", "select * from `dw_staging_a;b%c`.`t`"),
        ("insert into staging_x1.t select 1", "insert into `dw_staging_x1`.t select 1"),
        ("select `audit`.`audit`.`history` from audit.audit", None),
        ("select t.audit, t.`history`.x, history from t", "select t.audit, t.`history`.x, history from t"),
        ("select 'warehouse.t', \"audit.t\" -- replica.t", "select 'warehouse.t', \"audit.t\" -- replica.t"),
        ("select my_warehouse.t, Warehouse.t, @audit.x", "select my_warehouse.t, Warehouse.t, @audit.x"),
        ("drop database if exists staging_1", "drop database if exists `dw_staging_1`"),
        (
            "create database if not exists `marts` collate x",
            "create database if not exists `dw_marts` collate x",
        ),
        ("create schema history", "create schema `dw_history`"),
        ("create database dw_history", "create database dw_history"),
    ],
)
def test_schemas_get_the_prefix_and_nothing_else_does(script: str, statement: str | None) -> None:
    assert made(script) == [statement or "select `dw_audit`.`audit`.`history` from `dw_audit`.audit"]


def test_a_warehouse_without_a_prefix_has_the_names_as_they_are() -> None:
    assert made("select * from `audit`.t, marts.u", prefix="") == ["select * from `audit`.t, marts.u"]


def test_a_prefix_may_be_any_name() -> None:
    assert made("select `audit`.t from marts.t", prefix="my `dw`_") == [
        "select `my ``dw``_audit`.t from `my ``dw``_marts`.t"
    ]


def test_values_are_filled_in_by_name_or_in_order_over_all_statements() -> None:
    script = "set @a = %s; select %s, %s"
    assert made(script, (1, "x", None)) == ["set @a = 1", "select 'x', null"]
    assert made("select %(a b)s, %(c)s, %(a b)s", {"a b": "%s; `", "c": 2}) == ["select '%s; `', 2, '%s; `'"]


def test_a_value_is_never_read_as_a_part_of_the_statement() -> None:
    value = "x'; drop table warehouse.t; -- %(b)s %% \\"
    assert made("select %(a)s, %(b)s", {"a": value, "b": 1}) == [f"select {literal(value)}, 1"]


def test_a_negative_number_begins_no_comment() -> None:
    assert made("select 5 -%s", (-1,)) == ["select 5 - -1"]


@pytest.mark.parametrize("script", ["select '%Y'", "select 1 % 2", "select `a%b`", "select %(a)d", "-- 5 %"])
def test_a_single_per_cent_sign_is_refused(script: str) -> None:
    with pytest.raises(ValueError, match="not doubled"):
        made(script)


def test_values_that_are_too_many_or_too_few_are_refused() -> None:
    with pytest.raises(ValueError, match="1 values"):
        made("select 1", (1,))
    with pytest.raises(ValueError, match="0 values"):
        made("select %s")
    with pytest.raises(KeyError):
        made("select %(a)s", {"b": 1})


def test_lines_are_those_of_the_script() -> None:
    script = "-- header\n\nselect 1;\n\n\nselect\n  %(a)s;  select 3;\n-- x\nselect 4"
    assert [line for _, line in filled(script, {"a": "x\ny"}, "")] == [1, 6, 7, 8]


NAMES = st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1, max_size=20)


@given(NAMES, NAMES, st.text())
def test_names_and_texts_with_anything_in_them_stay_as_they_are(schema: str, name: str, text: str) -> None:
    quoted, value = quote_mysql(f"staging_{schema}", name), literal(text)
    doubled = f"select {value}, {quoted}.c, %(v)s from {quoted}; select 2".replace("%", "%%")
    first, second = made(doubled.replace("%%(v)s", "%(v)s"), {"v": text})
    prefixed = quoted.replace("`staging_", "`dw_staging_", 1)
    assert (first, second) == (f"select {value}, {prefixed}.c, {value} from {prefixed}", "select 2")


def test_a_long_script_takes_time_in_proportion() -> None:
    script = "select 'a', `b`, warehouse.c from t; " * 20_000
    assert len(made(script)) == 20_000
    assert (
        len(re.findall("dw_", ";".join(made("select 'x' from warehouse.t where" + " a.b = 1 and" * 50_000))))
        == 1
    )
