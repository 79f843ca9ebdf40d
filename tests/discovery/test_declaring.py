"""Names, types and the text of files: pure, for any input."""

from __future__ import annotations

import re
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from etl.catalog_types import can_hold
from etl.discovery.names import column_name, table_name
from etl.discovery.suites import is_personal
from etl.discovery.types import widened
from etl.discovery.yaml_text import YamlText, written

NAME = re.compile(r"[a-z][a-z0-9_]*")
ANY_TEXT = st.text(st.characters(codec="utf-8", exclude_characters="\x00"), min_size=1, max_size=64)
TYPES = [
    *("smallint", "integer", "bigint", "boolean", "date", "timestamp", "time", "double"),
    *("text", "json", "bytes", "uuid"),
    *(f"decimal({p},{s})" for p in (1, 5, 10, 19, 20, 38, 76) for s in (0, 1, 5) if s <= p),
]  # fmt: skip


@given(st.lists(ANY_TEXT, unique=True, max_size=30))
def test_names_are_plain_short_and_each_another(originals: list[str]) -> None:
    names: list[str] = []
    for original in originals:
        names.append(column_name(original, names))
    assert len(set(names)) == len(originals)
    for name in names:
        assert NAME.fullmatch(name), name
        assert len(name) <= 40
    tables: list[str] = []
    for original in originals:
        tables.append(table_name(original, None, "a_source_name_of_30_characters", tables))
        assert len(f"stg_a_source_name_of_30_characters__{tables[-1]}__keys") <= 63


@pytest.mark.parametrize(
    ("original", "name"),
    [
        ("customer_id", "customer_id"),
        ("CustomerID", "customer_id"),
        ("HTTPServer2Name", "http_server2_name"),
        ("Order Date", "order_date"),
        ("ÄÖÜ straße", "aou_strasse"),
        ("_row", "row"),
        ("2fa", "n2fa"),
        ("select", "select"),
        ('"; drop table x; --', "drop_table_x"),
    ],
)
def test_a_name_that_can_be_kept_is_kept(original: str, name: str) -> None:
    assert column_name(original, ()) == name
    assert column_name(original, {name}) == f"{name}_2"


@given(st.sampled_from(TYPES), st.sampled_from(TYPES))
def test_a_wider_type_holds_both_and_changes_nothing_that_need_not_change(one: str, other: str) -> None:
    wide = widened(one, other)
    if wide is None:
        assert "bytes" in (one, other)
        return
    assert can_hold(wide, one)
    assert can_hold(wide, other)
    if can_hold(one, other):
        assert wide == one
    assert widened(wide, other) == wide


WORD = st.text(st.characters(codec="utf-8", exclude_characters="\x00"), min_size=1, max_size=9)
ENTRY = st.dictionaries(WORD, st.none() | st.booleans() | st.integers() | WORD, max_size=2)
CONTENT = st.fixed_dictionaries(
    {
        "description": WORD,
        "key": st.lists(WORD, max_size=2),
        "columns": st.dictionaries(WORD, ENTRY, min_size=1, max_size=3),
        "rules": st.lists(st.dictionaries(WORD, WORD | ENTRY, min_size=1, max_size=2), max_size=2),
    }
)


@given(CONTENT, st.dictionaries(WORD, ENTRY, min_size=1, max_size=2))
def test_what_is_written_is_read_and_can_be_added_to(content: dict[str, Any], more: dict[str, Any]) -> None:
    text = written(content, "a comment")
    assert yaml.safe_load(text) == content
    entries = {name: entry for name, entry in more.items() if name not in content["columns"]}
    file = YamlText(text)
    if entries:
        file.add_entries("columns", entries)
    assert yaml.safe_load(str(file)) == {**content, "columns": {**content["columns"], **entries}}
    assert str(file).startswith(text.split("columns:")[0])


HANDMADE = """\
# Mine.
description: "Quoted"   # why
columns:
    id: {type: bigint}          # the key
    price:
        type: "decimal(10,2)"   # money
        description: |
            Two
            lines

    # Not a column.
drift: evolve
"""


def test_a_change_touches_its_own_place_only() -> None:
    file = YamlText(HANDMADE)
    file.add_entries("columns", {"note": {"type": "text"}})
    file.set_value("decimal(12,2)", "columns", "price", "type")
    file.set_value(False, "drift")
    changed = str(file)
    assert changed == HANDMADE.replace('"decimal(10,2)"', "'decimal(12,2)'").replace(
        "            lines\n", "            lines\n    note: {type: text}\n"
    ).replace("drift: evolve", "drift: false")


def test_entries_on_one_line_are_added_to_on_that_line() -> None:
    file = YamlText("columns: {id: {type: bigint}, }  # few\nkey: [id]\n")
    file.add_entries("columns", {"note": {"type": "text"}})
    assert str(file) == "columns: {id: {type: bigint}, note: {type: text}, }  # few\nkey: [id]\n"


@pytest.mark.parametrize(
    "name", ["email", "e_mail", "first_name", "mobile_no", "birth_date", "iban", "contact"]
)
def test_columns_that_speak_of_people_are_known(name: str) -> None:
    assert is_personal(name)


@pytest.mark.parametrize("name", ["status", "kind", "hotel", "quantity", "class", "country", "description"])
def test_columns_that_do_not_are_not(name: str) -> None:
    assert not is_personal(name)
