"""Statements and conditions on the rows of an extract; never an OFFSET (laws X2, X3, X5)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from etl.handles import Extract
from etl.sources.relation import Relation


def select(columns: Iterable[str], relation: str, conditions: Sequence[str] = ()) -> str:
    """A select statement out of expressions that are already quoted and bound."""
    where = ["where", "    " + "\n    and ".join(conditions)] if conditions else []
    return "\n".join(["select", "    " + ",\n    ".join(columns), "from", f"    {relation}", *where])


def ends_of(relation: Relation) -> str:
    """Least and greatest value of what ranges are cut over, each the first one that an index finds."""
    value = relation.ranged_sql
    found = select([value], relation.sql, [f"{value} is not null"])
    ends = [f"(\n{found}\norder by {value} {order}\nlimit 1\n)" for order in ("asc", "desc")]
    return "select\n    " + ",\n    ".join(ends)


def extract_conditions(relation: Relation, extract: Extract) -> list[str]:
    """Conditions of one extract: window and key range; a ``keys`` extract looks past the window (law X8)."""
    window = _window(relation, extract) if extract.kind == "rows" else []
    return window + _key_range(relation, extract.key_range)


def _window(relation: Relation, extract: Extract) -> list[str]:
    """``low <= cursor < high`` in the cursor's own type; rows without a cursor by the declared policy."""
    low, high = extract.window.low, extract.window.high
    if relation.cursor is None or (low is None and high is None):
        return []
    expression, bound = relation.cursor_sql, relation.dialect.bound
    bounds = [f"{expression} >= {bound(relation.cursor, low)}"] if low is not None else []
    bounds += [f"{expression} < {bound(relation.cursor, high)}"] if high is not None else []
    if relation.table.null_cursor == "always":
        return [f"(({' and '.join(bounds)}) or {relation.lacks_cursor_sql})"]
    return bounds


def _key_range(relation: Relation, bounds: tuple[str | None, str | None] | None) -> list[str]:
    """Half-open; the first range has the rows in which the column is NULL, too."""
    low, high = bounds or (None, None)
    if relation.ranged is None or (low is None and high is None):
        return []
    column, value, bound = relation.ranged, relation.ranged_sql, relation.dialect.bound
    below = f"{value} < {bound(column, high)}" if high is not None else ""
    if low is None:
        return [f"({below} or {value} is null)"]
    return [f"{value} >= {bound(column, low)}", *([below] if below else [])]
