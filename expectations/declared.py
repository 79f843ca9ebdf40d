"""Rules that follow from a table's declaration in the catalog, judged beside those of its suite (law Q1)."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator

from etl.catalog import SourceTable
from expectations.suites import DECLARED, Rule, Suite

NOT_NULL = "expect_column_values_to_not_be_null"
# What staging adds to the columns of a table.
STAGING_COLUMNS = {"_cursor": "text", "_row": "bigint"}


def declared_rules(table: SourceTable, suite: Suite, absent: Collection[str] = ()) -> tuple[Rule, ...]:
    """The columns and types of the table, and each column that may not be NULL.

    A column whose values the suite demands itself, without tolerance, is not asked for twice. Both kinds are
    cheap: the first reads what the database knows of the table, the others ride the scan of the suite.

    Args:
        absent: Columns that the source lacks, where the table's policy lets that pass (law X12): all NULL.
    """
    stated = {
        rule.kwargs.get("column")
        for rule in suite.rules
        if rule.type == NOT_NULL and set(rule.kwargs) == {"column"}
    }
    given = [
        name
        for name in table.staged_columns
        if not table.may_be_null(name) and name not in stated and name not in absent
    ]
    return (_shape(table), *_given(given))


def _shape(table: SourceTable) -> Rule:
    columns = {name: column.type for name, column in table.staged_columns.items()}
    return Rule(
        name=f"{DECLARED}columns",
        type="expect_columns_to_be_as_declared",
        kwargs={"columns": {**columns, **STAGING_COLUMNS}},
        severity="critical",
        reason="The catalog declares these columns and types; merges name each of them.",
        description="columns and types are those that the catalog declares",
    )


def _given(columns: list[str]) -> Iterator[Rule]:
    names: set[str] = set()
    for column in columns:
        plain = re.sub(r"[^a-z0-9]+", "_", column.lower()).strip("_")
        name = f"{DECLARED}{plain}_is_given"
        # Names that differ only in signs that a rule's name may not have are told apart by number.
        unique = name if name not in names else f"{DECLARED}{plain}_{len(names)}_is_given"
        names.add(unique)
        yield Rule(
            name=unique,
            type=NOT_NULL,
            kwargs={"column": column},
            severity="critical",
            reason="The catalog declares the column with 'nullable: false'.",
            description=f"{column} is given, as the catalog declares",
        )
