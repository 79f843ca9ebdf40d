"""Expression columns: SQL of one row, checked without a database and handed to PostgreSQL as written.

sqlglot tells whether a text is one scalar expression and where in it columns are named. The text itself goes
to PostgreSQL, with the names quoted, so that nothing but PostgreSQL says what it means; what lies
between its words is white space only, so that both read the same words. PostgreSQL refuses what is
not immutable, which is why an expression can neither do anything nor differ from run to run (law R4).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from etl.catalog_types import postgresql_type
from etl.identifiers import quote_postgresql

if TYPE_CHECKING:
    from etl.catalog.tables import Column

_SELECT = "select ("
_BLANKS = " \t\r\n"
_TOLD_BY_THE_SESSION = ("Current", "Session", "Local", "Utc", "Rand", "Uuid")
_VOLATILE = {
    "clock_timestamp", "currval", "gen_random_uuid", "lastval", "nextval", "pg_sleep", "random_normal",
    "set_config", "setseed", "setval", "statement_timestamp", "timeofday", "transaction_timestamp",
    "uuidv4", "uuidv7",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Expression:
    """A checked expression.

    Attributes:
        names: Column and its place in the text, from one offset up to another, in order.
    """

    text: str
    names: tuple[tuple[str, int, int], ...]

    @property
    def columns(self) -> set[str]:
        """Columns that it names."""
        return {name for name, _, _ in self.names}

    def written(self, columns: Mapping[str, str]) -> str:
        """The text with each column as ``columns`` has it."""
        written, place = "", 0
        for name, start, end in self.names:
            written += self.text[place:start] + columns[name]
            place = end
        return written + self.text[place:]


def generated_columns(columns: Mapping[str, Column]) -> dict[str, str]:
    """Each expression column -> its SQL, in which the columns before it stand with their own expressions.

    Raises:
        ValueError: An expression cannot be used; see :func:`parse_expression`.
        KeyError: It names a column that is not there, or one that comes later.
    """
    written = {name: quote_postgresql(name) for name, column in columns.items() if column.expression is None}
    generated: dict[str, str] = {}
    for name, column in columns.items():
        if column.expression is not None:
            generated[name] = parse_expression(column.expression).written(written)
            # PostgreSQL lets no generated column name another.
            written[name] = f"(cast(({generated[name]}) as {postgresql_type(column.type)}))"
    return generated


def parse_expression(text: str) -> Expression:
    """Check that a text is one expression over columns of its own row.

    Raises:
        ValueError: It is something else; says what.
    """
    import sqlglot  # costs 0.2 s, paid where there are expressions
    from sqlglot.errors import ParseError, TokenError

    try:
        _require_only_blanks_between(text, sqlglot.tokenize(text, read="postgres"))
        statements = sqlglot.parse(f"{_SELECT}{text})", read="postgres")
    except ParseError as error:
        raise ValueError(f"is not one SQL expression: {error.errors[0]['description']}") from None
    except TokenError:
        raise ValueError("is not one SQL expression: a quote is not closed") from None
    return Expression(text, _names(_only_projection(statements)))


def _require_only_blanks_between(text: str, tokens: list[Any]) -> None:
    if not tokens:
        raise ValueError("is not one SQL expression: it is empty")
    place = 0
    for token in tokens:
        if text[place : token.start].strip(_BLANKS):
            raise ValueError("must hold no comment and no unusual white space")
        place = token.end + 1
    if text[place:].strip(_BLANKS):
        raise ValueError("must hold no comment and nothing behind its end")


def _only_projection(statements: list[Any]) -> Any:
    from sqlglot import exp

    select = statements[0]
    parts = [name for name, part in select.args.items() if part]
    is_one = len(statements) == 1 and isinstance(select, exp.Select) and parts == ["expressions"]
    if not is_one or len(select.expressions) != 1:
        raise ValueError("must be one expression and nothing beside it")
    return select.expressions[0]


def _names(root: Any) -> tuple[tuple[str, int, int], ...]:
    from sqlglot import exp

    names = []
    for node in root.walk():
        refusal = _refusal(node)
        if refusal:
            raise ValueError(f"may not have {refusal}")
        if isinstance(node, exp.Column):
            identifier = node.this
            name = identifier.name if identifier.quoted else identifier.name.lower()
            start, end = (identifier.meta[side] - len(_SELECT) for side in ("start", "end"))
            names.append((name, start, end + 1))
    return tuple(sorted(names, key=lambda found: found[1]))


def _refusal(node: Any) -> str:
    from sqlglot import exp

    kinds: dict[str, Any] = {
        "a query": exp.Query,
        "an aggregate": (exp.AggFunc, exp.WithinGroup, exp.Filter),
        "a window": exp.Window,
        "a parameter": (exp.Placeholder, exp.Parameter, exp.SessionParameter),
        "a star": exp.Star,
        "a name of its own": exp.Alias,
        "several values": exp.Tuple,
        "a function that makes rows": (exp.UDTF, exp.Explode, exp.ExplodingGenerateSeries),
        "a name with a dot": exp.Dot,
        "a text that is not in plain quotes": (
            exp.ByteString, exp.RawString, exp.UnicodeString, exp.National, exp.Heredoc,
        ),
    }  # fmt: skip
    for what, kind in kinds.items():
        if isinstance(node, kind):
            return what
    if isinstance(node, exp.Column) and (node.table or not isinstance(node.this, exp.Identifier)):
        return "a name with a dot"
    is_volatile = type(node).__name__.startswith(_TOLD_BY_THE_SESSION) or node.name.lower() in _VOLATILE
    if isinstance(node, exp.Func) and is_volatile:
        return f"{node.sql('postgres').lower()}, whose value is not of the row (law R4)"
    return ""
