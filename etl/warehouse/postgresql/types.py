"""What PostgreSQL shows of the types of columns."""

from __future__ import annotations

from etl.catalog_types import POSTGRESQL_TYPES, postgresql_type

# Where it differs from how we write it.
_SHOWN = {"timestamptz": "timestamp with time zone", "time": "time without time zone"}


def shown_type(column_type: str) -> str:
    """A type of the catalog as ``format_type`` shows it."""
    written = postgresql_type(column_type)
    return _SHOWN.get(written, written)


def catalog_type(shown: str) -> str | None:
    """The catalog's type of a column that is shown so; None for one that the grammar lacks."""
    if shown.startswith("numeric("):
        return shown.replace("numeric", "decimal")
    return next((name for name in POSTGRESQL_TYPES if shown_type(name) == shown), None)
