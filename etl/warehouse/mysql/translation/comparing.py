"""Which values MySQL compares, joins and sorts as PostgreSQL does; all others are refused.

What PostgreSQL has no sign for, a text beside a number, MySQL compares as numbers; and what the two read in
different ways, a document, bytes in quotes, it compares as the texts that they are kept as.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from sqlglot import exp

from etl.warehouse.mysql.translation.kinds import INSTANTS, NUMBERS, columns_of
from etl.warehouse.mysql.translation.writer import Writer

_FAMILIES = {
    **dict.fromkeys(NUMBERS, "a number"),
    **dict.fromkeys(("date", *INSTANTS), "a date or an instant"),
    "interval": "an interval",
    "document": "a document",
    "bytes": "bytes",
}
_NEVER_IN_QUOTES = {"a document", "bytes"}


def require_comparable(writer: Writer, node: Any, *values: Any) -> None:
    """Refuse what is not compared in the same way; rows column by column.

    Raises:
        ValueError: The values are of several families, documents, or of them and nobody knows what.
    """
    if any(isinstance(value, exp.Tuple) for value in values):
        rows = [columns_of(value) for value in values]
        if len({len(row) for row in rows}) > 1:
            raise writer.refused(node, "compares rows of several lengths")
        for column in zip(*rows, strict=True):
            require_comparable(writer, node, *column)
        return
    kinds = [writer.kind(value) for value in values]
    if "document" in kinds and len([kind for kind in kinds if kind != "null"]) > 1:
        raise writer.refused(node, "puts a document beside another value, which MySQL compares as a text")
    require_alike(writer, node, *values)


def require_alike(writer: Writer, node: Any, *values: Any) -> None:
    """Refuse what is not one type to PostgreSQL, such as the values that a column of a result may have.

    Raises:
        ValueError: As above, but for documents; or a day beside an instant needs a time zone.
    """
    kinds = {writer.kind(value) for value in values} - {"null"}
    families = sorted({_FAMILIES.get(kind, f"a {kind}") for kind in kinds if kind not in {None, "word"}})
    if len(families) > 1:
        raise writer.refused(node, f"puts {' beside '.join(families)}; say by casts what they are")
    if "word" in kinds and _NEVER_IN_QUOTES & set(families):
        raise writer.refused(node, f"puts a text in quotes beside {families[0]}, which MySQL reads as it is")
    if None in kinds and "bytes" in kinds:
        raise writer.refused(node, "puts bytes beside a value of which nobody knows the type")
    if kinds & {"date", "local"}:
        writer.require_zone(node, *values)


def require_text(writer: Writer, node: Any, *values: Any) -> None:
    """Refuse patterns of what is no text.

    Raises:
        ValueError: PostgreSQL has no such patterns.
    """
    if not {writer.kind(value) for value in values} <= {"text", "word", "null", None}:
        raise writer.refused(node, "needs a text; cast it to one")


def require_order(writer: Writer, node: Any, values: Iterable[Any]) -> None:
    """Refuse to sort or to tell apart what the servers would by something else.

    Raises:
        ValueError: One is a document.
    """
    if "document" in map(writer.kind, values):
        raise writer.refused(node, "compares documents, which MySQL does by their texts")
