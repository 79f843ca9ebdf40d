"""Columns, numbers, truth values and casts of PostgreSQL's expressions as MySQL writes them."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

from sqlglot import exp

from etl.catalog_types import MAX_MYSQL_DIGITS, MAX_MYSQL_SCALE
from etl.identifiers import quote_mysql
from etl.warehouse.mysql.literals import text_literal
from etl.warehouse.mysql.translation.comparing import require_alike, require_comparable
from etl.warehouse.mysql.translation.kinds import (
    INSTANTS,
    NUMBERS,
    WHOLE,
    Kind,
    common,
    kind_of_cast,
    name_of,
)
from etl.warehouse.mysql.translation.texts import as_text
from etl.warehouse.mysql.translation.writer import Write, Writer, arguments, binary, function, simple

_SIGNS: dict[type, str] = {exp.EQ: "=", exp.NEQ: "<>", exp.GT: ">", exp.GTE: ">=", exp.LT: "<", exp.LTE: "<="}


def _column(writer: Writer, node: exp.Column) -> str:
    if isinstance(node.this, exp.Star):
        raise writer.refused(node)
    return ".".join(quote_mysql(name_of(part)) for part in node.parts)


def _literal(writer: Writer, node: exp.Literal) -> str:
    if node.is_string:
        return text_literal(str(node.this))
    # With an exponent a number would not be exact.
    return format(Decimal(str(node.this)), "f")


def _between(writer: Writer, node: exp.Between) -> str:
    value, ends = node.this, [node.args[end] for end in ("low", "high")]
    require_comparable(writer, node, value, *ends)
    low, high = (writer.write_beside(value, end) for end in ends)
    if node.args.get("symmetric"):
        low, high = f"least({low}, {high})", f"greatest({low}, {high})"
    return f"({_beside_all(writer, ends, value)} between {low} and {high})"


def _in(writer: Writer, node: exp.In) -> str:
    value, query = node.this, node.args.get("query")
    members = node.expressions if query is None else [query]
    require_comparable(writer, node, value, *members)
    written = _beside_all(writer, members, value)
    if query is not None:
        return f"({written} in {writer.write(query)})"
    return f"({written} in ({', '.join(writer.write_beside(value, member) for member in members)}))"


def _beside_all(writer: Writer, others: list[Any], node: Any) -> str:
    """A row beside the first of several; another value beside what they are together."""
    if isinstance(node, exp.Tuple):
        return writer.write_beside(others[0], node)
    return writer.write_as(common(map(writer.kind, others)), node)


def _is(writer: Writer, node: exp.Is) -> str:
    if not isinstance(node.expression, (exp.Null, exp.Boolean)):
        raise writer.refused(node)
    no = "not " if node.args.get("negate") else ""
    return f"({writer.write(node.this)} is {no}{writer.write(node.expression)})"


def _compared(sign: str) -> Write:
    def write(writer: Writer, node: exp.Binary) -> str:
        require_comparable(writer, node, node.this, node.expression)
        return binary(sign)(writer, node)

    return write


def _is_distinct(no: str) -> Write:
    def write(writer: Writer, node: exp.Binary) -> str:
        if isinstance(node.this, exp.Tuple) or isinstance(node.expression, exp.Tuple):
            raise writer.refused(node, "compares rows; compare their columns")
        return f"({no}{_compared('<=>')(writer, node)})"

    return write


def _shifted(writer: Writer, node: exp.Add | exp.Sub) -> str:
    """A sum or a difference, which is another thing of days than of numbers."""
    sign = "+" if isinstance(node, exp.Add) else "-"
    first, second = node.this, node.expression
    if sign == "+" and writer.kind(first) in {*WHOLE, "interval"} and writer.kind(second) not in NUMBERS:
        first, second = second, first
    left, right = writer.kind(first), writer.kind(second)
    if {left, right} <= {*NUMBERS, "null"}:
        return binary(sign)(writer, node)
    if sign == "-" and left == right == "date":
        return f"datediff({writer.write(first)}, {writer.write(second)})"
    if left == "date" and right in WHOLE:
        return f"({writer.write(first)} {sign} interval {writer.write(second)} day)"
    if left in {"date", *INSTANTS} and right == "interval":
        writer.require_zone(node, first)
        # To PostgreSQL the beginning of the day, whatever the interval.
        moment = f"cast({writer.write(first)} as datetime(6))" if left == "date" else writer.write(first)
        return f"({moment} {sign} {writer.write(second)})"
    if left in INSTANTS and right in {"date", *INSTANTS}:
        raise writer.refused(node, "is an interval; write extract(epoch from ...) for its seconds")
    raise writer.refused(node, "may be of dates; say what it is of by casts, or write an interval")


def _multiplied(writer: Writer, node: exp.Mul) -> str:
    if not {writer.kind(node.this), writer.kind(node.expression)} <= {*NUMBERS, "null"}:
        raise writer.refused(node)
    return binary("*")(writer, node)


def _divided(writer: Writer, node: exp.Div) -> str:
    """Of whole numbers PostgreSQL gives a whole number."""
    both = {writer.kind(node.this), writer.kind(node.expression)}
    if both <= WHOLE:
        return binary("div")(writer, node)
    if both & (NUMBERS - WHOLE) and both <= NUMBERS | {"null"}:
        return binary("/")(writer, node)
    raise writer.refused(node, "may be of whole numbers; say what it is of by a cast to numeric")


def _extreme(name: str) -> Write:
    """PostgreSQL's ignore NULL, as long as there is another value."""

    def write(writer: Writer, node: exp.Least | exp.Greatest) -> str:
        require_comparable(writer, node, node.this, *node.expressions)
        values = arguments(writer, node, "this", "expressions")
        if len(values) == 1:
            return values[0]
        turned = (", ".join(values[place:] + values[:place]) for place in range(len(values)))
        return f"{name}({', '.join(f'coalesce({each})' for each in turned)})"

    return write


