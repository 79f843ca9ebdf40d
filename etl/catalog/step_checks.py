"""What a table's steps and derived columns must agree on, beyond what each says by itself."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from etl.catalog.expressions import parse_expression
from etl.catalog.steps import BinNumbers, CleanText, DropMissing, ParseNumber, StandardizeDate, ValidateEmail
from etl.catalog.tables import SourceTable
from etl.catalog.whole_steps import (
    ConvertCurrency,
    Deduplicate,
    FillFromRows,
    FlagOutliers,
    JoinTable,
    WholeStep,
)

Problem = tuple[tuple[str | int, ...], str]

WHOLE = {"bigint", "integer", "smallint"}
EXACT = WHOLE | {"decimal"}
NUMERIC = EXACT | {"double"}


def table_problems(table: SourceTable) -> Iterator[Problem]:
    """Where the declaration contradicts itself: the place in the file, and what is wrong there."""
    yield from _names_of_row_steps(table)
    yield from _types_of_row_steps(table)
    yield from _cleaned_emails(table)
    yield from _whole_steps(table)
    yield from _dropped_but_compared(table)
    yield from _derived(table)
    yield from _expressions(table)


def join_problems(tables: Mapping[str, SourceTable], table: SourceTable) -> Iterator[str]:
    """Where the table takes columns from another one that cannot give them."""
    for step in table.settle:
        if isinstance(step, JoinTable):
            other = tables.get(step.table)
            problems = _joined(table, step, other) if other else ["which is not a table of the catalog"]
            yield from (f"settle: join_table names {step.table}, {problem}" for problem in problems)


def _joined(table: SourceTable, step: JoinTable, other: SourceTable) -> Iterator[str]:
    if other is table or other.settle:
        yield "which must be another table without 'settle' of its own"
    if other.cursor is not None or other.files is not None or other.parameters:
        yield "which is not read whole in each run: only what changed would be found"
    if set(step.keys.values()) != set(other.grain):
        yield f"whose rows are told apart by {', '.join(other.grain) or 'nothing'}: name these under 'keys'"
    for theirs, own in [*((theirs, own) for own, theirs in step.keys.items()), *step.columns.items()]:
        there, here = other.staged_columns.get(theirs), table.staged_columns.get(own)
        if there is None:
            yield f"which has no column {theirs}"
        elif here is not None and there.type != here.type:
            yield f"whose {theirs} is {there.type}, but {own} is {here.type}"


def _names_of_row_steps(table: SourceTable) -> Iterator[Problem]:
    known = set(table.columns)
    for number, step in enumerate(table.prepare):
        for name in step.reads:
            if name not in known:
                yield (
                    ("prepare", number),
                    f"{step.step} names {name}, which neither the table nor an earlier step has",
                )
        known.update(step.makes)
        yield from _undeclared(table, ("prepare", number), step.step, step.makes)


def _types_of_row_steps(table: SourceTable) -> Iterator[Problem]:
    for number, step in enumerate(table.prepare):
        place = ("prepare", number)
        match step:
            case BinNumbers():
                yield from _types(table, place, {step.column: NUMERIC, step.into: {"text"}})
            case ParseNumber():
                yield from _types(table, place, {step.column: {"text"}, step.into: NUMERIC})
            case StandardizeDate():
                kinds = {"timestamp"} if step.has_time else {"date", "timestamp"}
                yield from _types(table, place, {step.column: {"text"}, step.into: kinds})


def _cleaned_emails(table: SourceTable) -> Iterator[Problem]:
    emails = {step.column for step in table.prepare if isinstance(step, ValidateEmail)}
    for number, step in enumerate(table.prepare):
        both = ", ".join(sorted(emails & set(step.reads)))
        if both and isinstance(step, CleanText) and not step.allow_email:
            yield (
                ("prepare", number),
                f"clean_text names {both}, which validate_email names, too: cleaning changes addresses; "
                "leave it out, or say 'allow_email: true'",
            )


def _whole_steps(table: SourceTable) -> Iterator[Problem]:
    later = [name for step in table.settle for name in step.makes]
    for number, step in enumerate(table.settle):
        place = ("settle", number)
        for name in step.reads:
            if name not in table.staged_columns or name in later:
                yield place, f"{step.step} names {name}, which neither the table nor an earlier step has"
        later = [name for name in later if name not in step.makes]
        yield from _undeclared(table, place, step.step, step.makes)
        yield from _types_of_whole_step(table, place, step)


def _types_of_whole_step(
    table: SourceTable, place: tuple[str | int, ...], step: WholeStep
) -> Iterator[Problem]:
    match step:
        case FillFromRows():
            if step.method != "mode":
                yield from _types(table, place, {step.column: NUMERIC})
            yield from _fillable(table, place, step)
        case FlagOutliers():
            yield from _types(table, place, {step.column: NUMERIC, step.into: {"boolean"}})
        case Deduplicate():
            if not table.grain:
                yield place, "deduplicate needs a 'key': it decides between rows that are equal in 'keep'"
            yield from _types(table, place, {name: {"text"} for name in step.similar})
        case ConvertCurrency():
            wanted = {step.currency: {"text"}, step.at: {"date", "timestamp"}, step.rate_into: {"decimal"}}
            wanted |= dict.fromkeys(step.amounts, EXACT)
            yield from _types(table, place, wanted | {name: {"decimal"} for name in step.amounts.values()})


def _fillable(table: SourceTable, place: tuple[str | int, ...], step: FillFromRows) -> Iterator[Problem]:
    column = table.staged_columns.get(step.column)
    if column is None:
        return
    if column.expression is not None:
        yield place, f"fill_from_rows cannot fill {step.column}, which an expression computes"
    if step.column in (*table.key, *table.grain):
        yield place, f"fill_from_rows cannot fill {step.column}, which identifies rows"
    if not column.nullable:
        yield (
            place,
            f"fill_from_rows finds no NULL in {step.column}: with 'nullable: false' such rows are "
            "rejected before; leave it out",
        )


def _dropped_but_compared(table: SourceTable) -> Iterator[Problem]:
    """Keys are compared after preparation: what it dropped, or an earlier run did, would be read again."""
    steps: list[tuple[tuple[str | int, ...], str]] = [
        (("prepare", number), step.step)
        for number, step in enumerate(table.prepare)
        if isinstance(step, DropMissing)
    ]
    if table.cursor is not None:
        steps += [
            (("settle", number), step.step)
            for number, step in enumerate(table.settle)
            if isinstance(step, Deduplicate)
        ]
    for place, step in steps if table.deletes == "compare" else ():
        yield (
            place,
            f"{step} does not go with 'deletes: compare' here: the comparison of keys would read again what "
            "it drops; have a rule of the suite quarantine such rows, or read the table whole",
        )


def _derived(table: SourceTable) -> Iterator[Problem]:
    prepared = {name for step in table.prepare for name in step.makes}
    later = {name for step in table.settle for name in step.makes}
    for name, column in table.derived.items():
        place = ("derived", name)
        if name in table.columns:
            yield place, "is among the columns as well; give one of them another name"
        ways = [name in prepared, name in later, column.expression is not None]
        if sum(ways) != 1:
            yield place, "must be made by a step or by an expression, and by one of them only"
        if not column.nullable and name not in prepared:
            yield (
                place,
                "'nullable: false' is checked in preparation, and this column is computed later; "
                "a rule of the suite can check it",
            )
    for name, column in table.columns.items():
        if column.expression is not None:
            yield ("columns", name), "'expression' belongs to columns under 'derived'"


def _expressions(table: SourceTable) -> Iterator[Problem]:
    known = {name for name, column in table.staged_columns.items() if column.expression is None}
    for name, column in table.derived.items():
        if column.expression is None:
            continue
        place = ("derived", name, "expression")
        try:
            named = parse_expression(column.expression).columns
        except ValueError as error:
            yield place, str(error)
            continue
        for missing in sorted(named - known):
            is_later = missing in table.derived
            why = "comes later: move it up" if is_later else "is not a column of the table"
            yield place, f"names {missing}, which {why}"
        known.add(name)


def _undeclared(
    table: SourceTable, place: tuple[str | int, ...], step: str, names: tuple[str, ...]
) -> Iterator[Problem]:
    for name in names:
        if name not in table.derived:
            yield place, f"{step} makes {name}, which is not declared under 'derived' with its type"


def _types(
    table: SourceTable, place: tuple[str | int, ...], wanted: dict[str, set[str]]
) -> Iterator[Problem]:
    for name, kinds in wanted.items():
        column = table.staged_columns.get(name)
        if column is not None and column.type.partition("(")[0] not in kinds:
            yield place, f"needs {name} to be {' or '.join(sorted(kinds))}, but it is {column.type}"
