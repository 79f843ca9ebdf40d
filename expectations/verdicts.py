"""What Great Expectations found, told in our handles and without a value of any row (laws Q2, Q4, P2)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

from great_expectations.core.expectation_validation_result import ExpectationValidationResult
from great_expectations.expectations.expectation import Expectation

from etl.handles import RuleResult
from etl.warehouse.database import Database
from expectations.history import Usual
from expectations.suites import Rule
from expectations.vocabulary import is_measure, is_row_rule

COUNTS = (
    "element_count",
    "unexpected_count",
    "unexpected_percent",
    "unexpected_percent_total",
    "unexpected_percent_nonmissing",
    "missing_count",
    "missing_percent",
)


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a rule could not be evaluated."""

    message: str
    is_transient: bool


class DatabaseErrors:
    """What the database answered with errors; Great Expectations keeps only the text of their traces."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._by_text: dict[str, Exception] = {}

    def note(self, error: BaseException | None) -> None:
        """Keep an error of the driver; one without a text would be found in every trace."""
        text = str(error).strip()
        if text and isinstance(error, self._database.errors):
            self._by_text[text] = error

    def failure_in(self, trace: str) -> Failure | None:
        """What the database said, without values: only errors about names and syntax keep their text."""
        error = next((error for text, error in self._by_text.items() if text in trace), None)
        if error is None:
            return Failure("the database answered with an error", False) if "sqlalche.me" in trace else None
        is_lost = self._database.is_lost(error)
        if self._database.refusal_of(error) in ("wrong", "forbidden", "other kind"):
            return Failure(_one_line(self._database.message_of(error)), is_lost)
        return Failure(f"the database answered with {self._database.kind_of(error)}", is_lost)


def rule_result(
    rule: Rule,
    found: ExpectationValidationResult,
    failure: Failure | None,
    usual: Usual | None = None,
    is_empty: bool = False,
) -> RuleResult:
    """One rule's result from what Great Expectations says about it.

    Args:
        failure: Why it could not be evaluated; None when it was.
        usual: What history says, for a rule whose bounds come from it.
        is_empty: The table has no row; what has no value then is no fault of it.
    """
    counts: dict[str, Any] = found.result if failure is None else {}
    broken = counts.get("unexpected_count") if is_row_rule(rule.type) else None
    value = None if broken is not None else counts.get("observed_value")
    has_nothing = failure is None and is_empty and value is None and is_measure(rule.type)
    return RuleResult(
        rule=rule.name,
        expectation=rule.type,
        column=_columns(rule.kwargs),
        severity=rule.severity,
        weight=rule.weight,
        passed=failure is None and (bool(found.success) or has_nothing),
        checked=failure is None,
        unexpected_count=broken,
        element_count=counts.get("element_count"),
        observed="no row to measure" if has_nothing else _observed(counts, broken, failure, usual),
        observed_value=_number(value),
        lowest=usual.lowest if usual else None,
        highest=usual.highest if usual else None,
    )


def unanswered(expectation: Expectation, why: str | None = None) -> ExpectationValidationResult:
    """What is said of a rule that has no result: it could not be checked.

    Args:
        why: It could not be asked; None where it was and there is no answer.
    """
    return ExpectationValidationResult(
        success=False,
        expectation_config=expectation.configuration,
        exception_info={
            "raised_exception": True,
            "exception_message": why or "it was asked and not answered",
            "exception_traceback": "",
        },
    )


def closed_because(result: RuleResult, why: str) -> RuleResult:
    """The same result, failed for a reason of the gate's own."""
    return replace(result, passed=False, observed=f"{result.observed}; {why}")


def gate_is_open(results: tuple[RuleResult, ...]) -> bool:
    """Law Q2: every rule was checked, and no critical one failed."""
    return all(r.checked and (r.passed or r.severity != "critical") for r in results)


def score_pct(results: tuple[RuleResult, ...]) -> float:
    """Law Q4: the weighted share of the rules that held, in percent."""
    total = sum(r.weight for r in results)
    return round(100 * sum(r.weight for r in results if r.passed) / total, 2) if total else 100.0


def failure_of(found: ExpectationValidationResult, errors: DatabaseErrors) -> Failure | None:
    """Why the rule could not be evaluated; None when it was."""
    raised = _raised(found.exception_info or {})
    if raised is None:
        return None if found.success is not None and found.result else Failure("no result was given", False)
    trace = f"{raised.get('exception_traceback') or ''}\n{raised.get('exception_message') or ''}"
    return errors.failure_in(trace) or Failure(_one_line(str(raised.get("exception_message"))), False)


def without_values(found: ExpectationValidationResult, failure: Failure | None) -> None:
    """Strip a result that is going to be stored of samples, observed texts, SQL and tracebacks."""
    if failure is not None:
        found.exception_info = {
            "raised_exception": True,
            "exception_message": f"could not be checked: {failure.message}",
            "exception_traceback": "",
        }
        found.result = {}
        return
    kept = {key: found.result[key] for key in COUNTS if key in found.result}
    if "observed_value" in found.result:
        value = found.result["observed_value"]
        kept["observed_value"] = value if _is_number(value) else "not kept"
    if "unexpected_count" in kept:
        kept["partial_unexpected_list"] = []
    found.result = kept


def _raised(info: dict[str, Any]) -> dict[str, Any] | None:
    """The first exception of a result, which holds one directly or one per metric."""
    if "raised_exception" in info:
        return info if info["raised_exception"] else None
    return next((each for each in info.values() if each.get("raised_exception")), None)


def _observed(
    counts: dict[str, Any], broken: int | None, failure: Failure | None, usual: Usual | None
) -> str:
    if failure is not None:
        return f"could not be checked: {failure.message}"
    if broken is not None:
        return f"{broken:,} of {counts.get('element_count') or 0:,} rows break it"
    if "details" in counts:
        return "; ".join(counts["details"]) or "as declared"
    value = counts.get("observed_value")
    told = f"observed {_shown(value)}" if _is_number(value) else "observed no number"
    return f"{told}; {usual.sentence}" if usual else told


def _shown(value: Any) -> str:
    return f"{value:,.6g}" if abs(value) < 1_000_000 and value != int(value) else f"{value:,.0f}"


def _number(value: Any) -> float | None:
    return float(value) if _is_number(value) else None


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float | Decimal) and not isinstance(value, bool)


def _columns(kwargs: dict[str, Any]) -> str | None:
    named = [kwargs[key] for key in ("column", "column_A", "column_B") if key in kwargs]
    return ", ".join([*named, *kwargs.get("column_list", [])]) or None


def _one_line(text: str) -> str:
    return text.strip().splitlines()[0][:300] if text.strip() else "no reason was given"
