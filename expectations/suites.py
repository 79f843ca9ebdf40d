"""Reads ``expectations/suites/<source>.<table>.yaml`` into checked suites, or says where they are wrong.

An expectation that Great Expectations does not know is only logged and dropped by it, which would make
the gate weaker without a word; so every rule is held against the JSON Schemas that Great Expectations
ships before anything is judged. Importing the library itself is not needed for that (it costs 4 s).
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace
from datetime import date
from functools import lru_cache
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from etl.errors import ConfigError
from etl.handles import Severity
from etl.yaml_nodes import compose, value_of
from expectations.history import History
from expectations.rules import BUSINESS_RULES
from expectations.vocabulary import did_you_mean, is_measure, is_row_rule, known_types, kwarg_problems

DECLARED = "declared_"
# A rule that fails is an incident under its name, beside these.
INCIDENT_KINDS = ("run_failed", "gate_closed", "reconciliation")
REMEDY = "Correct the suite; docs/quality.md says what may stand in one."


class Rule(BaseModel):
    """One rule of a suite: type, kwargs, severity and description as Great Expectations serialises them.

    Attributes:
        name: Stable name within the suite; results, trends and quarantine entries are kept under it.
        weight: Share in the quality score (law Q4).
        history: The bounds come from earlier runs; for rules that measure the whole table.
        reason: Why this rule and this threshold (law Q1).
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str = Field(pattern=r"^[a-z][a-z0-9_]*$")
    type: str
    kwargs: dict[str, Any]
    severity: Severity
    weight: float = Field(1, gt=0)
    history: History | None = None
    reason: str = Field(min_length=10)
    description: str = ""

    @field_validator("kwargs")
    @classmethod
    def _as_serialised(cls, kwargs: dict[str, Any]) -> dict[str, Any]:
        return {key: value.isoformat() if isinstance(value, date) else value for key, value in kwargs.items()}

    @property
    def sentence(self) -> str:
        """What the rule demands, in words: its description, else its name."""
        return self.description or self.name.replace("_", " ")

    @property
    def asks_one_row(self) -> bool:
        """Whether a row by itself answers the rule, wherever the rest of its batch may be."""
        named = BUSINESS_RULES.get(str(self.kwargs.get("business_rule")))
        return is_row_rule(self.type) and not (named and named.needs_whole_batch)


