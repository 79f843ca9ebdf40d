"""The gate: judges staged tables with Great Expectations, pushed down as SQL (laws R1, Q1, Q2, Q4, Q5).

Importing this module costs the import of Great Expectations (4 s, 260 MB): import it inside a function that a
run calls, never at the top of a module that a scheduler imports. ``expectations.suites`` is cheap.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from great_expectations.core import ExpectationSuite, ExpectationValidationResult, RunIdentifier
from great_expectations.core.expectation_validation_result import ExpectationSuiteValidationResult
from great_expectations.core.result_format import ResultFormatUnion
from great_expectations.data_context.data_context.ephemeral_data_context import EphemeralDataContext
from great_expectations.data_context.types.resource_identifiers import (
    ExpectationSuiteIdentifier,
    ValidationResultIdentifier,
)
from great_expectations.datasource.fluent.interfaces import Batch, TestConnectionError
from great_expectations.expectations.expectation import Expectation

from etl.errors import ConfigError, StorehouseError, TransientError
from etl.handles import RuleResult, StagedTable, Verdict
from etl.warehouse.database import Database
from expectations import configurations, verdicts
from expectations.asked import SUITE_ALONE, Asked, Terms, asked_rules
from expectations.blame import rows_to_blame
from expectations.conversion import as_expectation
from expectations.data_docs import build_docs, page_of
from expectations.result_store import docs_dir, folder_name, one_at_a_time, open_context
from expectations.suites import Rule, Suite, load_suites
from expectations.written import written_kwargs

__all__ = ["Judgement", "Terms", "build_docs", "judge", "load_suites"]

SUMMARY = {"result_format": "SUMMARY", "partial_unexpected_count": 0}


@dataclass(frozen=True)
class Judgement:
    """What the gate says, and the rows to blame.

    Attributes:
        failed_rows: Rule name -> sorted ``_row`` values of all rows that break a critical row rule, also of
            rules that hold within their tolerance (law Q2). Where the verdict says that rows could not be
            named, the rule is absent and the gate is closed.
    """

    verdict: Verdict
    failed_rows: dict[str, list[int]] = field(default_factory=dict)


def judge(
    staged: StagedTable,
    database: Database,
    suites_dir: Path,
    state_dir: Path,
    run_id: str,
    terms: Terms = SUITE_ALONE,
) -> Judgement:
    """Judge one staged table by its suite, store the result and name the rows to blame.

    The gate is open when every rule could be checked and no critical one failed. Its page appears at
    ``verdict.docs_path`` with the next :func:`build_docs`. ``verdict.quarantined_count`` counts distinct
    rows in ``failed_rows`` when the gate is open, and is 0 when it is closed, as nothing then moves.

    Args:
        staged: What to judge; the names of its schema need no schema in rules.
        database: Where the staged table is; its URL is given to nobody else (law P2).
        suites_dir: The folder with the suites.
        state_dir: The folder below which results and pages are kept.
        run_id: The run under whose name the result is kept.
        terms: What else the table is held against, such as its declaration and history.

    Raises:
        ConfigError: There is no suite for the table, or a suite is wrong.
        TransientError: The warehouse cannot be reached, or the connection was lost.
    """
    started = time.perf_counter()
    asked = asked_rules(_suite_of(staged.table, suites_dir), staged, terms)
    if not asked.suite.rules:
        verdict = Verdict(staged.table, staged.table, True, (), staged.row_count, 0, 100.0, None, 0.0)
        return Judgement(verdict)
    with one_at_a_time(state_dir):
        context = open_context(state_dir, {"WAREHOUSE": f"{database.driver}://"})
        with _opened_batch(context, database, staged) as questions, configurations.made_once():
            judgement, found = _judge_batch(questions, asked, terms)
        page = _store(context, found, state_dir, run_id)
    seconds = round(time.perf_counter() - started, 3)
    below_docs = page.relative_to(docs_dir(state_dir)).as_posix()
    verdict = replace(judgement.verdict, docs_path=page, docs_page=below_docs, seconds=seconds)
    return replace(judgement, verdict=verdict)


def _suite_of(table: str, suites_dir: Path) -> Suite:
    suites = load_suites(suites_dir)
    if table not in suites:
        raise ConfigError(
            f"There is no suite for the staged table {table} in {suites_dir}.",
            f"Write {table}.yaml there; docs/quality.md says how, and the suites beside it show it.",
        )
    return suites[table]


@contextmanager
def _opened_batch(
    context: EphemeralDataContext, database: Database, staged: StagedTable
) -> Iterator[_Questions]:
    # The library complains of a system that it has a kind of source of its own for and that comes as another.
    sources = context.data_sources
    add_source = sources.add_postgres if database.judged_as == "postgres" else sources.add_sql
    try:
        source = add_source(
            "warehouse",
            connection_string="${WAREHOUSE}",
            create_temp_table=False,
            # The stubs do not know this argument of every SQL data source.
            kwargs={"creator": lambda: database.open_reader(staged.schema)},  # type: ignore[call-arg]
        )
    except TestConnectionError as error:
        raise _explained(database, staged, error.__cause__) from None
    engines = (source.get_engine(), source.get_execution_engine().engine)
    errors = verdicts.DatabaseErrors(database)
    for engine in engines:
        sa.event.listen(engine, "handle_error", lambda about: errors.note(about.original_exception))
    try:
        asset = source.add_table_asset(staged.table, table_name=database.quote(staged.relation))
        batch = asset.add_batch_definition_whole_table("whole").get_batch()
        yield _Questions(batch, staged, database, errors)
    except TestConnectionError as error:
        raise _explained(database, staged, error.__cause__) from None
    except sa.exc.DBAPIError as error:
        raise _explained(database, staged, error) from None
    finally:
        for engine in engines:
            engine.dispose()


def _explained(database: Database, staged: StagedTable, error: BaseException | None) -> StorehouseError:
    cause = error.orig if isinstance(error, sa.exc.DBAPIError) else error
    if isinstance(cause, StorehouseError):
        return cause
    if isinstance(cause, database.errors) and not database.is_lost(cause):
        is_absent = database.refusal_of(cause) in ("wrong", "forbidden")
        return _unreadable(staged) if is_absent else database.explain(cause, "The warehouse")
    return _lost(staged, str(cause))


def _lost(staged: StagedTable, message: str) -> TransientError:
    reason = (message.strip().splitlines() or ["it did not say why"])[0]
    return TransientError(
        f"The gate lost the warehouse while it judged {staged.table} "
        f"({staged.schema}.{staged.relation}): {reason}.",
        "Wait until the warehouse answers; nothing was published. The judgement can be repeated.",
    )


def _unreadable(staged: StagedTable) -> ConfigError:
    return ConfigError(
        f"The staged table {staged.schema}.{staged.relation} of {staged.table} "
        "is not there or may not be read.",
        "Stage the table before it is judged, and let the role of the warehouse URL read the staging schema.",
    )


@dataclass(frozen=True, slots=True)
class _Questions:
    """What is asked of one staged table; a lost connection is an error and no answer."""

    batch: Batch
    staged: StagedTable
    database: Database
    errors: verdicts.DatabaseErrors

    def ask_suite(self, name: str, rules: list[Expectation]) -> ExpectationSuiteValidationResult:
        """All rules in as few scans as there can be."""
        suite = ExpectationSuite(name=name, expectations=rules)
        return self.batch.validate(suite, result_format=SUMMARY)

    def ask_rule(
        self, rule: Expectation, result_format: ResultFormatUnion = SUMMARY
    ) -> ExpectationValidationResult:
        """One rule on its own."""
        found = self.batch.validate(rule, result_format=result_format)
        failure = self.failure_of(found)
        if failure is not None and failure.is_transient:
            raise _lost(self.staged, failure.message)
        return found

    def failure_of(self, found: ExpectationValidationResult) -> verdicts.Failure | None:
        """Why a rule could not be evaluated; None when it was."""
        return verdicts.failure_of(found, self.errors)

    def name_rows(self, rules: dict[str, Expectation]) -> dict[str, list[int]]:
        """Rows that break the rules; none where the database refuses to tell."""
        try:
            return rows_to_blame(self.batch, rules) if rules else {}
        except sa.exc.DBAPIError as error:
            if isinstance(error.orig, Exception) and self.database.is_lost(error.orig):
                raise _lost(self.staged, str(error.orig)) from None
            return {}
        except sa.exc.SQLAlchemyError:
            return {}


def _judge_batch(
    questions: _Questions, asked: Asked, terms: Terms
) -> tuple[Judgement, ExpectationSuiteValidationResult]:
    staged, suite = questions.staged, asked.suite
    kwargs, refused = _written(questions, suite, terms)

    def made(rule: Rule) -> Expectation:
        return as_expectation(suite, rule, kwargs[rule.name])

    expectations = {rule.name: made(rule) for rule in suite.rules}
    found = questions.ask_suite(suite.table, [made(rule) for rule in suite.rules if rule.name not in refused])
    by_rule = {_rule_name(result): result for result in found.results}
    for name, result in by_rule.items():
        # In a shared scan one bad rule fails all of them: ask again, each on its own.
        if questions.failure_of(result) is not None:
            by_rule[name] = questions.ask_rule(expectations[name])
    for name in expectations.keys() - by_rule.keys():
        by_rule[name] = verdicts.unanswered(expectations[name], refused.get(name))
    failures = {name: questions.failure_of(result) for name, result in by_rule.items()}
    results = tuple(
        verdicts.rule_result(
            rule, by_rule[rule.name], failures[rule.name], asked.usual.get(rule.name), not staged.row_count
        )
        for rule in suite.rules
    )
    failed_rows, results = _name_rows(questions, expectations, results, terms.max_failed_rows)
    is_open = verdicts.gate_is_open(results)
    blamed = len({row for rows in failed_rows.values() for row in rows}) if is_open else 0
    score = verdicts.score_pct(results)
    verdict = Verdict(staged.table, suite.table, is_open, results, staged.row_count, blamed, score, None, 0.0)
    for rule in suite.rules:
        verdicts.without_values(by_rule[rule.name], failures[rule.name])
    _retell(found, [by_rule[rule.name] for rule in suite.rules], verdict)
    return Judgement(verdict, failed_rows), found


def _written(
    questions: _Questions, suite: Suite, terms: Terms
) -> tuple[dict[str, dict[str, Any]], dict[str, str]]:
    """The kwargs of each rule for this system; and why some rules cannot be asked of it."""
    kwargs, refused = {}, {}
    for rule in suite.rules:
        try:
            kwargs[rule.name] = written_kwargs(rule, questions.database, questions.staged, terms.declared)
        except ValueError as error:
            kwargs[rule.name] = rule.kwargs
            refused[rule.name] = str(error)
    return kwargs, refused


def _retell(
    found: ExpectationSuiteValidationResult, results: list[ExpectationValidationResult], verdict: Verdict
) -> None:
    """Make the result that is stored say what the verdict says."""
    for result, said in zip(results, verdict.results, strict=True):
        result.success = said.passed
    held = sum(result.passed for result in verdict.results)
    found.results = results
    found.success = verdict.is_open
    found.statistics = {
        "evaluated_expectations": len(results),
        "successful_expectations": held,
        "unsuccessful_expectations": len(results) - held,
        "success_percent": 100 * held / len(results),
    }


def _rule_name(found: ExpectationValidationResult) -> str:
    if found.expectation_config is None:
        raise LookupError("Great Expectations gave a result that belongs to no rule.")
    return str(found.expectation_config.meta["rule"])


def _name_rows(
    questions: _Questions,
    expectations: dict[str, Expectation],
    results: tuple[RuleResult, ...],
    max_failed_rows: int,
) -> tuple[dict[str, list[int]], tuple[RuleResult, ...]]:
    """The rows of every critical row rule, complete; a rule whose rows cannot all be named fails (law Q2)."""
    to_name = [r for r in results if r.severity == "critical" and r.unexpected_count]
    total = sum(r.unexpected_count or 0 for r in to_name)
    failed_rows: dict[str, list[int]] = {}
    too_many = f"with {total:,} in all, more than the {max_failed_rows:,} that may be quarantined"
    can_name = total <= max_failed_rows
    found = questions.name_rows({r.rule: expectations[r.rule] for r in to_name}) if can_name else {}
    closed: dict[str, RuleResult] = {}
    for result in to_name:
        rows = found.get(result.rule, [])
        if len(rows) == result.unexpected_count:
            failed_rows[result.rule] = rows
        else:
            why = f"but {len(rows):,} of them could be named" if can_name else too_many
            closed[result.rule] = verdicts.closed_because(result, why)
    return failed_rows, tuple(closed.get(r.rule, r) for r in results)


def _store(
    context: EphemeralDataContext,
    found: ExpectationSuiteValidationResult,
    state_dir: Path,
    run_id: str,
) -> Path:
    now = datetime.now(UTC)
    run = RunIdentifier(run_name=folder_name(run_id), run_time=now)
    found.meta |= {"run_id": run, "validation_time": now, "validation_id": None, "checkpoint_id": None}
    key = ValidationResultIdentifier(
        expectation_suite_identifier=ExpectationSuiteIdentifier(name=found.suite_name),
        run_id=run,
        batch_identifier=found.batch_id,
    )
    context.validation_results_store.store_validation_results(found, key)
    return page_of(state_dir, key)
