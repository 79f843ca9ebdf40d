"""The words a suite may use: the expectations there are and the kwargs each takes.

Great Expectations ships a JSON Schema per expectation; they are read from its folder without importing
it. Our own expectations (``row_rules.py``, ``measures.py``) have theirs here.
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
_BOUNDS = {
    "column": _COLUMN,
    "min_value": {"type": "number"},
    "max_value": {"type": "number"},
    "strict_min": {"type": "boolean"},
    "strict_max": {"type": "boolean"},
}
_OWN_ROW_RULES: dict[str, dict[str, Any]] = {
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
_OWN_TABLE_RULES: dict[str, dict[str, Any]] = {
    # The gate itself adds `as_of`, the instant for which the run speaks.
    "expect_column_age_hours_to_be_between": {"properties": _BOUNDS, "required": ["column"]},
    "expect_column_share_to_be_between": {
        "properties": {**_BOUNDS, "value_set": {"type": "array", "minItems": 1}},
        "required": ["column", "value_set"],
    },
    "expect_columns_to_be_as_declared": {
        "properties": {"columns": {"type": "object", "minProperties": 1}},
        "required": ["columns"],
    },
}
OWN_SCHEMAS = {**_OWN_ROW_RULES, **_OWN_TABLE_RULES}


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
        return expectation in _OWN_ROW_RULES
    domain = _schema(expectation)["properties"]["metadata"]["properties"]["domain_type"]["description"]
    return str(domain).endswith(" Map")


def is_measure(expectation: str) -> bool:
    """Whether it holds one number about the whole table between two bounds, which history can set."""
    takes = _schema(expectation)["properties"]
    return not is_row_rule(expectation) and "min_value" in takes and "max_value" in takes


def measures_whole_numbers(expectation: str) -> bool:
    """Whether the bounds of the measure are whole numbers."""
    kinds = _schema(expectation)["properties"]["min_value"].get("anyOf", [])
    return any(kind.get("type") == "integer" for kind in kinds)


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