class _SuiteFile(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    table: str
    description: str = Field(min_length=1)
    rules: tuple[Rule, ...] = Field(min_length=1)


@dataclass(frozen=True, slots=True)
class Suite:
    """The rules of one staged table.

    Attributes:
        table: Catalog name such as ``shop.customers``; also the name of the suite and of its file.
        lines: Line of the file on which each rule begins, in the order of ``rules``.
    """

    table: str
    description: str
    rules: tuple[Rule, ...]
    path: Path
    lines: tuple[int, ...]

    def looks_into(self, relations: Collection[str]) -> set[str]:
        """Those of the relations, such as other staged tables, that a rule names in one of its kwargs."""
        text = json.dumps([rule.kwargs for rule in self.rules], ensure_ascii=False)
        return {name for name in relations if re.search(rf"(?<!\w){re.escape(name)}(?!\w)", text)}

    def for_replay(self) -> Suite:
        """What is asked of rows that come back from quarantine (law Q3).

        Only rules about single rows; and without their tolerance, which is about a load: rows that still
        break one stay where they are, however many, and keep no other row back.
        """
        asked = [(rule, line) for rule, line in zip(self.rules, self.lines, strict=True) if rule.asks_one_row]
        rules = tuple(rule.model_copy(update={"kwargs": {**rule.kwargs, "mostly": 0}}) for rule, _ in asked)
        return replace(self, rules=rules, lines=tuple(line for _, line in asked))

    def place_of(self, rule: Rule) -> str:
        """``file:line: rule 'name'`` for messages."""
        names = [each.name for each in self.rules]
        line = self.lines[names.index(rule.name)] if rule.name in names else 1
        return f"{self.path}:{line}: rule '{rule.name}'"


def load_suites(suites_dir: Path) -> dict[str, Suite]:
    """All suites below ``suites_dir`` by table name; files that have not changed are not read again.

    Raises:
        ConfigError: A file is not YAML, a field or an expectation is unknown, a kwarg is misspelt or of a
            wrong type, a severity is none, a reason is missing, or two rules have one name. Names file,
            line, rule and what was meant, for all that is wrong in a file at once.
    """
    paths = sorted(suites_dir.glob("*.yaml"))
    if not paths:
        raise ConfigError(
            f"{suites_dir} holds no suites.", "Set ETL_SUITES_DIR to the folder with the suites."
        )
    return {path.stem: _read(path, path.stat().st_mtime_ns, path.stat().st_size) for path in paths}


@lru_cache(maxsize=256)
def _read(path: Path, _changed_at: int, _size: int) -> Suite:
    content, lines = _parse(path)
    problems = [
        _explain(item["loc"], item["type"], item["msg"], content) for item in _structure_errors(content)
    ]
    if not problems:
        problems = list(_rule_problems(content, path.stem))
    if problems:
        places = (f"{path}:{_line(lines, location)}: {text}" for location, text in problems)
        raise ConfigError("\n".join(places), REMEDY)
    file = _SuiteFile.model_validate(content)
    starts = tuple(_line(lines, ("rules", index)) for index in range(len(file.rules)))
    return Suite(file.table, file.description, file.rules, path, starts)


Location = tuple[int | str, ...]


def _parse(path: Path) -> tuple[Any, dict[Location, int]]:
    text = path.read_text(encoding="utf-8")
    lines: dict[Location, int] = {}
    try:
        node = compose(text)
        for location, line in _walk(node, ()):
            if location in lines:
                where = ".".join(map(str, location))
                raise ConfigError(f"{path}:{line}: {where} stands here a second time.", REMEDY)
            lines[location] = line
        return value_of(node), lines
    except yaml.YAMLError as error:
        raise ConfigError(f"{path} is not valid YAML: {error}.", REMEDY) from None


def _walk(node: yaml.Node | None, at: Location) -> Iterator[tuple[Location, int]]:
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            yield (*at, key.value), key.start_mark.line + 1
            yield from _walk(value, (*at, key.value))
    elif isinstance(node, yaml.SequenceNode):
        for index, item in enumerate(node.value):
            yield (*at, index), item.start_mark.line + 1
            yield from _walk(item, (*at, index))


def _line(lines: dict[Location, int], location: Location) -> int:
    known = (location[:depth] for depth in range(len(location), 0, -1) if location[:depth] in lines)
    return lines[next(known)] if location[:1] and location[:1] in lines else 1


def _structure_errors(content: Any) -> list[Any]:
    try:
        _SuiteFile.model_validate(content)
    except ValidationError as error:
        errors = error.errors()
        deeper = {item["loc"][:1] for item in errors if len(item["loc"]) > 1}
        # Of a list whose only item is wrong, pydantic says that it is too short as well.
        return [item for item in errors if not (item["type"] == "too_short" and item["loc"] in deeper)]
    return []


def _explain(location: Location, kind: str, message: str, content: Any) -> tuple[Location, str]:
    if kind == "extra_forbidden":
        model: type[BaseModel] = Rule if "rules" in location else _SuiteFile
        model = History if "history" in location else model
        message = "is not a field" + did_you_mean(str(location[-1]), list(model.model_fields))
    elif kind == "too_short":
        message = "is empty"
    elif kind == "missing":
        message = "is missing" + (
            ": say why this rule and this threshold" if location[-1] == "reason" else ""
        )
    return location, f"{_named(location, content)}: {message}"


def _named(location: Location, content: Any) -> str:
    """``rule 'x': field`` where the rule's name can be read, else the path of the field."""
    if len(location) > 1 and location[0] == "rules" and isinstance(location[1], int):
        rule = content["rules"][location[1]]
        name = rule.get("name", f"number {location[1] + 1}") if isinstance(rule, dict) else location[1] + 1
        field = ".".join(map(str, location[2:]))
        return f"rule '{name}'" + (f": {field}" if field else "")
    return ".".join(map(str, location)) or "the file"


def _rule_problems(content: Any, stem: str) -> Iterator[tuple[Location, str]]:
    file = _SuiteFile.model_validate(content)
    if file.table != stem:
        yield ("table",), f"table: '{file.table}', but the file is named for {stem}"
    names: set[str] = set()
    for index, rule in enumerate(file.rules):
        at: Location = ("rules", index)
        if rule.name in names:
            yield (*at, "name"), f"rule '{rule.name}': another rule of this suite has the same name"
        if rule.name in INCIDENT_KINDS:
            yield (
                (*at, "name"),
                f"rule '{rule.name}': incidents of that name are not about rules; choose another",
            )
        if rule.name.startswith(DECLARED):
            yield (*at, "name"), f"rule '{rule.name}': names with {DECLARED} are those of the catalog's rules"
        names.add(rule.name)
        if rule.type not in known_types():
            wrong = f"{rule.type} is not an expectation{did_you_mean(rule.type, known_types())}"
            yield (*at, "type"), f"rule '{rule.name}': {wrong}"
            continue
        for place, text in kwarg_problems(rule.type, rule.kwargs):
            yield (*at, "kwargs", *place), f"rule '{rule.name}': {text}"
        for where, text in _history_problems(rule):
            yield (*at, *where), f"rule '{rule.name}': {text}"


def _history_problems(rule: Rule) -> Iterator[tuple[Location, str]]:
    if rule.history is None:
        return
    if not is_measure(rule.type):
        yield ("history",), f"history sets the bounds of one number about the table; {rule.type} has none"
    for bound in ("min_value", "max_value", "strict_min", "strict_max"):
        if bound in rule.kwargs:
            yield ("kwargs", bound), f"{bound} stands beside history, which sets the bounds; leave one out"
