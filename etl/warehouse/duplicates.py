"""Deduplication: rows that mean the same become one, whatever their order (laws R3, F5)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from decimal import Decimal
from itertools import groupby
from operator import itemgetter
from typing import Any

import numpy as np
import numpy.typing as npt
from rapidfuzz.distance import Levenshtein
from rapidfuzz.process import cdist

from etl.catalog import Deduplicate
from etl.errors import ConfigError
from etl.warehouse.step_scope import Effect, StepScope

FETCHED_ROWS = 10_000
STRIPE_ROWS = 256


def deduplicate(scope: StepScope, step: Deduplicate) -> Effect:
    """Keep one row of each cluster of rows that are alike, and fill its gaps where the step says so.

    Raises:
        ConfigError: So many rows agree in the columns of ``match`` that comparing each with each is refused.
    """
    names = _names(scope, step)
    sql = scope.session.render_named("staging/deduplicate.sql", **names)
    scope.session.execute(sql["open"])
    if step.similar:
        _require_small_blocks(scope, step, sql["largest_block"])
        _find_similar(scope, step, sql)
    else:
        scope.session.execute(sql["find_equal"])
    scope.session.execute(sql["rank"])
    scope.session.analyze("", "duplicates_ranked")
    changed = _fill(scope, sql) if step.fill and names["fillable"] else 0
    dropped = scope.number(sql["drop_others"])
    scope.session.execute(sql["close"])
    return Effect(changed=changed, dropped=dropped)


def clusters_of(texts: Sequence[Sequence[str]], limits: Sequence[Decimal]) -> Iterator[list[int]]:
    """Groups of two and more rows that are alike, directly or through others.

    Args:
        texts: Per column the text of each row.
        limits: Per column the least similarity in per cent; alike are rows that reach it in every column.
    """
    roots = list(range(len(texts[0])))
    for left, right in _alike(texts, limits):
        roots[_root(roots, left)] = _root(roots, right)
    members = sorted((_root(roots, row), row) for row in range(len(roots)))
    for _, group in groupby(members, key=itemgetter(0)):
        rows = [row for _, row in group]
        if len(rows) > 1:
            yield rows


def _names(scope: StepScope, step: Deduplicate) -> dict[str, Any]:
    order = [*step.order, *((name, False) for name in scope.table.grain)]
    fixed = {*scope.table.key, *scope.table.grain, *step.match}
    return {
        **scope.names,
        "match": step.match,
        "similar": tuple(step.similar),
        "compared": (*step.match, *step.similar),
        "order": [
            (name, scope.kind_of(name) == "text", "desc" if is_largest_first else "asc")
            for name, is_largest_first in order
        ],
        "fillable": [
            name
            for name, column in scope.table.staged_columns.items()
            if column.expression is None and name not in fixed
        ],
    }


def _fill(scope: StepScope, sql: dict[str, str]) -> int:
    scope.session.execute(sql["find_fills"])
    filled = scope.number(sql["count_fills"])
    scope.session.execute(sql["fill"])
    return filled


def _require_small_blocks(scope: StepScope, step: Deduplicate, statement: str) -> None:
    largest = scope.number(statement)
    if largest > step.max_block:
        raise ConfigError(
            f"{scope.staged.table}: deduplicate: {largest} rows agree in {', '.join(step.match)}, and "
            f"each would be compared with each; at most {step.max_block} are.",
            "Name more columns under 'match', such as a postal code or the first letters of a name; "
            "or raise 'max_block'.",
        )


def _find_similar(scope: StepScope, step: Deduplicate, sql: dict[str, str]) -> None:
    limits = list(step.similar.values())
    pairs: list[tuple[int, int]] = []
    for block in _blocks(scope, sql["blocks"]):
        numbers = [row[1] for row in block]
        texts = list(zip(*(row[2:] for row in block), strict=True))
        for rows in clusters_of(texts, limits):
            pairs += [(numbers[row], numbers[rows[0]]) for row in rows]
        if len(pairs) >= FETCHED_ROWS:
            _keep(scope, pairs)
            pairs = []
    _keep(scope, pairs)


def _blocks(scope: StepScope, statement: str) -> Iterator[list[tuple[Any, ...]]]:
    """Rows that agree in the columns of ``match``, block by block, as the server streams them (law X13)."""
    for _, rows in groupby(scope.session.stream(statement), key=itemgetter(0)):
        yield list(rows)


def _keep(scope: StepScope, pairs: Iterable[tuple[int, int]]) -> None:
    scope.session.insert(
        scope.session.database.temporary("duplicates_found"), ("row_number", "cluster"), pairs
    )


def _alike(texts: Sequence[Sequence[str]], limits: Sequence[Decimal]) -> Iterator[tuple[int, int]]:
    """Pairs of rows that are alike, found stripe by stripe in memory of one stripe (law X13)."""
    row_count = len(texts[0])
    for start in range(0, row_count, STRIPE_ROWS):
        stripe = slice(start, start + STRIPE_ROWS)
        similar = [_similar(column, limit, stripe) for column, limit in zip(texts, limits, strict=True)]
        for row, other in zip(*np.nonzero(np.logical_and.reduce(similar)), strict=True):
            if other > start + row:
                yield start + int(row), int(other)


def _similar(texts: Sequence[str], limit: Decimal, stripe: slice) -> npt.NDArray[np.bool_]:
    """1 - distance / length of the longer text >= limit, in whole numbers, so that a limit is met exactly."""
    lengths = np.array([len(text) for text in texts])
    allowed = np.array([int(length * (100 - limit) // 100) for length in range(int(lengths.max()) + 1)])
    distances = cdist(texts[stripe], texts, scorer=Levenshtein.distance, dtype=np.int32)
    similar: npt.NDArray[np.bool_] = distances <= allowed[np.maximum.outer(lengths[stripe], lengths)]
    return similar


def _root(roots: list[int], row: int) -> int:
    while roots[row] != row:
        roots[row] = roots[roots[row]]
        row = roots[row]
    return row
