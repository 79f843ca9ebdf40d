"""What MySQL and MariaDB show of the types of columns.

MariaDB shows integers with a width, and makes a ``json`` column as a ``longtext`` of a collation that no
other column of a warehouse has.
"""

from __future__ import annotations

import re

from etl.catalog_types import MYSQL_TYPES, mysql_key_type, mysql_type

_WIDTHS = {"bigint": 20, "int": 11, "smallint": 6}
_INTEGERS = "|".join(_WIDTHS)
_WITH_WIDTH = re.compile(rf"({_INTEGERS})\(\d+\)")
_DOCUMENT_TYPE, _DOCUMENT_COLLATION = "longtext", "utf8mb4_bin"


def shown_types(column_type: str) -> set[str]:
    """A type of the catalog, also of a column of a key, as ``information_schema.columns`` has it.

    With the width that MariaDB shows and without; of a document as :func:`shown_column` has it.
    """
    types = {_shown(mysql_type(column_type)), _shown(mysql_key_type(column_type))}
    return types | {f"{shown}({_WIDTHS[shown]})" for shown in types if shown in _WIDTHS}


def reflected_types(column_type: str) -> set[str]:
    """The same as SQLAlchemy writes it."""
    types = {re.sub(r"^int\b", "integer", shown) for shown in shown_types(column_type)}
    if column_type == "json":
        types.add(f"{_DOCUMENT_TYPE} character set utf8mb4 collate {_DOCUMENT_COLLATION}")
    return types


def catalog_type(shown: str) -> str | None:
    """The catalog's type for one that is shown so, by :func:`shown_column` or as it is."""
    if re.fullmatch(r"decimal\(\d+,\d+\)", shown):
        return shown
    # What comes first keeps its place: varchar(255) is a text, as varchar(36) is a uuid.
    return next((name for name in MYSQL_TYPES if shown in shown_types(name)), None)


def without_width(shown: str) -> str:
    """A type that is shown, without what MariaDB adds to integers."""
    found = _WITH_WIDTH.fullmatch(shown)
    return found[1] if found else shown


def is_document(shown: str, collation: str | None) -> bool:
    """Whether a column that is shown so holds JSON."""
    return shown == "json" or (shown == _DOCUMENT_TYPE and collation == _DOCUMENT_COLLATION)


def shown_column(alias: str) -> str:
    """SQL of a column's type, without the width of integers, with ``json`` for documents.

    Args:
        alias: Of ``information_schema.columns`` in the statement.
    """
    is_document = (
        f"{alias}.data_type = '{_DOCUMENT_TYPE}' and {alias}.collation_name = '{_DOCUMENT_COLLATION}'"
    )
    has_width = f"{alias}.column_type regexp '^({_INTEGERS})[(][0-9]+[)]$'"
    return (
        f"case when {is_document} then 'json'"
        f" when {has_width} then {alias}.data_type else {alias}.column_type end"
    )


def _shown(written: str) -> str:
    return "tinyint(1)" if written == "boolean" else written
