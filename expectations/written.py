"""Kwargs of rules as the system of the warehouse understands them: suites hold one text for all systems."""

from __future__ import annotations

from typing import Any

from etl.catalog import SourceTable
from etl.handles import StagedTable
from etl.warehouse.database import Database
from expectations.rules import BUSINESS_RULES
from expectations.suites import Rule


def written_kwargs(
    rule: Rule, database: Database, staged: StagedTable, declared: SourceTable | None
) -> dict[str, Any]:
    """The kwargs with which the system is asked; those of PostgreSQL are the suite's own.

    Raises:
        ValueError: A predicate or a pattern says what this system would read in another way, or a member of
            a set is no value of its column.
    """
    kwargs = dict(rule.kwargs)
    predicate = kwargs.get("predicate") or _named(kwargs)
    if predicate:
        written = database.predicate(predicate, staged.schema, staged.relation)
        kwargs |= {"predicate": written} if written != predicate else {}
    if "regex" in kwargs:
        kwargs["regex"] = database.pattern(kwargs["regex"])
    if "regex_list" in kwargs:
        kwargs["regex_list"] = [database.pattern(pattern) for pattern in kwargs["regex_list"]]
    if isinstance(kwargs.get("as_of"), str):
        kwargs["as_of"] = database.instant(kwargs["as_of"])
    write = {"timestamp": database.instant, "uuid": database.uuid}.get(_type(kwargs.get("column"), declared))
    if "value_set" in kwargs and write is not None:
        kwargs["value_set"] = [write(v) if isinstance(v, str) else v for v in kwargs["value_set"]]
    if isinstance(kwargs.get("columns"), dict):
        kwargs["columns"] = {
            name: " or ".join(sorted(database.reflected_types(kind)))
            for name, kind in kwargs["columns"].items()
        }
    return kwargs


def _named(kwargs: dict[str, Any]) -> str:
    rule = BUSINESS_RULES.get(str(kwargs.get("business_rule")))
    return rule.predicate if rule else ""


def _type(column: str | None, declared: SourceTable | None) -> str:
    known = declared.staged_columns.get(str(column)) if declared else None
    return known.type if known is not None else ""