def _nullif(writer: Writer, node: exp.Nullif) -> str:
    require_comparable(writer, node, node.this, node.expression)
    return function("nullif", "this", "expression")(writer, node)


def _coalesce(writer: Writer, node: exp.Coalesce) -> str:
    require_alike(writer, node, node.this, *node.expressions)
    return function("coalesce", "this", "expressions")(writer, node)


def _power(writer: Writer, node: exp.Pow) -> str:
    """Of exact numbers PostgreSQL's is exact."""
    if not {writer.kind(node.this), writer.kind(node.expression)} <= {*WHOLE, "float", "null"}:
        raise writer.refused(node, "is exact in PostgreSQL alone; cast its numbers to double precision")
    return function("power", "this", "expression")(writer, node)


def _case(writer: Writer, node: exp.Case) -> str:
    value, default, kind = node.this, node.args.get("default"), writer.kind(node)
    cases = [when.this for when in node.args["ifs"]]
    results = [when.args["true"] for when in node.args["ifs"]]
    require_alike(writer, node, *results, *([] if default is None else [default]))
    if value is not None:
        require_comparable(writer, node, value, *cases)
    asked = "boolean" if value is None else writer.kind(value)
    whens = [
        f"when {writer.write_as(asked, case)} then {writer.write_as(kind, result)}"
        for case, result in zip(cases, results, strict=True)
    ]
    otherwise = f" else {writer.write_as(kind, default)}" if default is not None else ""
    beside = "" if value is None else f" {_beside_all(writer, cases, value)}"
    return f"(case{beside} {' '.join(whens)}{otherwise} end)"


def _rounded(name: str, always: str = "") -> Write:
    """Halves of a float go to the even number in PostgreSQL."""

    def write(writer: Writer, node: exp.Round | exp.Trunc) -> str:
        if writer.kind(node.this) not in NUMBERS - ({"float"} if isinstance(node, exp.Round) else set()):
            raise writer.refused(node, "may be of a float; cast it to numeric")
        decimals = node.args.get("decimals")
        digits = writer.write(decimals) if decimals is not None else always
        return f"{name}({writer.write(node.this)}{f', {digits}' if digits else ''})"

    return write


def _cast(writer: Writer, node: exp.Cast) -> str:
    kind, target = writer.kind(node.this), kind_of_cast(node.to)
    if kind == "word" and target in {"boolean", "uuid", *INSTANTS}:
        return writer.write_as(target, node.this.unnest())
    if target != kind and target in {"date", "time", *INSTANTS}:
        writer.require_zone(node, node.this, node)
    write = _CASTS.get(str(target))
    written = write(writer, node, kind) if write else None
    if written is None:
        raise writer.refused(node)
    return written


