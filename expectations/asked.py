"""The rules that one judgement asks: those of the suite, with bounds from history, and the catalog's."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from math import ceil, floor
from typing import Any

from etl.catalog import SourceTable
from etl.handles import StagedTable
from expectations.declared import declared_rules
from expectations.history import Usual, usual
from expectations.suites import Rule, Suite
from expectations.vocabulary import measures_whole_numbers

AGE = "expect_column_age_hours_to_be_between"
# While a rule warms up it measures, and nothing is out of bounds.
_ANYTHING = 1e300


@dataclass(frozen=True, slots=True)
class Terms:
    """On what terms a staged table is judged, beside its suite.

    Attributes:
        declared: Its declaration, whose columns are judged too; None judges the suite alone.
        measured: Rule name -> what comparable runs measured, the newest first.
        as_of: Instant of the source's clock, in ISO form with its zone, for which the run speaks (law X4).
        max_failed_rows: With more rows to blame than this the gate closes and none is named.
    """

    declared: SourceTable | None = None
    measured: Mapping[str, Sequence[float]] = field(default_factory=dict)
    as_of: str | None = None
    max_failed_rows: int = 1_000_000


SUITE_ALONE = Terms()


@dataclass(frozen=True, slots=True)
class Asked:
    """A suite as it is asked of one staged table.

    Attributes:
        suite: Its rules have their bounds and all kwargs.
        usual: Rule name -> what history says, for the rules whose bounds come from it.
    """

    suite: Suite
    usual: Mapping[str, Usual]


def asked_rules(suite: Suite, staged: StagedTable, terms: Terms) -> Asked:
    """All rules to be asked of a staged table, the only place that chooses them.

    Rows that come back from quarantine are asked for themselves: rules about a load, its history and its
    tolerances are not for them (law Q3).
    """
    if staged.is_replay:
        suite = suite.for_replay()
    known = {
        rule.name: usual(rule.history, terms.measured.get(rule.name, ()))
        for rule in suite.rules
        if rule.history is not None
    }
    timed = (_with_instant(rule, terms.as_of) for rule in suite.rules)
    rules = [_with_bounds(rule, known.get(rule.name)) for rule in timed]
    if terms.declared is not None:
        absent = staged.plan.absent if staged.plan else ()
        declared = declared_rules(terms.declared, suite, absent)
        rules += [rule for rule in declared if rule.asks_one_row or not staged.is_replay]
    return Asked(replace(suite, rules=tuple(rules)), known)


def _with_instant(rule: Rule, as_of: str | None) -> Rule:
    return _with_kwargs(rule, as_of=as_of) if rule.type == AGE else rule


def _with_bounds(rule: Rule, found: Usual | None) -> Rule:
    if found is None:
        return rule
    whole = measures_whole_numbers(rule.type)
    lowest, highest = found.lowest, found.highest
    if found.is_warming_up:
        lowest = -1.0 if whole else -_ANYTHING
    bounds: dict[str, Any] = {}
    if lowest is not None:
        bounds["min_value"] = ceil(lowest) if whole else lowest
    if highest is not None:
        bounds["max_value"] = floor(highest) if whole else highest
    rule = _with_kwargs(rule, **bounds)
    return rule.model_copy(update={"description": f"{rule.sentence}; {found.sentence}"})


def _with_kwargs(rule: Rule, **more: Any) -> Rule:
    return rule.model_copy(update={"kwargs": {**rule.kwargs, **more}})
