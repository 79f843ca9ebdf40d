"""What may stand under ``expression``, ``prepare`` and ``settle`` is decided before anything is read."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from etl.catalog import SourceTable
from etl.catalog.expressions import parse_expression
from etl.catalog.step_checks import join_problems, table_problems
from etl.catalog_files import load_catalog
from etl.errors import ConfigError
from etl.identifiers import quote_postgresql


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("profit / nullif(revenue, 0)", ["profit", "revenue"]),
        ("Price * 2", ["price"]),
        ('"Price" * 2', ["Price"]),
        ('\'é;--\' || "N""ä" || name', ['N"ä', "name"]),
        ("case when a > 1 then 'x' else b end", ["a", "b"]),
        ("(at at time zone 'UTC')::date", ["at"]),
        ("extract(year from d)", ["d"]),
        ("extract(epoch from b - a)", ["b", "a"]),
        ("interval '1 day' * n", ["n"]),
        ("j ->> 'k'", ["j"]),
        ("j ? 'k'", ["j"]),
        ("a in (1, 2) and b between 1 and a", ["a", "b", "a"]),
        ("-a ^ 2 % 3", ["a"]),
        ("comment || date", ["comment", "date"]),
        ("random", ["random"]),
        ("round(100.0 * a / b, 2)\n", ["a", "b"]),
        ("'now()'", []),
        ("true", []),
    ],
)
def test_one_expression_over_the_columns_of_the_row(text: str, names: list[str]) -> None:
    expression = parse_expression(text)
    assert [name for name, _, _ in expression.names] == names
    quoted = parse_expression(expression.written({name: quote_postgresql(name) for name in names}))
    assert [name for name, _, _ in quoted.names] == names


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "is not one SQL expression"),
        ("a +", "is not one SQL expression"),
        ("'a", "a quote is not closed"),
        ("a; drop table x", "is not one SQL expression"),
        ("a) stored, b int generated always as (1", "is not one SQL expression"),
        ("a), (b", "must be one expression and nothing beside it"),
        ("a); select (b", "must be one expression and nothing beside it"),
        ("drop table x", "is not one SQL expression"),
        ("a, b", "several values"),
        ("a as b", "a name of its own"),
        ("a -- and more", "must hold no comment"),
        ("a /* and */ + b", "must hold no comment"),
        ("a\u00a0+ b", "no unusual white space"),
        ("select 1", "a query"),
        ("(select 1)", "a query"),
        ("a in (select 1)", "a query"),
        ("exists (select 1)", "a query"),
        ("count(*)", "an aggregate"),
        ("sum(a)", "an aggregate"),
        ("string_agg(a, ',')", "an aggregate"),
        ("percentile_cont(0.5) within group (order by a)", "an aggregate"),
        ("sum(a) filter (where b)", "an aggregate"),
        ("row_number() over ()", "a window"),
        ("lag(a) over (order by b)", "a window"),
        ("$1", "a parameter"),
        (":a", "a parameter"),
        ("%s", "a parameter"),
        ("%(a)s", "a parameter"),
        ("*", "a star"),
        ("t.*", "a name with a dot"),
        ("t.a", "a name with a dot"),
        ("pg_catalog.pg_sleep(1)", "a name with a dot"),
        ("unnest(a)", "a function that makes rows"),
        ("generate_series(1, a)", "a function that makes rows"),
        ("E'a\\'b'", "a text that is not in plain quotes"),
        ("$$a$$", "a text that is not in plain quotes"),
        ("U&'a'", "a text that is not in plain quotes"),
        ("now()", "whose value is not of the row"),
        ("current_date", "whose value is not of the row"),
        ("current_user", "whose value is not of the row"),
        ("random()", "whose value is not of the row"),
        ("clock_timestamp()", "whose value is not of the row"),
        ("nextval('s')", "whose value is not of the row"),
        ("pg_sleep(9)", "whose value is not of the row"),
        ("set_config('a', 'b', false)", "whose value is not of the row"),
    ],
)
def test_anything_else_is_refused_with_what_it_is(text: str, reason: str) -> None:
    with pytest.raises(ValueError, match=r"^(?:is|must|may)") as caught:
        parse_expression(text)
    assert reason in str(caught.value)


def table(**fields: Any) -> SourceTable:
    """A table with one column of each kind that steps ask for."""
    columns = {
        "id": {"type": "bigint", "nullable": False},
        "email": {"type": "text"},
        "name": {"type": "text"},
        "amount": {"type": "decimal(10,2)"},
        "rate": {"type": "double"},
        "currency": {"type": "text"},
        "at": {"type": "timestamp"},
    }
    declared = {"description": "T", "table": "t", "key": ["id"], "columns": columns, **fields}
    return SourceTable.model_validate({"name": "t", "source": "s", **declared})


def test_expressions_before_it_stand_in_an_expression_as_they_will_be_kept() -> None:
    declared = table(
        derived={
            "half": {"type": "decimal(10,1)", "expression": "amount / 2"},
            "quarter": {"type": "decimal(10,2)", "expression": "half / 2"},
        }
    )
    assert declared.generated_columns == {
        "half": '"amount" / 2',
        "quarter": '(cast(("amount" / 2) as numeric(10,1))) / 2',
    }
    assert list(table_problems(declared)) == []


@pytest.mark.parametrize(
    ("fields", "place", "message"),
    [
        pytest.param(
            {"prepare": [{"step": "clean_text", "columns": ["nme"]}]},
            "prepare.0", "clean_text names nme, which neither the table nor an earlier step has",
            id="no-column",
        ),
        pytest.param(
            {
                "prepare": [
                    {"step": "clean_text", "columns": ["name", "email"]},
                    {"step": "validate_email", "column": "email", "into": "ok"},
                ],
                "derived": {"ok": {"type": "boolean"}},
            },
            "prepare.0", "clean_text names email, which validate_email names, too", id="cleaned-email",
        ),
        pytest.param(
            {"prepare": [{"step": "parse_number", "column": "name", "into": "n"}]},
            "prepare.0", "parse_number makes n, which is not declared under 'derived'", id="undeclared",
        ),
        pytest.param(
            {
                "prepare": [
                    {"step": "standardize_date", "column": "name", "into": "d", "formats": ["%Y-%m-%d %H"]}
                ],
                "derived": {"d": {"type": "date"}},
            },
            "prepare.0", "needs d to be timestamp, but it is date", id="time-for-a-date",
        ),
        pytest.param(
            {"deletes": "compare", "prepare": [{"step": "drop_missing", "columns": ["name"]}]},
            "prepare.0", "drop_missing does not go with 'deletes: compare'", id="dropped-but-compared",
        ),
        pytest.param(
            {
                "deletes": "compare", "cursor": "at",
                "settle": [{"step": "deduplicate", "match": ["name"], "keep": ["id"]}],
            },
            "settle.0", "deduplicate does not go with 'deletes: compare'", id="deduplicated-but-compared",
        ),
        pytest.param(
            {"derived": {"x": {"type": "text"}}}, "derived.x", "must be made by a step or by an expression",
            id="made-by-nothing",
        ),
        pytest.param(
            {"derived": {"name": {"type": "text", "expression": "email"}}},
            "derived.name", "is among the columns as well", id="named-twice",
        ),
        pytest.param(
            {"derived": {"x": {"type": "text", "expression": "nme"}}},
            "derived.x.expression", "names nme, which is not a column of the table",
            id="unknown-in-expression",
        ),
        pytest.param(
            {
                "derived": {
                    "x": {"type": "text", "expression": "y"},
                    "y": {"type": "text", "expression": "name"},
                }
            },
            "derived.x.expression", "names y, which comes later: move it up", id="expression-too-early",
        ),
        pytest.param(
            {"derived": {"x": {"type": "text", "expression": "sum(amount)"}}},
            "derived.x.expression", "may not have an aggregate", id="aggregate",
        ),
        pytest.param(
            {"derived": {"x": {"type": "text", "expression": "name", "nullable": False}}},
            "derived.x", "'nullable: false' is checked in preparation", id="expression-never-null",
        ),
        pytest.param(
            {"settle": [{"step": "fill_from_rows", "column": "id", "method": "mode"}]},
            "settle.0", "which identifies rows", id="filled-key",
        ),
        pytest.param(
            {"settle": [{"step": "fill_from_rows", "column": "name", "method": "median"}]},
            "settle.0", "needs name to be bigint or decimal", id="median-of-text",
        ),
        pytest.param(
            {
                "settle": [
                    {
                        "step": "flag_outliers", "column": "amount", "into": "x", "method": "iqr",
                        "threshold": 1.5,
                    }
                ],
                "derived": {"x": {"type": "text"}},
            },
            "settle.0", "needs x to be boolean, but it is text", id="flag-of-text",
        ),
        pytest.param(
            {
                "settle": [
                    {
                        "step": "convert_currency", "amounts": {"rate": "usd"}, "currency": "currency",
                        "at": "at", "to": "USD", "rate_into": "used",
                    }
                ],
                "derived": {"usd": {"type": "decimal(10,2)"}, "used": {"type": "decimal(18,8)"}},
            },
            "settle.0", "needs rate to be bigint or decimal or integer or smallint, but it is double",
            id="float-money",
        ),
        pytest.param(
            {"settle": [{"step": "deduplicate", "match": ["name"], "keep": ["-seen_at"]}]},
            "settle.0", "deduplicate names seen_at, which neither the table nor an earlier step has",
            id="kept-by-nothing",
        ),
    ],
)  # fmt: skip
def test_contradictions_are_found_with_their_place(fields: dict[str, Any], place: str, message: str) -> None:
    found = [(".".join(map(str, where)), what) for where, what in table_problems(table(**fields))]
    assert [what for where, what in found if where == place and message in what]


@pytest.mark.parametrize(
    ("change", "keys", "message"),
    [
        ({}, {"name": "name"}, "whose rows are told apart by id: name these under 'keys'"),
        ({"cursor": "at"}, {"id": "id"}, "which is not read whole in each run"),
        (
            {"settle": [{"step": "fill_from_rows", "column": "name", "method": "mode"}]},
            {"id": "id"},
            "'settle'",
        ),
        (
            {"columns": {"id": {"type": "integer"}, "rate": {"type": "double"}}},
            {"id": "id"},
            "is integer, but id",
        ),
        ({"columns": {"id": {"type": "bigint"}}}, {"id": "id"}, "which has no column rate"),
    ],
)
def test_a_table_that_cannot_be_joined_is_refused(
    change: dict[str, Any], keys: dict[str, str], message: str
) -> None:
    other = table(**change).model_copy(update={"name": "other"})
    step = {"step": "join_table", "table": "s.other", "keys": keys, "columns": {"rate": "their_rate"}}
    joining = table(settle=[step], derived={"their_rate": {"type": "double"}})
    assert [p for p in join_problems({"s.other": other}, joining) if message in p]
    assert list(join_problems({}, joining)) == [
        "settle: join_table names s.other, which is not a table of the catalog"
    ]


def test_a_cleaned_email_that_is_meant_is_let_pass() -> None:
    steps = [
        {"step": "clean_text", "columns": ["email"], "allow_email": True},
        {"step": "validate_email", "column": "email", "into": "ok"},
    ]
    assert list(table_problems(table(prepare=steps, derived={"ok": {"type": "boolean"}}))) == []


def test_the_catalog_names_file_and_line_of_a_bad_expression(tmp_path: Path) -> None:
    (tmp_path / "sources").mkdir()
    (tmp_path / "sources" / "s.yaml").write_text("description: S\n", encoding="utf-8")
    content = {
        "description": "T",
        "table": "t",
        "key": ["id"],
        "columns": {"id": {"type": "bigint"}},
        "derived": {"x": {"type": "bigint", "expression": "id + ix"}},
    }
    path = tmp_path / "tables" / "s" / "t.yaml"
    path.parent.mkdir(parents=True)
    path.write_text(yaml.safe_dump(content, sort_keys=False), encoding="utf-8")
    line = 1 + path.read_text(encoding="utf-8").splitlines().index("    expression: id + ix")
    with pytest.raises(ConfigError) as caught:
        load_catalog(tmp_path)
    assert f"{path}:{line}: derived.x.expression: names ix, which is not a column" in caught.value.problem


def test_what_is_derived_from_a_column_that_is_gone_is_unknown_with_it() -> None:
    """Law S14: their values carry forward, which NULL would not say."""
    declared = table(
        prepare=[{"step": "parse_number", "column": "name", "into": "n"}],
        settle=[{"step": "flag_outliers", "column": "n", "into": "far", "method": "iqr", "threshold": 1.5}],
        derived={
            "n": {"type": "integer"},
            "far": {"type": "boolean"},
            "twice": {"type": "integer", "expression": "2 * n"},
            "other": {"type": "integer", "expression": "2 * id"},
        },
    )
    assert declared.unknown_without(("name",)) == ("far", "n", "name", "twice")
