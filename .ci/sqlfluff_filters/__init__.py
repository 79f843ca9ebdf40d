"""The filters of our SQL templates, as sqlfluff sees them: any name will do, for it looks at the shape."""

from __future__ import annotations

from typing import Any


def _ident(*_names: Any) -> str:
    return "a_name"


def _idents(_names: Any, alias: str = "", _prefix: str = "") -> str:
    return f"{alias}.a_name" if alias else "a_name"


def _equal(_names: Any, left: str, right: str) -> str:
    return f"{left}.a_name = {right}.a_name"


def _literal(_text: Any) -> str:
    return "'text'"


SQLFLUFF_JINJA_FILTERS = {"ident": _ident, "idents": _idents, "equal": _equal, "literal": _literal}
