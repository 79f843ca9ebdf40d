"""What kind of value each part of an expression has, as far as the text and the types of columns tell.

PostgreSQL goes by these kinds where MySQL does not: ``7 / 2`` is 3 there, and a date plus one the next day.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Literal

from sqlglot import exp

# A "numeric" is an "exact" number whose digits after the point each system chooses. A "local" time is a
# timestamp without time zone, as clocks somewhere show it. A "word" is a text in quotes, which becomes
# whatever stands beside it; so does "null". A "uuid" is kept as a text in small letters.
Kind = Literal[
    "integer", "bigint", "exact", "numeric", "float", "text", "boolean", "date", "instant", "local", "time",
    "interval", "document", "bytes", "uuid", "word", "null",
]  # fmt: skip
Kinds = Mapping[str, Kind | None]
WHOLE = {"integer", "bigint"}
NUMBERS = {*WHOLE, "exact", "numeric", "float"}
_WIDTHS = ["integer", "bigint", "exact", "numeric", "float"]
INSTANTS = {"instant", "local"}

_OF_CATALOG: dict[str, Kind] = {
    "smallint": "integer",
    "integer": "integer",
    "bigint": "bigint",
    "double": "float",
    "text": "text",
    "uuid": "uuid",
    "boolean": "boolean",
    "date": "date",
    "timestamp": "instant",
    "time": "time",
    "json": "document",
    "bytes": "bytes",
}
_OF_CASTS: dict[str, Kind] = {
    **dict.fromkeys(("TINYINT", "SMALLINT", "INT"), "integer"),
    "BIGINT": "bigint",
    **dict.fromkeys(("FLOAT", "DOUBLE"), "float"),
    **dict.fromkeys(("TEXT", "VARCHAR"), "text"),
    "BOOLEAN": "boolean",
    "DATE": "date",
    "TIMESTAMPTZ": "instant",
    "TIMESTAMP": "local",
    "TIME": "time",
    "JSONB": "document",
    "UUID": "uuid",
}


def kind_of_type(column_type: str) -> Kind | None:
    """The kind of a column of a type of the catalog; None where it is no such type."""
    return "exact" if column_type.startswith("decimal") else _OF_CATALOG.get(column_type)


def kind_of_cast(target: exp.DataType) -> Kind | None:
    """The kind of what is cast to a type; None for types that are not known here."""
    if target.this.name == "DECIMAL":
        return "exact" if target.expressions else "numeric"
    return _OF_CASTS.get(target.this.name)


def with_names_of(root: exp.Expression, columns: Kinds) -> Kinds:
    """The kinds of columns and of the names that the text gives to values of its own."""
    known: dict[str, Kind | None] = dict(columns)
    given = [(name_of(alias.args["alias"]), alias.this) for alias in root.find_all(exp.Alias)]
    # A name may stand for a value that is made of other names.
    for _ in range(3):
        for name, value in given:
            found = _settled(kind_of(value, known))
            is_other = name in columns and columns[name] != found
            known[name] = None if is_other else found
    return known


def name_of(identifier: Any) -> str:
    """A name as PostgreSQL reads it: small letters unless it is quoted."""
    return str(identifier.this) if identifier.quoted else str(identifier.this).lower()


def kind_of(node: Any, columns: Kinds) -> Kind | None:
    """The kind of a part; None where it cannot be told."""
    if isinstance(node, (exp.Any, exp.All)):  # predicates to sqlglot
        return None
    for kind, types in _FIXED.items():
        if isinstance(node, types):
            return kind
    found = next((find for types, find in _FOUND if isinstance(node, types)), None)
    return found(node, columns) if found else None


def columns_of(node: Any) -> list[Any]:
    """The columns of a row or of a query; none of another value."""
    if isinstance(node, exp.Tuple):
        return list(node.expressions)
    query = node.unnest()
    return list(query.selects) if isinstance(query, exp.Query) else []


def common(kinds: Iterable[Kind | None]) -> Kind | None:
    """What several values are together."""
    found = set(kinds) - {"null"}
    if len(found) > 1:
        found -= {"word"}
    if len(found) <= 1:
        return next(iter(found), "null")
    if None in found or not found <= NUMBERS:
        return None
    return max(found, key=lambda kind: _WIDTHS.index(str(kind)))


def _of_literal(node: exp.Literal, _: Kinds) -> Kind:
    if node.is_string:
        return "word"
    return "integer" if str(node.this).isdigit() else "exact"


def _of_sum(node: exp.Sum, columns: Kinds) -> Kind | None:
    """PostgreSQL adds bigints up to a numeric, so that no sum is too large."""
    kind = kind_of(node.this, columns)
    return {"integer": "bigint", "bigint": "exact"}.get(str(kind), kind)  # type: ignore[return-value]


def _of_shift(node: exp.Expression, columns: Kinds) -> Kind | None:
    """Of a sum or a difference."""
    both = [kind_of(node.this, columns), kind_of(node.expression, columns)]
    if "interval" in both:
        moment = common(set(both) - {"interval"})
        return "local" if moment == "date" else moment
    if isinstance(node, exp.Sub) and both == ["date", "date"]:
        return "integer"
    if "date" in both and set(both) & WHOLE:
        return "date"
    return "interval" if set(both) & INSTANTS else common(both)


def _of_truncated(node: exp.TimestampTrunc, columns: Kinds) -> Kind:
    return "local" if kind_of(node.this, columns) == "local" and not node.args.get("zone") else "instant"


def _of_zoned(node: exp.AtTimeZone, columns: Kinds) -> Kind:
    return "instant" if kind_of(node.this, columns) == "local" else "local"


def _of_quotient(node: exp.Expression, columns: Kinds) -> Kind | None:
    kind = _of_all("this", "expression")(node, columns)
    return "numeric" if kind == "exact" else kind


def _of_round(node: exp.Expression, columns: Kinds) -> Kind | None:
    kind = kind_of(node.this, columns)
    return "numeric" if kind in NUMBERS - {"float"} else kind


def _of_query(node: exp.Expression, columns: Kinds) -> Kind | None:
    """A text in quotes is a text to all that is outside."""
    projections = columns_of(node)
    return _settled(kind_of(projections[0], columns)) if len(projections) == 1 else None


def _of_all(*names: str) -> Callable[[Any, Kinds], Kind | None]:
    """Of what all the values that stand under these names make up together."""

    def found(node: exp.Expression, columns: Kinds) -> Kind | None:
        return common(kind_of(part, columns) for part in _parts(node, names))

    return found


def _of_one_of(*names: str) -> Callable[[Any, Kinds], Kind | None]:
    """Of what is one of these values, each with digits of its own to PostgreSQL."""

    def found(node: exp.Expression, columns: Kinds) -> Kind | None:
        kind = _of_all(*names)(node, columns)
        return "numeric" if kind == "exact" and len(_parts(node, names)) > 1 else _settled(kind)

    return found


def _settled(kind: Kind | None) -> Kind | None:
    """What a text in quotes is once nothing stood beside it."""
    return "text" if kind == "word" else kind


def _of_named(node: exp.Anonymous, _: Kinds) -> Kind | None:
    """Of a function that sqlglot has no type for."""
    return "integer" if node.name.lower() == "octet_length" else None


def _parts(node: exp.Expression, names: Iterable[str]) -> list[Any]:
    values = [node.args.get(name) for name in names]
    parts = [part for value in values for part in (value if isinstance(value, list) else [value])]
    return [part for part in parts if part is not None]


_FIXED: dict[Kind, tuple[Any, ...]] = {
    "null": (exp.Null,),
    "boolean": (
        *(exp.Predicate, exp.Not, exp.And, exp.Or, exp.Boolean, exp.LogicalAnd, exp.LogicalOr, exp.Escape),
        *(exp.RegexpLike, exp.RegexpILike, exp.StartsWith),
    ),
    "interval": (exp.Interval,),
    "bigint": (exp.Count, exp.RowNumber),
    "integer": (exp.Length, exp.StrPosition),
    "numeric": (exp.Avg, exp.Extract),
    "text": (
        *(exp.DPipe, exp.Concat, exp.Lower, exp.Upper, exp.Trim, exp.Pad, exp.MD5, exp.SplitPart),
        *(exp.Left, exp.Right, exp.Substring, exp.Replace, exp.RegexpReplace, exp.JSONExtractScalar),
    ),
    "document": (exp.JSONExtract,),
    "date": (exp.CurrentDate,),
    "instant": (exp.CurrentTimestamp,),
    "float": (exp.Ln, exp.Log, exp.Pow, exp.Exp),
}
_FOUND: tuple[tuple[Any, Callable[[Any, Kinds], Kind | None]], ...] = (
    (exp.Column, lambda node, columns: columns.get(name_of(node.this))),
    (exp.Cast, lambda node, columns: kind_of_cast(node.to)),
    (exp.Literal, _of_literal),
    ((exp.Add, exp.Sub), _of_shift),
    (exp.Mul, _of_all("this", "expression")),
    ((exp.Div, exp.Mod), _of_quotient),
    (exp.Sum, _of_sum),
    (exp.Anonymous, _of_named),
    (exp.TimestampTrunc, _of_truncated),
    (exp.AtTimeZone, _of_zoned),
    ((exp.Round, exp.Trunc, exp.Ceil, exp.Floor), _of_round),
    (exp.Nullif, _of_one_of("this", "expression")),
    ((exp.Coalesce, exp.Least, exp.Greatest), _of_one_of("this", "expressions")),
    (exp.Case, _of_one_of("ifs", "default")),
    (exp.If, _of_all("true")),
    ((exp.Paren, exp.Neg, exp.Abs, exp.Sign, exp.Min, exp.Max), _of_all("this")),
    ((exp.Alias, exp.Filter, exp.Window), _of_all("this")),
    ((exp.Subquery, exp.Select, exp.Union), _of_query),
)
