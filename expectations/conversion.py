"""Our suites as Great Expectations knows them."""

from __future__ import annotations

import html
from collections.abc import Mapping
from typing import Any

from great_expectations.core import ExpectationSuite
from great_expectations.exceptions.exceptions import GreatExpectationsError
from great_expectations.expectations.expectation import Expectation
from great_expectations.expectations.expectation_configuration import ExpectationConfiguration
from great_expectations.expectations.metadata_types import FailureSeverity

import expectations.measures  # defining its classes registers them
import expectations.row_rules  # defining its classes registers our own expectations
import expectations.uniqueness  # noqa: F401  puts itself in the library's place
from etl.errors import ConfigError
from expectations.suites import REMEDY, Rule, Suite


def as_expectation_suite(suite: Suite) -> ExpectationSuite:
    """The whole suite, under the name of its table."""
    return ExpectationSuite(
        name=suite.table, expectations=[as_expectation(suite, rule) for rule in suite.rules]
    )


def as_expectation(suite: Suite, rule: Rule, kwargs: Mapping[str, Any] | None = None) -> Expectation:
    """The rule as Great Expectations knows it, which raises here where it would otherwise drop it.

    Args:
        kwargs: With which it is asked, where these are not the suite's own; pages show those of the suite.
    """
    try:
        return ExpectationConfiguration(
            type=rule.type,
            kwargs=dict(rule.kwargs if kwargs is None else kwargs),
            severity=FailureSeverity(rule.severity),
            description=_description(rule),
            meta={"rule": rule.name},
        ).to_domain_obj()
    except (ValueError, TypeError, GreatExpectationsError) as error:
        reason = " ".join(str(error).split())
        raise ConfigError(f"{suite.place_of(rule)}: {reason}", REMEDY) from None


def _description(rule: Rule) -> str:
    """What the pages say of the rule: they know no severity, and show a description instead of kwargs."""
    told = {"column", "column_A", "column_B", "column_list", "columns", "mostly", "as_of"}
    if rule.history is not None:
        told |= {"min_value", "max_value"}
    terms = [f"{key} {_term(value)}" for key, value in rule.kwargs.items() if key not in told]
    if "mostly" in rule.kwargs:
        terms.append(f"at least {100 * rule.kwargs['mostly']:.4g} % of the rows")
    if rule.history is not None:
        terms.append(rule.history.sentence)
    demands = f"{rule.sentence} ({', '.join(terms)})" if terms else rule.sentence
    text = f"{rule.severity.upper()}: {demands}. Why: {rule.reason}"
    return html.escape(text, quote=False).replace("$", "&#36;")


def _term(value: object) -> str:
    if isinstance(value, dict):
        return ".".join(map(str, value.values()))
    if isinstance(value, list):
        return " | ".join(map(_term, value))
    return " ".join(str(value).split())