def _to_whole(writer: Writer, node: exp.Cast, kind: Kind | None) -> str | None:
    # Halves of a float as above.
    if kind not in {*WHOLE, "exact", "numeric", "boolean", "text", "word", "null"}:
        return None
    return f"cast({writer.write(node.this)} as signed)"


def _to_exact(writer: Writer, node: exp.Cast, kind: Kind | None) -> str | None:
    if kind not in NUMBERS | {"text", "word", "null"}:
        return None
    digits = [int(str(part.this)) for part in node.to.expressions]
    if not digits and kind in {"exact", "numeric"}:
        return writer.write(node.this)
    precision, scale = (*digits, 0)[:2] if digits else (MAX_MYSQL_DIGITS, MAX_MYSQL_SCALE)
    return f"cast({writer.write(node.this)} as decimal({precision}, {scale}))"


def _to_float(writer: Writer, node: exp.Cast, kind: Kind | None) -> str | None:
    readable = NUMBERS | {"text", "word", "null"}
    return f"cast({writer.write(node.this)} as double)" if kind in readable else None


def _to_text(writer: Writer, node: exp.Cast, kind: Kind | None) -> str | None:
    text = as_text(writer, node.this)
    length = ", ".join(str(part.this) for part in node.to.expressions)
    return f"left({text}, {length})" if text and length else text


def _to_boolean(writer: Writer, node: exp.Cast, kind: Kind | None) -> str | None:
    if kind in {"boolean", "null"}:
        return writer.write(node.this)
    return f"({writer.write(node.this)} <> 0)" if kind in WHOLE else None


def _to_time(name: str, *kinds: str) -> Callable[[Writer, exp.Cast, Kind | None], str | None]:
    def write(writer: Writer, node: exp.Cast, kind: Kind | None) -> str | None:
        return f"cast({writer.write(node.this)} as {name})" if kind in {*kinds, "word", "null"} else None

    return write


_CASTS: dict[str, Callable[[Writer, exp.Cast, Kind | None], str | None]] = {
    "integer": _to_whole,
    "bigint": _to_whole,
    "exact": _to_exact,
    "numeric": _to_exact,
    "float": _to_float,
    "text": _to_text,
    "boolean": _to_boolean,
    "date": _to_time("date", "date", *INSTANTS),
    "instant": _to_time("datetime(6)", "date", *INSTANTS),
    "local": _to_time("datetime(6)", "date", *INSTANTS),
    "time": _to_time("time(6)", "time", *INSTANTS),
    "document": lambda writer, node, kind: writer.write(node.this) if kind == "document" else None,
    "uuid": lambda writer, node, kind: writer.write(node.this) if kind == "uuid" else None,
}
VALUES: dict[type, Write] = {
    exp.Column: _column,
    exp.Literal: _literal,
    exp.Null: lambda writer, node: "null",
    exp.Boolean: lambda writer, node: "true" if node.this else "false",
    exp.Paren: lambda writer, node: writer.write(node.this),
    exp.Tuple: lambda writer, node: f"({writer.all(node.expressions)})",
    exp.And: binary("and"),
    exp.Or: binary("or"),
    exp.Not: simple("(not {})"),
    exp.Neg: simple("(- {})"),
    **{kind: _compared(sign) for kind, sign in _SIGNS.items()},
    exp.NullSafeEQ: _is_distinct(""),
    exp.NullSafeNEQ: _is_distinct("not "),
    exp.Between: _between,
    exp.In: _in,
    exp.Is: _is,
    exp.Add: _shifted,
    exp.Sub: _shifted,
    exp.Mul: _multiplied,
    exp.Div: _divided,
    exp.Mod: function("mod", "this", "expression"),
    exp.Abs: function("abs", "this"),
    exp.Ceil: function("ceiling", "this"),
    exp.Floor: function("floor", "this"),
    exp.Sign: function("sign", "this"),
    exp.Exp: function("exp", "this"),
    exp.Pow: _power,
    exp.Ln: function("ln", "this"),
    exp.Log: function("log10", "this"),
    exp.Round: _rounded("round"),
    exp.Trunc: _rounded("truncate", always="0"),
    exp.Nullif: _nullif,
    exp.Coalesce: _coalesce,
    exp.Least: _extreme("least"),
    exp.Greatest: _extreme("greatest"),
    exp.Case: _case,
    exp.Cast: _cast,
}
