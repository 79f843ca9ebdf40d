"""Whether a table has a column that moves when a row changes; where that is not sure, it is read whole."""

from __future__ import annotations

import re
from datetime import timedelta

from etl.discovery.found import FoundColumn, FoundTable, Inspector
from etl.discovery.names import column_name
from etl.sources.clocks import local_text

_NAMES = re.compile(
    r"(^|_)(updated|modified|changed)($|_)|(^|_)last_?(update|updated|modified|modification|changed|change)($|_)"
    r"|(^|_)(update|modification|change)_(time|timestamp|date|at|ts)$|^(mtime|modtime)$"
)
_NOT_A_CHANGE = re.compile(r"(^|_)by($|_)")
# The clock was read before the rows were.
_GRACE = timedelta(minutes=5)


def find_cursor(inspector: Inspector, table: FoundTable, zone: str) -> str | None:
    """The column of the source that is fit to be the cursor; None where none surely looks so.

    It bears an instant with its second, is never NULL, is set by the database itself or has a name that says
    so, and none of its values lies ahead of the source's clock. Whether an application sets it with every
    change, only its people know.

    Args:
        inspector: A session with the table's database.
        table: The table.
        zone: In which columns without a zone are written.

    Raises:
        SourceError: The table cannot be read.
    """
    if not inspector.sees_sessions or table.kind == "view" or not table.key:
        return None
    candidates = [name for name, column in table.columns.items() if _may_be(name, column)]
    candidates.sort(key=lambda name: not table.columns[name].follows_updates)
    return next((name for name in candidates if _is_past(inspector, table, name, zone)), None)


def _may_be(name: str, column: FoundColumn) -> bool:
    plain = column_name(name, ())
    named = bool(_NAMES.search(plain)) and not _NOT_A_CHANGE.search(plain)
    is_instant = column.source.family in ("timestamp", "timestamptz") and not column.source.nullable
    return is_instant and (named or column.follows_updates)


def _is_past(inspector: Inspector, table: FoundTable, name: str, zone: str) -> bool:
    """Whether all values are instants that the source's clock has reached; not so without rows."""
    column, dialect = table.columns[name].source, inspector.dialect
    reached = local_text(inspector.now + _GRACE, zone if column.family == "timestamp" else "UTC")
    value = dialect.quote(name)
    is_past = f"{value} >= '0001-01-01' and {value} <= {dialect.bound(column, reached)}"
    asked = f"count(*), sum(case when {is_past} then 0 else 1 end)"
    doing = f"{table.full_name}: looking for a cursor"
    relation = dialect.quote(table.schema, table.name)
    ((rows, others),) = inspector.rows(f"select {asked} from {relation}", doing)
    return rows > 0 and not others
