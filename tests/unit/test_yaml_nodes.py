"""YAML is read by the fast parser as by the slow one, and mistakes are told by the one that shows them."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from etl.settings import PROJECT_DIR
from etl.yaml_nodes import compose, value_of

FILES = sorted([*PROJECT_DIR.glob("catalog/**/*.yaml"), *PROJECT_DIR.glob("expectations/suites/*.yaml")])
ODD = [
    "",
    "# nothing but a comment",
    "a: &x {b: 1, c: [yes, 2026-03-01, 1e3, .inf, ~]}\nd: {<<: *x, b: 2}",
    'text: "tab\\t, \\u00e4 and \\x00"\nfolded: >\n  one\n  two\n',
]


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_files_say_what_the_slow_parser_reads(path: Path) -> None:
    text = path.read_text(encoding="utf-8")

    assert value_of(compose(text)) == yaml.safe_load(text)


@pytest.mark.parametrize("text", ODD)
def test_odd_texts_too(text: str) -> None:
    assert value_of(compose(text)) == yaml.safe_load(text)


def test_a_mistake_is_shown_where_it_stands() -> None:
    with pytest.raises(yaml.YAMLError, match=r"line 2, column 4:\n    b: \[1, 2") as slow:
        compose("a: 1\nb: [1, 2\n")

    assert "expected ',' or ']'" in str(slow.value)


def test_a_tag_makes_no_object() -> None:
    with pytest.raises(yaml.YAMLError, match="could not determine a constructor"):
        value_of(compose("a: !!python/object/apply:os.getcwd []"))
