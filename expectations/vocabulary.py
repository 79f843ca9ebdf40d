"""The words a suite may use: the expectations there are and the kwargs each takes.

Great Expectations ships a JSON Schema per expectation; they are read from its folder without importing
it. Our own expectations (``row_rules.py``) have theirs here.
"""

from __future__ import annotations

import difflib
import json
from collections.abc import Iterator
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from jsonschema import Draft7Validator

from etl.errors import ConfigError
from expectations.rules import BUSINESS_RULES

# Fields of an expectation that a suite gives beside `kwargs`, or that are not the author's to give.
NOT_KWARGS = {
    "id",
    "meta",
    "notes",
    "description",
    "severity",
    "metadata",
    "library_metadata",
    "batch_id",
    "result_format",
    "catch_exceptions",
    "rendered_content",
    "windows",
}

_COLUMN = {"type": "string", "minLength": 1}
_MOSTLY = {"type": "number", "minimum": 0, "maximum": 1}
OWN_SCHEMAS: dict[str, dict[str, Any]] = {
    "expect_column_values_to_exist_in": {
        "properties": {
            "column": _COLUMN,
            "candidates": {
                "type": "array",
                "minItems": 1,
                "items": {
                    "type": "object",
                    "properties": {"relation": _COLUMN, "column": _COLUMN},
                    "required": ["relation", "column"],
                    "additionalProperties": False,
                },
            },
            "mostly": _MOSTLY,
        },
        "required": ["column", "candidates"],
    },
    "expect_rows_to_satisfy": {
        "properties": {
            "column_list": {"type": "array", "minItems": 2, "items": _COLUMN},
            "predicate": {"type": "string", "minLength": 1},
            "business_rule": {"enum": sorted(BUSINESS_RULES)},
            "mostly": _MOSTLY,
        },
        "required": ["column_list"],
        "oneOf": [{"required": ["predicate"]}, {"required": ["business_rule"]}],
    },
}


def known_types() -> list[str]:
    """Every expectation that a suite may name."""
    return [*_schema_files(), *OWN_SCHEMAS]


def kwarg_problems(expectation: str, kwargs: dict[str, Any]) -> Iterator[tuple[tuple[str, ...], str]]:
    """What is wrong with the kwargs of a rule: the path of each kwarg to blame, and a sentence."""
    schema = _schema(expectation)
    takes = sorted(set(schema["properties"]) - NOT_KWARGS)
    for key in kwargs:
        if key not in takes:
            yield (key,), f"{key} is not a kwarg of {expectation}{did_you_mean(key, takes)}"
    if "$PARAMETER" in json.dumps(kwargs, default=str):
        yield (), "$PARAMETER is evaluated by a parser that is not safe under threads; write the value itself"
    known = {key: value for key, value in kwargs.items() if key in takes}
    for error in Draft7Validator(schema).iter_errors(known):
        path = tuple(str(part) for part in error.absolute_path)
        yield (
            path,
            f"kwargs{''.join(f'.{part}' for part in path)}: {_sentence(error.validator, error.message)}",
        )


def is_row_rule(expectation: str) -> bool:
    """Whether the expectation asks its question of every row and can count the rows that break it."""
    if expectation in OWN_SCHEMAS:
        return True
    domain = _schema(expectation)["properties"]["metadata"]["properties"]["domain_type"]["description"]
    return str(domain).endswith(" Map")


def did_you_mean(wrong: str, known: list[str]) -> str:
    """``; did you mean 'x'?`` when something known is near, else nothing."""
    near = difflib.get_close_matches(wrong, known, n=1)
    return f"; did you mean '{near[0]}'?" if near else ""


def _sentence(keyword: Any, message: str) -> str:
    return "give exactly one of 'predicate' and 'business_rule'" if keyword == "oneOf" else message


@cache
def _schema(expectation: str) -> dict[str, Any]:
    if expectation in OWN_SCHEMAS:
        return OWN_SCHEMAS[expectation]
    schema: dict[str, Any] = json.loads(_schema_files()[expectation].read_text(encoding="utf-8"))
    if "mostly" in schema["properties"]:
        # Theirs says multipleOf 0.01, which is false of 0.95 in binary floats.
        schema["properties"]["mostly"] = _MOSTLY
    return schema


@cache
def _schema_files() -> dict[str, Path]:
    library = find_spec("great_expectations")
    if library is None or library.origin is None:
        raise ConfigError("Great Expectations is not installed.", "Install the packages of the lock file.")
    folder = Path(library.origin).parent / "expectations" / "core" / "schemas"
    index = json.loads((folder / "index.json").read_text(encoding="utf-8"))
    return {name: folder / entry["schema_file"] for name, entry in index["expectations"].items()}
