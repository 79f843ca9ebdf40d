"""Writes what sqlglot has read; the ways in which many parts are written."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from sqlglot import exp

from etl.warehouse.mysql.translation.kinds import (
    Kind,
    columns_of,
    common,
    kind_of,
    kind_of_type,
    with_names_of,
)
from etl.warehouse.mysql.translation.words import word_as

Write = Callable[["Writer", Any], str]
# How PostgreSQL has it; what is written says it, too.
_SAID_ANYWAY = (
    *("big_int", "typed", "safe", "coalesce", "ignore_nulls", "is_string", "only_json_types"),
    *("single_replace", "is_left", "over", "_type"),
)
_USUAL = ("this", "expression", "expressions", *_SAID_ANYWAY)
_MORE: dict[type, tuple[str, ...]] = {
    exp.Column: ("table", "db"),
    exp.Between: ("low", "high", "symmetric"),
    exp.In: ("query",),
    exp.Is: ("negate",),
    exp.Like: ("negate",),
    exp.ILike: ("negate",),
    exp.Case: ("ifs", "default"),
    exp.Cast: ("to",),
    exp.Round: ("decimals",),
    exp.Trunc: ("decimals",),
    exp.Trim: ("position",),
    exp.Substring: ("start", "length"),
    exp.StrPosition: ("substr",),
    exp.Replace: ("replacement",),
    exp.Pad: ("fill_pattern",),
    exp.SplitPart: ("delimiter", "part_index"),
    exp.RegexpReplace: ("replacement", "modifiers"),
    exp.Interval: ("unit",),
    exp.TimestampTrunc: ("unit", "zone"),
    exp.AtTimeZone: ("zone",),
    exp.Select: ("with_", "distinct", "from_", "joins", "where", "group", "having", "order", "limit"),
    exp.Union: ("with_", "distinct"),
    exp.CTE: ("alias",),
    exp.Subquery: ("alias",),
    exp.Table: ("db", "alias"),
    exp.Join: ("side", "kind", "on", "using"),
    exp.Ordered: ("desc", "nulls_first"),
    exp.Alias: ("alias",),
    exp.Window: ("partition_by", "order"),
}


class Writer:
    """Writes the parts of one expression, each in brackets where it is made of several.

    Args:
        types: The types of columns of each name.
        writers: What writes the parts of each type.
        is_of_row: It is a column's, whose value must not depend on the time zone of a session.
    """

    def __init__(
        self,
        root: exp.Expression,
        types: Mapping[str, set[str]],
        writers: Mapping[type, Write],
        *,
        is_of_row: bool = False,
    ) -> None:
        self._writers = writers
        self._is_of_row = is_of_row
        kinds = {name: common(map(kind_of_type, each)) for name, each in types.items()}
        self._kinds = with_names_of(root, kinds)

    def write(self, node: Any) -> str:
        """One part.

        Raises:
            ValueError: It would mean something else, or that cannot be told.
        """
        write = self._writers.get(type(node))
        if write is None:
            raise self.refused(node)
        # What a part says and nobody here has thought of is not left out without a word.
        self.only(node, *_USUAL, *_MORE.get(type(node), ()))
        return write(self, node)

    def all(self, nodes: Iterable[Any]) -> str:
        """Several, with commas."""
        return ", ".join(self.write(node) for node in nodes)

    def write_as(self, kind: Kind | None, node: Any) -> str:
        """One part beside another of a kind, which a text in quotes is too then.

        Raises:
            ValueError: The text is no such value.
        """
        text = text_in(node.unnest())
        if text is None:
            return self.write(node)
        try:
            return word_as(kind, text)
        except ValueError as error:
            raise self.refused(node, str(error)) from None

    def write_beside(self, other: Any, node: Any) -> str:
        """One part beside another, each column of a row beside the one at its place.

        Raises:
            ValueError: As above.
        """
        others = columns_of(other)
        if isinstance(node, exp.Tuple) and len(node.expressions) == len(others):
            pairs = zip(others, node.expressions, strict=True)
            return f"({', '.join(self.write_beside(*pair) for pair in pairs)})"
        return self.write_as(self.kind(other), node)

    def kind(self, node: Any) -> Kind | None:
        """What kind of value a part has."""
        return kind_of(node, self._kinds)

    def require_zone(self, node: Any, *values: Any) -> None:
        """Refuse what the calendar says of an instant, where nothing says whose calendar.

        Raises:
            ValueError: One is an instant, and the session's zone would decide.
        """
        if self._is_of_row and "instant" in map(self.kind, values):
            raise self.refused(
                node, "depends on more than the row, the time zone of the session: say at time zone 'UTC'"
            )

    def refused(self, node: Any, why: str = "has no counterpart in MySQL") -> ValueError:
        """The error of a part that cannot be written."""
        text = " ".join(node.sql("postgres", comments=False, normalize_functions=False).split())
        return ValueError(f"{text[:100]} {why}")

    def only(self, node: exp.Expression, *parts: str) -> None:
        """Refuse a part that says more than what is written of it.

        Raises:
            ValueError: It does.
        """
        more = [name for name, value in node.args.items() if value and name not in parts]
        if more:
            raise self.refused(node, f"has no counterpart in MySQL ({', '.join(more)})")


def binary(sign: str) -> Write:
    """Two parts with a sign between them."""

    def write(writer: Writer, node: exp.Binary) -> str:
        left, right = node.this, node.expression
        sides = writer.write_beside(right, left), writer.write_beside(left, right)
        return f"({sides[0]} {sign} {sides[1]})"

    return write


def function(name: str, *parts: str) -> Write:
    """A function whose arguments stand under these names; a list of them under ``expressions``."""

    def write(writer: Writer, node: exp.Expression) -> str:
        writer.only(node, *parts, *_SAID_ANYWAY)
        return f"{name}({', '.join(arguments(writer, node, *parts))})"

    return write


def arguments(writer: Writer, node: exp.Expression, *parts: str) -> list[str]:
    """What stands under these names, each as what they are together."""
    found = [node.args.get(part) for part in parts]
    flat = [each for value in found for each in (value if isinstance(value, list) else [value])]
    values = [value for value in flat if value is not None]
    kind = common(map(writer.kind, values))
    return [writer.write_as(kind, value) for value in values]


def simple(pattern: str) -> Write:
    """A part made of another one, which stands at the braces."""
    return lambda writer, node: pattern.format(writer.write(node.this))


def number_in(node: Any, least: int) -> int | None:
    """A whole number that stands in the text; None where none does, or a smaller one."""
    is_number = isinstance(node, exp.Literal) and not node.is_string and str(node.this).isdigit()
    return int(node.this) if is_number and int(node.this) >= least else None


def text_in(node: Any) -> str | None:
    """A text that stands in the text; None where none does."""
    return str(node.this) if isinstance(node, exp.Literal) and node.is_string else None
