"""Queries within PostgreSQL's expressions as MySQL writes them."""

from __future__ import annotations

from typing import Any

from sqlglot import exp

from etl.identifiers import quote_mysql
from etl.warehouse.mysql.translation.comparing import require_order
from etl.warehouse.mysql.translation.kinds import name_of
from etl.warehouse.mysql.translation.writer import Write, Writer

_JOINS = {"join", "inner join", "cross join"} | {
    f"{side} {word}" for side in ("left", "right") for word in ("join", "outer join")
}

# What PostgreSQL has no least and greatest of.
_WITHOUT_LEAST = {"boolean", "document", "uuid"}


def _select(writer: Writer, node: exp.Select) -> str:
    distinct = node.args.get("distinct")
    if distinct is not None:
        writer.only(distinct)
        require_order(writer, node, node.expressions)
    parts = [
        _part(writer, node, "with_"),
        f"select {'distinct ' if distinct is not None else ''}{writer.all(node.expressions)}",
        _part(writer, node, "from_"),
        *(writer.write(join) for join in node.args.get("joins") or ()),
        *(_part(writer, node, name) for name in ("where", "group", "having", "order", "limit")),
    ]
    return " ".join(filter(None, parts))


def _part(writer: Writer, node: exp.Expression, name: str) -> str:
    part = node.args.get(name)
    return writer.write(part) if part is not None else ""


def _union(writer: Writer, node: exp.Union) -> str:
    word = "union" if node.args.get("distinct") else "union all"
    if node.args.get("distinct"):
        require_order(writer, node, [*node.this.selects, *node.expression.selects])
    left, right = (_branch(writer, query) for query in (node.this, node.expression))
    return " ".join(filter(None, [_part(writer, node, "with_"), f"{left} {word} {right}"]))


def _branch(writer: Writer, query: exp.Expression) -> str:
    if query.args.get("with_") or query.args.get("order") or query.args.get("limit"):
        raise writer.refused(query, "within a union has no counterpart in MySQL")
    return writer.write(query)


def _with(writer: Writer, node: exp.With) -> str:
    writer.only(node, "expressions")
    return f"with {writer.all(node.expressions)}"


def _common_table(writer: Writer, node: exp.CTE) -> str:
    return f"{_name(writer, node)} as ({writer.write(node.this)})"


def _subquery(writer: Writer, node: exp.Subquery) -> str:
    alias = f" as {_name(writer, node)}" if node.args.get("alias") else ""
    return f"({writer.write(node.this)}){alias}"


def _name(writer: Writer, node: exp.Expression) -> str:
    """The alias of a table; columns of it would need a server that takes them."""
    alias = node.args["alias"]
    writer.only(alias, "this")
    return quote_mysql(name_of(alias.this))


def _table(writer: Writer, node: exp.Table) -> str:
    name = ".".join(quote_mysql(name_of(part)) for part in node.parts)
    return f"{name} as {_name(writer, node)}" if node.args.get("alias") else name


def _join(writer: Writer, node: exp.Join) -> str:
    words = " ".join(filter(None, [node.side.lower(), node.kind.lower(), "join"]))
    if words not in _JOINS:
        # A table after a comma has no words at all.
        raise writer.refused(node)
    on = node.args.get("on")
    require_order(writer, node, map(exp.column, node.args.get("using") or ()))
    using = ", ".join(quote_mysql(name_of(column)) for column in node.args.get("using") or ())
    condition = f" on {writer.write(on)}" if on is not None else f" using ({using})" if using else ""
    return f"{words} {writer.write(node.this)}{condition}"


def _group(writer: Writer, node: exp.Group) -> str:
    writer.only(node, "expressions")
    require_order(writer, node, node.expressions)
    return f"group by {writer.all(node.expressions)}"


def _ordered(writer: Writer, node: exp.Ordered) -> str:
    """PostgreSQL has NULL at the end, MySQL at the beginning."""
    require_order(writer, node, [node.this])
    value, is_falling = writer.write(node.this), bool(node.args.get("desc"))
    nulls = f"{value} is null{' desc' if node.args.get('nulls_first') else ''}"
    return f"{nulls}, {value}{' desc' if is_falling else ''}"


def _aliased(writer: Writer, node: exp.Alias) -> str:
    return f"{writer.write(node.this)} as {quote_mysql(name_of(node.args['alias']))}"


def _window(writer: Writer, node: exp.Window) -> str:
    partition = node.args.get("partition_by")
    require_order(writer, node, partition or ())
    parts = [f"partition by {writer.all(partition)}" if partition else "", _part(writer, node, "order")]
    return f"{writer.write(node.this)} over ({' '.join(filter(None, parts))})"


def _counted(writer: Writer, node: exp.Count) -> str:
    writer.only(node, "this", "big_int")
    return f"count({writer.write(node.this)})"


def _aggregate(name: str) -> Write:
    def write(writer: Writer, node: Any) -> str:
        writer.only(node, "this")
        if isinstance(node, (exp.Min, exp.Max)) and writer.kind(node.this) in _WITHOUT_LEAST:
            raise writer.refused(node)
        return f"{name}({writer.write(node.this)})"

    return write


def _distinct(writer: Writer, node: exp.Distinct) -> str:
    writer.only(node, "expressions")
    if any(isinstance(value, exp.Tuple) for value in node.expressions):
        raise writer.refused(node)
    require_order(writer, node, node.expressions)
    return f"distinct {writer.all(node.expressions)}"


def _filtered(writer: Writer, node: exp.Filter) -> str:
    """An aggregate of some rows is one of all, in which the others are NULL."""
    aggregate, condition = node.this, writer.write(node.expression.this)
    value = aggregate.this
    if isinstance(value, exp.Distinct) or type(aggregate) not in _AGGREGATES:
        raise writer.refused(node)
    counted = "1" if isinstance(value, exp.Star) else writer.write(value)
    return f"{_AGGREGATES[type(aggregate)]}(case when {condition} then {counted} end)"


def _before(word: str) -> Write:
    return lambda writer, node: f"{word} {writer.write(node.this)}"


def _limit(writer: Writer, node: exp.Limit) -> str:
    writer.only(node, "expression")
    return f"limit {writer.write(node.expression)}"


_AGGREGATES: dict[type, str] = {
    exp.Count: "count",
    exp.Sum: "sum",
    exp.Avg: "avg",
    exp.Min: "min",
    exp.Max: "max",
    exp.LogicalAnd: "min",
    exp.LogicalOr: "max",
}
QUERIES: dict[type, Write] = {
    exp.Select: _select,
    exp.Union: _union,
    exp.With: _with,
    exp.CTE: _common_table,
    exp.Subquery: _subquery,
    exp.Table: _table,
    exp.From: _before("from"),
    exp.Join: _join,
    exp.Where: _before("where"),
    exp.Group: _group,
    exp.Having: _before("having"),
    exp.Order: lambda writer, node: f"order by {writer.all(node.expressions)}",
    exp.Ordered: _ordered,
    exp.Limit: _limit,
    exp.Alias: _aliased,
    exp.Star: lambda writer, node: "*",
    exp.Exists: lambda writer, node: f"exists ({writer.write(node.this)})",
    exp.Window: _window,
    exp.RowNumber: lambda writer, node: "row_number()",
    **{kind: _aggregate(name) for kind, name in _AGGREGATES.items()},
    exp.Count: _counted,
    exp.Distinct: _distinct,
    exp.Filter: _filtered,
}
